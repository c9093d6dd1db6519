"""The gate before everything personal: who has not proved who they are is told why, and shown the way in."""

from telegram import InlineKeyboardButton

from bot.callbacks import Callback
from bot.context import Context
from bot.ui import button, lines, rows


class Verify(Callback, prefix="verify"):
    """Begin to prove who one is; also by one who is known already and adds another agreement."""


class AskOffice(Callback, prefix="ask_office"):
    """Ask the office to look at one's papers; for whom what is on file does not let in (``handlers.office_help``)."""


def verify_button(ctx: Context) -> InlineKeyboardButton:
    return button(ctx.plain("🔑 Show who I am"), Verify())


def ask_office_button(ctx: Context) -> InlineKeyboardButton:
    return button(ctx.plain("🏢 Ask the office for help"), AskOffice())


async def explain_gate(ctx: Context) -> None:
    """In place of an answer that only the family itself may see."""
    await ctx.reply(
        lines(
            ctx.t("First I need to know who you are: what I know about a home and its money I tell only the family."),
            ctx.t("It takes a minute, and you do it only once."),
        ),
        rows(verify_button(ctx)),
    )
