"""Wire contract of verification: three ways to prove who one is, one answer for every failure."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, SecretStr

from api.agreements.schemas import OWNER_ROLES, AgreementRef


def _clean(text: object) -> object:
    return text.replace("\0", "").strip() if isinstance(text, str) else text


class LinkMethod(StrEnum):
    """By what somebody was let in: one's own proof, or staff who have seen the papers."""

    PHONE = "phone"
    AGREEMENT = "agreement"
    CODE = "code"
    OFFICE = "office"


class LinkRole(StrEnum):
    """As whom a chat sees an agreement. Who was let in by a code is a relative."""

    HOLDER = "holder"
    CO_OWNER = "co_owner"
    PROXY = "proxy"
    HEIR = "heir"
    RELATIVE = "relative"


OWNERS = tuple(LinkRole(role) for role in OWNER_ROLES)
"""Who sees, and may end, the other chats' links to their agreement, and lets relatives in."""


class LinkScope(StrEnum):
    """What a link shows: the home and its handover, or its money and complaints too."""

    PROGRESS = "progress"
    EVERYTHING = "everything"


class LinkSuspension(StrEnum):
    """Why a link shows nothing until its person proves anew who they are."""

    HOLDER_REPLACED = "holder_replaced"
    PHONE_REMOVED = "phone_removed"
    ISSUER_SUSPENDED = "issuer_suspended"  # the phone of whoever let it in with a code is removed


class LinkLapse(StrEnum):
    """Why a link that nobody ended shows nothing now. Each is over with a new proof."""

    HOLDER_REPLACED = "holder_replaced"
    PHONE_REMOVED = "phone_removed"
    ISSUER_SUSPENDED = "issuer_suspended"
    DISUSED = "disused"
    OVER = "over"  # its last day, or that of its proxy's authority, is past


class ConsentKind(StrEnum):
    """What a person agrees to: that the notice is read and the bot may look up their home, and, separately, that
    characters of an ID number are compared."""

    NOTICE = "notice"
    ID_NUMBER = "id_number"


CONSENT_VERSION = "2026-11-24"
"""Of the words of notice and consent (``handlers.privacy``). With a new version everybody is asked anew before they
next show who they are or ask the office; a chat that is linked goes on until then. Words under which more is done with
people's data than they agreed to need more than that: to be sent to them, and agreed to, first."""


class ConsentsIn(BaseModel):
    """What the person agrees to, having read ``version`` of the words."""

    kinds: list[ConsentKind] = Field(min_length=1, max_length=len(ConsentKind))
    version: str = Field(max_length=40, examples=[CONSENT_VERSION])


class ConsentOut(BaseModel):
    kind: ConsentKind
    version: str
    given_at: datetime


class ConsentsOut(BaseModel):
    consents: list[ConsentOut] = Field(description="In force: of the present version, and not withdrawn.")


class AccessRequestKind(StrEnum):
    """Why what is on file does not let somebody in."""

    HOLDER_DIED = "holder_died"
    RESOLD = "resold"
    NAME_CHANGED = "name_changed"
    PHONE_CHANGED = "phone_changed"
    OTHER = "other"


class AccessRequestState(StrEnum):
    OPEN = "open"
    GRANTED = "granted"
    DECLINED = "declined"


class PhoneProof(BaseModel):
    """The phone that Telegram shared as the sender's own, and the last four of the ID or agreement number."""

    method: Literal[LinkMethod.PHONE]
    phone: SecretStr = Field(max_length=40, description="With its country code, with or without +, as Telegram has it.")
    tail: SecretStr = Field(max_length=40)


class AgreementProof(BaseModel):
    """The agreement's number, a holder's full name, and the last six characters of that holder's ID number."""

    method: Literal[LinkMethod.AGREEMENT]
    agreement_number: str = Field(max_length=80)
    name: SecretStr = Field(max_length=80)
    id_tail: SecretStr = Field(max_length=40)


class CodeProof(BaseModel):
    """A one-time code issued by staff."""

    method: Literal[LinkMethod.CODE]
    code: SecretStr = Field(max_length=80)


Proof = Annotated[PhoneProof | AgreementProof | CodeProof, Field(discriminator="method")]


class RelativeCodeIn(BaseModel):
    """What an owner lets a relative see, and until when."""

    scope: LinkScope
    valid_until: date | None = Field(default=None, description="The last day; none: until an owner ends it.")


class OpenCodeOut(BaseModel):
    """A code that nobody has used yet, without the code itself."""

    id: int
    scope: LinkScope
    valid_until: date | None
    issued_at: datetime
    expires_at: datetime


class RelativeCodesOut(BaseModel):
    codes: list[OpenCodeOut] = Field(description="Oldest first.")
    max_open: int


class RelativeCodeOut(BaseModel):
    """Shown now and never again."""

    id: int
    code: str
    scope: LinkScope
    valid_until: date | None
    expires_at: datetime


MAX_REQUEST_CHARACTERS = 2000
MAX_OPEN_REQUESTS = 3


class AccessRequestIn(BaseModel):
    """``text``: the agreement's number, a name, how to reach the person; in their own words."""

    kind: AccessRequestKind
    text: Annotated[str, BeforeValidator(_clean)] = Field(
        min_length=1, max_length=MAX_REQUEST_CHARACTERS, description="Without the space around it."
    )


class AccessRequestMade(BaseModel):
    """A request of the asking chat's own. What was written is not repeated."""

    id: int = Field(description="The number to name when asking about it.")
    kind: AccessRequestKind
    state: AccessRequestState
    created_at: datetime
    handled_at: datetime | None
    reason: str | None = Field(description="Why it was declined, in the office's own words.")


class AccessRequestsMade(BaseModel):
    requests: list[AccessRequestMade] = Field(description="Newest first, the last ten.")
    max_open: int


class LinkOut(BaseModel):
    """A live link between a chat and an agreement. Who may see it may end it."""

    id: int
    agreement: AgreementRef
    role: LinkRole
    scope: LinkScope
    method: LinkMethod
    linked_at: datetime
    used_on: date = Field(description="The last day on which its chat wrote.")
    valid_until: date | None = Field(description="Its last day, or that of the proxy's authority; none: no end.")
    this_chat: bool = Field(description="Whether it is the asking chat's own link.")
    name: str | None = Field(
        default=None, description="Of another chat's link: whom the roll names for it, masked; none: it came by a code."
    )
    phone: str | None = Field(default=None, description="Likewise the phone by which it was proved, masked.")


class LapsedLink(BaseModel):
    """A link of the asking chat that nobody ended and that shows nothing until its person proves anew who they are."""

    id: int
    agreement: AgreementRef = Field(description="Without holder and home: these may be somebody else's by now.")
    because: LinkLapse


class LinksOut(BaseModel):
    links: list[LinkOut] = Field(
        description="This chat's own links; a holder or co-owner also sees the other chats linked to the agreement."
    )
    lapsed: list[LapsedLink] = Field(default_factory=list, description="This chat's own.")
