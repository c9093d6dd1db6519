"""The connections of look-ups: what becomes of them when the database or the caller goes away."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from sqlalchemy import bindparam, literal, select, update

from api import lookups
from api.app import create_app
from api.chats.models import Link
from api.db import Database
from api.identity.schemas import LinkScope
from api.lookups import LookUp, ReadPool
from api.settings import Settings
from tests.api.strictly import refused
from tests.conftest import SERVICE_TOKEN
from tests.factories import Factory
from tests.serving import serving

SLEEP = "SELECT pg_sleep(600)"


async def connections(database: Database) -> int:
    [row] = await database.pool.fetch(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    )
    return int(row[0])


async def test_one_connection_serves_one_after_another(database: Database) -> None:
    for _ in range(5):
        assert await connections(database) == 1


async def test_no_more_than_its_size(database: Database) -> None:
    await asyncio.gather(*(database.pool.fetch("SELECT pg_sleep(0.02)") for _ in range(8)))
    assert await connections(database) == 2


async def test_a_server_that_was_restarted_costs_nobody_an_answer(database: Database, postgres: str) -> None:
    """It closed every connection; that is noticed when one is taken."""
    await asyncio.gather(*(database.pool.fetch("SELECT pg_sleep(0.02)") for _ in range(2)))
    killer = await asyncpg.connect(postgres)
    name = (await database.pool.fetch("SELECT current_database()"))[0][0]
    await killer.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", name)
    await killer.close()
    async with asyncio.timeout(30):
        while not all(connection.is_closed() for _, connection in database.pool._idle):
            await asyncio.sleep(0.005)
    assert await connections(database) == 1


async def test_a_server_that_was_restarted_costs_nobody_a_save(database: Database, postgres: str) -> None:
    """Saving a chat goes straight to the driver: the engine hands out no connection that the server has closed."""
    one = LookUp(select(literal(1)))
    async with database.transaction() as session:
        await one.in_transaction(session)
        driver = (await (await session.connection()).get_raw_connection()).driver_connection
        assert driver is not None
    killer = await asyncpg.connect(postgres)
    await killer.execute("SELECT pg_terminate_backend($1, 5000)", driver.get_server_pid())
    await killer.close()
    async with asyncio.timeout(30):
        while not driver.is_closed():
            await asyncio.sleep(0.005)
    for _ in range(3):
        async with database.transaction() as session:
            assert (await one.in_transaction(session))[0][0] == 1


async def test_what_goes_straight_to_the_driver_is_part_of_the_transaction_even_as_its_first(
    database: Database, factory: Factory
) -> None:
    link = await factory.link(700100200, await factory.agreement())
    scoped = LookUp(update(Link).where(Link.id == bindparam("id", None)).values(scope=LinkScope.PROGRESS))
    with contextlib.suppress(ZeroDivisionError):
        async with database.transaction() as session:
            await scoped.in_transaction(session, id=link.id)
            raise ZeroDivisionError
    async with database.transaction() as session:
        assert (await session.get_one(Link, link.id)).scope is LinkScope.EVERYTHING


async def test_a_caller_who_goes_away_frees_the_place(database: Database) -> None:
    callers = [asyncio.create_task(database.pool.fetch(SLEEP)) for _ in range(2)]
    async with asyncio.timeout(30):
        while not database.pool._slots.locked():
            await asyncio.sleep(0.005)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    async with asyncio.timeout(30):
        await database.pool.fetch("SELECT 1")


async def test_who_finds_no_connection_waits_only_so_long(database_url: str) -> None:
    pool = ReadPool(lambda: asyncpg.connect(database_url), size=1, timeout=0.05, max_idle=60)
    holder = asyncio.create_task(pool.fetch(SLEEP))
    async with asyncio.timeout(30):
        while not pool._slots.locked():
            await asyncio.sleep(0.005)
    with pytest.raises(TimeoutError):
        await pool.fetch("SELECT 1")
    holder.cancel()
    await asyncio.gather(holder, return_exceptions=True)
    assert (await pool.fetch("SELECT 1"))[0][0] == 1
    await pool.close()


async def test_a_few_connections_do_the_work_and_nobody_stands_behind_what_takes_long(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = 0

    async def connect() -> Any:
        nonlocal opened
        opened += 1
        return await asyncpg.connect(database_url)

    pool = ReadPool(connect, size=8, timeout=30, max_idle=60)
    with monkeypatch.context() as patient:
        patient.setattr(lookups, "FEW_SECONDS", 30)
        await asyncio.gather(*(pool.fetch("SELECT pg_sleep(0.01)") for _ in range(20)))
    assert opened == lookups.FEW
    slow = [asyncio.create_task(pool.fetch(SLEEP)) for _ in range(lookups.FEW)]
    async with asyncio.timeout(30):
        while not pool._few.locked():
            await asyncio.sleep(0.005)
        assert (await pool.fetch("SELECT 1"))[0][0] == 1
    assert opened == lookups.FEW + 1
    for one in slow:
        one.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    await pool.close()


async def test_a_failed_statement_leaves_no_trace(database: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await database.pool.fetch("SELECT * FROM no_such_table")
    assert await connections(database) == 1


async def test_a_connection_long_unused_is_not_trusted(database_url: str) -> None:
    pool = ReadPool(lambda: asyncpg.connect(database_url), size=1, timeout=1, max_idle=0)
    backends = [(await pool.fetch("SELECT pg_backend_pid()"))[0][0] for _ in range(2)]
    assert backends[0] != backends[1]
    await pool.close()


async def test_a_closed_pool_keeps_nothing(database: Database, postgres: str) -> None:
    slow = asyncio.create_task(database.pool.fetch("SELECT pg_sleep(0.1)"))
    while not database.pool._slots._value < 2:
        await asyncio.sleep(0.005)
    await database.pool.close()
    await slow
    assert not database.pool._idle


async def test_gone_and_back(settings: Settings, database_url: str, postgres: str, tmp_path: Path) -> None:
    """A database that went away is a 503 in the one shape, for look-ups and for changes; afterwards all goes on."""
    base, _, host = database_url.partition("?host=")
    sockets = tmp_path / "s"
    sockets.symlink_to(host)
    app = create_app(settings, f"{base}?host={sockets}")
    token = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with serving(app) as url, aiohttp.ClientSession(url, headers=token) as client:

        async def read_and_write(reading: int, writing: int) -> list[bytes]:
            return [
                await refused(client, "/v1/chats/5/handover", reading),
                await refused(client, "/v1/chats/5/agreements/1/handover-watch", writing, "PUT"),
            ]

        await read_and_write(200, 404)
        sockets.unlink()
        admin = await asyncpg.connect(postgres)
        name = base.rpartition("/")[2]
        await admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", name)
        await admin.close()
        for _ in range(2):
            for body in await read_and_write(503, 503):
                assert json.loads(body)["code"] == "unavailable"
        sockets.symlink_to(host)
        await read_and_write(200, 404)
