"""/cases: the complaints that this chat has filed, and one with its history, dates and clocks. What is done with one
stands in the files that begin with ``case_``."""

from telegram import Update

from bot.backend import InvalidInput
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler
from bot.ui import button, pairs, rows
from handlers import case_files, case_history, case_rating, case_statement, case_together, case_withdrawal
from handlers import case_screens as screens
from handlers.case_buttons import ExplainDays, OpenCase, ShowCase, ShowPage, ShowText
from handlers.case_clocks import days_explained
from handlers.case_finding import find_case
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
    case = await find_case(ctx, tap.number)
    if case is not None:
        await screens.show_case(ctx, case)


async def open_one(update: Update, ctx: Context, tap: OpenCase) -> None:
    case = await find_case(ctx, tap.number)
    if case is not None:
        await screens.tell_case(ctx, case)


async def show_text(update: Update, ctx: Context, tap: ShowText) -> None:
    case = await find_case(ctx, tap.number)
    if case is not None:
        await ctx.edit_or_reply(
            screens.whole_text(ctx, case), rows(button(ctx.plain("⬅️ Back"), ShowCase(case.number))), personal=True
        )


async def explain_days(update: Update, ctx: Context, tap: ExplainDays) -> None:
    await ctx.edit_or_reply(days_explained(ctx.words), rows(button(ctx.plain("⬅️ Back"), ShowCase(tap.number))))


HANDLERS = [
    CommandHandler("cases", show_list),
    CallbackHandler(OpenCases, show_list, reminds=True),
    CallbackHandler(ShowPage, show_list),
    CallbackHandler(ShowCase, show_one),
    CallbackHandler(OpenCase, open_one),
    CallbackHandler(ShowText, show_text),
    CallbackHandler(ExplainDays, explain_days),
    *case_history.HANDLERS,
    *case_files.HANDLERS,
    *case_rating.HANDLERS,
    *case_withdrawal.HANDLERS,
    *case_together.HANDLERS,
    *case_statement.HANDLERS,
]
