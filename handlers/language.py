"""Choosing the language; it is stored, and used in every later answer."""

from telegram import Update

import locales
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler
from bot.ui import button, rows
from handlers.menu import OpenLanguage, OpenMenu, main_menu


class Speak(Callback, prefix="speak"):
    """Go on in this language."""

    locale: str


async def choose(update: Update, ctx: Context, tap: OpenLanguage | None = None) -> None:
    await ctx.edit_or_reply(
        ctx.t("Which language do you prefer?"),
        rows(
            *(button(locales.native_name(locale), Speak(locale)) for locale in locales.SUPPORTED),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
    )


async def chosen(update: Update, ctx: Context, tap: Speak) -> None:
    if tap.locale in locales.SUPPORTED:
        ctx.speak(tap.locale)
    await ctx.edit_or_reply(ctx.t("From now on I write in English. What would you like to know?"), main_menu(ctx))


HANDLERS = [
    CommandHandler("language", choose),
    CallbackHandler(OpenLanguage, choose, reminds=True),
    CallbackHandler(Speak, chosen, reminds=True),
]
