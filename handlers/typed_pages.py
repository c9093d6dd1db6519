"""A page that is asked for by its name in the midst of writing to the office: it is shown, and what was begun waits.

"Payments" is no complaint, nor a part of one. A sentence is, whatever it is about: nobody guesses there.
"""

from telegram import Update
from telegram.ext.filters import UpdateFilter

from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import InDialog, MessageHandler
from bot.drafts import remind_of_draft
from bot.turns import current_turn
from handlers.case_draft import Step as CaseStep
from handlers.content import message_of
from handlers.loose_topics import named, way_out
from handlers.loose_words import OPENED, on_menu
from handlers.menu import OpenComplaint, OpenHandover, OpenHome, OpenPayments
from handlers.typed_keys import is_answer
from locales import Translator, translator

_LOOKED_UP = (OpenComplaint, OpenHandover, OpenHome, OpenPayments)


def _page(tr: Translator, text: str) -> type[Callback] | None:
    """What stands on a key of the menu, or is called so, or asks for the menu or for help."""
    about = named(tr, text)
    return on_menu(tr, text) or way_out(tr, text) or (about if about in _LOOKED_UP else None)


class _Names(UpdateFilter):
    """A message that is nothing but the name of such a page."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(name="Names")

    def filter(self, update: Update) -> bool:
        text = update.message.text if update.message is not None else None
        return text is not None and _page(translator(current_turn().session.locale), text) is not None


async def open_page(update: Update, ctx: Context) -> None:
    kind, begun = _page(ctx.words, message_of(update).text or ""), ctx.session.dialog
    assert kind is not None  # noqa: S101 - see the filter
    await OPENED[kind](update, ctx)
    # A complaint that is begun is offered to be gone on with by its own page.
    if begun is not None and kind is not OpenComplaint:
        await remind_of_draft(ctx, begun)


async def open_from_statement(update: Update, ctx: Context) -> None:
    if not await is_answer(update, ctx):
        await open_page(update, ctx)


HANDLERS = [
    MessageHandler(InDialog("complaint") & _Names(), open_page),
    MessageHandler(InDialog(CaseStep.SAY) & _Names(), open_from_statement),
    *(MessageHandler(InDialog(step) & _Names(), open_page) for step in (CaseStep.RATE, CaseStep.SOLVED)),
]
