"""What somebody sends while no conversation waits for it: it may still be plain what it means.

Whoever types the words on a key, with or without a full stop, is given what the key gives. The number of a complaint
shows it. And whoever was asked something by an officer mostly just types the answer, without replying to the question.
A few words about the keys, the money or a complaint open the page for it (``handlers.loose_topics``). All else may be
for the office (``handlers.for_office``).
"""

import re
import unicodedata
from collections.abc import Awaitable, Callable, Sequence

from telegram import Update

from api.cases.schemas import ListedCase
from bot.callbacks import Callback
from bot.context import Context
from bot.ui import button, lines, no_keyboard, rows
from handlers import (
    case_replies,
    cases,
    complaint,
    forgetting,
    handover,
    home,
    language,
    payments,
    settings,
    staff,
    staff_queue,
    start,
    verification,
)
from handlers.case_buttons import ShowCase
from handlers.case_screens import question
from handlers.for_office import begin_complaint, offer, says_something
from handlers.gate import VERIFY, AskOffice, Verify, ask_office_button, verify_button
from handlers.loose_topics import THANKS, besides, is_wish_to_complain, named, topic, way_out
from handlers.menu import (
    ENTRIES,
    OFFICE,
    OpenCases,
    OpenComplaint,
    OpenHandover,
    OpenHelp,
    OpenHome,
    OpenLanguage,
    OpenMenu,
    OpenPayments,
    OpenSettings,
    OpenStaff,
    main_menu,
)
from handlers.privacy import AskToForget
from handlers.typed_words import letters, words_of
from locales import Translator

OPENED: dict[type[Callback], Callable[..., Awaitable[None]]] = {
    OpenHandover: handover.open_handover,
    OpenHome: home.open_home,
    OpenPayments: payments.open_payments,
    OpenComplaint: complaint.begin,
    OpenCases: cases.show_list,
    OpenSettings: settings.show,
    OpenLanguage: language.choose,
    OpenHelp: start.show_help,
    OpenStaff: staff.show,
    AskToForget: forgetting.ask,
    OpenMenu: start.show_menu,
    Verify: verification.begin,
}
# A year first: a telephone number of a city looks much the same, but begins with 0.
_CASE_NUMBER = re.compile(r"20\d\d-\d{6,}", re.ASCII)
# The office's people say the end alone as well.
_SERIAL = re.compile(r"(?:20\d\d-)?\d{1,12}", re.ASCII)


_ALL = 50
"""As many complaints as the API tells of at once."""


async def understood(update: Update, ctx: Context) -> bool:
    """Whether what was sent could be answered. Asked only while no conversation goes on."""
    message = update.message
    text = (message and message.text) or ""
    opened = on_menu(ctx.words, text, of_staff=bool(ctx.session.state.staff)) or way_out(ctx.words, text)
    if opened is OpenMenu and text.strip() in (ctx.plain("✖️ Cancel"), ctx.plain("⬅️ Back")):
        # Keys that stayed on the screen when their conversation ended elsewhere.
        await ctx.reply(ctx.t("All right."), no_keyboard())
    if opened is not None:
        await OPENED[opened](update, ctx)
        return True
    if letters(text) in words_of(ctx.words, THANKS):
        await ctx.reply(ctx.t("You are welcome. What else would you like to know?"), main_menu(ctx))
        return True
    number = unicodedata.normalize("NFKC", text).strip()
    if ctx.session.state.staff and _SERIAL.fullmatch(number) and await staff_queue.show_numbered(ctx, number):
        return True
    if _CASE_NUMBER.fullmatch(number):
        await cases.show_one(update, ctx, ShowCase(number))
        return True
    if message is None or not ctx.session.linked or not (message.text or message.photo or message.document):
        return await _is_about_something(update, ctx, text)
    own = (await ctx.backend.cases(ctx.chat_id, limit=_ALL)).cases
    return (
        await _answers_question(update, ctx, [case for case in own if case.asked])
        or await _is_about_something(update, ctx, text)
        or await offer(ctx, message, own)
    )


def on_menu(tr: Translator, text: str, *, of_staff: bool = False) -> type[Callback] | None:
    """What stands on a key of the main menu."""
    wanted = letters(text)
    if not wanted:
        return None
    keys: list[tuple[str, type[Callback]]] = [*ENTRIES, (VERIFY, Verify)]
    if of_staff:
        keys.append((OFFICE, OpenStaff))
    return next((kind for words, kind in keys if letters(tr.plain(words)) == wanted), None)


async def _is_about_something(update: Update, ctx: Context, text: str) -> bool:
    wish = OpenComplaint if is_wish_to_complain(ctx.words, text) else None
    about = named(ctx.words, text) or wish or topic(ctx.words, text)
    if about is None:
        return False
    if about in (OpenComplaint, OpenCases) and ctx.session.state.staff and not ctx.session.linked:
        # Of the office's people: theirs are the complaints of others.
        about = OpenStaff
    if about is AskOffice:
        await _tell_of_office(ctx)
    elif (
        about is OpenComplaint
        and ctx.session.linked
        and update.message is not None
        and says_something(besides(ctx.words, text, about))
    ):
        await begin_complaint(update, ctx, update.message)
    else:
        await OPENED[about](update, ctx)
    return True


async def _tell_of_office(ctx: Context) -> None:
    """For who looks for a person: where the office is, and how what is written here reaches its people."""
    contact = ctx.office_contact
    linked = ctx.session.linked
    await ctx.reply(
        lines(
            ctx.t("I am a program and answer by myself. The people who can help you are at the office."),
            ctx.t("🏢 The office: {contact}", contact=contact) if contact else None,
            ctx.t("What you write under “File a complaint” reaches them, and their answer comes to you here.")
            if linked
            else ctx.t("With “Ask the office for help” you can write to them right here."),
        ),
        rows(
            button(ctx.plain("File a complaint"), OpenComplaint()) if linked else None,
            ask_office_button(ctx),
            None if linked else verify_button(ctx),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
    )


async def _answers_question(update: Update, ctx: Context, waiting: Sequence[ListedCase]) -> bool:
    if len(waiting) > 1:
        # Which one is meant only the person can tell; the list says which wait.
        await cases.show_list(update, ctx)
        return True
    if not waiting:
        return False
    case = await ctx.backend.case(ctx.chat_id, waiting[0].number)
    if question(case) is None:
        return False
    await case_replies.collect_answer(update, ctx, case)
    return True
