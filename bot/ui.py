"""Parts of messages: keyboards, pages, lines of text."""

from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

from bot.callbacks import Callback
from locales import Html, escaped

Keyboard = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove
Item = TypeVar("Item")

SCREEN = 8
"""Entries of a list that a small phone shows without scrolling far."""


class Letter(NamedTuple):
    """What a courier brings, in words: about a family, so nobody can forward or save it. ``text`` is Telegram HTML."""

    text: str
    keyboard: InlineKeyboardMarkup | None = None


class OpenMenuBelow(Callback, prefix="menu_new"):
    """The main menu, in a message of its own. What bears this key is a receipt or a notice: it stays as it is,
    whichever of its keys is pressed."""


def button(text: str, carries: Callback) -> InlineKeyboardButton:
    """A button; ``text`` is plain (``ctx.plain``).

    Raises:
        bot.callbacks.TooLong: what it carries does not fit.
    """
    return InlineKeyboardButton(text, callback_data=carries.encode())


def rows(*lines: InlineKeyboardButton | Sequence[InlineKeyboardButton] | None) -> InlineKeyboardMarkup:
    """Inline keyboard: each argument is one row, a button or several; None is left out."""
    return InlineKeyboardMarkup(
        [[line] if isinstance(line, InlineKeyboardButton) else list(line) for line in lines if line]
    )


def wire(keyboard: Keyboard | None) -> dict[str, Any] | None:
    """A keyboard as the Bot API takes it. PTB's own way looks at every field that each of its buttons could have."""
    if not isinstance(keyboard, InlineKeyboardMarkup):
        return None if keyboard is None else keyboard.to_dict()
    return {"inline_keyboard": [[_wire_button(one) for one in row] for row in keyboard.inline_keyboard]}


def _wire_button(one: InlineKeyboardButton) -> dict[str, Any]:
    return one.to_dict() if one.callback_data is None else {"text": one.text, "callback_data": one.callback_data}


def pairs(buttons: Iterable[InlineKeyboardButton]) -> list[list[InlineKeyboardButton]]:
    """Buttons two and two, for ``rows(*pairs(…))``: that suits short words on a small phone."""
    every = list(buttons)
    return [every[start : start + 2] for start in range(0, len(every), 2)]


def contact_keyboard(share: str, *others: str) -> ReplyKeyboardMarkup:
    """Asks for the person's own phone number: one big key ``share``, below it keys that send their own text."""
    return ReplyKeyboardMarkup(
        [[KeyboardButton(share, request_contact=True)], *([KeyboardButton(text)] for text in others)],
        resize_keyboard=True,
        one_time_keyboard=True,
        is_persistent=False,
    )


def no_keyboard() -> ReplyKeyboardRemove:
    """Takes the keys of ``contact_keyboard`` away again."""
    return ReplyKeyboardRemove()


class Page(Generic[Item]):
    """One screen of a list that is all at hand (the API's own pages go by cursor)."""

    def __init__(self, items: Sequence[Item], number: int, *, size: int = SCREEN) -> None:
        """``number`` counts from 0; one beyond the end shows the last page."""
        self.count = max(1, -(-len(items) // size))
        self.number = min(max(number, 0), self.count - 1)
        self.items = items[self.number * size : (self.number + 1) * size]


def lines(*parts: str | None) -> Html:
    """Lines of a message; None is left out, an empty text leaves a line empty."""
    return Html("\n".join(escaped(part) for part in parts if part is not None))


def shorten(text: str, limit: int) -> str:
    """Plain text of at most ``limit`` characters; a cut is shown by an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
