"""The steps of a broadcast, written down: for its history, for the audit record, and for those of the office whom they
concern. Whoever may approve it hears that it waits, and whose it is what others did with it."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import SYSTEM, Actor, record
from api.broadcasts.content import change_of, title_of
from api.broadcasts.models import Broadcast, BroadcastEvent
from api.broadcasts.schemas import BroadcastAction, BroadcastState
from api.jobs import Work, enqueue, task
from api.messages.schemas import BroadcastOnDesk, DeliveryState
from api.messages.service import enqueue_notice
from api.staff.models import StaffAccount
from api.staff.queries import chats_of
from api.staff.schemas import SEES_BROADCASTS, StaffRole

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
_PASSING = (BroadcastAction.SUBMIT, BroadcastAction.PAUSE, BroadcastAction.RESUME)
"""What the next step makes untrue."""
_OLD = timedelta(days=1)
"""What is told later than that, after a long standstill, only confuses."""


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
        await enqueue(session, tell_office, event_id=event.id, by_itself=int(actor == SYSTEM))


def its_own(broadcast: Broadcast) -> ColumnElement[bool]:
    """Of staff accounts: those who wrote, changed or submitted it, also before it was changed by others."""
    took_part = exists().where(
        BroadcastEvent.broadcast_id == broadcast.id,
        BroadcastEvent.staff_id == StaffAccount.id,
        BroadcastEvent.action.in_((BroadcastAction.EDIT, BroadcastAction.SUBMIT)),
    )
    return or_(StaffAccount.id == broadcast.author_id, took_part)


@task("broadcasts.tell")
async def tell_office(work: Work, *, event_id: int, by_itself: int) -> None:
    """Tell those of the office of a step whom it concerns, but for who took it; not of what is past by now."""
    async with work.transaction() as session:
        event = await session.get_one(BroadcastEvent, event_id)
        broadcast = await session.get_one(Broadcast, event.broadcast_id)
        if await _is_past(session, event):
            return
        submitted = event.action is BroadcastAction.SUBMIT
        if submitted and broadcast.state is not BroadcastState.SUBMITTED:
            # It needed nobody's approval.
            return
        others = StaffAccount.id.is_distinct_from(event.staff_id)
        sees = StaffAccount.roles.overlap([role.value for role in SEES_BROADCASTS])
        chats = await chats_of(session, others, its_own(broadcast), sees)
        if submitted:
            approves = StaffAccount.roles.contains([StaffRole.APPROVER.value])
            chats += await chats_of(session, others, ~its_own(broadcast), approves)
        before, after = await change_of(session, broadcast)
        by = await session.get(StaffAccount, event.staff_id) if event.staff_id is not None else None
        notice = BroadcastOnDesk(
            broadcast_id=broadcast.id,
            title=title_of(broadcast),
            action=event.action,
            by=None if by is None else work.vault.open("staff.name", by.name),
            by_itself=bool(by_itself),
            operation=broadcast.operation,
            of_id=broadcast.of_id,
            before=before,
            after=after,
            text=event.text,
            starts_at=broadcast.starts_at,
            total=broadcast.total,
            sent=(broadcast.counts or {}).get(DeliveryState.SENT.value, 0),
        )
        await enqueue_notice(session, work.vault, chats, notice, dedupe_key=f"broadcast_event:{event_id}")


async def _is_past(session: AsyncSession, event: BroadcastEvent) -> bool:
    if event.happened_at < datetime.now(UTC) - _OLD:
        return True
    newer = exists().where(BroadcastEvent.broadcast_id == event.broadcast_id, BroadcastEvent.id > event.id)
    return event.action in _PASSING and bool(await session.scalar(select(newer)))
