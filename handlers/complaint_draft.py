"""The draft of a complaint: what the person has given so far, and which step comes next. No words, no Telegram."""

from enum import StrEnum

from pydantic import BaseModel, Field

from api.cases.schemas import (
    MAX_ATTACHMENTS,
    MAX_TEXT_CHARACTERS,
    AttachmentKind,
    AttachmentOut,
    CaseCategory,
    CaseIn,
    Location,
)


class Step(StrEnum):
    """The dialog's name on each step, in order."""

    CATEGORY = "complaint.category"
    HOME = "complaint.home"
    TEXT = "complaint.text"
    FILES = "complaint.files"
    SUMMARY = "complaint.summary"


class DraftHome(BaseModel):
    """Which home it is about; ``several`` tells whether there was a choice."""

    agreement_id: int
    unit_id: int | None
    several: bool


class DraftFile(BaseModel):
    id: int
    kind: AttachmentKind
    filename: str


class Receipt(BaseModel):
    """The bot's answer to an album, which arrives as one update for each picture: it is edited, not repeated."""

    album: str
    message_id: int
    left_out: int = Field(0, description="Pictures of the album beyond the limit.")
    refused: str | None = Field(None, description="Why the last refused file was refused.")


class Draft(BaseModel):
    category: CaseCategory | None = None
    home: DraftHome | None = None
    text: str = ""
    files: list[DraftFile] = Field(default_factory=list)
    location: Location | None = None
    changing: bool = Field(False, description="Came from the summary to change one part, and goes back there.")
    rewriting: bool = Field(False, description="The next text takes the place of the one so far.")
    receipt: Receipt | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.category or self.text or self.files or self.location)

    @property
    def room_for_files(self) -> int:
        return MAX_ATTACHMENTS - len(self.files)

    def after(self, step: Step) -> Step:
        """The step that follows once ``step`` is done: the first whose part is still missing."""
        if self.category is None:
            return Step.CATEGORY
        if self.home is None:
            return Step.HOME
        if not self.text:
            return Step.TEXT
        if self.changing or step in (Step.FILES, Step.SUMMARY):
            return Step.SUMMARY
        return {Step.CATEGORY: Step.TEXT, Step.HOME: Step.TEXT}.get(step, Step.FILES)

    def before(self, step: Step) -> Step | None:
        """The step one goes back to; None where there is none before."""
        if self.changing and step is not Step.SUMMARY and self.text and self.home and self.category:
            return Step.SUMMARY
        if step is Step.TEXT and not (self.home and self.home.several):
            return Step.CATEGORY
        return {Step.HOME: Step.CATEGORY, Step.TEXT: Step.HOME, Step.FILES: Step.TEXT, Step.SUMMARY: Step.FILES}.get(
            step
        )

    def with_text(self, more: str) -> str:
        """The text with ``more`` added on a line of its own, or in its place while rewriting."""
        return more if self.rewriting or not self.text else f"{self.text}\n{more}"

    def fits(self, text: str) -> bool:
        return len(text) <= MAX_TEXT_CHARACTERS

    def add_file(self, file: AttachmentOut) -> bool:
        """False when it is there already."""
        if any(known.id == file.id for known in self.files):
            return False
        self.files.append(DraftFile(id=file.id, kind=file.kind, filename=file.filename))
        return True

    def as_case(self) -> CaseIn:
        """
        Raises:
            ValueError: a part is missing.
        """
        if self.category is None or self.home is None or not self.text:
            raise ValueError("the draft is not complete")
        return CaseIn(
            category=self.category,
            agreement_id=self.home.agreement_id,
            unit_id=self.home.unit_id,
            text=self.text,
            attachment_ids=[file.id for file in self.files],
            location=self.location,
        )
