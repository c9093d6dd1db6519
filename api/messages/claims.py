"""Handing messages to couriers, and what comes of them.

A claim leases what is due, the lowest priority number first, then the oldest, as many as the bucket has tokens. A
lease that runs out is no answer: perhaps the message was sent, perhaps not. It is claimed again, a few times, so that
nothing is lost when a courier dies; what was in flight at that moment may arrive twice.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Interval, and_, bindparam, case, exists, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.chats.liveness import is_live_link
from api.chats.models import Chat, Link
from api.chats.service import mark_gone
from api.lookups import LookUp
from api.messages import bucket
from api.messages.models import Delivery
from api.messages.schemas import Claim, Claimed, DeliveryState, Outcome, Report, Result
from api.messages.service import PAYLOAD
from api.privacy import CannotOpen, Vault

log = structlog.get_logger()

LAPSES = 3
"""How often a message is claimed again because nobody reported."""
REPEATS = 1
"""How often it is sent again when it went out and no answer came."""
ATTEMPTS = 36
"""With the pauses between them, Telegram may be out of reach for a day."""
LONGEST_PAUSE = 3600.0
ROUNDS = 8
"""So often a claim looks for more in place of what is not to be sent any more; others wait for the bucket meanwhile."""

_TABLE: Any = Delivery.__table__
_NOW = func.clock_timestamp()
_DUE = and_(
    Delivery.state == DeliveryState.WAITING,
    Delivery.not_before <= _NOW,
    or_(Delivery.lease_until.is_(None), Delivery.lease_until <= _NOW),
)
ANYTHING_DUE = LookUp(select(exists().where(_DUE).label("due")))


@dataclass
class Taken:
    """What a claim got; where it got nothing, for how long there is nothing to be had (not known: None). ``ended``: how
    many messages are not sent any more, by what became of them."""

    messages: list[Claimed] = field(default_factory=list)
    pause: float | None = None
    ended: Counter[str] = field(default_factory=Counter)


async def claim(session: AsyncSession, vault: Vault, asked: Claim, limit: bucket.Limit, today: date) -> Taken:
    """Lease what is due and the bucket allows. The bucket is kept for the rest of the transaction: couriers take
    turns, so that each gets what stands first."""
    level = await bucket.refill(session, limit)
    room = min(asked.limit, int(level.tokens))
    if room < 1:
        # Not for each single token: who has much to send comes for several.
        return Taken(pause=level.seconds_until(min(asked.limit, max(1, limit.burst // 2)), limit))
    shared = int(level.tokens - limit.reserve)
    taken, lease = Taken(), uuid4()
    for _ in range(ROUNDS):
        if (wanted := room - len(taken.messages)) == 0:
            break
        rows = (await session.execute(_candidates(wanted, today))).all()
        over: dict[tuple[DeliveryState, str | None], list[int]] = defaultdict(list)
        leased: list[int] = []
        for row in rows:
            if end := _end(row):
                over[end].append(row.id)
            elif row.priority > 0 and len(taken.messages) >= shared:
                taken.pause = level.seconds_until(limit.reserve + 1, limit)
                break
            elif (payload := _open(vault, row)) is None:
                over[DeliveryState.FAILED, "unreadable"].append(row.id)
            else:
                leased.append(row.id)
                taken.messages.append(
                    Claimed(
                        id=row.id, lease=lease, chat_id=row.chat_id, locale=row.locale, kind=row.kind, payload=payload
                    )
                )
        await _finish(session, over)
        taken.ended.update({state.value: len(ids) for (state, _), ids in over.items()})
        await _lease(session, leased, lease, asked.lease_seconds)
        if taken.pause is not None or len(rows) < wanted:
            break
    else:
        # There is more behind all that.
        taken.pause = 0.0
    if taken.messages:
        await bucket.take(session, len(taken.messages))
    return taken


def _candidates(limit: int, today: date) -> Any:
    sees = exists().where(
        Link.chat_id == Delivery.chat_id, Link.agreement_id == Delivery.agreement_id, is_live_link(today)
    )
    return (
        select(
            Delivery.id,
            Delivery.chat_id,
            Delivery.kind,
            Delivery.payload,
            Delivery.priority,
            Delivery.doubts,
            Delivery.lease_id,
            Chat.locale,
            Chat.gone_at,
            or_(Delivery.agreement_id.is_(None), sees).label("wanted"),
        )
        .outerjoin(Chat, Chat.id == Delivery.chat_id)
        .where(_DUE)
        .order_by(Delivery.priority, Delivery.not_before, Delivery.id)
        .limit(limit)
        .with_for_update(of=Delivery, skip_locked=True)
    )


def _end(row: Any) -> tuple[DeliveryState, str | None] | None:
    """How it ends unsent; None: it is to be sent."""
    if row.gone_at is not None:
        return DeliveryState.GONE, None
    if not row.wanted:
        return DeliveryState.CANCELLED, None
    if row.lease_id is not None and row.doubts >= LAPSES:
        return DeliveryState.UNKNOWN, "never_reported"
    return None


def _open(vault: Vault, row: Any) -> Any:
    try:
        return vault.open_json(PAYLOAD, row.payload or b"")
    except CannotOpen:
        log.error("delivery_unreadable", delivery=row.id)
        return None


async def _finish(session: AsyncSession, over: Mapping[tuple[DeliveryState, str | None], Sequence[int]]) -> None:
    for (state, error), ids in over.items():
        await session.execute(
            update(_TABLE)
            .where(_TABLE.c.id.in_(ids))
            .values(state=state, error=error, payload=None, lease_id=None, lease_until=None, finished_at=_NOW)
        )


async def _lease(session: AsyncSession, ids: Sequence[int], lease: UUID, seconds: int) -> None:
    if ids:
        await session.execute(
            update(_TABLE)
            .where(_TABLE.c.id.in_(ids))
            .values(
                lease_id=lease,
                lease_until=_NOW + timedelta(seconds=seconds),
                attempts=_TABLE.c.attempts + 1,
                # Whoever had it before never said what came of it.
                doubts=_TABLE.c.doubts + case((_TABLE.c.lease_id.is_not(None), 1), else_=0),
            )
        )


# --- reports ---


class _After(NamedTuple):
    """What a result makes of a row. ``pause``: seconds until it is due again; 0: it keeps its place."""

    state: DeliveryState
    attempts: int
    doubts: int
    error: str | None = None
    message_id: int | None = None
    pause: float = 0


_final: Any = bindparam("new_state", type_=_TABLE.c.state.type) != DeliveryState.WAITING
_pause: Any = bindparam("pause", type_=Interval())
_SETTLE = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("row"))
    .values(
        state=bindparam("new_state", type_=_TABLE.c.state.type),
        attempts=bindparam("new_attempts"),
        doubts=bindparam("new_doubts"),
        error=bindparam("new_error"),
        message_id=bindparam("new_message_id"),
        payload=case((_final, None), else_=_TABLE.c.payload),
        finished_at=case((_final, _NOW)),
        not_before=case((_pause > literal(timedelta(), Interval()), _NOW + _pause), else_=_TABLE.c.not_before),
        lease_id=None,
        lease_until=None,
    )
)


async def report(session: AsyncSession, told: Report) -> Counter[str]:
    """Settle the messages that still bear their lease.

    Returns:
        How many they are, by outcome.
    """
    results = {(result.id, result.lease): result for result in told.results}
    held = await session.execute(
        select(Delivery.id, Delivery.chat_id, Delivery.lease_id, Delivery.attempts, Delivery.doubts)
        .where(Delivery.id.in_([result.id for result in told.results]), Delivery.state == DeliveryState.WAITING)
        .order_by(Delivery.id)
        .with_for_update()
    )
    settled: list[dict[str, Any]] = []
    gone: set[int] = set()
    outcomes: Counter[str] = Counter()
    for row in held:
        result = results.get((row.id, row.lease_id))
        if result is None:
            continue
        outcomes[result.outcome.value] += 1
        after = _after(row, result)
        settled.append(
            {
                "row": row.id,
                "new_state": after.state,
                "new_attempts": after.attempts,
                "new_doubts": after.doubts,
                "new_error": after.error,
                "new_message_id": after.message_id,
                "pause": timedelta(seconds=after.pause),
            }
        )
        if after.state is DeliveryState.GONE:
            gone.add(row.chat_id)
    if settled:
        await (await session.connection()).execute(_SETTLE, settled)
    if gone:
        await mark_gone(session, gone)
    if told.halt_seconds:
        await bucket.halt(session, told.halt_seconds)
    return outcomes


def _after(row: Any, result: Result) -> _After:
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
