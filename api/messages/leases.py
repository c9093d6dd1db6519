"""Whether a message is in some courier's hand, or is to be put there."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_

from api.messages.models import Delivery
from api.messages.schemas import LONGEST_LEASE, DeliveryState

JUMP_SECONDS = 10.0
"""By more than that the database's clock goes back only when somebody sets it."""

# Stable within a statement, unlike the clock: so an index can be searched by it, and ends where the time that has not
# come begins.
_NOW: Any = func.statement_timestamp()


def in_nobodys_hand() -> ColumnElement[bool]:
    """A lease that ends later than any lease can is from before the clock went back: it is over."""
    return or_(
        Delivery.lease_until.is_(None),
        Delivery.lease_until <= _NOW,
        Delivery.lease_until > _NOW + timedelta(seconds=LONGEST_LEASE + JUMP_SECONDS),
    )


def is_due() -> ColumnElement[bool]:
    """It is to be sent now."""
    return and_(Delivery.state == DeliveryState.WAITING, Delivery.not_before <= _NOW, in_nobodys_hand())
