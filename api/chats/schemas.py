"""Wire contract of chats: conversation state, saved by compare-and-set."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field

from api.agreements.schemas import HandoverOut, HomeOut
from api.identity.schemas import LinkLapse
from api.money.schemas import PaymentsOut


class Dialog(BaseModel):
    """An unfinished conversation. ``id`` is made at its start and becomes the idempotency key of what it ends in."""

    id: str = Field(min_length=8, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")
    name: str = Field(max_length=60, examples=["complaint.text"])
    data: dict[str, Any] = Field(default_factory=dict)


class ChatState(BaseModel):
    """What a turn starts from. A chat that never wrote has version 0 and no locale."""

    chat_id: int
    locale: str | None = Field(max_length=20, description="Chosen or picked up; none: not known yet.")
    linked: bool = Field(description="Whether it has a live link to an agreement.")
    lapse: LinkLapse | None = Field(
        default=None, description="Of a chat without a live link: why one that it had shows nothing any more."
    )
    staff: bool = Field(default=False, description="Whether it is of somebody of the office.")
    dialog: Dialog | None
    version: int = Field(ge=0)
    gone: bool = Field(default=False, description="Telegram refused the last message to it; saving it ends that.")
    taken: list[int] = Field(
        default=[], description="Updates that it was saved with, the newest first: not to be taken twice."
    )


class Facts(StrEnum):
    """What can be asked for together with the state, by a turn that is sure to need it."""

    HOMES = "homes"
    PAYMENTS = "payments"
    HANDOVER = "handover"


class ChatWithHomes(ChatState):
    homes: list[HomeOut]


class ChatWithPayments(ChatState):
    payments: list[PaymentsOut]


class ChatWithHandover(ChatState):
    handover: list[HandoverOut]


class ChatSave(BaseModel):
    """What a turn leaves behind; refused (409) unless ``version`` is still the stored one."""

    version: int = Field(ge=0, lt=2**63 - 1, strict=True)
    locale: str | None = Field(max_length=20, pattern=r"^[A-Za-z0-9_-]+$")
    dialog: Dialog | None
    update_id: int | None = Field(
        None, ge=0, lt=2**63, strict=True, description="Telegram's number of the update whose turn this is."
    )


class Watch(BaseModel):
    watching: bool
