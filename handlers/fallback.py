"""What nobody else understood: every person gets a kind sentence and a way on."""

from telegram import InlineKeyboardButton, Update
from telegram.ext import filters

from bot.context import Context
from bot.dispatch import MessageHandler, TurnHandler
from bot.drafts import remind_of_draft
from bot.ui import lines, no_keyboard, rows
from handlers.loose_words import understood
from handlers.menu import main_menu
from locales import lazy

_PRIVATELY = lazy("Please write to me privately: what concerns your home is not for a group.")


async def in_group(update: Update, ctx: Context) -> None:
    """Nobody's home is talked about in a group; talk that is not meant for the bot is left alone."""
    if ctx.turn.command is not None or _replies_to_bot(update, ctx):
        await ctx.reply(
            ctx.t(_PRIVATELY),
            rows(InlineKeyboardButton(ctx.plain("Write privately"), url=f"https://t.me/{ctx.bot.username}")),
        )
    elif update.callback_query is not None:
        await ctx.answer(ctx.plain(_PRIVATELY), alert=True)


def _replies_to_bot(update: Update, ctx: Context) -> bool:
    answered = update.message.reply_to_message if update.message is not None else None
    return answered is not None and answered.from_user is not None and answered.from_user.id == ctx.bot.id


async def ignore(update: Update, ctx: Context) -> None:
    """Telegram's own notes in the chat (a message was pinned) ask for no answer."""


async def unknown_command(update: Update, ctx: Context) -> None:
    await _show_a_way(ctx, ctx.t("I do not know this command."))


async def old_button(update: Update, ctx: Context) -> None:
    await ctx.answer()
    await ctx.remove_buttons()
    await _show_a_way(ctx, ctx.t("This button is from earlier and no longer works."))


async def unexpected_text(update: Update, ctx: Context) -> None:
    if ctx.session.dialog is None:
        if await understood(update, ctx):
            return
        await ctx.reply(ctx.t("I cannot answer free text yet. Please choose:"), main_menu(ctx))
    else:
        await _show_a_way(ctx, ctx.t("I did not expect a text here."))


async def unexpected_kind(update: Update, ctx: Context) -> None:
    if ctx.session.dialog is None and await understood(update, ctx):
        return
    if update.message is not None and update.message.contact is not None:
        # Perhaps by the big key of a conversation that ended long ago: it goes, or it would be pressed again.
        await ctx.reply(ctx.t("I do not need a phone number just now, so I did not keep it."), no_keyboard())
        await _show_a_way(ctx)
    elif update.message is not None and update.message.voice is not None:
        await _show_a_way(ctx, ctx.t("I cannot listen to voice messages yet."))
    else:
        await _show_a_way(ctx, ctx.t("I cannot use what you sent here."))


async def _show_a_way(ctx: Context, sentence: str | None = None) -> None:
    draft = ctx.session.dialog
    if draft is None:
        await ctx.reply(lines(sentence, ctx.t("Please choose:")), main_menu(ctx))
    else:
        if sentence is not None:
            await ctx.reply(sentence)
        await remind_of_draft(ctx, draft)


FIRST = [
    TurnHandler(lambda turn: not turn.private, in_group),
    MessageHandler(filters.StatusUpdate.ALL, ignore),
]
LAST = [
    TurnHandler(lambda turn: turn.command is not None, unknown_command),
    TurnHandler(lambda turn: turn.update.callback_query is not None, old_button),
    MessageHandler(filters.TEXT, unexpected_text),
    MessageHandler(filters.ALL, unexpected_kind),
]
