"""Wire contract of cases (信访件): filing, attachments, history and clocks."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from api.agreements.schemas import AgreementRef
from api.estate.schemas import UnitOut

MAX_TEXT_CHARACTERS = 3000
MAX_ATTACHMENTS = 10
MAX_ATTACHMENT_BYTES = 20 * 1024 * 1024
"""Telegram's own limit for files that a bot may download."""

RowId = Annotated[int, Field(ge=1, lt=2**63)]


class CaseCategory(StrEnum):
    HANDOVER = "handover"  # 交房
    TRANSITION_FEE = "transition_fee"  # 过渡费
    PAYMENT = "payment"  # 房款、补偿款
    REGISTRATION = "registration"  # 网签、办证
    QUALITY = "quality"  # 房屋质量
    ALLOCATION = "allocation"  # 房号、面积、户型
    OTHER = "other"


class CaseState(StrEnum):
    """States of design §3; the transitions beyond receiving belong to the complaint desk."""

    RECEIVED = "received"
    REGISTERED = "registered"
    TRANSFERRED = "transferred"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    DIVERTED = "diverted"
    IN_PROGRESS = "in_progress"
    EXTENDED = "extended"
    ANSWERED = "answered"
    CLOSED = "closed"
    REVIEW = "review"
    SECOND_REVIEW = "second_review"
    FINAL = "final"


class CaseEventKind(StrEnum):
    RECEIVED = "received"


class ClockKind(StrEnum):
    """Regulations on Petition Work (信访工作条例): 15 days until the written notice, articles 22 and 23."""

    ACCEPTANCE_NOTICE = "acceptance_notice"


class AttachmentKind(StrEnum):
    PHOTO = "photo"
    DOCUMENT = "document"


class AttachmentOut(BaseModel):
    id: int
    kind: AttachmentKind
    filename: str
    media_type: str
    size: int = Field(description="bytes")


class Location(BaseModel):
    """WGS 84 degrees."""

    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False, strict=True)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False, strict=True)


def _clean(text: object) -> object:
    return text.replace("\0", "").strip() if isinstance(text, str) else text


class CaseIn(BaseModel):
    """A complaint as filed. ``agreement_id`` and ``unit_id`` must be of this chat."""

    category: CaseCategory
    agreement_id: RowId
    unit_id: RowId | None = None
    text: Annotated[str, BeforeValidator(_clean)] = Field(
        min_length=1, max_length=MAX_TEXT_CHARACTERS, description="Without the space around it."
    )
    attachment_ids: list[RowId] = Field(default_factory=list, max_length=MAX_ATTACHMENTS)
    location: Location | None = None


class ClockOut(BaseModel):
    """A statutory time limit: the last day on which it is kept, and the article it rests on."""

    kind: ClockKind
    last_day: date
    article: str = Field(description="Of the Regulations on Petition Work.", examples=["22, 23"])


class CaseEventOut(BaseModel):
    kind: CaseEventKind
    happened_at: datetime


class CaseSummary(BaseModel):
    number: str = Field(examples=["2026-000123"])
    state: CaseState
    category: CaseCategory
    received_at: datetime


class CaseOut(CaseSummary):
    agreement: AgreementRef
    unit: UnitOut | None
    text: str
    attachments: list[AttachmentOut]
    location: Location | None
    registered_at: datetime | None
    accepted_at: datetime | None
    clocks: list[ClockOut] = Field(description="Those running now.")
    events: list[CaseEventOut] = Field(description="Oldest first.")


class CasePage(BaseModel):
    """Newest first. Pass ``next_cursor`` as ``cursor`` for more; none: that was all."""

    cases: list[CaseSummary]
    total_count: int
    next_cursor: str | None
