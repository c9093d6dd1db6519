"""The pace of sending: one bucket in PostgreSQL for all couriers, whichever process of the API they ask."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import aiohttp
import pytest
from sqlalchemy import text

from api.app import create_app
from api.messages.bucket import halt
from api.settings import Settings
from tests.api.broadcasting import under_way
from tests.api.outbox import CHAT, claim, ends_while_a_claim_waits, put, put_many, tell
from tests.conftest import SERVICE_TOKEN
from tests.defences import Figure
from tests.factories import Factory
from tests.serving import serving

HEADERS = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
SECOND = timedelta(seconds=1)


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


@dataclass(frozen=True)
class Taking:
    """Out of the bucket, as PostgreSQL itself wrote it down: at which moment by its clock, what was there, what was
    left."""

    at: datetime
    there: float
    left: float

    @property
    def taken(self) -> float:
        return self.there - self.left

    def flown_in(self, until: datetime, rate: float, burst: float) -> float:
        """What is there a while later, if nobody takes any."""
        return min(burst, self.left + rate * (until - self.at).total_seconds())


async def keep_record(factory: Factory) -> None:
    """Of every taking, with the moment at which the bucket was refilled for it."""
    async with factory.database.transaction() as session:
        for statement in (
            "CREATE TABLE takings (id serial, at timestamptz, there float, remained float)",
            "CREATE FUNCTION note_taking() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "INSERT INTO takings (at, there, remained) VALUES (NEW.refilled_at, OLD.tokens, NEW.tokens); "
            "RETURN NULL; END $$",
            "CREATE TRIGGER note AFTER UPDATE ON send_bucket FOR EACH ROW "
            "WHEN (NEW.tokens < OLD.tokens AND NEW.refilled_at = OLD.refilled_at) EXECUTE FUNCTION note_taking()",
        ):
            await session.execute(text(statement))


async def takings(factory: Factory) -> list[Taking]:
    """All of them, in their order."""
    async with factory.database.transaction() as session:
        found = await session.execute(text("SELECT at, there, remained FROM takings ORDER BY id"))
        return [Taking(*row) for row in found]


def no_token_is_lost_or_made(record: list[Taking], rate: float, burst: float) -> None:
    """Whatever stands between two takings is what flowed in meanwhile: so it does at its pace, and does not stop."""
    for before, after in pairwise(record):
        assert after.there == pytest.approx(before.flown_in(after.at, rate, burst), abs=0.001)


@pytest.mark.parametrize(("rate", "burst"), [(27.0, 3.0), (90.0, 10.0)])
async def test_no_second_sees_more_than_the_pace_allows(
    settings: Settings, database_url: str, factory: Factory, figure: Figure, rate: float, burst: float
) -> None:
    """By the database's own record: how much couriers really got through depends on what else the machine does."""
    await put_many(factory, 1200)
    await keep_record(factory)
    handed: Counter[int] = Counter()

    async def carry(client: aiohttp.ClientSession) -> None:
        while len(handed) < 3 * rate:
            messages = await claim(client, 10, wait=0.5)
            handed.update(one["id"] for one in messages)
            await tell(client, messages, "sent", message_id=1)

    async with processes(paced(settings, rate, burst), database_url, 3) as clients, asyncio.timeout(120):
        await asyncio.gather(*(carry(client) for client in clients for _ in range(3)))
    record = await takings(factory)
    assert sum(one.taken for one in record) == pytest.approx(len(handed))
    assert max(handed.values()) == 1
    most = max(sum(one.taken for one in record if first.at <= one.at < first.at + SECOND) for first in record)
    assert most <= rate + burst
    no_token_is_lost_or_made(record, rate, burst)
    assert all(one.taken == pytest.approx(min(10, int(one.there))) for one in record), "who came got what was there"
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
        assert len(await claim(api, wait=20)) == 1


async def halted_until(factory: Factory) -> datetime:
    async with factory.database.transaction() as session:
        until: datetime = (await session.execute(text("SELECT held_until FROM send_bucket"))).scalar_one()
    return until


async def test_a_pause_that_telegram_asks_for_is_everybodys(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    await put_many(factory, 20)
    await keep_record(factory)
    async with processes(paced(settings, 27, 3), database_url, 2) as [one, other]:
        messages = await claim(one)
        assert await tell(one, messages, "unsent", halt=3600) == 3
        halted = await halted_until(factory)
        # A shorter one does not end it.
        await tell(other, [], "sent", halt=0.1)
        assert await halted_until(factory) == halted
        assert await claim(other) == []
        # It is nearly over.
        async with factory.database.transaction() as session:
            soon = "clock_timestamp() + interval '1 second'"
            await session.execute(text(f"UPDATE send_bucket SET held_until = {soon}, refilled_at = {soon}"))
        over = await halted_until(factory)
        again = await claim(other, wait=20)
    # Those that were refused come first, and not all at once: the bucket begins empty.
    assert {message["id"] for message in again} <= {message["id"] for message in messages}
    [first, then] = await takings(factory)
    assert then.at > over
    assert then.there == pytest.approx(min(3, 27 * (then.at - over).total_seconds()), abs=0.001)
    assert (first.taken, then.taken) == pytest.approx((3, len(again)))


async def test_who_waits_for_room_waits_no_longer_than_asked(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    await put(factory, CHAT)
    async with processes(paced(settings, 27, 3), database_url) as [api]:
        await tell(api, [], "sent", halt=3600)
        async with asyncio.timeout(60):
            assert await claim(api, wait=0.3) == []


async def test_a_server_that_ends_does_not_wait_for_the_pause(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    await put(factory, CHAT)
    async with factory.database.transaction() as session:
        await halt(session, 3600)
    await ends_while_a_claim_waits(create_app(paced(settings, 27, 3), database_url))


async def test_broadcasts_go_out_evenly_however_seldom_their_courier_comes(
    settings: Settings, database_url: str, factory: Factory
) -> None:
    """Telegram's limit of 30 is used up to the last one or two, though each way to the API takes its time."""
    await under_way(factory, 90)
    await keep_record(factory)
    waits: list[list[float]] = []
    async with processes(never_quiet(paced(settings, 29, 1)), database_url) as [api], asyncio.timeout(120):
        while sum(map(len, waits)) < 90:
            if messages := await claim(api, 20, wait=2):
                waits.append([message["wait_seconds"] for message in messages])
            await tell(api, messages, "sent", message_id=1)
            await asyncio.sleep(0.1 + 0.2 * (len(waits) % 2))
    moments: list[float] = []
    for taking, batch in zip(await takings(factory), waits, strict=True):
        granted = taking.at.timestamp()
        # The first right after the one before, however long ago that was granted; after it, if that is over.
        first = max(moments[-1] + 1 / 29, granted) if moments else granted
        due = [granted + wait for wait in batch]
        assert due == pytest.approx([first + place / 29 for place in range(len(batch))], rel=0, abs=0.001)
        moments += due
        if len(moments) < 90:
            assert due[-1] - granted > 0.5, "a courier that is back after half a second has lost nothing"
    most = max(sum(first <= moment < first + 1 for moment in moments) for first in moments)
    assert most <= 30


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
