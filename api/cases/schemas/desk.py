"""Cases as the office sees them: the queue, the page of one, departments and routes."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from api.agreements.schemas import AgreementKind, AgreementRef
from api.cases.schemas.filing import AttachmentOut, Location
from api.cases.schemas.shown import CaseEventOut, CaseSummary, ClockOut
from api.cases.schemas.words import CaseAction, CaseCategory, Light, Outcome
from api.estate.schemas import UnitOut


class QueuedCase(CaseSummary):
    """A case in the queue. It names nobody of the family."""

    version: int
    home: str | None = Field(description="What it is about, else the agreement's first home.")
    household: AgreementKind
    due_on: date | None = Field(description="Last day of the office's clock that ends first; none: nothing is due.")
    light: Light | None
    department: str | None
    officer: str | None = Field(description="Name of who has it.")
    supervised: bool
    raised: bool
    master: str | None = Field(default=None, description="Number of the collective case that it is a member of.")
    members: int = Field(default=0, description="How many cases follow it.")
    asked: bool = Field(description="Whether it waits for the resident's answer.")


MOST_COUNTED = 100


class QueueCounts(BaseModel):
    """How many open cases there are of each sort, at most 100 of each."""

    mine: int
    unassigned: int
    overdue: int
    supervised: int


class QueuePage(BaseModel):
    cases: list[QueuedCase]
    next_cursor: str | None
    counts: QueueCounts | None = Field(default=None, description="Where they were asked for.")


class StaffClockOut(ClockOut):
    started_on: date
    light: Light


class StaffEventOut(CaseEventOut):
    """``actor`` is a member of staff's name; none for residents and the system."""

    actor: str | None = None
    master: str | None = Field(default=None, description="Number of the collective case that was joined or left.")
    officer: str | None = Field(default=None, description="To whom it was given.")
    approved_by: str | None = None


class StaffCaseOut(CaseSummary):
    version: int
    agreement: AgreementRef
    project: str
    unit: UnitOut | None
    text: str
    attachments: list[AttachmentOut]
    location: Location | None
    registered_at: datetime | None
    accepted_at: datetime | None
    department_id: int | None
    department: str | None
    officer_id: int | None
    officer: str | None
    supervised: bool
    raised: bool
    outcome: Outcome | None
    rating: int | None
    solved: bool | None
    master: str | None = Field(default=None, description="Number of the collective case that it is a member of.")
    members: list[str] = Field(default_factory=list, description="Numbers of its members, oldest first.")
    following: list[str] = Field(
        default_factory=list, description="Of the members: those that a step with this one is taken with as well."
    )
    answered_with: list[str] = Field(
        default_factory=list,
        description="Of the members: those that get its next answer, among them who has the one before.",
    )
    families: int = Field(default=1, description="That are answered together.")
    unreached: list[str] = Field(
        default_factory=list,
        description="Numbers, of it and its members, of which the family reads nothing here any more: its chat sees "
        "the agreement no longer, or Telegram takes nothing for it.",
    )
    published_text: str | None = Field(default=None, description="As families of the building read it.")
    clocks: list[StaffClockOut]
    events: list[StaffEventOut]
    own_answer: bool = Field(default=False, description="Whether this account gave the answer that is being reviewed.")
    allowed: list[CaseAction] = Field(description="What this account can do with it now.")


class OfficerOut(BaseModel):
    id: int
    name: str
    supervisor: bool
    open_cases: int
    most_open: int | None = Field(
        default=None, description="No more open cases are routed to it; 0: it is away. None: no limit."
    )


class DepartmentOut(BaseModel):
    id: int
    name: str
    officers: list[OfficerOut] = Field(description="Accounts in force, who has the fewest open cases first.")


class RuleTried(BaseModel):
    """A routing rule, in the order of trial."""

    id: int
    priority: int
    department: str
    category: CaseCategory | None
    project: str | None
    household: AgreementKind | None
    fits: bool


class RouteOut(BaseModel):
    """Where the rules send a case, and why: the first rule that fits, and there who has the fewest open cases."""

    department_id: int | None
    department: str | None
    officer_id: int | None
    officer: str | None
    rules: list[RuleTried]
    officers: list[OfficerOut] = Field(description="Of the department. The case itself is not among the open ones.")
    gave: list[int] = Field(
        default_factory=list, description="Accounts that gave what is to be reviewed: it is not given to them."
    )
