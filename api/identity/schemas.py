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
