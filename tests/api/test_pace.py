"""The pace of sending: one bucket in PostgreSQL for all couriers, whichever process of the API they ask."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from api.app import create_app
from api.settings import Settings
from tests.api.broadcasting import under_way
from tests.api.outbox import CHAT, claim, put, put_many, tell
from tests.conftest import SERVICE_TOKEN
from tests.defences import Figure
from tests.factories import Factory
from tests.serving import serving

HEADERS = {"Authorization": f"Bearer {SERVICE_TOKEN}"}


def paced(settings: Settings, rate: float, burst: float) -> Settings:
    return settings.model_copy(update={"send_rate": rate, "send_burst": burst})


def never_quiet(settings: Settings) -> Settings:
    return settings.model_copy(update={"quiet_from": 0, "quiet_until": 0})


@asynccontextmanager
async def processes(
    settings: Settings, database_url: str, count: int = 1
) -> AsyncIterator[list[aiohttp.ClientSession]]:
    """APIs with an engine each, on the same database; a client of each."""
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(count):
            url = await stack.enter_async_context(serving(create_app(settings, database_url)))
            clients.append(await stack.enter_async_context(aiohttp.ClientSession(url, headers=HEADERS)))
        yield clients


async def after_a_rest(factory: Factory) -> None:
    """Nothing was sent for a day."""
    async with factory.database.transaction() as session:
        await session.execute(text("UPDATE send_bucket SET refilled_at = now() - interval '1 day'"))


async def keep_record(factory: Factory) -> None:
    """PostgreSQL itself writes down every taking, with the moment at which the bucket was refilled for it."""
    async with factory.database.transaction() as session:
        for statement in (
            "CREATE TABLE takings (at timestamptz, tokens float)",
            "CREATE FUNCTION note_taking() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "INSERT INTO takings VALUES (NEW.refilled_at, OLD.tokens - NEW.tokens); RETURN NULL; END $$",
            "CREATE TRIGGER note AFTER UPDATE ON send_bucket FOR EACH ROW "
            "WHEN (NEW.tokens < OLD.tokens) EXECUTE FUNCTION note_taking()",
        ):
            await session.execute(text(statement))


async def most_in_a_second(factory: Factory) -> tuple[float, float, float]:
    """The most that was taken in any window of a second, all that was, and the seconds from first to last."""
    async with factory.database.transaction() as session:
        found = await session.execute(
            text(
                "SELECT max(within), sum(tokens), extract(epoch FROM max(at) - min(at))::float FROM ("
                "SELECT at, tokens, sum(tokens) OVER (ORDER BY at RANGE BETWEEN CURRENT ROW AND "
                "interval '0.999999 seconds' FOLLOWING) AS within FROM takings) AS windows"
            )
        )
        most, total, seconds = found.one()
    return float(most), float(total), float(seconds)


@pytest.mark.parametrize(("rate", "burst"), [(27.0, 3.0), (90.0, 10.0)])
async def test_no_second_sees_more_than_the_pace_allows(
    settings: Settings, database_url: str, factory: Factory, figure: Figure, rate: float, burst: float
) -> None:
    """Nor is it a stop: so many are granted in the end, however slow the machine is."""
    wanted = 3 * rate
    await put_many(factory, 1200)
    await keep_record(factory)
    handed: Counter[int] = Counter()

    async def carry(client: aiohttp.ClientSession) -> None:
        while len(handed) < wanted:
            messages = await claim(client, 10, wait=0.5)
            handed.update(one["id"] for one in messages)
            await tell(client, messages, "sent", message_id=1)

    async with processes(paced(settings, rate, burst), database_url, 3) as clients:
        async with asyncio.timeout(120):
            await asyncio.gather(*(carry(client) for client in clients for _ in range(3)))
    most, total, seconds = await most_in_a_second(factory)
    assert total == len(handed)
    assert max(handed.values()) == 1
    assert most <= rate + burst
    assert total <= burst + rate * seconds + 1
    figure(f"most messages granted in any second at {rate:.0f}/s and burst {burst:.0f}", f"{most:.0f}")


async def test_after_a_rest_no_more_than_the_burst_goes_at_once(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    await put_many(factory, 20)
    await after_a_rest(factory)
    async with processes(paced(settings, 0.001, 3), database_url) as [api]:
        assert len(await claim(api)) == 3
        assert await claim(api, wait=0.2) == []


async def test_notices_find_room_when_the_less_urgent_has_taken_what_it_may(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    await put_many(factory, 20, priority=1)
    await after_a_rest(factory)
    async with processes(paced(settings, 0.001, 3), database_url) as [api]:
        assert len(await claim(api)) == 2
        assert await claim(api, wait=0.2) == []
        await put(factory, CHAT + 100)
        [notice] = await claim(api, wait=2)
        assert notice["chat_id"] == CHAT + 100


async def test_a_bucket_for_one_keeps_nothing_back(settings: Settings, database_url: str, factory: Factory) -> None:
    """Else the less urgent would never go."""
    await put_many(factory, 2, priority=1)
    async with processes(paced(settings, 5, 1), database_url) as [api]:
        assert len(await claim(api)) == 1
        assert len(await claim(api, wait=3)) == 1


async def test_a_pause_that_telegram_asks_for_is_everybodys(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    await put_many(factory, 20)
    async with processes(paced(settings, 1, 3), database_url, 2) as [one, other]:
        messages = await claim(one)
        began = time.monotonic()
        assert await tell(one, messages, "unsent", halt=3.0) == 3
        # A shorter one does not end it.
        await tell(other, [], "sent", halt=0.1)
        assert await claim(other) == []
        again = await claim(other, wait=20)
        assert again
        assert time.monotonic() - began > 2.9
        # Those that were refused come first, and not all at once.
        assert {message["id"] for message in again} <= {message["id"] for message in messages}
        assert len(again) < 3


async def test_who_waits_for_room_waits_no_longer_than_asked(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    await put(factory, CHAT)
    async with processes(paced(settings, 27, 3), database_url) as [api]:
        await tell(api, [], "sent", halt=3600)
        began = time.monotonic()
        assert await claim(api, wait=0.3) == []
        assert time.monotonic() - began < 15


async def test_a_server_that_ends_does_not_wait_for_the_pause(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    await put(factory, CHAT)
    async with processes(paced(settings, 27, 3), database_url) as [api]:
        await tell(api, [], "sent", halt=3600)
        waiting = asyncio.create_task(claim(api, wait=20))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        waiting.cancel()
    assert time.monotonic() - began < 10


async def planned(factory: Factory, messages: list[dict[str, Any]]) -> list[float]:
    """When each is to go out, by the database's clock."""
    async with factory.database.transaction() as session:
        at = await session.scalar(text("SELECT extract(epoch FROM refilled_at)::float FROM send_bucket"))
    assert at is not None
    return [at + message["wait_seconds"] for message in messages]


async def test_broadcasts_go_out_evenly_however_seldom_their_courier_comes(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    """Telegram's limit of 30 is used up to the last one or two, though each way to the API takes its time."""
    await under_way(factory, 90)
    moments: list[float] = []
    async with processes(never_quiet(paced(settings, 29, 1)), database_url) as [api]:
        while len(moments) < 90:
            messages = await claim(api, 20, wait=2)
            moments += await planned(factory, messages)
            await tell(api, messages, "sent", message_id=1)
            await asyncio.sleep(0.1 + 0.2 * (len(moments) % 2))
    most = max(sum(first <= moment < first + 1 for moment in moments) for first in moments)
    assert most <= 30
    rate = (len(moments) - 1) / (max(moments) - min(moments))
    assert 28.5 < rate < 29.5, [round(moment - min(moments), 3) for moment in moments]


async def test_a_notice_gets_the_next_place_in_front_of_a_broadcast(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    await under_way(factory, 60)
    async with processes(never_quiet(paced(settings, 10, 1)), database_url) as [api]:
        broadcast = await claim(api, 20, wait=2)
        assert len(broadcast) > 1, "some ahead of their time"
        await put(factory, CHAT)
        [notice, *_] = await claim(api, 20, wait=2)
        assert notice["kind"] == "access_declined"
        # Behind what had been granted already.
        assert notice["wait_seconds"] < 1.5


async def test_while_telegram_asks_for_a_pause_nothing_is_granted_ahead_of_its_time(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    await under_way(factory, 20)
    async with processes(never_quiet(paced(settings, 29, 1)), database_url) as [api]:
        messages = await claim(api, 5)
        await tell(api, messages, "unsent", halt=30)
        assert await claim(api, 5, wait=0.5) == []
