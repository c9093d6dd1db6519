"""The queue of updates: kept until an offset confirms them, or until a webhook took them."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bot.playground.errors import ApiError

DEFAULT_KINDS = frozenset(
    {
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "inline_query",
        "chosen_inline_result",
        "callback_query",
        "shipping_query",
        "pre_checkout_query",
        "poll",
        "poll_answer",
        "my_chat_member",
        "chat_join_request",
    }
)
"""What a bot gets that never said what it wants."""
KEEP = 100_000


@dataclass(slots=True, frozen=True)
class Update:
    update_id: int
    chat_id: int
    kind: str
    body: dict[str, Any]

    def wire(self) -> dict[str, Any]:
        return {"update_id": self.update_id, self.kind: self.body}


class UpdateQueue:
    """One bot's updates in order. ``on_taken`` hears of each one the bot has received for good."""

    def __init__(self, on_taken: Callable[[Update], None]) -> None:
        self._pending: OrderedDict[int, Update] = OrderedDict()
        # Anywhere, as at Telegram: what another playground numbered is never taken for this one's.
        self._last_id = 100_000_000 + secrets.randbelow(900_000_000)
        self._allowed: list[str] = []
        self._poll: asyncio.Future[None] | None = None
        self._on_taken = on_taken
        self.listener: Callable[[Update], None] | None = None
        """Set while a webhook is active: hears every new update."""

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def allowed(self) -> list[str]:
        return self._allowed

    def allow(self, kinds: Iterable[str] | None) -> None:
        """None leaves the former choice, an empty list brings the default back."""
        if kinds is not None:
            self._allowed = sorted(set(kinds))

    def put(self, chat_id: int, kind: str, body: dict[str, Any]) -> None:
        if kind not in (self._allowed or DEFAULT_KINDS):
            return
        self._last_id += 1
        update = Update(self._last_id, chat_id, kind, body)
        self._pending[update.update_id] = update
        if len(self._pending) > KEEP:
            self._pending.popitem(last=False)
        if self.listener is not None:
            self.listener(update)
        elif self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def pending(self) -> list[Update]:
        return list(self._pending.values())

    def take(self, update: Update) -> None:
        """The webhook took it."""
        if self._pending.pop(update.update_id, None) is not None:
            self._on_taken(update)

    def holds(self, update: Update) -> bool:
        return update.update_id in self._pending

    def drop(self) -> None:
        self._pending.clear()

    async def poll(self, offset: int, limit: int, seconds: float) -> list[dict[str, Any]]:
        """getUpdates. A poll that begins ends the one before it, which answers 409."""
        self.interrupt("other getUpdates request; make sure that only one bot instance is running")
        if offset < 0:
            offset = max(self._last_id + 1 + offset, 0)
        while self._pending and next(iter(self._pending)) < offset:
            self._on_taken(self._pending.popitem(last=False)[1])
        if not self._pending and seconds > 0:
            await self._sleep(seconds)
        batch: list[dict[str, Any]] = []
        for update in self._pending.values():
            if len(batch) == limit:
                break
            batch.append(update.wire())
        return batch

    async def _sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        poll: asyncio.Future[None] = loop.create_future()
        self._poll = poll
        alarm = loop.call_later(seconds, _finish, poll)
        try:
            await poll
        finally:
            alarm.cancel()
            if self._poll is poll:
                self._poll = None

    def interrupt(self, cause: str) -> None:
        poll, self._poll = self._poll, None
        if poll is not None and not poll.done():
            poll.set_exception(ApiError(409, f"Conflict: terminated by {cause}"))

    def wake(self) -> None:
        """Lets a waiting poll answer now, with nothing: the server is closing."""
        if self._poll is not None:
            _finish(self._poll)


def _finish(poll: asyncio.Future[None]) -> None:
    if not poll.done():
        poll.set_result(None)
