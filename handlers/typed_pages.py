"""A page that is asked for by its name in the midst of writing to the office: it is shown, and what was begun waits.

"Payments" is no complaint. A sentence is one, whatever it is about: nobody guesses there.
"""

from collections.abc import Callable

from telegram import Update
from telegram.ext.filters import UpdateFilter

from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import InDialog, MessageHandler
from bot.drafts import remind_of_draft
from bot.turns import current_turn
from handlers.case_draft import Step as CaseStep
from handlers.complaint_content import CONTENT
from handlers.complaint_steps import standing
from handlers.content import message_of
from handlers.loose_topics import named, way_out
from handlers.loose_words import OPENED, on_menu
from handlers.menu import OpenComplaint, OpenHandover, OpenHome, OpenPayments
from handlers.typed_keys import is_answer
from locales import Translator, translator

_MATTERS = (OpenHandover, OpenHome, OpenPayments)
_Find = Callable[[Translator, str], type[Callback] | None]


def _of_menu(tr: Translator, text: str) -> type[Callback] | None:
    """What stands on a key of the menu, or asks for the menu, for help, or for a complaint."""
    about = named(tr, text)
    return on_menu(tr, text) or way_out(tr, text) or (about if about is OpenComplaint else None)


def _of_matter(tr: Translator, text: str) -> type[Callback] | None:
    """What can be looked up, and may as well be complained of."""
    about = named(tr, text)
    return about if about in _MATTERS else None


class _Names(UpdateFilter):
    """A message that is nothing but the name of such a page."""

    __slots__ = ("_find",)

    def __init__(self, find: _Find) -> None:
        super().__init__(name=f"Names({find.__name__})")
        self._find = find

    def filter(self, update: Update) -> bool:
        text = update.message.text if update.message is not None else None
        return text is not None and self._find(translator(current_turn().session.locale), text) is not None


async def _open(update: Update, ctx: Context, find: _Find) -> None:
    kind, begun = find(ctx.words, message_of(update).text or ""), ctx.session.dialog
    assert kind is not None  # noqa: S101 - see the filter
    await OPENED[kind](update, ctx)
    # A complaint that is begun is offered to be gone on with by its own page.
    if begun is not None and kind is not OpenComplaint:
        await remind_of_draft(ctx, begun)


async def open_from_complaint(update: Update, ctx: Context) -> None:
    await _open(update, ctx, _of_menu)


async def open_from_statement(update: Update, ctx: Context) -> None:
    if not await is_answer(update, ctx):
        await _open(update, ctx, _of_menu)


async def open_from_stars(update: Update, ctx: Context) -> None:
    await _open(update, ctx, _of_menu)


async def open_matter(update: Update, ctx: Context) -> None:
    """As the first word it says nothing to the office; behind others it does."""
    if standing(ctx)[1].text:
        await CONTENT.take_text(update, ctx)
    else:
        await _open(update, ctx, _of_matter)


HANDLERS = [
    MessageHandler(InDialog("complaint") & _Names(_of_menu), open_from_complaint),
    MessageHandler(InDialog("complaint") & _Names(_of_matter), open_matter),
    MessageHandler(InDialog(CaseStep.SAY) & _Names(_of_menu), open_from_statement),
    *(MessageHandler(InDialog(step) & _Names(_of_menu), open_from_stars) for step in (CaseStep.RATE, CaseStep.SOLVED)),
]
