"""A broadcast as staff see it, while it goes out and afterwards."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.broadcasts.schemas.found import Problem
from api.broadcasts.schemas.words import BroadcastAction, BroadcastState, Locale, NoNul, Operation, Topic
from api.broadcasts.schemas.writing import Body, BroadcastIn


class Progress(BaseModel):
    """Messages by what became of them. ``rate``: a second, of the last minute."""

    total: int
    sent: int = 0
    gone: int = Field(default=0, description="Blocked the bot, or deleted.")
    failed: int = 0
    unknown: int = Field(default=0, description="Nobody knows whether it arrived.")
    cancelled: int = Field(default=0, description="Not sent any more: cancelled, or the link ended.")
    waiting: int = 0
    rate: float = 0
    seconds_left: int | None = Field(default=None, description="At this rate; none: not known.")


class BroadcastEventOut(BaseModel):
    action: BroadcastAction
    happened_at: datetime
    by: str | None = Field(description="Name of the account; none: the system.")
    text: str = ""


class BroadcastSummary(BaseModel):
    id: int
    operation: Operation
    of_id: int | None
    topic: Topic
    state: BroadcastState
    version: int
    title: str = Field(description="How the fallback body begins, without markup.")
    starts_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    author: str


class BroadcastPage(BaseModel):
    broadcasts: list[BroadcastSummary]
    next_cursor: str | None


class QuietHours(BaseModel):
    """Hours of the office's day between which only urgent broadcasts go out; ``until`` may be the next day's."""

    since: int = Field(ge=0, le=23)
    until: int = Field(ge=0, le=23)

    def covers(self, hour: int) -> bool:
        if self.since <= self.until:
            return self.since <= hour < self.until
        return hour >= self.since or hour < self.until


class BroadcastOut(BroadcastSummary):
    content: BroadcastIn
    problems: list[Problem]
    uncorrected: list[Locale] = Field(
        default_factory=list, description="Of a correction: the languages whose body is as in what it corrects."
    )
    before: dict[Locale, Body] = Field(
        default_factory=dict, description="Of a correction: the bodies of what it corrects, by language."
    )
    progress: Progress | None = Field(description="Since it was started.")
    events: list[BroadcastEventOut]
    allowed: list[BroadcastAction] = Field(description="What the asking account can do now.")
    quiet_hours: QuietHours | None = Field(default=None, description="None: broadcasts never wait for the morning.")
    needs_approval: bool = Field(description="Whether a second person must approve it when it is submitted now.")


class BroadcastStep(BaseModel):
    """``version``: of the broadcast as the acting person saw it."""

    action: Literal[
        BroadcastAction.SUBMIT,
        BroadcastAction.APPROVE,
        BroadcastAction.REJECT,
        BroadcastAction.PAUSE,
        BroadcastAction.RESUME,
        BroadcastAction.CANCEL,
    ]
    version: int = Field(ge=1)
    text: Annotated[str, NoNul] = Field(default="", max_length=1_000, description="Why; needed to reject.")


# --- afterwards ---


class ReachedOf(BaseModel):
    """Messages, or families, of one language or building. ``name``: the language, or the building as in a label; none:
    not known."""

    name: str | None
    total: int
    sent: int


class BroadcastReport(BaseModel):
    """What became of a broadcast. Families count with their homes now, messages as they were sent."""

    progress: Progress
    languages: list[ReachedOf] = Field(description="Messages, by the reader's language.")
    buildings: list[ReachedOf] = Field(
        description="Families that are meant, by the building of their first home; `sent`: those that were reached, "
        "also by sending it once more."
    )
    families: int = Field(description="That are meant.")
    unreached: int = Field(description="Of them, those of which no chat got it.")
