"""Conversation state of a chat: lock, load, run, save by compare-and-set.

For each update of a private chat ``ChatProcessor`` waits its turn (one chat's updates run in the order in which they
came, different chats at the same time), loads the chat's state from the API, runs PTB's handlers, and saves what
they changed. Nothing is kept in this process between two turns, so any replica can take the next one.

What a handler can rely on:

- When it fails, its changes to the session are discarded: the person can simply do the step again.
- When another replica saved the chat meanwhile, the whole turn is run once more on the fresh state. **The person then
  may get a second answer**, which is right for the fresh state. What a turn changes through ``backend`` must
  therefore be repeatable: give it an idempotency key made from the dialog's id, or let it be naturally so.
- An update whose turn was saved is not taken again when Telegram brings it once more (a replica died, or its answer
  got lost, after the save). One whose turn was not saved is run again: what it began is the same conversation, so that
  what it files by that id is filed once.
- State is saved after the answers went out. If that save fails the person is told so and is asked the same
  question again; the other way round they would answer a question that they never saw.
"""

import asyncio
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Protocol

import structlog
from telegram import Chat, Message, Update
from telegram.ext import BaseUpdateProcessor

import locales
from api.chats.schemas import ChatSave, ChatState, Dialog, Facts
from bot.backend import Backend, VersionConflict
from bot.callbacks import Callback, DialogCallback, decode
from bot.intake import is_sound
from bot.metrics import Metrics
from bot.rests import Rests
from bot.tracing import span
from bot.trails import begin_trail, current_trail
from bot.turns import Delivery, Turn, command_of, delivery, running

log = structlog.get_logger()

_INTERRUPTED = "interrupted"
MAX_WAITING = 10_000
"""Updates taken in at the same time; all but ``concurrency`` of them wait."""
UNTOLD_TRIES = 12
"""So often a polled update is worked on while Telegram takes no answer to it: for about a minute and a half, longer
where Telegram asks for pauses."""
JUST_NOW = 10.0
QUICKER_TRIES, QUICKER_REST = 2, 0.4
"""Whoever presses a button of a question that came within ``JUST_NOW`` may be quicker than the replica that asked it,
which has still to save that: so often, after so many seconds, it is looked again before the button counts as old."""
LONGEST_REST = 15.0
LONGEST_PAUSE = 60.0


class ChatSession:
    """A chat's state during one turn. Only ``locale`` and the dialog are saved. ``state`` is what was loaded.

    ``data`` of a dialog holds what JSON can: texts, numbers, booleans, lists, dictionaries.
    """

    __slots__ = (
        "_begun",
        "_loaded",
        "_loaded_locale",
        "_origin",
        "chat_id",
        "dialog",
        "linked",
        "locale",
        "state",
        "stored",
        "version",
    )

    def __init__(
        self, state: ChatState, *, locale: str | None = None, stored: bool = True, origin: str | None = None
    ) -> None:
        """
        Args:
            state: as loaded.
            locale: used while the chat has none of its own.
            stored: False for a chat without saved state (a group; or the API cannot be reached).
            origin: what the turn is about, as ``_origin`` gives it; chance where there is none.
        """
        self.state = state
        self.chat_id = state.chat_id
        self.linked = state.linked
        self.version = state.version
        self.dialog = state.dialog
        self.locale = state.locale or locale or locales.DEFAULT
        self.stored = stored
        self._origin = origin or secrets.token_hex(8)
        self._begun = 0
        self._loaded_locale = state.locale
        self._loaded = _snapshot(state.dialog)

    @property
    def changed(self) -> bool:
        return self.stored and (self.locale != self._loaded_locale or _snapshot(self.dialog) != self._loaded)

    def start_dialog(self, name: str, **data: Any) -> Dialog:
        """Begin a conversation (an unfinished one is dropped). Its new id serves as the idempotency key of what the
        conversation ends in. No other conversation has it, but the same one that begins again because its update came
        again has: the buttons of both answers are good."""
        self._begun += 1
        hashed = blake2b(f"{self.chat_id}:{self._origin}:{self._begun}".encode(), digest_size=8).digest()
        self.dialog = Dialog(id=urlsafe_b64encode(hashed).decode()[:10], name=name, data=data)
        return self.dialog

    def go(self, name: str, **data: Any) -> Dialog:
        """Go to another step of the conversation; ``data`` is added to what it knows.

        Raises:
            RuntimeError: there is no conversation.
        """
        if self.dialog is None:
            raise RuntimeError(f"there is no dialog to go to {name}")
        self.dialog = Dialog(id=self.dialog.id, name=name, data={**self.dialog.data, **data})
        return self.dialog

    def interrupt_with(self, name: str, **data: Any) -> Dialog:
        """Begin a conversation in the middle of another one, which goes on when this one ends. Where it waits itself,
        below others, it begins anew and waits no longer: in turn, two would pile up without end."""
        interrupted = _without(name.partition(".")[0], self.dialog)
        dialog = self.start_dialog(name, **data)
        if interrupted is not None:
            dialog.data[_INTERRUPTED] = interrupted.model_dump(mode="json")
        return dialog

    def end_dialog(self) -> None:
        """End the conversation; the one that it interrupted, if any, is the current one again."""
        interrupted = self.dialog.data.get(_INTERRUPTED) if self.dialog is not None else None
        self.dialog = Dialog.model_validate(interrupted) if interrupted is not None else None

    @property
    def interrupted(self) -> str | None:
        """The id of the conversation that goes on when this one ends."""
        waiting = self.dialog.data.get(_INTERRUPTED) if self.dialog is not None else None
        return None if waiting is None else str(waiting["id"])

    def forget(self) -> None:
        """The chat has been erased: what this turn knows of it is not saved again."""
        self.stored = False
        self.dialog = None

    def to_save(self, update_id: int) -> ChatSave:
        return ChatSave(version=self.version, locale=self.locale, dialog=self.dialog, update_id=update_id)


def _without(conversation: str, dialog: Dialog | None) -> Dialog | None:
    """The conversations that are going on or wait, but for this one."""
    if dialog is None:
        return None
    data = dict(dialog.data)
    below = data.pop(_INTERRUPTED, None)
    rest = _without(conversation, Dialog.model_validate(below)) if below is not None else None
    if dialog.name.partition(".")[0] == conversation:
        return rest
    if rest is not None:
        data[_INTERRUPTED] = rest.model_dump(mode="json")
    return Dialog(id=dialog.id, name=dialog.name, data=data)


def _snapshot(dialog: Dialog | None) -> str | None:
    return None if dialog is None else dialog.model_dump_json()


class UpdateRunner(Protocol):
    """What is needed of PTB's Application."""

    async def process_update(self, update: object) -> None: ...

    async def process_error(self, update: object, error: Exception) -> Any: ...


class _Queue:
    """Those who wait for one chat."""

    __slots__ = ("lock", "users")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class ChatProcessor(BaseUpdateProcessor):
    """Runs updates: see the module's docstring. ``run_with`` must be called before the first one."""

    __slots__ = ("_backend", "_hurry", "_metrics", "_needs", "_queues", "_runner", "_running", "_slots")

    def __init__(self, backend: Backend, concurrency: int, metrics: Metrics | None = None) -> None:
        # PTB's own limit is taken before the chat's lock: one chat that floods would fill it with waiting updates.
        super().__init__(max(MAX_WAITING, concurrency))
        self._backend = backend
        self._slots = asyncio.Semaphore(concurrency)
        self._queues: dict[int, _Queue] = {}
        self._runner: UpdateRunner | None = None
        self._needs: Mapping[str | type[Callback], Facts] = {}
        self._hurry = asyncio.Event()
        self._running = 0
        self._metrics = metrics
        if metrics is not None:
            metrics.watch_updates(self._waiting, lambda: self._running)

    def _waiting(self) -> int:
        return sum(queue.users for queue in self._queues.values()) - self._running

    def run_with(self, runner: UpdateRunner, needs: Mapping[str | type[Callback], Facts] | None = None) -> None:
        """``needs``: facts that commands (by name) and taps (by kind) are sure to ask for; they come with the state."""
        self._runner = runner
        self._needs = needs or {}

    async def initialize(self) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to give back."""

    def hurry(self) -> None:
        """The bot is about to end: whoever waits for Telegram tries a last time."""
        self._hurry.set()

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        # A turn may have to run twice, a coroutine runs once: fresh ones are asked from the application.
        if isinstance(coroutine, Coroutine):
            coroutine.close()
        if not isinstance(update, Update):
            return
        if not is_sound(update):
            log.warning("update_not_understood", update_id=update.update_id)
            return
        chat = update.effective_chat
        if chat is None or not (update.message or update.callback_query):
            # Edited messages change nothing; a block or unblock (my_chat_member) is learnt when sending.
            return
        begin_trail(update.update_id)
        queue = self._queues.get(chat.id)
        if queue is None:
            queue = self._queues[chat.id] = _Queue()
        queue.users += 1
        try:
            async with queue.lock:
                await self._take_turns(update, chat)
        finally:
            queue.users -= 1
            if not queue.users:
                del self._queues[chat.id]

    async def _take_turns(self, update: Update, chat: Chat) -> None:
        """Until the person has an answer, be it that there is none. What Telegram posted, it brings again by itself;
        what was polled is confirmed, and lives here alone."""
        if delivery.get() is not None:
            async with self._slots:
                await self._take_turn(update, chat)
            return
        rests = Rests(LONGEST_REST)
        for tries_left in reversed(range(UNTOLD_TRIES)):
            how = Delivery(may_come_again=tries_left > 0 and not self._hurry.is_set())
            delivery.set(how)
            async with self._slots:
                await self._take_turn(update, chat)
            if not how.passing:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), max(rests.next(), min(how.pause, LONGEST_PAUSE)))

    async def _take_turn(self, update: Update, chat: Chat) -> None:
        """As below; how it went is counted."""
        trail = current_trail()
        trail.begin_turn()
        self._running += 1
        try:
            with span("turn") as traced:
                await self._answer(update, chat)
                if traced is not None:
                    traced.update_name(f"turn {trail.handler}")
                    traced.set_attributes({"outcome": trail.outcome, "update_id": update.update_id})
        finally:
            self._running -= 1
        if self._metrics is not None:
            self._metrics.turn(trail.handler, trail.outcome, trail.seconds)

    async def _answer(self, update: Update, chat: Chat) -> None:
        language = locales.match(update.effective_user.language_code if update.effective_user else None)
        if chat.type != Chat.PRIVATE:
            await self._run(Turn(update, _unstored(chat.id, language), private=False))
            return
        error: Exception
        needs = self._needed_by(update)
        for _ in range(2):
            try:
                session = await self._load(chat.id, language, needs, _origin(update))
                for _ in range(QUICKER_TRIES):
                    if not _is_ahead(update, session):
                        break
                    await asyncio.sleep(QUICKER_REST)
                    session = await self._load(chat.id, language, needs, _origin(update))
                if update.update_id in session.state.taken:
                    log.info("update_taken_before", update_id=update.update_id)
                    return
                turn = Turn(update, session)
                await self._run(turn)
                if session.changed and not turn.failed:
                    await self._backend.save_chat(chat.id, session.to_save(update.update_id))
                return
            except VersionConflict as conflict:
                error = conflict
            except Exception as failure:
                # Nothing may leave here unanswered: PTB would only log it.
                error = failure
                break
        await self._fail(Turn(update, _unstored(chat.id, language)), error)

    def _needed_by(self, update: Update) -> Facts | None:
        if update.callback_query:
            tap = decode(update.callback_query.data)
            return self._needs.get(type(tap)) if tap else None
        command = command_of(update)
        return self._needs.get(command[0]) if command else None

    async def _load(self, chat_id: int, language: str, needs: Facts | None, origin: str) -> ChatSession:
        state = await self._backend.chat(chat_id, needs)
        if state.locale is None or state.gone:
            # First contact: the language is stored at once, so that the chat exists when the turn links it. Who had
            # gone is there again from now on: notices come again.
            state = await self._backend.save_chat(
                chat_id, ChatSave(version=state.version, locale=state.locale or language, dialog=state.dialog)
            )
        return ChatSession(state, origin=origin)

    async def _run(self, turn: Turn) -> None:
        assert self._runner is not None  # noqa: S101 - see the class's docstring
        token = running.set(turn)
        try:
            await self._runner.process_update(turn.update)
        finally:
            running.reset(token)

    async def _fail(self, turn: Turn, error: Exception) -> None:
        assert self._runner is not None  # noqa: S101 - see the class's docstring
        token = running.set(turn)
        try:
            await self._runner.process_error(turn.update, error)
        finally:
            running.reset(token)


def _origin(update: Update) -> str:
    """The same whenever Telegram brings the update, and never the same as another's: after a week without updates it
    numbers them anew."""
    query, message = update.callback_query, update.message
    what = query.id if query else f"{message.message_id}:{message.date}" if message else ""
    return f"{update.update_id}:{what}"


def _is_ahead(update: Update, session: ChatSession) -> bool:
    """Whether a tap may belong to a question that was asked just now, by another replica that has not saved it yet."""
    query = update.callback_query
    message = query.message if query else None
    tap = decode(query.data) if query else None
    if not isinstance(tap, DialogCallback) or not isinstance(message, Message):
        return False
    if session.dialog is not None and session.dialog.id == tap.dialog:
        return False
    shown = message.edit_date or message.date
    return abs((datetime.now(UTC) - shown).total_seconds()) < JUST_NOW


def _unstored(chat_id: int, locale: str) -> ChatSession:
    return ChatSession(
        ChatState(chat_id=chat_id, locale=locale, linked=False, dialog=None, version=0), locale=locale, stored=False
    )
