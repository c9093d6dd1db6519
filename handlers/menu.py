"""The main menu and what its keys carry (each conversation handles its own key), and the keys that turn pages."""

from collections.abc import Callable as Function

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.callbacks import Callback
from bot.context import Context
from bot.ui import button, pairs, rows
from handlers.gate import verify_button
from locales import lazy

Row = list[InlineKeyboardButton]


class OpenMenu(Callback, prefix="menu"):
    """Back to the main menu."""


class OpenHome(Callback, prefix="home"):
    """Your home."""


class OpenHandover(Callback, prefix="handover"):
    """When the keys come."""


class OpenPayments(Callback, prefix="payments"):
    """What is paid and owed."""


class OpenComplaint(Callback, prefix="complain"):
    """Begin a complaint."""


class OpenCases(Callback, prefix="cases"):
    """Complaints filed."""


class OpenSettings(Callback, prefix="settings"):
    """Linked chats."""


class OpenLanguage(Callback, prefix="language"):
    """Choose a language."""


class OpenStaff(Callback, prefix="staff"):
    """Of the office's people: who one is, and what one may do."""


class OpenHelp(Callback, prefix="help"):
    """What can be done here."""


OFFICE = lazy("🏢 Office desk")
ENTRIES: tuple[tuple[str, type[Callback]], ...] = (
    (lazy("Handover"), OpenHandover),
    (lazy("My home"), OpenHome),
    (lazy("Payments"), OpenPayments),
    (lazy("File a complaint"), OpenComplaint),
    (lazy("My complaints"), OpenCases),
    (lazy("Settings"), OpenSettings),
    # Translators: also in the other language, for those who cannot read this one.
    (lazy("Language"), OpenLanguage),
    (lazy("Help"), OpenHelp),
)
"""What one can ask for, in the order of its keys."""


def main_menu(ctx: Context) -> InlineKeyboardMarkup:
    """What one can ask for; first of all the office's own desk, for its people, and the way in, for who has not shown
    who they are."""
    return rows(
        button(ctx.plain(OFFICE), OpenStaff()) if ctx.session.state.staff else None,
        None if ctx.session.linked else verify_button(ctx),
        *pairs([button(ctx.plain(words), kind()) for words, kind in ENTRIES]),
    )


def back_to_menu(ctx: Context) -> InlineKeyboardMarkup:
    """One key: the main menu."""
    return rows(button(ctx.plain("Main menu"), OpenMenu()))


def turning(ctx: Context, number: int, count: int, to: Function[[int], Callback]) -> Row:
    """Buttons to the screen before and after; none where there is only one."""
    buttons: Row = []
    if number > 0:
        buttons.append(button(ctx.plain("◀ Back"), to(number - 1)))
    if number + 1 < count:
        buttons.append(button(ctx.plain("More ▶"), to(number + 1)))
    return buttons
