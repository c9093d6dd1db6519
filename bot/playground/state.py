"""The playground's world: one bot, its people, their chats. State only: no socket, no file, no HTTP."""

import secrets
import time
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any

from bot.playground.bell import Bell
from bot.playground.errors import ApiError, PlayError, bad_request
from bot.playground.faults import Faults
from bot.playground.files import FileStore
from bot.playground.keyboards import Markup, is_inline
from bot.playground.people import Event, Message, Person, Wire
from bot.playground.profile import Profile
from bot.playground.updates import Update, UpdateQueue

QUERY_LIFETIME = 900
"""Seconds in which a tap can be answered."""
MESSAGES = 100_000
"""Kept in all chats together, the newest."""
TAPS = 20_000


@dataclass(slots=True)
class Tap:
    """A pressed inline button, until it is answered."""

    tap_id: str
    person: Person
    message_id: int
    date: float
    answer: Wire | None = None
    bell: Bell = field(default_factory=Bell)


@dataclass(slots=True)
class Outbox:
    """What the bot has called so far, by method."""

    done: Counter[str] = field(default_factory=Counter)
    failed: dict[str, Counter[str]] = field(default_factory=dict)
    peak: int = 0
    """The most messages sent within any one second."""
    _recent: deque[float] = field(default_factory=deque)

    def count(self, method: str, error: ApiError | None) -> None:
        if error is None:
            self.done[method] += 1
        else:
            self.failed.setdefault(method, Counter())[str(error.status)] += 1

    def sent(self) -> None:
        now = time.monotonic()
        self._recent.append(now)
        while self._recent[0] <= now - 1:
            self._recent.popleft()
        self.peak = max(self.peak, len(self._recent))


class Playground:
    """Everything the Bot API side and the user side share. Not safe across threads or event loops."""

    def __init__(self, token: str, *, name: str = "上楼", username: str = "shanglou_playground_bot") -> None:
        number, colon, secret = token.partition(":")
        if not (colon and secret and number.isdigit()):
            raise ValueError("a bot token looks like 1:secret")
        self.token = token
        self.bot: Wire = {"id": int(number), "is_bot": True, "first_name": name, "username": username}
        self.people: dict[int, Person] = {}
        self.updates = UpdateQueue(self._taken)
        self.faults = Faults()
        self.files = FileStore()
        self.profile = Profile(name)
        self.outbox = Outbox()
        self.closing = False
        self._by_username: dict[str, Person] = {}
        self._taps: OrderedDict[str, Tap] = OrderedDict()
        self._kept: deque[tuple[Person, int]] = deque()
        self._last_user_id = 700_000_000
        self._last_message_id = 0
        self._last_event = 0

    # People

    def add_person(
        self,
        first_name: str,
        *,
        last_name: str | None = None,
        username: str | None = None,
        phone: str | None = None,
        language_code: str | None = None,
        note: str = "",
        user_id: int | None = None,
        started: bool = False,
    ) -> Person:
        if user_id is None:
            self._last_user_id += 1
            while self._last_user_id in self.people:
                self._last_user_id += 1
            user_id = self._last_user_id
        elif user_id in self.people or user_id == self.bot["id"]:
            raise PlayError(409, f"there is a person {user_id} already")
        if username and username.lower() in self._by_username:
            raise PlayError(409, f"there is a person @{username} already")
        names = {"first_name": first_name} | ({"last_name": last_name} if last_name else {})
        if username:
            names["username"] = username
        user: Wire = {"id": user_id, "is_bot": False, **names}
        if language_code:
            user["language_code"] = language_code
        person = Person(
            user=user,
            chat={"id": user_id, **names, "type": "private"},
            # Telegram's own test numbers begin like this; nobody real has one.
            phone=phone or f"+99966{user_id % 100_000:05d}",
            note=note,
            started=started,
            chat_instance=str(secrets.randbits(63)),
        )
        self.people[user_id] = person
        if username:
            self._by_username[username.lower()] = person
        return person

    def person(self, user_id: int) -> Person:
        person = self.people.get(user_id)
        if person is None:
            raise PlayError(404, f"there is no person {user_id}")
        return person

    def chat(self, chat_id: Any) -> Person:
        """The chat as a bot may address it: 400 when it never wrote, 403 when it blocked the bot."""
        person: Person | None
        if isinstance(chat_id, str) and chat_id.startswith("@"):
            person = self._by_username.get(chat_id[1:].lower())
        else:
            try:
                person = self.people.get(int(chat_id))
            except (TypeError, ValueError):
                person = None
        if person is None or not person.started:
            raise bad_request("chat not found")
        if person.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        return person

    # What a person does

    def say(self, person: Person, content: Wire) -> Message:
        """A message from the person to the bot."""
        if person.blocked:
            raise PlayError(409, "the bot is blocked: unblock it first")
        person.started = True
        message = self._store(person, Message(self._wire(person, person.user, content), mine=True))
        keyboard = person.keyboard
        if keyboard is not None and not person.keyboard_used:
            person.keyboard_used = True
            self._tell(person, "keyboard_used", {"message_id": keyboard.message_id})
        self.updates.put(person.id, "message", message.wire)
        return message

    def revise(self, person: Person, message_id: int, content: Wire) -> Message:
        """The person edits a message of theirs."""
        message = person.log.get(message_id)
        if message is None or not message.mine or "text" not in message.wire:
            raise PlayError(404, f"no text of this person has the number {message_id}")
        wire = {key: value for key, value in message.wire.items() if key != "entities"}
        message.wire = {**wire, **content, "edit_date": int(time.time())}
        message.rewritten = True
        self._changed(person, "edited", message)
        self.updates.put(person.id, "edited_message", message.wire)
        return message

    def tap(self, person: Person, message_id: int, data: str) -> Tap:
        """Presses an inline button; a message that is gone is sent as inaccessible, as Telegram does."""
        if person.blocked:
            raise PlayError(409, "the bot is blocked: unblock it first")
        person.started = True
        tap = Tap(str(secrets.randbits(62)), person, message_id, time.time())
        self._taps[tap.tap_id] = tap
        if len(self._taps) > TAPS:
            self._taps.popitem(last=False)
        message = person.log.get(message_id)
        shown = (
            message.wire
            if message is not None and not message.mine
            else {"chat": person.chat, "message_id": message_id, "date": 0}
        )
        query = {
            "id": tap.tap_id,
            "from": person.user,
            "message": shown,
            "chat_instance": person.chat_instance,
            "data": data,
        }
        self.updates.put(person.id, "callback_query", query)
        return tap

    def set_blocked(self, person: Person, blocked: bool) -> None:
        if person.blocked == blocked:
            return
        person.blocked = blocked
        person.started = True
        self._tell(person, "blocked", {"blocked": blocked})
        member, kicked = (
            {"user": self.bot, "status": "member"},
            {"user": self.bot, "status": "kicked", "until_date": 0},
        )
        old, new = (member, kicked) if blocked else (kicked, member)
        change = {
            "chat": person.chat,
            "from": person.user,
            "date": int(time.time()),
            "old_chat_member": old,
            "new_chat_member": new,
        }
        self.updates.put(person.id, "my_chat_member", change)

    def find_tap(self, tap_id: str) -> Tap | None:
        return self._taps.get(tap_id)

    # What the bot does

    def post(self, person: Person, content: Wire, markup: Markup | None = None, *, silent: bool = False) -> Message:
        """A message from the bot. Only an inline keyboard is part of what the Bot API echoes."""
        wire = self._wire(person, self.bot, content)
        if is_inline(markup):
            wire["reply_markup"] = markup
        message = Message(wire, mine=False, markup=markup, silent=silent)
        self.outbox.sent()
        self._store(person, message)
        if person.show_keyboard(message):
            self._tell(person, "keyboard", {"keyboard": message.markup, "message_id": message.message_id})
        return message

    def edit(self, person: Person, message_id: int, content: Wire | None, markup: Markup | None) -> Message:
        """New words (``content``), or only a new inline keyboard (None)."""
        message = person.log.get(message_id)
        if message is None:
            raise bad_request("message to edit not found")
        if message.mine:
            raise bad_request("message can't be edited")
        inline = markup if is_inline(markup) else None
        wire = {key: value for key, value in message.wire.items() if key != "reply_markup"}
        if content is not None:
            if "text" in content and "text" not in wire:
                raise bad_request("there is no text in the message to edit")
            if "text" not in content and "text" in wire:
                raise bad_request("there is no caption in the message to edit")
            for key in ("text", "entities", "caption", "caption_entities", "link_preview_options"):
                wire.pop(key, None)
            wire.update(content)
        if inline is not None:
            wire["reply_markup"] = inline
        before = {key: value for key, value in message.wire.items() if key != "edit_date"}
        if before == {key: value for key, value in wire.items() if key != "edit_date"}:
            raise bad_request(
                "message is not modified: specified new message content and reply markup are exactly the same"
                " as a current content and reply markup of the message"
            )
        wire["edit_date"] = int(time.time())
        message.wire = wire
        message.markup = inline
        message.rewritten = message.rewritten or content is not None
        self._changed(person, "edited", message)
        return message

    def delete(self, person: Person, message_ids: list[int]) -> int:
        """Removes what is there, on both sides; returns how many were."""
        gone = [message_id for message_id in message_ids if person.log.pop(message_id, None) is not None]
        if gone:
            self._tell(person, "deleted", {"message_ids": gone})
            if person.keyboard is not None and person.keyboard.message_id in gone:
                # A reply keyboard leaves the screen together with the message that brought it.
                person.keyboard = None
                self._tell(person, "keyboard", {"keyboard": None, "message_id": None})
        return len(gone)

    def act(self, person: Person, action: str) -> None:
        self._tell(person, "action", {"action": action})

    def answer_tap(self, tap_id: str, answer: Wire) -> None:
        tap = self._taps.get(tap_id)
        if tap is None or time.time() - tap.date > QUERY_LIFETIME:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        if tap.answer is not None:
            return
        tap.answer = answer
        tap.bell.ring()
        self._tell(tap.person, "answer", {"callback_query_id": tap_id, "message_id": tap.message_id, **answer})

    # Inside

    def close(self) -> None:
        """Lets everybody who waits go, so that a server can end."""
        self.closing = True
        self.updates.wake()
        for person in self.people.values():
            person.bell.ring()
        for tap in self._taps.values():
            tap.bell.ring()

    def _wire(self, person: Person, sender: Wire, content: Wire) -> Wire:
        self._last_message_id += 1
        return {
            "message_id": self._last_message_id,
            "from": sender,
            "chat": person.chat,
            "date": int(time.time()),
            **content,
        }

    def _store(self, person: Person, message: Message) -> Message:
        person.keep(message)
        self._kept.append((person, message.message_id))
        if len(self._kept) > MESSAGES:
            owner, message_id = self._kept.popleft()
            owner.log.pop(message_id, None)
        self._changed(person, "message", message)
        return message

    def _changed(self, person: Person, kind: str, message: Message) -> None:
        message.event = self._last_event + 1
        self._tell(person, kind, {"message_id": message.message_id})

    def _tell(self, person: Person, kind: str, data: Wire) -> None:
        self._last_event += 1
        person.events.append(Event(self._last_event, kind, data))
        person.bell.ring()

    def _taken(self, update: Update) -> None:
        if update.kind == "message":
            person = self.people.get(update.chat_id)
            message = person.log.get(update.body.get("message_id", 0)) if person is not None else None
            if person is not None and message is not None:
                message.seen = True
                self._tell(person, "seen", {"message_id": message.message_id})
