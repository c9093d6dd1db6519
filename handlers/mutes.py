"""Under /settings: of which topics this chat wants to be told. Each line is a key that turns one on or off."""

from telegram import Update

from api.broadcasts.schemas import Topic
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler
from bot.ui import button, rows
from handlers import terms
from handlers.menu import OpenMenu, OpenSettings
from locales import Html, join

_CHOICES = [topic for topic in Topic if topic is not Topic.LEGAL]


class OpenMutes(Callback, prefix="mutes"):
    """What it is told of."""


class TellOf(Callback, prefix="mute"):
    """As the key says, whatever was chosen elsewhere meanwhile."""

    topic: Topic
    wanted: bool


async def show(update: Update, ctx: Context, tap: OpenMutes) -> None:
    await _show(ctx, {*(await ctx.backend.mutes(ctx.chat_id)).topics})


async def tell_of(update: Update, ctx: Context, tap: TellOf) -> None:
    muted = {*(await ctx.backend.mutes(ctx.chat_id)).topics}
    topic = terms.name(ctx.words, tap.topic)
    note: Html | None
    if tap.topic is Topic.LEGAL:
        note = None
    elif tap.wanted:
        muted.discard(tap.topic)
        note = ctx.t("✔️ You are told of this again: {topic}", topic=topic)
    else:
        muted.add(tap.topic)
        note = ctx.t("✔️ You are no longer told of this: {topic}", topic=topic)
    await ctx.backend.mute(ctx.chat_id, muted)
    await _show(ctx, muted, note)


async def _show(ctx: Context, muted: set[Topic], note: Html | None = None) -> None:
    tr = ctx.words
    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                note,
                ctx.t("<b>Messages to you</b>"),
                ctx.t(
                    "What should the office tell you here? Tap a line to change it.\n"
                    "🔔 you are told · 🔕 you are not told"
                ),
                ctx.t(
                    "🔔 <b>{topic}</b>: always told. A time limit may run from such a notice, and to miss it could "
                    "cost you a right.",
                    topic=terms.name(tr, Topic.LEGAL),
                ),
                ctx.t(
                    "Answers to your complaints and requests always come too. If you have asked under “Handover” to be "
                    "told of a new date, you are told of it in any case; you can end that there."
                ),
            ],
        ),
        rows(
            *(
                button(f"{'🔕' if topic in muted else '🔔'} {terms.name(tr, topic)}", TellOf(topic, topic in muted))
                for topic in _CHOICES
            ),
            button(ctx.plain("⬅️ Back"), OpenSettings()),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
    )


HANDLERS = [
    CallbackHandler(OpenMutes, show),
    CallbackHandler(TellOf, tell_of),
]
