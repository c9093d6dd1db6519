"""Wire contract of staff."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, StringConstraints

from api.agreements.schemas import AgreementRef, PartyRole
from api.identity.schemas import (
    AccessRequestKind,
    AccessRequestState,
    LinkMethod,
    LinkRole,
    LinkScope,
    LinkSuspension,
)


class StaffRole(StrEnum):
    """What somebody of the office may do. An account can have several; none contains another."""

    VIEWER = "viewer"
    CASE_OFFICER = "case_officer"
    PUBLISHER = "publisher"
    APPROVER = "approver"
    CLERK = "clerk"
    ADMIN = "admin"


SEES_CASES = (StaffRole.VIEWER, StaffRole.CASE_OFFICER, StaffRole.APPROVER, StaffRole.ADMIN)
"""Who reads complaints."""
HANDLES_CASES = (StaffRole.CASE_OFFICER, StaffRole.APPROVER, StaffRole.ADMIN)
"""Who takes steps with them."""
LOOKS_UP = (StaffRole.VIEWER, StaffRole.CASE_OFFICER, StaffRole.CLERK, StaffRole.ADMIN)
"""Who finds an agreement by its number."""
SEES_QUEUE = (StaffRole.VIEWER, StaffRole.CASE_OFFICER, StaffRole.ADMIN)
"""Who sees that people ask for access, and since when; not what they wrote."""
LETS_IN = (StaffRole.CASE_OFFICER, StaffRole.ADMIN)
"""Who reads what people wrote, lets families in and shuts accounts out."""
SEES_BROADCASTS = (StaffRole.VIEWER, StaffRole.PUBLISHER, StaffRole.APPROVER, StaffRole.ADMIN)
"""Who reads broadcasts, counts and reports: they name nobody."""
HANDLES_BROADCASTS = (StaffRole.PUBLISHER, StaffRole.APPROVER, StaffRole.ADMIN)
"""Who takes steps with them, sees how they look for somebody, and takes lists of families away."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
# Twice the same is once.
Roles = Annotated[set[StaffRole], Field(min_length=1, json_schema_extra={"uniqueItems": False})]


# --- accounts ---


class StaffCodeIn(BaseModel):
    """The one-time code of an account, from an administrator or the command line."""

    code: SecretStr = Field(max_length=80)


class StaffMe(BaseModel):
    """The account of the chat that asks."""

    id: int
    name: str
    roles: list[StaffRole]


class StaffAccountOut(BaseModel):
    id: int
    name: str
    roles: list[StaffRole]
    linked_at: datetime | None = Field(description="Since when a Telegram chat acts for it; none: no chat does.")
    created_at: datetime
    disabled_at: datetime | None = Field(description="It can do nothing since then; its past stays.")


class StaffAccountIn(BaseModel):
    name: Name
    roles: Roles


class StaffAccountChange(BaseModel):
    """What is not given stays. A disabled account loses its chat: in force again, it needs a new code."""

    roles: Roles | None = None
    disabled: bool | None = None


class StaffCodeOut(BaseModel):
    """Shown now and never again."""

    code: str
    expires_at: datetime


# --- families ---


class StaffAgreementFound(BaseModel):
    """An agreement with the number that was asked for: one for each project that uses it."""

    agreement: AgreementRef
    project: str


class StaffPartyOut(BaseModel):
    """Somebody whom the roll names."""

    id: int
    role: PartyRole
    name: str = Field(description="Masked: 张*")
    valid_until: date | None = Field(description="Last day of a proxy's authority.")


class StaffLinkOut(BaseModel):
    """A chat that sees an agreement, or would if its link were in force. Which chat it is is not told."""

    id: int
    role: LinkRole
    method: LinkMethod
    scope: LinkScope
    person: str | None = Field(description="Who proved it, masked: 张*; none: let in by a code or by the office.")
    linked_at: datetime
    used_on: date = Field(description="The last day on which its chat wrote.")
    valid_until: date | None = Field(description="Its last day, or that of the proxy's authority; none: no end.")
    live: bool = Field(description="Whether it shows anything today.")
    suspended_because: LinkSuspension | None


class StaffAgreementOut(StaffAgreementFound):
    parties: list[StaffPartyOut] = Field(description="In the roll's order.")
    links: list[StaffLinkOut] = Field(description="That nobody ended, oldest first.")


class StaffLinkCodeIn(BaseModel):
    """As whom a code lets somebody in. Owners are what the roll says, so no code makes one."""

    role: Literal[LinkRole.RELATIVE, LinkRole.PROXY, LinkRole.HEIR] = LinkRole.RELATIVE
    scope: LinkScope = LinkScope.EVERYTHING
    valid_until: date | None = Field(None, description="Last day of what the code gives; a proxy must have one.")
    days: int = Field(7, ge=1, le=90, description="Days until the code itself ends.")


class StaffLinkCodeOut(BaseModel):
    """Shown now and never again."""

    code: str
    expires_at: datetime
    role: LinkRole
    scope: LinkScope
    valid_until: date | None


# --- requests for access ---

MAX_REASON_CHARACTERS = 500


def _clean(text: object) -> object:
    return text.replace("\0", "").strip() if isinstance(text, str) else text


class StaffAccessRequestRow(BaseModel):
    """A request in the queue, without what was written."""

    id: int
    kind: AccessRequestKind
    state: AccessRequestState
    created_at: datetime
    handled_at: datetime | None


class StaffAccessRequestOut(StaffAccessRequestRow):
    """What somebody wrote who cannot prove who they are. Which chat it is is not told."""

    text: str
    reason: str | None = Field(description="What the person was told when it was declined.")
    handled_by: str | None = Field(description="Name of the account that decided it.")


class StaffAccessRequestPage(BaseModel):
    """Open ones first, oldest first; then those that are decided, newest first."""

    requests: list[StaffAccessRequestRow]
    open_count: int
    next_cursor: str | None


class AccessGrantIn(BaseModel):
    """Which agreement the person sees from now on, and as whom.

    ``party_id``: who of those whom the roll names the person has shown to be. A holder or co-owner must be one; who
    bought a home becomes one when the roll is corrected.
    """

    agreement_id: int = Field(ge=1, lt=2**63)
    role: LinkRole
    party_id: int | None = Field(None, ge=1, lt=2**63)
    scope: LinkScope = LinkScope.EVERYTHING
    valid_until: date | None = Field(None, description="Last day; a proxy must have one.")


class AccessDeclineIn(BaseModel):
    reason: Annotated[str, BeforeValidator(_clean)] = Field(
        min_length=1,
        max_length=MAX_REASON_CHARACTERS,
        description="What the person is told, in the office's own words; without the space around it.",
    )
