"""Leaving a collective case: one's complaint is worked on by itself again."""

from telegram import Update

from api.cases.schemas import CaseAction
from api.cases.schemas import SplitOff as SplitOffStep
from bot.backend import NotAllowedNow, NotFound
from bot.context import Context
from bot.dispatch import CallbackHandler
from handlers.case_buttons import SplitOff
from handlers.case_finding import find_case
from handlers.case_screens import tell_case


async def split_off(update: Update, ctx: Context, tap: SplitOff) -> None:
    """At once: nothing is lost by it."""
    query = update.callback_query
    assert query is not None  # noqa: S101 - a tap has one
    step = SplitOffStep(action=CaseAction.SPLIT_OFF)
    try:
        case = await ctx.backend.act_on_own_case(ctx.chat_id, tap.number, step, idempotency_key=f"tap-{query.id:0>8}")
    except NotFound:
        await find_case(ctx, tap.number)
        return
    except NotAllowedNow:
        found = await find_case(ctx, tap.number)
        if found is not None:
            await tell_case(ctx, found, ctx.t("This complaint is on its own already, or it has its answer."))
        return
    await tell_case(
        ctx, case, ctx.t("✅ Your complaint is on its own again. It keeps its number and its days; the office goes on.")
    )


HANDLERS = [CallbackHandler(SplitOff, split_off)]
