"""Cases as the resident who filed them sees them."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from api.agreements.schemas import AgreementRef
from api.cases.schemas.filing import AttachmentOut, Location
from api.cases.schemas.words import (
    CaseAction,
    CaseActor,
    CaseCategory,
    CaseEventKind,
    CaseState,
    ClockKind,
    Outcome,
    Procedure,
)
from api.estate.schemas import UnitOut


class ClockOut(BaseModel):
    """A time limit: the last day on which it is kept, and the article it rests on."""

    kind: ClockKind
    last_day: date
    article: str = Field(
        description="Of the Regulations on Petition Work; empty: set by the office.", examples=["22, 23"]
    )
    overdue: bool = Field(default=False, description="Whether its last day is past.")


class CaseEventOut(BaseModel):
    """What happened, as the resident may read it."""

    kind: CaseEventKind
    happened_at: datetime
    by: CaseActor = CaseActor.RESIDENT
    text: str = Field(default="", description="What was said with it, where it is for the resident.")
    attachment_ids: list[int] = Field(default_factory=list, description="Files that came with it.")
    department: str | None = Field(default=None, description="To which it was given.")
    handled_by: str | None = Field(default=None, description="The department that had the case until then.")
    outcome: Outcome | None = None
    procedure: Procedure | None = None
    days: int | None = Field(default=None, description="By how many days the answer was put off.")
    rating: int | None = None
    solved: bool | None = None


class CollectiveOut(BaseModel):
    """That a case is answered together with those of other families."""

    families: int = Field(description="How many, this one among them.")
    text: str | None = Field(description="What it is about, in the office's words; none: it is not published.")
    is_member: bool = Field(description="Whether it follows another case; else others follow this one.")


class CaseSummary(BaseModel):
    number: str = Field(examples=["2026-000123"])
    state: CaseState
    category: CaseCategory
    received_at: datetime


class CaseOut(CaseSummary):
    agreement: AgreementRef
    unit: UnitOut | None
    text: str
    attachments: list[AttachmentOut] = Field(description="Of the complaint and of all that was added, oldest first.")
    location: Location | None
    registered_at: datetime | None
    accepted_at: datetime | None
    clocks: list[ClockOut] = Field(description="Those running now that concern the resident.")
    events: list[CaseEventOut] = Field(description="Oldest first.")
    department: str | None = Field(default=None, description="Who handles it.")
    supervised: bool = False
    outcome: Outcome | None = None
    rating: int | None = None
    solved: bool | None = None
    collective: CollectiveOut | None = Field(default=None, description="None: it is worked on by itself.")
    allowed: list[CaseAction] = Field(default_factory=list, description="What the resident can do with it now.")


class CaseOfMessage(BaseModel):
    """Which complaint a message of the bot's told of."""

    number: str


class FileLink(BaseModel):
    """Where a file that Telegram refuses can be fetched. ``url``: none where the office has no public address."""

    url: str | None
    expires_at: datetime | None


class CollectiveOffer(BaseModel):
    """A case of another family of the same building, which one may join."""

    id: int
    text: str = Field(description="What it is about, in the office's words.")
    families: int
    published_at: datetime


class SimilarCases(BaseModel):
    """What there is already about the same matter."""

    own: list[CaseSummary] = Field(description="The chat's own open cases of this home and category, newest first.")
    collective: list[CollectiveOffer] = Field(description="Published ones of the building and category.")


class ListedCase(CaseSummary):
    due_on: date | None = Field(description="Last day of what the office owes now; none: it owes nothing.")
    overdue: bool
    asked: bool = Field(description="The office waits for the resident's answer to a question.")


class CasePage(BaseModel):
    """Newest first. Pass ``next_cursor`` as ``cursor`` for more; none: that was all."""

    cases: list[ListedCase]
    total_count: int
    next_cursor: str | None
