"""After a broadcast: what became of it, whom it did not reach, and what can be done about that."""

from api.broadcasts.schemas import BroadcastOut, FollowUp, Operation
from api.staff.schemas import StaffRole
from bot.backend import InvalidInput, NotAllowedNow
from bot.context import Context
from bot.ui import button, rows
from handlers import staff_broadcast_screens as screens
from handlers.menu import Row
from handlers.staff_broadcast import OpenBroadcast, OpenPart, Part, show_broadcast
from handlers.staff_broadcast_looks import send_table
from handlers.staff_menu import may
from locales import Html, join


async def show_report(ctx: Context, broadcast: BroadcastOut) -> None:
    """By outcome, language and building."""
    try:
        report = await ctx.backend.broadcast_report(ctx.chat_id, broadcast.id)
    except NotAllowedNow:
        await show_broadcast(ctx, broadcast, ctx.t("It has not gone out yet, so there is no report."))
        return
    tr = ctx.words
    writes = may(await ctx.backend.staff_me(ctx.chat_id), (StaffRole.PUBLISHER,))
    sends = broadcast.operation is Operation.SEND

    def part(label: str, which: Part) -> Row:
        return [button(label, OpenPart(broadcast.id, broadcast.version, which))]

    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                screens.heading(broadcast, tr),
                screens.progress(broadcast, report.progress, tr),
                tr.t(
                    "Of {families} families {n} got nothing.",
                    families=tr.number(report.families),
                    n=tr.number(report.unreached),
                ),
                screens.reached(report.languages, tr.t("<b>By language</b>"), names=True, tr=tr),
                screens.reached(report.buildings, tr.t("<b>By building</b>"), names=False, tr=tr),
            ],
        ),
        rows(
            part(ctx.plain("📄 List of those not reached"), Part.UNREACHED) if report.unreached else None,
            part(ctx.plain("🔁 Send it once more to those"), Part.AGAIN)
            if writes and sends and report.unreached
            else None,
            part(ctx.plain("✏️ Correct what was sent"), Part.CORRECT) if writes and sends else None,
            part(ctx.plain("🗑 Delete what was sent"), Part.DELETE) if writes and sends else None,
            button(ctx.plain("⬅️ Back to the broadcast"), OpenBroadcast(broadcast.id)),
        ),
        personal=True,
    )


async def send_unreached(ctx: Context, broadcast: BroadcastOut) -> None:
    """For who goes from door to door: agreement number and home, and nothing else."""
    try:
        data = await ctx.backend.export_unreached(ctx.chat_id, broadcast.id)
    except NotAllowedNow:
        await show_broadcast(ctx, broadcast, ctx.t("It has not gone out yet, so there is no report."))
        return
    await send_table(
        ctx,
        broadcast,
        data,
        ctx.plain("not-reached-{number}.xlsx", number=broadcast.id),
        ctx.t("Families that broadcast {number} did not reach, by agreement number.", number=broadcast.id),
    )


async def send_again(ctx: Context, broadcast: BroadcastOut) -> None:
    note = ctx.t(
        "A new draft for the families that it did not reach. Nothing is sent before it is submitted and approved."
    )
    await _follow_up(ctx, broadcast, Operation.SEND, note)


async def correct(ctx: Context, broadcast: BroadcastOut) -> None:
    note = ctx.t(
        "A draft that corrects the messages in the chats. Change the text, then submit it; every message that arrived "
        "is edited, and its reader is told."
    )
    await _follow_up(ctx, broadcast, Operation.EDIT, note)


async def delete(ctx: Context, broadcast: BroadcastOut) -> None:
    note = ctx.t(
        "A draft that deletes the messages from the chats. Telegram deletes those of the last 48 hours only. Nothing "
        "happens before it is submitted and approved."
    )
    await _follow_up(ctx, broadcast, Operation.DELETE, note)


async def _follow_up(ctx: Context, broadcast: BroadcastOut, operation: Operation, note: Html) -> None:
    query = ctx.turn.update.callback_query
    assert query is not None  # noqa: S101 - it is a tap
    try:
        # The same tap, brought twice, makes one draft.
        draft = await ctx.backend.follow_up_broadcast(
            ctx.chat_id, broadcast.id, FollowUp(operation=operation), idempotency_key=f"tap-{query.id}"
        )
    except NotAllowedNow:
        await show_broadcast(ctx, broadcast, ctx.t("It has not gone out yet."))
    except InvalidInput:
        await show_broadcast(ctx, broadcast, ctx.t("Its audience has too many conditions. Please begin a new one."))
    else:
        await show_broadcast(ctx, draft, note)
