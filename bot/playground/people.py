"""People of the playground and the chat each of them has with the bot."""

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from bot.playground.bell import Bell
from bot.playground.keyboards import Markup, is_inline

Wire = dict[str, Any]
HISTORY = 3_000
"""Messages kept per chat; older ones are forgotten."""
EVENTS = 200


@dataclass(slots=True)
class Message:
    """``wire`` is what the Bot API shows; it is replaced, never changed, so a queued update stays as it was."""

    wire: Wire
    mine: bool
    """Sent by the person, not by the bot."""
    markup: Markup | None = None
    """As the bot sent it, reply keyboards included, which the wire form leaves out."""
    event: int = 0
    silent: bool = False
    seen: bool = False
    rewritten: bool = False
    """Edited in its words: an exchanged keyboard alone shows no mark in a real app."""

    @property
    def message_id(self) -> int:
        return int(self.wire["message_id"])

    def view(self) -> Wire:
        """The message as its owner's app shows it."""
        view = dict(self.wire)
        view.pop("reply_markup", None)
        if self.markup is not None:
            view["reply_markup"] = self.markup
        view["edited"] = "edit_date" in self.wire
        view["rewritten"] = self.rewritten
        view["mine"] = self.mine
        view["event"] = self.event
        if self.mine:
            view["seen"] = self.seen
        if self.silent:
            view["silent"] = True
        return view


@dataclass(slots=True)
class Event:
    number: int
    kind: str
    data: Wire


@dataclass(slots=True)
class Person:
    user: Wire
    chat: Wire
    phone: str
    note: str = ""
    started: bool = False
    """The bot can reach a person only after their first message."""
    blocked: bool = False
    chat_instance: str = ""
    keyboard: Message | None = None
    """The message whose reply keyboard is on the screen."""
    keyboard_used: bool = False
    """The person has written since it came: a one-time keyboard is folded away."""
    log: dict[int, Message] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS))
    bell: Bell = field(default_factory=Bell)

    @property
    def id(self) -> int:
        return int(self.user["id"])

    @property
    def shared_phone(self) -> str:
        """As Telegram shares it: with the country code, which people leave out of a number of the mainland."""
        return f"86{self.phone}" if re.fullmatch(r"1\d{10}", self.phone) else self.phone

    @property
    def language(self) -> str:
        return str(self.user.get("language_code", ""))

    def after(self, message_id: int, limit: int = HISTORY) -> list[Message]:
        """The newest ``limit`` messages after ``message_id``, oldest first; costs what it returns."""
        newer: list[Message] = []
        for message in reversed(self.log.values()):
            if message.message_id <= message_id or len(newer) == limit:
                break
            newer.append(message)
        newer.reverse()
        return newer

    def changed_since(self, event: int, after: int = 0) -> list[Wire]:
        """Messages beyond ``after`` that came or changed after an event, each once, by number."""
        if self.events and self.events[0].number > event + 1 and len(self.events) == self.events.maxlen:
            return [message.view() for message in self.after(after)]
        touched: set[int] = set()
        for one in reversed(self.events):
            if one.number <= event:
                break
            if one.kind in ("message", "edited"):
                touched.add(one.data["message_id"])
            elif one.kind == "deleted":
                touched.update(one.data["message_ids"])
        found: list[Wire] = []
        for message_id in sorted(touched):
            if message_id > after:
                message = self.log.get(message_id)
                found.append(message.view() if message is not None else {"message_id": message_id, "deleted": True})
        return found

    def keep(self, message: Message) -> None:
        self.log[message.message_id] = message
        if len(self.log) > HISTORY:
            # In slices: dropping the first key of a dict one by one gets slower and slower.
            for message_id in list(self.log)[: HISTORY // 10]:
                del self.log[message_id]

    def show_keyboard(self, message: Message) -> bool:
        """Takes over what a new message says about the reply keyboard. True when it changed."""
        markup = message.markup
        if markup is None or is_inline(markup) or "force_reply" in markup:
            return False
        self.keyboard = message if "keyboard" in markup else None
        self.keyboard_used = False
        return True

    def card(self) -> Wire:
        """The person as the user side lists them."""
        keyboard = self.keyboard.markup if self.keyboard is not None else None
        return {
            "id": self.id,
            "first_name": self.user["first_name"],
            "last_name": self.user.get("last_name"),
            "username": self.user.get("username"),
            "language_code": self.user.get("language_code"),
            "phone": self.phone,
            "note": self.note,
            "started": self.started,
            "blocked": self.blocked,
            "keyboard": keyboard,
            "keyboard_used": self.keyboard_used,
            "keyboard_message_id": self.keyboard.message_id if self.keyboard is not None else None,
        }
