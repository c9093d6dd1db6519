"""The leave to send: one row in PostgreSQL, from which all couriers of the deployment take their tokens (design §9).

Whoever refills it holds its row until the transaction ends, so couriers take turns and none sees another's tokens. The
clock is the database's. In any window of a second at most ``rate + burst`` tokens are given.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    ScalarSelect,
    and_,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from api.lookups import LookUp
from api.messages.leases import JUMP_SECONDS
from api.messages.models import SendBucket

RESERVE = 1.0
"""Tokens that are left to notices: what is less urgent takes those above. A bucket that holds one keeps none back."""

AHEAD_SECONDS = 1.0
"""So long before its time a message of a broadcast may be granted: else each of a courier's ways to the API would cost
tokens that flow over meanwhile. The courier waits until it is time."""

_TABLE: Any = SendBucket.__table__
_NOW = func.clock_timestamp()


def _seconds(interval: ColumnElement[Any]) -> ColumnElement[float]:
    return cast(func.extract("epoch", interval), Float)


@dataclass(frozen=True)
class Limit:
    """Messages in a second, and how many of them at once."""

    rate: float
    burst: float

    @property
    def reserve(self) -> float:
        return min(RESERVE, self.burst - 1)

    @property
    def ahead(self) -> float:
        return self.rate * AHEAD_SECONDS


@dataclass(frozen=True)
class Level:
    """What is in the bucket, and for how many seconds nothing may be taken from it. Less than nothing: so much was
    granted ahead of its time. Without a row there is no leave to send, until somebody gives it
    (``api.messages.holding``)."""

    tokens: float
    held: float

    def seconds_until(self, tokens: float, limit: Limit) -> float:
        return self.held + max(0.0, tokens - self.tokens) / limit.rate


# Read once for a refill: what flows in between two readings would be lost. It is read after the wait for the row.
_READING: Any = select(_NOW.label("now")).subquery("reading").c.now


def _clock_went_back() -> ColumnElement[bool]:
    """Whether the last refill lies ahead, by more than anybody waited for the row, and no halt put it there. Else
    nothing would flow in until the clock is there again."""
    ahead = SendBucket.refilled_at > _READING + timedelta(seconds=JUMP_SECONDS)
    return and_(ahead, or_(SendBucket.held_until.is_(None), SendBucket.held_until < SendBucket.refilled_at))


def _refilled() -> ScalarSelect[Any]:
    """Tokens, and the moment at which there are so many."""
    last = case((_clock_went_back(), _READING), else_=SendBucket.refilled_at)
    flown_in = func.greatest(0, _seconds(_READING - last)) * bindparam("rate", None, type_=Float())
    full = bindparam("burst", None, type_=Float())
    refilled = select(func.least(full, SendBucket.tokens + flown_in), func.greatest(last, _READING))
    return refilled.correlate(_TABLE).scalar_subquery()


_REFILL = (
    update(_TABLE)
    .values({tuple_(_TABLE.c.tokens, _TABLE.c.refilled_at): _refilled()})
    .returning(_TABLE.c.tokens, func.greatest(0, _seconds(func.coalesce(SendBucket.held_until, _NOW) - _NOW)))
)
_TAKE = LookUp(update(_TABLE).values(tokens=_TABLE.c.tokens - bindparam("taken", None, type_=Integer())))


async def refill(session: AsyncSession, limit: Limit) -> Level:
    """Bring the bucket up to date, and keep it for this transaction. While a halt lasts nothing flows in."""
    # The first statement: see LookUp.in_transaction.
    connection = await session.connection()
    row = (await connection.execute(_REFILL, {"rate": limit.rate, "burst": limit.burst})).one_or_none()
    if row is None:
        return Level(0.0, math.inf)
    held = float(row[1])
    return Level(0.0 if held > 0 else row[0], held)


async def take(session: AsyncSession, tokens: int) -> None:
    """After :func:`refill`, in its transaction."""
    await _TAKE.in_transaction(session, taken=tokens)


async def halt(session: AsyncSession, seconds: float) -> None:
    """Nobody sends for so long; a longer halt stays in force. Then the bucket begins empty."""
    until = func.greatest(
        func.coalesce(SendBucket.held_until, _NOW), _NOW + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    )
    await session.execute(
        update(SendBucket)
        .values(tokens=0, held_until=until, refilled_at=until)
        .execution_options(synchronize_session=False)
    )
