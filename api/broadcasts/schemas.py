"""Wire contract of broadcasts."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from api.agreements.schemas import AgreementKind, RegistrationKind, RegistrationStage
from api.cases.schemas import AttachmentKind
from api.estate.schemas import ForecastBasis, ForecastOut, MilestoneKind
from api.money.schemas import LedgerKind

MAX_BODY = 8_000
"""Characters of a body as it is written, with its markup and placeholders."""
MAX_FILLED, MAX_CAPTION = 4_096, 1_024
"""Characters that Telegram shows of a text, and below a photo or document."""
MAX_NUMBERS = 20_000
MAX_RULES, MAX_DEPTH = 50, 8
"""Rules of an audience all together, and how deep they may be nested."""

_Id = Annotated[int, Field(ge=1, lt=2**63)]
Locale = Annotated[str, StringConstraints(max_length=20, pattern=r"^[A-Za-z0-9_-]+$")]


# --- what it is about, and in which state ---


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


# --- whom it is for: rules over pairs of a chat and an agreement that it sees ---


class Everybody(BaseModel):
    op: Literal["everybody"] = "everybody"


class InProject(BaseModel):
    op: Literal["project"] = "project"
    id: _Id


class InParcel(BaseModel):
    op: Literal["parcel"] = "parcel"
    id: _Id


class InPhase(BaseModel):
    op: Literal["phase"] = "phase"
    id: _Id


class InBuilding(BaseModel):
    op: Literal["building"] = "building"
    id: _Id


class InEntrance(BaseModel):
    op: Literal["entrance"] = "entrance"
    building_id: _Id
    entrance: str = Field(min_length=1, max_length=40)


class OfKind(BaseModel):
    op: Literal["household"] = "household"
    kind: AgreementKind


class HandedOver(BaseModel):
    op: Literal["handed_over"] = "handed_over"
    value: bool


class InArrears(BaseModel):
    """Whether the roll shows a transition fee that is due and not paid."""

    op: Literal["arrears"] = "arrears"
    value: bool


class AtStage(BaseModel):
    op: Literal["registration"] = "registration"
    kind: RegistrationKind
    stages: Annotated[list[RegistrationStage], Field(min_length=1, max_length=10)]


class Speaks(BaseModel):
    """Chats that read one of these languages. Of families without a chat no language is known."""

    op: Literal["language"] = "language"
    locales: Annotated[list[Locale], Field(min_length=1, max_length=20)]


class Numbered(BaseModel):
    """These agreements, by their numbers as people write them."""

    op: Literal["numbers"] = "numbers"
    numbers: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=80)]], Field(max_length=MAX_NUMBERS)
    ]


class ReachedBy(BaseModel):
    """Agreements of which a chat got that broadcast (``value``), or none did."""

    op: Literal["reached"] = "reached"
    broadcast_id: _Id
    value: bool


class NewsKind(StrEnum):
    """What a newly loaded roll changed for a family."""

    FORECAST = "forecast"
    MILESTONE = "milestone"
    PAYMENT = "payment"
    REGISTRATION = "registration"


class TouchedBy(BaseModel):
    """Agreements for which this load of a roll changed something of this kind."""

    op: Literal["news"] = "news"
    import_id: _Id
    kind: NewsKind


class AllOf(BaseModel):
    op: Literal["all"] = "all"
    of: Annotated[list["Rule"], Field(min_length=1, max_length=MAX_RULES)]


class AnyOf(BaseModel):
    op: Literal["any"] = "any"
    of: Annotated[list["Rule"], Field(min_length=1, max_length=MAX_RULES)]


class Not(BaseModel):
    op: Literal["not"] = "not"
    of: "Rule"


Rule = Annotated[
    Everybody
    | InProject
    | InParcel
    | InPhase
    | InBuilding
    | InEntrance
    | OfKind
    | HandedOver
    | InArrears
    | AtStage
    | Speaks
    | Numbered
    | ReachedBy
    | TouchedBy
    | AllOf
    | AnyOf
    | Not,
    Field(discriminator="op"),
]
for _model in (AllOf, AnyOf, Not):
    _model.model_rebuild()


def parts_of(rule: Rule) -> "list[Rule]":
    """The rules that a rule is made of."""
    match rule:
        case AllOf(of=parts) | AnyOf(of=parts):
            return parts
        case Not(of=part):
            return [part]
        case _:
            return []


def _within_bounds(rule: Rule) -> Rule:
    level, depth, count, numbers = [rule], 0, 0, 0
    while level:
        depth, count = depth + 1, count + len(level)
        numbers += sum(len(part.numbers) for part in level if isinstance(part, Numbered))
        level = [part for outer in level for part in parts_of(outer)]
        if depth > MAX_DEPTH or count > MAX_RULES or numbers > MAX_NUMBERS:
            raise ValueError(f"at most {MAX_RULES} rules, {MAX_DEPTH} deep, with {MAX_NUMBERS} numbers")
    return rule


Audience = Annotated[Rule, AfterValidator(_within_bounds)]


# --- what it says ---


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

    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    target: Target | None = None
    url: Annotated[str, StringConstraints(max_length=500, pattern=r"^https://\S+$")] | None = None


class Body(BaseModel):
    """The message in one language: Telegram's HTML with placeholders (``{home}``)."""

    text: str = Field(max_length=MAX_BODY)
    buttons: Annotated[list[BroadcastButton], Field(max_length=6)] = []


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
    attachment_id: _Id | None = Field(default=None, description="A photo or document, uploaded by staff.")
    missing: Missing = Missing.SAY_SO
    starts_at: datetime | None = Field(default=None, description="None: as soon as it is approved.")


class BroadcastNew(BroadcastIn):
    """``of_id``: the broadcast that is corrected, or sent once more to those who did not get it."""

    operation: Operation = Operation.SEND
    of_id: _Id | None = None


class BroadcastChange(BroadcastIn):
    """``version``: of the broadcast as the acting person saw it. What is changed must be approved again."""

    version: int = Field(ge=1)


class FollowUp(BaseModel):
    """A draft that begins as a copy of a broadcast: to be sent once more to the families that it did not reach, or to
    correct what it sent (its messages are edited, or deleted)."""

    operation: Operation = Operation.SEND


class TestSend(BaseModel):
    locale: Locale | None = Field(default=None, description="The body in this language; none: one's own.")


# --- what is found before sending ---


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


class EntrancesOf(BaseModel):
    id: int
    name: str
    entrances: list[str]


class BuildingsOf(BaseModel):
    id: int
    name: str
    buildings: list[EntrancesOf]


class PhasesOf(BaseModel):
    id: int
    name: str
    phases: list[BuildingsOf]


class ParcelsOf(BaseModel):
    """A project with all of its places, to choose from."""

    id: int
    name: str
    parcels: list[PhasesOf]


class NumbersFound(BaseModel):
    """Agreement numbers of a file, each once, as they are written there."""

    found: list[str] = Field(max_length=MAX_NUMBERS)
    unknown: list[str] = Field(max_length=MAX_NUMBERS, description="With which there is no agreement.")


class AudienceCount(BaseModel):
    """How it stands now; it is frozen when sending starts."""

    chats: int = Field(description="That get it, after what is left out and muted.")
    agreements: int = Field(description="Families that are meant.")
    unreachable: int = Field(description="Of them, families to which no chat is linked that can be reached.")
    muted: int = Field(description="Chats that do not want this topic.")
    languages: list[LanguageCount]
    missing: list[MissingCount] = Field(description="Of placeholders that are used.")


# --- the broadcast as staff see it ---


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


class BroadcastOut(BroadcastSummary):
    content: BroadcastIn
    problems: list[Problem]
    progress: Progress | None = Field(description="Since it was started.")
    events: list[BroadcastEventOut]
    allowed: list[BroadcastAction] = Field(description="What the asking account can do now.")
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
    text: str = Field(default="", max_length=1_000, description="Why; needed to reject.")


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


# --- what couriers are given ---


class NewsFact(BaseModel):
    """What changed for a family. Of the fields those that the kind has."""

    kind: NewsKind
    forecast: ForecastOut | None = None
    before: ForecastOut | None = Field(default=None, description="The forecast that this one replaced.")
    milestone: MilestoneKind | None = None
    happened_on: date | None = None
    ledger: LedgerKind | None = None
    amount: Decimal | None = None
    period_start: date | None = None
    period_end: date | None = None
    registration: RegistrationKind | None = None
    stage: RegistrationStage | None = None
    source: str
    as_of: date


class HomeFacts(BaseModel):
    """What a body may say of one agreement; nothing that it does not ask for."""

    agreement_id: int
    number: str
    home: str | None = None
    handed_over: bool | None = Field(default=None, description="Then there is no forecast any more.")
    handed_over_on: date | None = None
    handover_source: str | None = Field(default=None, description="Of what says that it is handed over.")
    handover_as_of: date | None = None
    handover_basis: ForecastBasis | None = None
    forecast: ForecastOut | None = None
    paid_up_to: date | None = None
    monthly_amount: Decimal | None = None
    next_payment_on: date | None = None
    fee_source: str | None = None
    fee_as_of: date | None = None
    registration: RegistrationKind | None = None
    stage: RegistrationStage | None = None
    registration_source: str | None = None
    registration_as_of: date | None = None
    news: list[NewsFact] = []


class RecipientFacts(BaseModel):
    """``Claimed.payload`` of a broadcast: the reader's homes among those that it is about."""

    name: str | None = Field(default=None, description="Masked.")
    homes: list[HomeFacts] = []


class Media(BaseModel):
    attachment_id: int
    kind: AttachmentKind
    filename: str
    media_type: str


class BroadcastContent(BaseModel):
    """What all messages of a broadcast have in common."""

    id: int
    revision: int = Field(description="Of the content, so that couriers can keep it.")
    operation: Operation
    topic: Topic = Field(description="What can be muted by those who get it.")
    bodies: dict[str, Body]
    fallback: str
    media: Media | None


class PreviewOut(BaseModel):
    """Up to three readers as they are now, masked, to be shown to staff."""

    content: BroadcastContent
    readers: list[Annotated["PreviewReader", Field()]]


class PreviewReader(BaseModel):
    locale: str | None
    facts: RecipientFacts


PreviewOut.model_rebuild()
