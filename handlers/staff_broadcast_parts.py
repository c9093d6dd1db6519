"""What else a broadcast has: a photo or document, a topic, when it begins, whether it is urgent, what is done where a
value is missing."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from telegram import Update
from telegram.ext import filters

from api.broadcasts.schemas import BroadcastOut, Missing, Topic
from bot.backend import NotFound
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler, InDialog, MessageHandler
from bot.drafts import Drop, Resume
from bot.ui import button, pairs, rows
from handlers import staff_broadcast_screens as screens
from handlers import terms
from handlers.broadcast_audience import How
from handlers.content import message_of
from handlers.incoming_files import Refused, hand_over
from handlers.menu import Row
from handlers.moments import parse_moment
from handlers.staff_broadcast import (
    DIALOG,
    OpenBroadcast,
    OpenPart,
    Part,
    change,
    find,
    leave,
    seen,
    show,
    show_broadcast,
    show_changed,
)
from handlers.staff_broadcast_audience import ask_for_numbers, show_audience
from handlers.staff_broadcast_draft import Asked, Question, ask, awaited
from handlers.staff_broadcast_looks import preview, send_lacking, send_test
from handlers.staff_broadcast_report import correct, delete, send_again, send_unreached, show_report
from handlers.staff_broadcast_steps import ask_reason
from handlers.staff_broadcast_terms import MISSING
from handlers.staff_broadcast_text_buttons import ask_button
from handlers.staff_broadcast_texts import ask_text, show_texts
from handlers.staff_broadcast_watch import watch
from handlers.staff_menu import staff_only
from locales import Html, join


class SetTopic(Callback, prefix="b_topic"):
    broadcast_id: int
    version: int
    topic: Topic


class SetMissing(Callback, prefix="b_miss"):
    broadcast_id: int
    version: int
    missing: Missing


class AtOnce(Callback, prefix="b_now"):
    """It begins as soon as it is approved."""

    broadcast_id: int
    version: int


class DropFile(Callback, prefix="b_file_rm"):
    broadcast_id: int
    version: int


@staff_only
async def open_part(update: Update, ctx: Context, tap: OpenPart) -> None:
    broadcast = await find(ctx, tap.broadcast_id)
    if broadcast is None:
        return
    if tap.part in _ALWAYS:
        await _ALWAYS[tap.part](ctx, broadcast)
    elif broadcast.version != tap.version:
        await show_changed(ctx, broadcast)
    else:
        await _PARTS[tap.part](ctx, broadcast)


# --- topic, urgency, missing values ---


async def _topic(ctx: Context, broadcast: BroadcastOut) -> None:
    keys = pairs(
        button(terms.name(ctx.words, topic), SetTopic(broadcast.id, broadcast.version, topic)) for topic in Topic
    )
    await _choose(ctx, broadcast, ctx.t("<b>What is this broadcast about?</b>"), *keys)


async def _urgent(ctx: Context, broadcast: BroadcastOut) -> None:
    changed = await change(ctx, broadcast, urgent=not broadcast.content.urgent)
    if changed is not None:
        await show_broadcast(ctx, changed)


async def _missing(ctx: Context, broadcast: BroadcastOut) -> None:
    keys = [[button(ctx.plain(MISSING[one]), SetMissing(broadcast.id, broadcast.version, one))] for one in Missing]
    await _choose(ctx, broadcast, ctx.t("<b>What is done for families of whom a value is not there?</b>"), *keys)


async def _choose(ctx: Context, broadcast: BroadcastOut, text: Html, *keys: Row) -> None:
    back = button(ctx.plain("⬅️ Back to the broadcast"), OpenBroadcast(broadcast.id))
    heading = screens.heading(broadcast, ctx.words)
    await ctx.edit_or_reply(join("\n\n", [heading, text]), rows(*keys, back), personal=True)


@staff_only
async def set_topic(update: Update, ctx: Context, tap: SetTopic) -> None:
    await _set(ctx, tap.broadcast_id, tap.version, topic=tap.topic)


@staff_only
async def set_missing(update: Update, ctx: Context, tap: SetMissing) -> None:
    await _set(ctx, tap.broadcast_id, tap.version, missing=tap.missing)


@staff_only
async def at_once(update: Update, ctx: Context, tap: AtOnce) -> None:
    await _set(ctx, tap.broadcast_id, tap.version, starts_at=None)


@staff_only
async def drop_file(update: Update, ctx: Context, tap: DropFile) -> None:
    await _set(ctx, tap.broadcast_id, tap.version, attachment_id=None)


async def _set(ctx: Context, broadcast_id: int, version: int, **fields: Any) -> None:
    broadcast = await seen(ctx, broadcast_id, version)
    if broadcast is None:
        return
    changed = await change(ctx, broadcast, **fields)
    if changed is not None:
        await show_broadcast(ctx, changed, ctx.t("✔️ It is kept."))


# --- when ---


async def _start(ctx: Context, broadcast: BroadcastOut) -> None:
    await _ask_start(ctx, broadcast)


async def _ask_start(ctx: Context, broadcast: BroadcastOut, note: Html | None = None, *, below: bool = False) -> None:
    text = ctx.t(
        "<b>When shall it begin?</b>\n\nPress the button, or send the day and time as you would say it, such as "
        "“tomorrow 9:30”, “28 Nov 15:00” or “in 2 hours”."
    )
    at_once_key = button(ctx.plain("📤 As soon as it is approved"), AtOnce(broadcast.id, broadcast.version))
    question = Question(broadcast_id=broadcast.id, version=broadcast.version)
    await ask(ctx, Asked.TIME, question, text, at_once_key, note=note, below=below)


@staff_only
async def take_time(update: Update, ctx: Context) -> None:
    broadcast = await _awaited(ctx)
    if broadcast is None:
        return
    now = datetime.now(UTC).astimezone(ctx.words.time_zone)
    moment = parse_moment(message_of(update).text or "", now)
    if moment is None:
        note = ctx.t("I cannot read a day and time from this.")
        await _ask_start(ctx, broadcast, note, below=True)
    elif moment <= now:
        note = ctx.t("{moment} has passed already.", moment=ctx.words.datetime(moment))
        await _ask_start(ctx, broadcast, note, below=True)
    elif moment > now + timedelta(days=366):
        note = ctx.t("{moment} is more than a year away.", moment=ctx.words.datetime(moment))
        await _ask_start(ctx, broadcast, note, below=True)
    else:
        changed = await change(ctx, broadcast, below=True, starts_at=moment)
        if changed is not None:
            told = ctx.t("✔️ It begins on {moment}.", moment=ctx.words.datetime(moment))
            quiet = changed.quiet_hours
            night = None
            if quiet is not None and quiet.covers(moment.hour) and not changed.content.urgent:
                night = ctx.t("That is at night: it waits until {hour}:00, unless it is urgent.", hour=quiet.until)
            note = join("\n", [told, night])
            await show_broadcast(ctx, changed, note, below=True)


# --- a photo or document ---


async def _file(ctx: Context, broadcast: BroadcastOut) -> None:
    await _ask_file(ctx, broadcast)


async def _ask_file(ctx: Context, broadcast: BroadcastOut, note: Html | None = None, *, below: bool = False) -> None:
    text = ctx.t(
        "Please send the photo or document. The text then stands below it and can have 1,024 characters at most, with "
        "everything filled in."
    )
    drop = (
        button(ctx.plain("🗑 Without a file"), DropFile(broadcast.id, broadcast.version))
        if broadcast.content.attachment_id is not None
        else None
    )
    question = Question(broadcast_id=broadcast.id, version=broadcast.version)
    await ask(ctx, Asked.FILE, question, text, drop, note=note, below=below)


@staff_only
async def take_file(update: Update, ctx: Context) -> None:
    broadcast = await _awaited(ctx)
    if broadcast is None:
        return
    message = message_of(update)
    source = message.document or (message.photo[-1] if message.photo else None)
    if source is None:
        note = ctx.t("I cannot take this. A photo or document is fine.")
        await _ask_file(ctx, broadcast, note, below=True)
        return
    full = ctx.t("Too many files of yours are waiting to be used. Please try again tomorrow.")
    try:
        file = await hand_over(ctx, source, 1, full=full, by_staff=True)
    except Refused as refused:
        await _ask_file(ctx, broadcast, refused.words, below=True)
        return
    try:
        changed = await change(ctx, broadcast, below=True, attachment_id=file.id)
    except NotFound:
        await _ask_file(ctx, broadcast, ctx.t("The file is not there any more. Please send it anew."), below=True)
        return
    if changed is not None:
        await show_broadcast(ctx, changed, ctx.t("✔️ The file goes with it."), below=True)


async def _awaited(ctx: Context) -> BroadcastOut | None:
    """The broadcast that was asked about, as long as it is as it was then; else it is shown."""
    question = awaited(ctx)
    broadcast = await find(ctx, question.broadcast_id)
    if broadcast is None or broadcast.version == question.version:
        return broadcast
    await show_changed(ctx, broadcast, below=True)
    return None


@staff_only
async def not_a_time(update: Update, ctx: Context) -> None:
    broadcast = await _awaited(ctx)
    if broadcast is not None:
        await _ask_start(ctx, broadcast, ctx.t("Please write it as a text."), below=True)


# --- interrupted ---


@staff_only
async def resume(update: Update, ctx: Context, tap: Resume) -> None:
    """The question once more, as the broadcast stands now."""
    dialog, question = ctx.session.dialog, awaited(ctx)
    assert dialog is not None  # noqa: S101 - see awaited
    await ctx.remove_buttons()
    broadcast = await find(ctx, question.broadcast_id)
    if broadcast is None:
        return
    match Asked(dialog.name):
        case Asked.BODY:
            await ask_text(ctx, broadcast, question.locale, question=question, below=True)
        case Asked.BUTTON if question.locale in broadcast.content.bodies:
            await ask_button(ctx, broadcast, question.locale, below=True)
        case Asked.FILE:
            await _ask_file(ctx, broadcast, below=True)
        case Asked.NUMBERS:
            await ask_for_numbers(ctx, broadcast, How(question.how), below=True)
        case Asked.TIME:
            await _ask_start(ctx, broadcast, below=True)
        case Asked.REASON:
            await ask_reason(ctx, broadcast, below=True)
        case _:
            await show_broadcast(ctx, broadcast, below=True)


@staff_only
async def drop(update: Update, ctx: Context, tap: Drop | None = None) -> None:
    """Nothing is lost: what was entered before is in the draft."""
    question = awaited(ctx)
    await ctx.remove_buttons()
    leave(ctx)
    await show(ctx, question.broadcast_id, ctx.t("Nothing was changed."), below=True)


Opening = Callable[[Context, BroadcastOut], Awaitable[None]]
_PARTS: dict[Part, Opening] = {
    Part.AUDIENCE: show_audience,
    Part.TEXTS: show_texts,
    Part.FILE: _file,
    Part.TOPIC: _topic,
    Part.START: _start,
    Part.URGENT: _urgent,
    Part.MISSING: _missing,
}
_ALWAYS: dict[Part, Opening] = {
    Part.PREVIEW: preview,
    Part.TEST: send_test,
    Part.LACKING: send_lacking,
    Part.WATCH: watch,
    Part.REPORT: show_report,
    Part.UNREACHED: send_unreached,
    Part.AGAIN: send_again,
    Part.CORRECT: correct,
    Part.DELETE: delete,
}
"""They change nothing of it, whatever was done with it meanwhile."""

HANDLERS = [
    CallbackHandler(OpenPart, open_part),
    CallbackHandler(Resume, resume, dialog=DIALOG),
    CallbackHandler(Drop, drop, dialog=DIALOG),
    CommandHandler("cancel", drop, dialog=DIALOG, reminds=False),
    CallbackHandler(SetTopic, set_topic),
    CallbackHandler(SetMissing, set_missing),
    CallbackHandler(AtOnce, at_once),
    CallbackHandler(DropFile, drop_file),
    MessageHandler(InDialog(Asked.TIME) & filters.TEXT, take_time),
    MessageHandler(InDialog(Asked.TIME) & filters.ALL, not_a_time),
    MessageHandler(InDialog(Asked.FILE) & filters.ALL, take_file),
]
