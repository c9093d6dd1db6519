"""Wire contract of a person's rights: all that is kept about a chat, and what its erasure ends."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from api.agreements.schemas import AgreementRef, HandoverOut, HomeOut
from api.broadcasts.schemas import Topic
from api.cases.schemas import AttachmentKind, CaseActor, CaseCategory, CaseEventKind, CaseState, Location
from api.chats.schemas import Dialog
from api.identity.schemas import AccessRequestKind, AccessRequestState, ConsentKind, LinkRole, LinkScope, LinksOut
from api.messages.schemas import DeliveryState
from api.money.schemas import LedgerPage, PaymentsOut

MAX_COPIES = 3
"""In 24 hours."""
MAX_LEDGER_ENTRIES = 1000
"""Of one agreement."""


class StoredChat(BaseModel):
    locale: str | None
    dialog: Dialog | None = Field(description="What was begun and not finished.")
    created_at: datetime
    saved_at: datetime = Field(description="The last turn that left something behind.")
    gone: bool = Field(description="Telegram refused the last message to it.")


class EndedLink(BaseModel):
    """An agreement that the chat once saw."""

    agreement: AgreementRef = Field(description="Without holder and home: these may be somebody else's by now.")
    role: LinkRole
    linked_at: datetime
    ended_at: datetime


class StoredFile(BaseModel):
    kind: AttachmentKind
    filename: str
    media_type: str
    size: int = Field(description="bytes")
    uploaded_at: datetime


class StoredStep(BaseModel):
    """Something that happened with a complaint, with what was said to or by the resident."""

    kind: CaseEventKind
    happened_at: datetime
    by: CaseActor
    text: str


class StoredCase(BaseModel):
    """A complaint that the chat filed, whether or not it still sees the agreement."""

    number: str
    agreement: AgreementRef
    state: CaseState
    category: CaseCategory
    text: str
    location: Location | None
    received_at: datetime
    registered_at: datetime | None
    accepted_at: datetime | None
    files: list[StoredFile]
    history: list[StoredStep] = Field(description="Oldest first.")


class StoredConsent(BaseModel):
    kind: ConsentKind
    version: str
    given_at: datetime
    withdrawn_at: datetime | None


class StoredRequest(BaseModel):
    id: int
    kind: AccessRequestKind
    state: AccessRequestState
    text: str
    created_at: datetime
    handled_at: datetime | None


class StoredCode(BaseModel):
    """A code that the chat made for a relative; the code itself is not kept."""

    scope: LinkScope
    valid_until: date | None
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None


class StoredNotice(BaseModel):
    kind: str = Field(description="A `NoticeKind`.")
    state: DeliveryState
    created_at: datetime
    finished_at: datetime | None


class Tries(BaseModel):
    """Tries to prove who one is."""

    count: int
    wrong: int
    last_at: datetime | None


class View(BaseModel):
    """Somebody else looked at something of this person's, or changed it."""

    who: str = Field(description="`staff`, `chat` (another of the family), `operator` or `system`.")
    roles: list[str] = Field(description="Of staff: what the account may do now.")
    action: str = Field(description="As the audit record names it.", examples=["homes.seen"])
    times: int
    first_at: datetime
    last_at: datetime


class KeptDays(BaseModel):
    """How long each kind is kept, in days, where a setting decides."""

    attempts: int
    deliveries: int
    codes: int
    links: int
    consents: int
    requests: int
    drafts: int
    files: int
    chats: int


class MyDataOut(BaseModel):
    """All that is kept about a chat, as its person may see it: of other people what the screens show, masked."""

    made_at: datetime
    chat: StoredChat | None = Field(description="None: nothing was ever stored of it.")
    links: LinksOut
    ended_links: list[EndedLink]
    homes: list[HomeOut]
    payments: list[PaymentsOut]
    ledgers: list[LedgerPage] = Field(description="Each agreement's entries, newest first, whole.")
    handover: list[HandoverOut]
    cases: list[StoredCase]
    files: list[StoredFile] = Field(description="That no complaint came of.")
    consents: list[StoredConsent]
    requests: list[StoredRequest]
    codes: list[StoredCode]
    notices: list[StoredNotice] = Field(description="Newest first, the last 200.")
    muted: list[Topic] = Field(description="Of these the chat does not want to be told.")
    tries: Tries
    is_staff: bool = Field(description="The chat acts for an account of the office.")
    views: list[View]
    kept_days: KeptDays


class ErasureOut(BaseModel):
    """What `DELETE /v1/chats/{chat_id}` would end now, and what stays."""

    links: int = Field(description="That show, or once showed, an agreement and that nobody ended.")
    let_in: int = Field(description="Other chats' links that a code of this chat's let in: they end with it.")
    requests: int
    open_requests: int = Field(description="Of these, such as the office has not answered.")
    draft: bool
    files: int = Field(description="That no complaint came of.")
    cases: int = Field(description="Filed complaints: these stay.")
    open_cases: int = Field(
        default=0, description="Of these: not settled; what the office says to them reaches nobody here any more."
    )
    is_staff: bool = Field(description="An account of the office: it stays with the office.")
    kept_days: KeptDays
