"""The table of the lifecycle: what it says of itself, and that the API does what it says."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.cases.clocks import CLOCKS, Owed
from api.cases.diagram import DOCUMENT, document
from api.cases.lifecycle import ALL_CLOCKS, DUTY, OPEN, TABLE
from api.cases.lifecycle_rows import When
from api.cases.models import Case
from api.cases.schemas import CaseAction, CaseActor, CaseEventKind, CaseState, ClockKind, ResidentAction, StaffAction
from api.cases.transitions import Standing, allowed, apply, find
from api.errors import NotAllowedNow
from api.staff.schemas import StaffRole
from tests.api.desk import ROADS, STRANGER, Desk

TODAY = date(2026, 11, 23)
REVIEWER = 600100290
EVERYBODY = (CaseActor.RESIDENT, CaseActor.OFFICER, CaseActor.SUPERVISOR, CaseActor.SYSTEM)


def standing(state: CaseState, **values: Any) -> Standing:
    """With the clocks of the state, and every right and question open."""
    kinds = [kind for kind, clock in CLOCKS.items() if clock.owed is Owed.TO_RESIDENT or DUTY.get(state) is kind]
    kinds.append(ClockKind.JURISDICTION_OBJECTION)
    return Standing(state, TODAY, dict.fromkeys(kinds, TODAY), **values)


def test_every_action_and_every_state_is_in_the_table() -> None:
    assert {row.action for row in TABLE} == set(CaseAction)
    assert {row.event for row in TABLE} == set(CaseEventKind) - {CaseEventKind.OVERDUE}
    assert {row.target for row in TABLE} - {None} == set(CaseState)
    reached = {row.target for row in TABLE if not row.sources}
    while more := {row.target for row in TABLE if reached & {*row.sources}} - reached - {None}:
        reached |= more
    assert reached == set(CaseState)


def test_a_row_says_one_thing() -> None:
    seen = set()
    for row in TABLE:
        for state in row.sources:
            assert (row.action, state) not in seen, f"two rows for {row.action} of {state}"
            seen.add((row.action, state))
    by_event: dict[CaseEventKind, set[tuple[CaseAction, bool]]] = {}
    for row in TABLE:
        by_event.setdefault(row.event, set()).add((row.action, row.shows_text))
    assert all(len(said) == 1 for said in by_event.values())


def test_each_action_has_a_body() -> None:
    """What people can send, and what only the filing itself does."""
    sent: dict[CaseActor, set[Any]] = {}
    for who, union in ((CaseActor.RESIDENT, ResidentAction), (CaseActor.OFFICER, StaffAction)):
        models = union.__args__[0].__args__
        sent[who] = {model.model_fields["action"].annotation.__args__[0] for model in models}
    wanted = {who: {row.action for row in TABLE if who in row.by} for who in sent}
    supervisors = {row.action for row in TABLE if row.by == (CaseActor.SUPERVISOR,)}
    assert sent[CaseActor.RESIDENT] == wanted[CaseActor.RESIDENT] - {CaseAction.RECEIVE}
    assert sent[CaseActor.OFFICER] == wanted[CaseActor.OFFICER] | supervisors


@pytest.mark.parametrize("state", CaseState)
def test_no_step_loses_the_clock_of_the_regulations(state: CaseState) -> None:
    """Whatever row is taken: afterwards exactly the clock of the new state runs, of those that the office must keep."""
    for taken in (True, False):
        for supervised in (True, False):
            now = standing(state, taken=taken, supervised=supervised)
            for row in TABLE:
                if state not in row.sources:
                    continue
                for again in (True, False):
                    step = apply(now, row, moved=True, again=again)
                    running = {*now.clocks} - {*step.stops} | {*step.starts}
                    duties = running & {*DUTY.values()}
                    assert duties == ({DUTY[step.state]} if step.state in DUTY else set()), row


def test_what_is_open_is_due() -> None:
    assert {*OPEN} == {*DUTY}


def test_what_ends_a_case_stops_all_that_the_office_owes() -> None:
    for row in TABLE:
        if row.target in (CaseState.NOT_ACCEPTED, CaseState.DIVERTED, CaseState.WITHDRAWN, CaseState.FINAL):
            assert row.stops == ALL_CLOCKS


def test_a_right_is_gone_after_its_last_day_and_a_late_reply_is_still_one() -> None:
    answered = standing(CaseState.ANSWERED)
    late = Standing(CaseState.ANSWERED, TODAY + timedelta(days=1), answered.clocks)
    for action in (CaseAction.REOPEN, CaseAction.REQUEST_REVIEW, CaseAction.REQUEST_SECOND_REVIEW):
        assert find(answered, action, CaseActor.RESIDENT).action is action
        with pytest.raises(NotAllowedNow) as refused:
            find(late, action, CaseActor.RESIDENT)
        assert refused.value.details == {"allowed": [CaseAction.RATE], "state": CaseState.ANSWERED}
    asked = standing(CaseState.IN_PROGRESS)
    assert CaseAction.REPLY in allowed(Standing(asked.state, TODAY + timedelta(days=9), asked.clocks), EVERYBODY[0])
    assert CaseAction.REPLY not in allowed(Standing(asked.state, TODAY), CaseActor.RESIDENT)


def test_closing_renews_the_right_to_reopen_only_while_there_is_one() -> None:
    (row,) = (row for row in TABLE if row.action is CaseAction.CLOSE)
    clocks = {ClockKind.REVIEW_REQUEST: TODAY, ClockKind.REOPEN: TODAY}
    assert apply(Standing(CaseState.ANSWERED, TODAY, clocks), row).starts == (ClockKind.REOPEN,)
    assert apply(Standing(CaseState.ANSWERED, TODAY + timedelta(days=1), clocks), row).starts == ()
    assert apply(Standing(CaseState.ANSWERED, TODAY), row).starts == ()


def test_what_the_office_decides_is_told() -> None:
    """Each step after which the resident must do something, or may, or has less time or more."""
    for row in TABLE:
        if CaseActor.RESIDENT not in row.by and row.target not in (None, CaseState.REGISTERED, CaseState.IN_PROGRESS):
            assert row.tells is not When.NEVER, row.action


def test_the_diagram_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == document(DOCUMENT.read_text()), "python -m api.cases.diagram"


# --- the API does what the table says ---


def body(action: CaseAction, department: int, collective: tuple[str, int]) -> dict[str, Any]:
    given: dict[CaseAction, dict[str, Any]] = {
        CaseAction.REFUSE: {"text": "请找街道办。"},
        CaseAction.DIVERT: {"procedure": "arbitration", "text": "请找仲裁委。"},
        CaseAction.ASSIGN: {"department_id": department},
        CaseAction.TRANSFER: {"department_id": department},
        CaseAction.OBJECT: {"text": "不归我们管。"},
        CaseAction.ASK: {"text": "哪一间漏水？"},
        CaseAction.EXTEND: {"days": 15, "text": "要做检测。", "approved_by": "编造局长"},
        CaseAction.ADD: {"text": "又漏了。"},
        CaseAction.REPLY: {"text": "厨房。"},
        CaseAction.REOPEN: {"text": "没修好。"},
        CaseAction.REQUEST_REVIEW: {"text": "不同意。"},
        CaseAction.REQUEST_SECOND_REVIEW: {"text": "还是不同意。"},
        CaseAction.JOIN: {"collective_id": collective[1]},
        CaseAction.MERGE: {"master": collective[0]},
        CaseAction.PUBLISH: {"text": "楼道漏水。"},
        CaseAction.RATE: {"rating": 2, "text": "太慢。", "solved": False},
    }
    opinion = {"outcome": "not_supported", "text": "没有依据。"}
    given |= dict.fromkeys((CaseAction.ANSWER, CaseAction.REVIEW_ANSWER, CaseAction.SECOND_REVIEW_ANSWER), opinion)
    return given.get(action, {})


async def offered_by_a_neighbour(desk: Desk) -> tuple[str, int]:
    """Number and id of a case that families of the building may join."""
    agreement = await desk.factory.agreement(units=[await desk.factory.unit()])
    await desk.factory.link(STRANGER, agreement)
    number = await desk.file(chat=STRANGER, agreement_id=agreement.id)
    await desk.act(number, "publish", text="楼道漏水。")
    async with desk.factory.database.transaction() as session:
        return number, (await session.scalars(select(Case.id).where(Case.number == number))).one()


@pytest.mark.long
@pytest.mark.parametrize("state", ROADS)
async def test_each_action_in_each_state(desk: Desk, state: str) -> None:
    """Allowed ones lead where the table says, the others are refused, told what is allowed, and change nothing."""
    other = await desk.add_department("街道办", desk.officer)
    collective = await offered_by_a_neighbour(desk)
    # Of the petitions office itself: has answered nothing, so may also decide reviews.
    await desk.account(REVIEWER, StaffRole.CASE_OFFICER)
    number = ""
    for action in CaseAction:
        if action is CaseAction.RECEIVE:
            continue
        rows = [row for row in TABLE if row.action is action]
        is_resident = rows[0].by == (CaseActor.RESIDENT,)
        # What is refused leaves the case as it was, for the next.
        number = number or await desk.to(state)
        before = await desk.page(number, chat=REVIEWER)
        mine = await desk.case(number)
        possible = action in (mine.allowed if is_resident else before.allowed)
        supervises = rows[0].by == (CaseActor.SUPERVISOR,)
        status = 200 if possible else 409
        if not possible and supervises and any(CaseState(state) in row.sources for row in rows):
            # What only a supervisor may do is refused to an officer where it would be possible.
            status = 409 if action is CaseAction.UNSUPERVISE else 403
        fields = body(action, other, collective)
        if is_resident:
            answer = await desk.say(number, action, status, **fields)
        else:
            answer = await desk.act(number, action, status, chat=REVIEWER, **fields)
        after = await desk.page(number, chat=REVIEWER)
        if status == 200:
            row = next(row for row in rows if CaseState(state) in row.sources)
            assert after.state == (row.target or before.state)
            assert after.version == before.version + 1
            assert [event.kind for event in after.events] == [*(event.kind for event in before.events), row.event]
        else:
            assert after == before
            if status == 409:
                assert answer["code"] == "not_allowed_now"
                assert answer["details"]["state"] == state
                assert answer["details"]["allowed"] == [*(mine.allowed if is_resident else before.allowed)]
        duty = DUTY.get(after.state)
        running = {clock.kind for clock in after.clocks} & {*DUTY.values()}
        assert running == ({duty} if duty else set())
        if status == 200:
            number = ""
