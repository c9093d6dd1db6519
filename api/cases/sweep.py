"""What only time does to cases: their officers are told before a clock ends and after, and what is overdue goes to the
supervisor's list.

Each clock is taken by a conditional update, so that several sweeps at once tell everything once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import SYSTEM, record
from api.cases.clocks import DUTIES, RED_DAYS, RED_SHARE, Policy
from api.cases.leaving import release_left_behind
from api.cases.models import Case, CaseClock, CaseEvent
from api.cases.news import tell_who_has_it
from api.cases.office_days import recount_new
from api.cases.schemas import CaseActor, CaseEventKind, ClockKind
from api.jobs import Work, task
from api.messages.schemas import DeskNews
from api.privacy import Vault

BATCH = 500
"""Clocks taken by one sweep, of each sort: a transaction stays short; the next sweep takes more."""
_WARNED = (*DUTIES, ClockKind.JURISDICTION_OBJECTION)
_RAISED = (*DUTIES, ClockKind.RESIDENT_ANSWER)


@dataclass(frozen=True)
class Swept:
    """How many clocks it took. ``more``: there may be others that are due now."""

    warned: int
    overdue: int
    unanswered: int

    @property
    def more(self) -> bool:
        return self.warned >= BATCH or self.overdue + self.unanswered >= BATCH


@task("cases.sweep", cron="*/10 * * * *")
async def sweep_clocks(work: Work) -> None:
    """Every ten minutes, once across all workers: a day ends in the office whenever its time zone says."""
    policy = Policy.of(work.settings)
    async with work.transaction() as session:
        await recount_new(session, policy.day(datetime.now(UTC)) - timedelta(days=1))
    more = True
    while more:
        now = datetime.now(UTC)
        async with work.transaction() as session:
            swept = await sweep_overdue(session, work.vault, policy.day(now), now)
        more = swept.more
    async with work.transaction() as session:
        await release_left_behind(session, work.vault)


async def sweep_overdue(session: AsyncSession, vault: Vault, today: date, now: datetime) -> Swept:
    """Take the clocks that are near their end, or past it, and have not been taken for that yet.

    Args:
        today: the day in the office.
    """
    left, whole = CaseClock.last_day - today, CaseClock.last_day - CaseClock.started_on
    near = (CaseClock.last_day >= today, or_(left <= RED_DAYS, left <= whole * RED_SHARE))
    warned = await _take(session, _WARNED, *near, CaseClock.warned_at.is_(None), warned_at=now)
    past = await _take(session, _RAISED, CaseClock.last_day < today, overdue_at=now)
    overdue = [clock for clock in past if clock.kind is not ClockKind.RESIDENT_ANSWER]
    cases = await _cases(session, [*warned, *past])
    for clock in warned:
        await _tell(session, vault, cases[clock.case_id], DeskNews.DUE_SOON, clock)
    for clock in past:
        news = DeskNews.OVERDUE if clock in overdue else DeskNews.NO_REPLY
        await _tell(session, vault, cases[clock.case_id], news, clock)
    for clock in overdue:
        case = cases[clock.case_id]
        case.raised_at = now
        session.add(
            CaseEvent(
                case_id=case.id,
                kind=CaseEventKind.OVERDUE,
                happened_at=now,
                actor_kind=SYSTEM.kind,
                acted_as=CaseActor.SYSTEM,
                from_state=case.state,
                to_state=case.state,
            )
        )
    await session.flush()
    await record(session, SYSTEM, "case.overdue", "case", [clock.case_id for clock in overdue])
    return Swept(len(warned), len(overdue), len(past) - len(overdue))


async def _take(
    session: AsyncSession, kinds: Sequence[ClockKind], *which: ColumnElement[bool], **marks: Any
) -> list[CaseClock]:
    """Clocks of these kinds, marked as taken; those that somebody works on just now come with the next sweep."""
    due = (
        select(CaseClock.id)
        .where(CaseClock.stopped_at.is_(None), CaseClock.overdue_at.is_(None), CaseClock.kind.in_(kinds), *which)
        .order_by(CaseClock.last_day, CaseClock.id)
        .limit(BATCH)
    )
    # The case first, as every step does: no deadlock, and nobody's step is in the midst of it.
    locked = (
        select(Case.id)
        .where(Case.id.in_(select(CaseClock.case_id).where(CaseClock.id.in_(due))))
        .order_by(Case.id)
        .with_for_update(skip_locked=True, key_share=True)
    )
    case_ids = list(await session.scalars(locked))
    if not case_ids:
        return []
    taken = await session.scalars(
        update(CaseClock)
        .where(
            CaseClock.case_id.in_(case_ids),
            CaseClock.stopped_at.is_(None),
            CaseClock.overdue_at.is_(None),
            CaseClock.kind.in_(kinds),
            *which,
        )
        .values(**marks)
        .returning(CaseClock)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted(taken, key=lambda clock: clock.id)


async def _cases(session: AsyncSession, clocks: Sequence[CaseClock]) -> dict[int, Case]:
    ids = {clock.case_id for clock in clocks}
    rows = await session.scalars(select(Case).where(Case.id.in_(ids)).execution_options(populate_existing=True))
    return {case.id: case for case in rows}


async def _tell(session: AsyncSession, vault: Vault, case: Case, news: DeskNews, clock: CaseClock) -> None:
    # One that was extended, or moved by the office's days, is told of again.
    key = f"case_clock:{clock.id}:{clock.extended_days}:{clock.last_day}:{news}"
    await tell_who_has_it(session, vault, case, news, dedupe_key=key, clock=clock)
