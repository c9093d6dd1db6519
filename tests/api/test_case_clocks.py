"""The clocks of cases: counting with holidays and the office's own days, the traffic light, and what a sweep does."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from api.audit.service import OPERATOR
from api.cases import desk as desk_module
from api.cases import standing
from api.cases.clocks import (
    ACCEPTANCE_NOTICE,
    ANSWER,
    CHINA,
    CLOCKS,
    JURISDICTION_OBJECTION,
    OfficeCalendar,
    light,
)
from api.cases.models import CaseClock, CaseEvent, OfficeDay
from api.cases.office_days import load_calendar, set_days
from api.cases.schemas import CaseEventKind, ClockKind, Light
from api.cases.sweep import Swept, sweep_clocks, sweep_overdue
from api.db import Database
from api.jobs import JobState, enqueue
from api.messages.models import Delivery
from api.messages.schemas import DeskNews
from api.messages.service import PAYLOAD
from api.privacy import Vault
from api.settings import Settings
from api.staff.schemas import StaffRole
from tests.api.desk import ADMIN, OFFICER, OPINION, Desk
from tests.api.test_jobs import until, working

# --- counting ---


def test_the_policy_of_design_3() -> None:
    told = {kind: (clock.days, clock.article, clock.working_days, clock.extendable) for kind, clock in CLOCKS.items()}
    assert told == {
        ClockKind.ACCEPTANCE_NOTICE: (15, "22, 23", False, 0),
        ClockKind.JURISDICTION_OBJECTION: (5, "23", True, 0),
        ClockKind.ANSWER: (60, "34", False, 30),
        ClockKind.REVIEW_REQUEST: (30, "35", False, 0),
        ClockKind.REVIEW_OPINION: (30, "35", False, 0),
        ClockKind.SECOND_REVIEW_REQUEST: (30, "36", False, 0),
        ClockKind.SECOND_REVIEW_OPINION: (30, "36", False, 0),
        ClockKind.REOPEN: (30, "", False, 0),
        ClockKind.RESIDENT_ANSWER: (10, "", False, 0),
    }


@pytest.mark.parametrize(
    ("given", "expected", "why"),
    [
        ("2026-11-23", "2026-11-30", "five working days over a weekend"),
        ("2026-09-28", "2026-10-10", "the National Day holidays do not count, the Saturday that is worked does"),
        ("2026-02-13", "2026-02-27", "Spring Festival: the Saturday before it is worked"),
        ("2026-11-21", "2026-11-27", "given on a Saturday"),
    ],
)
def test_working_days(given: str, expected: str, why: str) -> None:
    assert CHINA.last_day(JURISDICTION_OBJECTION, date.fromisoformat(given)) == date.fromisoformat(expected), why


def test_an_extension_is_counted_from_the_start_not_from_the_rolled_over_day() -> None:
    started = date(2026, 8, 4)
    assert CHINA.last_day(ANSWER, started) == date(2026, 10, 8)  # the 60th day, 3 October, is a holiday
    assert CHINA.last_day(ANSWER, started, extended_days=30) == date(2026, 11, 2)


def test_the_office_s_own_days_go_before_the_calendar() -> None:
    calendar = OfficeCalendar({date(2026, 12, 8): False, date(2026, 12, 12): True})
    assert calendar.last_day(ACCEPTANCE_NOTICE, date(2026, 11, 23)) == date(2026, 12, 9)
    assert calendar.last_day(ACCEPTANCE_NOTICE, date(2026, 11, 27)) == date(2026, 12, 12)
    assert calendar.last_day(JURISDICTION_OBJECTION, date(2026, 12, 7)) == date(2026, 12, 14)


@pytest.mark.parametrize(
    ("length", "left", "shown"),
    [
        (60, 60, Light.GREEN),
        (60, 31, Light.GREEN),
        (60, 30, Light.YELLOW),
        (60, 13, Light.YELLOW),
        (60, 12, Light.RED),
        (60, 0, Light.RED),
        (60, -1, Light.OVERDUE),
        (7, 4, Light.GREEN),
        (7, 2, Light.YELLOW),
        (7, 1, Light.RED),
        (15, 3, Light.RED),
        (15, 4, Light.YELLOW),
    ],
)
def test_the_traffic_light(length: int, left: int, shown: Light) -> None:
    last_day = date(2026, 12, 31)
    assert light(last_day - timedelta(days=length), last_day, last_day - timedelta(days=left)) is shown


# --- the office's days in the database ---


async def running(database: Database) -> dict[ClockKind, CaseClock]:
    async with database.transaction() as session:
        clocks = await session.scalars(select(CaseClock).where(CaseClock.stopped_at.is_(None)))
        return {clock.kind: clock for clock in clocks}


async def test_entering_a_day_of_rest_moves_the_clocks_that_end_on_it(desk: Desk, database: Database) -> None:
    number = await desk.to("transferred")
    before = await running(database)
    notice = before[ClockKind.ACCEPTANCE_NOTICE].last_day
    async with database.transaction() as session:
        assert await set_days(session, OPERATOR, {notice: False}, note="台风") == 1
    after = await running(database)
    assert after[ClockKind.ACCEPTANCE_NOTICE].last_day > notice
    assert after[ClockKind.JURISDICTION_OBJECTION].last_day == before[ClockKind.JURISDICTION_OBJECTION].last_day
    (queued,) = (await desk.queue()).cases
    assert queued.due_on == after[ClockKind.ACCEPTANCE_NOTICE].last_day
    shown = {clock.kind: clock.last_day for clock in (await desk.case(number)).clocks}
    assert shown == {ClockKind.ACCEPTANCE_NOTICE: queued.due_on}
    async with database.transaction() as session:
        assert (await load_calendar(session)).days == {notice: False}
        assert await set_days(session, OPERATOR, {notice: None}) == 1
    assert (await running(database))[ClockKind.ACCEPTANCE_NOTICE].last_day == notice
    assert (await desk.queue()).cases[0].due_on == notice


async def test_a_clock_that_began_while_a_day_was_entered_is_counted_anew(
    desk: Desk, database: Database, database_url: str, settings: Settings
) -> None:
    """Neither of the two saw what the other wrote: the day stands there, and the clock was counted without it."""
    await desk.to("transferred")
    notice = (await running(database))[ClockKind.ACCEPTANCE_NOTICE].last_day
    async with database.transaction() as session:
        session.add(OfficeDay(day=notice, is_working=False))
        await enqueue(session, sweep_clocks)
    async with working(settings, database_url, sweep_clocks):
        await until(database, JobState.DONE, 1)
    after = (await running(database))[ClockKind.ACCEPTANCE_NOTICE].last_day
    assert after > notice
    assert (await desk.queue()).cases[0].due_on == after


async def test_a_day_is_entered_while_an_officer_answers(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both take the case first and its clocks then: they wait for one another, and neither fails."""
    number = await desk.to("in_progress")
    last_day = (await running(database))[ClockKind.ANSWER].last_day
    has_case, go_on = asyncio.Event(), asyncio.Event()
    move_clocks = standing.move_clocks

    async def slowly(*given: Any, **more: Any) -> Any:
        has_case.set()
        await go_on.wait()
        return await move_clocks(*given, **more)

    monkeypatch.setattr(desk_module, "move_clocks", slowly)

    async def enter() -> int:
        async with database.transaction() as session:
            return await set_days(session, OPERATOR, {last_day: False})

    answering = asyncio.create_task(desk.act(number, "answer", **OPINION))
    await has_case.wait()
    entering = asyncio.create_task(enter())
    await until_one_waits(database)
    go_on.set()
    await answering
    assert await entering == 0, "the answer has stopped it"


async def until_one_waits(database: Database) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while not (await database.pool.fetch(waiting))[0][0]:
            await asyncio.sleep(0.02)


async def test_new_clocks_know_the_office_s_days(desk: Desk, database: Database) -> None:
    await desk.file()
    usual = (await running(database))[ClockKind.ACCEPTANCE_NOTICE].last_day
    async with database.transaction() as session:
        await set_days(session, OPERATOR, {usual: False})
    second = await desk.file()
    (clock,) = (await desk.case(second)).clocks
    assert clock.last_day > usual


# --- the sweep ---


async def let_pass(database: Database, days: int) -> None:
    """As if so many days had passed since everything that happened."""
    async with database.transaction() as session:
        for column in ("started_on", "last_day"):
            await session.execute(text(f"UPDATE case_clocks SET {column} = {column} - {days}"))
        await session.execute(text(f"UPDATE cases SET due_on = due_on - {days}"))


def today(settings: Settings) -> date:
    return datetime.now(settings.timezone).date()


async def sweep(database: Database, vault: Vault, settings: Settings) -> Swept:
    now = datetime.now(UTC)
    async with database.transaction() as session:
        return await sweep_overdue(session, vault, today(settings), now)


async def told(database: Database, vault: Vault, chat_id: int) -> list[dict[str, Any]]:
    async with database.transaction() as session:
        payloads = await session.scalars(
            select(Delivery.payload).where(Delivery.chat_id == chat_id).order_by(Delivery.id)
        )
        return [vault.open_json(PAYLOAD, payload) for payload in payloads if payload is not None]


async def test_an_officer_is_told_before_and_after_and_each_once(
    desk: Desk, database: Database, vault: Vault, settings: Settings
) -> None:
    number = await desk.to("accepted")
    await desk.act(number, "claim")
    assert await sweep(database, vault, settings) == Swept(0, 0, 0)
    answer = (await running(database))[ClockKind.ANSWER]
    await let_pass(database, (answer.last_day - today(settings)).days - 5)
    assert await sweep(database, vault, settings) == Swept(1, 0, 0)
    assert await sweep(database, vault, settings) == Swept(0, 0, 0)
    assert not (await desk.queue(view="raised")).cases
    await let_pass(database, 8)
    assert await sweep(database, vault, settings) == Swept(0, 1, 0)
    assert await sweep(database, vault, settings) == Swept(0, 0, 0)
    news = [notice for notice in await told(database, vault, OFFICER) if notice["kind"] == "case_on_desk"]
    assert [(notice["news"], notice["number"], notice["clock"]) for notice in news] == [
        (DeskNews.DUE_SOON, number, "answer"),
        (DeskNews.OVERDUE, number, "answer"),
    ]
    # Nobody supervises that department: the administrators hear of what is overdue, beside the officer.
    beside = [notice for notice in await told(database, vault, ADMIN) if notice["kind"] == "case_on_desk"]
    assert [notice["news"] for notice in beside] == [DeskNews.OVERDUE]
    for view in ("raised", "overdue"):
        (raised,) = (await desk.queue(chat=ADMIN, view=view)).cases
        assert (raised.number, raised.light, raised.raised) == (number, Light.OVERDUE, True)
    case = await desk.case(number)
    assert [clock.overdue for clock in case.clocks] == [True]
    assert (case.events[-1].kind, case.events[-1].by) == (CaseEventKind.OVERDUE, "system")
    # What is answered late is off the list, and stays late in its history.
    await desk.act(number, "answer", **OPINION)
    assert not (await desk.queue(chat=ADMIN, view="raised")).cases
    assert not (await desk.page(number)).raised


async def test_what_nobody_has_is_told_to_the_department_s_supervisor(
    desk: Desk, database: Database, vault: Vault, settings: Settings
) -> None:
    chief = await desk.account(600100210, StaffRole.CASE_OFFICER)
    async with database.transaction() as session:
        await session.execute(
            text("INSERT INTO department_members (department_id, staff_id, is_supervisor) VALUES (:d, :s, true)"),
            {"d": desk.department, "s": chief},
        )
    number = await desk.to("assigned")
    await let_pass(database, 40)
    assert await sweep(database, vault, settings) == Swept(0, 1, 0)
    assert [notice["news"] for notice in await told(database, vault, 600100210)] == ["unclaimed", "overdue"]
    assert await told(database, vault, OFFICER) == []
    # Extending is too late, objecting too.
    allowed = (await desk.page(number)).allowed
    assert "object" not in allowed
    assert "accept" in allowed


async def test_an_extended_clock_is_told_of_again(
    desk: Desk, database: Database, vault: Vault, settings: Settings
) -> None:
    number = await desk.to("accepted")
    await desk.act(number, "claim")
    answer = (await running(database))[ClockKind.ANSWER]
    await let_pass(database, (answer.last_day - today(settings)).days - 2)
    assert (await sweep(database, vault, settings)).warned == 1
    await desk.act(number, "extend", days=30, text="要做检测。", approved_by="编造局长")
    assert await sweep(database, vault, settings) == Swept(0, 0, 0)
    await let_pass(database, 30)
    assert (await sweep(database, vault, settings)).warned == 1
    assert [notice["news"] for notice in await told(database, vault, OFFICER)] == ["due_soon", "due_soon"]


async def test_a_question_without_an_answer_goes_back_to_the_officer(
    desk: Desk, database: Database, vault: Vault, settings: Settings
) -> None:
    number = await desk.to("accepted")
    await desk.act(number, "claim")
    await desk.act(number, "ask", text="哪一间？")
    await let_pass(database, 20)
    assert await sweep(database, vault, settings) == Swept(0, 0, 1)
    assert [notice["news"] for notice in await told(database, vault, OFFICER)] == ["no_reply"]
    assert not (await desk.queue(view="raised")).cases
    # Late, and an answer all the same.
    await desk.say(number, "reply", text="厨房。")
    assert not (await desk.queue()).cases[0].asked


async def test_several_sweeps_at_once_tell_once(
    desk: Desk, database: Database, vault: Vault, settings: Settings
) -> None:
    numbers = [await desk.to("received") for _ in range(6)]
    for number in numbers:
        await desk.act(number, "claim")
    await let_pass(database, 40)
    swept = await asyncio.gather(*(sweep(database, vault, settings) for _ in range(4)))
    again = await sweep(database, vault, settings)
    assert sum(one.overdue for one in (*swept, again)) == 6
    assert len(await told(database, vault, OFFICER)) == 6
    async with database.transaction() as session:
        events = await session.scalars(select(CaseEvent.case_id).where(CaseEvent.kind == CaseEventKind.OVERDUE))
        assert len(set(found := list(events))) == len(found) == 6


async def test_rights_that_lapse_are_not_shown_any_more(desk: Desk, database: Database) -> None:
    number = await desk.to("answered")
    assert {clock.kind for clock in (await desk.case(number)).clocks} == {"review_request", "reopen"}
    await let_pass(database, 60)
    case = await desk.case(number)
    assert case.clocks == []
    assert case.allowed == ["rate"]
    refused = await desk.say(number, "request_review", 409, text="太晚了。")
    assert refused["details"] == {"allowed": ["rate"], "state": "answered"}
    assert await desk.case(number) == case


async def test_several_workers_sweep_once(
    desk: Desk, database: Database, vault: Vault, settings: Settings, database_url: str
) -> None:
    number = await desk.to("received")
    await desk.act(number, "claim")
    await let_pass(database, 40)
    async with database.transaction() as session:
        for _ in range(3):
            await enqueue(session, sweep_clocks)
    async with working(settings, database_url, sweep_clocks, workers=2):
        await until(database, JobState.DONE, 3)
    assert [notice["news"] for notice in await told(database, vault, OFFICER)] == ["overdue"]
    assert [case.number for case in (await desk.queue(view="raised")).cases] == [number]
    assert sweep_clocks.cron == "*/10 * * * *"


async def test_of_one_that_nobody_has_the_administrators_are_told(desk: Desk, settings: Settings) -> None:
    await desk.file()
    async with desk.factory.database.transaction() as session:
        now = datetime.now(UTC)
        await sweep_overdue(session, desk.factory.vault, today(settings) + timedelta(days=60), now)
        told = (await session.scalars(select(Delivery.chat_id).where(Delivery.kind == "case_on_desk"))).all()
    assert told == [ADMIN]


async def test_sending_it_back_and_forth_starts_nothing_anew(
    desk: Desk, database: Database, vault: Vault, settings: Settings
) -> None:
    other = await desk.add_department("街道办")
    third = await desk.add_department("开发公司")
    number = await desk.to("registered")
    await let_pass(database, 3)
    await desk.act(number, "transfer", department_id=desk.department)
    first = (await running(database))[ClockKind.ACCEPTANCE_NOTICE]
    assert first.started_on == today(settings)
    await let_pass(database, 4)
    await desk.act(number, "object", text="不归我们管。")
    await desk.act(number, "transfer", department_id=other)
    again = (await running(database))[ClockKind.ACCEPTANCE_NOTICE]
    assert (again.id, again.started_on) == (first.id, first.started_on - timedelta(days=4))
    # Overdue, it stays on the supervisor's list until the family has its word.
    await desk.act(number, "object", chat=ADMIN, text="不归我们管。")
    await let_pass(database, 40)
    assert (await sweep(database, vault, settings)).overdue == 1
    await desk.act(number, "transfer", department_id=third)
    assert [case.raised for case in (await desk.queue(chat=ADMIN)).cases] == [True]
    assert [clock.overdue for clock in (await desk.case(number)).clocks] == [True]
    await desk.act(number, "accept", chat=ADMIN)
    assert [case.raised for case in (await desk.queue(chat=ADMIN)).cases] == [False]


async def test_a_day_of_rest_that_is_entered_late_takes_back_what_was_overdue(
    desk: Desk, database: Database, vault: Vault, settings: Settings
) -> None:
    """The last day was yesterday, and the office had closed for a storm."""
    number = await desk.to("accepted")
    await desk.act(number, "claim")
    last_day = (await running(database))[ClockKind.ANSWER].last_day
    moment = datetime.now(UTC)
    async with database.transaction() as session:
        await sweep_overdue(session, vault, last_day + timedelta(days=1), moment)
    assert [case.raised for case in (await desk.queue()).cases] == [True]
    async with database.transaction() as session:
        assert await set_days(session, OPERATOR, {last_day: False}, note="台风") == 1
    (moved,) = [clock for kind, clock in (await running(database)).items() if kind is ClockKind.ANSWER]
    assert (moved.overdue_at, moved.warned_at) == (None, None)
    assert moved.last_day > last_day
    assert [case.raised for case in (await desk.queue()).cases] == [False]
    # And when that day is past too, the officer is told once more.
    async with database.transaction() as session:
        await sweep_overdue(session, vault, moved.last_day + timedelta(days=1), moment)
    assert [case.raised for case in (await desk.queue()).cases] == [True]
    news = [(one["news"], one["last_day"]) for one in await told(database, vault, OFFICER) if one["news"] == "overdue"]
    assert news == [("overdue", last_day.isoformat()), ("overdue", moved.last_day.isoformat())]
