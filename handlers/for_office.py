"""What somebody sends of their own accord and no page answers ("the plumber never came", a photo): perhaps the office
is to have it.

Nothing of it is kept before the person says so. The offer replies to the message, and Telegram brings that along when a
button below the offer is pressed.
"""

import re
from collections.abc import Sequence
from typing import Any

from telegram import Message, Update

from api.cases.schemas import ListedCase
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler
from bot.ui import button, lines, rows
from handlers import complaint, verification
from handlers import complaint_screens as homes
from handlers.case_draft import Step
from handlers.case_finding import find_case
from handlers.case_replies import action_now, collect
from handlers.case_statement import CONTENT as STATEMENT
from handlers.case_steps import is_about_case, is_busy
from handlers.case_steps import standing as case_standing
from handlers.complaint_content import CONTENT as COMPLAINT
from handlers.complaint_steps import begin_with, is_complaint
from handlers.content import Content
from handlers.lookups import explain_nothing
from handlers.menu import main_menu
from handlers.typed_words import letters

_SIGNS, _WORDS = 4, 3
"""A text of fewer tells the office nothing: of a language that writes words as signs, and of one that spells them."""
_SIGN = re.compile("[\u4e00-\u9fff]")
_SHOWN = 2
"""Open complaints to which it can be added, the newest first."""


class FileThis(Callback, prefix="this_file"):
    """The message above becomes the beginning of a new complaint."""


class AddThis(Callback, prefix="this_add"):
    """It is added to a complaint. No :class:`~handlers.case_buttons.OfCase`: there may be several below one message."""

    number: str


def says_something(text: str) -> bool:
    is_of_signs = _SIGN.search(text) is not None
    return len(letters(text)) >= _SIGNS if is_of_signs else len(text.split()) >= _WORDS


async def offer(ctx: Context, message: Message, cases: Sequence[ListedCase]) -> bool:
    """Whether there was enough in the message to offer it.

    Args:
        cases: the person's own, the newest first.
    """
    if message.text and not says_something(message.text):
        return False
    if not homes.choices(await ctx.backend.homes(ctx.chat_id)):
        # Who is shown how far the home is, and no more, complains of nothing here.
        return False
    open_ones = [case for case in cases if case.due_on is not None][:_SHOWN]
    await ctx.reply(
        lines(
            ctx.t(
                "I am a program and cannot answer this. If the office is to have it, press a button at the top: you "
                "see it once more before it is sent. To look something up, press one of the others."
            ),
            ctx.t("Each button takes its own photo: of several, press that of each.")
            if message.media_group_id is not None
            else None,
        ),
        rows(
            *(
                button(ctx.plain("➕ Add it to complaint {number}", number=case.number), AddThis(case.number))
                for case in open_ones
            ),
            button(ctx.plain("📝 File it as a new complaint"), FileThis()),
            *main_menu(ctx).inline_keyboard,
        ),
        personal=True,
        to=message,
    )
    return True


def _message_above(update: Update) -> Message | None:
    """None: the person has deleted it, or Telegram does not bring messages that are so old."""
    query = update.callback_query
    offered = query.message if query is not None else None
    return offered.reply_to_message if isinstance(offered, Message) else None


async def _take(ctx: Context, update: Update, message: Message, content: Content[Any]) -> None:
    """As if it had been sent just now."""
    sent = Update(update.update_id, message=message)
    await (content.take_text if message.text else content.take_file)(sent, ctx, earlier=True)


async def file_this(update: Update, ctx: Context, tap: FileThis) -> None:
    message = _message_above(update)
    if message is None:
        await complaint.begin(update, ctx)
    else:
        await begin_complaint(update, ctx, message)


async def begin_complaint(update: Update, ctx: Context, message: Message) -> None:
    """A complaint that begins with what was sent."""
    if await is_busy(ctx) or await complaint.is_at_the_desk(ctx):
        return
    if ctx.session.dialog is not None and not is_complaint(ctx):
        await verification.leave(ctx)
    # What was left may have interrupted a complaint, which goes on then.
    if not is_complaint(ctx):
        choices = homes.choices(await ctx.backend.homes(ctx.chat_id))
        if not choices:
            await explain_nothing(ctx)
            return
        begin_with(ctx, choices[0] if len(choices) == 1 else None)
    await ctx.remove_buttons()
    await _take(ctx, update, message, COMPLAINT)


async def add_this(update: Update, ctx: Context, tap: AddThis) -> None:
    case, message = await find_case(ctx, tap.number), _message_above(update)
    if case is None:
        return
    if message is None:
        await ctx.reply(ctx.t("Your message is not there any more. Please send it once more."))
        return
    if is_about_case(ctx):
        step, draft = case_standing(ctx)
        if step is Step.SAY and draft.number == case.number:
            await ctx.remove_buttons()
            await _take(ctx, update, message, STATEMENT)
            return
        if await is_busy(ctx):
            return
    await ctx.remove_buttons()
    await collect(Update(update.update_id, message=message), ctx, case, action_now(case))


HANDLERS = [CallbackHandler(FileThis, file_this), CallbackHandler(AddThis, add_this)]
