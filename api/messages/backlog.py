"""How much waits in the outbox, for who watches over it: counted when somebody asks, over the rows that wait alone.

Messages of broadcasts are not counted: they wait for their turn, for the morning or for somebody to go on.
"""

from typing import Any

from sqlalchemy import Float, cast, func, select

from api.lookups import LookUp
from api.messages.models import Delivery
from api.messages.schemas import DeliveryState

_LATE: Any = func.clock_timestamp() - func.min(Delivery.not_before)
BACKLOG = LookUp(
    select(
        func.count().label("waiting"),
        cast(func.greatest(0, func.coalesce(func.extract("epoch", _LATE), 0)), Float).label("late_seconds"),
    ).where(Delivery.state == DeliveryState.WAITING, Delivery.broadcast_id.is_(None))
)
"""``late_seconds``: how long ago the message that waits longest was to go out."""
