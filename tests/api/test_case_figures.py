"""Figures of the complaint desk, held against a count by hand."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from random import Random
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from api.audit.service import OPERATOR
from api.cases.clocks import Policy
from api.cases.figures import count_figures
from api.cases.figures_sql import Period
from api.cases.lifecycle import OPEN
from api.cases.models import Case, CaseClock, CaseEvent
from api.cases.schemas import CaseCategory, Figures, FiguresBy, FiguresOut
from api.db import Database
from api.privacy import Vault
from tests.api.desk import RESIDENT, Desk
from tests.api.histories import Histories, supervisor

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
        names = ("received", "inflow", "outflow", "answered_in_time", "answered_late")
        names += ("closed", "closed_unsaid", "solved", "not_solved")
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
        department, place, was_open, answered = None, None, False, False
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


@pytest.mark.parametrize("seed", range(3))
async def test_figures_are_what_a_clerk_counts(desk: Desk, database: Database, vault: Vault, seed: int) -> None:
    """Over histories that the desk itself made, step by step, with many a step at midnight of the office."""
    random = Random(seed)
    zone = ZoneInfo(random.choice(("Asia/Shanghai", "Asia/Urumqi", "America/New_York")))
    departments = [desk.department, await desk.add_department("街道办"), await desk.add_department("从无案件的单位")]
    histories = Histories(
        database, vault, Policy(zone), random, departments[:2], supervisor(await desk.account(None, name="负责人"))
    )
    start = datetime(2025, 10, 6, tzinfo=zone) - timedelta(microseconds=1)
    for number in range(20):
        filed_at = start + timedelta(days=random.randrange(120), microseconds=random.choice((0, 1, 3_600_000_000)))
        await histories.make(RESIDENT, desk.agreement, filed_at, f"history-{number:03}", random.randint(2, 16))
    rows = await read_all(database)
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    today = now.astimezone(zone).date()
    seen: dict[str, float] = defaultdict(float)
    for _ in range(12):
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
