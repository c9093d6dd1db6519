"""The breaker before the API: when it opens, who tries whether the API is back, and what people are told meanwhile."""

import asyncio
import time
from dataclasses import dataclass

import pytest

from bot.backend import Backend, BackendUnavailable, NotFound
from bot.backend import calls as backend_calls
from bot.backend.breaker import FAILURES, LONGEST_REST, Breaker
from bot.backend.errors import LeftAlone, NotReady, Unreachable
from bot.webhook import Webhook
from tests.bot.conftest import Office, World, message, update_of
from tests.people import Person


@dataclass
class Service:
    """Fails as long as ``down``; counts what it is asked."""

    down: bool = True
    asked: int = 0
    now: float = 1000.0
    error: Exception | None = None

    async def ask(self) -> str:
        self.asked += 1
        if self.error is not None:
            raise self.error
        if self.down:
            raise Unreachable("…")
        return "well"

    def clock(self) -> float:
        return self.now


async def fail(breaker: Breaker, service: Service, times: int) -> None:
    for _ in range(times):
        with pytest.raises(Unreachable):
            await breaker.call(service.ask)


async def test_it_opens_after_failures_in_a_row_and_asks_nobody() -> None:
    service = Service()
    breaker = Breaker(service.clock)
    await fail(breaker, service, FAILURES - 1)
    assert not breaker.open
    service.down = False
    assert await breaker.call(service.ask) == "well"
    service.down = True
    await fail(breaker, service, FAILURES)
    assert breaker.open
    asked = service.asked
    for _ in range(100):
        with pytest.raises(LeftAlone):
            await breaker.call(service.ask)
    assert service.asked == asked


async def test_a_refusal_is_an_answer() -> None:
    service = Service(error=NotFound("not_found", 404))
    breaker = Breaker(service.clock)
    for error in (NotFound("not_found", 404), BackendUnavailable("the API answered 500")):
        service.error = error
        for _ in range(2 * FAILURES):
            with pytest.raises(type(error)):
                await breaker.call(service.ask)
    assert not breaker.open


async def test_one_call_tries_whether_it_is_back_and_closes_it() -> None:
    service = Service()
    breaker = Breaker(service.clock)
    await fail(breaker, service, FAILURES)
    service.now += 0.5
    service.down = False
    gate = asyncio.Event()

    async def slow() -> str:
        await gate.wait()
        return await service.ask()

    trying = asyncio.create_task(breaker.call(slow))
    await asyncio.sleep(0)
    with pytest.raises(LeftAlone):
        await breaker.call(service.ask)
    gate.set()
    assert await trying == "well"
    assert not breaker.open
    assert await breaker.call(service.ask) == "well"


async def test_a_vain_try_lets_it_rest_longer_and_longer_but_not_for_ever() -> None:
    service = Service()
    breaker = Breaker(service.clock)
    await fail(breaker, service, FAILURES)
    rests = []
    for _ in range(8):
        began = service.now
        while True:
            asked = service.asked
            with pytest.raises((LeftAlone, Unreachable)):
                await breaker.call(service.ask)
            if service.asked > asked:
                break
            service.now += 0.05
        rests.append(service.now - began)
    assert rests[0] <= 0.55
    assert max(rests) > 2 * rests[0]
    assert max(rests) <= LONGEST_REST + 0.05


async def test_who_tried_and_went_away_leaves_it_to_the_next() -> None:
    service = Service()
    breaker = Breaker(service.clock)
    await fail(breaker, service, FAILURES)
    service.now += LONGEST_REST
    trying = asyncio.create_task(breaker.call(asyncio.Event().wait))
    await asyncio.sleep(0)
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)
    service.down = False
    assert await breaker.call(service.ask) == "well"


async def test_a_long_call_that_tries_does_not_keep_others_out() -> None:
    """An upload may take a minute and a half, and the API be back after a second."""
    service = Service()
    breaker = Breaker(service.clock, trial_seconds=10)
    await fail(breaker, service, FAILURES)
    service.now += LONGEST_REST
    gate = asyncio.Event()

    async def upload() -> str:
        await gate.wait()
        raise Unreachable("…")

    uploading = asyncio.create_task(breaker.call(upload))
    await asyncio.sleep(0)
    service.now += 9.9
    with pytest.raises(LeftAlone):
        await breaker.call(service.ask)
    service.now += 0.1
    second = asyncio.create_task(breaker.call(asyncio.Event().wait))
    await asyncio.sleep(0)
    # Only one more; and that the first ends in vain neither frees the second's place nor makes the rest longer.
    gate.set()
    with pytest.raises(Unreachable):
        await uploading
    with pytest.raises(LeftAlone):
        await breaker.call(service.ask)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    service.down = False
    assert await breaker.call(service.ask) == "well"
    assert not breaker.open


async def test_the_many_that_were_under_way_do_not_make_it_rest_longer() -> None:
    service = Service()
    breaker = Breaker(service.clock)
    gate = asyncio.Event()

    async def slow() -> str:
        await gate.wait()
        return await service.ask()

    calls = [asyncio.create_task(breaker.call(slow)) for _ in range(64)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*calls, return_exceptions=True)
    service.now += 0.5
    service.down = False
    assert await breaker.call(service.ask) == "well"


async def told(person: Person) -> float:
    """Seconds until the person is told that the office cannot be reached."""
    began = time.monotonic()
    await person.send("/help")
    await person.expect("cannot be reached right now")
    return time.monotonic() - began


async def test_people_are_told_at_once_and_the_api_is_left_alone(
    world: World, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_calls, "TOTAL_TIMEOUT", 6.0)
    monkeypatch.setattr("bot.rests._FIRST", 30.0)
    monkeypatch.setattr("bot.backend.breaker.LONGEST_REST", 30.0)
    async with world.run():
        people = [await world.person(f"P{place}", language="en") for place in range(FAILURES + 3)]
        office.hold = asyncio.Event()
        waited = await asyncio.gather(*(told(person) for person in people[:FAILURES]))
        assert min(waited) >= 6
        asked = office.asked.total()
        assert max([await told(person) for person in people[FAILURES:]]) < 5
        assert office.asked.total() == asked
        office.hold.set()
        office.hold = None
        world.application.bot_data["backend"]._breaker._open_until = 0
        await people[0].send("/help")
        await people[0].expect("Choose what you need")


async def test_telegram_brings_again_what_comes_while_it_is_open(world: World, office: Office) -> None:
    wang = world.playground.add_person("王", started=True)
    await world.application.initialize()
    backend: Backend = world.application.bot_data["backend"]
    try:
        office.down = True
        for _ in range(FAILURES):
            with pytest.raises(NotReady):
                await backend.chat(wang.id)
        webhook = Webhook(world.application, "secret", "/")
        update = update_of(world.application, message(1, wang.id, "/start", language="en"))
        backend._breaker._open_until = time.monotonic() + 60
        asked = office.asked.total()
        assert await webhook._handle(update) is False
        assert office.asked.total() == asked
        assert not world.playground.outbox.done["sendMessage"]
        office.down = False
        backend._breaker._open_until = 0
        assert await webhook._handle(update) is True
        assert world.playground.outbox.done["sendMessage"]
    finally:
        await backend.close()
        await world.application.shutdown()


async def test_a_courier_goes_on_asking(world: World, office: Office) -> None:
    """It rests by itself, and nobody is waiting for it."""
    backend: Backend = world.application.bot_data["backend"]
    for _ in range(FAILURES):
        backend._breaker._failed(trying=False)
    with pytest.raises(LeftAlone):
        await backend.chat(5)
    with pytest.raises(BackendUnavailable, match="404"):
        await backend.broadcast_file(7)
    await backend.close()
