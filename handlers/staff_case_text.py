"""What an officer sends into a step: words, a number of days, a name, and with an answer documents and photos.

Parts of a text that the app cut, and pictures of an album, come as updates of their own: what was sent before the
question came is taken into it, and the question is edited, not repeated.
"""

import re
import unicodedata

from telegram import Message, Update
from telegram.ext import filters

from api.cases.schemas import MAX_ATTACHMENTS, CaseAction, CaseState, has_words
from bot.context import Context
from bot.dispatch import InDialog, MessageHandler
from handlers import terms
from handlers.content import message_of
from handlers.id_texts import holds_id_number
from handlers.incoming_files import Refused, hand_over
from handlers.passages import is_cut
from handlers.staff_case_draft import LONGEST_NAME, Draft, Step
from handlers.staff_case_questions import ask, ask_again, go, standing
from handlers.staff_case_screens import queue_line
from handlers.staff_menu import staff_only
from handlers.staff_terms import MOST_DAYS
from locales import Html, join

TOGETHER = 5
"""Seconds within which the app sends the parts of a text that it cut."""
_NUMBER = re.compile(r"\d{1,3}")
_CASE_NUMBER = re.compile(r"20\d\d-\d{1,12}|0\d{5}", re.ASCII)
_REVIEWED = (CaseState.REVIEW, CaseState.SECOND_REVIEW)
_PICKS = (Step.DEPARTMENT, Step.OFFICER, Step.PROCEDURE)


@staff_only
async def take_text(update: Update, ctx: Context) -> None:
    message = message_of(update)
    step, draft = standing(ctx)
    text = (message.text or "").replace("\0", "").strip()
    if message.message_id <= draft.taken or not text:
        await ask(ctx)
        return
    if step in _PICKS or (step is Step.OUTCOME and not draft.is_answer):
        await ask(ctx, ctx.t("Please press one of the buttons."))
    elif step is Step.DAYS:
        await _take_days(ctx, draft, text)
    elif step is Step.APPROVER:
        await _take_name(ctx, draft, text)
    elif holds_id_number(text):
        await ctx.take_away()
        await ask(ctx, ctx.t("There was an ID number in your message. It must not be in what you write here."))
    elif draft.action is CaseAction.MERGE:
        await _take_master(ctx, draft, message, text)
    elif _CASE_NUMBER.fullmatch(text):
        note = ctx.t("That is the number of a case. To open another one, please finish this or cancel it first.")
        await ask(ctx, note)
    elif not (draft.is_answer or has_words(text)):
        await ask(ctx, ctx.t("Please write it in words."))
    else:
        await _take_words(ctx, step, draft, message, text)


async def _take_days(ctx: Context, draft: Draft, text: str) -> None:
    number = _NUMBER.search(unicodedata.normalize("NFKC", text))
    if number is None or not 1 <= int(number[0]) <= MOST_DAYS:
        await ask(ctx, ctx.t("Please send a number from 1 to {n}.", n=MOST_DAYS))
        return
    draft.days = int(number[0])
    go(ctx, draft.next(), draft)
    await ask(ctx)


async def _take_name(ctx: Context, draft: Draft, text: str) -> None:
    if len(text) > LONGEST_NAME or "\n" in text:
        await ask(ctx, ctx.t("That is too long for a name."))
        return
    draft.approved_by = text
    go(ctx, draft.next(), draft)
    await ask(ctx)


async def _take_master(ctx: Context, draft: Draft, message: Message, text: str) -> None:
    """Which case it shall be answered with, in full and shown: both families are told at once."""
    number = unicodedata.normalize("NFKC", text).replace(" ", "")
    cases = (await ctx.backend.queue(ctx.chat_id, number=number)).cases if len(number) <= LONGEST_NAME else []
    found = cases[0] if len(cases) == 1 else None
    if (
        found is None
        or found.due_on is None
        or found.state in _REVIEWED
        or draft.number in (found.number, found.master)
    ):
        # One that was chosen before is not what is meant any more.
        draft.text = ""
        go(ctx, Step.TEXT, draft)
        await ask(ctx, ctx.t("There is no other open case with this number. Please send all of it."))
        return
    draft.text, draft.taken = found.master or found.number, message.message_id
    go(ctx, draft.next(), draft)
    follows = ctx.t("It follows {number}, which is taken.", number=found.master) if found.master else None
    await ask(ctx, join("\n", [queue_line(ctx, found), follows, *await _differences(ctx, draft)]))


async def _differences(ctx: Context, draft: Draft) -> list[Html]:
    """Families are told that others complain of the same: the office sees where that does not look so."""
    one, other = [await ctx.backend.staff_case(ctx.chat_id, number) for number in (draft.number, draft.text)]
    found = []
    if one.category is not other.category:
        found.append(
            ctx.t(
                "⚠️ They are not about the same: {one}, {other}.",
                one=terms.name(ctx.words, one.category),
                other=terms.name(ctx.words, other.category),
            )
        )
    if one.unit is not None and other.unit is not None and one.unit.building_id != other.unit.building_id:
        found.append(ctx.t("⚠️ They are not of the same building."))
    return found


async def _take_words(ctx: Context, step: Step, draft: Draft, message: Message, text: str) -> None:
    sent_at = int(message.date.timestamp())
    if sent_at - draft.cut_at > TOGETHER:
        draft.cut_at, draft.refused = 0, 0
    whole = draft.with_text(text)
    length = draft.refused + len(text) if draft.refused else len(whole)
    at_once = message.message_id < draft.asked
    draft.taken = message.message_id
    draft.cut_at = sent_at if is_cut(message.text or "") else 0
    note: Html | None
    if draft.refused or length > draft.longest:
        # The rest of a text that was too long is no text of its own.
        draft.refused = length
        note = _too_long(ctx, draft, length)
    else:
        before = ctx.t("✔️ I have your text.") if step is Step.OUTCOME else None
        note = ctx.t("✔️ Added to your text.") if draft.text else before
        draft.text = whole
        step = _after(step, draft)
    go(ctx, step, draft)
    await (ask_again if at_once else ask)(ctx, note)


def _after(step: Step, draft: Draft) -> Step:
    """Where what was sent leaves the officer: an answer may get more; anything else is shown for confirmation."""
    if draft.is_answer:
        return step if step is Step.OUTCOME else Step.TEXT
    return draft.next()


def _too_long(ctx: Context, draft: Draft, length: int) -> Html:
    number = ctx.words.number
    return ctx.t(
        "This text is too long: it has {given} characters, and {max} are possible.",
        given=number(length),
        max=number(draft.longest),
    )


# --- files ---


@staff_only
async def take_file(update: Update, ctx: Context) -> None:
    message = message_of(update)
    step, draft = standing(ctx)
    if not draft.is_answer:
        await ask(ctx, ctx.t("Files can only come with an answer. Please write it as a text."))
        return
    if message.message_id <= draft.taken:
        await ask(ctx)
        return
    at_once = message.message_id < draft.asked
    refused = await _store(ctx, message, draft)
    caption = (message.caption or "").replace("\0", "").strip()
    if caption and len(draft.with_text(caption)) <= draft.longest and caption not in draft.text:
        draft.text = draft.with_text(caption)
    draft.taken, draft.cut_at, draft.refused = message.message_id, 0, 0
    go(ctx, _after(step, draft), draft)
    await (ask_again if at_once else ask)(ctx, refused)


async def _store(ctx: Context, message: Message, draft: Draft) -> Html | None:
    """Fetch the file and hand it to the API. Returns what to say where it was not taken."""
    full = ctx.t("An answer can have up to {n} files, so I did not take this one.", n=MAX_ATTACHMENTS)
    if draft.is_full:
        return full
    source = message.document or message.photo[-1]
    try:
        draft.take_file(await hand_over(ctx, source, len(draft.files) + 1, full=full, by_staff=True))
    except Refused as refused:
        return refused.words
    return None


@staff_only
async def take_anything_else(update: Update, ctx: Context) -> None:
    _, draft = standing(ctx)
    if draft.is_answer:
        await ask(ctx, ctx.t("I cannot take this. Text, photos and documents are fine."))
    else:
        await ask(ctx, ctx.t("Please write it as a text."))


HANDLERS = [
    MessageHandler(InDialog("staff_case") & filters.TEXT, take_text),
    MessageHandler(InDialog("staff_case") & (filters.PHOTO | filters.Document.ALL), take_file),
    MessageHandler(InDialog("staff_case") & filters.ALL, take_anything_else),
]
