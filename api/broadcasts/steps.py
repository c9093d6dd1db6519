"""The steps of a broadcast, written down: for its history, for the audit record, and for those of the office whom they
concern. Whoever may approve it hears that it waits, and whose it is what others did with it."""

from sqlalchemy import ColumnElement, exists, or_
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import Actor, record
from api.broadcasts.content import title_of
from api.broadcasts.models import Broadcast, BroadcastEvent
from api.broadcasts.schemas import BroadcastAction, BroadcastState
from api.jobs import Work, enqueue, task
from api.messages.schemas import BroadcastOnDesk, DeliveryState
from api.messages.service import enqueue_notice
from api.staff.models import StaffAccount
from api.staff.queries import chats_of
from api.staff.schemas import StaffRole

DONE = {
    BroadcastAction.EDIT: "edited",
    BroadcastAction.SUBMIT: "submitted",
    BroadcastAction.APPROVE: "approved",
    BroadcastAction.REJECT: "rejected",
    BroadcastAction.START: "started",
    BroadcastAction.PAUSE: "paused",
    BroadcastAction.RESUME: "resumed",
    BroadcastAction.CANCEL: "cancelled",
    BroadcastAction.FINISH: "finished",
}
"""As the audit record names them."""
_TOLD = {*BroadcastAction} - {BroadcastAction.EDIT, BroadcastAction.START}


async def write_down(
    session: AsyncSession,
    actor: Actor,
    broadcast_id: int,
    action: BroadcastAction,
    *,
    revision: int,
    staff_id: int | None = None,
    text: str = "",
) -> None:
    """To be called by the transaction that takes the step."""
    event = BroadcastEvent(broadcast_id=broadcast_id, action=action, revision=revision, staff_id=staff_id, text=text)
    session.add(event)
    await session.flush()
    await record(session, actor, f"broadcast.{DONE[action]}", "broadcast", [broadcast_id])
    if action in _TOLD:
        await enqueue(session, tell_office, event_id=event.id)


def its_own(broadcast: Broadcast) -> ColumnElement[bool]:
    """Of staff accounts: those who wrote, changed or submitted it, also before it was changed by others."""
    took_part = exists().where(
        BroadcastEvent.broadcast_id == broadcast.id,
        BroadcastEvent.staff_id == StaffAccount.id,
        BroadcastEvent.action.in_((BroadcastAction.EDIT, BroadcastAction.SUBMIT)),
    )
    return or_(StaffAccount.id == broadcast.author_id, took_part)


@task("broadcasts.tell")
async def tell_office(work: Work, *, event_id: int) -> None:
    """Tell those of the office of a step whom it concerns, but for who took it."""
    async with work.transaction() as session:
        event = await session.get_one(BroadcastEvent, event_id)
        broadcast = await session.get_one(Broadcast, event.broadcast_id)
        waits = event.action is BroadcastAction.SUBMIT and broadcast.state is BroadcastState.SUBMITTED
        if event.action is BroadcastAction.SUBMIT and not waits:
            # It needed nobody's approval, or has it by now.
            return
        others = StaffAccount.id.is_distinct_from(event.staff_id)
        chats = await chats_of(session, others, its_own(broadcast))
        if waits:
            approves = StaffAccount.roles.contains([StaffRole.APPROVER.value])
            chats += await chats_of(session, others, ~its_own(broadcast), approves)
        by = await session.get(StaffAccount, event.staff_id) if event.staff_id is not None else None
        notice = BroadcastOnDesk(
            broadcast_id=broadcast.id,
            title=title_of(broadcast),
            action=event.action,
            by=None if by is None else work.vault.open("staff.name", by.name),
            text=event.text,
            starts_at=broadcast.starts_at,
            total=broadcast.total,
            sent=(broadcast.counts or {}).get(DeliveryState.SENT.value, 0),
        )
        await enqueue_notice(session, work.vault, chats, notice, dedupe_key=f"broadcast_event:{event_id}")
