"""What became of messages, as couriers tell it."""

from collections import Counter
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Float, SmallInteger, Text, Update, any_, bindparam, case, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from api.broadcasts.models import Broadcast
from api.broadcasts.schemas import Operation
from api.broadcasts.sending import finish
from api.chats.service import mark_gone
from api.lookups import LookUp
from api.messages import bucket
from api.messages.models import Delivery
from api.messages.schemas import AS_IT_WAS, DeliveryState, Outcome, Report, Result

REPEATS = 1
"""How often it is sent again when it went out and no answer came."""
ATTEMPTS = 36
"""With the pauses between them, Telegram may be out of reach for a day."""
LONGEST_PAUSE = 3600.0

_TABLE: Any = Delivery.__table__
_NOW = func.clock_timestamp()


class _After(NamedTuple):
    """What a result makes of a row. ``pause``: seconds until it is due again; 0: it keeps its place."""

    state: DeliveryState
    attempts: int
    doubts: int
    error: str | None = None
    message_id: int | None = None
    pause: float = 0


_ARRAYS: dict[str, Any] = {
    "id": BigInteger(),
    "state": Text(),
    "attempts": SmallInteger(),
    "doubts": SmallInteger(),
    "error": Text(),
    "message_id": BigInteger(),
    "pause": Float(),
}


def _settling() -> Update:
    """One statement for all rows of a report: each parameter is an array, over them."""
    given = [bindparam(f"new_{name}", None, type_=ARRAY(kind)) for name, kind in _ARRAYS.items()]
    new = func.unnest(*given).table_valued(*_ARRAYS, name="new").render_derived().c
    final = new.state != DeliveryState.WAITING.value
    return (
        update(_TABLE)
        .where(_TABLE.c.id == new.id)
        .values(
            state=new.state,
            attempts=new.attempts,
            doubts=new.doubts,
            error=new.error,
            message_id=new.message_id,
            payload=case((final, None), else_=_TABLE.c.payload),
            finished_at=case((final, _NOW)),
            not_before=case(
                (new.pause > 0, _NOW + func.make_interval(0, 0, 0, 0, 0, 0, new.pause)), else_=_TABLE.c.not_before
            ),
            lease_id=None,
            lease_until=None,
        )
    )


_SETTLE = LookUp(_settling())
_HELD = (
    select(
        Delivery.id,
        Delivery.chat_id,
        Delivery.broadcast_id,
        Delivery.target_message_id,
        Delivery.message_id,
        Delivery.lease_id,
        Delivery.attempts,
        Delivery.doubts,
    )
    .where(
        Delivery.id == any_(bindparam("ids", None, type_=ARRAY(BigInteger()))),
        Delivery.state == DeliveryState.WAITING,
    )
    .order_by(Delivery.id)
    .with_for_update()
)


async def report(session: AsyncSession, told: Report) -> Counter[str]:
    """Settle the messages that still bear their lease.

    Returns:
        How many they are, by outcome.
    """
    results = {(result.id, result.lease): result for result in told.results}
    # The first statement: see LookUp.in_transaction.
    connection = await session.connection()
    held = (await connection.execute(_HELD, {"ids": [result.id for result in told.results]})).all()
    edits = await _edits(session, {row.broadcast_id for row in held if row.target_message_id is not None})
    settled: dict[int, _After] = {}
    gone: set[int] = set()
    over: set[int] = set()
    outcomes: Counter[str] = Counter()
    for row in held:
        result = results.get((row.id, row.lease_id))
        if result is None:
            continue
        outcomes[result.outcome.value] += 1
        after = settled[row.id] = _after(row, result, is_edit=row.broadcast_id in edits)
        if after.state is DeliveryState.GONE:
            gone.add(row.chat_id)
        if row.broadcast_id is not None and after.state is not DeliveryState.WAITING:
            over.add(row.broadcast_id)
    if settled:
        columns = zip(*settled.values(), strict=True)
        new = {f"new_{name}": [*column] for name, column in zip(_After._fields, columns, strict=True)}
        await _SETTLE.in_transaction(session, new_id=[*settled], **new)
    if gone:
        await mark_gone(session, gone)
    if told.halt_seconds:
        await bucket.halt(session, told.halt_seconds)
    if over:
        await finish(session, over)
    return outcomes


async def _edits(session: AsyncSession, broadcast_ids: set[int | None]) -> set[int]:
    """Those of the broadcasts that edit what was sent."""
    if not broadcast_ids:
        return set()
    found = await session.scalars(
        select(Broadcast.id).where(Broadcast.id.in_(broadcast_ids), Broadcast.operation == Operation.EDIT)
    )
    return {*found}


def _is_edited(row: Any, result: Result, *, is_edit: bool) -> bool:
    """Whether a message was edited by what is reported, so that its reader is to be told. Where there was nothing to do
    at the first try, it says what it said before; later on it may be an earlier try that edited it, of which no answer
    came."""
    if not is_edit or row.message_id is not None or result.outcome is not Outcome.SENT:
        return False
    return result.reason != AS_IT_WAS or row.attempts > 1


def _after(row: Any, result: Result, *, is_edit: bool) -> _After:
    if _is_edited(row, result, is_edit=is_edit):
        # It goes on as if it were new: what is left is to tell its reader.
        return _After(DeliveryState.WAITING, 0, 0, message_id=row.target_message_id)
    after = _outcome(row, result)
    # Of one that waits it tells that the message is edited.
    return after if after.message_id is not None else after._replace(message_id=row.message_id)


def _outcome(row: Any, result: Result) -> _After:
    tried, doubts, reason = row.attempts, row.doubts, result.reason
    match result.outcome:
        case Outcome.SENT:
            return _After(DeliveryState.SENT, tried, doubts, message_id=result.message_id)
        case Outcome.GONE:
            return _After(DeliveryState.GONE, tried, doubts, reason)
        case Outcome.FAILED:
            return _After(DeliveryState.FAILED, tried, doubts, reason)
        case Outcome.UNSENT:
            return _After(DeliveryState.WAITING, tried - 1, doubts, reason, pause=result.after)
        case Outcome.UNKNOWN if doubts >= REPEATS:
            return _After(DeliveryState.UNKNOWN, tried, doubts + 1, reason)
        case Outcome.UNKNOWN:
            return _After(DeliveryState.WAITING, tried, doubts + 1, reason, pause=result.after)
        case Outcome.RETRY if tried >= ATTEMPTS:
            return _After(DeliveryState.FAILED, tried, doubts, reason)
        case Outcome.RETRY:
            pause = max(result.after, min(2.0**tried, LONGEST_PAUSE))
            return _After(DeliveryState.WAITING, tried, doubts, reason, pause=pause)
