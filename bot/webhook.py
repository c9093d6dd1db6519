"""Updates posted by Telegram: an ASGI app that answers 200 when an update is done, and not before.

A turn that fails for a reason that may pass answers 503, so that Telegram brings the update again; after ``MAX_TRIES``
the person is told instead, and where Telegram does not take even that, it comes a few times more. Telegram posts a
chat's next message only when the one before is done, so the order holds.

What is remembered here of updates is this process's own and spares work. Of several replicas behind one address each
counts for itself, so that a turn is tried up to ``(MAX_TRIES - 1) * replicas + 1`` times; that no update is taken twice
is seen to by the chat's state (``bot.sessions``).
"""

import asyncio
import hmac
from collections import OrderedDict
from typing import Any

import orjson
import structlog
from telegram import Update
from telegram.ext import BaseUpdateProcessor

from bot.context import App
from bot.health import lifespan
from bot.logs import place_of
from bot.sessions import UNTOLD_TRIES
from bot.turns import Delivery, delivery

log = structlog.get_logger()

MAX_TRIES = 3
"""Then the person is told."""
MAX_BODY = 1024 * 1024
"""Bytes; an update is a few kilobytes."""
REMEMBERED = 10_000
"""Updates of which it is remembered that they are done or failed."""

_SECRET = b"x-telegram-bot-api-secret-token"
Scope = dict[str, Any]


class Webhook:
    """The ASGI app."""

    def __init__(self, application: App, secret: str, path: str) -> None:
        """
        Args:
            application: initialized and started.
            secret: as told to Telegram.
            path: where updates are posted.
        """
        self._application = application
        self._processor: BaseUpdateProcessor = application.update_processor
        self._secret = secret.encode()
        self._path = path or "/"
        self._done: OrderedDict[int, None] = OrderedDict()
        self._failures: OrderedDict[int, int] = OrderedDict()
        self._running: dict[int, asyncio.Task[bool]] = {}

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        status = await self._answer(scope, receive)
        await _respond(send, status)

    async def _answer(self, scope: Scope, receive: Any) -> int:
        if scope["path"] == "/healthz" and scope["method"] in ("GET", "HEAD"):
            return 200
        if scope["path"] != self._path:
            return 404
        if scope["method"] != "POST":
            return 405
        if not hmac.compare_digest(_header(scope, _SECRET), self._secret):
            return 403
        body = await _read(receive)
        if body is None:
            return 413
        update = self._parse(body)
        if update is None:
            # 200 all the same: Telegram would bring again and again what is not understood.
            return 200
        return 200 if await self._handle(update) else 503

    def _parse(self, body: bytes) -> Update | None:
        try:
            wire = orjson.loads(body)
            if not isinstance(wire, dict) or not isinstance(wire.get("update_id"), int):
                raise ValueError("no update")
            return Update.de_json(wire, self._application.bot)
        except Exception as error:
            log.warning("update_not_understood", error=type(error).__name__, at=place_of(error))
            return None

    async def _handle(self, update: Update) -> bool:
        """Work on an update, or wait for the one that already does; True when it is done for good."""
        number = update.update_id
        if number in self._done:
            return True
        task = self._running.get(number)
        if task is None:
            task = asyncio.create_task(self._work(update))
            self._running[number] = task
            task.add_done_callback(lambda _: self._running.pop(number, None))
        # Telegram may hang up while it waits; the turn goes on to its end.
        return await asyncio.shield(task)

    async def _work(self, update: Update) -> bool:
        number = update.update_id
        failures = self._failures.get(number, 0)
        how = Delivery(last_try=failures >= MAX_TRIES - 1, may_come_again=failures < UNTOLD_TRIES - 1)
        delivery.set(how)
        try:
            await self._processor.process_update(update, self._application.process_update(update))
        except Exception as error:
            log.error("update_failed", error=type(error).__name__, at=place_of(error), update_id=number)
        if how.passing:
            _remember(self._failures, number, failures + 1)
            return False
        self._failures.pop(number, None)
        _remember(self._done, number, None)
        return True

    async def drain(self) -> None:
        """Wait for the turns under way."""
        while self._running:
            await asyncio.gather(*self._running.values(), return_exceptions=True)


def _remember(memory: "OrderedDict[int, Any]", number: int, value: Any) -> None:
    memory[number] = value
    memory.move_to_end(number)
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)


def _header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return b""


async def _read(receive: Any) -> bytes | None:
    """The body; None when it is too large or the client went away."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if not message.get("more_body"):
            return bytes(body)


async def _respond(send: Any, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
