"""Steps with a broadcast: submit, approve, send back, pause, go on, cancel. What is final is asked twice."""

from telegram import Update
from telegram.ext import filters

from api.broadcasts.schemas import (
    BroadcastAction,
    BroadcastOut,
    BroadcastState,
    BroadcastStep,
    Operation,
)
from bot.backend import BroadcastChanged, HasProblems, NotAllowedNow, OwnBroadcast
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler, InDialog, MessageHandler
from bot.ui import button, rows
from handlers import staff_broadcast_screens as screens
from handlers.staff_broadcast import (
    OpenBroadcast,
    OpenPart,
    Part,
    Step,
    seen,
    show_broadcast,
    show_refused,
)
from handlers.staff_broadcast_draft import Asked, Question, ask, asked_about, awaited
from handlers.staff_broadcast_watch import watch
from handlers.staff_menu import staff_only
from locales import Html, join, lazy

LONGEST_REASON = 1_000
DONE = {
    BroadcastAction.SUBMIT: lazy("✔️ It waits for approval by a second person."),
    BroadcastAction.APPROVE: lazy("✔️ Approved."),
    BroadcastAction.REJECT: lazy("✔️ It is sent back, with your reason."),
    BroadcastAction.PAUSE: lazy("✔️ Paused: nothing goes out until somebody lets it go on."),
    BroadcastAction.RESUME: lazy("✔️ It goes on."),
    BroadcastAction.CANCEL: lazy("✔️ Cancelled. What had not gone out does not go out any more."),
}


class Sure(Callback, prefix="b_sure"):
    """Yes: the step that was asked about."""

    broadcast_id: int
    version: int
    action: BroadcastAction


@staff_only
async def step(update: Update, ctx: Context, tap: Step) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is None:
        return
    match tap.action:
        case BroadcastAction.SUBMIT | BroadcastAction.APPROVE | BroadcastAction.CANCEL:
            await _make_sure(ctx, broadcast, tap.action)
        case BroadcastAction.REJECT:
            await ask_reason(ctx, broadcast)
        case BroadcastAction.PAUSE | BroadcastAction.RESUME:
            await _take(ctx, broadcast, tap.action)
        case _:
            await show_broadcast(ctx, broadcast)


async def _make_sure(ctx: Context, broadcast: BroadcastOut, action: BroadcastAction) -> None:
    chats: Html | None = None
    left: Html | None = None
    told: Html | None = None
    if action is not BroadcastAction.CANCEL:
        told = screens.how_it_is_told(broadcast, ctx.words)
        left = screens.left_as_it_was(broadcast, ctx.words)
        counted = await ctx.backend.broadcast_count(ctx.chat_id, broadcast.id)
        chats = screens.counted(counted, ctx.words)
    if action is BroadcastAction.SUBMIT:
        question = (
            ctx.t("<b>Submit it for approval?</b> You can still change it; then it must be submitted anew.")
            if broadcast.needs_approval
            else ctx.t("<b>Send it?</b> To so few it needs no approval: it goes out at its time.")
        )
        yes = ctx.plain("✅ Yes, submit it") if broadcast.needs_approval else ctx.plain("📤 Yes, send it")
    elif action is BroadcastAction.APPROVE:
        question = ctx.t("<b>Approve it?</b> It goes out at its time, exactly as the preview shows it.")
        yes = ctx.plain("✅ Yes, approve it")
    else:
        question = (
            ctx.t(
                "<b>Cancel it?</b> What has gone out stays in the chats; the rest is not sent, and cannot be resumed."
            )
            if broadcast.started_at is not None
            else ctx.t("<b>Cancel it?</b> It cannot be taken up again.")
        )
        yes = ctx.plain("🚫 Yes, cancel it")
    await ctx.edit_or_reply(
        join("\n\n", [screens.heading(broadcast, ctx.words), told, chats, left, question]),
        rows(
            button(yes, Sure(broadcast.id, broadcast.version, action)),
            button(ctx.plain("👀 Preview"), OpenPart(broadcast.id, broadcast.version, Part.PREVIEW))
            if action is not BroadcastAction.CANCEL and broadcast.operation is not Operation.DELETE
            else None,
            button(ctx.plain("No, leave it"), OpenBroadcast(broadcast.id)),
        ),
        personal=True,
    )


@staff_only
async def sure(update: Update, ctx: Context, tap: Sure) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is not None:
        await _take(ctx, broadcast, tap.action)


async def _take(
    ctx: Context, broadcast: BroadcastOut, action: BroadcastAction, text: str = "", *, below: bool = False
) -> None:
    try:
        taken = BroadcastStep.model_validate({"action": action, "version": broadcast.version, "text": text})
    except ValueError:
        # What no button of ours bore.
        await show_broadcast(ctx, broadcast, below=below)
        return
    try:
        after = await ctx.backend.step_broadcast(ctx.chat_id, broadcast.id, taken)
    except (BroadcastChanged, NotAllowedNow) as refused:
        await show_refused(ctx, broadcast.id, refused, below=below)
    except HasProblems as refused:
        await show_broadcast(ctx, broadcast, screens.problems(refused.problems, ctx.words), below=below)
    except OwnBroadcast:
        note = ctx.t("<b>You have written or submitted it yourself.</b> Somebody else has to approve it.")
        await show_broadcast(ctx, broadcast, note, below=below)
    else:
        await _show_taken(ctx, after, action, below=below)


async def _show_taken(ctx: Context, after: BroadcastOut, action: BroadcastAction, *, below: bool) -> None:
    approved = after.state is BroadcastState.APPROVED
    note = ctx.t(DONE[BroadcastAction.APPROVE if approved else action])
    goes_now = approved and after.content.starts_at is None
    if after.started_at is not None or goes_now:
        await watch(ctx, after, note)
    else:
        await show_broadcast(ctx, after, note, below=below)


# --- sent back with a reason ---


async def ask_reason(ctx: Context, broadcast: BroadcastOut, note: Html | None = None, *, below: bool = False) -> None:
    text = ctx.t("<b>Send it back</b>\n\nPlease write what should be changed. Who wrote it reads it.")
    question = Question(broadcast_id=broadcast.id, version=broadcast.version)
    await ask(ctx, Asked.REASON, question, text, note=note, below=below)


@staff_only
async def take_reason(update: Update, ctx: Context) -> None:
    question = awaited(ctx)
    broadcast = await asked_about(ctx, question)
    if broadcast is None:
        return
    message = update.message
    reason = ((message.text if message is not None else None) or "").replace("\0", "").strip()
    if not reason:
        await ask_reason(ctx, broadcast, ctx.t("Please write it as a text."), below=True)
    elif len(reason) > LONGEST_REASON:
        note = ctx.t(
            "This text is too long: it has {given} characters, and {max} are possible.",
            given=ctx.words.number(len(reason)),
            max=ctx.words.number(LONGEST_REASON),
        )
        await ask_reason(ctx, broadcast, note, below=True)
    else:
        await _take(ctx, broadcast, BroadcastAction.REJECT, reason, below=True)


HANDLERS = [
    CallbackHandler(Step, step),
    CallbackHandler(Sure, sure),
    MessageHandler(InDialog(Asked.REASON) & filters.ALL, take_reason),
]
