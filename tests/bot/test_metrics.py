"""What the bot counts about its turns, its calls of the API and its courier; that it costs next to nothing, and that no
label can be made by a person."""

import asyncio
import inspect
import timeit
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from api.metrics import Metrics as OfApi
from bot.app import build_application, running, running_courier
from bot.backend import Backend
from bot.dispatch import called
from bot.metrics import Metrics
from handlers.registry import HANDLERS
from tests.bot.conftest import Office, World, bot_settings
from tests.bot.test_running import free_port
from tests.defences import Figure


@pytest.fixture
async def watched(world: World, office: Office) -> AsyncIterator[tuple[World, aiohttp.ClientSession]]:
    """A bot that runs with a health port, and a client of it."""
    token = world.settings.telegram_token
    assert token is not None
    settings = bot_settings(token.get_secret_value(), world.url, office.url, health_port=free_port())
    world.application = build_application(settings)
    async with world.run(), aiohttp.ClientSession(f"http://127.0.0.1:{settings.health_port}") as client:
        yield world, client


async def read(client: aiohttp.ClientSession, name: str) -> dict[tuple[str, ...], float]:
    """Samples of that name, by the values of their labels in the order of their names."""
    async with client.get("/metrics") as response:
        assert response.status == 200
        page = await response.text()
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name
    }


async def test_turns_are_counted_by_their_function_and_how_they_ended(
    watched: tuple[World, aiohttp.ClientSession], office: Office
) -> None:
    world, client = watched
    wang = await world.person(language="en")
    await wang.send("/start")
    await wang.expect("Hello")
    await wang.send("/help")
    await wang.expect("Choose what you need")
    office.down = True
    await wang.send("/help")
    await wang.expect("cannot be reached")
    await world.fault("sendMessage", 403, description="Forbidden: bot was blocked by the user")
    office.down = False
    await wang.send("/help")
    wanted = {
        ("start.start", "done"): 1,
        ("start.show_help", "done"): 1,
        # The chat's state could not be loaded: nobody knows whose update it would have been.
        ("none", "unavailable"): 1,
        ("start.show_help", "out_of_reach"): 1,
    }
    async with asyncio.timeout(30):
        while await read(client, "shanglou_turn_seconds_count") != wanted:
            await asyncio.sleep(0.01)
    seconds = await read(client, "shanglou_turn_seconds_sum")
    assert all(0 < value < 30 for value in seconds.values())


async def test_what_waits_for_its_turn_is_told(watched: tuple[World, aiohttp.ClientSession], office: Office) -> None:
    world, client = watched
    wang = await world.person(language="en")
    await wang.send("/start")
    await wang.expect("Hello")
    held, may_save = asyncio.Event(), asyncio.Event()

    async def hold(_: int) -> None:
        held.set()
        await may_save.wait()

    office.before_save = hold
    await wang.send("/language")
    await wang.expect("language")
    await wang.tap("中文")
    await asyncio.wait_for(held.wait(), 30)
    for _ in range(3):
        await wang.send("/help")
    async with asyncio.timeout(30):
        while await read(client, "shanglou_updates_waiting") != {(): 3}:
            await asyncio.sleep(0.01)
    assert await read(client, "shanglou_updates_running") == {(): 1}
    may_save.set()
    async with asyncio.timeout(30):
        while await read(client, "shanglou_updates_waiting") != {(): 0}:
            await asyncio.sleep(0.01)


async def test_calls_of_the_api_are_counted_by_outcome(
    watched: tuple[World, aiohttp.ClientSession], office: Office
) -> None:
    world, client = watched
    backend = world.application.bot_data["backend"]
    before = await read(client, "shanglou_api_call_seconds_count")
    await backend.chat(5)
    office.down = True
    with pytest.raises(Exception, match="503"):
        await backend.chat(5)
    office.down = False
    with pytest.raises(Exception, match="404"):
        await backend.homes(5)
    after = await read(client, "shanglou_api_call_seconds_count")
    assert {key: count - before.get(key, 0) for key, count in after.items() if key[1] == "chats"} == {
        ("answered", "chats"): 1,
        # What may arrive twice is tried three times.
        ("failed", "chats"): 3,
        ("refused", "chats"): 1,
    }
    # There is no API for couriers here: theirs are counted apart.
    assert {part for _, part in after} == {"chats", "messages"}


async def test_an_api_that_is_not_there_is_counted_too() -> None:
    metrics = Metrics("bot")
    async with Backend(f"http://127.0.0.1:{free_port()}", "a token", metrics=metrics) as backend:
        with pytest.raises(Exception, match="failed"):
            await backend.chat(5)
    counted = metrics.registry.get_sample_value(
        "shanglou_api_call_seconds_count", {"part": "chats", "outcome": "no_connection"}
    )
    assert counted is not None
    assert counted >= 1


async def test_a_courier_alone_tells_the_same(world: World, office: Office) -> None:
    settings = world.settings.model_copy(update={"health_port": free_port()})
    async with running_courier(settings), aiohttp.ClientSession(f"http://127.0.0.1:{settings.health_port}") as client:
        assert [key[0] for key in await read(client, "shanglou_build_info")] == ["courier"]
        assert await read(client, "shanglou_courier_in_hand") == {(): 0}
        assert await read(client, "process_resident_memory_bytes") != {}


async def test_with_a_webhook_the_figures_are_on_the_health_port_alone(world: World) -> None:
    """The webhook's port is open to the internet."""
    port = free_port()
    settings = world.settings.model_copy(
        update={
            "webhook_url": f"http://127.0.0.1:{port}/hook",
            "webhook_secret": SecretStr("a-webhook-secret-of-the-tests-01"),
            "webhook_port": port,
            "health_port": free_port(),
        }
    )
    async with running(build_application(settings)), aiohttp.ClientSession() as client:
        for asked, status in ((port, 404), (settings.health_port, 200)):
            async with client.get(f"http://127.0.0.1:{asked}/metrics") as response:
                assert response.status == status


def test_labels_are_this_programs_own_functions() -> None:
    """Two functions of the same name would be counted together; methods are, whatever they are of."""
    functions = {inspect.unwrap(getattr(handler.callback, "__func__", handler.callback)) for handler in HANDLERS}
    names = {called(handler.callback) for handler in HANDLERS}
    assert len(names) == len(functions)
    assert all(name.replace("_", "").replace(".", "").isalpha() for name in names)


def test_counting_costs_next_to_nothing(figure: Figure) -> None:
    """A turn costs about a millisecond of CPU; counted are the turn and its one or two requests, on both sides."""
    of_bot, of_api = Metrics("bot"), OfApi()

    def microseconds(count: str, scope: dict[str, object]) -> float:
        return min(timeit.repeat(count, globals=scope, number=2000, repeat=10)) / 2000 * 1e6

    turn = microseconds("m.turn('handover.show', 'done', 0.02)", {"m": of_bot})
    call = microseconds("m.call('chats', 'answered', 0.002)", {"m": of_bot})
    request = microseconds("m.answered('/v1/chats/{chat_id}', 'GET', 200, 0.002)", {"m": of_api})
    figure("µs to count a turn, a call of the API, a request", f"{turn:.1f}, {call:.1f}, {request:.1f}")
    assert max(turn, call, request) < 25
