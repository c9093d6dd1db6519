"""Anything that anybody does with a case, in any order and over any time, against the real desk and PostgreSQL.

No clock is lost, no event is without an actor, and what is not allowed changes nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pydantic import TypeAdapter
from sqlalchemy import func, select

from api.audit.service import SYSTEM, Actor
from api.cases.clocks import Policy
from api.cases.desk import By, perform
from api.cases.lifecycle import DUTY, TABLE
from api.cases.lifecycle_rows import Transition, When
from api.cases.models import Case, CaseClock, CaseEvent
from api.cases.schemas import AnyAction, CaseAction, CaseActor, CaseEventKind, CaseIn, CaseState, ClockKind
from api.cases.service import file_case
from api.cases.sweep import sweep_overdue
from api.errors import NotAllowed, NotAllowedNow, OwnAnswer
from api.messages.models import Delivery
from api.messages.schemas import NoticeKind
from api.settings import Settings
from tests.api.desk import RELATIVE, RESIDENT, Desk

T = TypeVar("T")
ACTION: TypeAdapter[Any] = TypeAdapter(AnyAction)
OPINION = {"outcome": "explained", "text": "答复。"}
FIELDS: dict[CaseAction, dict[str, Any]] = {
    CaseAction.REFUSE: {"text": "请找街道办。"},
    CaseAction.DIVERT: {"procedure": "litigation", "text": "请找法院。"},
    CaseAction.OBJECT: {"text": "不归我们管。"},
    CaseAction.ASK: {"text": "哪一间？"},
    CaseAction.REPLY: {"text": "厨房。"},
    CaseAction.ADD: {"text": "又漏了。"},
    CaseAction.EXTEND: {"text": "要做检测。", "days": 20, "approved_by": "编造局长"},
    CaseAction.ANSWER: OPINION,
    CaseAction.REVIEW_ANSWER: OPINION,
    CaseAction.SECOND_REVIEW_ANSWER: OPINION,
    CaseAction.REOPEN: {"text": "没修好。"},
    CaseAction.REQUEST_REVIEW: {"text": "不同意。"},
    CaseAction.REQUEST_SECOND_REVIEW: {"text": "还是不同意。"},
    CaseAction.RATE: {"rating": 3},
    CaseAction.PUBLISH: {"text": "楼道漏水。"},
}
DEAD_ENDS = (CaseState.NOT_ACCEPTED, CaseState.DIVERTED, CaseState.WITHDRAWN)
STEPS = [action for action in CaseAction if action is not CaseAction.RECEIVE]


@dataclass(frozen=True)
class Seen:
    """All that the database holds of the case."""

    case: dict[str, Any]
    events: list[dict[str, Any]]
    clocks: list[dict[str, Any]]
    told: int

    @property
    def running(self) -> dict[ClockKind, dict[str, Any]]:
        return {clock["kind"]: clock for clock in self.clocks if clock["stopped_at"] is None}


def _columns(row: Any) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in type(row).__table__.columns}


class Machine(RuleBasedStateMachine):
    """Set before it is run: where it works."""

    desk: Desk
    other_department: int
    collective: Case
    """Another case, open and offered to the building."""
    policy: Policy
    loop: asyncio.AbstractEventLoop
    files = 0
    reached: set[CaseState]

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    # --- what is done ---

    @initialize()
    def file(self) -> None:
        Machine.files += 1
        self.now = datetime(2026, 11, 23, 2, tzinfo=UTC)
        self.steps = 1
        self.case_id = self.wait(self._file())
        self.seen = self.wait(self._look())

    async def _file(self) -> int:
        complaint = CaseIn.model_validate(
            {"category": "quality", "agreement_id": self.desk.agreement.id, "text": "厨房漏水。"}
        )
        async with self.desk.factory.database.transaction() as session:
            filed, _ = await file_case(
                session,
                self.desk.factory.vault,
                RESIDENT,
                complaint,
                f"file-{Machine.files:06}",
                self.now,
                self.policy.zone,
            )
            case_id = await session.scalar(select(Case.id).where(Case.number == filed["number"]))
            assert case_id is not None
            return case_id

    @rule(action=st.sampled_from(STEPS), who=st.sampled_from(CaseActor), moves=st.booleans())
    def anything(self, action: CaseAction, who: CaseActor, moves: bool) -> None:
        self._take(action, who, moves)

    @rule(pick=st.sampled_from(TABLE), who=st.integers(0, 2), moves=st.booleans())
    def something_possible(self, pick: Transition, who: int, moves: bool) -> None:
        """Most of what comes to mind is refused; this is not."""
        self._take_one_of(lambda row: True, pick, who, moves)

    @rule(pick=st.sampled_from(TABLE), moves=st.booleans())
    def something_that_leads_on(self, pick: Transition, moves: bool) -> None:
        """Nor does it end the case early, or leave it where it is."""
        self._take_one_of(lambda row: row.target not in (None, *DEAD_ENDS), pick, 0, moves)

    def _take_one_of(self, fits: Callable[[Transition], bool], pick: Transition, who: int, moves: bool) -> None:
        possible = [row for row in TABLE if self.seen.case["state"] in row.sources and self._fits(row) and fits(row)]
        if possible:
            row = possible[TABLE.index(pick) % len(possible)]
            self._take(row.action, row.by[who % len(row.by)], moves)

    @rule(days=st.sampled_from([1, 5, 16, 31]))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.wait(self._sweep())
        self.seen = self.wait(self._look())

    def _take(self, action: CaseAction, who: CaseActor, moves: bool) -> None:
        self.now += timedelta(minutes=1)
        before = self.seen
        possible = [
            row for row in TABLE if row.action is action and before.case["state"] in row.sources and self._fits(row)
        ]
        failure = self.wait(self._perform(action, who, moves, before))
        after = self.seen = self.wait(self._look())
        if not possible:
            assert isinstance(failure, NotAllowedNow), (action, who, failure)
            assert action not in failure.details["allowed"]
        elif who not in possible[0].by:
            assert isinstance(failure, NotAllowed), (action, who, failure)
        elif possible[0].by_others and self._actor(who, before).id in self._gave(before):
            assert isinstance(failure, OwnAnswer), (action, who, failure)
        if failure is not None:
            assert after == before
            return
        (row,) = possible
        assert who in row.by
        self.steps += 1
        assert after.case["state"] == (row.target or before.case["state"])
        assert after.case["version"] == before.case["version"] + 1
        *earlier, event = after.events
        assert earlier == before.events
        assert (event["kind"], event["acted_as"], event["from_state"], event["to_state"]) == (
            row.event,
            who,
            before.case["state"],
            after.case["state"],
        )
        moved = after.case["department_id"] != before.case["department_id"]
        tells = who is not CaseActor.RESIDENT and (row.tells is When.ALWAYS or (row.tells is When.MOVED and moved))
        assert after.told == before.told + tells

    def _fits(self, row: Transition) -> bool:
        """The conditions of a row, said once more in other words than the table's own."""
        seen, running, today = self.seen, self.seen.running, self.policy.day(self.now)
        return (
            (row.within is None or (row.within in running and running[row.within]["last_day"] >= today))
            and (row.while_running is None or row.while_running in running)
            and (row.taken is None or row.taken == (seen.case["officer_id"] is not None))
            and (row.supervised is None or row.supervised == (seen.case["supervised_at"] is not None))
            and (row.member is None or row.member == (seen.case["master_id"] is not None))
            and (row.published is None or row.published == (seen.case["published_at"] is not None))
            and not row.following
        )

    async def _perform(self, action: CaseAction, who: CaseActor, moves: bool, before: Seen) -> Exception | None:
        department = self.desk.department
        if moves or (action is CaseAction.TRANSFER and before.case["department_id"] == department):
            department = self.other_department
        if action is CaseAction.TRANSFER and before.case["department_id"] == department:
            department = self.desk.department
        own: dict[str, Any] = {}
        match action:
            case CaseAction.ASSIGN | CaseAction.TRANSFER:
                own = {"department_id": department}
            case CaseAction.JOIN:
                own = {"collective_id": self.collective.id}
            case CaseAction.MERGE:
                own = {"master": self.collective.number}
        fields = ACTION.validate_python({"action": action} | FIELDS.get(action, {}) | own)
        by = By(self._actor(who, before), who, RESIDENT if who is CaseActor.RESIDENT else None)
        try:
            async with self.desk.factory.database.transaction() as session:
                await perform(session, self.desk.factory.vault, self.policy, by, self.case_id, fields, self.now)
        except (NotAllowed, NotAllowedNow, OwnAnswer) as failure:
            return failure
        return None

    def _actor(self, who: CaseActor, before: Seen) -> Actor:
        if who is CaseActor.SUPERVISOR and self.desk.colleague in self._gave(before):
            return Actor.staff(self.desk.admin)
        return {
            CaseActor.RESIDENT: Actor.chat(RESIDENT),
            CaseActor.OFFICER: Actor.staff(self.desk.officer),
            CaseActor.SUPERVISOR: Actor.staff(self.desk.colleague),
            CaseActor.SYSTEM: SYSTEM,
        }[who]

    @staticmethod
    def _gave(seen: Seen) -> set[int]:
        """Who gave the answer that stands, and once that was reviewed also who did that."""
        by = {event["kind"]: event["actor_id"] for event in seen.events}
        kinds = [CaseEventKind.ANSWERED]
        if seen.case["state"] is CaseState.SECOND_REVIEW:
            kinds.append(CaseEventKind.REVIEW_ANSWERED)
        return {by[kind] for kind in kinds if kind in by}

    async def _sweep(self) -> None:
        async with self.desk.factory.database.transaction() as session:
            await sweep_overdue(session, self.desk.factory.vault, self.policy.day(self.now), self.now)

    async def _look(self) -> Seen:
        async with self.desk.factory.database.transaction() as session:
            case = await session.get_one(Case, self.case_id)
            events = await session.scalars(select(CaseEvent).filter_by(case_id=case.id).order_by(CaseEvent.id))
            clocks = await session.scalars(select(CaseClock).filter_by(case_id=case.id).order_by(CaseClock.id))
            told = await session.scalar(
                select(func.count()).select_from(Delivery).where(Delivery.kind == NoticeKind.CASE_UPDATED)
            )
            return Seen(_columns(case), [_columns(e) for e in events], [_columns(c) for c in clocks], told or 0)

    # --- what must hold ---

    @invariant()
    def no_clock_is_lost(self) -> None:
        seen = self.seen
        state = seen.case["state"]
        Machine.reached.add(state)
        duties = {*seen.running} & {*DUTY.values()}
        assert duties == ({DUTY[state]} if state in DUTY else set())
        assert len(seen.running) == sum(clock["stopped_at"] is None for clock in seen.clocks)
        due_on = seen.running[DUTY[state]]["last_day"] if state in DUTY else None
        assert seen.case["due_on"] == due_on
        for clock in seen.clocks:
            assert clock["last_day"] > clock["started_on"]
        assert (seen.case["raised_at"] is not None) <= (due_on is not None and due_on < self.policy.day(self.now))

    @invariant()
    def no_body_makes_the_family_wait_anew(self) -> None:
        """For word of whether it is accepted: 15 days from receipt, and of the body that it is first passed on to 15
        more. However often it is sent back and forth after that, the days run on."""
        starts = [clock["started_on"] for clock in self.seen.clocks if clock["kind"] is ClockKind.ACCEPTANCE_NOTICE]
        passed_on = [
            self.policy.day(event["happened_at"])
            for event in self.seen.events
            if event["kind"] is CaseEventKind.TRANSFERRED and event["from_state"] is CaseState.REGISTERED
        ]
        assert starts[1:] in ([], passed_on[:1])

    @rule()
    def back_and_forth(self) -> None:
        """It takes luck to come about otherwise."""
        for action in (CaseAction.REGISTER, CaseAction.TRANSFER, CaseAction.OBJECT, CaseAction.TRANSFER):
            self._take(action, CaseActor.OFFICER, moves=True)

    @invariant()
    def no_event_is_without_an_actor(self) -> None:
        seen = self.seen
        steps = [event for event in seen.events if event["kind"] is not CaseEventKind.OVERDUE]
        assert len(steps) == self.steps == seen.case["version"]
        for event in seen.events:
            assert event["acted_as"] is CaseActor.SYSTEM or event["actor_id"] is not None
        # Each begins where the one before ended.
        for earlier, later in zip(seen.events, seen.events[1:], strict=False):
            assert later["from_state"] == earlier["to_state"]
        assert seen.events[-1]["to_state"] == seen.case["state"]


async def _offered(desk: Desk) -> Case:
    await desk.factory.link(RELATIVE, desk.agreement)
    number = await desk.file(chat=RELATIVE)
    await desk.act(number, "register")
    await desk.act(number, "publish", text="楼道漏水。")
    async with desk.factory.database.transaction() as session:
        return (await session.scalars(select(Case).where(Case.number == number))).one()


@pytest.mark.long
async def test_anything_in_any_order(desk: Desk, settings: Settings) -> None:
    Machine.desk, Machine.policy = desk, Policy.of(settings)
    Machine.other_department = await desk.add_department("街道办", desk.officer)
    Machine.collective = await _offered(desk)
    Machine.loop, Machine.reached = asyncio.get_running_loop(), set()
    await asyncio.to_thread(run_state_machine_as_test, Machine, settings=SETTINGS)
    # It came about: a run that stays in the first states shows nothing.
    assert len(Machine.reached) >= 10


SETTINGS = settings(max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=[*HealthCheck])
