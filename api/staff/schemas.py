"""Wire contract of staff."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, StringConstraints

from api.agreements.schemas import AgreementRef
from api.identity.schemas import AccessRequestKind, LinkMethod, LinkRole, LinkScope, LinkSuspension


class StaffRole(StrEnum):
    """What somebody of the office may do. An account can have several; none contains another."""

    VIEWER = "viewer"
    CASE_OFFICER = "case_officer"
    PUBLISHER = "publisher"
    APPROVER = "approver"
    CLERK = "clerk"
    ADMIN = "admin"


LOOKS_UP = (StaffRole.VIEWER, StaffRole.CASE_OFFICER, StaffRole.CLERK, StaffRole.ADMIN)
"""Who finds an agreement by its number."""
LETS_IN = (StaffRole.CASE_OFFICER, StaffRole.ADMIN)
"""Who lets families in and shuts accounts out."""

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


class StaffLinkOut(BaseModel):
    """A chat that sees an agreement, or would if its link were in force. Which chat it is is not told."""

    id: int
    role: LinkRole
    method: LinkMethod
    scope: LinkScope
    person: str | None = Field(description="Who proved it, masked: 张*; none: let in by a code.")
    linked_at: datetime
    valid_until: date | None = Field(description="Last day, of a proxy.")
    live: bool = Field(description="Whether it shows anything today.")
    suspended_because: LinkSuspension | None


class StaffAgreementOut(BaseModel):
    agreement: AgreementRef
    project: str
    links: list[StaffLinkOut]


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


class StaffAccessRequestOut(BaseModel):
    """What somebody wrote who cannot prove who they are. Which chat it is is not told."""

    id: int
    kind: AccessRequestKind
    text: str
    created_at: datetime


class StaffAccessRequestPage(BaseModel):
    requests: list[StaffAccessRequestOut] = Field(description="Open ones, oldest first.")
    next_cursor: str | None


class AccessGrantIn(BaseModel):
    """Which agreement the person sees from now on, and as whom. A holder or co-owner is one whom the roll names."""

    agreement_id: int = Field(ge=1, lt=2**63)
    role: LinkRole
    scope: LinkScope = LinkScope.EVERYTHING
    valid_until: date | None = Field(None, description="Last day; a proxy must have one.")


class AccessDeclineIn(BaseModel):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)] = Field(
        description="What the person is told; in the office's own words."
    )
