"""What couriers are given, and previews show: a broadcast's content and its readers' facts."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field

from api.agreements.schemas import AgreementKind, RegistrationKind, RegistrationStage
from api.broadcasts.schemas.words import NewsKind, Operation, Topic
from api.broadcasts.schemas.writing import Body
from api.cases.schemas import AttachmentKind
from api.estate.schemas import ForecastBasis, ForecastOut, MilestoneKind
from api.money.schemas import LedgerKind


class NewsFact(BaseModel):
    """What changed for a family. Of the fields those that the kind has."""

    kind: NewsKind
    forecast: ForecastOut | None = None
    before: ForecastOut | None = Field(default=None, description="The forecast that this one replaced.")
    milestone: MilestoneKind | None = None
    happened_on: date | None = None
    ledger: LedgerKind | None = None
    amount: Decimal | None = None
    period_start: date | None = None
    period_end: date | None = None
    registration: RegistrationKind | None = None
    stage: RegistrationStage | None = None
    source: str
    as_of: date


class HomeFacts(BaseModel):
    """What a body may say of one agreement; nothing that it does not ask for."""

    agreement_id: int
    number: str
    home: str | None = None
    kind: AgreementKind | None = Field(default=None, description="Where fees are asked for: buyers get none.")
    handed_over: bool | None = Field(default=None, description="Then there is no forecast any more.")
    handed_over_on: date | None = None
    handover_source: str | None = Field(default=None, description="Of what says that it is handed over.")
    handover_as_of: date | None = None
    handover_basis: ForecastBasis | None = None
    forecast: ForecastOut | None = None
    paid_up_to: date | None = None
    monthly_amount: Decimal | None = None
    next_payment_on: date | None = None
    fee_source: str | None = None
    fee_as_of: date | None = None
    registration: RegistrationKind | None = None
    stage: RegistrationStage | None = None
    registration_source: str | None = None
    registration_as_of: date | None = None
    news: list[NewsFact] = []


class RecipientFacts(BaseModel):
    """``Claimed.payload`` of a broadcast: the reader's homes among those that it is about."""

    name: str | None = Field(default=None, description="Masked.")
    homes: list[HomeFacts] = []


class Media(BaseModel):
    attachment_id: int
    kind: AttachmentKind
    filename: str
    media_type: str


class BroadcastContent(BaseModel):
    """What all messages of a broadcast have in common."""

    id: int
    revision: int = Field(description="Of the content, so that couriers can keep it.")
    operation: Operation
    topic: Topic = Field(description="What can be muted by those who get it.")
    bodies: dict[str, Body]
    fallback: str
    media: Media | None


class PreviewOut(BaseModel):
    """Up to three readers as they are now, masked, to be shown to staff."""

    content: BroadcastContent
    readers: list[Annotated["PreviewReader", Field()]]


class PreviewReader(BaseModel):
    locale: str | None
    facts: RecipientFacts


PreviewOut.model_rebuild()
