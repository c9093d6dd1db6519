"""Wire contract of the outbox: what notices tell, what a courier claims, and what it reports."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.agreements.schemas import AgreementRef
from api.broadcasts.schemas import BroadcastAction, BroadcastContent, NewsKind, Operation
from api.cases.schemas import (
    AttachmentOut,
    CaseCategory,
    CaseEventKind,
    CaseState,
    ClockKind,
    ClockOut,
    Procedure,
)
from api.cases.schemas import Outcome as CaseOutcome
from api.identity.schemas import LinkMethod, LinkRole, LinkScope, LinkSuspension


class NoticeKind(StrEnum):
    """What a notice tells; ``handlers.notices`` has the words."""

    NEW_LINK = "new_link"  # somebody else was linked to your agreement
    LINK_ENDED = "link_ended"  # staff or an owner ended your link
    LINK_SUSPENDED = "link_suspended"  # the roll no longer supports your link
    ACCESS_GRANTED = "access_granted"  # the office answers a request for access
    ACCESS_DECLINED = "access_declined"
    CASE_UPDATED = "case_updated"  # the office did something with your complaint
    CASE_ON_DESK = "case_on_desk"  # to staff: something about a case that is yours to handle
    DRAFTS_WAIT = "drafts_wait"  # to staff: a load of a roll has made drafts of broadcasts
    BROADCAST_ON_DESK = "broadcast_on_desk"  # to staff: one waits for their approval, or what became of theirs
    BROADCAST = "broadcast"  # a message of a broadcast; no notice of its own
    BROADCAST_TEST = "broadcast_test"  # to staff: how a broadcast will look


FOR_STAFF = (
    NoticeKind.CASE_ON_DESK,
    NoticeKind.DRAFTS_WAIT,
    NoticeKind.BROADCAST_ON_DESK,
    NoticeKind.BROADCAST_TEST,
)
"""Told to a chat because somebody of the office uses it."""


CORRECTED = "broadcast_corrected"
"""What a claim calls the second part of a correction: its message is edited, and its reader is told so. No
``NoticeKind``: it is the same delivery. A courier that has no words for it gives it back, for a newer one."""
AS_IT_WAS = "as_it_was"
"""A courier's word for an edit or a deletion that found nothing to do."""


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
    """Another chat sees the agreement now. Told to chats that still see it themselves when it is sent: to owners with
    ``can_end``, and without it to the others, whom the API would refuse. Also to chats that would see it if they had
    been used, without anything that they do not see."""

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


class CaseUpdated(BaseModel):
    """The office did something with a complaint; told to the chat that filed it, as long as it still sees the
    agreement."""

    kind: Literal[NoticeKind.CASE_UPDATED] = NoticeKind.CASE_UPDATED
    agreement_id: int
    number: str
    category: CaseCategory
    news: CaseEventKind
    state: CaseState = Field(description="After it.")
    text: str = Field(default="", description="In the office's own words.")
    attachments: list[AttachmentOut] = Field(default_factory=list, description="Files that come with it.")
    department: str | None = Field(default=None, description="Who handles it now.")
    outcome: CaseOutcome | None = None
    procedure: Procedure | None = None
    days: int | None = Field(default=None, description="By how many days the answer was put off.")
    again: bool = Field(default=False, description="An answer that takes the place of another.")
    together: bool = Field(default=False, description="Other families are answered with it.")
    clocks: list[ClockOut] = Field(default_factory=list, description="Those running now that concern the resident.")


class DeskNews(StrEnum):
    GIVEN = "given"  # to you
    UNCLAIMED = "unclaimed"  # given to your department, and to nobody there yet
    RELEASED = "released"  # nobody has it any more: the account that had it acts no longer
    REPLIED = "replied"
    ADDED = "added"
    REOPENED = "reopened"
    REVIEW_REQUESTED = "review_requested"
    SECOND_REVIEW_REQUESTED = "second_review_requested"
    WITHDRAWN = "withdrawn"
    JOINED = "joined"  # more families are answered with it
    SPLIT_OFF = "split_off"  # no longer answered with the others
    UNPUBLISHED = "unpublished"  # the family does not want it offered to the building
    LEFT = "left"  # the family reads nothing here any more
    SUPERVISED = "supervised"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    NO_REPLY = "no_reply"  # the resident did not answer a question in time


class CaseOnDesk(BaseModel):
    """Something about a case, to the officer who has it (where nobody has it, to its department's supervisors). It
    names nobody."""

    kind: Literal[NoticeKind.CASE_ON_DESK] = NoticeKind.CASE_ON_DESK
    number: str
    category: CaseCategory
    news: DeskNews
    state: CaseState
    clock: ClockKind | None = Field(default=None, description="Which one ends, or has ended.")
    last_day: date | None = None
    others: int = Field(default=0, description="How many more cases were released with it.")


class WaitingDraft(BaseModel):
    """A broadcast that a load of a roll has drafted."""

    broadcast_id: int
    news: NewsKind
    families: int = Field(description="That it touches.")
    source: str = Field(description="Of the roll.")
    as_of: date


class DraftsWait(BaseModel):
    """Drafts wait for those who publish: nothing of a load is sent by itself."""

    kind: Literal[NoticeKind.DRAFTS_WAIT] = NoticeKind.DRAFTS_WAIT
    drafts: list[WaitingDraft]


class BroadcastOnDesk(BaseModel):
    """A step of a broadcast: that it was submitted, to those who may approve it; the others, to whose it is."""

    kind: Literal[NoticeKind.BROADCAST_ON_DESK] = NoticeKind.BROADCAST_ON_DESK
    broadcast_id: int
    title: str = Field(description="How its text begins.")
    action: BroadcastAction
    by: str | None = Field(description="Who of the office took the step; none: it came by itself, or from a script.")
    by_itself: bool = False
    operation: Operation = Operation.SEND
    of_id: int | None = Field(default=None, description="What it corrects or sends once more.")
    before: str = Field(default="", description="Of a correction: what was said, from where the new words differ.")
    after: str = Field(default="", description="Likewise what is said in its place.")
    text: str = Field(default="", description="Why, in their own words.")
    starts_at: datetime | None = Field(default=None, description="None: as soon as it is approved.")
    total: int | None = Field(default=None, description="Messages, once its audience is frozen.")
    sent: int = Field(default=0, description="Of them, once it is over.")


Notice = Annotated[
    NewLink
    | LinkEnded
    | LinkSuspended
    | AccessGranted
    | AccessDeclined
    | CaseUpdated
    | CaseOnDesk
    | DraftsWait
    | BroadcastOnDesk,
    Field(discriminator="kind"),
]


# --- what couriers claim and report ---


LONGEST_LEASE = 600
"""Seconds."""


class Claim(BaseModel):
    """What a courier can take on now."""

    limit: int = Field(default=10, ge=1, le=200)
    lease_seconds: int = Field(
        default=60, ge=5, le=LONGEST_LEASE, description="Time to send and report; then others may."
    )
    wait_seconds: float = Field(
        default=0, ge=0, le=25, strict=True, description="How long to wait while there is nothing."
    )


class Claimed(BaseModel):
    """A message that is the courier's to send for as long as the lease lasts."""

    id: int
    lease: UUID
    chat_id: int
    locale: str | None = Field(description="The chat's language; none: not known.")
    kind: str = Field(
        description=f"A `NoticeKind`, `{CORRECTED}` (what a broadcast said was edited), or one that only a newer "
        "courier knows."
    )
    payload: dict[str, Any] = Field(
        description="Of a notice: a `Notice`. Of a broadcast: the reader's `RecipientFacts`. Of a broadcast's test: "
        "both its `content` and the `facts`."
    )
    broadcast_id: int | None = Field(default=None, description="Its content stands in the batch.")
    message_id: int | None = Field(
        default=None,
        description=f"Of a correction: the message to edit or delete; of `{CORRECTED}`: the one to reply to.",
    )
    wait_seconds: float = Field(default=0, description="Not to be sent earlier than so long after it was claimed.")


class ClaimedBatch(BaseModel):
    messages: list[Claimed]
    broadcasts: list[BroadcastContent] = Field(default=[], description="Of the messages, each once.")


class Outcome(StrEnum):
    SENT = "sent"
    GONE = "gone"  # Telegram knows no way to this chat: blocked, or deleted
    FAILED = "failed"  # Telegram will not take it, now or later
    RETRY = "retry"  # it was refused for a passing reason
    UNSENT = "unsent"  # it was not tried, or was refused only for the pace: the lease is given back
    UNKNOWN = "unknown"  # it went out and nobody knows whether it arrived


class Result(BaseModel):
    """What became of one message. Counts only while the message still bears the lease."""

    id: int = Field(ge=1, lt=2**63)
    lease: UUID
    outcome: Outcome
    message_id: int | None = Field(default=None, ge=1, lt=2**63, description="Telegram's, of what was sent.")
    reason: str | None = Field(
        default=None, pattern=r"^[a-z0-9_]{1,40}$", description="A word for the failure; never what Telegram quotes."
    )
    after: float = Field(
        default=0, ge=0, le=86_400, strict=True, description="Seconds after which it may be tried again."
    )


class Report(BaseModel):
    results: list[Result] = Field(max_length=500)
    halt_seconds: float | None = Field(
        default=None,
        strict=True,
        ge=0,
        le=86_400,
        description="Telegram asked for a pause (`retry_after`): nobody sends.",
    )


class Reported(BaseModel):
    counted: int = Field(description="Results that counted; the others came under a lease that is over.")
