"""Filing a complaint, and its files."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from api.cases.schemas.words import AttachmentKind, CaseCategory

MAX_TEXT_CHARACTERS = 3000
FEWEST_LETTERS = 2
"""Of a reason: 「缺件」 is one."""
MAX_ANSWER_CHARACTERS = 20_000
"""A written opinion; in a chat it takes several messages."""
MAX_ATTACHMENTS = 10
MAX_ATTACHMENT_BYTES = 20 * 1024 * 1024
"""Telegram's own limit for files that a bot may download."""

RowId = Annotated[int, Field(ge=1, lt=2**63)]


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


def has_words(text: str) -> bool:
    """Whether it holds any words, in whatever script: a number or a few marks give nobody a reason."""
    return sum(character.isalpha() for character in text) >= FEWEST_LETTERS


Cleaned = Annotated[str, BeforeValidator(_clean)]
Text = Annotated[Cleaned, Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
Note = Annotated[Cleaned, Field(max_length=MAX_TEXT_CHARACTERS)]
Answer = Annotated[Cleaned, Field(max_length=MAX_ANSWER_CHARACTERS)]
Files = Annotated[list[RowId], Field(max_length=MAX_ATTACHMENTS)]


class JoinIn(BaseModel):
    """A complaint that joins a collective case. ``agreement_id`` and ``unit_id`` must be of this chat."""

    agreement_id: RowId
    unit_id: RowId | None = None
    text: Note = Field(
        "", description="In the person's own words; empty: what the office wrote of the collective case."
    )
    attachment_ids: list[RowId] = Field(default_factory=list, max_length=MAX_ATTACHMENTS)


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
