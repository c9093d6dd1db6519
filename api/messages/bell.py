"""Hears when something comes into the outbox: PostgreSQL's LISTEN on one connection for the whole process.

A trigger rings as the transaction that put it there commits. Whoever waits also looks by itself every ``POLL`` seconds,
for what no ringing announces (a lease that ran out, a message for later) and for the time in which nobody listens.
"""

import asyncio
import contextlib
from typing import Any

import asyncpg
import structlog

from api.db import CONNECT_SECONDS, SERVER_SETTINGS, driver_url

log = structlog.get_logger()

CHANNEL = "deliveries"
POLL = 1.0
CHECK = 30.0
"""Seconds after which it is made sure that the connection on which nothing rings is alive."""


class Bell:
    """Begins to listen when somebody waits for the first time."""

    def __init__(self, url: str) -> None:
        self._url = driver_url(url)
        self._task: asyncio.Task[None] | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self.rung = 0
        """How often it has rung: read it before you look, so that nothing that comes meanwhile is missed."""
        self._ended = asyncio.Event()

    @property
    def ended(self) -> bool:
        """The process is about to end: nobody waits any longer."""
        return self._ended.is_set()

    async def wait(self, rung: int, seconds: float) -> None:
        """Until it has rung more often than that; at most ``seconds``."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen())
        if self.rung != rung or self.ended:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await asyncio.wait_for(waiter, seconds)
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(waiter)

    async def rest(self, seconds: float) -> None:
        """Whatever rings meanwhile."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    def end(self) -> None:
        """Send away all who wait: the server is about to close their connections."""
        self._ended.set()
        self._ring()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("outbox_not_heard", error=type(error).__name__)
            await asyncio.sleep(POLL)

    async def _listen_once(self) -> None:
        """Until the connection ends."""
        ended = asyncio.Event()
        connection = await asyncpg.connect(
            self._url, timeout=CONNECT_SECONDS, command_timeout=CONNECT_SECONDS, server_settings=SERVER_SETTINGS
        )
        try:
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(CHANNEL, self._ring)
            self._ring()
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), CHECK)
                    return
                await connection.execute("SELECT")
        finally:
            connection.terminate()

    def _ring(self, *_: Any) -> None:
        self.rung += 1
        for waiter in [*self._waiting]:
            if not waiter.done():
                waiter.set_result(None)
