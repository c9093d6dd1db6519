"""Wire contract of the outbox: what notices tell, what a courier claims, and what it reports."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.agreements.schemas import AgreementRef
from api.identity.schemas import LinkMethod, LinkRole, LinkScope, LinkSuspension


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


# --- what notices tell: one model for each kind ---


class EndedBy(StrEnum):
    OWNER = "owner"
    STAFF = "staff"


class NewLink(BaseModel):
    """Another chat sees the agreement now. Told only to chats that still see it themselves when it is sent; to owners
    with ``can_end``, and without it to the others, whom the API would refuse."""

    kind: Literal[NoticeKind.NEW_LINK] = NoticeKind.NEW_LINK
    agreement: AgreementRef
    link_id: int = Field(description="The new link.")
    role: LinkRole
    method: LinkMethod
    scope: LinkScope
    linked_at: datetime
    can_end: bool = Field(default=True, description="Whether the chats that are told may end it: owners.")


class LinkEnded(BaseModel):
    """The chat that is told no longer sees the agreement."""

    kind: Literal[NoticeKind.LINK_ENDED] = NoticeKind.LINK_ENDED
    agreement: AgreementRef
    by: EndedBy


class LinkSuspended(BaseModel):
    """The chat that is told sees nothing of the agreement until its person proves anew who they are."""

    kind: Literal[NoticeKind.LINK_SUSPENDED] = NoticeKind.LINK_SUSPENDED
    agreement: AgreementRef
    because: LinkSuspension


class AccessGranted(BaseModel):
    """The office let the chat in that had asked for access."""

    kind: Literal[NoticeKind.ACCESS_GRANTED] = NoticeKind.ACCESS_GRANTED
    agreement: AgreementRef
    role: LinkRole
    scope: LinkScope
    valid_until: date | None = Field(default=None, description="A proxy's last day.")


class AccessDeclined(BaseModel):
    """The office did not let the chat in that had asked for access."""

    kind: Literal[NoticeKind.ACCESS_DECLINED] = NoticeKind.ACCESS_DECLINED
    reason: str = Field(max_length=1000, description="In the staff's own words.")


Notice = Annotated[
    NewLink | LinkEnded | LinkSuspended | AccessGranted | AccessDeclined,
    Field(discriminator="kind"),
]
