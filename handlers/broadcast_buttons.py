"""What the buttons of a broadcast open, in a message of its own: what the office wrote stays in the chat."""

from collections.abc import Callable, Coroutine
from typing import Any

from telegram import Update

from api.broadcasts.schemas import Target
from bot.context import Context
from bot.dispatch import CallbackHandler
from bot.drafts import remind_of_draft
from handlers import complaint, handover, home, mutes, payments, settings, start
from handlers.broadcast_words import ChooseTopics, FollowBroadcast
from handlers.menu import OpenMenu
from handlers.mutes import OpenMutes

Open = Callable[[Update, Context], Coroutine[Any, Any, None]]


async def _menu(update: Update, ctx: Context) -> None:
    await start.show_menu(update, ctx, OpenMenu())


_PAGES: dict[Target, Open] = {
    Target.MENU: _menu,
    Target.HOME: home.open_home,
    Target.HANDOVER: handover.open_handover,
    Target.PAYMENTS: payments.open_payments,
    Target.COMPLAINT: complaint.begin,
    Target.SETTINGS: settings.show,
}


async def follow(update: Update, ctx: Context, tap: FollowBroadcast) -> None:
    ctx.turn.keeps_message = True
    draft = ctx.session.dialog
    await _PAGES[tap.target](update, ctx)
    # A complaint deals with what was begun by itself.
    if draft is not None and tap.target is not Target.COMPLAINT:
        await remind_of_draft(ctx, draft)


async def choose_topics(update: Update, ctx: Context, tap: ChooseTopics) -> None:
    ctx.turn.keeps_message = True
    await mutes.show(update, ctx, OpenMutes())


HANDLERS = [
    CallbackHandler(FollowBroadcast, follow),
    CallbackHandler(ChooseTopics, choose_topics, reminds=True),
]
