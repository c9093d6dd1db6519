"""What a conversation collects of a person's words and files before it goes to the office. No words of ours, no
Telegram."""

from pydantic import BaseModel, Field

from api.cases.schemas import MAX_ATTACHMENTS, MAX_TEXT_CHARACTERS, AttachmentKind, AttachmentOut


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


class Collected(BaseModel):
    text: str = ""
    files: list[DraftFile] = Field(default_factory=list)
    dropping: bool = Field(False, description="Whether all is to be thrown away was asked last.")
    rewriting: bool = Field(False, description="The next text takes the place of the one so far.")
    receipt: Receipt | None = None
    taken: int = Field(0, description="Id of the newest message taken in: Telegram may bring one twice.")
    earlier: list[int] = Field(default_factory=list, description="Ids of messages that were sent before it began.")

    @property
    def is_full(self) -> bool:
        return len(self.files) >= MAX_ATTACHMENTS

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
