"""The office's own working days and days of rest, over China's calendar."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import Actor, record
from api.cases.clocks import CLOCKS, OfficeCalendar
from api.cases.collective import hold_collectives
from api.cases.lifecycle import DUTY
from api.cases.models import Case, CaseClock, OfficeDay


async def load_calendar(session: AsyncSession) -> OfficeCalendar:
    """What the office has entered is a few rows a year: all of them are read."""
    rows = await session.execute(select(OfficeDay.day, OfficeDay.is_working))
    return OfficeCalendar({row.day: row.is_working for row in rows})


async def list_days(session: AsyncSession, since: date) -> list[OfficeDay]:
    return list(await session.scalars(select(OfficeDay).where(OfficeDay.day >= since).order_by(OfficeDay.day)))


async def set_days(
    session: AsyncSession, actor: Actor, days: Mapping[date, bool | None], *, note: str | None = None
) -> int:
    """Enter days on which the office works or rests, whatever the calendar says (None: as the calendar says), and move
    the last days of the clocks that run.

    Returns:
        How many clocks have another last day now.
    """
    entered = [
        {"day": day, "is_working": works, "note": note} for day, works in sorted(days.items()) if works is not None
    ]
    if entered:
        insertion = insert(OfficeDay).values(entered)
        await session.execute(
            insertion.on_conflict_do_update(
                index_elements=["day"],
                set_={"is_working": insertion.excluded.is_working, "note": insertion.excluded.note},
            )
        )
    removed = [day for day, works in days.items() if works is None]
    if removed:
        await session.execute(delete(OfficeDay).where(OfficeDay.day.in_(removed)))
    await record(session, actor, "office_days.changed", "office_day", [None])
    if not days:
        return 0
    return await _recount(session, await load_calendar(session), CaseClock.last_day >= min(days))


async def recount_new(session: AsyncSession, since: date) -> int:
    """Count anew what was counted from ``since`` on, or extended, while the office was entering days: neither saw what
    the other wrote. Only what is wrong is locked."""
    calendar = await load_calendar(session)
    lately = or_(CaseClock.started_on >= since, CaseClock.extended_days > 0)
    clocks = await session.scalars(select(CaseClock).where(CaseClock.stopped_at.is_(None), lately))
    wrong = {clock.case_id for clock in clocks if _last_day(calendar, clock) != clock.last_day}
    return await _recount(session, calendar, CaseClock.case_id.in_(wrong)) if wrong else 0


def _last_day(calendar: OfficeCalendar, clock: CaseClock) -> date:
    return calendar.last_day(CLOCKS[clock.kind], clock.started_on, days=clock.days, extended_days=clock.extended_days)


async def _recount(session: AsyncSession, calendar: OfficeCalendar, which: ColumnElement[bool]) -> int:
    """Count those of the running clocks anew, a batch at a time by id; how many have another last day now."""
    await hold_collectives(session)
    running = (CaseClock.stopped_at.is_(None), which)
    # As every step does: the case, a master before its members, and then its clocks.
    cases = select(Case.id).where(Case.id.in_(select(CaseClock.case_id).where(*running)))
    await session.execute(cases.order_by(Case.master_id.is_not(None), Case.id).with_for_update(key_share=True))
    moved, after = 0, 0
    while True:
        batch = select(CaseClock).where(*running, CaseClock.id > after).order_by(CaseClock.id).limit(1000)
        clocks = list(await session.scalars(batch.with_for_update().execution_options(populate_existing=True)))
        if not clocks:
            return moved
        for clock in clocks:
            last_day = _last_day(calendar, clock)
            if last_day != clock.last_day:
                if last_day > clock.last_day:
                    # There is time again: whoever was told so is told anew when that runs out.
                    clock.warned_at = clock.overdue_at = None
                clock.last_day, moved = last_day, moved + 1
                duty_of = [state for state, kind in DUTY.items() if kind is clock.kind]
                await session.execute(
                    update(Case)
                    .where(Case.id == clock.case_id, Case.state.in_(duty_of))
                    .values(due_on=last_day, raised_at=Case.raised_at if clock.overdue_at is not None else None)
                    .execution_options(synchronize_session=False)
                )
        await session.flush()
        after = clocks[-1].id
