"""Nothing goes out while it is held: what a restored database begins with."""

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from sqlalchemy import text

from api.broadcasts.schemas import BroadcastState
from api.db import Database
from api.messages.bucket import halt
from api.messages.holding import Waiting, hold, release, waiting
from api.messages.schemas import DeliveryState
from api.settings import Settings
from tests.api.broadcasting import a_broadcast, under_way
from tests.api.outbox import CHAT, change, claim, put, rows, tell
from tests.conftest import environment_of
from tests.factories import Factory
from tests.keeping.keeper import shanglou


async def now_waiting(database: Database) -> Waiting:
    async with database.transaction() as session:
        return await waiting(session)


async def test_held_until_it_is_released(api: aiohttp.ClientSession, database: Database, factory: Factory) -> None:
    await put(factory, CHAT, CHAT + 1)
    assert not (await now_waiting(database)).held
    async with database.transaction() as session:
        await hold(session)
    assert await claim(api, wait=0.2) == []
    assert (await now_waiting(database)).held
    # A pause that Telegram asks for does not end it.
    async with database.transaction() as session:
        await halt(session, 0.01)
    assert await claim(api, wait=0.2) == []
    async with database.transaction() as session:
        assert await release(session) == 0
    taken = await claim(api, wait=2)
    assert {message["chat_id"] for message in taken} <= {CHAT, CHAT + 1}
    assert taken
    assert not (await now_waiting(database)).held


async def test_a_pause_is_no_hold(database: Database) -> None:
    async with database.transaction() as session:
        await halt(session, 3600)
    assert not (await now_waiting(database)).held


async def test_without_leave_to_send_nothing_goes_out(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    """As the database is between the end of pg_restore and the hold, or where somebody restored it by hand."""
    await put(factory, CHAT)
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM send_bucket"))
    assert (await now_waiting(database)).held
    asked = {"limit": 1, "wait_seconds": 0.2, "lease_seconds": 60}
    async with api.post("/v1/messages/claim", json=asked) as response:
        assert (response.status, (await response.json())["messages"]) == (200, [])
    [row] = await rows(factory)
    assert (row.state, row.lease_id) == (DeliveryState.WAITING, None)
    # A pause that Telegram asks for gives none either.
    async with database.transaction() as session:
        await halt(session, 0.01)
    assert await claim(api, wait=0.2) == []
    async with database.transaction() as session:
        await release(session)
    assert await claim(api, wait=2)


async def test_who_watches_is_told(api: aiohttp.ClientSession, database: Database) -> None:
    async def told() -> float:
        async with api.get("/metrics") as response:
            lines = (await response.text()).splitlines()
        [line] = [line for line in lines if line.startswith("shanglou_sending_held ")]
        return float(line.split()[1])

    assert await told() == 0
    async with database.transaction() as session:
        await halt(session, 3600)
    assert await told() == 0, "Telegram asked for it"
    async with database.transaction() as session:
        await hold(session)
    assert await told() == 1
    async with database.transaction() as session:
        await release(session)
    assert await told() == 0
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM send_bucket"))
    assert await told() == 1


@pytest.mark.parametrize("held_first", [True, False])
async def test_the_commands_make_a_row_that_is_missing(
    settings: Settings, database: Database, database_url: str, factory: Factory, *, held_first: bool
) -> None:
    await put(factory, CHAT)
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM send_bucket"))
    environment = environment_of(settings, database_url)

    async def sending(*arguments: str) -> str:
        code, out, said = await shanglou(environment, "sending", *arguments)
        assert code == 0, said
        return out.decode()

    assert "外发已暂停" in await sending("status")
    if held_first:
        await sending("hold")
        assert "外发已暂停" in await sending("status")
        async with database.reading() as reader:
            assert await reader.scalar(text("SELECT held_until > now() FROM send_bucket")) is True
    await sending("release")
    assert "外发照常进行" in await sending("status")


async def test_notices_of_before_are_dropped(api: aiohttp.ClientSession, database: Database, factory: Factory) -> None:
    await put(factory, CHAT, CHAT + 1)
    await change(factory, "created_at = now() - interval '1 hour'", f"chat_id = {CHAT}")
    broadcast = await under_way(factory, urgent=True)
    await change(factory, "created_at = now() - interval '1 hour'", "broadcast_id IS NOT NULL")
    coming = await a_broadcast(factory, starts_at=datetime.now(UTC) + timedelta(days=1))
    async with database.transaction() as session:
        await hold(session)
    found = await now_waiting(database)
    assert (found.notices, found.oldest is not None) == (2, True)
    assert [(row[0], row[1], row[3]) for row in found.broadcasts] == [
        (broadcast.id, BroadcastState.SENDING, 3),
        (coming.id, BroadcastState.APPROVED, 0),
    ]
    async with database.transaction() as session:
        assert await release(session, datetime.now(UTC) - timedelta(minutes=1)) == 1
    states = {row.chat_id: row.state for row in await rows(factory) if row.broadcast_id is None}
    assert states == {CHAT: DeliveryState.CANCELLED, CHAT + 1: DeliveryState.WAITING}
    [dropped] = [row for row in await rows(factory) if row.state is DeliveryState.CANCELLED]
    assert dropped.payload is None
    # A broadcast is cancelled by its own command: it has its own account of what went out.
    assert len([row for row in await rows(factory) if row.broadcast_id and row.state is DeliveryState.WAITING]) == 3
    sent = 0
    while sent < 4:
        taken = await claim(api, wait=2)
        sent += await tell(api, taken, "sent", message_id=1)
        assert taken
