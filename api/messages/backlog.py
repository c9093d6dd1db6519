"""How much waits in the outbox, for who watches over it: counted when somebody asks, over the rows that wait alone.

Messages of broadcasts are counted apart: they wait for their turn, for the morning or for somebody to go on.
"""

from typing import Any

from sqlalchemy import Float, cast, func, select

from api.lookups import LookUp
from api.messages.holding import IS_HELD
from api.messages.models import Delivery
from api.messages.schemas import DeliveryState

MOST_OF_BROADCASTS = 100_000
"""More are not counted: that would take a tenth of a second and longer."""

_of_broadcasts = (
    select(Delivery.id)
    .where(Delivery.state == DeliveryState.WAITING, Delivery.broadcast_id.is_not(None))
    .limit(MOST_OF_BROADCASTS)
    .subquery()
)
_LATE: Any = func.clock_timestamp() - func.min(Delivery.not_before)
BACKLOG = LookUp(
    select(
        func.count().label("waiting"),
        cast(func.greatest(0, func.coalesce(func.extract("epoch", _LATE), 0)), Float).label("late_seconds"),
        select(func.count()).select_from(_of_broadcasts).scalar_subquery().label("broadcast_messages"),
        IS_HELD.label("held"),
    ).where(Delivery.state == DeliveryState.WAITING, Delivery.broadcast_id.is_(None))
)
"""``late_seconds``: how long ago the message that waits longest was to go out. ``held``: somebody wants it so."""
