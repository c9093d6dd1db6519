"""ID numbers that nobody asked for: whatever is going on, the message is deleted and goes no further.

A complaint, and what is added to one, keeps the rest of what was written, since that took the person effort: the
number is struck out (``handlers.content``). Where the end of an ID number is asked for, the whole one is understood as
well.
"""

from telegram import Update

from bot.context import Context
from bot.dispatch import TurnHandler
from bot.drafts import remind_of_draft
from bot.turns import Turn
from handlers import office_help, verification
from handlers.id_texts import holds_id_number
from handlers.menu import main_menu
from handlers.verification_screens import Step


def _is_unasked(turn: Turn) -> bool:
    message, dialog = turn.update.message, turn.session.dialog
    if message is None or not turn.private:
        return False
    if dialog is not None and turn.command is None:
        if message.text and dialog.name in (Step.PHONE_TAIL, Step.ID_TAIL):
            return False
        if message.text and dialog.name.startswith("staff_case."):
            # Taken away there, with the question put again.
            return False
        if dialog.name.startswith(("complaint.", "case.say")) and (message.text or message.photo or message.document):
            return False
    return holds_id_number(message.text or message.caption or "")


async def take_away(update: Update, ctx: Context) -> None:
    await ctx.take_away()
    sentence = ctx.t("That looks like an ID number. I do not need it here, so I did not keep your message.")
    dialog = ctx.session.dialog
    if dialog is None:
        await ctx.reply(sentence, main_menu(ctx))
        return
    await ctx.reply(sentence)
    if dialog.name.startswith("verification."):
        await verification.ask(ctx)
    elif dialog.name.startswith("office."):
        await office_help.ask(ctx)
    else:
        await remind_of_draft(ctx, dialog)


HANDLERS = [TurnHandler(_is_unasked, take_away)]
