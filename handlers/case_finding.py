"""Looking up the complaint that a button or a person named."""

from api.cases.schemas import CaseOut
from bot.backend import NotFound
from bot.context import Context
from bot.ui import button, rows
from handlers.menu import OpenCases, OpenMenu


async def find_case(ctx: Context, number: str) -> CaseOut | None:
    """The complaint; None where it is not this chat's, or not there, which the person then has been told."""
    try:
        return await ctx.backend.case(ctx.chat_id, number)
    except NotFound:
        await ctx.edit_or_reply(
            ctx.t("There is no such complaint of yours here."),
            rows(button(ctx.plain("My complaints"), OpenCases()), button(ctx.plain("Main menu"), OpenMenu())),
        )
        return None
