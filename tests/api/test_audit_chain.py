"""The chain of the audit record: nobody changes it unnoticed, not even who can do everything in the database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from api.audit.chain import chain_key, hash_text
from api.audit.models import AuditEvent, AuditSeal
from api.audit.sealer import CONNECTION_SETTINGS, LATE, Sealer
from api.audit.service import Actor, record
from api.audit.verifying import Finding, Trouble, Verdict, verify
from api.db import Database
from api.settings import Settings
from tests.defences import Figure

pytestmark = pytest.mark.security("Who looked at what cannot be changed unnoticed")
REFUSED = "append-only"


@dataclass
class Chain:
    """The record of a test, as who can do everything in the database sees it."""

    database: Database
    connection: Any
    key: bytes
    found: list[Finding] = field(default_factory=list)

    async def add(self, count: int, action: str = "homes.seen") -> None:
        async with self.database.transaction() as session:
            await record(session, Actor.chat(5), action, "agreement", range(1, count + 1))

    async def seal(self) -> int | None:
        return await Sealer(self.key).seal(self.connection)

    async def forge(self, *statements: str) -> None:
        """Past the triggers, as a superuser can."""
        for table in ("audit_events", "audit_seals"):
            await self.connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
        for statement in statements:
            await self.connection.execute(statement)

    async def verify(self, expect: bytes = b"") -> Verdict:
        self.found.clear()
        return await verify(self.connection, self.key, self.found.append, expect)

    async def troubles(self) -> list[tuple[Trouble, int | None, int | None, int | None]]:
        await self.verify()
        return [(found.trouble, found.seal, found.last_seal, found.event_id) for found in self.found]


@pytest.fixture
async def chain(database: Database, settings: Settings) -> AsyncIterator[Chain]:
    """Twenty events, sealed. Events and seals have the same numbers."""
    connection = await database.connect(**CONNECTION_SETTINGS)
    chain = Chain(database, connection, chain_key(settings.index_key.get_secret_value()))
    await chain.add(20)
    assert await chain.seal() == 20
    yield chain
    await connection.close()


# --- the database refuses ---


@pytest.mark.parametrize("table", ["audit_events", "audit_seals"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET id = id", "DELETE FROM {}", "DELETE FROM {} WHERE false", "TRUNCATE {}", "TRUNCATE {} CASCADE"],
)
async def test_the_database_refuses_to_change_it(chain: Chain, table: str, statement: str) -> None:
    for session_is in ("origin", "replica"):
        await chain.connection.execute(f"SET session_replication_role = {session_is}")
        with pytest.raises(asyncpg.RestrictViolationError, match=REFUSED):
            await chain.connection.execute(statement.format(table))
    assert not (await chain.verify()).findings


async def test_the_models_are_refused_as_well(chain: Chain) -> None:
    statements: list[Any] = [update(AuditEvent).values(action="nothing"), delete(AuditEvent), delete(AuditSeal)]
    for statement in statements:
        async with chain.database.transaction() as session:
            with pytest.raises(IntegrityError, match=REFUSED):
                await session.execute(statement)
            await session.rollback()
    async with AsyncSession(chain.database.engine) as session:
        event = await session.get_one(AuditEvent, 1)
        event.object_id = 77
        with pytest.raises(IntegrityError, match=REFUSED):
            await session.commit()
        await session.rollback()
        await session.delete(await session.get_one(AuditEvent, 1))
        with pytest.raises(IntegrityError, match=REFUSED):
            await session.commit()
    assert (await chain.verify()).events == 20


# --- what happens all the same is found ---

T = Trouble


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        pytest.param(
            [f"UPDATE audit_events SET {change} WHERE id = 7"],
            [(T.EVENT_CHANGED, 7, 7, 7)],
            id=f"changed: {change}",
        )
        for change in (
            "actor_id = 6",
            "actor_id = NULL",
            "actor_kind = 'staff'",
            "action = 'homes.shown'",
            "object_kind = 'link'",
            "object_id = object_id + 1",
            "object_id = NULL",
            "happened_at = happened_at + interval '1 microsecond'",
        )
    ]
    + [
        pytest.param(
            ["UPDATE audit_events SET actor_id = 6 WHERE id IN (3, 7, 20)"],
            [(T.EVENT_CHANGED, 3, 3, 3), (T.EVENT_CHANGED, 7, 7, 7), (T.ALTERED, 20, 20, 20)],
            id="several changed, the last too",
        ),
        pytest.param(
            ["UPDATE audit_events SET actor_id = 6 WHERE id BETWEEN 7 AND 9"],
            [(T.ALTERED, 7, 9, None)],
            id="neighbours changed",
        ),
        pytest.param(["DELETE FROM audit_events WHERE id = 7"], [(T.EVENT_REMOVED, 7, 7, 7)], id="event removed"),
        pytest.param(
            ["DELETE FROM audit_events WHERE id = 7", "DELETE FROM audit_seals WHERE id = 7"],
            [(T.SEALS_REMOVED, 7, 7, None)],
            id="event and seal removed",
        ),
        pytest.param(
            ["DELETE FROM audit_seals WHERE id BETWEEN 7 AND 9", "DELETE FROM audit_events WHERE id BETWEEN 7 AND 9"],
            [(T.SEALS_REMOVED, 7, 9, None)],
            id="several removed",
        ),
        pytest.param(
            ["DELETE FROM audit_seals WHERE id < 4", "DELETE FROM audit_events WHERE id < 4"],
            [(T.SEALS_REMOVED, 1, 3, None)],
            id="the beginning removed",
        ),
        pytest.param(
            [
                "DELETE FROM audit_events WHERE id = 7",
                "DELETE FROM audit_seals WHERE id = 7",
                "UPDATE audit_seals SET id = id - 1 WHERE id > 7",
            ],
            [(T.ALTERED, 7, 19, None)],
            id="removed, and the rest moved up",
        ),
        pytest.param(
            ["UPDATE audit_seals SET hash = decode(repeat('ab', 32), 'hex') WHERE id = 7"],
            [(T.SEALS_CHANGED, 7, 7, 7)],
            id="seal forged",
        ),
        pytest.param(
            ["UPDATE audit_seals SET hash = sha256(hash) WHERE id BETWEEN 7 AND 9"],
            [(T.SEALS_CHANGED, 7, 9, None)],
            id="seals forged",
        ),
        pytest.param(
            ["UPDATE audit_seals SET event_id = event_id + 100", "UPDATE audit_seals SET event_id = CASE event_id "
             "WHEN 107 THEN 8 WHEN 108 THEN 7 ELSE event_id - 100 END"],
            [(T.ALTERED, 7, 8, None)],
            id="two swapped",
        ),
        pytest.param(
            ["INSERT INTO audit_seals SELECT 21, id + 1000, hash FROM audit_seals WHERE id = 20",
             "INSERT INTO audit_events (id, actor_kind, action, object_kind) OVERRIDING SYSTEM VALUE "
             "VALUES (1020, 'system', 'x', 'y')"],
            [(T.ALTERED, 21, 21, 1020)],
            id="seal added",
        ),
        pytest.param(
            ["INSERT INTO audit_seals SELECT 0, 0, hash FROM audit_seals WHERE id = 20"],
            [(T.FORGED, 0, 0, None)],
            id="seal before the first",
        ),
    ],
)  # fmt: skip
async def test_found(chain: Chain, statements: list[str], expected: list[Any], figure: Figure) -> None:
    await chain.forge(*statements)
    assert await chain.troubles() == expected
    # The record goes on all the same, and what is added afterwards is checked.
    await chain.add(5, "later.seen")
    assert await chain.seal() == 5
    before = await chain.troubles()
    assert before[: len(expected) - 1] == expected[:-1]
    assert before
    later = await chain.connection.fetchval(
        "UPDATE audit_events SET actor_id = 6 WHERE action = 'later.seen' AND object_id = 3 RETURNING id"
    )
    assert Trouble.EVENT_CHANGED in {found[0] for found in await chain.troubles() if found[3] == later}
    figure("ways of tampering with the record that were found", "all that were tried")


async def test_a_tail_that_was_cut_off_is_found_with_what_was_noted(chain: Chain) -> None:
    noted = (await chain.verify()).newest
    assert (await chain.verify(noted)).expected_at == 20
    assert (await chain.verify(noted[:8])).expected_at == 20
    await chain.forge("DELETE FROM audit_seals WHERE id > 15", "DELETE FROM audit_events WHERE id > 15")
    assert not (await chain.verify()).findings
    # Not even when the record has grown again.
    for _ in range(2):
        assert (await chain.verify(noted)).findings == 1
        assert [found.trouble for found in chain.found] == [Trouble.CUT]
        await chain.add(10)
        await chain.seal()


async def test_a_sealer_at_work_notices_a_cut_by_itself(chain: Chain) -> None:
    sealer = Sealer(chain.key)
    await chain.add(1)
    with capture_logs() as logs:
        await sealer.seal(chain.connection)
        await sealer.seal(chain.connection)
    assert [entry["event"] for entry in logs] == ["audit_chain"]
    assert logs[0]["newest"] == hash_text((await chain.verify()).newest)
    await chain.forge("DELETE FROM audit_seals WHERE id > 15", "DELETE FROM audit_events WHERE id > 15")
    with capture_logs() as logs:
        await sealer.seal(chain.connection)
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("audit_chain_cut", "error")]


async def test_an_event_put_in_later_is_never_sealed(chain: Chain) -> None:
    put = "INSERT INTO audit_events (id, happened_at, actor_kind, action, object_kind) OVERRIDING SYSTEM VALUE VALUES "
    late = int(LATE.total_seconds()) + 60
    await chain.forge(
        put + f"(-3, now() - interval '{late} s', 'system', 'x', 'y')",
        "DELETE FROM audit_seals WHERE id > 15",
        "DELETE FROM audit_events WHERE id > 15",
        put + f"(14000, now(), 'system', 'x', 'y'), (13000, now() - interval '{late} s', 'system', 'x', 'y')",
    )
    # The highest numbers are a backlog, however old.
    assert await chain.seal() == 2
    await chain.forge(put + f"(12000, now() - interval '{late} s', 'system', 'x', 'y')")
    assert await chain.seal() == 0
    assert [(t, event_id) for t, _, _, event_id in await chain.troubles()] == [
        (Trouble.NEVER_SEALED, -3),
        (Trouble.NEVER_SEALED, 12000),
    ]


async def test_without_the_key_the_chain_cannot_be_mended(chain: Chain) -> None:
    """Whoever has the database and the program, but not the index key, makes another chain."""
    await chain.forge("UPDATE audit_events SET actor_id = 6 WHERE id = 7", "DELETE FROM audit_seals")
    assert await Sealer(chain_key("a guess of the index key, a guess of it")).seal(chain.connection) == 20
    assert await chain.troubles() == [(Trouble.ALTERED, 1, 20, None)]


# --- nothing is left out, whoever commits when ---


async def test_an_event_that_commits_late_is_sealed(chain: Chain) -> None:
    """Its number is below those that were sealed meanwhile, by the same sealer and by others."""
    sealer, slow = Sealer(chain.key), await chain.database.connect()
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute("INSERT INTO audit_events (actor_kind, action, object_kind) VALUES ('system', 'slow', 'x')")
    for _ in range(3):
        await chain.add(5)
        assert await sealer.seal(chain.connection) == 5
        assert await sealer.seal(chain.connection) == 0
    assert (await chain.verify()).waiting == 0
    await transaction.commit()
    assert (await chain.verify()).waiting == 1
    assert await sealer.seal(chain.connection) == 1
    # A number that was drawn and rolled back is no gap.
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute("INSERT INTO audit_events (actor_kind, action, object_kind) VALUES ('system', 'undone', 'x')")
    await transaction.rollback()
    await chain.add(1)
    assert await sealer.seal(chain.connection) == 1
    await slow.close()
    verdict = await chain.verify()
    assert (verdict.events, verdict.newest_seal, verdict.findings, verdict.waiting) == (37, 37, 0, 0)


async def test_the_very_first_event_is_sealed(database: Database, settings: Settings) -> None:
    """By a sealer that has seen the record empty."""
    connection = await database.connect(**CONNECTION_SETTINGS)
    chain = Chain(database, connection, chain_key(settings.index_key.get_secret_value()))
    sealer = Sealer(chain.key)
    assert [await sealer.seal(connection) for _ in range(2)] == [0, 0]
    assert (await chain.verify()).newest_seal == 0
    await chain.add(1)
    assert await sealer.seal(connection) == 1
    await connection.close()


async def test_a_crash_between_event_and_seal_loses_nothing(chain: Chain) -> None:
    await chain.add(30)
    broken = await chain.database.connect()
    sealing = asyncio.create_task(Sealer(chain.key, batch=10).seal(broken))
    while not (await chain.verify()).newest_seal > 20:
        assert not sealing.done() or sealing.result() == 30
        await asyncio.sleep(0)
    broken.terminate()
    await asyncio.gather(sealing, return_exceptions=True)
    # Until the server has noticed, the one that is gone still has the lock.
    while await chain.seal() is None:
        await asyncio.sleep(0.01)
    verdict = await chain.verify()
    assert (verdict.events, verdict.waiting, verdict.findings) == (50, 0, 0)


INSERT = "INSERT INTO audit_events (actor_kind, actor_id, action, object_kind) VALUES ('chat', $1, 'a', 'b')"


async def test_many_writers_and_sealers(chain: Chain, figure: Figure) -> None:
    writing = True

    async def write(number: int) -> int:
        connection = await chain.database.connect()
        for turn in range(60):
            async with connection.transaction():
                await connection.execute(INSERT, number)
                await asyncio.sleep(0.001 * (turn % 7 == number))
        await connection.close()
        return 60

    async def seal() -> int:
        connection = await chain.database.connect(**CONNECTION_SETTINGS)
        sealer, sealed = Sealer(chain.key, batch=7), 0
        while writing:
            sealed += await sealer.seal(connection) or 0
        while (more := await sealer.seal(connection)) is None or more:
            sealed += more or 0
        await connection.close()
        return sealed

    sealers = [asyncio.create_task(seal()) for _ in range(4)]
    written = sum(await asyncio.gather(*(write(number) for number in range(8))))
    writing = False
    sealed = await asyncio.gather(*sealers)
    assert sum(sealed) == written == 480
    assert sum(count > 0 for count in sealed) > 1
    verdict = await chain.verify()
    assert (verdict.events, verdict.newest_seal, verdict.waiting, verdict.findings) == (500, 500, 0, 0)
    figure("events chained while 8 write and 4 seal", f"{sum(sealed)}, none twice, none left out")


async def test_verifying_reads_the_record_in_pages(chain: Chain, figure: Figure) -> None:
    await chain.connection.execute(
        "INSERT INTO audit_events (actor_kind, actor_id, action, object_kind, object_id) "
        "SELECT 'chat', n, 'homes.seen', 'agreement', n FROM generate_series(1, 49980) n"
    )
    await Sealer(chain.key, batch=5000).seal(chain.connection)
    loop = asyncio.get_running_loop()
    start = loop.time()
    verdict = await chain.verify()
    rate = verdict.events / (loop.time() - start)
    assert (verdict.events, verdict.findings) == (50_000, 0)
    assert verdict.first_at is not None
    assert verdict.last_at is not None
    assert timedelta(0) < verdict.last_at - verdict.first_at < timedelta(minutes=1)
    figure("events verified a second", f"{rate:,.0f}")
    # Slow machines are slow; reading every page from the beginning would be far slower yet.
    assert rate > 10_000
