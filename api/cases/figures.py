"""Figures of the complaint desk: what comes in, what goes out, what is left, how fast, and what residents say.

All of them are counted from the steps of cases (``case_events``), never from how a case stands now: what was counted
for a period that is over is counted the same for ever, whatever happens to its cases later. Only ``overdue_now`` is
about now. docs/cases-figures.md says the same for those who read the figures.

- A **day** is one of the office's time zone; both ends of a period are counted, and nothing after today. A **week** is
  Monday to Sunday; the first and the last of a period are cut where it begins and ends.
- A case is **open** in the states of ``lifecycle.OPEN``: the office owes something on it, and a clock of the
  Regulations runs. Open cases are the **stock** (存量): ``stock_start`` is that before the first day, ``stock_end``
  that after the last one.
- **inflow** (增量): how often a case became open: it was received, reopened, or a review was asked for. **outflow**
  (减量): how often one ceased to be: it was answered, not accepted, diverted, or withdrawn. So ``stock_end`` is always
  ``stock_start + inflow - outflow``.
- **received**: cases received. A case that is reopened is not received again.
- **answered_in_time**, **answered_late**: written answers and opinions of a review, each held against the last day of
  the very clock that it ended (60 days and what it was extended by; 30 days for a review). On the last day is in time.
- **median_days**: of the first answers only, the days from the day of receipt to that of the answer.
- **closed**: cases that came to rest, closed or final; of one that did twice, the last time counts. It says nothing of
  whether anything is solved. **closed_unsaid**: those whose residents, by the end of the period, have not said whether
  it is, since the last answer.
- **solved**, **not_solved**: residents who said so in the period, whenever their case was closed. **ratings**,
  **mean_rating**: likewise. Of several ratings of one case in the period the last counts, as a whole.

By *category* each case is where it is. By *department*, a step belongs to the department that has the case after it, so
a case that goes from one to another is an outflow of the one and an inflow of the other. ``received`` belongs to the
department that has the case at the end of the period, ``overdue_now`` to the one that has it now.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, literal_column, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import Actor, record
from api.cases.figures_sql import COUNTED, Period, group_key, statement
from api.cases.models import Case, Department
from api.cases.schemas import CaseCategory, Figures, FiguresBy, FiguresOfGroup, FiguresOut
from api.db import Database

WORK_MEM = "64MB"
"""For sorting the steps of a period. Seldom asked for, by one at a time."""


async def count_figures(
    database: Database,
    actor: Actor,
    period: Period,
    by: FiguresBy | None,
    now: datetime,
    *,
    action: str = "figures.shown",
) -> FiguresOut:
    """All figures of a period, as of one moment; that they were asked for is recorded."""
    today = now.astimezone(period.zone).date()
    async with database.transaction() as session:
        # The total and the groups are of one state of the database, whatever is done meanwhile.
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        await session.execute(text(f"SET LOCAL work_mem = '{WORK_MEM}'"))
        total = (await _groups(session, period, None, today))[0]
        groups = [] if by is None else await _groups(session, period, by, today)
        await record(session, actor, action, "case", [None])
    return FiguresOut(counted_at=now, by=by, total=total, groups=groups)


async def _groups(session: AsyncSession, period: Period, by: FiguresBy | None, today: date) -> list[FiguresOfGroup]:
    counted: dict[Any, dict[date | None, Any]] = {}
    for row in await session.execute(statement(period, by)):
        # Of all days together, of each week, and (neither) of the time before.
        if row.of_all or row.week is not None:
            counted.setdefault(row.key, {})[None if row.of_all else row.week] = row
    key = group_key(by, Case).label("key")
    late = select(key, func.count().label("cases")).where(Case.due_on < today).group_by(literal_column("key"))
    overdue = {row.key: row.cases for row in await session.execute(late)}
    names = await _names(session, by, {*counted, *overdue})
    return [
        FiguresOfGroup(
            **_figures(period.first_day, period.last_day, counted.get(key, {}).get(None), None),
            **names[key],
            overdue_now=overdue.get(key, 0),
            weeks=_weeks(period, counted.get(key, {})),
        )
        for key in names
    ]


async def _names(session: AsyncSession, by: FiguresBy | None, found: set[Any]) -> dict[Any, dict[str, Any]]:
    """Every group that is told of, in order: also those that have nothing to count."""
    match by:
        case None:
            return {None: {}}
        case FiguresBy.CATEGORY:
            return {category.value: {"category": category} for category in CaseCategory}
        case FiguresBy.DEPARTMENT:
            departments = await session.execute(
                select(Department.id, Department.name)
                .where(or_(Department.disabled_at.is_(None), Department.id.in_(found - {None})))
                .order_by(Department.name)
            )
            names: dict[Any, dict[str, Any]] = {
                row.id: {"department_id": row.id, "department": row.name} for row in departments
            }
            return names | ({None: {}} if None in found else {})


def _weeks(period: Period, counted: Mapping[date | None, Any]) -> list[Figures]:
    whole = counted.get(None)
    stock = 0 if whole is None else whole.stock
    weeks = []
    for first_day, last_day in period.weeks():
        monday = first_day - timedelta(days=first_day.weekday())
        week = Figures(**_figures(first_day, last_day, counted.get(monday), stock))
        stock = week.stock_end
        weeks.append(week)
    return weeks


def _figures(first_day: date, last_day: date, row: Any, stock: int | None) -> dict[str, Any]:
    """
    Args:
        row: None where nothing was counted.
        stock: at the start; None: the row tells it.
    """
    if row is None:
        zero = dict.fromkeys((*COUNTED, "ratings"), 0)
        stock = stock or 0
        more: dict[str, Any] = {"median_days": None, "mean_rating": None}
    else:
        zero = {name: getattr(row, name) for name in (*COUNTED, "ratings")}
        stock = row.stock if stock is None else stock
        mean = None if row.mean_rating is None else round(float(row.mean_rating), 2)
        more = {"median_days": row.median_days, "mean_rating": mean}
    return {
        "first_day": first_day,
        "last_day": last_day,
        "stock_start": stock,
        "stock_end": stock + zero["inflow"] - zero["outflow"],
        **zero,
        **more,
    }
