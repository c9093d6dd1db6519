"""The buttons below a broadcast's text: pages of the bot, or an address in the web."""

import re

from telegram import Update
from telegram.ext import filters

from api.broadcasts.schemas import MAX_BUTTONS, Body, BroadcastButton, BroadcastOut, Target
from bot.context import Context
from bot.dispatch import CallbackHandler, InDialog, MessageHandler
from bot.ui import button, pairs
from handlers.content import message_of
from handlers.staff_broadcast import change, seen
from handlers.staff_broadcast_draft import Asked, Question, ask, asked_about, awaited
from handlers.staff_broadcast_terms import TARGETS
from handlers.staff_broadcast_texts import AddButton, DropButton, ask_text, show_texts
from handlers.staff_menu import staff_only
from locales import SUPPORTED, Html, translator

_LINK = re.compile(r"https?://\S+", re.IGNORECASE)


@staff_only
async def add_button(update: Update, ctx: Context, tap: AddButton) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is None:
        return
    body = broadcast.content.bodies.get(tap.locale)
    if body is None or len(body.buttons) >= MAX_BUTTONS:
        await ask_text(ctx, broadcast, tap.locale)
    elif tap.target is None:
        await ask_button(ctx, broadcast, tap.locale)
    else:
        # In the language of the readers of this text.
        label = translator(tap.locale if tap.locale in SUPPORTED else broadcast.content.fallback).plain(
            TARGETS[tap.target]
        )
        await _save_button(ctx, broadcast, tap.locale, BroadcastButton(label=label, target=tap.target))


async def ask_button(
    ctx: Context, broadcast: BroadcastOut, locale: str, note: Html | None = None, *, below: bool = False
) -> None:
    text = ctx.t(
        "Which page shall the button open? For an address in the web, send its words and the address in one message, "
        "such as: The whole notice https://…"
    )
    keys = pairs(
        button(ctx.plain(TARGETS[target]), AddButton(broadcast.id, broadcast.version, locale, target))
        for target in Target
    )
    question = Question(broadcast_id=broadcast.id, version=broadcast.version, locale=locale)
    await ask(ctx, Asked.BUTTON, question, text, *keys, note=note, below=below)


@staff_only
async def take_button(update: Update, ctx: Context) -> None:
    message, question = message_of(update), awaited(ctx)
    broadcast = await asked_about(ctx, question)
    if broadcast is None:
        return
    text = (message.text or "").replace("\0", "")
    link = _LINK.search(text)
    label = " ".join((text[: link.start()] + text[link.end() :]).split()) if link is not None else ""
    try:
        made = BroadcastButton(label=label, url=link[0] if link is not None else None)
    except ValueError:
        note = ctx.t("Please send the words (at most 40 characters) and an address that begins with https://.")
        await ask_button(ctx, broadcast, question.locale, note, below=True)
        return
    if link is None:
        note = ctx.t("There was no address in it.")
        await ask_button(ctx, broadcast, question.locale, note, below=True)
        return
    await _save_button(ctx, broadcast, question.locale, made, below=True)


async def _save_button(
    ctx: Context, broadcast: BroadcastOut, locale: str, made: BroadcastButton, *, below: bool = False
) -> None:
    body = broadcast.content.bodies[locale]
    with_it = Body(text=body.text, buttons=[*body.buttons, made][:MAX_BUTTONS])
    changed = await change(ctx, broadcast, below=below, bodies={**broadcast.content.bodies, locale: with_it})
    if changed is not None:
        await ask_text(ctx, changed, locale, ctx.t("✔️ The button is there: {label}", label=made.label), below=below)


@staff_only
async def drop_button(update: Update, ctx: Context, tap: DropButton) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is None:
        return
    body = broadcast.content.bodies.get(tap.locale)
    if body is None:
        await show_texts(ctx, broadcast)
        return
    without = Body(text=body.text, buttons=body.buttons[:-1])
    changed = await change(ctx, broadcast, bodies={**broadcast.content.bodies, tap.locale: without})
    if changed is not None:
        await ask_text(ctx, changed, tap.locale)


HANDLERS = [
    CallbackHandler(AddButton, add_button),
    CallbackHandler(DropButton, drop_button),
    MessageHandler(InDialog(Asked.BUTTON) & filters.ALL, take_button),
]
