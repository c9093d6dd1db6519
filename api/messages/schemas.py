"""Wire contract of the outbox: what a courier claims, and what it reports."""

from enum import StrEnum


class NoticeKind(StrEnum):
    """What a notice tells; ``handlers.notices`` has the words."""

    NEW_LINK = "new_link"  # somebody else was linked to your agreement
    LINK_ENDED = "link_ended"  # staff or an owner ended your link
    LINK_SUSPENDED = "link_suspended"  # the roll no longer supports your link
    ACCESS_GRANTED = "access_granted"  # the office answers a request for access
    ACCESS_DECLINED = "access_declined"


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    GONE = "gone"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
