"""The draft of a complaint: what the person has given so far, and which step comes next. No words, no Telegram."""

import hashlib
from enum import StrEnum

from pydantic import BaseModel, Field

from api.agreements.schemas import AgreementRef
from api.cases.schemas import CaseCategory, CaseIn, Location
from api.estate.schemas import UnitOut
from handlers.collected import Collected


class Step(StrEnum):
    """The dialog's name on each step, in order."""

    CATEGORY = "complaint.category"
    HOME = "complaint.home"
    TEXT = "complaint.text"
    FILES = "complaint.files"
    SUMMARY = "complaint.summary"


class DraftHome(BaseModel):
    """Which home it is about. ``unit``: none where the agreement has none assigned yet."""

    agreement: AgreementRef
    unit: UnitOut | None
    several: bool = Field(description="Whether there was a choice.")


class Draft(Collected):
    category: CaseCategory | None = None
    home: DraftHome | None = None
    location: Location | None = None
    changing: bool = Field(False, description="Came from the summary to change one part, and goes back there.")

    @property
    def has_content(self) -> bool:
        """Whether something would be lost with it that took the person effort."""
        return bool(self.text or self.files or self.location)

    def after(self, step: Step) -> Step:
        """The step that follows once ``step`` is done; never beyond one whose part is missing."""
        if self.category is None:
            return Step.CATEGORY
        if self.home is None:
            return Step.HOME
        if not self.text:
            return Step.TEXT
        if self.changing or step in (Step.FILES, Step.SUMMARY):
            return Step.SUMMARY
        return Step.TEXT if step in (Step.CATEGORY, Step.HOME) else Step.FILES

    def before(self, step: Step) -> Step | None:
        """The step one goes back to; None where there is none before."""
        if self.changing and step is not Step.SUMMARY:
            return Step.SUMMARY
        if step is Step.TEXT and self.home is not None and not self.home.several:
            return Step.CATEGORY
        return {Step.HOME: Step.CATEGORY, Step.TEXT: Step.HOME, Step.FILES: Step.TEXT, Step.SUMMARY: Step.FILES}.get(
            step
        )

    def as_case(self) -> CaseIn:
        """
        Raises:
            ValueError: a part is missing.
        """
        if self.category is None or self.home is None or not self.text:
            raise ValueError("the draft is not complete")
        return CaseIn(
            category=self.category,
            agreement_id=self.home.agreement.id,
            unit_id=self.home.unit.id if self.home.unit else None,
            text=self.text,
            attachment_ids=[file.id for file in self.files],
            location=self.location,
        )

    def seal(self) -> str:
        """Eight characters that differ when the case would: what is submitted is what the summary showed."""
        return hashlib.sha256(self.as_case().model_dump_json().encode()).hexdigest()[:8]
