"""The one statement behind the figures of ``api.cases.figures``, and the days that it is asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union,
    union_all,
)

from api.cases.lifecycle import OPEN
from api.cases.models import Case, CaseClock, CaseEvent
from api.cases.schemas import CaseEventKind, CaseState, ClockKind, FiguresBy
from api.errors import InvalidInput

RESTS = (CaseState.CLOSED, CaseState.FINAL)
ANSWERS: Mapping[CaseEventKind, ClockKind] = {
    CaseEventKind.ANSWERED: ClockKind.ANSWER,
    CaseEventKind.REVIEW_ANSWERED: ClockKind.REVIEW_OPINION,
    CaseEventKind.SECOND_REVIEW_ANSWERED: ClockKind.SECOND_REVIEW_OPINION,
}
"""What the office says in writing, and the clock that it ends."""
GIVES = (CaseEventKind.ASSIGNED, CaseEventKind.TRANSFERRED, CaseEventKind.OBJECTED)
"""What changes the department that has a case; after an objection none has it."""
MAX_DAYS = 1830
"""Five years and a little."""


FIRST_DAY = date(1971, 1, 1)
"""Before it there was no day of ours, and at the edges of the calendar no moment."""


@dataclass(frozen=True)
class Period:
    """Days of the office, both ends counted."""

    first_day: date
    last_day: date
    zone: ZoneInfo

    @classmethod
    def asked(cls, first_day: date | None, last_day: date | None, zone: ZoneInfo, today: date) -> "Period":
        """Nothing later than today; where no end is given, up to today, where no beginning is, from the first day of
        the month in which it ends.

        Raises:
            InvalidInput: it ends before it begins, or has more than :data:`MAX_DAYS`.
        """
        last_day = today if last_day is None else min(last_day, today)
        first_day = last_day.replace(day=1) if first_day is None else first_day
        if first_day < FIRST_DAY or not 0 <= (last_day - first_day).days < MAX_DAYS:
            expected = f"A day up to last_day and today, at most {MAX_DAYS} days before"
            raise InvalidInput(fields=[{"at": ["query", "first_day"], "expected": expected}])
        return cls(first_day, last_day, zone)

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.first_day, time.min, self.zone)

    @property
    def ends_at(self) -> datetime:
        """The midnight after the last day."""
        return datetime.combine(self.last_day + timedelta(days=1), time.min, self.zone)

    def weeks(self) -> Iterator[tuple[date, date]]:
        day = self.first_day
        while day <= self.last_day:
            sunday = day + timedelta(days=6 - day.weekday())
            yield day, min(sunday, self.last_day)
            day = sunday + timedelta(days=1)


COUNTED = (
    "received",
    "inflow",
    "outflow",
    "answered_in_time",
    "answered_late",
    "closed",
    "closed_unsaid",
    "solved",
    "not_solved",
)
"""Counts by these names are columns of the statement and fields of ``Figures``."""


def group_key(by: FiguresBy | None, of: Any) -> ColumnElement[Any]:
    match by:
        case FiguresBy.CATEGORY:
            return cast(of.category, Text)
        case FiguresBy.DEPARTMENT:
            return cast(of.department_id, BigInteger)
        case None:
            return cast(null(), Text)


def _steps(period: Period) -> CTE:
    """The steps, up to the end of the period, of every case that was open when it began or had one since: of all others
    nothing is to be counted."""
    counted = union(
        select(Case.id).where(Case.due_on.is_not(None)),
        select(CaseEvent.case_id).where(CaseEvent.happened_at >= period.starts_at),
    )
    is_open = CaseEvent.to_state.in_(OPEN)
    rests = and_(CaseEvent.to_state.in_(RESTS), or_(CaseEvent.from_state.is_(None), CaseEvent.from_state.not_in(RESTS)))
    rated = CaseEvent.kind == CaseEventKind.RATED
    within = CaseEvent.happened_at >= period.starts_at
    of_case: Any = {"partition_by": CaseEvent.case_id, "order_by": CaseEvent.id}
    whole_case: Any = {"partition_by": CaseEvent.case_id}

    def day(moment: Any) -> ColumnElement[date]:
        return cast(func.timezone(period.zone.key, moment), Date)

    def last(*which: ColumnElement[bool]) -> ColumnElement[Any]:
        return func.max(CaseEvent.id).filter(*which).over(**whole_case)

    return (
        select(
            CaseEvent.id,
            CaseEvent.case_id,
            CaseEvent.kind,
            within.label("within"),
            day(CaseEvent.happened_at).label("day"),
            (day(CaseEvent.happened_at) - day(Case.received_at)).label("days"),
            Case.category,
            CaseEvent.department_id,
            CaseEvent.rating,
            CaseEvent.solved,
            is_open.label("is_open"),
            func.coalesce(func.lag(is_open).over(**of_case), False).label("was_open"),
            func.count().filter(CaseEvent.kind.in_(GIVES)).over(**of_case).label("spell"),
            func.row_number()
            .over(partition_by=(CaseEvent.case_id, CaseEvent.kind), order_by=CaseEvent.id)
            .label("nth_of_kind"),
            CaseClock.last_day,
            last(within, rated).label("last_rating"),
            last(within, rests).label("last_rest"),
            # Said since the last answer, and not taken back by a rating that says nothing of it.
            func.coalesce(
                and_(
                    last(rated, CaseEvent.solved.is_not(None)) == last(rated),
                    last(rated) > last(CaseEvent.kind.in_(ANSWERS)),
                ),
                False,
            ).label("said"),
        )
        .join(Case, Case.id == CaseEvent.case_id)
        .outerjoin(
            CaseClock,
            and_(
                CaseClock.case_id == CaseEvent.case_id,
                CaseClock.stopped_at == CaseEvent.happened_at,
                cast(CaseClock.kind, Text)
                == case({kind.value: clock.value for kind, clock in ANSWERS.items()}, value=cast(CaseEvent.kind, Text)),
            ),
        )
        .where(CaseEvent.case_id.in_(counted), CaseEvent.happened_at < period.ends_at)
        .cte("steps")
    )


def _grouped(period: Period, by: FiguresBy | None) -> CTE:
    """The steps with their group: that after the step, before it, and the case's last one."""
    steps = _steps(period)
    placed = select(
        *(column for column in steps.c if column.key != "department_id"),
        # Of the step that gave the case to whoever has it.
        func.first_value(steps.c.department_id)
        .over(partition_by=(steps.c.case_id, steps.c.spell), order_by=steps.c.id)
        .label("department_id"),
    ).cte("placed")
    of_case: Any = {"partition_by": placed.c.case_id, "order_by": placed.c.id}
    key = group_key(by, placed.c)
    return select(
        *placed.c,
        key.label("key"),
        func.lag(key).over(**of_case).label("key_before"),
        func.first_value(key).over(partition_by=placed.c.case_id, order_by=placed.c.id.desc()).label("last_key"),
    ).cte("grouped")


def statement(period: Period, by: FiguresBy | None) -> Any:
    """For each group (``key``) a row of the whole period (``of_all``) and one of each week."""
    step: Any = (grouped := _grouped(period, by)).c
    moved = step.key.is_distinct_from(step.key_before)
    answer = and_(step.within, step.kind.in_(ANSWERS))
    rating = and_(step.within, step.id == step.last_rating)
    rest = and_(step.within, step.id == step.last_rest)
    count = literal(1)
    counted: Sequence[tuple[str, Any, Any, Any]] = (
        ("received", step.last_key, count, and_(step.within, step.kind == CaseEventKind.RECEIVED)),
        ("inflow", step.key, count, and_(step.is_open, or_(~step.was_open, moved))),
        ("outflow", step.key_before, count, and_(step.was_open, or_(~step.is_open, moved))),
        ("answered_in_time", step.key, count, and_(answer, step.day <= step.last_day)),
        ("answered_late", step.key, count, and_(answer, step.day > step.last_day)),
        (
            "days",
            step.key,
            step.days,
            and_(step.within, step.kind == CaseEventKind.ANSWERED, step.nth_of_kind == 1),
        ),
        ("rating", step.key, step.rating, rating),
        ("solved", step.key, count, and_(rating, step.solved.is_(True))),
        ("not_solved", step.key, count, and_(rating, step.solved.is_(False))),
        ("closed", step.key, count, rest),
        ("closed_unsaid", step.key, count, and_(rest, ~step.said)),
    )
    facts = union_all(
        *(
            select(
                literal(what).label("what"),
                key.label("key"),
                cast(value, BigInteger).label("value"),
                step.day,
                case((step.within, cast(func.date_trunc("week", step.day), Date))).label("week"),
                step.within,
            )
            .select_from(grouped)
            .where(which)
            for what, key, value, which in counted
        )
    ).subquery("facts")
    fact: Any = facts.c

    def of(what: str) -> ColumnElement[Any]:
        return func.count().filter(fact.what == what, fact.within)

    before = func.count().filter(~fact.within, fact.what == "inflow")
    return (
        select(
            fact.key,
            fact.week,
            (func.grouping(fact.week) == 1).label("of_all"),
            (before - func.count().filter(~fact.within, fact.what == "outflow")).label("stock"),
            *(of(what).label(what) for what in COUNTED),
            of("rating").label("ratings"),
            func.avg(fact.value).filter(fact.what == "rating").label("mean_rating"),
            func.percentile_cont(0.5).within_group(fact.value).filter(fact.what == "days").label("median_days"),
        )
        .select_from(facts)
        .group_by(func.grouping_sets(tuple_(fact.key), tuple_(fact.key, fact.week)))
    )
