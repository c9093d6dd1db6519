"""Cases of an account that acts on none any more: nobody has them from then on, and who shares them out is told."""

from itertools import groupby

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import SYSTEM, Actor, record
from api.cases.collective import hold_collectives
from api.cases.models import Case, CaseEvent
from api.cases.news import tell_who_has_it
from api.cases.schemas import CaseActor, CaseEventKind
from api.messages.schemas import DeskNews
from api.privacy import Vault
from api.staff.models import StaffAccount


async def release_left_behind(session: AsyncSession, vault: Vault) -> None:
    """The same for accounts that were disabled before their cases were released with that."""
    gone = (
        select(StaffAccount.id)
        .where(
            StaffAccount.disabled_at.is_not(None),
            exists().where(Case.officer_id == StaffAccount.id, Case.due_on.is_not(None)),
        )
        .order_by(StaffAccount.id)
        .with_for_update(skip_locked=True, key_share=True)
    )
    for staff_id in list(await session.scalars(gone)):
        await release_cases(session, vault, SYSTEM, staff_id)


async def release_cases(session: AsyncSession, vault: Vault, actor: Actor, staff_id: int) -> None:
    """Put an account's open cases among those that nobody has. To be called in the transaction in which it ceases to
    act, and while the account is locked. Of each department's cases there is one notice, however many they are.

    Args:
        actor: who took the account out of force.
    """
    await hold_collectives(session)
    rows = await session.scalars(
        select(Case)
        .where(Case.officer_id == staff_id, Case.due_on.is_not(None))
        # As every step does: a master before its members.
        .order_by(Case.master_id.is_not(None), Case.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    cases = list(rows)
    for case in cases:
        event = CaseEvent(
            case_id=case.id,
            # Given to the department that has it, and to nobody there.
            kind=CaseEventKind.ASSIGNED,
            actor_kind=actor.kind,
            actor_id=actor.id,
            acted_as=CaseActor.SYSTEM,
            from_state=case.state,
            to_state=case.state,
            department_id=case.department_id,
        )
        session.add(event)
        case.officer_id = None
        case.version += 1
    await session.flush()
    await record(session, actor, "case.assigned", "case", [case.id for case in cases])
    by_department = sorted(cases, key=lambda case: (case.department_id or 0, case.due_on, case.id))
    for department_id, group in groupby(by_department, key=lambda case: case.department_id):
        first, *others = group
        key = f"case_released:{staff_id}:{department_id}:{first.id}:{first.version}"
        await tell_who_has_it(session, vault, first, DeskNews.RELEASED, dedupe_key=key, others=len(others))
