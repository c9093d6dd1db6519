"""Leaving a collective case, and offering one's complaint to the neighbours no longer."""

from telegram import Update

from api.cases.schemas import CaseAction, CaseOut, ResidentAction, Unpublish
from api.cases.schemas import SplitOff as SplitOffStep
from bot.backend import NotAllowedNow, NotFound
from bot.context import Context
from bot.dispatch import CallbackHandler
from handlers.case_buttons import OfCase, SplitOff, StopOffering
from handlers.case_finding import find_case
from handlers.case_screens import tell_case
from locales import Html


async def split_off(update: Update, ctx: Context, tap: SplitOff) -> None:
    """At once: nothing is lost by it."""
    case = await _take(ctx, tap, SplitOffStep(action=CaseAction.SPLIT_OFF))
    note = (
        ctx.t("✅ Your complaint is on its own again. It keeps its number and its days; the office goes on.")
        if case is not None
        else ctx.t("This complaint is on its own already, or it has its answer.")
    )
    await _show(ctx, tap, case, note)


async def stop_offering(update: Update, ctx: Context, tap: StopOffering) -> None:
    """At once: who has joined stays with it."""
    case = await _take(ctx, tap, Unpublish(action=CaseAction.UNPUBLISH))
    note = (
        ctx.t("✅ Neighbours are shown nothing of your complaint any more. The office goes on with it.")
        if case is not None
        else ctx.t("Neighbours are shown nothing of this complaint any more.")
    )
    await _show(ctx, tap, case, note)


async def _take(ctx: Context, tap: OfCase, step: ResidentAction) -> CaseOut | None:
    """The complaint after the step; None: it is not possible (any more), or there is no such complaint."""
    query = ctx.turn.update.callback_query
    assert query is not None  # noqa: S101 - a tap has one
    try:
        return await ctx.backend.act_on_own_case(ctx.chat_id, tap.number, step, idempotency_key=f"tap-{query.id:0>8}")
    except (NotAllowedNow, NotFound):
        return None


async def _show(ctx: Context, tap: OfCase, case: CaseOut | None, note: Html) -> None:
    case = case or await find_case(ctx, tap.number)
    if case is not None:
        await tell_case(ctx, case, note)


HANDLERS = [CallbackHandler(SplitOff, split_off), CallbackHandler(StopOffering, stop_offering)]
