"""Messages that keep themselves up to date for a while: one for each chat, the newest. They live in this process alone;
who is shown something has a button that brings the newest in any case."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import structlog

from bot.logs import place_of

log = structlog.get_logger()


class Watches:
    """The tasks that do it. They end with the process, whatever they are at."""

    def __init__(self) -> None:
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def begin(self, chat_id: int, work: Coroutine[Any, Any, None]) -> None:
        """From now on, in place of what this chat has watched so far."""
        self.end(chat_id)
        task = asyncio.create_task(self._run(work))
        self._tasks[chat_id] = task
        task.add_done_callback(lambda done: self._forget(chat_id, done))

    def end(self, chat_id: int) -> None:
        task = self._tasks.pop(chat_id, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            log.error("watch_failed", error=type(error).__name__, at=place_of(error))

    def _forget(self, chat_id: int, done: asyncio.Task[None]) -> None:
        if self._tasks.get(chat_id) is done:
            del self._tasks[chat_id]
