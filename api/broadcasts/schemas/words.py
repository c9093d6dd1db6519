"""Words of broadcasts: topics, operations, states, steps."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

Id = Annotated[int, Field(ge=1, lt=2**63)]
NoNul = BeforeValidator(lambda text: text.replace("\0", "") if isinstance(text, str) else text)
"""PostgreSQL keeps no text with a NUL in it."""
Locale = Annotated[str, StringConstraints(max_length=20, pattern=r"^[A-Za-z0-9_-]+$")]


class Topic(StrEnum):
    """What people choose to be told of. ``LEGAL`` cannot be muted."""

    NEWS = "news"
    HANDOVER = "handover"
    PROGRESS = "progress"
    PAYMENTS = "payments"
    REGISTRATION = "registration"
    LEGAL = "legal"


class Mutes(BaseModel):
    """The topics that a chat has muted. Legal notices are told in any case."""

    topics: Annotated[list[Topic], Field(max_length=len(Topic))]


class Operation(StrEnum):
    SEND = "send"
    EDIT = "edit"  # of messages that another broadcast sent
    DELETE = "delete"


class BroadcastState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"  # waits for a second person
    APPROVED = "approved"  # waits for its time
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"  # nothing of it waits any more
    CANCELLED = "cancelled"


class BroadcastAction(StrEnum):
    EDIT = "edit"
    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    FINISH = "finish"


class NewsKind(StrEnum):
    """What a newly loaded roll changed for a family."""

    FORECAST = "forecast"
    MILESTONE = "milestone"
    PAYMENT = "payment"
    REGISTRATION = "registration"
