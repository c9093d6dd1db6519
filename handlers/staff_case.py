"""One case on the office's side: its page with what can be done now, its whole text, its history, its files."""

from contextlib import suppress

from telegram import InlineKeyboardMarkup, Update
from telegram.error import BadRequest

from api.cases.schemas import AttachmentKind, AttachmentOut, CaseAction, StaffCaseOut
from bot.backend import NotFound
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler
from bot.ui import button, pairs, rows, shorten
from handlers import staff_case_screens as screens
from handlers import staff_terms
from handlers.facts import SHOWN_TEXT
from handlers.lookups import show_screen
from handlers.menu import Row
from handlers.staff_menu import OpenDesk, staff_only
from locales import Html, join

FILES_AT_ONCE = 10
LONGEST_NAME = 100
LARGEST_PHOTO = 10 * 1024 * 1024
"""Bytes that Telegram takes as a photo; a document may be larger."""


class OpenCase(Callback, prefix="s_case"):
    """One case, as the office sees it."""

    number: str


class ShowWhole(Callback, prefix="s_text"):
    """All of what the resident wrote."""

    number: str
    screen: int = 0


class ShowHistory(Callback, prefix="s_past"):
    """All that happened."""

    number: str
    screen: int = 0


class SendFiles(Callback, prefix="s_files"):
    """Its photos and documents, into this chat."""

    number: str
    start: int = 0


class TakeStep(Callback, prefix="s_do"):
    """A step with the case, as the officer saw it."""

    number: str
    version: int
    action: CaseAction


@staff_only
async def open_case(update: Update, ctx: Context, tap: OpenCase) -> None:
    await show(ctx, tap.number)


async def show(ctx: Context, number: str, note: Html | None = None, *, below: bool = False) -> None:
    """The case as it stands now.

    Args:
        note: what is to be said first.
        below: in a message of its own.
    """
    case = await find(ctx, number)
    if case is not None:
        await show_case(ctx, case, note, below=below)


async def find(ctx: Context, number: str) -> StaffCaseOut | None:
    """The case; None where there is none, which is said."""
    try:
        return await ctx.backend.staff_case(ctx.chat_id, number)
    except NotFound:
        await ctx.edit_or_reply(
            ctx.t("There is no case with this number."), rows(button(ctx.plain("⬅️ Back to the complaints"), OpenDesk()))
        )
        return None


async def show_case(ctx: Context, case: StaffCaseOut, note: Html | None = None, *, below: bool = False) -> None:
    """As :func:`show`, of a case at hand."""
    text, keyboard = join("\n\n", [note, screens.page(ctx, case)]), _keys(ctx, case)
    if below:
        await ctx.reply(text, keyboard, personal=True)
    else:
        await ctx.edit_or_reply(text, keyboard, personal=True)


def _keys(ctx: Context, case: StaffCaseOut) -> InlineKeyboardMarkup:
    steps = [action for action in staff_terms.ACTIONS if action in case.allowed]
    return rows(
        *pairs(
            button(staff_terms.step(ctx.words, action), TakeStep(case.number, case.version, action)) for action in steps
        ),
        button(ctx.plain("Read all of the text"), ShowWhole(case.number)) if len(case.text) > SHOWN_TEXT else None,
        button(ctx.plain("📎 Send me the files"), SendFiles(case.number))
        if case.attachments or case.location
        else None,
        button(ctx.plain("🕘 Full history"), ShowHistory(case.number)),
        button(ctx.plain("⬅️ Back to the complaints"), OpenDesk()),
    )


# --- all of it ---


@staff_only
async def show_text(update: Update, ctx: Context, tap: ShowWhole) -> None:
    case = await find(ctx, tap.number)
    if case is not None:
        text = screens.whole_text(ctx, case)
        await show_screen(ctx, text, tap.screen, lambda n: ShowWhole(case.number, n), _back(ctx, case.number))


@staff_only
async def show_history(update: Update, ctx: Context, tap: ShowHistory) -> None:
    case = await find(ctx, tap.number)
    if case is not None:
        told = screens.history(ctx, case)
        await show_screen(ctx, told, tap.screen, lambda n: ShowHistory(case.number, n), _back(ctx, case.number))


def _back(ctx: Context, number: str) -> Row:
    return [button(ctx.plain("⬅️ Back to the case"), OpenCase(number))]


@staff_only
async def send_files(update: Update, ctx: Context, tap: SendFiles) -> None:
    case = await find(ctx, tap.number)
    if case is None:
        return
    files = case.attachments
    start = min(max(tap.start, 0), len(files))
    end = min(start + FILES_AT_ONCE, len(files))
    if case.location is not None and start == 0:
        place = case.location
        await ctx.bot.send_location(ctx.chat_id, place.latitude, place.longitude, protect_content=True)
    refused: list[Html] = []
    for place_in_row, file in enumerate(files[start:end], start + 1):
        caption = ctx.t(
            "{n} of {all}: {name}", n=place_in_row, all=len(files), name=shorten(file.filename, LONGEST_NAME)
        )
        if not await _send(ctx, case.number, file, caption):
            refused.append(caption)
    more = len(files) - end
    await ctx.reply(
        join(
            "\n\n",
            [
                join("\n", [ctx.t("Telegram did not take these files. Please try again later:"), *refused])
                if refused
                else None,
                ctx.n("{n} more file is waiting.", "{n} more files are waiting.", more)
                if more
                else ctx.t("That is all that was sent in with {number}.", number=case.number),
            ],
        ),
        rows(
            button(ctx.plain("More ▶"), SendFiles(case.number, end)) if more else None,
            button(ctx.plain("🔁 Try again"), SendFiles(case.number, start)) if refused else None,
            _back(ctx, case.number),
        ),
        personal=True,
    )


async def _send(ctx: Context, number: str, file: AttachmentOut, caption: Html) -> bool:
    """A photo that Telegram does not take as such goes as a document. False: nor so, or the file is gone."""
    try:
        data = await ctx.backend.staff_attachment(ctx.chat_id, number, file.id)
    except NotFound:
        return False
    if file.kind is AttachmentKind.PHOTO and file.size <= LARGEST_PHOTO:
        with suppress(BadRequest):
            await ctx.bot.send_photo(
                ctx.chat_id, data, caption=caption, parse_mode="HTML", filename=file.filename, protect_content=True
            )
            return True
    try:
        await ctx.bot.send_document(
            ctx.chat_id, data, caption=caption, parse_mode="HTML", filename=file.filename, protect_content=True
        )
    except BadRequest:
        return False
    return True


HANDLERS = [
    CallbackHandler(OpenCase, open_case),
    CallbackHandler(ShowWhole, show_text),
    CallbackHandler(ShowHistory, show_history),
    CallbackHandler(SendFiles, send_files),
]
