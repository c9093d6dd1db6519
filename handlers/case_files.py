"""Files that the office sent with a complaint: listed, and brought as documents. What Telegram refuses is offered as a
link, or where the office has no public address, at the office."""

from telegram import InlineKeyboardButton, Update

from api.cases.schemas import AttachmentOut, CaseActor, CaseOut
from bot.backend import NotFound
from bot.context import Context
from bot.dispatch import CallbackHandler
from bot.ui import Page, button, rows, shorten
from handlers.case_buttons import GetFile, ShowCase, ShowFiles
from handlers.case_finding import find_case
from handlers.menu import turning
from locales import join

BUTTON = 30
"""Characters of a file's name on its button."""


def office_files(case: CaseOut) -> list[AttachmentOut]:
    """Those that came with the office's steps."""
    sent = {number for event in case.events if event.by is not CaseActor.RESIDENT for number in event.attachment_ids}
    return [file for file in case.attachments if file.id in sent]


async def show_files(update: Update, ctx: Context, tap: ShowFiles) -> None:
    case = await find_case(ctx, tap.number)
    if case is None:
        return
    files = office_files(case)
    page = Page(files, tap.page)
    heading = (
        ctx.n(
            "<b>Complaint {number}: {n} file from the office</b>\nPress it and I bring it to you.",
            "<b>Complaint {number}: {n} files from the office</b>\nPress one and I bring it to you.",
            len(files),
            number=case.number,
        )
        if files
        else ctx.t("The office has sent no files with complaint {number}.", number=case.number)
    )
    keys = rows(
        *(button(f"📄 {shorten(file.filename, BUTTON)}", GetFile(case.number, file.id)) for file in page.items),
        turning(ctx, page.number, page.count, lambda number: ShowFiles(case.number, number)),
        button(ctx.plain("⬅️ Back to the complaint"), ShowCase(case.number)),
    )
    if tap.page:
        await ctx.edit_or_reply(heading, keys, personal=True)
    else:
        # What bore the button may be the answer itself, which stays.
        await ctx.reply(heading, keys, personal=True)


async def get_file(update: Update, ctx: Context, tap: GetFile) -> None:
    case = await find_case(ctx, tap.number)
    if case is None:
        return
    file = next((file for file in case.attachments if file.id == tap.attachment_id), None)
    back = button(ctx.plain("⬅️ Back to the complaint"), ShowCase(case.number))
    try:
        data = await ctx.backend.attachment(ctx.chat_id, case.number, file.id) if file else b""
    except NotFound:
        data = b""
    if file is None or not data:
        await ctx.reply(ctx.t("This file is not there any more."), rows(back), personal=True)
        return
    await ctx.answer(ctx.plain("One moment, I bring it."))
    caption = ctx.t("Complaint {number}", number=case.number)
    if not await ctx.offer_document(data, file.filename, caption, rows(back)):
        await _offer_otherwise(ctx, case, file, back)


async def _offer_otherwise(ctx: Context, case: CaseOut, file: AttachmentOut, back: InlineKeyboardButton) -> None:
    sorry = ctx.t("Telegram would not take the file “{name}”, so I cannot bring it here.", name=file.filename)
    link = await ctx.backend.file_link(ctx.chat_id, case.number, file.id)
    if link.url is not None and link.expires_at is not None:
        until = ctx.words.datetime(link.expires_at)
        how = ctx.t(
            "Press the button below to get it from the office's own address. The link is for you alone and works until "
            "{moment}; afterwards just ask for the file again.",
            moment=until,
        )
        await ctx.reply(
            join("\n\n", [sorry, how]),
            rows(InlineKeyboardButton(ctx.plain("⬇️ Get the file"), url=link.url), back),
            personal=True,
        )
        return
    how = ctx.t(
        "It is yours all the same: please collect it at the office, and name complaint {number}.", number=case.number
    )
    where = ctx.t("🏢 The office: {contact}", contact=ctx.office_contact) if ctx.office_contact else None
    await ctx.reply(join("\n\n", [sorry, how, where]), rows(back), personal=True)


HANDLERS = [CallbackHandler(ShowFiles, show_files), CallbackHandler(GetFile, get_file)]
