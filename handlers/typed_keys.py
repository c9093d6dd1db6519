"""Words that people type while they write something for the office, or as the office, and that mean a key.

"Cancel" is no complaint, and "continue" no part of an official answer. No word sends what was written: that goes out by
the button below the screen that showed it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from telegram import Update
from telegram.ext.filters import UpdateFilter

from api.cases.schemas import CaseAction, CaseCategory
from api.identity.schemas import LinkMethod
from bot.context import Context
from bot.dispatch import Handler, InDialog, MessageHandler
from bot.turns import current_turn
from handlers import (
    case_rating,
    case_statement,
    case_steps,
    complaint,
    complaint_steps,
    staff_broadcast_parts,
    staff_case_steps,
    start,
    terms,
    verification,
    verification_screens,
)
from handlers import staff_case_questions as questions
from handlers.case_buttons import Solved, Stars
from handlers.case_draft import Step as CaseStep
from handlers.case_steps import SEND
from handlers.complaint_draft import Step as ComplaintStep
from handlers.complaint_screens import PickCategory
from handlers.loose_topics import THANKS
from handlers.staff_broadcast_draft import Asked
from handlers.staff_case_draft import Step as StaffStep
from handlers.staff_menu import staff_only
from handlers.typed_words import BACK, BETWEEN, DONE, NO, ON, STOP, STOPS, WAIT, WAITS, Begins, Typed, letters
from handlers.verification_screens import ChooseWay
from handlers.verification_screens import Step as VerificationStep
from locales import Translator, lazy, translator

# --- the words on a key ---

Labels = Callable[[Translator], Mapping[str, Any]]
"""What is chosen by each of the keys of a question, by its words."""


def _categories(tr: Translator) -> Mapping[str, CaseCategory]:
    return {terms.name(tr, kind): kind for kind in CaseCategory}


# Translators: how people write a number of stars, {n}, with | between the ways.
_N_STARS = lazy("{n} | {n} stars | {n} points | {n} out of 5")


def _stars(tr: Translator) -> Mapping[str, int]:
    return {tr.plain(label): stars for stars, label in case_steps.STARS.items()} | {
        way: stars for stars in case_steps.STARS for way in BETWEEN.split(tr.plain(_N_STARS, n=stars))
    }


def _solved(tr: Translator) -> Mapping[str, bool | None]:
    return {tr.plain(label): solved for solved, label in case_steps.SOLVED.items()}


def _ways(tr: Translator) -> Mapping[str, LinkMethod]:
    return {tr.plain(label): way for way, label in verification_screens.WAYS.items()}


def _chosen(labels: Labels, tr: Translator, text: str | None) -> list[Any]:
    typed = letters(text or "")
    return [value for label, value in labels(tr).items() if typed and typed == letters(label)]


class _OnKey(UpdateFilter):
    """A message that is nothing but the words on one of these keys."""

    __slots__ = ("_labels",)

    def __init__(self, labels: Labels) -> None:
        super().__init__(name=f"OnKey({labels.__name__})")
        self._labels = labels

    def filter(self, update: Update) -> bool:
        words = translator(current_turn().session.locale)
        return update.message is not None and bool(_chosen(self._labels, words, update.message.text))


def _press(labels: Labels, handler: Callable[..., Awaitable[None]], tap: Callable[[Context, Any], Any]) -> Handler:
    """As if the key had been pressed."""

    async def typed_label(update: Update, ctx: Context) -> None:
        assert update.message is not None  # noqa: S101 - see the filter
        [value, *_] = _chosen(labels, ctx.words, update.message.text)
        await handler(update, ctx, tap(ctx, value))

    # Each is counted by its own name.
    typed_label.__name__ = f"typed{labels.__name__}"
    return typed_label


def _dialog(ctx: Context) -> str:
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see the filters
    return dialog.id


def _case(ctx: Context) -> str:
    return case_steps.standing(ctx)[1].number


class _AskedToDrop(UpdateFilter):
    """Whether all that was written is to be thrown away was asked last: a "yes" is about that, and no part of the text.
    It throws nothing away either: it may be about something that was asked in between."""

    __slots__ = ()

    def filter(self, update: Update) -> bool:
        dialog = current_turn().session.dialog
        return dialog is not None and bool(dialog.data.get("draft", {}).get("dropping"))


# --- complaints ---


async def complaint_on(update: Update, ctx: Context) -> None:
    step, draft = complaint_steps.standing(ctx)
    if step in (ComplaintStep.TEXT, ComplaintStep.FILES) and draft.text:
        draft.rewriting = False
        complaint_steps.go(ctx, draft.after(step), draft)
        await complaint_steps.ask(ctx)
    elif step is ComplaintStep.SUMMARY:
        await complaint_steps.ask(ctx, ctx.t("Nothing is sent yet. Please press “Submit” below."))
    elif step in (ComplaintStep.CATEGORY, ComplaintStep.HOME):
        await complaint_steps.ask(ctx, ctx.t("Please press one of the buttons."))
    else:
        await complaint_steps.ask(ctx)


async def wait_with_complaint(update: Update, ctx: Context) -> None:
    await complaint_steps.ask(ctx, ctx.t("Take your time: what you have entered is kept."))


async def wait_with_statement(update: Update, ctx: Context) -> None:
    if not await is_answer(update, ctx):
        await case_steps.ask(ctx, ctx.t("Take your time: what you have entered is kept."))


async def complaint_back(update: Update, ctx: Context) -> None:
    await complaint.back(update, ctx)


async def complaint_thanks(update: Update, ctx: Context) -> None:
    await complaint_steps.ask(ctx, ctx.t("You are welcome."))


async def statement_done(update: Update, ctx: Context) -> None:
    if not await is_answer(update, ctx):
        await case_steps.ask(ctx)


async def statement_stop(update: Update, ctx: Context) -> None:
    if not await is_answer(update, ctx):
        await case_statement.drop(update, ctx)


async def is_answer(update: Update, ctx: Context) -> bool:
    """ "Nothing more", or "never mind", may well be what the office wanted to know: it is taken, and shown."""
    step, draft = case_steps.standing(ctx)
    if step is CaseStep.WHY:
        await case_rating.tell_why(update, ctx)
        return True
    if step is not CaseStep.SAY or draft.action is not CaseAction.REPLY or draft.has_content:
        return False
    await case_statement.CONTENT.take_text(update, ctx)
    return True


async def statement_back(update: Update, ctx: Context) -> None:
    step, draft = case_steps.standing(ctx)
    before = {CaseStep.WHY: CaseStep.SOLVED, CaseStep.SOLVED: CaseStep.RATE}.get(step)
    if before is None:
        await case_statement.drop(update, ctx)
        return
    case_steps.go(ctx, before, draft)
    await case_steps.ask(ctx)


async def rating_done(update: Update, ctx: Context) -> None:
    await case_rating.finish(update, ctx)


@staff_only
async def desk_back(update: Update, ctx: Context) -> None:
    """The first question again; what was written is kept."""
    step, draft = questions.standing(ctx)
    if step is draft.road()[0]:
        await staff_case_steps.drop(update, ctx)
    else:
        await staff_case_steps.again(update, ctx)


@staff_only
async def desk_on(update: Update, ctx: Context) -> None:
    step, draft = questions.standing(ctx)
    if step is StaffStep.TEXT and draft.has_content:
        questions.go(ctx, draft.next(), draft)
    note = ctx.t("Nothing is done yet. Please press the button below.") if step is StaffStep.CONFIRM else None
    await questions.ask(ctx, note)


async def no_words(update: Update, ctx: Context) -> None:
    await ctx.reply(ctx.t("That is a word for a button. Please send the text itself, or press a button above."))


_COMPLAINT, _CASE, _DESK = InDialog("complaint"), InDialog("case"), InDialog("staff_case")
_ASKED_TO_DROP = _AskedToDrop()
_OTHERS = InDialog("office") | InDialog("staff_requests") | InDialog("staff_links") | InDialog("staff_queue")

HANDLERS = [
    MessageHandler(
        InDialog(ComplaintStep.CATEGORY) & _OnKey(_categories),
        _press(_categories, complaint.pick_category, lambda ctx, kind: PickCategory(_dialog(ctx), kind)),
    ),
    MessageHandler(
        InDialog(CaseStep.RATE) & _OnKey(_stars),
        _press(_stars, case_rating.rate, lambda ctx, stars: Stars(_dialog(ctx), _case(ctx), stars)),
    ),
    MessageHandler(
        InDialog(CaseStep.SOLVED) & _OnKey(_solved),
        _press(_solved, case_rating.tell_solved, lambda ctx, solved: Solved(_dialog(ctx), _case(ctx), solved)),
    ),
    MessageHandler(
        InDialog(VerificationStep.WAY) & _OnKey(_ways),
        _press(_ways, verification.choose_way, lambda ctx, way: ChooseWay(_dialog(ctx), way)),
    ),
    MessageHandler(_COMPLAINT & _ASKED_TO_DROP & Typed(ON), complaint.drop),
    MessageHandler(_COMPLAINT & _ASKED_TO_DROP & Typed(NO), complaint.resume),
    MessageHandler(_CASE & _ASKED_TO_DROP & Typed(ON), case_statement.drop),
    MessageHandler(_CASE & _ASKED_TO_DROP & Typed(NO), case_statement.resume),
    MessageHandler(_COMPLAINT & (Typed(STOP) | Begins(STOPS)), complaint.drop),
    MessageHandler(_COMPLAINT & Typed(THANKS), complaint_thanks),
    MessageHandler(_COMPLAINT & Typed(BACK), complaint_back),
    MessageHandler(_COMPLAINT & (Typed(ON) | Typed(DONE)), complaint_on),
    MessageHandler(_CASE & (Typed(STOP) | Begins(STOPS)), statement_stop),
    MessageHandler(_CASE & Typed(BACK), statement_back),
    MessageHandler(InDialog(CaseStep.WHY) & Typed(DONE), rating_done),
    MessageHandler(InDialog(CaseStep.SAY) & (Typed(DONE) | Typed(SEND)), statement_done),
    MessageHandler(_COMPLAINT & (Typed(WAIT) | Begins(WAITS)), wait_with_complaint),
    MessageHandler(InDialog(CaseStep.SAY) & (Typed(WAIT) | Begins(WAITS)), wait_with_statement),
    MessageHandler(_DESK & Typed(STOP), staff_case_steps.drop),
    MessageHandler(_DESK & Typed(BACK), desk_back),
    MessageHandler(_DESK & (Typed(ON) | Typed(DONE)), desk_on),
    MessageHandler(InDialog("staff_bc") & (Typed(STOP) | Typed(BACK)), staff_broadcast_parts.drop),
    MessageHandler(InDialog(Asked.BODY) & (Typed(ON) | Typed(DONE)), no_words),
    MessageHandler(_OTHERS & Typed(STOP), start.cancel),
]
