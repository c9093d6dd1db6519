"""What is found before a broadcast is sent: problems, and how many get what."""

from enum import StrEnum

from pydantic import BaseModel, Field

from api.broadcasts.schemas.words import Locale
from api.broadcasts.schemas.writing import Placeholder


class ProblemKind(StrEnum):
    NO_AUDIENCE = "no_audience"  # nobody was chosen yet
    NOBODY = "nobody"  # no chat belongs to those who were chosen
    UNKNOWN_PLACE = "unknown_place"  # a rule names what is not there
    NO_BODY = "no_body"  # the fallback language has none
    EMPTY = "empty"
    UNKNOWN_PLACEHOLDER = "unknown_placeholder"
    BROKEN_HTML = "broken_html"
    TOO_LONG = "too_long"
    BAD_BUTTON = "bad_button"
    TIME_PASSED = "time_passed"
    TOO_OLD = "too_old"  # Telegram deletes no message after 48 hours


class Problem(BaseModel):
    """What must be mended before it can be submitted, and where it stands."""

    kind: ProblemKind
    locale: Locale | None = None
    line: int | None = Field(default=None, description="From 1.")
    column: int | None = Field(default=None, description="From 1, in characters.")
    found: str | None = Field(default=None, max_length=200, description="The placeholder, tag or number in question.")


class LanguageCount(BaseModel):
    locale: str | None = Field(description="Of the chats; none: not known.")
    body: str | None = Field(description="The body that they get; none: there is none.")
    chats: int


class MissingCount(BaseModel):
    placeholder: Placeholder
    chats: int
    agreements: list[str] = Field(max_length=20, description="Numbers of the first.")


class AudienceCount(BaseModel):
    """How it stands now; it is frozen when sending starts."""

    chats: int = Field(description="That get it, after what is left out and muted.")
    agreements: int = Field(description="Families that are meant.")
    unreachable: int = Field(description="Of them, families to which no chat is linked that can be reached.")
    muted: int = Field(description="Chats that do not want this topic.")
    languages: list[LanguageCount]
    missing: list[MissingCount] = Field(description="Of placeholders that are used.")
