"""Going through the whole audit record, event by event and seal by seal, in constant memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from api.audit.chain import EVENT_COLUMNS, NO_HASH, seal_hash
from api.audit.sealer import LATE

PAGE = 10_000
_ALL_NUMBERS = -(2**63)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEALS = f"""
SELECT s.id AS number, s.event_id, s.hash, {EVENT_COLUMNS}
FROM (SELECT * FROM audit_seals WHERE id > $1 ORDER BY id LIMIT $2) s LEFT JOIN audit_events e ON e.id = s.event_id
ORDER BY s.id
"""  # noqa: S608 - made of constants
_UNSEALED = """
SELECT e.id, e.happened_at, e.id > $1 OR e.happened_at > $2 AS waiting FROM audit_events e
WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.event_id = e.id) ORDER BY e.id
"""


class Trouble(StrEnum):
    """What can be wrong with the record."""

    SEALS_REMOVED = "seals_removed"
    EVENT_REMOVED = "event_removed"
    EVENT_CHANGED = "event_changed"
    SEALS_CHANGED = "seals_changed"  # their events are as they were
    ALTERED = "altered"  # events or seals: it cannot be told which
    FORGED = "forged"  # a seal with a number that no seal has
    NEVER_SEALED = "never_sealed"  # an event that was put in later
    CUT = "cut"  # the hash that was noted is not in the chain


@dataclass(frozen=True)
class Finding:
    """Something wrong. ``seal`` to ``last_seal`` are the numbers of the seals it is about; ``event_id`` where it is
    about one event."""

    trouble: Trouble
    seal: int | None = None
    last_seal: int | None = None
    event_id: int | None = None
    happened_at: datetime | None = None


@dataclass
class Verdict:
    """What was found.

    Attributes:
        events: that are sealed and there.
        newest: hash of the newest seal, whose number is ``newest_seal``: to be noted away from the database.
        waiting: events that are not sealed yet, but will be.
        expected_at: number of the seal that has the hash that was expected.
    """

    events: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    newest_seal: int = 0
    newest: bytes = NO_HASH
    waiting: int = 0
    findings: int = 0
    expected_at: int | None = None


OnFinding = Callable[[Finding], None]


@dataclass
class _Run:
    """Seals one after the other that do not fit their events and the seals before them."""

    first: int
    last: int
    event_id: int
    recomputed: bytes
    """What the hash of the last should be if all their events are as they were."""


@dataclass
class _Walk:
    """Goes from seal to seal. What stands in a seal is taken for its hash even where it does not fit, so that one
    change is found once and at its place, and the rest is still checked."""

    key: bytes
    tell: OnFinding
    next_number: int = 1
    before: bytes | None = NO_HASH
    """Hash of the seal before; none where that is missing."""
    run: _Run | None = field(default=None)

    def step(self, number: int, event_id: int, stored: bytes, event: tuple[Any, ...]) -> None:
        if number < self.next_number:
            self.tell(Finding(Trouble.FORGED, number, number))
            return
        if number > self.next_number:
            self.close_run()
            self.tell(Finding(Trouble.SEALS_REMOVED, self.next_number, number - 1))
            self.before = None
        if event[0] is None:
            self.close_run()
            self.tell(Finding(Trouble.EVENT_REMOVED, number, number, event_id))
        elif self.before is not None:
            self._check(number, event_id, stored, event, self.before)
        self.next_number = number + 1
        self.before = stored

    def _check(self, number: int, event_id: int, stored: bytes, event: tuple[Any, ...], before: bytes) -> None:
        should_be = seal_hash(self.key, number, before, event)
        run = self.run
        if should_be == stored:
            if run is not None:
                # The seal before is genuine, or this one would not fit it.
                self.close_run(Trouble.EVENT_CHANGED if run.first == run.last else Trouble.ALTERED)
            return
        if run is None:
            self.run = _Run(number, number, event_id, should_be)
            return
        recomputed = seal_hash(self.key, number, run.recomputed, event)
        if recomputed == stored:
            self.close_run(Trouble.SEALS_CHANGED)
        else:
            run.last, run.recomputed = number, recomputed

    def close_run(self, trouble: Trouble = Trouble.ALTERED) -> None:
        run, self.run = self.run, None
        if run is not None:
            self.tell(Finding(trouble, run.first, run.last, run.event_id if run.first == run.last else None))


async def verify(
    connection: Any,
    key: bytes,
    on_finding: OnFinding,
    expect: bytes = b"",
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> Verdict:
    """Check every event and every seal.

    Args:
        connection: of asyncpg, in no transaction.
        expect: a hash that was noted earlier, or how it begins.
        on_finding: told of each finding, in order; nothing keeps them.
    """
    verdict = Verdict()

    def found(finding: Finding) -> None:
        verdict.findings += 1
        on_finding(finding)

    async with connection.transaction(isolation="repeatable_read", readonly=True):
        # A page fetches its events one by one: to read and hash all of them for each page seems cheaper, and is not.
        await _set(connection, enable_hashjoin="off", enable_mergejoin="off", enable_seqscan="off")
        await _walk(connection, _Walk(key, found), verdict, expect, on_progress)
        await _set(connection, enable_hashjoin="on", enable_mergejoin="on", enable_seqscan="on")
        await _unsealed(connection, verdict, found)
    if expect and verdict.expected_at is None:
        found(Finding(Trouble.CUT))
    return verdict


async def _set(connection: Any, **settings: str) -> None:
    for name, value in settings.items():
        await connection.execute("SELECT set_config($1, $2, true)", name, value)


async def _walk(
    connection: Any, walk: _Walk, verdict: Verdict, expect: bytes, on_progress: Callable[[int, int], None]
) -> None:
    of = await connection.fetchval("SELECT max(id) FROM audit_seals") or 0
    first_us = last_us = None
    after = _ALL_NUMBERS
    while True:
        page = await connection.fetch(_SEALS, after, PAGE)
        for number, event_id, stored, *columns in page:
            event = tuple(columns)
            walk.step(number, event_id, stored, event)
            if event[0] is not None:
                verdict.events += 1
                last_us = event[1]
                if first_us is None:
                    first_us = last_us
            if expect and stored.startswith(expect):
                verdict.expected_at = number
        if page:
            after = page[-1]["number"]
            verdict.newest_seal, verdict.newest = after, page[-1]["hash"]
            on_progress(after, of)
        if len(page) < PAGE:
            break
    walk.close_run()
    verdict.first_at, verdict.last_at = _moment(first_us), _moment(last_us)


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


async def _unsealed(connection: Any, verdict: Verdict, found: OnFinding) -> None:
    """What the sealer will seal yet only waits; the rest was put in later."""
    highest, late = await connection.fetchrow(
        "SELECT coalesce((SELECT max(event_id) FROM audit_seals), 0), coalesce("
        "(SELECT least(e.happened_at, clock_timestamp()) FROM audit_seals s LEFT JOIN audit_events e "
        "ON e.id = s.event_id ORDER BY s.id DESC LIMIT 1), '-infinity') - $1::interval",
        LATE,
    )
    async for event_id, happened_at, waiting in connection.cursor(_UNSEALED, highest, late, prefetch=PAGE):
        if waiting and event_id > 0:
            verdict.waiting += 1
        else:
            found(Finding(Trouble.NEVER_SEALED, event_id=event_id, happened_at=happened_at))
