"""Requests that meet what another transaction keeps locked."""

import asyncio
import os
import signal
import time
from datetime import timedelta

import aiohttp
import pytest
from sqlalchemy import text

from api import app, db
from api.app import create_app
from api.audit.sealer import LATE
from api.db import Database
from api.settings import Settings
from tests.api.calls import call
from tests.conftest import SERVICE_TOKEN
from tests.factories import Factory
from tests.serving import serving

CHAT = 700100200
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def test_who_waits_too_long_is_told_to_come_again(
    settings: Settings,
    database_url: str,
    database: Database,
    factory: Factory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "LOCK_SECONDS", 0.3)
    link = await factory.link(CHAT, await factory.agreement())
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with (
        serving(create_app(settings, database_url)) as url,
        aiohttp.ClientSession(url, headers=headers) as api,
    ):
        async with database.transaction() as session:
            await session.execute(text("SELECT id FROM links FOR UPDATE"))
            async with asyncio.timeout(30):
                error = await call(api, "DELETE", f"/v1/chats/{CHAT}/links/{link.id}", 503)
        assert error["code"] == "unavailable"
        await call(api, "DELETE", f"/v1/chats/{CHAT}/links/{link.id}", 204)


async def test_a_transaction_that_stands_still_is_ended_before_its_events_are_too_late(database: Database) -> None:
    """Sealed is what appears within ``LATE``; a frozen process that went on after that looked like a forger."""
    ask = "SELECT current_setting('idle_in_transaction_session_timeout')::interval"
    async with database.transaction() as session:
        assert timedelta(0) < await session.scalar(text(ask)) < LATE
    connection = await database.connect()
    assert timedelta(0) < await connection.fetchval(ask) < LATE
    await connection.close()


async def test_an_import_waits_as_long_as_it_takes(database: Database) -> None:
    async with database.transaction() as session:
        assert await session.scalar(text("SHOW lock_timeout")) == "0"


async def test_a_server_that_stands_still_keeps_no_connection(
    database_url: str,
) -> None:
    """Its process is frozen, as behind a wire that broke: nothing comes, not even the end of the connection."""
    frozen = Database(database_url, pool_size=1, statement_seconds=0.3)
    async with frozen.transaction() as session:
        backend = await session.scalar(text("SELECT pg_backend_pid()"))
    os.kill(backend, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with frozen.transaction() as session:
                await session.execute(text("SELECT 1"))
        assert time.monotonic() - began < 5
        async with frozen.transaction() as session:
            assert await session.scalar(text("SELECT 1")) == 1, "on another connection"
    finally:
        os.kill(backend, signal.SIGCONT)
        await frozen.close()


async def test_who_finds_no_connection_free_is_told_to_come_again(
    settings: Settings, database_url: str, database: Database, factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it waited for half a minute, when the bot had long given up, and was told that something had failed."""
    monkeypatch.setattr(db, "CONNECT_SECONDS", 1)
    monkeypatch.setattr(app, "LOCK_SECONDS", 60)
    link = await factory.link(CHAT, await factory.agreement())
    narrow = settings.model_copy(update={"database_pool_size": 1})
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    target = f"/v1/chats/{CHAT}/links/{link.id}"
    async with (
        serving(create_app(narrow, database_url)) as url,
        aiohttp.ClientSession(url, headers=headers) as api,
    ):
        async with database.transaction() as session:
            await session.execute(text("SELECT id FROM links FOR UPDATE"))
            waiting = [asyncio.create_task(_status(api, target)) for _ in range(2)]
            async with asyncio.timeout(30):
                while (await database.pool.fetch(_WAITING))[0][0] < 2:
                    await asyncio.sleep(0.01)
            began = time.monotonic()
            error = await call(api, "DELETE", target, 503)
            assert time.monotonic() - began < 20
        assert error["code"] == "unavailable"
        assert sorted(await asyncio.gather(*waiting)) == [204, 404], "whichever came first"


async def _status(api: aiohttp.ClientSession, target: str) -> int:
    async with api.delete(target) as response:
        return response.status
