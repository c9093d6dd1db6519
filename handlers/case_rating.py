"""Rating an answer: one to five, whether the matter itself is solved, and why. "Closed" is the office's word; only the
resident says "solved"."""

from telegram import InlineKeyboardButton, Update
from telegram.ext import filters

from api.cases.schemas import CaseAction, CaseOut
from bot.backend import AnsweredAnew, NotAllowedNow, NotFound
from bot.context import Context
from bot.dispatch import CallbackHandler, InDialog, MessageHandler
from bot.ui import OpenMenuBelow, button, rows
from handlers.case_buttons import AskRating, Finish, Say, ShowCase, Solved, Stars
from handlers.case_clocks import clock_line
from handlers.case_draft import CaseDraft, Step
from handlers.case_finding import find_case
from handlers.case_history import answered_at
from handlers.case_screens import ACTIONS, tell_case
from handlers.case_statement import not_now
from handlers.case_steps import STARS, ask, ask_in_place, begin, go, is_busy, remind, standing
from handlers.content import message_of, too_long
from locales import Html, join

POOR = 2
"""Stars up to which the ways on are offered by themselves."""


async def start(update: Update, ctx: Context, tap: AskRating) -> None:
    case = await find_case(ctx, tap.number)
    if case is None:
        return
    if CaseAction.RATE not in case.allowed:
        await tell_case(ctx, case, not_now(ctx, CaseAction.RATE))
        return
    if await is_busy(ctx):
        return
    begin(ctx, Step.RATE, CaseDraft(number=case.number, action=CaseAction.RATE, answered_at=answered_at(case)))
    await ask(ctx)


async def rate(update: Update, ctx: Context, tap: Stars) -> None:
    _, draft = standing(ctx)
    if tap.stars in STARS:
        draft.stars = tap.stars
        go(ctx, Step.SOLVED, draft)
    await ask_in_place(ctx)


async def tell_solved(update: Update, ctx: Context, tap: Solved) -> None:
    _, draft = standing(ctx)
    draft.solved = tap.solved
    # An app that is not Telegram's own can send the button before any star.
    go(ctx, Step.RATE if draft.stars is None else Step.WHY, draft)
    await ask_in_place(ctx)


async def finish(update: Update, ctx: Context, tap: Finish | None = None) -> None:
    await _finish(ctx, standing(ctx)[1])


async def tell_why(update: Update, ctx: Context) -> None:
    message, (_, draft) = message_of(update), standing(ctx)
    why = (message.text or "").replace("\0", "").strip()
    if why and not draft.take_text(why):
        await ask(ctx, too_long(ctx, len(why), 0))
        return
    await _finish(ctx, draft)


async def keep_words(update: Update, ctx: Context) -> None:
    """What they say before they have pressed a button is why they will."""
    message, (step, draft) = message_of(update), standing(ctx)
    why = (message.text or "").replace("\0", "").strip()
    if why and not draft.take_text(why):
        await ask(ctx, too_long(ctx, len(why), len(draft.text)))
        return
    go(ctx, step, draft)
    await ask(ctx, ctx.t("✔️ I have your words. Please press one of the buttons as well."))


async def _finish(ctx: Context, draft: CaseDraft) -> None:
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see standing
    # Other stars or words, after an answer that got lost, are another rating.
    key = f"{dialog.id}-{draft.seal()}"
    try:
        case = await ctx.backend.act_on_own_case(ctx.chat_id, draft.number, draft.rating(), idempotency_key=key)
    except (NotAllowedNow, NotFound, AnsweredAnew) as refused:
        ctx.session.end_dialog()
        found = await find_case(ctx, draft.number)
        if found is not None:
            await tell_case(
                ctx,
                found,
                ctx.t("There is a new answer by now. Please read it first; your rating of the one before was not kept.")
                if isinstance(refused, AnsweredAnew)
                else ctx.t("It is being worked on again, so there is no answer to rate now."),
            )
        return
    ctx.session.end_dialog()
    await ctx.reply(
        _thanks(ctx, draft, case),
        rows(
            *_ways_on(ctx, draft, case),
            button(ctx.plain("🔎 See the complaint"), ShowCase(case.number)),
            button(ctx.plain("Main menu"), OpenMenuBelow()),
        ),
        personal=True,
    )
    await ctx.remove_buttons()
    await remind(ctx)


def _is_unhappy(draft: CaseDraft) -> bool:
    return draft.solved is False or (draft.stars or 0) <= POOR


def _thanks(ctx: Context, draft: CaseDraft, case: CaseOut) -> Html:
    thanks = ctx.t("✅ Thank you. Your rating is noted: {stars} of 5.", stars=draft.stars or 0)
    if not _is_unhappy(draft):
        return thanks
    return join("\n\n", [thanks, *(clock_line(clock, ctx.words) for clock in case.clocks if not clock.overdue)])


def _ways_on(ctx: Context, draft: CaseDraft, case: CaseOut) -> list[InlineKeyboardButton]:
    ways = (
        (CaseAction.REOPEN, CaseAction.REQUEST_REVIEW, CaseAction.REQUEST_SECOND_REVIEW) if _is_unhappy(draft) else ()
    )
    return [button(ctx.plain(ACTIONS[way]), Say(case.number, way)) for way in ways if way in case.allowed]


HANDLERS = [
    CallbackHandler(AskRating, start),
    *(CallbackHandler(Stars, rate, dialog=step) for step in (Step.RATE, Step.SOLVED, Step.WHY)),
    *(CallbackHandler(Solved, tell_solved, dialog=step) for step in (Step.RATE, Step.SOLVED, Step.WHY)),
    CallbackHandler(Finish, finish, dialog=Step.WHY),
    MessageHandler(InDialog(Step.WHY) & filters.TEXT, tell_why),
    *(MessageHandler(InDialog(step) & filters.TEXT, keep_words) for step in (Step.RATE, Step.SOLVED)),
]
