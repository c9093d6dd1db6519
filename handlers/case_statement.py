"""Telling the office about a complaint: adding to it, answering a question, reopening it, asking for a review.

Words and files are collected until "Send to the office" is pressed; sent twice, they arrive once. Where the complaint
has moved on meanwhile, nothing is lost: the person is told, and asked what shall become of what they wrote.
"""

from telegram import Update
from telegram.ext import filters

from api.cases.schemas import CaseAction, CaseOut, ClockKind
from bot.backend import AnsweredAnew, NotAllowedNow, NotFound
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler, InDialog, MessageHandler
from bot.drafts import Drop, Resume, remind_of_draft
from bot.ui import OpenMenuBelow, button, lines, rows, shorten
from handlers.case_buttons import (
    AsNew,
    Choose,
    Finish,
    OfCaseDialog,
    RemoveFile,
    Rewrite,
    Say,
    Send,
    ShowCase,
    Solved,
    Stars,
    ThrowAway,
    Withdraw,
)
from handlers.case_clocks import clock_line
from handlers.case_draft import WRITTEN, CaseDraft, Step
from handlers.case_finding import find_case
from handlers.case_history import answered_at
from handlers.case_screens import ANSWER, question, tell_case
from handlers.case_steps import ask, ask_in_place, begin, go, is_about_case, is_busy, remind, screen, standing
from handlers.content import Content, give_back, give_files_back
from handlers.menu import main_menu
from locales import Html, join


def _draft(ctx: Context) -> CaseDraft:
    return standing(ctx)[1]


def _stay(ctx: Context, draft: CaseDraft) -> None:
    go(ctx, standing(ctx)[0], draft)


CONTENT = Content(draft=_draft, keep=_stay, advance=_stay, screen=screen)


_OWED = (ClockKind.ANSWER, ClockKind.REVIEW_OPINION, ClockKind.SECOND_REVIEW_OPINION)


async def say(update: Update, ctx: Context, tap: Say) -> None:
    case = await find_case(ctx, tap.number)
    if case is not None:
        await open_statement(ctx, case, tap.action)


async def open_statement(ctx: Context, case: CaseOut, action: CaseAction) -> None:
    if action not in case.allowed or action not in WRITTEN:
        await tell_case(ctx, case, not_now(ctx, action))
        return
    if is_about_case(ctx):
        step, draft = standing(ctx)
        if step is Step.SAY and (draft.number, draft.action) == (case.number, action):
            await ask(ctx)
            return
        if await is_busy(ctx):
            return
    asked = question(case) if action is CaseAction.REPLY else None
    text = shorten(asked.event.text, ANSWER) if asked else ""
    begin(ctx, Step.SAY, CaseDraft(number=case.number, action=action, question=text, answered_at=answered_at(case)))
    await ask(ctx)


def not_now(ctx: Context, action: CaseAction) -> Html:
    match action:
        case CaseAction.REPLY:
            return ctx.t("No question is waiting for your answer.")
        case CaseAction.REOPEN:
            return ctx.t(
                "This complaint cannot be taken up again now: it is being worked on, or the time for it is over."
            )
        case CaseAction.REQUEST_REVIEW | CaseAction.REQUEST_SECOND_REVIEW:
            return ctx.t(
                "A review cannot be asked for now. While a complaint is being worked on, wait for the answer: then you "
                "can ask for one. Otherwise one was asked for already, or the time for it is over."
            )
        case CaseAction.RATE:
            return ctx.t(
                "It can be rated once it is answered. If it is being worked on again, please wait for the new answer."
            )
        case CaseAction.WITHDRAW:
            return ctx.t("This complaint cannot be withdrawn any more.")
    return ctx.t("Nothing can be added to this complaint now.")


async def rewrite(update: Update, ctx: Context, tap: Rewrite) -> None:
    step, draft = standing(ctx)
    draft.rewriting = True
    go(ctx, step, draft)
    await ask_in_place(ctx)


async def remove_file(update: Update, ctx: Context, tap: RemoveFile) -> None:
    step, draft = standing(ctx)
    draft.files = [file for file in draft.files if file.id != tap.attachment_id]
    await give_back(ctx, tap.attachment_id)
    go(ctx, step, draft)
    await ask_in_place(ctx)


# --- the end ---


async def send(update: Update, ctx: Context, tap: Send) -> None:
    dialog, (_, draft) = ctx.session.dialog, standing(ctx)
    assert dialog is not None  # noqa: S101 - see standing
    if not draft.is_complete or tap.seal != draft.seal():
        await ask(ctx, ctx.t("You changed something after that. Please look at it once more."))
        return
    try:
        # What was changed after an answer that got lost is another step.
        case = await _send(ctx, draft, f"{dialog.id}-{draft.seal()}")
    except NotAllowedNow as now:
        await _has_moved_on(ctx, draft, [CaseAction(name) for name in now.allowed])
        return
    except AnsweredAnew:
        await _is_answered_anew(ctx, draft)
        return
    except NotFound:
        await _something_is_gone(ctx, draft)
        return
    ctx.session.end_dialog()
    await ctx.reply(
        join("\n\n", [_sent(ctx, draft), *_due(ctx, draft, case)]),
        rows(
            button(ctx.plain("🔎 See the complaint"), ShowCase(case.number)),
            button(ctx.plain("Main menu"), OpenMenuBelow()),
        ),
        personal=True,
    )
    # Last: while this has not arrived, pressing "Send" again brings it.
    await ctx.remove_buttons()
    await remind(ctx)


def _due(ctx: Context, draft: CaseDraft, case: CaseOut) -> list[Html]:
    """By when the office has to answer what it was asked anew."""
    if draft.action in (CaseAction.REPLY, CaseAction.ADD):
        return []
    return [clock_line(clock, ctx.words) for clock in case.clocks if clock.kind in _OWED and not clock.overdue]


async def _send(ctx: Context, draft: CaseDraft, key: str) -> CaseOut:
    first, *more = draft.steps()
    case = await ctx.backend.act_on_own_case(ctx.chat_id, draft.number, first, idempotency_key=key)
    for place, step in enumerate(more, 2):
        try:
            case = await ctx.backend.act_on_own_case(ctx.chat_id, draft.number, step, idempotency_key=f"{key}-{place}")
        except (NotAllowedNow, NotFound):
            draft.keep_files_alone()
            raise
    return case


def _sent(ctx: Context, draft: CaseDraft) -> Html:
    match draft.action:
        case CaseAction.REPLY:
            return ctx.t("✅ Your answer is with the officer (complaint {number}).", number=draft.number)
        case CaseAction.REOPEN:
            return ctx.t(
                "✅ Complaint {number} is taken up again. I tell you here how it goes on.", number=draft.number
            )
        case CaseAction.REQUEST_REVIEW | CaseAction.REQUEST_SECOND_REVIEW:
            return ctx.t(
                "✅ Your request for a review of complaint {number} is with the office. I tell you the result here.",
                number=draft.number,
            )
    return ctx.t("✅ It is added to complaint {number}; the officer is told.", number=draft.number)


async def _has_moved_on(ctx: Context, draft: CaseDraft, allowed: list[CaseAction]) -> None:
    if draft.words_sent and CaseAction.ADD in allowed:
        go(ctx, Step.SAY, draft)
        await ask(ctx, ctx.t("Your words are with the office. Only the files are not there yet:"))
        return
    if draft.action is CaseAction.REPLY and CaseAction.ADD in allowed:
        draft.action, draft.question = CaseAction.ADD, ""
        go(ctx, Step.SAY, draft)
        await ask(
            ctx, ctx.t("The officer is not waiting for an answer any more. You can still add it to the complaint:")
        )
        return
    go(ctx, Step.OFFER, draft)
    ctx.session.go(Step.OFFER, allowed=[action.value for action in allowed])
    await ask(ctx)


async def _is_answered_anew(ctx: Context, draft: CaseDraft) -> None:
    """What was written is about the answer before: whether it is true of the new one, only the person can say."""
    case = await find_case(ctx, draft.number)
    if case is None:
        ctx.session.end_dialog()
        return
    draft.answered_at = answered_at(case)
    go(ctx, Step.SAY, draft)
    await tell_case(
        ctx, case, ctx.t("There is a new answer by now, so what you wrote is not sent yet. Please read it first:")
    )
    await ask(ctx)


async def _something_is_gone(ctx: Context, draft: CaseDraft) -> None:
    """A file is not stored any more; or the complaint is not this chat's any more."""
    if await find_case(ctx, draft.number) is None:
        ctx.session.end_dialog()
        return
    draft.files.clear()
    go(ctx, Step.SAY, draft)
    if draft.words_sent:
        note = ctx.t("Your words are with the office. The files are not there any more; please send them again.")
        await ask(ctx, note)
        return
    await ask(ctx, ctx.t("The files are not there any more. Please send them once more; everything else is kept."))


async def choose(update: Update, ctx: Context, tap: Choose) -> None:
    _, draft = standing(ctx)
    case = await find_case(ctx, draft.number)
    if case is None:
        ctx.session.end_dialog()
    elif tap.action in case.allowed and tap.action in WRITTEN:
        draft.action, draft.answered_at = tap.action, answered_at(case)
        go(ctx, Step.SAY, draft)
        await ask_in_place(ctx)
    else:
        ctx.session.go(Step.OFFER, allowed=[action.value for action in case.allowed])
        await ask(ctx, not_now(ctx, tap.action))


async def late(update: Update, ctx: Context, tap: OfCaseDialog) -> None:
    """A button of a conversation that is over: pressed twice, or delivered twice by Telegram."""
    if tap.dialog == ctx.session.interrupted and ctx.session.dialog is not None:
        await remind_of_draft(ctx, ctx.session.dialog)
        return
    await ctx.remove_buttons()
    case = await find_case(ctx, tap.number)
    if case is not None:
        await tell_case(
            ctx, case, ctx.t("That was sent or cancelled before, and nothing was done twice. This is how it stands:")
        )


async def resume(update: Update, ctx: Context, tap: Resume | None = None) -> None:
    go(ctx, *standing(ctx))
    await ctx.remove_buttons()
    await ask(ctx)


async def drop(update: Update, ctx: Context, tap: Drop | None = None) -> None:
    """Cancel; what took effort is not thrown away by one wrong touch."""
    dialog, (step, draft) = ctx.session.dialog, standing(ctx)
    assert dialog is not None  # noqa: S101 - see standing
    if not draft.has_content:
        await throw_away(update, ctx)
        return
    again = draft.dropping
    go(ctx, step, draft, dropping=True)
    await ctx.reply(
        lines(
            ctx.t("So that nothing is lost by mistake, please press a button.") if again else None,
            ctx.t("<b>Throw away what you entered?</b>"),
            ctx.t("It cannot be brought back. Your words are with the office already; these files are not.")
            if draft.words_sent
            else ctx.t("It cannot be brought back. Nothing was sent to the office."),
        ),
        rows(
            button(ctx.plain("No, go on"), Resume(dialog.id)),
            button(ctx.plain("🗑 Yes, throw it away"), ThrowAway(dialog.id, draft.number)),
        ),
    )


async def throw_away(update: Update, ctx: Context, tap: ThrowAway | None = None) -> None:
    _, draft = standing(ctx)
    await give_files_back(ctx, draft.files)
    ctx.session.end_dialog()
    await ctx.remove_buttons()
    see = button(ctx.plain("🔎 See the complaint"), ShowCase(draft.number))
    await ctx.reply(
        ctx.t("All right. The files were not sent; your words are with the office.")
        if draft.words_sent
        else ctx.t("All right. Nothing was sent, and your complaint stands as it did."),
        rows(see, *main_menu(ctx).inline_keyboard),
    )
    await remind(ctx)


async def press_a_button(update: Update, ctx: Context) -> None:
    await ask(ctx, ctx.t("Please press one of the buttons."))


async def take_anything_else(update: Update, ctx: Context) -> None:
    await ask(ctx, ctx.t("I cannot take this. Text, photos and documents are fine."))


HANDLERS = [
    CallbackHandler(Say, say),
    CallbackHandler(Rewrite, rewrite, dialog="case"),
    CallbackHandler(RemoveFile, remove_file, dialog="case"),
    CallbackHandler(Send, send, dialog=Step.SAY),
    CallbackHandler(Choose, choose, dialog=Step.OFFER),
    CallbackHandler(ThrowAway, throw_away, dialog="case"),
    CallbackHandler(Resume, resume, dialog="case"),
    CallbackHandler(Drop, drop, dialog="case"),
    CommandHandler("cancel", drop, dialog="case", reminds=False),
    *(
        CallbackHandler(kind, late, any_dialog=True)
        for kind in (Send, Choose, AsNew, Rewrite, RemoveFile, Stars, Solved, Finish, Withdraw, ThrowAway)
    ),
    *(
        handler
        for step in (Step.SAY, Step.OFFER)
        for handler in (
            MessageHandler(InDialog(step) & filters.TEXT, CONTENT.take_text),
            MessageHandler(InDialog(step) & (filters.PHOTO | filters.Document.ALL), CONTENT.take_file),
            MessageHandler(InDialog(step) & (filters.VOICE | filters.VIDEO_NOTE | filters.AUDIO), CONTENT.take_voice),
            MessageHandler(InDialog(step) & filters.ALL, take_anything_else),
        )
    ),
    MessageHandler(InDialog("case") & filters.ALL, press_a_button),
]
