"""What an officer picks in a step with a case: an office, a person of it, a procedure, an outcome, a number of days."""

from telegram import Update

from api.cases.schemas import CaseAction
from bot.context import Context
from bot.dispatch import CallbackHandler
from handlers.staff_case_draft import Draft, Step
from handlers.staff_case_questions import (
    PickDays,
    PickDepartment,
    PickOfficer,
    PickOutcome,
    PickProcedure,
    PickRoute,
    TurnDepartments,
    TurnOfficers,
    ask_again,
    go,
    offered,
    standing,
)
from handlers.staff_menu import staff_only
from handlers.staff_terms import MOST_DAYS
from locales import Html


async def _on(ctx: Context, draft: Draft) -> None:
    """The next question in place of the one that was answered."""
    step = draft.next()
    go(ctx, step, draft)
    await ask_again(ctx)


@staff_only
async def pick_department(update: Update, ctx: Context, tap: PickDepartment) -> None:
    _, draft = standing(ctx)
    chosen = next((one for one in await ctx.backend.departments(ctx.chat_id) if one.id == tap.department_id), None)
    if chosen is None:
        await ask_again(ctx, _gone(ctx))
        return
    draft.department_id, draft.department = chosen.id, chosen.name
    draft.officer_id, draft.officer = None, ""
    if draft.action is CaseAction.ASSIGN:
        go(ctx, Step.OFFICER, draft)
        await ask_again(ctx)
    else:
        await _on(ctx, draft)


def _gone(ctx: Context) -> Html:
    return ctx.t("That office or person takes no cases any more. Please choose again.")


@staff_only
async def turn_departments(update: Update, ctx: Context, tap: TurnDepartments) -> None:
    await ask_again(ctx, page=tap.page)


@staff_only
async def pick_route(update: Update, ctx: Context, tap: PickRoute) -> None:
    _, draft = standing(ctx)
    route = await ctx.backend.case_route(ctx.chat_id, draft.number)
    if route.department_id is None:
        await ask_again(ctx, _gone(ctx))
        return
    draft.department_id, draft.department = route.department_id, route.department or ""
    draft.officer_id, draft.officer = route.officer_id, route.officer or ""
    await _on(ctx, draft)


@staff_only
async def pick_officer(update: Update, ctx: Context, tap: PickOfficer) -> None:
    _, draft = standing(ctx)
    draft.officer_id, draft.officer = None, ""
    if tap.officer_id is not None:
        chosen = next((one for one in await offered(ctx, draft) if one.id == tap.officer_id), None)
        if chosen is None:
            await ask_again(ctx, _gone(ctx))
            return
        draft.officer_id, draft.officer = chosen.id, chosen.name
    await _on(ctx, draft)


@staff_only
async def turn_officers(update: Update, ctx: Context, tap: TurnOfficers) -> None:
    await ask_again(ctx, page=tap.page)


@staff_only
async def pick_procedure(update: Update, ctx: Context, tap: PickProcedure) -> None:
    _, draft = standing(ctx)
    draft.procedure = tap.procedure
    await _on(ctx, draft)


@staff_only
async def pick_outcome(update: Update, ctx: Context, tap: PickOutcome) -> None:
    _, draft = standing(ctx)
    draft.outcome = tap.outcome
    await _on(ctx, draft)


@staff_only
async def pick_days(update: Update, ctx: Context, tap: PickDays) -> None:
    _, draft = standing(ctx)
    draft.days = min(max(tap.days, 1), MOST_DAYS)
    await _on(ctx, draft)


HANDLERS = [
    CallbackHandler(PickDepartment, pick_department, dialog=Step.DEPARTMENT),
    CallbackHandler(TurnDepartments, turn_departments, dialog=Step.DEPARTMENT),
    CallbackHandler(PickRoute, pick_route, dialog=Step.DEPARTMENT),
    CallbackHandler(PickOfficer, pick_officer, dialog=Step.OFFICER),
    CallbackHandler(TurnOfficers, turn_officers, dialog=Step.OFFICER),
    CallbackHandler(PickProcedure, pick_procedure, dialog="staff_case"),
    CallbackHandler(PickOutcome, pick_outcome, dialog="staff_case"),
    CallbackHandler(PickDays, pick_days, dialog="staff_case"),
]
