"""Holding all that the outbox would send, until somebody says that it may go.

After a restore the outbox is as it was then: what was sent since would be sent a second time, to thousands where a
broadcast was on its way. So a restored database is held; an operator looks, cancels what went out, and releases. It is
the bucket's halt, without an end: no courier is given anything, answers in conversations go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.models import AuditEvent
from api.audit.service import OPERATOR, record
from api.broadcasts.models import Broadcast
from api.broadcasts.schemas import BroadcastState
from api.lookups import LookUp
from api.messages.models import Delivery, SendBucket
from api.messages.schemas import DeliveryState

_OBJECT, _HELD, _RELEASED = "send_bucket", "sending.held", "sending.released"
FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
"""PostgreSQL before 17 cannot subtract from infinity."""
_LONGEST_PAUSE = datetime(9000, 1, 1, tzinfo=UTC)
"""What Telegram asks for ends long before."""
_TABLE: Any = Delivery.__table__
IS_HELD: ColumnElement[bool] = ~exists().where(
    or_(SendBucket.held_until.is_(None), SendBucket.held_until < _LONGEST_PAUSE)
)
"""Until somebody releases it. Without a row of leave to send nothing goes out either; a pause that Telegram asked for
is no hold."""
_last_released = select(func.coalesce(func.max(AuditEvent.id), 0)).where(
    AuditEvent.object_kind == _OBJECT, AuditEvent.action == _RELEASED
)
HELD_SINCE = LookUp(
    select(func.min(AuditEvent.happened_at).label("at")).where(
        AuditEvent.object_kind == _OBJECT,
        AuditEvent.action == _HELD,
        AuditEvent.id > _last_released.scalar_subquery(),
    )
)
"""When somebody, or a restore, held it; none, where the row is missing or nothing is held."""
_NOTICES = (Delivery.broadcast_id.is_(None), Delivery.state == DeliveryState.WAITING)


@dataclass(frozen=True)
class Waiting:
    """What would go out.

    Attributes:
        held: see ``IS_HELD``.
        broadcasts: those that are on their way, or will start by themselves: id, state, when it is due, messages that
            wait.
    """

    held: bool
    notices: int
    oldest: datetime | None
    broadcasts: Sequence[tuple[int, BroadcastState, datetime | None, int]]


async def hold(session: AsyncSession) -> None:
    """Nobody is given anything any more, from the commit on."""
    statement = insert(SendBucket).values(id=1, tokens=0, held_until=FOR_EVER)
    await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"held_until": FOR_EVER}))
    await record(session, OPERATOR, _HELD, _OBJECT, [None])


async def release(session: AsyncSession, drop_before: datetime | None = None) -> int:
    """Let it go out, and begin with an empty bucket.

    Args:
        drop_before: notices that were written before that moment are not sent any more.

    Returns:
        How many those were.
    """
    dropped = 0
    if drop_before is not None:
        gone = await session.execute(
            update(_TABLE)
            .where(*_NOTICES, Delivery.created_at < drop_before)
            .values(
                state=DeliveryState.CANCELLED, payload=None, lease_id=None, lease_until=None, finished_at=func.now()
            )
            .returning(_TABLE.c.id)
        )
        ids = gone.scalars().all()
        dropped = len(ids)
        await record(session, OPERATOR, "delivery.dropped", "delivery", ids)
    now = func.clock_timestamp()
    fresh = {"tokens": 0, "refilled_at": now, "held_until": None}
    statement = insert(SendBucket).values(id=1, **fresh)
    await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=fresh))
    await record(session, OPERATOR, _RELEASED, _OBJECT, [None])
    return dropped


async def waiting(session: AsyncSession) -> Waiting:
    """What would go out now, or when it is released."""
    notices = (await session.execute(select(func.count(), func.min(Delivery.created_at)).where(*_NOTICES))).one()
    unsent = (
        select(func.count())
        .where(Delivery.broadcast_id == Broadcast.id, Delivery.state == DeliveryState.WAITING)
        .correlate(Broadcast)
        .scalar_subquery()
    )
    on_their_way = await session.execute(
        select(Broadcast.id, Broadcast.state, Broadcast.starts_at, unsent)
        .where(Broadcast.state.in_((BroadcastState.APPROVED, BroadcastState.SENDING, BroadcastState.PAUSED)))
        .order_by(Broadcast.id)
    )
    return Waiting(
        held=(await session.execute(select(IS_HELD))).scalar_one(),
        notices=notices[0],
        oldest=notices[1],
        broadcasts=[(row[0], row[1], row[2], row[3]) for row in on_their_way.all()],
    )
