"""Working on cases: events, notices, who may what, two at once, the same step twice."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.models import AuditEvent
from api.audit.service import OPERATOR, Actor
from api.cases.clocks import Policy
from api.cases.departments import add_rule
from api.cases.desk import By, perform
from api.cases.models import Case
from api.cases.schemas import Accept, CaseAction, CaseActor, CaseEventKind, ClockKind
from api.db import Database
from api.messages.models import Delivery
from api.messages.schemas import CaseUpdated, NoticeKind
from api.messages.service import PAYLOAD
from api.settings import Settings
from api.staff.schemas import StaffRole
from tests.api.calls import PNG, call, upload
from tests.api.desk import ADMIN, COLLEAGUE, OFFICER, OPINION, RELATIVE, RESIDENT, STRANGER, VIEWER, Desk


async def notices(desk: Desk, chat_id: int = RESIDENT) -> list[dict[str, Any]]:
    async with desk.factory.database.transaction() as session:
        rows = await session.scalars(select(Delivery).where(Delivery.chat_id == chat_id).order_by(Delivery.id))
        return [desk.factory.vault.open_json(PAYLOAD, row.payload) for row in rows if row.payload is not None]


# --- from receipt to the end ---


async def test_a_complaint_on_its_way(desk: Desk, database: Database) -> None:
    number = await desk.file()
    await desk.act(number, "register")
    await desk.act(number, "assign", department_id=desk.department, officer_id=desk.officer, text="请尽快。")
    await desk.act(number, "accept", text="已经安排人员上门。")
    await desk.act(number, "start")
    await desk.act(number, "ask", text="哪一间漏水？")
    asked = await desk.case(number)
    assert CaseAction.REPLY in asked.allowed
    assert ClockKind.RESIDENT_ANSWER in {clock.kind for clock in asked.clocks}
    photo = await upload(desk.api, RESIDENT, filename="厨房.png")
    await desk.say(number, "reply", text="厨房。", attachment_ids=[photo["id"]])
    await desk.act(number, "extend", days=20, text="要做检测。", approved_by="编造局长")
    opinion = await desk.upload()
    await desk.act(number, "answer", **OPINION, attachment_ids=[opinion])
    await desk.say(number, "rate", rating=4, solved=True, text="来得快。")
    await desk.act(number, "close")

    case = await desk.case(number)
    assert (case.state, case.outcome, case.rating, case.solved, case.department) == (
        "closed",
        "supported",
        4,
        True,
        "住建局",
    )
    assert [(event.kind, event.by, event.text) for event in case.events] == [
        ("received", "resident", ""),
        ("registered", "officer", ""),
        # The office's own note is not for the resident.
        ("assigned", "officer", ""),
        ("accepted", "officer", "已经安排人员上门。"),
        ("started", "officer", ""),
        ("asked", "officer", "哪一间漏水？"),
        ("replied", "resident", "厨房。"),
        ("extended", "officer", "要做检测。"),
        ("answered", "officer", "九月底前修好。"),
        ("rated", "resident", "来得快。"),
        ("closed", "officer", ""),
    ]
    by_kind = {event.kind: event for event in case.events}
    assert by_kind[CaseEventKind.REPLIED].attachment_ids == [photo["id"]]
    assert by_kind[CaseEventKind.ANSWERED].attachment_ids == [opinion]
    assert by_kind[CaseEventKind.EXTENDED].days == 20
    assert [file.filename for file in case.attachments] == ["厨房.png", "答复意见书.png"]
    assert {clock.kind for clock in case.clocks} == {"review_request", "reopen"}
    assert case.registered_at is not None
    assert case.accepted_at is not None
    assert case.registered_at < case.accepted_at

    page = await desk.page(number)
    notes = {event.kind: event for event in page.events}
    assert notes[CaseEventKind.ASSIGNED].text == "请尽快。"
    assert (notes[CaseEventKind.ASSIGNED].actor, notes[CaseEventKind.ASSIGNED].officer) == ("接访甲", "接访甲")
    assert notes[CaseEventKind.EXTENDED].approved_by == "编造局长"

    told = await notices(desk)
    assert [notice["news"] for notice in told] == ["assigned", "accepted", "asked", "extended", "answered", "closed"]
    answered = CaseUpdated.model_validate(told[4])
    assert (answered.outcome, answered.text) == ("supported", "九月底前修好。")
    assert [file.id for file in answered.attachments] == [opinion]
    assert {clock.kind for clock in answered.clocks} == {"review_request", "reopen"}
    assert [notice["news"] for notice in await notices(desk, OFFICER)] == ["replied"]
    # Nothing that anybody wrote stands open in the database.
    async with database.reading() as reader:
        stored = (await reader.execute(text("SELECT string_agg(case_events::text, '') FROM case_events"))).scalar_one()
    for said in ("厨房", "检测", "局长", "上门"):
        assert said not in stored
        assert said.encode().hex() not in stored


async def test_a_review_and_a_second_one(desk: Desk) -> None:
    number = await desk.to("final")
    case = await desk.case(number)
    assert (case.clocks, case.allowed) == ([], ["rate"])
    assert case.outcome == "explained"
    kinds = [event.kind for event in case.events]
    assert kinds[-4:] == [
        "review_requested",
        "review_answered",
        "second_review_requested",
        "second_review_answered",
    ]


async def test_after_a_review_the_way_is_the_second_one(desk: Desk) -> None:
    number = await desk.to("review")
    await desk.act(number, "review_answer", chat=COLLEAGUE, **OPINION)
    case = await desk.case(number)
    assert (case.state, case.allowed) == ("answered", ["request_second_review", "rate"])
    assert [clock.kind for clock in case.clocks] == ["second_review_request"]


async def test_nobody_decides_the_review_of_an_own_answer(desk: Desk) -> None:
    number = await desk.to("assigned")
    await desk.act(number, "claim")
    await desk.act(number, "accept")
    await desk.act(number, "answer", **OPINION)
    await desk.say(number, "request_review", text="不同意。")
    # It is nobody's, and the whole department hears of it.
    page = await desk.page(number)
    assert (page.officer, page.department) == (None, "住建局")
    assert [notice["news"] for notice in await notices(desk, COLLEAGUE)][-1] == "review_requested"
    assert {"review_answer", "claim"}.isdisjoint(page.allowed)
    for action, fields in (("review_answer", OPINION), ("claim", {})):
        refused = await desk.act(number, action, 403, **fields)
        assert refused["code"] == "own_answer"
    await desk.act(number, "assign", 422, chat=COLLEAGUE, officer_id=desk.officer)
    assert (await desk.page(number)).version == page.version
    await desk.act(number, "review_answer", chat=COLLEAGUE, **OPINION)
    await desk.say(number, "request_second_review", text="还是不同意。")
    for chat in (OFFICER, COLLEAGUE):
        assert (await desk.act(number, "second_review_answer", 403, chat=chat, **OPINION))["code"] == "own_answer"
    await desk.act(number, "second_review_answer", chat=ADMIN, **OPINION)


async def test_where_there_is_one_officer_the_administrator_reviews_unless_the_answer_was_theirs(desk: Desk) -> None:
    for answers, decides in ((OFFICER, ADMIN), (ADMIN, OFFICER)):
        number = await desk.to("accepted")
        await desk.act(number, "answer", chat=answers, **OPINION)
        await desk.say(number, "request_review", text="不同意。")
        assert (await desk.act(number, "review_answer", 403, chat=answers, **OPINION))["code"] == "own_answer"
        await desk.act(number, "review_answer", chat=decides, **OPINION)


async def test_after_another_answer_the_former_ones_giver_may_review_it(desk: Desk) -> None:
    number = await desk.to("answered")
    await desk.say(number, "reopen", text="没修好。")
    await desk.act(number, "answer", chat=COLLEAGUE, **OPINION)
    await desk.say(number, "request_review", text="不同意。")
    await desk.act(number, "review_answer", 403, chat=COLLEAGUE, **OPINION)
    await desk.act(number, "review_answer", **OPINION)


async def test_the_rules_give_a_review_to_somebody_else(desk: Desk) -> None:
    async with desk.factory.database.transaction() as session:
        await add_rule(session, OPERATOR, desk.department)
    number = await desk.to("answered")
    await desk.say(number, "request_review", text="不同意。")
    # The one with the fewest cases would be the one that gave the answer.
    await desk.act(number, "assign", chat=COLLEAGUE)
    assert (await desk.page(number)).officer == "接访乙"


async def test_a_reopened_case_has_its_time_anew_and_is_rated_anew(desk: Desk) -> None:
    number = await desk.to("closed")
    await desk.say(number, "rate", rating=1, solved=False)
    await desk.say(number, "reopen", text="没修好。")
    case = await desk.case(number)
    assert (case.state, [clock.kind for clock in case.clocks]) == ("in_progress", ["answer"])
    await desk.act(number, "extend", days=5, text="配件没到。", approved_by="编造局长")
    await desk.act(number, "answer", outcome="explained", text="换好了。")
    case = await desk.case(number)
    assert (case.outcome, case.rating, case.solved) == ("explained", None, None)


async def test_supervision_lies_over_the_state(desk: Desk) -> None:
    number = await desk.to("in_progress")
    await desk.act(number, "supervise", chat=ADMIN, text="本周内。")
    page = await desk.page(number)
    assert (page.state, page.supervised) == ("in_progress", True)
    assert (await desk.case(number)).supervised
    assert [case.number for case in (await desk.queue(supervised=True)).cases] == [number]
    assert (await notices(desk))[-1]["news"] == "supervised"
    assert (await notices(desk))[-1]["text"] == ""
    refused = await desk.act(number, "supervise", 409, chat=ADMIN)
    assert "unsupervise" in refused["details"]["allowed"]
    await desk.act(number, "unsupervise", chat=ADMIN)
    assert not (await desk.page(number)).supervised


# --- who may ---


async def test_an_officer_acts_for_the_own_department(desk: Desk, database: Database) -> None:
    chief = await desk.account(600100220, StaffRole.CASE_OFFICER, name="街道负责人")
    other = await desk.add_department("街道办", chief, supervisor=chief)
    number = await desk.to("transferred")
    await desk.act(number, "transfer", department_id=other)
    assert (await desk.page(number)).allowed == []
    refused = await desk.act(number, "accept", 403)
    assert refused["code"] == "not_allowed"
    theirs = await desk.page(number, chat=600100220)
    assert {"accept", "supervise", "object"} <= {*theirs.allowed}
    await desk.act(number, "supervise", chat=600100220)
    assert [event.by for event in (await desk.page(number)).events][-1] == CaseActor.SUPERVISOR
    # Who was given it acts on it, wherever the account belongs.
    async with database.transaction() as session:
        await session.execute(text("UPDATE cases SET officer_id = :id"), {"id": desk.officer})
    assert "accept" in (await desk.page(number)).allowed


async def test_the_petitions_office_itself_acts_on_every_case(desk: Desk) -> None:
    await desk.account(600100221, StaffRole.CASE_OFFICER)
    number = await desk.to("transferred")
    await desk.act(number, "accept", chat=600100221)


async def test_roles(desk: Desk, api: aiohttp.ClientSession) -> None:
    number = await desk.file()
    assert (await desk.page(number, chat=VIEWER)).allowed == []
    body = {"step": {"action": "register"}, "version": 1}
    headers = {"Idempotency-Key": "act-roles"}
    for chat in (VIEWER, RESIDENT):
        await call(api, "POST", f"/v1/staff/{chat}/cases/{number}/actions", 403, json=body, headers=headers)
    for path in ("cases", f"cases/{number}", f"cases/{number}/route", "departments", f"cases/{number}/attachments/1"):
        assert (await call(api, "GET", f"/v1/staff/{RESIDENT}/{path}", 403))["code"] == "not_allowed"
    await upload(api, VIEWER, PNG, 403, path=f"/v1/staff/{VIEWER}/attachments")
    for path in ("cases/2026-999999", "cases/x"):
        await call(api, "GET", f"/v1/staff/{OFFICER}/{path}", 404)


async def test_an_extension_needs_an_approval(desk: Desk) -> None:
    number = await desk.to("accepted")
    late: dict[str, Any] = {"days": 31, "text": "要做检测。"}
    assert (await desk.act(number, "extend", 422, **late, approved_by="编造局长"))["code"] == "invalid_input"
    refused = await desk.act(number, "extend", 422, days=30, text="要做检测。")
    assert refused["details"]["fields"][0]["at"] == ["body", "step", "approved_by"]
    await desk.act(number, "extend", chat=ADMIN, days=30, text="要做检测。")
    assert "extend" not in (await desk.page(number, chat=ADMIN)).allowed


@pytest.mark.parametrize(
    ("state", "action", "fields"),
    [
        ("accepted", "extend", {"days": 20, "approved_by": "编造局长"}),
        ("registered", "refuse", {}),
        ("accepted", "divert", {"procedure": "litigation"}),
        ("assigned", "object", {}),
    ],
)
async def test_a_reason_is_given_in_words(desk: Desk, state: str, action: str, fields: dict[str, Any]) -> None:
    number = await desk.to(state)
    before = await desk.page(number)
    for said in ("20", "……", "1. 2. 3.", "好", "👍👍"):
        refused = await desk.act(number, action, 422, text=said, **fields)
        assert refused["details"]["fields"] == [{"at": ["body", "step", "text"], "expected": "A reason in words"}]
    assert await desk.page(number) == before
    await desk.act(number, action, text="缺件", **fields)


async def test_only_the_chat_that_filed_it_acts(desk: Desk) -> None:
    await desk.factory.link(RELATIVE, desk.agreement)
    number = await desk.to("answered")
    for chat in (RELATIVE, STRANGER, OFFICER):
        for action in ("reopen", "request_review"):
            assert (await desk.say(number, action, 404, chat=chat, text="…"))["code"] == "not_found"
    async with desk.factory.database.transaction() as session:
        await session.execute(text("UPDATE links SET revoked_at = now() WHERE chat_id = :c"), {"c": RESIDENT})
    await desk.say(number, "reopen", 404, text="…")


async def test_a_resident_cannot_take_the_office_s_steps(desk: Desk) -> None:
    number = await desk.file()
    for action in ("register", "accept", "close", "nonsense"):
        assert (await desk.say(number, action, 422))["code"] == "invalid_input"


# --- giving a case to somebody ---


async def test_assigning(desk: Desk) -> None:
    number = await desk.to("registered")
    outsider = await desk.account(600100230, StaffRole.CASE_OFFICER)
    await desk.act(number, "assign", 404, department_id=desk.department, officer_id=outsider)
    await desk.act(number, "assign", 404, department_id=999)
    await desk.act(number, "assign", 422, officer_id=desk.officer)
    refused = await desk.act(number, "assign", 409)
    assert refused["code"] == "no_route"
    await desk.act(number, "assign", department_id=desk.department, officer_id=desk.colleague)
    assert (await desk.page(number)).officer == "接访乙"
    assert [notice["news"] for notice in await notices(desk, COLLEAGUE)] == ["given"]
    # To another officer of the same department: nothing that the resident needs to know.
    before = await notices(desk)
    await desk.act(number, "assign", officer_id=desk.officer)
    assert await notices(desk) == before
    assert ClockKind.JURISDICTION_OBJECTION in {clock.kind for clock in (await desk.page(number)).clocks}


async def test_objecting_sends_it_back(desk: Desk) -> None:
    number = await desk.to("assigned")
    await desk.act(number, "claim")
    await desk.act(number, "object", text="不归我们管。")
    page = await desk.page(number)
    assert (page.state, page.department, page.officer) == ("registered", None, None)
    assert [clock.kind for clock in page.clocks] == ["acceptance_notice"]
    assert "不归我们管" not in (await desk.case(number)).model_dump_json()
    await desk.act(number, "accept")
    # The family does not read who sent it back, nor that it is still there.
    shown = [(event.kind, event.department, event.handled_by) for event in (await desk.case(number)).events]
    assert shown[-3:] == [("registered", None, None), ("assigned", "住建局", None), ("accepted", None, None)]
    assert (await desk.case(number)).department is None


async def test_transferring_to_where_it_is_is_refused(desk: Desk) -> None:
    number = await desk.to("transferred")
    await desk.act(number, "transfer", 422, department_id=desk.department)


# --- at once, and twice ---


async def test_of_two_officers_at_once_one_wins(desk: Desk) -> None:
    number = await desk.to("assigned")
    version = (await desk.page(number)).version

    async def press(chat: int) -> tuple[int, Any]:
        async with desk.api.post(
            f"/v1/staff/{chat}/cases/{number}/actions",
            json={"step": {"action": "claim"}, "version": version},
            headers={"Idempotency-Key": f"claim-by-{chat}"},
        ) as response:
            return response.status, await response.json()

    answers = await asyncio.gather(*(press(chat) for chat in (OFFICER, COLLEAGUE) for _ in range(3)))
    won = [answer for status, answer in answers if status == 200]
    lost = [answer for status, answer in answers if status != 200]
    # The winner pressed three times, and each time it was done.
    assert len(won) == len(lost) == 3
    assert {answer["officer"] for answer in won} == {won[0]["officer"]}
    for answer in lost:
        assert answer["code"] == "case_changed"
        assert {**answer["details"], "happened_at": ""} == {
            "version": version + 1,
            "state": "assigned",
            "event": "claimed",
            "by": "officer",
            "happened_at": "",
        }
        assert "接访" not in str(answer)
    kinds = [event.kind for event in (await desk.page(number)).events]
    assert kinds.count(CaseEventKind.CLAIMED) == 1


async def test_an_old_page_is_refused_before_anything_else(desk: Desk) -> None:
    number = await desk.to("registered")
    old = (await desk.page(number)).version
    await desk.act(number, "accept")
    before = await desk.page(number)
    for action in ("accept", "start", "register"):
        assert (await desk.act(number, action, 409, version=old))["code"] == "case_changed"
    assert await desk.page(number) == before


async def test_a_step_that_arrives_twice_is_taken_once(desk: Desk, database: Database) -> None:
    number = await desk.to("registered")
    version = (await desk.page(number)).version
    first = await desk.act(number, "accept", key="the-same-key", version=version)
    assert await desk.act(number, "accept", key="the-same-key", version=version) == first
    photo = await upload(desk.api, RESIDENT)
    said: dict[str, Any] = {"text": "又漏了。", "attachment_ids": [photo["id"]]}
    added = await desk.say(number, "add", key="the-same-key", **said)
    assert await desk.say(number, "add", key="the-same-key", **said) == added
    many = await asyncio.gather(*(desk.say(number, "add", key="at-once-key", text="一次。") for _ in range(6)))
    assert all(answer == many[0] for answer in many)
    assert [event.kind for event in (await desk.case(number)).events].count(CaseEventKind.ADDED) == 2
    assert [notice["news"] for notice in await notices(desk)] == ["accepted"]
    async with database.reading() as reader:
        recorded = select(func.count()).select_from(AuditEvent).where(AuditEvent.action == "case.added")
        assert (await reader.execute(recorded)).scalar_one() == 2


async def test_what_is_passed_on_twice_is_passed_on_once(desk: Desk) -> None:
    """The answer got lost: who asks again is told that it was done, though the case is not theirs any more."""
    chief = await desk.account(600100222, StaffRole.CASE_OFFICER)
    other = await desk.add_department("街道办", chief)
    number = await desk.to("assigned")
    version = (await desk.page(number)).version
    passed_on: dict[str, Any] = {"department_id": other, "key": "passed-on-once", "version": version}
    first = await desk.act(number, "transfer", **passed_on)
    assert await desk.act(number, "transfer", **passed_on) == first
    assert (first["department"], first["allowed"]) == ("街道办", [])
    # The key is the officer's own.
    assert (await desk.act(number, "transfer", 403, chat=COLLEAGUE, **passed_on))["code"] == "not_allowed"
    await desk.act(number, "accept", 403, version=version + 1)


async def test_a_step_and_its_notice_stand_or_fall_together(desk: Desk, database: Database, settings: Settings) -> None:
    number = await desk.to("registered")
    before = await desk.page(number)
    async with AsyncSession(database.engine) as session, session.begin() as transaction:
        case_id = await session.scalar(select(Case.id).where(Case.number == number))
        assert case_id is not None
        by = By(Actor.staff(desk.officer), CaseActor.OFFICER)
        step = Accept(action=CaseAction.ACCEPT)
        await perform(session, desk.factory.vault, Policy.of(settings), by, case_id, step, datetime.now(UTC))
        assert await session.scalar(select(func.count()).select_from(Delivery)) == 1
        # As when anything fails after the step.
        await transaction.rollback()
    assert await desk.page(number) == before
    assert await notices(desk) == []
    # The other way round: what cannot be told is not done.
    owner = await database.connect()
    await owner.execute("ALTER TABLE deliveries ADD CONSTRAINT full_up CHECK (kind <> 'case_updated') NOT VALID")
    async with desk.api.post(
        f"/v1/staff/{OFFICER}/cases/{number}/actions",
        json={"step": {"action": "accept"}, "version": before.version},
        headers={"Idempotency-Key": "cannot-be-told"},
    ) as response:
        assert response.status == 500
    await owner.close()
    assert await desk.page(number) == before


async def test_files_are_free_once(desk: Desk) -> None:
    number = await desk.to("accepted")
    mine = await upload(desk.api, RESIDENT)
    theirs = await desk.upload()
    await desk.say(number, "add", 404, attachment_ids=[theirs])
    await desk.act(number, "answer", 404, outcome="supported", attachment_ids=[mine["id"]])
    await desk.say(number, "add", attachment_ids=[mine["id"]])
    await desk.say(number, "add", 404, attachment_ids=[mine["id"]])
    await desk.say(number, "add", 422)
    await desk.act(number, "answer", 422, outcome="supported", text=" ")
    assert (await desk.page(number)).state == "accepted"


async def test_files_on_their_way_back(desk: Desk, api: aiohttp.ClientSession) -> None:
    photo = await upload(api, RESIDENT, filename="厨房.png")
    number = await desk.file(attachment_ids=[photo["id"]])
    await desk.factory.link(RELATIVE, desk.agreement)
    for path in (f"chats/{RESIDENT}", f"staff/{VIEWER}"):
        async with api.get(f"/v1/{path}/cases/{number}/attachments/{photo['id']}") as response:
            assert response.status == 200
            assert await response.read() == PNG
            assert response.content_type == "application/octet-stream"
            assert response.headers["Content-Length"] == str(len(PNG))
    other = await desk.file()
    for who, case in ((f"chats/{RELATIVE}", number), (f"chats/{RESIDENT}", other), (f"staff/{VIEWER}", other)):
        await call(api, "GET", f"/v1/{who}/cases/{case}/attachments/{photo['id']}", 404)


# --- telling ---


async def test_who_no_longer_sees_the_agreement_is_not_told(desk: Desk, database: Database) -> None:
    await desk.to("accepted")
    async with database.transaction() as session:
        (row,) = await session.scalars(select(Delivery).where(Delivery.kind == NoticeKind.CASE_UPDATED))
        assert (row.chat_id, row.agreement_id) == (RESIDENT, desk.agreement.id)


async def test_a_withdrawal_reaches_the_officer(desk: Desk) -> None:
    number = await desk.to("assigned")
    await desk.act(number, "claim")
    await desk.say(number, "withdraw", text="已经解决了。")
    assert [notice["news"] for notice in await notices(desk, OFFICER)] == ["withdrawn"]
    assert (await desk.queue()).cases == []


@pytest.mark.parametrize("number", ["%00", "2026-000001%00", "２０２６-000001", "-1"])
async def test_a_number_that_no_case_can_have_is_no_case(desk: Desk, number: str) -> None:
    await desk.file()
    for path in ("", "/route", "/attachments/1"):
        await call(desk.api, "GET", f"/v1/staff/{OFFICER}/cases/{number}{path}", 404)
    await call(desk.api, "GET", f"/v1/chats/{RESIDENT}/cases/{number}/attachments/1", 404)
    found = await call(desk.api, "GET", f"/v1/staff/{OFFICER}/cases?number={number}")
    assert found["cases"] == []
