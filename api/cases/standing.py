"""The clocks of one case in the database: how it stands, and what a step does to them."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.actors import ActorKind
from api.cases.clocks import CLOCKS, Policy
from api.cases.lifecycle import DUTY, REVIEWED
from api.cases.models import Case, CaseClock, CaseEvent
from api.cases.office_days import load_calendar
from api.cases.schemas import CaseAction, ClockKind
from api.cases.transitions import Standing, Step

Running = Mapping[ClockKind, CaseClock]


async def running_clocks(session: AsyncSession, case_id: int) -> dict[ClockKind, CaseClock]:
    clocks = await session.scalars(
        select(CaseClock).where(CaseClock.case_id == case_id, CaseClock.stopped_at.is_(None)).order_by(CaseClock.id)
    )
    return {clock.kind: clock for clock in clocks}


async def who_gave_what_is_reviewed(session: AsyncSession, case: Case) -> frozenset[int]:
    """Accounts of staff; of each sort of answer the last one counts."""
    kinds = REVIEWED.get(case.state)
    if kinds is None:
        return frozenset()
    given = await session.execute(
        select(CaseEvent.kind, CaseEvent.actor_kind, CaseEvent.actor_id)
        .where(CaseEvent.case_id == case.id, CaseEvent.kind.in_(kinds))
        .order_by(CaseEvent.id)
    )
    last = {row.kind: row for row in given}
    return frozenset(row.actor_id for row in last.values() if row.actor_kind is ActorKind.STAFF)


def standing_of(
    case: Case, clocks: Running, policy: Policy, now: datetime, *, gave: bool = False, following: bool = False
) -> Standing:
    return Standing(
        case.state,
        policy.day(now),
        {kind: clock.last_day for kind, clock in clocks.items()},
        taken=case.officer_id is not None,
        supervised=case.supervised_at is not None,
        member=case.master_id is not None,
        published=case.published_at is not None,
        gave=gave,
        following=following,
    )


async def move_clocks(
    session: AsyncSession,
    case: Case,
    clocks: dict[ClockKind, CaseClock],
    step: Step,
    policy: Policy,
    now: datetime,
    *,
    extend_days: int = 0,
) -> None:
    """Stop, start and extend the clocks of a case (``clocks`` are those that run, and afterwards those that run then),
    and note when it is due. What is in time again leaves the supervisor's list."""
    today = policy.day(now)
    for kind in step.stops:
        clocks.pop(kind).stopped_at = now
    # One of a kind runs: the one that ends, ends first.
    await session.flush()
    if step.starts or extend_days:
        calendar = await load_calendar(session)
        for kind in step.starts:
            days = policy.days(kind)
            clocks[kind] = CaseClock(
                case_id=case.id,
                kind=kind,
                started_on=today,
                days=days,
                last_day=calendar.last_day(CLOCKS[kind], today, days=days),
            )
            session.add(clocks[kind])
        if step.row.action is CaseAction.EXTEND:
            clock = clocks[ClockKind.ANSWER]
            clock.extended_days = extend_days
            clock.last_day = calendar.last_day(
                CLOCKS[ClockKind.ANSWER], clock.started_on, days=clock.days, extended_days=extend_days
            )
            clock.warned_at = clock.overdue_at = None
    duty = DUTY.get(step.state)
    case.due_on = None if duty is None else clocks[duty].last_day
    if case.due_on is None or today <= case.due_on:
        case.raised_at = None
