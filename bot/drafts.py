"""Conversations that were interrupted: nothing is lost, and the person is told so."""

from api.chats.schemas import Dialog
from bot.callbacks import DialogCallback
from bot.context import Context
from bot.ui import button, rows


class Resume(DialogCallback, prefix="go"):
    """Go on with the conversation. Each conversation handles it for its own steps:
    ``CallbackHandler(Resume, ask_again, dialog="complaint")``."""


class Drop(DialogCallback, prefix="drop"):
    """End the conversation without a result."""


async def remind_of_draft(ctx: Context, draft: Dialog) -> None:
    """After something else was answered: the draft is still there (says nothing when it is not)."""
    dialog = ctx.session.dialog
    if dialog is None or dialog.id != draft.id:
        return
    await ctx.reply(
        ctx.t("What you had begun is kept. Would you like to go on with it?"),
        rows([button(ctx.plain("Go on"), Resume(dialog.id)), button(ctx.plain("Cancel"), Drop(dialog.id))]),
    )


async def remind_of_interrupted(ctx: Context) -> None:
    """After a conversation has ended: the one that it had interrupted, if any, is still there."""
    if ctx.session.dialog is not None:
        await remind_of_draft(ctx, ctx.session.dialog)
