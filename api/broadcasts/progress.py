"""How far a broadcast is: its messages by what became of them, how fast they go, and how long it will take."""

from typing import Any

import orjson
from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, cast, func, literal_column, select

from api.broadcasts.models import Broadcast
from api.broadcasts.schemas import BroadcastState, Progress
from api.lookups import LookUp, Row
from api.messages.models import Delivery
from api.messages.schemas import DeliveryState

RATE_SECONDS = 60
_DONE = (Delivery.broadcast_id == Broadcast.id, Delivery.state != DeliveryState.WAITING)
_RUNNING = (BroadcastState.SENDING, BroadcastState.PAUSED, BroadcastState.CANCELLED)


def _counts() -> ColumnElement[Any]:
    """By outcome, from the index of what is done; what was counted at the end stays, when the messages are deleted."""
    by_state = (
        select(Delivery.state, func.count().label("count"))
        .where(*_DONE)
        .group_by(Delivery.state)
        .correlate(Broadcast)
        .subquery("by_state")
    )
    counted = select(func.jsonb_object_agg(by_state.c.state, by_state.c.count)).scalar_subquery()
    return cast(func.coalesce(Broadcast.counts, counted), Text)


def _recently() -> ColumnElement[int]:
    ago = func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, literal_column(str(RATE_SECONDS)))
    return (
        select(func.count())
        .where(*_DONE, Delivery.state == DeliveryState.SENT, Delivery.finished_at > ago)
        .correlate(Broadcast)
        .scalar_subquery()
    )


PROGRESS = LookUp(
    select(
        Broadcast.state,
        Broadcast.total,
        _counts().label("counts"),
        _recently().label("recently"),
        func.extract("epoch", func.clock_timestamp() - Broadcast.started_at).label("age"),
    ).where(
        Broadcast.id == bindparam("broadcast_id", None, type_=BigInteger()),
        Broadcast.total.is_not(None),
    )
)
"""One row, or none where it has not started; ``progress_of`` reads it."""


def progress_of(row: Row) -> Progress:
    counts: dict[str, int] = orjson.loads(row["counts"] or "{}")
    waiting = max(0, row["total"] - sum(counts.values())) if row["state"] in _RUNNING else 0
    rate = row["recently"] / min(RATE_SECONDS, max(1.0, float(row["age"])))
    known = waiting and rate and row["state"] == BroadcastState.SENDING
    return Progress(
        total=row["total"],
        **counts,
        waiting=waiting,
        rate=round(rate, 2),
        seconds_left=round(waiting / rate) if known else None,
    )
