"""Requests for access, for the office's people: the queue, one with what was written, and the answer to it step by
step. Yes: which agreement, as whom, until when, how much. No: why. Each is confirmed before anything happens.
"""

from telegram import Update
from telegram.ext import filters

from api.identity.schemas import OWNERS, AccessRequestState, LinkRole, LinkScope
from api.staff.schemas import LETS_IN, MAX_REASON_CHARACTERS, StaffAccessRequestRow
from bot.backend import AlreadyHandled, InvalidInput, NotFound
from bot.context import Context
from bot.dispatch import CallbackHandler, InDialog, MessageHandler
from bot.drafts import Resume
from bot.ui import button, pairs, rows
from handlers import staff_request_steps as steps
from handlers import terms
from handlers.facts import quoted
from handlers.lookups import today
from handlers.menu import OpenMenu, OpenStaff
from handlers.relatives import last_day
from handlers.staff_links import find
from handlers.staff_menu import OpenQueue, may, staff_only
from handlers.staff_request_steps import (
    Again,
    Confirm,
    Decline,
    Grant,
    OpenRequest,
    PickAgreement,
    PickDay,
    PickParty,
    PickRole,
    PickScope,
    Step,
)
from handlers.verification_texts import given
from locales import Html, join

PAGE = 6
"""Requests on one screen."""
SHOWN_TEXT = 2000

# --- the queue ---


@staff_only
async def show_queue(update: Update, ctx: Context, tap: OpenQueue) -> None:
    cursor = tap.cursor
    try:
        page = await ctx.backend.access_queue(ctx.chat_id, cursor=cursor or None, limit=PAGE)
    except InvalidInput:
        # A button of an older version of the list.
        cursor = ""
        page = await ctx.backend.access_queue(ctx.chat_id, limit=PAGE)
    reads = may(await ctx.backend.staff_me(ctx.chat_id), LETS_IN)
    waiting = ctx.n("<b>{n} request waits for an answer</b>", "<b>{n} requests wait for an answer</b>", page.open_count)
    turning = [
        button(ctx.plain("⏮ First page"), OpenQueue()) if cursor else None,
        button(ctx.plain("More ▶"), OpenQueue(page.next_cursor)) if page.next_cursor else None,
    ]
    numbers = [button(ctx.plain("No. {n}", n=request.id), OpenRequest(request.id)) for request in page.requests]
    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                waiting if page.open_count else ctx.t("No request waits for an answer."),
                *(_line(ctx, request) for request in page.requests),
                ctx.t("Press a number to read it.") if reads and numbers else None,
            ],
        ),
        rows(
            *(pairs(numbers) if reads else ()),
            [key for key in turning if key],
            button(ctx.plain("⬅️ Back"), OpenStaff()),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
        personal=True,
    )


def _line(ctx: Context, request: StaffAccessRequestRow) -> Html:
    tr = ctx.words
    return ctx.t(
        "<b>No. {number}</b> · {kind}\n{moment}, {state}",
        number=request.id,
        kind=terms.name(tr, request.kind),
        moment=tr.datetime(request.created_at),
        state=steps.state(ctx, request.state),
    )


@staff_only
async def show_one(update: Update, ctx: Context, tap: OpenRequest) -> None:
    await _show_one(ctx, tap.request_id)


async def _show_one(ctx: Context, request_id: int, note: Html | None = None) -> None:
    try:
        request = await ctx.backend.access_request(ctx.chat_id, request_id)
    except NotFound:
        await _show_gone(ctx)
        return
    is_open = request.state is AccessRequestState.OPEN
    decided = None
    if request.handled_at is not None and request.handled_by is not None:
        decided = ctx.t(
            "Answered: {moment}, by {name}", moment=ctx.words.datetime(request.handled_at), name=request.handled_by
        )
    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                note,
                _line(ctx, request),
                quoted(request.text, SHOWN_TEXT),
                decided,
                join("\n", [ctx.t("The answer:"), quoted(request.reason)]) if request.reason else None,
            ],
        ),
        rows(
            button(ctx.plain("✅ Let them in"), Grant(request.id)) if is_open else None,
            button(ctx.plain("✖️ Do not let them in"), Decline(request.id)) if is_open else None,
            button(ctx.plain("⬅️ Back to the requests"), OpenQueue()),
        ),
        personal=True,
    )


async def _show_gone(ctx: Context) -> None:
    await ctx.edit_or_reply(
        ctx.t("This request is not there any more."), rows(button(ctx.plain("⬅️ Back to the requests"), OpenQueue()))
    )


# --- yes ---


@staff_only
async def begin_grant(update: Update, ctx: Context, tap: Grant) -> None:
    await _begin(ctx, Step.NUMBER, tap.request_id)


@staff_only
async def begin_decline(update: Update, ctx: Context, tap: Decline) -> None:
    await _begin(ctx, Step.REASON, tap.request_id)


async def _begin(ctx: Context, step: Step, request_id: int) -> None:
    try:
        request = await ctx.backend.access_request(ctx.chat_id, request_id)
    except NotFound:
        await _show_gone(ctx)
        return
    if request.state is not AccessRequestState.OPEN:
        await _show_one(ctx, request_id, ctx.t("Somebody has answered it meanwhile."))
        return
    ctx.session.interrupt_with(step, request_id=request_id)
    await steps.ask(ctx)


@staff_only
async def resume(update: Update, ctx: Context, tap: Resume) -> None:
    await ctx.remove_buttons()
    await steps.ask(ctx)


@staff_only
async def again(update: Update, ctx: Context, tap: Again) -> None:
    """From the beginning of this answer."""
    await ctx.remove_buttons()
    ctx.session.go(Step.REASON if steps.draft(ctx).reason else Step.NUMBER, reason="")
    await steps.ask(ctx)


@staff_only
async def take_number(update: Update, ctx: Context) -> None:
    found = await find(ctx, given(update))
    if isinstance(found, Html):
        await steps.ask(ctx, found)
    elif len(found) == 1:
        await _about(ctx, found[0].agreement.id)
    else:
        await steps.ask_project(ctx, found)


@staff_only
async def pick_agreement(update: Update, ctx: Context, tap: PickAgreement) -> None:
    await ctx.remove_buttons()
    await _about(ctx, tap.agreement_id)


async def _about(ctx: Context, agreement_id: int) -> None:
    ctx.session.go(Step.WHO, agreement_id=agreement_id)
    await steps.ask(ctx)


@staff_only
async def pick_party(update: Update, ctx: Context, tap: PickParty) -> None:
    await ctx.remove_buttons()
    found = await ctx.backend.agreement_links(ctx.chat_id, steps.draft(ctx).agreement_id)
    party = next((party for party in found.parties if party.id == tap.party_id), None)
    if party is None:
        await steps.ask(ctx, ctx.t("The roll does not name this person any more."))
        return
    await _as(ctx, LinkRole(party.role.value), party.id)


@staff_only
async def pick_role(update: Update, ctx: Context, tap: PickRole) -> None:
    await ctx.remove_buttons()
    await _as(ctx, tap.role, None)


async def _as(ctx: Context, role: LinkRole, party_id: int | None) -> None:
    ctx.session.go(
        Step.CONFIRM if role in OWNERS else Step.LAST_DAY if role is LinkRole.PROXY else Step.SCOPE,
        role=role,
        party_id=party_id,
        scope=LinkScope.EVERYTHING,
        valid_until=None,
    )
    await steps.ask(ctx)


@staff_only
async def pick_day(update: Update, ctx: Context, tap: PickDay) -> None:
    await ctx.remove_buttons()
    day = last_day(tap.until, today(ctx))
    ctx.session.go(Step.SCOPE, valid_until=None if day is None else day.isoformat())
    await steps.ask(ctx)


@staff_only
async def take_day(update: Update, ctx: Context) -> None:
    day = steps.read_day(given(update))
    if day is None:
        await steps.ask(ctx, ctx.t("That is no date that I understand."))
    elif day < today(ctx):
        await steps.ask(ctx, ctx.t("That day is past."))
    else:
        ctx.session.go(Step.SCOPE, valid_until=day.isoformat())
        await steps.ask(ctx)


@staff_only
async def pick_scope(update: Update, ctx: Context, tap: PickScope) -> None:
    await ctx.remove_buttons()
    ctx.session.go(Step.CONFIRM, scope=tap.scope)
    await steps.ask(ctx)


# --- no ---


@staff_only
async def take_reason(update: Update, ctx: Context) -> None:
    text = given(update)
    if len(text) > MAX_REASON_CHARACTERS:
        too_long = ctx.n(
            "That is too long: please write at most {n} character.",
            "That is too long: please write at most {n} characters.",
            MAX_REASON_CHARACTERS,
        )
        await steps.ask(ctx, too_long)
    else:
        ctx.session.go(Step.CONFIRM_NO, reason=text)
        await steps.ask(ctx)


# --- done ---


@staff_only
async def confirm(update: Update, ctx: Context, tap: Confirm) -> None:
    draft = steps.draft(ctx)
    try:
        if draft.reason:
            await ctx.backend.decline_access(ctx.chat_id, draft.request_id, draft.reason)
            done = ctx.t("✔️ Sent. The person is told in this bot, and can ask again.")
        else:
            await ctx.backend.grant_access(ctx.chat_id, draft.request_id, draft.grant())
            done = ctx.t("✅ Done. The person and everybody who sees this home are told.")
    except AlreadyHandled:
        done = ctx.t("Somebody has answered it meanwhile.")
    except (InvalidInput, NotFound):
        # The roll was loaded anew meanwhile, or a day went by.
        await ctx.remove_buttons()
        ctx.session.go(Step.NUMBER)
        await steps.ask(ctx, ctx.t("That is not possible any more. Please begin once more."))
        return
    ctx.session.end_dialog()
    await _show_one(ctx, draft.request_id, done)


async def unexpected(update: Update, ctx: Context) -> None:
    if InDialog(Step.NUMBER).filter(update) or InDialog(Step.REASON).filter(update):
        await steps.ask(ctx, ctx.t("Please write it as a text."))
    else:
        await steps.ask(ctx, ctx.t("Please press one of the buttons."))


HANDLERS = [
    CallbackHandler(OpenQueue, show_queue),
    CallbackHandler(OpenRequest, show_one),
    CallbackHandler(Grant, begin_grant),
    CallbackHandler(Decline, begin_decline),
    CallbackHandler(Resume, resume, dialog="staff_requests"),
    CallbackHandler(Again, again, dialog="staff_requests"),
    CallbackHandler(PickAgreement, pick_agreement, dialog="staff_requests"),
    CallbackHandler(PickParty, pick_party, dialog=Step.WHO),
    CallbackHandler(PickRole, pick_role, dialog=Step.WHO),
    CallbackHandler(PickDay, pick_day, dialog=Step.LAST_DAY),
    CallbackHandler(PickScope, pick_scope, dialog=Step.SCOPE),
    CallbackHandler(Confirm, confirm, dialog="staff_requests"),
    MessageHandler(InDialog(Step.NUMBER) & filters.TEXT, take_number),
    MessageHandler(InDialog(Step.LAST_DAY) & filters.TEXT, take_day),
    MessageHandler(InDialog(Step.REASON) & filters.TEXT, take_reason),
    MessageHandler(InDialog("staff_requests") & filters.ALL, unexpected),
]
