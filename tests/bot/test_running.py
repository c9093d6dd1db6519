"""Starting and ending the bot."""

import asyncio
import os
import secrets
import signal
import socket

import aiohttp
import pytest
from pydantic import SecretStr, ValidationError

from bot.app import NoToken, build_application, run, running
from bot.playground import new_token
from bot.settings import BotSettings
from tests.bot.conftest import Office, World, bot_settings, message, until, update_of
from tests.conftest import SERVICE_TOKEN


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


async def test_it_runs_until_sigterm(world: World) -> None:
    task = asyncio.create_task(run(world.settings))
    wang = await world.person(language="en")
    await wang.send("/start")
    await wang.expect("Hello")
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(task, 30)


async def test_it_ends_on_sigterm_while_telegram_is_not_reachable(office: Office) -> None:
    task = asyncio.create_task(run(bot_settings(new_token(), f"http://127.0.0.1:{free_port()}", office.url)))
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(task, 30)


async def test_it_waits_for_a_telegram_that_comes_later(world: World, office: Office) -> None:
    await world.fault("getMe", 502, count=1)
    async with world.run():
        wang = await world.person(language="en")
        await wang.send("/start")
        await wang.expect("Hello")


async def test_a_token_that_telegram_does_not_know_ends_it_without_being_quoted(world: World, office: Office) -> None:
    token = new_token()
    with pytest.raises(NoToken, match="does not know") as raised:
        async with running(build_application(bot_settings(token, world.url, office.url))):
            pass
    assert token not in str(raised.value)
    assert raised.value.__suppress_context__


def test_without_a_token_it_does_not_start() -> None:
    settings = BotSettings(_env_file=None, telegram_token=None, service_token=SecretStr(SERVICE_TOKEN))
    with pytest.raises(NoToken, match="SHANGLOU_TELEGRAM_TOKEN"):
        build_application(settings)


async def test_it_tells_that_it_is_alive(world: World, office: Office) -> None:
    token = world.settings.telegram_token
    assert token is not None
    port = free_port()
    settings = bot_settings(token.get_secret_value(), world.url, office.url, health_port=port)
    async with (
        running(build_application(settings)),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
        http.get("/healthz") as alive,
        http.get("/") as nothing,
    ):
        assert (alive.status, nothing.status) == (200, 404)


async def test_polling_goes_on_after_telegram_failed(world: World) -> None:
    async with world.run():
        wang = await world.person(language="en")
        await wang.send("/start")
        await wang.expect("Hello")
        await world.fault("getUpdates", 502, count=2)
        await wang.send("/help")
        await wang.expect("Choose what you need")


async def test_a_bot_that_may_not_introduce_itself_works_all_the_same(world: World) -> None:
    await world.fault("setMyCommands", 400, count=5)
    async with world.run():
        wang = await world.person(language="en")
        await wang.send("/start")
        await wang.expect("Hello")


async def test_the_menu_is_written_only_where_it_differs(world: World) -> None:
    async def written() -> int:
        async with world.http.get("/play/outbox") as response:
            outbox = await response.json()
        return sum(count for method, count in outbox.items() if method.startswith("setMy"))

    async with world.run():
        first = await written()
    token = world.settings.telegram_token
    assert token is not None
    async with running(build_application(world.settings)):
        assert first > 0
        assert await written() == first


async def test_an_answer_waits_out_telegrams_short_halt(world: World) -> None:
    async with world.run():
        wang = await world.person(language="en")
        await world.fault("sendMessage", 429, retry_after=1)
        await wang.send("/start")
        await wang.expect("Hello")


async def test_the_reading_of_an_update_never_fails_on_what_telegram_adds(world: World, office: Office) -> None:
    """Fields that this version does not know are passed over."""
    async with world.run():
        wire = message(1, 5, "/start")
        wire["message"]["from"]["some_future_field"] = {"a": [1]}
        wire["message"]["some_future_content"] = {"b": 2}
        update = update_of(world.application, wire)
        await world.application.update_processor.process_update(update, world.application.process_update(update))
    await until(lambda: office.state(5)["locale"] == "zh_CN")


@pytest.mark.parametrize(
    "url", ["http://api.telegram.org", "ftp://api.telegram.org", "api.telegram.org", "http://10.0.0.1:8081", ""]
)
def test_the_token_travels_encrypted_or_on_this_machine_only(url: str) -> None:
    with pytest.raises(ValidationError, match="must be"):
        bot_settings(new_token(), url, "http://127.0.0.1:1")


def test_settings_never_show_a_secret() -> None:
    token = new_token()
    settings = bot_settings(token, "http://localhost:1/", "http://127.0.0.1:8600/")
    for secret in (token, SERVICE_TOKEN):
        assert secret not in repr(settings)
        assert secret not in settings.model_dump_json()
    assert (settings.telegram_api_url, settings.api_url) == ("http://localhost:1", "http://127.0.0.1:8600")
    several = BotSettings(_env_file=None, service_token=SecretStr(f"{SERVICE_TOKEN}, {secrets.token_urlsafe(36)}"))
    assert several.bearer == SERVICE_TOKEN
