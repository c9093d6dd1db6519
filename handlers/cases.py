"""/cases: the complaints that this chat has filed, and one with its history, dates and clock."""

from telegram import Update

from bot.backend import InvalidInput, NotFound
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler
from bot.ui import button, pairs, rows
from handlers import case_screens as screens
from handlers.case_screens import ShowCase, ShowPage, ShowText
from handlers.gate import explain_gate
from handlers.menu import OpenCases, OpenComplaint, OpenMenu

PAGE = 6
"""Complaints on one screen."""


async def show_list(update: Update, ctx: Context, tap: OpenCases | ShowPage | None = None) -> None:
    cursor = tap.cursor if isinstance(tap, ShowPage) else ""
    try:
        page = await ctx.backend.cases(ctx.chat_id, cursor=cursor or None, limit=PAGE)
    except InvalidInput:
        # A button of an older version of the list.
        cursor = ""
        page = await ctx.backend.cases(ctx.chat_id, limit=PAGE)
    if not page.total_count and not ctx.session.linked:
        await explain_gate(ctx)
        return
    turning = [
        button(ctx.plain("⏮ Newest"), ShowPage()) if cursor else None,
        button(ctx.plain("More ▶"), ShowPage(page.next_cursor)) if page.next_cursor else None,
    ]
    await ctx.edit_or_reply(
        screens.case_list(ctx, page),
        rows(
            *pairs(button(case.number, ShowCase(case.number)) for case in page.cases),
            [key for key in turning if key],
            button(ctx.plain("File a complaint"), OpenComplaint()),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
        personal=True,
    )


async def show_one(update: Update, ctx: Context, tap: ShowCase) -> None:
    try:
        case = await ctx.backend.case(ctx.chat_id, tap.number)
    except NotFound:
        await _not_there(ctx)
        return
    await ctx.edit_or_reply(
        screens.one_case(ctx, case),
        rows(
            button(ctx.plain("Read all of the text"), ShowText(case.number)) if screens.is_shortened(case) else None,
            button(ctx.plain("My complaints"), OpenCases()),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
        personal=True,
    )


async def show_text(update: Update, ctx: Context, tap: ShowText) -> None:
    try:
        case = await ctx.backend.case(ctx.chat_id, tap.number)
    except NotFound:
        await _not_there(ctx)
        return
    await ctx.edit_or_reply(
        screens.whole_text(ctx, case), rows(button(ctx.plain("⬅️ Back"), ShowCase(case.number))), personal=True
    )


async def _not_there(ctx: Context) -> None:
    await ctx.edit_or_reply(
        ctx.t("There is no such complaint of yours here."),
        rows(button(ctx.plain("My complaints"), OpenCases()), button(ctx.plain("Main menu"), OpenMenu())),
    )


HANDLERS = [
    CommandHandler("cases", show_list),
    CallbackHandler(OpenCases, show_list, reminds=True),
    CallbackHandler(ShowPage, show_list),
    CallbackHandler(ShowCase, show_one),
    CallbackHandler(ShowText, show_text),
]
