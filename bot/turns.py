"""A turn: one update being worked on, how it reached the bot, and whether it may come again."""

import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telegram import Chat, Update

from bot.callbacks import Callback, decode

if TYPE_CHECKING:
    from bot.sessions import ChatSession

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)


@dataclass(slots=True)
class Delivery:
    """How an update reached the bot; lets a webhook know whether it should come again."""

    last_try: bool = True
    """Whether the person must be told now, because the update will not come again."""
    may_come_again: bool = False
    """Whether it does come again when the person could not even be told."""
    passing: bool = False
    """Set when the turn failed for a reason that may pass and nobody was told."""
    pause: float = 0.0
    """Seconds for which Telegram asked to be left alone."""


delivery: ContextVar[Delivery | None] = ContextVar("delivery", default=None)


def not_again() -> None:
    """The turn has done what counts each time: it is not run again, be it that nobody can be told how it went."""
    how = delivery.get()
    if how is not None:
        how.last_try, how.may_come_again = True, False


class Turn:
    """One update being worked on: its session, and what the filters need, read once."""

    __slots__ = ("answered", "command", "failed", "keeps_message", "private", "session", "tap", "update")

    def __init__(self, update: Update, session: "ChatSession", *, private: bool = True) -> None:
        self.update = update
        self.session = session
        self.private = private
        self.command = command_of(update)
        self.tap: Callback | None = decode(update.callback_query.data) if update.callback_query else None
        self.answered = False
        self.failed = False
        self.keeps_message = False
        """The tapped message is one that stays as it is: what answers the tap stands below it."""


running: ContextVar[Turn | None] = ContextVar("turn", default=None)


def current_turn() -> Turn:
    """The turn that is being run.

    Raises:
        RuntimeError: none is.
    """
    turn = running.get()
    if turn is None:
        raise RuntimeError("no update is being worked on")
    return turn


def in_group() -> bool:
    """Whether a turn of a group is being run, not of a private chat."""
    turn = running.get()
    return turn is not None and not turn.private


def command_of(update: Update) -> tuple[str, str] | None:
    """Name (lower case) and the rest of the text, when a message is a command. ``/start@name`` is ``start``; in a
    group, where ``name`` may be another bot's, only with our own."""
    message = update.message
    if message is None or not message.text or not message.text.startswith("/"):
        return None
    found = _COMMAND.fullmatch(message.text)
    if found is None:
        return None
    if found[2] and message.chat.type != Chat.PRIVATE and found[2].lower() != update.get_bot().username.lower():
        return None
    return found[1].lower(), (found[3] or "").strip()
