"""Recording look-ups: before its answer leaves, every look-up of somebody's data stands in the audit record.

A commit for each would cost more than the look-up itself. So the look-ups that come in while one write is under way are
written by the next one, all in one statement; after one that several shared, the next begins ``GATHER_SECONDS`` later
at the earliest, so that under load many share it, and alone a look-up waits for nobody.
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

import structlog

from api.audit.actors import Actor
from api.errors import Unavailable

if TYPE_CHECKING:
    from api.lookups import ReadPool

GATHER_SECONDS = 0.015
INSERT = """
INSERT INTO audit_events (actor_kind, actor_id, action, object_kind, object_id)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
"""

log = structlog.get_logger()


class Sightings:
    """Writes what was seen by whom. One for each process."""

    def __init__(self, pool: "ReadPool") -> None:
        """
        Args:
            pool: of one connection; nothing else should wait for it.
        """
        self._pool = pool
        self._rows: list[tuple[str, int | None, str, str, int]] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._writing: asyncio.Task[None] | None = None
        self._not_before = float("-inf")

    async def add(self, actor: Actor, action: str, object_kind: str, object_ids: Iterable[int]) -> None:
        """Record that the objects were shown to the actor; none: nothing is recorded. Returns when that is committed.

        Raises:
            Unavailable: it was not; then nothing may be shown.
        """
        rows = [(actor.kind.value, actor.id, action, object_kind, object_id) for object_id in object_ids]
        if not rows:
            return
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._rows += rows
        self._waiters.append(waiter)
        if self._writing is None:
            self._writing = loop.create_task(self._write())
        await waiter

    async def _write(self) -> None:
        clock = asyncio.get_running_loop().time
        try:
            while self._waiters:
                early = self._not_before - clock()
                if early > 0:
                    await asyncio.sleep(early)
                rows, self._rows = self._rows, []
                waiters, self._waiters = self._waiters, []
                try:
                    await self._pool.fetch(INSERT, *zip(*rows, strict=True))
                except Exception as error:
                    log.error("audit_write_failed", error=type(error).__name__, look_ups=len(waiters))
                    _fail(waiters)
                except BaseException:
                    _fail(waiters)
                    raise
                else:
                    for waiter in waiters:
                        if not waiter.done():
                            waiter.set_result(None)
                self._not_before = clock() + GATHER_SECONDS if len(waiters) > 1 else float("-inf")
        finally:
            self._writing = None
            _fail(self._waiters)
            self._rows, self._waiters = [], []

    async def finish(self) -> None:
        """Wait for what is being written."""
        if self._writing is not None:
            await asyncio.wait([self._writing])


def _fail(waiters: list[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_exception(Unavailable())
