"""Figures of the complaint desk, held against a count by hand."""

import csv
import io
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import openpyxl
import pytest
from sqlalchemy import select, text

from api.audit.service import OPERATOR
from api.cases.clocks import Policy
from api.cases.figures import count_figures
from api.cases.figures_sql import Period
from api.cases.lifecycle import OPEN
from api.cases.models import Case, CaseClock, CaseEvent
from api.cases.schemas import CaseCategory, Figures, FiguresBy, FiguresOut
from api.db import Database
from api.errors import InvalidInput
from api.privacy import Vault
from tests.api.calls import call
from tests.api.desk import ADMIN, OFFICER, RESIDENT, VIEWER, Desk
from tests.api.histories import Histories, supervisor
from tests.api.strictly import look_up

SHANGHAI = ZoneInfo("Asia/Shanghai")
ENDS = {"answered": "answer", "review_answered": "review_opinion", "second_review_answered": "second_review_opinion"}
RESTS = ("closed", "final")


class ByHand:
    """The figures of one group and one stretch of days, from lists of what happened."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = defaultdict(int)
        self.days: list[int] = []
        self.ratings: list[int] = []

    def of(self, first_day: date, last_day: date, stock_start: int) -> Figures:
        count = self.counts
        mean = round(sum(self.ratings) / len(self.ratings), 2) if self.ratings else None
        names = ["received", "inflow", "outflow", "answered_in_time", "answered_late"]
        names += ["closed", "closed_unsaid", "solved", "not_solved"]
        return Figures(
            first_day=first_day,
            last_day=last_day,
            stock_start=stock_start,
            stock_end=stock_start + count["inflow"] - count["outflow"],
            median_days=median(self.days) if self.days else None,
            ratings=len(self.ratings),
            mean_rating=mean,
            **{name: count[name] for name in names},
        )


class Counted:
    """What a clerk would count who reads every case from its first step to its last."""

    def __init__(self, rows: dict[str, Any], period: Period, by: FiguresBy | None, spans: list[tuple[date, date]]):
        self.period, self.by = period, by
        self.spans = spans
        self.stock: dict[Any, int] = defaultdict(int)
        self.found: dict[tuple[Any, tuple[date, date]], ByHand] = defaultdict(ByHand)
        for case, events, clocks in rows.values():
            self._read(case, events, clocks)

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self.period.zone).date()

    def _count(self, key: Any, day: date, what: str) -> None:
        for span in self.spans:
            if span[0] <= day <= span[1]:
                self.found[key, span].counts[what] += 1

    def _read(self, case: Any, events: list[Any], clocks: list[Any]) -> None:
        events = [event for event in events if self._day(event.happened_at) <= self.period.last_day]
        department: int | None = None
        place: Any = None
        was_open = answered = False
        rating = rest = None
        word: bool | None = None
        for event in events:
            day = self._day(event.happened_at)
            within = day >= self.period.first_day
            if event.kind in ("assigned", "transferred", "objected"):
                department = event.department_id
            before, place = place, self._place(case, department)
            is_open = event.to_state in OPEN
            if was_open and (not is_open or before != place):
                self._moved(before, day, "outflow")
            if is_open and (not was_open or before != place):
                self._moved(place, day, "inflow")
            was_open = is_open
            if event.kind in ENDS:
                word = None
                (clock,) = [c for c in clocks if c.kind == ENDS[event.kind] and c.stopped_at == event.happened_at]
                if within:
                    self._count(place, day, "answered_in_time" if day <= clock.last_day else "answered_late")
                if event.kind == "answered" and not answered:
                    answered = True
                    if within:
                        for span in self.spans:
                            if span[0] <= day <= span[1]:
                                waited = (day - self._day(case.received_at)).days
                                self.found[place, span].days.append(waited)
            if event.kind == "rated":
                word = event.solved
                rating = (place, day, event) if within else rating
            if event.to_state in RESTS and event.from_state not in RESTS and within:
                rest = (place, day)
        if rating is not None:
            key, day, event = rating
            for span in self.spans:
                if span[0] <= day <= span[1]:
                    self.found[key, span].ratings.append(event.rating)
            if event.solved is not None:
                self._count(key, day, "solved" if event.solved else "not_solved")
        if rest is not None:
            self._count(*rest, "closed")
            if word is None:
                self._count(*rest, "closed_unsaid")
        if events:
            self._count(place, self._day(case.received_at), "received")

    def _moved(self, key: Any, day: date, what: str) -> None:
        if day < self.period.first_day:
            self.stock[key] += 1 if what == "inflow" else -1
        else:
            self._count(key, day, what)

    def _place(self, case: Any, department: int | None) -> Any:
        match self.by:
            case FiguresBy.CATEGORY:
                return case.category
            case FiguresBy.DEPARTMENT:
                return department
            case None:
                return None


async def read_all(database: Database) -> dict[str, Any]:
    """Every case with its events and clocks."""
    async with database.transaction() as session:
        cases = list(await session.scalars(select(Case)))
        events = list(await session.scalars(select(CaseEvent).order_by(CaseEvent.id)))
        clocks = list(await session.scalars(select(CaseClock)))
    return {
        case.number: (
            case,
            [event for event in events if event.case_id == case.id],
            [clock for clock in clocks if clock.case_id == case.id],
        )
        for case in cases
    }


def spans_of(period: Period) -> list[tuple[date, date]]:
    """The period itself and its weeks, found day by day."""
    weeks: list[list[date]] = []
    day = period.first_day
    while day <= period.last_day:
        if not weeks or day.weekday() == 0:
            weeks.append([])
        weeks[-1].append(day)
        day += timedelta(days=1)
    return [(period.first_day, period.last_day), *((week[0], week[-1]) for week in weeks)]


def check(found: FiguresOut, rows: dict[str, Any], period: Period, today: date) -> None:
    for by, groups in ((None, [found.total]), (found.by, found.groups)):
        spans = spans_of(period)
        # A period of less than a week is its own week.
        by_hand = Counted(rows, period, by, [*dict.fromkeys(spans)])
        shown = {group.category or group.department_id for group in groups}
        assert {key for key, _ in by_hand.found} | {*by_hand.stock} <= shown | {None}
        for group in groups:
            key = group.category.value if group.category else group.department_id
            stock = by_hand.stock[key]
            wanted = by_hand.found[key, spans[0]].of(*spans[0], stock)
            assert Figures(**group.model_dump(include={*Figures.model_fields})) == wanted, (by, key)
            weeks = []
            for span in spans[1:]:
                weeks.append(by_hand.found[key, span].of(*span, stock))
                stock = weeks[-1].stock_end
            assert group.weeks == weeks, (by, key)
            assert stock == group.stock_end
            late = [case for case, _, _ in rows.values() if case.due_on is not None and case.due_on < today]
            if by is not FiguresBy.DEPARTMENT:
                late = [case for case in late if by is None or case.category == key]
            else:
                late = [case for case in late if case.department_id == key]
            assert group.overdue_now == len(late)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
async def test_figures_are_what_a_clerk_counts(desk: Desk, database: Database, vault: Vault, seed: int) -> None:
    """Over histories that the desk itself made, step by step, with many a step at midnight of the office."""
    random = Random(seed)
    zone = ZoneInfo(random.choice(("Asia/Shanghai", "Asia/Urumqi", "America/New_York")))
    departments = [desk.department, await desk.add_department("街道办"), await desk.add_department("从无案件的单位")]
    histories = Histories(
        database, vault, Policy(zone), random, departments[:2], supervisor(await desk.account(None, name="负责人"))
    )
    start = datetime(2025, 10, 6, tzinfo=zone) - timedelta(microseconds=1)
    for number in range(30):
        filed_at = start + timedelta(days=random.randrange(120), microseconds=random.choice((0, 1, 3_600_000_000)))
        await histories.make(RESIDENT, desk.agreement, filed_at, f"history-{number:03}", random.randint(2, 16))
    rows = await read_all(database)
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    today = now.astimezone(zone).date()
    seen: dict[str, float] = defaultdict(float)
    for _ in range(8):
        first_day = date(2025, 9, 29) + timedelta(days=random.randrange(200))
        last_day = first_day + timedelta(days=random.choice((0, 1, 6, 7, 30, 120, 400)))
        period = Period.asked(first_day, last_day, zone, today)
        for by in FiguresBy:
            found = await count_figures(database, OPERATOR, period, by, now)
            check(found, rows, period, today)
        for name, value in found.total.model_dump(include={*Figures.model_fields}).items():
            seen[name] += value if isinstance(value, int | float) else 0
    assert {name for name in Figures.model_fields if not seen[name]} <= {"first_day", "last_day"}


async def test_without_a_case_everything_is_zero(database: Database) -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    period = Period.asked(date(2026, 11, 4), None, SHANGHAI, date(2026, 11, 26))
    for by, groups in ((FiguresBy.CATEGORY, len(CaseCategory)), (FiguresBy.DEPARTMENT, 0), (None, 0)):
        found = await count_figures(database, OPERATOR, period, by, now)
        assert len(found.groups) == groups
        assert [(week.first_day.day, week.last_day.day) for week in found.total.weeks] == [
            (4, 8),
            (9, 15),
            (16, 22),
            (23, 26),
        ]
        for figures in (found.total, *found.total.weeks, *found.groups):
            told = figures.model_dump(exclude={"first_day", "last_day", "weeks", "category"})
            assert {value for value in told.values() if value is not None} == {0}


async def at(database: Database, number: str, kind: str, moment: datetime) -> None:
    """Let a step have been taken then, with all that came of it."""
    values = {"number": number, "kind": kind, "moment": moment}
    async with database.transaction() as session:
        found = "SELECT e.id, e.case_id, e.happened_at FROM case_events e JOIN cases c ON c.id = e.case_id "
        found += "WHERE c.number = :number AND e.kind = :kind"
        event = (await session.execute(text(found), values)).one()
        values |= {"event": event.id, "case": event.case_id, "before": event.happened_at}
        for statement in (
            "UPDATE case_events SET happened_at = :moment WHERE id = :event",
            "UPDATE case_clocks SET stopped_at = :moment WHERE case_id = :case AND stopped_at = :before",
            "UPDATE cases SET received_at = :moment WHERE id = :case AND received_at = :before",
        ):
            await session.execute(text(statement), values)


async def test_the_edges_of_days_and_weeks_are_the_offices(
    desk: Desk, database: Database, api: aiohttp.ClientSession
) -> None:
    """Sunday the 8th ends, and Monday the 9th begins, at midnight in Shanghai: 16:00 of the 8th elsewhere."""
    monday = datetime(2026, 11, 9, tzinfo=SHANGHAI)
    assert monday.astimezone(UTC) == datetime(2026, 11, 8, 16, tzinfo=UTC)
    before, after = await desk.file(), await desk.file()
    await at(database, before, "received", monday - timedelta(microseconds=1))
    await at(database, after, "received", monday)
    path = f"/v1/staff/{VIEWER}/figures?first_day=2026-11-02&last_day=2026-11-15"
    total = (await look_up(api, path, FiguresOut)).total
    assert [(week.received, week.stock_start, week.stock_end) for week in total.weeks] == [(1, 0, 1), (1, 1, 2)]
    await at(database, after, "received", monday + timedelta(days=7))
    total = (await look_up(api, path, FiguresOut)).total
    assert (total.received, total.stock_end) == (1, 1)
    await at(database, before, "received", monday - timedelta(days=7, microseconds=1))
    total = (await look_up(api, path, FiguresOut)).total
    assert (total.received, total.stock_start, total.stock_end) == (0, 1, 1)


async def test_on_the_last_day_is_in_time(desk: Desk, database: Database, api: aiohttp.ClientSession) -> None:
    number = await desk.to("answered")
    async with database.transaction() as session:
        await session.execute(text("UPDATE case_clocks SET last_day = '2026-11-20' WHERE kind = 'answer'"))
    midnight = datetime(2026, 11, 21, tzinfo=SHANGHAI)
    await at(database, number, "received", midnight - timedelta(days=50))
    path = f"/v1/staff/{VIEWER}/figures?first_day=2026-11-01&last_day=2026-11-30"
    for moment, in_time, days in ((midnight - timedelta(microseconds=1), True, 49), (midnight, False, 50)):
        await at(database, number, "answered", moment)
        total = (await look_up(api, path, FiguresOut)).total
        assert (total.answered_in_time, total.answered_late) == (int(in_time), int(not in_time))
        assert total.median_days == days


async def test_closed_is_not_solved_unless_the_resident_says_so(desk: Desk, api: aiohttp.ClientSession) -> None:
    async def told() -> tuple[int, int, int, int, int]:
        total = (await look_up(api, f"/v1/staff/{VIEWER}/figures", FiguresOut)).total
        return total.closed, total.closed_unsaid, total.solved, total.not_solved, total.ratings

    numbers = [await desk.to("closed") for _ in range(3)]
    assert await told() == (3, 3, 0, 0, 0)
    await desk.say(numbers[0], "rate", rating=4)
    assert await told() == (3, 3, 0, 0, 1)
    await desk.say(numbers[0], "rate", rating=5, solved=True)
    await desk.say(numbers[1], "rate", rating=1, solved=False)
    assert await told() == (3, 1, 1, 1, 2)
    await desk.say(numbers[0], "rate", rating=2, solved=False)
    assert await told() == (3, 1, 0, 2, 2)
    await desk.say(numbers[2], "rate", rating=5, solved=True)
    await desk.say(numbers[2], "reopen", text="又漏了。")
    # It was solved once, the resident said; whoever answers again has not been judged yet.
    await desk.act(numbers[2], "answer", outcome="supported", text="再修一次。")
    await desk.act(numbers[2], "close")
    assert await told() == (3, 1, 1, 2, 3)


async def test_a_case_that_goes_on_is_an_outflow_here_and_an_inflow_there(
    desk: Desk, api: aiohttp.ClientSession
) -> None:
    other = await desk.add_department("街道办")
    number = await desk.to("assigned")
    await desk.act(number, "transfer", department_id=other)
    found = await look_up(api, f"/v1/staff/{ADMIN}/figures?by=department", FiguresOut)
    flows = {group.department: (group.received, group.inflow, group.outflow, group.stock_end) for group in found.groups}
    assert flows == {"住建局": (0, 1, 1, 0), "街道办": (1, 1, 0, 1), None: (0, 1, 1, 0)}
    assert (found.total.received, found.total.inflow, found.total.outflow) == (1, 1, 0)


@pytest.mark.parametrize(
    ("asked", "first_day", "last_day"),
    [
        ({}, date(2026, 11, 1), date(2026, 11, 26)),
        ({"last_day": date(2026, 10, 15)}, date(2026, 10, 1), date(2026, 10, 15)),
        ({"first_day": date(2026, 9, 3), "last_day": date(2027, 1, 1)}, date(2026, 9, 3), date(2026, 11, 26)),
        ({"first_day": date(2026, 11, 26)}, date(2026, 11, 26), date(2026, 11, 26)),
    ],
)
def test_days_that_are_asked_for(asked: dict[str, date], first_day: date, last_day: date) -> None:
    days = {"first_day": None, "last_day": None} | asked
    period = Period.asked(**days, zone=SHANGHAI, today=date(2026, 11, 26))
    assert (period.first_day, period.last_day) == (first_day, last_day)
    assert period.ends_at - period.starts_at == last_day - first_day + timedelta(days=1)


@pytest.mark.parametrize(
    ("first_day", "last_day"),
    [(date(2026, 11, 27), None), (date(2026, 11, 2), date(2026, 11, 1)), (date(2020, 1, 1), date(2026, 1, 1))],
)
def test_days_that_are_none(first_day: date, last_day: date | None) -> None:
    with pytest.raises(InvalidInput):
        Period.asked(first_day, last_day, SHANGHAI, date(2026, 11, 26))


async def test_who_may_see_figures(desk: Desk, api: aiohttp.ClientSession, database: Database) -> None:
    for path in ("figures", "figures/export"):
        await call(api, "GET", f"/v1/staff/{RESIDENT}/{path}", 403)
        await call(api, "GET", f"/v1/staff/{OFFICER}/{path}?first_day=2026-02-02&last_day=2026-02-01", 422)
        await call(api, "GET", f"/v1/staff/{OFFICER}/{path}?last_day=0001-01-01", 422)
    await call(api, "GET", f"/v1/staff/{VIEWER}/figures")
    for kind in ("csv", "xlsx"):
        async with api.get(f"/v1/staff/{OFFICER}/figures/export?format={kind}&by=category") as response:
            assert response.status == 200
            assert kind in response.headers["content-disposition"]
    async with database.transaction() as session:
        asked = "SELECT actor_kind, actor_id, action FROM audit_events WHERE action LIKE 'figures.%' ORDER BY id"
        events = [tuple(row) for row in await session.execute(text(asked))]
    exported = ("staff", desk.officer, "figures.exported")
    assert [event[2] for event in events] == ["figures.shown", "figures.exported", "figures.exported"]
    assert events[1:] == [exported, exported]


async def test_tables_open_in_a_spreadsheet_and_run_nothing(
    desk: Desk, api: aiohttp.ClientSession, database: Database
) -> None:
    """A department may be called anything."""
    names = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(1)", "  =1+1", "＝1", "\t=1", "好\x07单位", '普通单位,"引号"']
    for name in names:
        await desk.add_department(name)
    number = await desk.to("closed", text="我叫编造甲，住1801")
    await desk.say(number, "rate", rating=4, solved=True)
    path = f"/v1/staff/{ADMIN}/figures/export?by=department"
    async with api.get(f"{path}&format=csv") as response:
        raw = await response.read()
        assert response.content_type == "text/csv"
    assert raw.startswith("\ufeff责任单位,时段,起,止,收到".encode())
    table = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    async with api.get(f"{path}&format=xlsx") as response:
        book = openpyxl.load_workbook(io.BytesIO(await response.read()))
    (sheet,) = book.worksheets
    cells = list(sheet.iter_rows())
    assert len(cells) == len(table)
    assert all(cell.data_type != "f" for row in cells for cell in row)
    for row, line in zip(cells[1:], table[1:], strict=True):
        assert [_as_text(cell.value) for cell in row] == line
    told = [line[0] for line in table if line[1] == "合计"]
    assert {name.lstrip("'").replace("\x07", "") for name in told} >= {name.replace("\x07", "") for name in names}
    assert not [name for name in told if name.strip()[0] in "=+-@＝"]
    heading, total = table[0], table[1]
    shown = dict(zip(heading, total, strict=True))
    assert (shown["收到"], shown["办结"], shown["本人说已解决"], shown["平均评分（满分5分）"]) == ("1", "1", "1", "4")
    for personal in ("编造甲", "1801", number, desk.agreement.number):
        assert personal not in raw.decode()


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        assert value.time() == time.min
        return value.date().isoformat()
    return "" if value is None else str(value)
