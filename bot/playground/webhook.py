"""Delivers updates to a webhook as Telegram does: a chat's messages in order, the taps in it in order, everything else
at the same time; again until it answers 2xx."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from bot.playground.updates import Update, UpdateQueue

FIRST_RETRY = 0.25
LAST_RETRY = 8.0
TIMEOUT = 60.0
"""Seconds."""

_Line = tuple[int, bool]
"""Of a chat: its messages, or the taps in it. One does not wait for the other."""
Execute = Callable[[str, dict[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class Webhook:
    """What setWebhook was told, and how it goes."""

    url: str
    secret: str
    max_connections: int
    last_error_date: int = 0
    last_error_message: str = ""

    def is_like(self, other: "Webhook") -> bool:
        return (self.url, self.secret, self.max_connections) == (other.url, other.secret, other.max_connections)


class Delivery:
    """``execute`` runs the method call that a webhook may put into its answer."""

    def __init__(self, updates: UpdateQueue, execute: Execute) -> None:
        self._updates = updates
        self._execute = execute
        self._queues: dict[_Line, deque[Update]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(1)
        self.webhook: Webhook | None = None

    async def start(self, webhook: Webhook) -> None:
        """Where it is set already, nothing is interrupted."""
        if self.webhook is not None and self.webhook.is_like(webhook):
            return
        await self.stop()
        self.webhook = webhook
        self._slots = asyncio.Semaphore(webhook.max_connections)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=webhook.max_connections),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            # A proxy set for the machine is not meant for this one's own loopback.
            trust_env=False,
        )
        for update in self._updates.pending():
            self._push(update)
        self._updates.listener = self._push

    async def stop(self) -> None:
        """What has not been taken stays in the queue, for getUpdates or the next webhook."""
        self._updates.listener = None
        self.webhook = None
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            # The one that asks may itself be running inside a delivery: it is not waited for.
            if task is not asyncio.current_task():
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        self._queues.clear()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _push(self, update: Update) -> None:
        line = update.chat_id, update.kind == "callback_query"
        queue = self._queues.get(line)
        if queue is not None:
            queue.append(update)
            return
        queue = self._queues[line] = deque([update])
        task = asyncio.get_running_loop().create_task(self._drain(line, queue))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, line: _Line, queue: deque[Update]) -> None:
        webhook, session = self.webhook, self._session
        if webhook is None or session is None:
            return
        pause = FIRST_RETRY
        while queue:
            if not self._updates.holds(queue[0]):
                queue.popleft()
                continue
            async with self._slots:
                problem = await self._deliver(webhook, session, queue[0])
            if problem is None:
                self._updates.take(queue.popleft())
                pause = FIRST_RETRY
            else:
                webhook.last_error_date = int(time.time())
                webhook.last_error_message = problem
                await asyncio.sleep(pause)
                pause = min(pause * 2, LAST_RETRY)
        if self._queues.get(line) is queue:
            del self._queues[line]

    async def _deliver(self, webhook: Webhook, session: aiohttp.ClientSession, update: Update) -> str | None:
        """None when it was taken, else what went wrong."""
        headers = {"Content-Type": "application/json"}
        if webhook.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook.secret
        try:
            async with session.post(
                webhook.url, data=orjson.dumps(update.wire()), headers=headers, allow_redirects=False
            ) as response:
                answer = await response.read()
                if not 200 <= response.status < 300:
                    return f"Wrong response from the webhook: {response.status} {response.reason}"
        except TimeoutError:
            return "Read timeout expired"
        except aiohttp.ClientError as error:
            return f"Connection failed: {type(error).__name__}"
        if answer.lstrip().startswith(b"{"):
            with contextlib.suppress(orjson.JSONDecodeError):
                call = orjson.loads(answer)
                method = call.pop("method", None)
                if isinstance(method, str):
                    await self._execute(method, call)
        return None
