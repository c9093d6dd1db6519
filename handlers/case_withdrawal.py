"""Taking a complaint, or the request for a review of one, back: asked once more, since it cannot be undone."""

from telegram import Update

from api.cases.schemas import CaseAction, CaseState
from bot.backend import NotAllowedNow, NotFound
from bot.context import Context
from bot.dispatch import CallbackHandler
from bot.ui import OpenMenuBelow, button, rows
from handlers.case_buttons import AskWithdraw, ShowCase, Withdraw
from handlers.case_draft import WITHDRAWN, CaseDraft, Step
from handlers.case_finding import find_case
from handlers.case_screens import tell_case
from handlers.case_statement import not_now
from handlers.case_steps import ask, begin, is_busy, remind, standing
from handlers.menu import OpenComplaint


async def start(update: Update, ctx: Context, tap: AskWithdraw) -> None:
    case = await find_case(ctx, tap.number)
    if case is None:
        return
    if CaseAction.WITHDRAW not in case.allowed:
        await tell_case(ctx, case, not_now(ctx, CaseAction.WITHDRAW))
        return
    if await is_busy(ctx):
        return
    of_review = case.state in (CaseState.REVIEW, CaseState.SECOND_REVIEW)
    begin(ctx, Step.WITHDRAW, CaseDraft(number=case.number, action=CaseAction.WITHDRAW, of_review=of_review))
    await ask(ctx)


async def withdraw(update: Update, ctx: Context, tap: Withdraw) -> None:
    dialog, (_, draft) = ctx.session.dialog, standing(ctx)
    assert dialog is not None  # noqa: S101 - see standing
    try:
        case = await ctx.backend.act_on_own_case(ctx.chat_id, draft.number, WITHDRAWN, idempotency_key=dialog.id)
    except (NotAllowedNow, NotFound):
        ctx.session.end_dialog()
        found = await find_case(ctx, draft.number)
        if found is not None:
            await tell_case(ctx, found, not_now(ctx, CaseAction.WITHDRAW))
        return
    ctx.session.end_dialog()
    text = (
        ctx.t("✅ Complaint {number} is withdrawn. The office stops working on it.", number=case.number)
        if case.state is CaseState.WITHDRAWN
        else ctx.t(
            "✅ The request for a review of complaint {number} is withdrawn; the answer stands.", number=case.number
        )
    )
    await ctx.reply(
        text,
        rows(
            button(ctx.plain("🔎 See the complaint"), ShowCase(case.number)),
            button(ctx.plain("File a complaint"), OpenComplaint()),
            button(ctx.plain("Main menu"), OpenMenuBelow()),
        ),
        personal=True,
    )
    await ctx.remove_buttons()
    await remind(ctx)


HANDLERS = [CallbackHandler(AskWithdraw, start), CallbackHandler(Withdraw, withdraw, dialog=Step.WITHDRAW)]
