"""Broadcasts on the office's side: the lists, a new one, and the sheet of one with all that can be done now.

The draft itself lives in the API: each step is saved there at once, under the version that the person saw. Of two
people who change it at once one wins, and the other is shown what is now.
"""

from enum import StrEnum

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update

from api.broadcasts.schemas import (
    AudienceCount,
    BroadcastAction,
    BroadcastChange,
    BroadcastNew,
    BroadcastOut,
    BroadcastState,
    Operation,
    ParcelsOf,
    Topic,
)
from api.staff.schemas import StaffRole
from bot.backend import BackendUnavailable, BroadcastChanged, InvalidInput, NotAllowedNow, NotFound
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler
from bot.ui import button, pairs, rows
from handlers import staff_broadcast_screens as screens
from handlers import terms
from handlers.menu import OpenStaff, Row
from handlers.staff_broadcast_terms import DONE, STATES
from handlers.staff_menu import OpenBroadcasts, may, staff_only
from locales import Html, join, lazy

PAGE = 5
DIALOG = "staff_bc"
"""Of questions about a broadcast; ``staff_broadcast_draft`` has its steps."""


class Shelf(StrEnum):
    """Which broadcasts."""

    DRAFTS = "drafts"
    WAITING = "wait"
    RUNNING = "run"
    DONE = "done"


SHELVES = {
    Shelf.DRAFTS: (lazy("📝 Drafts"), [BroadcastState.DRAFT]),
    Shelf.WAITING: (lazy("⏳ Waiting for approval"), [BroadcastState.SUBMITTED]),
    Shelf.RUNNING: (
        lazy("📤 Going out"),
        [BroadcastState.APPROVED, BroadcastState.SENDING, BroadcastState.PAUSED],
    ),
    Shelf.DONE: (lazy("🏁 Done"), [BroadcastState.SENT, BroadcastState.CANCELLED]),
}


class ShowShelf(Callback, prefix="b_shelf"):
    """A page of broadcasts; without a cursor the newest."""

    shelf: Shelf
    cursor: str = ""


class NewBroadcast(Callback, prefix="b_new"):
    """What is it about?"""


class Begin(Callback, prefix="b_begin"):
    """A draft of this topic."""

    topic: Topic


class OpenBroadcast(Callback, prefix="b_one"):
    """One broadcast."""

    broadcast_id: int


class Step(Callback, prefix="b_step"):
    """A step with it, as the person saw it."""

    broadcast_id: int
    version: int
    action: BroadcastAction


class Part(StrEnum):
    """What of a draft is changed, or asked for."""

    AUDIENCE = "who"
    TEXTS = "text"
    FILE = "file"
    TOPIC = "topic"
    START = "start"
    URGENT = "urgent"
    MISSING = "miss"
    PREVIEW = "see"
    TEST = "test"
    WATCH = "watch"
    REPORT = "report"
    UNREACHED = "list"
    LACKING = "lack"
    AGAIN = "again"
    CORRECT = "fix"
    DELETE = "del"


class OpenPart(Callback, prefix="b_part"):
    """A part of a broadcast; ``version`` as the person saw it."""

    broadcast_id: int
    version: int
    part: Part


@staff_only
async def show_broadcasts(update: Update, ctx: Context, tap: OpenBroadcasts) -> None:
    me = await ctx.backend.staff_me(ctx.chat_id)
    waiting = await ctx.backend.broadcasts(ctx.chat_id, states=[BroadcastState.SUBMITTED], limit=1)
    writes = may(me, (StaffRole.PUBLISHER,))
    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                ctx.t("<b>Broadcasts</b>"),
                ctx.t(
                    "A message to the families that you choose: each reads it in their language, about their own home. "
                    "A second person approves it before it goes out."
                ),
                ctx.t("⏳ Something waits for approval.") if waiting.broadcasts else None,
            ],
        ),
        rows(
            button(ctx.plain("➕ New broadcast"), NewBroadcast()) if writes else None,
            *pairs(button(ctx.plain(label), ShowShelf(shelf)) for shelf, (label, _) in SHELVES.items()),
            button(ctx.plain("⬅️ Back"), OpenStaff()),
        ),
        personal=True,
    )


@staff_only
async def show_shelf(update: Update, ctx: Context, tap: ShowShelf) -> None:
    label, states = SHELVES[tap.shelf]
    cursor = tap.cursor
    try:
        page = await ctx.backend.broadcasts(ctx.chat_id, states=states, cursor=cursor or None, limit=PAGE)
    except InvalidInput:
        # A button of an older version of the list.
        cursor = ""
        page = await ctx.backend.broadcasts(ctx.chat_id, states=states, limit=PAGE)
    title = ctx.t("<b>{shelf}</b>", shelf=ctx.t(label))
    first = [button(ctx.plain("⏮ First page"), ShowShelf(tap.shelf))] if cursor else []
    more = [button(ctx.plain("More ▶"), ShowShelf(tap.shelf, page.next_cursor))] if page.next_cursor else []
    entries = [screens.line(one, ctx.words) for one in page.broadcasts]
    await ctx.edit_or_reply(
        join("\n\n", [title, *entries, None if entries else ctx.t("There is none.")]),
        rows(
            *pairs(
                button(ctx.plain("Broadcast {number}", number=one.id), OpenBroadcast(one.id)) for one in page.broadcasts
            ),
            first + more,
            button(ctx.plain("⬅️ Back"), OpenBroadcasts()),
        ),
        personal=True,
    )


# --- a new one ---


@staff_only
async def choose_topic(update: Update, ctx: Context, tap: NewBroadcast) -> None:
    await ctx.backend.broadcasts(ctx.chat_id, limit=1)
    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                ctx.t("<b>What is this broadcast about?</b>"),
                ctx.t(
                    "Families choose of what they want to be told. Legal notices reach everybody; please take that "
                    "topic only for what has legal effect."
                ),
            ],
        ),
        rows(
            *pairs(button(terms.name(ctx.words, topic), Begin(topic)) for topic in Topic),
            button(ctx.plain("⬅️ Back"), OpenBroadcasts()),
        ),
        personal=True,
    )


@staff_only
async def begin(update: Update, ctx: Context, tap: Begin) -> None:
    query = update.callback_query
    assert query is not None  # noqa: S101 - it is a tap
    # The same tap, brought twice, begins one draft.
    draft = await ctx.backend.create_broadcast(
        ctx.chat_id, BroadcastNew(topic=tap.topic), idempotency_key=f"tap-{query.id}"
    )
    await show_broadcast(ctx, draft, ctx.t("A draft is begun. Everything that you enter is kept at once."))


# --- one of them ---


@staff_only
async def open_broadcast(update: Update, ctx: Context, tap: OpenBroadcast) -> None:
    await show(ctx, tap.broadcast_id)


async def find(ctx: Context, broadcast_id: int) -> BroadcastOut | None:
    """The broadcast; None where there is none, which is said."""
    try:
        return await ctx.backend.broadcast(ctx.chat_id, broadcast_id)
    except NotFound:
        await ctx.edit_or_reply(
            ctx.t("There is no broadcast with this number."),
            rows(button(ctx.plain("⬅️ Back to the broadcasts"), OpenBroadcasts())),
            personal=True,
        )
        return None


async def show(ctx: Context, broadcast_id: int, note: Html | None = None, *, below: bool = False) -> None:
    """The broadcast as it stands now.

    Args:
        note: what is to be said first.
        below: in a message of its own.
    """
    broadcast = await find(ctx, broadcast_id)
    if broadcast is not None:
        await show_broadcast(ctx, broadcast, note, below=below)


async def show_broadcast(
    ctx: Context, broadcast: BroadcastOut, note: Html | None = None, *, below: bool = False
) -> None:
    """As :func:`show`, of a broadcast at hand. What was being asked for is over with it."""
    leave(ctx)
    before_start = broadcast.started_at is None and broadcast.state is not BroadcastState.CANCELLED
    count = await _count(ctx, broadcast) if before_start else None
    places = await places_of(ctx)
    text = join("\n\n", [note, screens.sheet(broadcast, count, places, ctx.words)])
    keyboard = _keys(ctx, broadcast, count)
    if below:
        await ctx.reply(text, keyboard, personal=True)
    else:
        await ctx.edit_or_reply(text, keyboard, personal=True)


def leave(ctx: Context) -> None:
    """What is sent from now on is no answer to a question about a broadcast."""
    dialog = ctx.session.dialog
    if dialog is not None and dialog.name.startswith(f"{DIALOG}."):
        ctx.session.end_dialog()


async def _count(ctx: Context, broadcast: BroadcastOut) -> AudienceCount | None:
    """None: nobody is chosen, or to count takes too long now; the sheet is shown all the same."""
    if broadcast.operation is Operation.SEND and broadcast.content.audience is None:
        return None
    try:
        return await ctx.backend.broadcast_count(ctx.chat_id, broadcast.id)
    except BackendUnavailable:
        return None


async def places_of(ctx: Context) -> list[ParcelsOf]:
    return await ctx.backend.places(ctx.chat_id)


def _keys(ctx: Context, broadcast: BroadcastOut, count: AudienceCount | None) -> InlineKeyboardMarkup:
    allowed = broadcast.allowed

    def part(label: str, which: Part) -> InlineKeyboardButton:
        return button(ctx.plain(label), OpenPart(broadcast.id, broadcast.version, which))

    def step(label: str, action: BroadcastAction) -> InlineKeyboardButton:
        return button(ctx.plain(label), Step(broadcast.id, broadcast.version, action))

    lines: list[Row] = []
    sends = broadcast.operation is Operation.SEND
    if BroadcastAction.EDIT in allowed:
        writes = [part(lazy("👥 Who gets it"), Part.AUDIENCE)] if sends else []
        if broadcast.operation is not Operation.DELETE:
            writes += [part(lazy("✏️ Texts and buttons"), Part.TEXTS)]
        if sends:
            writes += [part(lazy("📎 Photo or document"), Part.FILE), part(lazy("🏷 Topic"), Part.TOPIC)]
        writes += [part(lazy("🕘 When"), Part.START)]
        writes += [part(lazy("🚨 Urgent: off") if broadcast.content.urgent else lazy("🚨 Urgent: on"), Part.URGENT)]
        if count is not None and count.missing:
            writes += [part(lazy("❔ Missing values"), Part.MISSING)]
        lines += pairs(writes)
    # Who may take no step at all may not see how it looks to somebody.
    if allowed and broadcast.started_at is None and broadcast.operation is not Operation.DELETE:
        looks = [part(lazy("👀 Preview"), Part.PREVIEW), part(lazy("🧪 Send it to me"), Part.TEST)]
        if count is not None and count.missing:
            looks.append(part(lazy("📄 Families without a value"), Part.LACKING))
        lines += pairs(looks)
    if BroadcastAction.SUBMIT in allowed and not broadcast.problems:
        label = lazy("✅ Submit for approval") if broadcast.needs_approval else lazy("📤 Send it")
        lines.append([step(label, BroadcastAction.SUBMIT)])
    decisions = [
        step(label, action)
        for label, action in (
            (lazy("✅ Approve"), BroadcastAction.APPROVE),
            (lazy("↩️ Send back"), BroadcastAction.REJECT),
            (lazy("⏸ Pause"), BroadcastAction.PAUSE),
            (lazy("▶️ Go on"), BroadcastAction.RESUME),
        )
        if action in allowed
    ]
    lines += pairs(decisions)
    if broadcast.progress is not None:
        lines += pairs([part(lazy("🔄 How far it is"), Part.WATCH), part(lazy("📊 Report"), Part.REPORT)])
    if BroadcastAction.CANCEL in allowed:
        lines.append([step(lazy("🚫 Cancel it"), BroadcastAction.CANCEL)])
    lines.append([button(ctx.plain("⬅️ Back to the broadcasts"), OpenBroadcasts())])
    return rows(*lines)


# --- changing it ---


async def seen(ctx: Context, broadcast_id: int, version: int) -> BroadcastOut | None:
    """The broadcast, where it still is as the person saw it; None: it is not, and that is shown."""
    broadcast = await find(ctx, broadcast_id)
    if broadcast is None or broadcast.version == version:
        return broadcast
    await show_changed(ctx, broadcast)
    return None


async def show_changed(ctx: Context, broadcast: BroadcastOut, *, below: bool = False) -> None:
    """It is no longer as the person saw it: what was done, and how it stands now."""
    last = broadcast.events[-1] if broadcast.events else None
    happened = (
        ctx.t("It was {what} meanwhile ({who}).", what=ctx.t(DONE[last.action]), who=last.by or ctx.t("the system"))
        if last is not None
        else None
    )
    note = join("\n", [ctx.t("<b>This is from earlier.</b>"), happened, ctx.t("So it stands now:")])
    await show_broadcast(ctx, broadcast, note, below=below)


async def change(
    ctx: Context, broadcast: BroadcastOut, *, below: bool = False, **fields: object
) -> BroadcastOut | None:
    """Save these fields. Where that is not possible any more it is told, and None comes back."""
    values = broadcast.content.model_dump() | fields | {"version": broadcast.version}
    try:
        after = await ctx.backend.edit_broadcast(ctx.chat_id, broadcast.id, BroadcastChange.model_validate(values))
    except (BroadcastChanged, NotAllowedNow) as refused:
        await show_refused(ctx, broadcast.id, refused, below=below)
        return None
    if broadcast.state is not BroadcastState.DRAFT and after.state is BroadcastState.DRAFT:
        # What was approved is what was shown then.
        await ctx.reply(
            ctx.t("⚠️ <b>Changed, so it is a draft again.</b> It does not go out until you submit it once more."),
            personal=True,
        )
    return after


async def show_refused(
    ctx: Context, broadcast_id: int, refused: BroadcastChanged | NotAllowedNow, *, below: bool = False
) -> None:
    broadcast = await find(ctx, broadcast_id)
    if broadcast is None:
        return
    if isinstance(refused, BroadcastChanged):
        await show_changed(ctx, broadcast, below=below)
        return
    note = ctx.t("<b>That is not possible now:</b> it is {state}.", state=ctx.t(STATES[broadcast.state]))
    await show_broadcast(ctx, broadcast, note, below=below)


HANDLERS = [
    CallbackHandler(OpenBroadcasts, show_broadcasts),
    CallbackHandler(ShowShelf, show_shelf),
    CallbackHandler(NewBroadcast, choose_topic),
    CallbackHandler(Begin, begin),
    CallbackHandler(OpenBroadcast, open_broadcast),
]
