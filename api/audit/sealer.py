"""Chaining what was recorded, within about a second of its commit.

Every process of the API seals in turn; a lock in the database lets one at a time. Events commit in another order than
their numbers, so it takes care that none slips through below what was sealed already: what is settled is known from the
transactions that still write to the record (``_Horizon``), not guessed from time.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from api.audit.chain import EVENT_COLUMNS, NO_HASH, hash_text, seal_hash

INTERVAL_SECONDS = 1.0
RETRY_SECONDS = 5.0
BATCH = 500
"""Events sealed at a stretch: 3 ms in which the process answers nobody."""
LATE = timedelta(hours=1)
"""Longer than any transaction goes on once it has recorded something: an import does so when all its work is done, and
the database ends whoever is idle for half of this. An event that appears below the sealed ones with an older time is
not of our making: it is never sealed, and ``shanglou audit verify`` tells of it."""
LOOK_BACK = 100_000
"""Seals behind the newest, in which a sealer that starts looks for events that are not sealed yet."""
TOLD_EVERY_SECONDS = 3600.0
_LOCK = 0x5EA1_0A0D17
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock($1)"
_NEWEST = """
SELECT s.id, s.hash, least(e.happened_at, clock_timestamp()) AS happened_at,
    (SELECT max(event_id) FROM audit_seals) AS highest, (SELECT hash FROM audit_seals WHERE id = $1) AS remembered
FROM audit_seals s LEFT JOIN audit_events e ON e.id = s.event_id ORDER BY s.id DESC LIMIT 1
"""
_LOWEST_OF_NEWEST = """
SELECT min(event_id) - 1, count(*) FROM (SELECT event_id FROM audit_seals ORDER BY id DESC LIMIT $1) AS newest
"""
# The second bound of the events keeps the search among the seals short as well.
UNSEALED = "NOT EXISTS (SELECT FROM audit_seals s WHERE s.event_id = e.id AND s.event_id > $1)"
_WAITING = f"""
SELECT {EVENT_COLUMNS} FROM audit_events e
WHERE e.id > $1 AND (e.id > $2 OR e.happened_at > $3) AND {UNSEALED} ORDER BY e.id LIMIT $4
"""  # noqa: S608 - made of constants
_INSERT = "INSERT INTO audit_seals (id, event_id, hash) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])"
_LAST_NUMBER = "SELECT last_value - (NOT is_called)::int FROM audit_events_id_seq"
_WRITERS = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'audit_events'::regclass AND mode = 'RowExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

log = structlog.get_logger()


@dataclass(frozen=True)
class Newest:
    """The newest seal; number 0 where there is none."""

    number: int = 0
    hash: bytes = NO_HASH


class _Horizon:
    """Below which number no event can appear any more.

    Who inserts an event holds a lock on the table from before the number is drawn to the end of the transaction. So
    once all who held it at some moment are gone, every number drawn until that moment is visible or never will be.
    """

    def __init__(self) -> None:
        self._last_number = 0
        self._writers: set[str] | None = None

    async def settled(self, connection: Any) -> int | None:
        """A number up to which all is settled for the statements that follow; none as long as that is not known."""
        if self._writers is None:
            self._last_number = await connection.fetchval(_LAST_NUMBER)
        writing = {row[0] for row in await connection.fetch(_WRITERS)}
        self._writers = writing if self._writers is None else self._writers & writing
        if self._writers:
            return None
        self._writers = None
        return self._last_number


class Sealer:
    """Remembers between its rounds what is sealed for good, and the newest seal that it saw."""

    def __init__(self, key: bytes, batch: int = BATCH) -> None:
        self._key = key
        self._batch = batch
        self._horizon = _Horizon()
        self._done_to: int | None = None
        self._newest = Newest()
        self._told_at = float("-inf")

    async def seal(self, connection: Any) -> int | None:
        """Seal all that is committed and not sealed.

        Args:
            connection: of asyncpg; plans should be made anew with each call (``CONNECTION_SETTINGS``).

        Returns:
            How many events; none where another sealer is at work.
        """
        sealed, after, settled = 0, 0, None
        while True:
            async with connection.transaction():
                if not await connection.fetchval(_TRY_LOCK, _LOCK):
                    return sealed or None
                if not sealed:
                    after, settled = await self._begin(connection)
                events, newest = await self._seal_some(connection, after)
            self._newest = newest
            sealed += len(events)
            if len(events) < self._batch:
                if settled is not None:
                    self._done_to = settled
                self._tell_now_and_then()
                return sealed
            # What appears below this from now on is for the next round.
            after = events[-1]["id"]

    async def _begin(self, connection: Any) -> tuple[int, int | None]:
        """After which number to look for events in this round, and up to which all will be settled after it."""
        if self._done_to is None:
            lowest, looked_at = await connection.fetchrow(_LOWEST_OF_NEWEST, LOOK_BACK)
            self._done_to = lowest if looked_at == LOOK_BACK else 0
        return self._done_to, await self._horizon.settled(connection)

    async def _seal_some(self, connection: Any, after: int) -> tuple[list[Any], Newest]:
        found = await connection.fetchrow(_NEWEST, self._newest.number)
        if self._newest.number and (found is None or found["remembered"] != self._newest.hash):
            # Not by us: the record can only grow. A restored backup looks the same.
            log.error("audit_chain_cut", seal=self._newest.number)
        newest = Newest(found["id"], found["hash"]) if found else Newest()
        events = await connection.fetch(
            _WAITING,
            after,
            found["highest"] if found else 0,
            # Before the first seal, nothing is late.
            found["happened_at"] - LATE if found else None,
            self._batch,
        )
        numbers = range(newest.number + 1, newest.number + 1 + len(events))
        hashes: list[bytes] = []
        before = newest.hash
        for number, event in zip(numbers, events, strict=True):
            before = seal_hash(self._key, number, before, tuple(event))
            hashes.append(before)
        if events:
            await connection.execute(_INSERT, list(numbers), [event["id"] for event in events], hashes)
        return events, Newest(newest.number + len(events), before)

    def _tell_now_and_then(self) -> None:
        """The newest hash goes to the log, and so away from the database: a record that is cut off later shows."""
        now = time.monotonic()
        if self._newest.number and now >= self._told_at + TOLD_EVERY_SECONDS:
            self._told_at = now
            log.info("audit_chain", seals=self._newest.number, newest=hash_text(self._newest.hash))


CONNECTION_SETTINGS: dict[str, Any] = {
    "plan_cache_mode": "force_custom_plan",
    "idle_in_transaction_session_timeout": "60s",
}
"""A sealer that hangs in the middle keeps others waiting no longer than that."""


async def keep_sealing(
    connect: Callable[..., Any], key: bytes, *, interval: float = INTERVAL_SECONDS, retry: float = RETRY_SECONDS
) -> None:
    """Seal until cancelled. A database that is away is waited for."""
    sealer = Sealer(key)
    while True:
        try:
            connection = await connect(**CONNECTION_SETTINGS)
            try:
                while True:
                    await sealer.seal(connection)
                    await asyncio.sleep(interval)
            finally:
                connection.terminate()
        except Exception as error:
            log.warning("audit_sealing_failed", error=type(error).__name__)
            await asyncio.sleep(retry)
