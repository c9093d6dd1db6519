"""The database's clock is set: what lies in the rows is then in the future, or long past. Nothing stands still for it.

The clock of a machine cannot be set for a test. To the rows it is the same whether the clock goes back by an hour or
their moments go ahead by one.
"""

import time
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from api.messages.leases import JUMP_SECONDS
from api.messages.schemas import LONGEST_LEASE
from tests.api.outbox import CHAT, change, claim, put, rows, tell
from tests.factories import Factory


async def the_clock_goes(factory: Factory, interval: str) -> None:
    by = f"interval '{interval}'"
    async with factory.database.transaction() as session:
        for statement in (
            f"UPDATE send_bucket SET refilled_at = refilled_at - {by}, held_until = held_until - {by}",
            f"UPDATE deliveries SET not_before = not_before - {by}, lease_until = lease_until - {by}",
        ):
            await session.execute(text(statement))


@pytest.mark.parametrize("interval", ["-1 hour", "-30 days", "1 hour"])
async def test_notices_go_on(api: aiohttp.ClientSession, factory: Factory, interval: str) -> None:
    await put(factory, CHAT)
    await change(factory, "not_before = not_before - interval '60 days'")
    assert len(await claim(api)) == 1
    await the_clock_goes(factory, interval)
    for place in range(8):
        await put(factory, CHAT + 1 + place)
    got: list[dict[str, Any]] = []
    began = time.monotonic()
    while len(got) < 9 and time.monotonic() - began < 60:
        got += await claim(api, wait=1)
    assert {message["chat_id"] for message in got} == {CHAT + place for place in range(9)}, (
        "those that came after it, and the old one that a courier had in hand"
    )
    assert await tell(api, got, "sent", message_id=1) == 9
    assert {row.state for row in await rows(factory)} == {"sent"}


async def test_a_little_back_is_no_jump(api: aiohttp.ClientSession, factory: Factory) -> None:
    """Who waited for the bucket read the clock before: no tokens come of it."""
    await put(factory, *(CHAT + place for place in range(3)))
    assert len(await claim(api)) == 3
    await the_clock_goes(factory, f"-{JUMP_SECONDS - 2} seconds")
    await put(factory, CHAT + 9)
    assert await claim(api) == []


async def test_a_halt_is_no_jump(api: aiohttp.ClientSession, factory: Factory) -> None:
    await put(factory, CHAT, CHAT + 1)
    await tell(api, await claim(api, 1), "unsent", halt=3600)
    assert await claim(api) == []


async def test_the_longest_lease_is_kept(api: aiohttp.ClientSession, factory: Factory) -> None:
    await put(factory, CHAT)
    assert len(await claim(api, lease=LONGEST_LEASE)) == 1
    assert await claim(api) == []
