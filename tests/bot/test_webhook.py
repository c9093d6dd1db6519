"""Updates posted by Telegram: the secret, what is not understood, and when Telegram should come again."""

import asyncio
import contextlib
import io
import os
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr, ValidationError
from telegram import Update
from typer.testing import CliRunner

from bot.app import build_application, running
from bot.cli import command_line
from bot.context import App, Context
from bot.dispatch import TurnHandler
from bot.playground import new_token
from bot.serving import serving
from bot.settings import BotSettings
from bot.webhook import MAX_BODY, MAX_TRIES, Webhook
from tests.bot.conftest import Office, World, bot_settings, message, until
from tests.conftest import SERVICE_TOKEN

SECRET = secrets.token_urlsafe(36)
HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET}


@dataclass
class Hook:
    app: App
    webhook: Webhook
    http: aiohttp.ClientSession

    async def post(self, update: Any, *, path: str = "/updates", headers: dict[str, str] | None = None) -> int:
        body = {"data": io.BytesIO(update)} if isinstance(update, bytes) else {"json": update}
        async with self.http.post(path, headers=HEADERS if headers is None else headers, **body) as response:
            return response.status


@pytest.fixture
async def hook(world: World) -> AsyncIterator[Hook]:
    await world.application.initialize()
    webhook = Webhook(world.application, SECRET, "/updates")
    async with serving(webhook) as url, aiohttp.ClientSession(url) as http:
        yield Hook(world.application, webhook, http)
    await webhook.drain()
    await world.application.bot_data["backend"].close()
    await world.application.shutdown()


async def sent(world: World, chat_id: int) -> list[str]:
    async with world.http.get(f"/play/users/{chat_id}/messages") as response:
        return [wire["text"] for wire in await response.json() if not wire["mine"]]


async def test_an_update_is_done_when_200_is_answered(hook: Hook, world: World) -> None:
    wang = world.playground.add_person("王", started=True)
    assert await hook.post(message(1, wang.id, "/start", language="en")) == 200
    assert "Hello" in (await sent(world, wang.id))[0]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"X-Telegram-Bot-Api-Secret-Token": ""}, 403),
        ({"X-Telegram-Bot-Api-Secret-Token": SECRET + "x"}, 403),
        ({"X-Telegram-Bot-Api-Secret-Token": "ß" * 20}, 403),
        ({"x-telegram-bot-api-secret-token": SECRET}, 200),
    ],
)
async def test_only_who_knows_the_secret_is_heard(
    hook: Hook, office: Office, headers: dict[str, str], status: int
) -> None:
    assert await hook.post(message(1, 5, "/start"), headers=headers) == status
    assert bool(office.asked) == (status == 200)


async def test_other_addresses_and_methods_are_nothing(hook: Hook) -> None:
    assert await hook.post(message(1, 5, "x"), path="/") == 404
    async with hook.http.get("/updates", headers=HEADERS) as response:
        assert response.status == 405
    async with hook.http.get("/healthz") as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"update_id": "one"}',
        b'{"update_id": 1, "message": 5}',
        b'{"update_id": 1, "message": {"text": "no chat"}}',
        b'{"update_id": 1, "some_future_kind": {"a": 1}}',
    ],
)
async def test_what_is_not_understood_is_taken_and_not_sent_again(hook: Hook, office: Office, body: bytes) -> None:
    assert await hook.post(body) == 200
    assert not office.asked


async def test_a_body_too_large_is_refused_before_it_is_read(hook: Hook, office: Office) -> None:
    with contextlib.suppress(aiohttp.ClientConnectionError):  # hung up on while still writing: as good
        assert await hook.post(b" " * (MAX_BODY * 3)) == 413
    assert not office.asked


async def test_a_passing_failure_is_tried_again_and_told_only_at_last(hook: Hook, office: Office, world: World) -> None:
    wang = world.playground.add_person("王", started=True)
    office.down = True
    update = message(1, wang.id, "/start", language="en")
    for _ in range(MAX_TRIES - 1):
        assert await hook.post(update) == 503
        assert await sent(world, wang.id) == []
    assert await hook.post(update) == 200
    (told,) = await sent(world, wang.id)
    assert "cannot be reached right now" in told
    asked = office.asked.total()
    assert await hook.post(update) == 200
    assert office.asked.total() == asked


async def test_a_failure_that_passed_is_never_noticed(hook: Hook, office: Office, world: World) -> None:
    wang = world.playground.add_person("王", started=True)
    office.down = True
    assert await hook.post(message(1, wang.id, "/start", language="en")) == 503
    office.down = False
    assert await hook.post(message(1, wang.id, "/start", language="en")) == 200
    (told,) = await sent(world, wang.id)
    assert "Hello" in told


async def test_a_failure_that_will_not_pass_is_told_at_once(hook: Hook, world: World) -> None:
    wang = world.playground.add_person("王", started=True)

    async def act(update: Update, ctx: Context) -> None:
        raise ValueError

    hook.app.handlers[0][:] = [TurnHandler(lambda turn: True, act)]
    assert await hook.post(message(1, wang.id, "x", language="en")) == 200
    assert "went wrong on our side" in (await sent(world, wang.id))[0]


async def test_an_update_that_comes_again_while_it_runs_runs_once(hook: Hook) -> None:
    gate = asyncio.Event()
    runs = 0

    async def act(update: Update, ctx: Context) -> None:
        nonlocal runs
        runs += 1
        await gate.wait()

    hook.app.handlers[0][:] = [TurnHandler(lambda turn: True, act)]
    posts = [asyncio.create_task(hook.post(message(1, 5, "x"))) for _ in range(3)]
    await until(lambda: runs == 1)
    gate.set()
    assert await asyncio.gather(*posts) == [200] * 3
    assert await hook.post(message(1, 5, "x")) == 200
    assert runs == 1


async def test_a_turn_goes_on_when_telegram_hangs_up(hook: Hook) -> None:
    gate, done = asyncio.Event(), asyncio.Event()
    began = asyncio.Event()

    async def act(update: Update, ctx: Context) -> None:
        began.set()
        await gate.wait()
        done.set()

    hook.app.handlers[0][:] = [TurnHandler(lambda turn: True, act)]
    post = asyncio.create_task(hook.post(message(1, 5, "x")))
    await began.wait()
    post.cancel()
    gate.set()
    await asyncio.wait_for(done.wait(), 30)


async def test_the_whole_way_with_a_webhook(world: World, office: Office) -> None:
    """setWebhook, delivery by the playground with the secret, an outage that passes, a clean end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = world.settings.telegram_token
    assert token is not None
    settings = bot_settings(
        token.get_secret_value(),
        world.url,
        office.url,
        webhook_url=f"http://127.0.0.1:{port}/updates",
        webhook_secret=SecretStr(SECRET),
        webhook_port=port,
    )
    async with running(build_application(settings)):
        wang = await world.person(language="en")
        await wang.send("/start")
        await wang.expect("Hello")
        office.down = True
        await wang.send("/help")
        await until(lambda: office.asked["GET"] >= 2)
        office.down = False
        await wang.expect("Choose what you need")
        assert len(wang.answers) == 1


@pytest.mark.usefixtures("own_logs")
def test_who_demands_a_webhook_is_told_what_it_needs() -> None:
    def said(**more: str) -> tuple[int, str]:
        environment = {"SHANGLOU_ENV_FILE": os.devnull, "SHANGLOU_SERVICE_TOKEN": SERVICE_TOKEN, **more}
        result = CliRunner().invoke(command_line(["bot"]), ["bot", "--webhook"], env=environment)
        return result.exit_code, result.stderr.strip()

    address = "--webhook needs SHANGLOU_WEBHOOK_URL, the public address of this bot, and SHANGLOU_WEBHOOK_SECRET."
    assert said() == (2, address)
    code, sentence = said(SHANGLOU_WEBHOOK_URL="https://bot.example/updates")
    assert code == 2
    assert sentence.startswith("SHANGLOU_WEBHOOK_URL needs SHANGLOU_WEBHOOK_SECRET.")


def test_a_webhook_needs_its_secret_and_https() -> None:
    def settings(**more: Any) -> BotSettings:
        return bot_settings(new_token(), "https://api.telegram.org", "http://127.0.0.1:1", **more)

    with pytest.raises(ValidationError, match="SHANGLOU_WEBHOOK_SECRET"):
        settings(webhook_url="https://bot.example/updates")
    with pytest.raises(ValidationError, match="32 to 256") as raised:
        settings(webhook_secret=SecretStr("hush hush hush hush hush hush hush"))
    assert "hush" not in str(raised.value)
    with pytest.raises(ValidationError, match="https"):
        settings(webhook_url="http://bot.example/updates", webhook_secret=SecretStr(SECRET))
