"""Telling of a step: the resident, and whoever has the case, in the transaction of the step itself."""

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.audit.actors import Actor
from api.cases.clocks import CLOCKS, Owed
from api.cases.collective import GETS_ANSWER
from api.cases.lifecycle_rows import Transition
from api.cases.models import Attachment, Case, CaseClock, CaseEvent, Department, DepartmentMember
from api.cases.schemas import AttachmentOut, CaseAction, CaseEventKind, ClockKind, ClockOut
from api.cases.standing import Running, who_gave_what_is_reviewed
from api.messages.schemas import CaseOnDesk, CaseUpdated, DeskNews
from api.messages.service import enqueue_notice
from api.privacy import Vault
from api.staff.models import StaffAccount
from api.staff.schemas import HANDLES_CASES, StaffRole

if TYPE_CHECKING:
    from api.cases.desk import By

INTERNAL_CLOCKS = frozenset((ClockKind.JURISDICTION_OBJECTION,))
"""Clocks between bodies, which are nothing to the resident."""


def clock_out(kind: ClockKind, last_day: date, today: date) -> ClockOut:
    return ClockOut(kind=kind, last_day=last_day, article=CLOCKS[kind].article, overdue=today > last_day)


async def tell_resident(
    session: AsyncSession, vault: Vault, case: Case, event: CaseEvent, text: str, clocks: Running, today: date
) -> None:
    """Tell the chat that filed the case what the office did.

    Args:
        text: in the office's words, as far as they are for the resident.
    """
    steps = {event.id, event.follows_id or event.id}
    files = await session.scalars(select(Attachment).where(Attachment.event_id.in_(steps)).order_by(Attachment.id))
    department = await session.get(Department, case.department_id) if case.department_id is not None else None
    notice = CaseUpdated(
        agreement_id=case.agreement_id,
        number=case.number,
        category=case.category,
        news=event.kind,
        state=event.to_state,
        text=text,
        attachments=[
            AttachmentOut(
                id=file.id,
                kind=file.kind,
                filename=vault.open("attachment.filename", file.filename),
                media_type=file.media_type,
                size=file.size,
            )
            for file in files
        ],
        department=department.name if department else None,
        outcome=event.outcome,
        procedure=event.procedure,
        days=event.days,
        again=await _has_answer_before(session, event),
        together=event.kind is CaseEventKind.ANSWERED and await _is_collective(session, case),
        clocks=[
            clock_out(kind, clock.last_day, today)
            for kind, clock in clocks.items()
            # A right that has lapsed is none any more.
            if kind not in INTERNAL_CLOCKS and (CLOCKS[kind].owed is Owed.BY_OFFICE or clock.last_day >= today)
        ],
    )
    await enqueue_notice(session, vault, [case.chat_id], notice, dedupe_key=f"case_event:{event.id}", case_id=case.id)


async def _has_answer_before(session: AsyncSession, event: CaseEvent) -> bool:
    """Whether this is an answer in place of another; the decision of a review is not."""
    if event.kind is not CaseEventKind.ANSWERED:
        return False
    one = exists().where(
        CaseEvent.case_id == event.case_id, CaseEvent.kind == CaseEventKind.ANSWERED, CaseEvent.id < event.id
    )
    return bool(await session.scalar(select(one)))


async def _is_collective(session: AsyncSession, case: Case) -> bool:
    member = aliased(Case)
    has_members = exists().where(member.master_id == case.id, member.state.in_(GETS_ANSWER))
    return case.master_id is not None or bool(await session.scalar(select(has_members)))


async def tell_desk(
    session: AsyncSession, vault: Vault, case: Case, event: CaseEvent, row: Transition, by: "By"
) -> None:
    """Tell whoever has the case of a step that somebody else took."""
    if row.action in (CaseAction.ASSIGN, CaseAction.TRANSFER, CaseAction.OBJECT):
        news = DeskNews.UNCLAIMED if case.officer_id is None else DeskNews.GIVEN
    elif row.tells_officer:
        news = DeskNews(event.kind.value)
    else:
        return
    await tell_who_has_it(session, vault, case, news, dedupe_key=f"case_desk:{event.id}", but=by.actor)


async def tell_who_has_it(
    session: AsyncSession,
    vault: Vault,
    case: Case,
    news: DeskNews,
    *,
    dedupe_key: str,
    clock: CaseClock | None = None,
    but: Actor | None = None,
    others: int = 0,
) -> None:
    """Tell the officer, or where there is none whoever may take it (see ``_desk_chats``).

    Args:
        but: not the one who did it.
        others: how many more cases this is true of.
    """
    chats = await _desk_chats(session, case, but, news)
    notice = CaseOnDesk(
        number=case.number,
        category=case.category,
        news=news,
        state=case.state,
        clock=clock.kind if clock else None,
        last_day=clock.last_day if clock else None,
        others=others,
    )
    await enqueue_notice(session, vault, chats, notice, dedupe_key=dedupe_key, case_id=case.id)


async def tell_joined(session: AsyncSession, vault: Vault, master: Case, by: "By", today: date) -> None:
    """Tell whoever has a collective case that more families are answered with it: once a day, however many join."""
    key = f"case_joined:{master.id}:{today}"
    await tell_who_has_it(session, vault, master, DeskNews.JOINED, dedupe_key=key, but=by.actor)


_ANSWERED = (DeskNews.REPLIED, DeskNews.NO_REPLY)
_FOR_SUPERVISORS = (DeskNews.DUE_SOON, DeskNews.OVERDUE, DeskNews.RELEASED)
"""What those hear who share the work out, where nobody has the case."""


async def _desk_chats(session: AsyncSession, case: Case, but: Actor | None, news: DeskNews) -> Collection[int]:
    """Of who has it. Where nobody has it, or who has it has no chat any more: of all who may take it, which are its
    department's officers and supervisors, or the petitions office's own where it is with no department; of a last day,
    and of what was released, the supervisors alone. Where there is nobody at all, the administrators. That a last day
    has passed the supervisors hear beside the officer: families are promised that."""
    # Who gave the answer decides no review of it; who has lost the role can do nothing with the case.
    gave = await who_gave_what_is_reviewed(session, case)
    reachable = select(StaffAccount.id, StaffAccount.chat_id).where(
        StaffAccount.chat_id.is_not(None),
        StaffAccount.disabled_at.is_(None),
        StaffAccount.roles.overlap([role.value for role in HANDLES_CASES]),
        StaffAccount.id.not_in(gave),
    )
    membership = (DepartmentMember.staff_id == StaffAccount.id, DepartmentMember.department_id == case.department_id)
    supervisors = reachable.where(exists().where(*membership, DepartmentMember.is_supervisor))
    is_officer = StaffAccount.roles.contains([StaffRole.CASE_OFFICER.value])
    if case.department_id is None:
        takers = reachable.where(is_officer, ~exists().where(DepartmentMember.staff_id == StaffAccount.id))
    else:
        takers = reachable.where(exists().where(*membership, or_(DepartmentMember.is_supervisor, is_officer)))
    administrators = reachable.where(StaffAccount.roles.contains([StaffRole.ADMIN.value]))
    has_it = reachable.where(StaffAccount.id == case.officer_id)
    told: list[int] = []
    if case.officer_id is None and news in _ANSWERED:
        # Whoever asked without taking it.
        asked = select(CaseEvent.actor_id).where(CaseEvent.case_id == case.id, CaseEvent.kind == CaseEventKind.ASKED)
        last = asked.order_by(CaseEvent.id.desc()).limit(1).scalar_subquery()
        told += await session.scalars(reachable.with_only_columns(StaffAccount.chat_id).where(StaffAccount.id == last))
    for wanted in (has_it, supervisors if news in _FOR_SUPERVISORS else takers, administrators):
        rows = (await session.execute(wanted)).all()
        told += [row.chat_id for row in rows if but is None or Actor.staff(row.id) != but]
        if rows and (news is not DeskNews.OVERDUE or wanted is not has_it):
            break
    return told


def is_shown(kind: CaseEventKind) -> bool:
    """Whether the resident sees such an event at all: how the office shares its work is its own matter."""
    return kind not in (CaseEventKind.CLAIMED, CaseEventKind.OBJECTED, CaseEventKind.UNSUPERVISED)
