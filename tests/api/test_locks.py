"""Requests that meet what another transaction keeps locked."""

import asyncio
from datetime import timedelta

import aiohttp
import pytest
from sqlalchemy import text

from api import app
from api.app import create_app
from api.audit.sealer import LATE
from api.db import Database
from api.settings import Settings
from tests.api.calls import call
from tests.conftest import SERVICE_TOKEN
from tests.factories import Factory
from tests.serving import serving

CHAT = 700100200


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
            async with asyncio.timeout(5):
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
