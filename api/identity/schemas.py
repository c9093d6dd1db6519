"""Wire contract of verification: three ways to prove who one is, one answer for every failure."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from api.agreements.schemas import AgreementRef


class LinkMethod(StrEnum):
    PHONE = "phone"
    AGREEMENT = "agreement"
    CODE = "code"


class LinkRole(StrEnum):
    """As whom a chat sees an agreement. Who was let in by a code is a relative."""

    HOLDER = "holder"
    CO_OWNER = "co_owner"
    PROXY = "proxy"
    HEIR = "heir"
    RELATIVE = "relative"


class LinkScope(StrEnum):
    """What a link shows: the home and its handover, or its money and complaints too."""

    PROGRESS = "progress"
    EVERYTHING = "everything"


class LinkSuspension(StrEnum):
    """Why a link shows nothing until its person proves anew who they are."""

    HOLDER_REPLACED = "holder_replaced"
    PHONE_REMOVED = "phone_removed"


class ConsentKind(StrEnum):
    """What a person agrees to: that the notice is read and the bot may look up their home, and, separately, that
    characters of an ID number are compared."""

    NOTICE = "notice"
    ID_NUMBER = "id_number"


CONSENT_VERSION = "2026-11-24"
"""Of the words of notice and consent (``handlers.privacy``). A new version asks everybody anew."""


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
    phone: SecretStr = Field(max_length=40)
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


class LinkOut(BaseModel):
    """A live link between a chat and an agreement."""

    id: int
    agreement: AgreementRef
    role: LinkRole
    method: LinkMethod
    linked_at: datetime
    this_chat: bool = Field(description="Whether it is the asking chat's own link.")
    can_unlink: bool


class LinksOut(BaseModel):
    links: list[LinkOut] = Field(
        description="This chat's own links; a holder or co-owner also sees the other chats linked to the agreement."
    )
