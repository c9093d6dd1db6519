"""What a broadcast says, as staff write it."""

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints

from api.broadcasts.schemas.audience import Audience
from api.broadcasts.schemas.words import Id, Locale, NoNul, Operation, Topic

MAX_BODY = 8_000
"""Characters of a body as it is written, with its markup and placeholders."""
MAX_BUTTONS = 6
MAX_FILLED, MAX_CAPTION = 4_096, 1_024
"""Characters that Telegram shows of a text, and below a photo or document."""


class Placeholder(StrEnum):
    """What can be filled in, from the reader's own homes."""

    NAME = "name"  # 张*, as everywhere in chats
    HOME = "home"
    NUMBER = "number"  # of the agreement
    HANDOVER = "handover"
    PAID_UP_TO = "paid_up_to"
    MONTHLY_FEE = "monthly_fee"
    NEXT_PAYMENT = "next_payment"
    REGISTRATION = "registration"
    NEWS = "news"  # what the load of a roll changed


LONGEST = MappingProxyType(
    {
        Placeholder.NAME: 40,
        Placeholder.HOME: 120,
        Placeholder.NUMBER: 80,
        Placeholder.HANDOVER: 300,
        Placeholder.PAID_UP_TO: 120,
        Placeholder.MONTHLY_FEE: 120,
        Placeholder.NEXT_PAYMENT: 120,
        Placeholder.REGISTRATION: 200,
        Placeholder.NEWS: 600,
    }
)
"""Characters at most of each value; what is longer is cut there."""
SUMS = frozenset({Placeholder.PAID_UP_TO, Placeholder.MONTHLY_FEE, Placeholder.NEXT_PAYMENT})
"""Not for a chat that may see the progress alone."""


class Target(StrEnum):
    """What a button opens in the chat."""

    MENU = "menu"
    HOME = "home"
    HANDOVER = "handover"
    PAYMENTS = "payments"
    COMPLAINT = "complaint"
    SETTINGS = "settings"


class BroadcastButton(BaseModel):
    """Opens a page of the bot, or an address in the web."""

    label: Annotated[str, NoNul, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    target: Target | None = None
    url: Annotated[str, NoNul, StringConstraints(max_length=500, pattern=r"^https://\S+$")] | None = None


class Body(BaseModel):
    """The message in one language: Telegram's HTML with placeholders (``{home}``)."""

    text: Annotated[str, NoNul] = Field(max_length=MAX_BODY)
    buttons: Annotated[list[BroadcastButton], Field(max_length=MAX_BUTTONS)] = []


def _in_this_age(moment: datetime) -> datetime:
    if not 2000 <= moment.year < 2200:
        raise ValueError("not a year of ours")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_in_this_age)]
"""Without an offset it would be anybody's guess whose nine o'clock is meant."""


class Missing(StrEnum):
    """What is done for a reader of whom a value is not there."""

    SAY_SO = "say_so"  # "not published yet" in its place
    LEAVE_OUT = "leave_out"  # they get nothing


class BroadcastIn(BaseModel):
    """What can be written of a broadcast. A draft may lack anything; what is wrong stands in ``problems``."""

    topic: Topic = Topic.NEWS
    urgent: bool = Field(default=False, description="Also at night.")
    audience: Audience | None = None
    bodies: dict[Locale, Body] = Field(
        default_factory=dict,
        max_length=20,
        description="By language. Who reads none gets that of the language without its region, else `fallback`.",
    )
    fallback: Locale = Field(default="zh_CN", description="Language of the body for readers of none of the others.")
    attachment_id: Id | None = Field(default=None, description="A photo or document, uploaded by staff.")
    missing: Missing = Missing.SAY_SO
    starts_at: Moment | None = Field(default=None, description="With its offset. None: as soon as it is approved.")


class BroadcastNew(BroadcastIn):
    """``of_id``: the broadcast that is corrected, or sent once more to those who did not get it."""

    operation: Operation = Operation.SEND
    of_id: Id | None = None


class BroadcastChange(BroadcastIn):
    """``version``: of the broadcast as the acting person saw it. What is changed must be approved again."""

    version: int = Field(ge=1)


class FollowUp(BaseModel):
    """A draft that begins as a copy of a broadcast: to be sent once more to the families that it did not reach, or to
    correct what it sent (its messages are edited, or deleted)."""

    operation: Operation = Operation.SEND


class TestSend(BaseModel):
    locale: Locale | None = Field(default=None, description="The body in this language; none: one's own.")
