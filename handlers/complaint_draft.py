"""The draft of a complaint: what the person has given so far, and which step comes next. No words, no Telegram."""

import hashlib
from enum import StrEnum

from pydantic import BaseModel, Field

from api.agreements.schemas import AgreementRef
from api.cases.schemas import (
    MAX_ATTACHMENTS,
    MAX_TEXT_CHARACTERS,
    AttachmentKind,
    AttachmentOut,
    CaseCategory,
    CaseIn,
    Location,
)
from api.estate.schemas import UnitOut


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


class DraftFile(BaseModel):
    id: int
    kind: AttachmentKind


class Receipt(BaseModel):
    """The answer to something that comes in several updates (the pictures of an album, a long text that the app cut):
    it is edited, not repeated."""

    message_id: int
    album: str | None = None
    left_out: int = Field(0, description="Pictures of the album that were not taken.")
    too_long: int = Field(0, description="Characters of the refused text so far.")
    next_part: int | None = Field(None, description="Message id that the next part of the refused text would have.")


class Draft(BaseModel):
    category: CaseCategory | None = None
    home: DraftHome | None = None
    text: str = ""
    files: list[DraftFile] = Field(default_factory=list)
    location: Location | None = None
    changing: bool = Field(False, description="Came from the summary to change one part, and goes back there.")
    rewriting: bool = Field(False, description="The next text takes the place of the one so far.")
    receipt: Receipt | None = None
    taken: int = Field(0, description="Id of the newest message taken in: Telegram may bring one twice.")

    @property
    def has_content(self) -> bool:
        """Whether something would be lost with it that took the person effort."""
        return bool(self.text or self.files or self.location)

    @property
    def is_full(self) -> bool:
        return len(self.files) >= MAX_ATTACHMENTS

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

    def with_text(self, more: str) -> str:
        """The text with ``more`` on a line of its own, or only ``more`` while it is written anew."""
        return more if self.rewriting or not self.text else f"{self.text}\n{more}"

    def take_text(self, more: str) -> bool:
        """False when it would be longer than allowed; then nothing changes."""
        text = self.with_text(more)
        if len(text) > MAX_TEXT_CHARACTERS:
            return False
        self.text = text
        self.rewriting = False
        return True

    def take_file(self, file: AttachmentOut) -> None:
        """Add a stored file; one that is there already is not added again."""
        if all(known.id != file.id for known in self.files):
            self.files.append(DraftFile(id=file.id, kind=file.kind))

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
