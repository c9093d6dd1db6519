"""How far a broadcast is: a message that edits itself in place, with the buttons to pause, go on and cancel."""

import asyncio

from telegram import InlineKeyboardMarkup, Message
from telegram.error import TelegramError

from api.broadcasts.schemas import BroadcastAction, BroadcastOut
from bot.backend import BackendError, BackendUnavailable
from bot.context import Context
from bot.ui import button, pairs, rows
from bot.watching import Watches
from handlers import staff_broadcast_screens as screens
from handlers.staff_broadcast import OpenBroadcast, OpenPart, Part, Step
from locales import Html, join, lazy

EVERY = 3.0
"""Seconds between two looks."""
AT_MOST = 3_600.0
"""Seconds after which it edits itself no more; the button still brings the newest."""
CONTROLS = {
    BroadcastAction.PAUSE: lazy("⏸ Pause"),
    BroadcastAction.RESUME: lazy("▶️ Go on"),
    BroadcastAction.CANCEL: lazy("🚫 Cancel it"),
}


async def watch(ctx: Context, broadcast: BroadcastOut, note: Html | None = None) -> None:
    """Show how far it is, where the tapped button was, and keep that up to date."""
    text, keyboard = join("\n\n", [note, screens.running(broadcast, ctx.words)]), _keys(ctx, broadcast)
    query = ctx.turn.update.callback_query
    message = query.message if query is not None else None
    if (
        isinstance(message, Message)
        and message.has_protected_content
        and await ctx.edit(message.message_id, text, keyboard)
    ):
        number = message.message_id
    else:
        number = await ctx.reply(text, keyboard, personal=True)
    watches: Watches = ctx.application.bot_data["watches"]
    if broadcast.state in screens.OVER:
        watches.end(ctx.chat_id)
    else:
        watches.begin(ctx.chat_id, _keep_up(ctx, broadcast, number))


def stop_watching(ctx: Context) -> None:
    """The message is about something else now."""
    watches: Watches = ctx.application.bot_data["watches"]
    watches.end(ctx.chat_id)


async def _keep_up(ctx: Context, shown: BroadcastOut, message_id: int) -> None:
    """Edit the message as long as there is something new, until it is over, or the message or the account is gone."""
    loop = asyncio.get_running_loop()
    until = loop.time() + AT_MOST
    while loop.time() < until:
        await asyncio.sleep(EVERY)
        try:
            broadcast = await ctx.backend.broadcast(ctx.chat_id, shown.id)
            if (broadcast.version, broadcast.progress) != (shown.version, shown.progress):
                text = screens.running(broadcast, ctx.words)
                if not await ctx.edit(message_id, text, _keys(ctx, broadcast)):
                    return
                shown = broadcast
        except (BackendUnavailable, TelegramError):
            # It may pass.
            continue
        except BackendError:
            return
        if shown.state in screens.OVER:
            return


def _keys(ctx: Context, broadcast: BroadcastOut) -> InlineKeyboardMarkup:
    return rows(
        *pairs(
            button(ctx.plain(label), Step(broadcast.id, broadcast.version, action))
            for action, label in CONTROLS.items()
            if action in broadcast.allowed
        ),
        [
            button(ctx.plain("🔄 Refresh"), OpenPart(broadcast.id, broadcast.version, Part.WATCH))
            if broadcast.state not in screens.OVER
            else button(ctx.plain("📊 Report"), OpenPart(broadcast.id, broadcast.version, Part.REPORT)),
            button(ctx.plain("⬅️ Back to the broadcast"), OpenBroadcast(broadcast.id)),
        ],
    )
