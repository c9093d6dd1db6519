"""From an approved broadcast to its last message: the audience is frozen, what was cancelled is settled, and what is
done is counted. The messages themselves go the way of all messages (``api.messages.claims``).

Nothing here keeps a broadcast's row locked while it works on many messages: whoever pauses or cancels does not wait.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any

import structlog
from pydantic import TypeAdapter
from sqlalchemy import BigInteger, Select, and_, any_, bindparam, case, exists, func, literal, null, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import SYSTEM
from api.broadcasts.audience import corrected, make_room, recipients
from api.broadcasts.content import placeholders, sent_by
from api.broadcasts.models import Broadcast
from api.broadcasts.schemas import Body, BroadcastAction, BroadcastState, Missing, Operation, Rule
from api.broadcasts.steps import write_down
from api.jobs import Work, enqueue, task
from api.lookups import LookUp
from api.messages.leases import in_nobodys_hand
from api.messages.models import Delivery
from api.messages.schemas import DeliveryState, NoticeKind

log = structlog.get_logger()

DELETABLE = timedelta(hours=48)
"""Telegram deletes no message that is older."""
BATCH = 5000
"""Messages settled in one transaction."""

_RULE: TypeAdapter[Rule] = TypeAdapter(Rule)
_BODIES = TypeAdapter(dict[str, Body])
_UNFINISHED = (BroadcastState.SENDING, BroadcastState.PAUSED)
_SETTLED = {"execution_options": {"synchronize_session": False}}


class Overtaken(Exception):
    """Somebody took a step meanwhile: nothing of this may stand."""


class NeedsApproval(Exception):
    """Its audience has grown beyond what goes out without a second person."""


# --- start ---


async def start_when_due(session: AsyncSession, broadcast: Broadcast) -> None:
    """To be called by the transaction that approves it: it is started at once, or by the sweep when its time comes."""
    if broadcast.starts_at is None or broadcast.starts_at <= datetime.now(UTC):
        await _enqueue_start(session, broadcast.id)


async def _enqueue_start(session: AsyncSession, broadcast_id: int) -> None:
    await enqueue(
        session, start_broadcast, dedupe_key=f"{start_broadcast.name}:{broadcast_id}", broadcast_id=broadcast_id
    )


@task("broadcasts.start")
async def start_broadcast(work: Work, *, broadcast_id: int) -> None:
    """Freeze the audience of an approved broadcast whose time has come, and begin to send."""
    now = datetime.now(UTC)
    try:
        async with work.transaction() as session:
            total = await start(
                session,
                broadcast_id,
                now.astimezone(work.settings.timezone).date(),
                now,
                approval_above=work.settings.broadcast_approval_above,
            )
    except NeedsApproval:
        async with work.transaction() as session:
            await _wait_for_approval(session, broadcast_id)
        log.info("broadcast_waits_for_approval", broadcast=broadcast_id)
    except Overtaken:
        # Cancelled, or edited: whoever approves it again has it started again.
        log.info("broadcast_not_started", broadcast=broadcast_id)
    else:
        if total is not None:
            log.info("broadcast_started", broadcast=broadcast_id, messages=total)


async def start(
    session: AsyncSession, broadcast_id: int, today: date, now: datetime, *, approval_above: int | None = None
) -> int | None:
    """One row for each chat that gets it, in one statement, whatever their number.

    Args:
        approval_above: so many chats may get it without a second person's approval; none: any number.

    Returns:
        How many they are; none where it is not to be started now.

    Raises:
        Overtaken: it is not approved any more; the transaction must be rolled back.
        NeedsApproval: it would reach more than when it was submitted, and nobody approved it; likewise.
    """
    broadcast = await session.get(Broadcast, broadcast_id, populate_existing=True)
    if broadcast is None or broadcast.state is not BroadcastState.APPROVED:
        return None
    if broadcast.starts_at is not None and broadcast.starts_at > now:
        return None
    if not await _is_settled(session, broadcast.of_id):
        # What a courier has in hand of it may still arrive: the sweep comes back to this one.
        return None
    await make_room(session)
    rows = await _audience(session, broadcast, today, now)
    columns: list[Any] = [column.key for column in rows.selected_columns]
    frozen: Any = await session.execute(
        insert(Delivery)
        .from_select(columns, rows)
        .on_conflict_do_nothing(index_elements=[Delivery.broadcast_id, Delivery.chat_id])
    )
    if approval_above is not None and broadcast.approved_revision is None and frozen.rowcount > approval_above:
        raise NeedsApproval
    begun: Any = await session.execute(
        update(Broadcast)
        .where(
            Broadcast.id == broadcast_id,
            Broadcast.state == BroadcastState.APPROVED,
            Broadcast.version == broadcast.version,
        )
        .values(
            state=BroadcastState.SENDING, version=Broadcast.version + 1, started_at=func.now(), total=frozen.rowcount
        ),
        **_SETTLED,
    )
    if begun.rowcount == 0:
        raise Overtaken
    await write_down(session, SYSTEM, broadcast_id, BroadcastAction.START, revision=broadcast.revision)
    # To nobody, or all of it settled beforehand: then it is over.
    await finish(session, [broadcast_id])
    total: int = frozen.rowcount
    return total


async def _is_settled(session: AsyncSession, broadcast_id: int | None) -> bool:
    """Of what this one corrects or sends once more: whether it is known what became of each of its messages."""
    of = None if broadcast_id is None else await session.get(Broadcast, broadcast_id, populate_existing=True)
    if of is None:
        return True
    return of.state is not BroadcastState.CANCELLED or of.counts is not None


async def _wait_for_approval(session: AsyncSession, broadcast_id: int) -> None:
    revision = await session.scalar(
        update(Broadcast)
        .where(
            Broadcast.id == broadcast_id,
            Broadcast.state == BroadcastState.APPROVED,
            Broadcast.approved_revision.is_(None),
        )
        .values(state=BroadcastState.SUBMITTED, version=Broadcast.version + 1)
        .returning(Broadcast.revision),
        **_SETTLED,
    )
    if revision is not None:
        await write_down(session, SYSTEM, broadcast_id, BroadcastAction.SUBMIT, revision=revision)


async def _audience(session: AsyncSession, broadcast: Broadcast, today: date, now: datetime) -> Select[Any]:
    """Rows of ``deliveries``."""
    common = (
        literal(broadcast.id).label("broadcast_id"),
        literal(NoticeKind.BROADCAST, Delivery.kind.type).label("kind"),
    )
    if broadcast.operation is Operation.SEND:
        # Without a rule it is not approved: see ``problems``.
        rule = _RULE.validate_python(broadcast.audience)
        complete = (
            placeholders(_BODIES.validate_python(broadcast.bodies)) if broadcast.missing is Missing.LEAVE_OUT else ()
        )
        found = recipients(rule, today, broadcast.topic, complete=complete, import_id=broadcast.import_id).subquery()
        return select(found.c.chat_id, found.c.agreement_ids, *common)
    found = corrected((await sent_by(session, broadcast)).id).add_columns(Delivery.finished_at).subquery()
    rows = select(found.c.chat_id, found.c.agreement_ids, found.c.message_id.label("target_message_id"), *common)
    if broadcast.operation is Operation.DELETE:
        late = found.c.finished_at < now - DELETABLE
        rows = rows.add_columns(
            case(
                (late, literal(DeliveryState.FAILED, Delivery.state.type)),
                else_=literal(DeliveryState.WAITING, Delivery.state.type),
            ).label("state"),
            case((late, "too_old"), else_=null()).label("error"),
            case((late, func.now()), else_=null()).label("finished_at"),
        )
    return rows


# --- end ---


def _waiting(broadcast_id: Any) -> tuple[Any, ...]:
    return Delivery.broadcast_id == broadcast_id, Delivery.state == DeliveryState.WAITING


_UNFINISHED_OF = LookUp(
    select(Broadcast.id)
    .where(Broadcast.id == any_(bindparam("ids", None, type_=ARRAY(BigInteger()))), Broadcast.state.in_(_UNFINISHED))
    .order_by(Broadcast.id)
    .with_for_update(key_share=True)
)
_FIRST_WAITING = LookUp(
    select(Delivery.id)
    .where(*_waiting(bindparam("broadcast_id", None, type_=BigInteger())), Delivery.broadcast_id.is_not(None))
    .order_by(Delivery.not_before, Delivery.id)
    .limit(1)
)
"""By the index of those that wait, whatever PostgreSQL thinks of their number."""


async def finish(session: AsyncSession, broadcast_ids: Collection[int]) -> None:
    """Of these, those of which nothing waits any more are over. Whoever settled messages of theirs calls it last in
    its transaction: two who settle the last ones at the same time take turns, and the second sees what both did."""
    for row in await _UNFINISHED_OF.in_transaction(session, ids=[*broadcast_ids]):
        broadcast_id = row["id"]
        if await _FIRST_WAITING.in_transaction(session, broadcast_id=broadcast_id):
            continue
        revision = await session.scalar(
            update(Broadcast)
            .where(Broadcast.id == broadcast_id)
            .values(
                state=BroadcastState.SENT,
                version=Broadcast.version + 1,
                finished_at=func.clock_timestamp(),
                counts=await _counts(session, broadcast_id),
            )
            .returning(Broadcast.revision),
            **_SETTLED,
        )
        await write_down(session, SYSTEM, broadcast_id, BroadcastAction.FINISH, revision=revision or 1)
        log.info("broadcast_finished", broadcast=broadcast_id)


async def settle_soon(session: AsyncSession, broadcast_id: int) -> None:
    """To be called by the transaction that cancels it."""
    name = settle_cancelled.name
    await enqueue(session, settle_cancelled, dedupe_key=f"{name}:{broadcast_id}", broadcast_id=broadcast_id)


@task("broadcasts.settle")
async def settle_cancelled(work: Work, *, broadcast_id: int) -> None:
    """What still waited when a broadcast was cancelled is not sent any more. What a courier has in hand is left to its
    report; the sweep sees to the rest of it."""
    more = True
    while more:
        async with work.transaction() as session:
            more = await settle(session, broadcast_id) == BATCH


async def settle(session: AsyncSession, broadcast_id: int) -> int:
    """A batch of a cancelled broadcast. Of what was tried nobody knows whether it arrived. A message that was edited is
    done, though its reader is not told any more.

    Returns:
        How many messages were settled.
    """
    batch = (
        select(Delivery.id)
        .where(*_waiting(broadcast_id), in_nobodys_hand())
        .order_by(Delivery.not_before, Delivery.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    cancelled = exists().where(Broadcast.id == broadcast_id, Broadcast.state == BroadcastState.CANCELLED)
    edited = and_(Delivery.target_message_id.is_not(None), Delivery.message_id.is_not(None))
    doubtful = or_(Delivery.lease_id.is_not(None), Delivery.doubts > 0)
    settled: Any = await session.execute(
        update(Delivery)
        .where(Delivery.id == any_(func.array(batch.scalar_subquery())), cancelled)
        .values(
            state=case(
                (edited, literal(DeliveryState.SENT, Delivery.state.type)),
                (doubtful, literal(DeliveryState.UNKNOWN, Delivery.state.type)),
                else_=literal(DeliveryState.CANCELLED, Delivery.state.type),
            ),
            error=case((Delivery.lease_id.is_not(None), "never_reported"), else_=Delivery.error),
            lease_id=None,
            lease_until=None,
            finished_at=func.clock_timestamp(),
        ),
        **_SETTLED,
    )
    if settled.rowcount < BATCH and not await session.scalar(select(exists().where(*_waiting(broadcast_id)))):
        await session.execute(
            update(Broadcast)
            .where(Broadcast.id == broadcast_id, Broadcast.state == BroadcastState.CANCELLED)
            .values(
                counts=await _counts(session, broadcast_id),
                finished_at=func.coalesce(Broadcast.finished_at, func.clock_timestamp()),
            ),
            **_SETTLED,
        )
    count: int = settled.rowcount
    return count


@task("broadcasts.sweep", cron="* * * * *")
async def sweep_broadcasts(work: Work) -> None:
    """Every minute: start those whose time has come, settle what is left of cancelled ones, and end those that a crash
    kept from ending."""
    async with work.transaction() as session:
        due = select(Broadcast.id).where(
            Broadcast.state == BroadcastState.APPROVED,
            func.coalesce(Broadcast.starts_at, func.now()) <= func.now(),
        )
        for broadcast_id in await session.scalars(due):
            await _enqueue_start(session, broadcast_id)
        unsettled = select(Broadcast.id).where(
            Broadcast.state == BroadcastState.CANCELLED, Broadcast.started_at.is_not(None), Broadcast.counts.is_(None)
        )
        for broadcast_id in await session.scalars(unsettled):
            await settle_soon(session, broadcast_id)
    async with work.transaction() as session:
        unfinished = await session.scalars(select(Broadcast.id).where(Broadcast.state.in_(_UNFINISHED)))
        await finish(session, unfinished.all())


async def _counts(session: AsyncSession, broadcast_id: int) -> dict[str, int]:
    counted = await session.execute(
        select(Delivery.state, func.count())
        .where(Delivery.broadcast_id == broadcast_id, Delivery.state != DeliveryState.WAITING)
        .group_by(Delivery.state)
    )
    return {state.value: count for state, count in counted}
