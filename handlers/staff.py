"""/staff: somebody of the office links their Telegram by a one-time code, and sees who they are and what they may do.

The command stands in no menu. The message with the code is deleted, and every wrong code is answered alike: nobody
learns from here who works for the office.
"""

from pydantic import SecretStr
from telegram import Update

from api.identity.schemas import LinkMethod
from bot.backend import Locked, NotMatched
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler, TurnHandler
from bot.drafts import remind_of_draft
from bot.turns import Turn, not_again
from handlers import verification_screens
from handlers.menu import OpenStaff, main_menu
from handlers.staff_menu import staff_menu, staff_only, who
from handlers.verification_texts import characters
from locales import join

PREFIX = "S-"
"""Of the office's codes, by which a link that brings one is told from a family's."""
LONGEST_CODE = 80


async def show_or_link(update: Update, ctx: Context) -> None:
    """``/staff``, or ``/staff CODE``."""
    if characters(ctx.payload):
        await _link(ctx)
    else:
        await show(update, ctx)


@staff_only
async def show(update: Update, ctx: Context, tap: OpenStaff | None = None) -> None:
    me = await ctx.backend.staff_me(ctx.chat_id)
    text = join("\n\n", [ctx.t("<b>For the office's people</b>"), who(ctx, me)])
    await ctx.edit_or_reply(text, staff_menu(ctx, me), personal=True)


async def take_deep_link(update: Update, ctx: Context) -> None:
    """``/start S-…``, from the link that ``shanglou staff link`` prints."""
    draft = ctx.session.dialog
    await _link(ctx)
    if draft is not None:
        await remind_of_draft(ctx, draft)


async def _link(ctx: Context) -> None:
    await ctx.take_away()
    try:
        me = await ctx.backend.link_staff(ctx.chat_id, SecretStr(ctx.payload[:LONGEST_CODE]))
    except NotMatched:
        not_again()
        await ctx.reply(verification_screens.not_matched(ctx, LinkMethod.CODE), main_menu(ctx))
    except Locked as locked:
        await ctx.reply(verification_screens.locked(ctx, LinkMethod.CODE, locked.retry_after_seconds), main_menu(ctx))
    else:
        linked = ctx.t(
            "✅ From now on this Telegram account acts for you. Please lock your phone with a code. If it is lost or "
            "stolen, tell an administrator at once: they shut it out in a moment."
        )
        await ctx.reply(join("\n\n", [linked, who(ctx, me)]), staff_menu(ctx, me), personal=True)


def _brings_code(turn: Turn) -> bool:
    return (
        turn.private
        and turn.command is not None
        and turn.command[0] == "start"
        and turn.command[1].upper().startswith(PREFIX)
    )


HANDLERS = [
    TurnHandler(_brings_code, take_deep_link),
    CommandHandler("staff", show_or_link),
    CallbackHandler(OpenStaff, show, reminds=True),
]
