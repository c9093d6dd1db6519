"""The bot's runtime between a playground and an office whose behaviour a test decides."""

import asyncio
import logging
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from pydantic import SecretStr
from telegram import Update
from telegram.ext import filters

from api.settings import Settings
from bot.app import build_application, running
from bot.context import App, Context
from bot.dispatch import MessageHandler
from bot.playground import Playground, create_app, new_token, serve
from bot.sessions import ChatProcessor
from bot.settings import BotSettings
from tests.bot.post import Post
from tests.conftest import SERVICE_TOKEN
from tests.factories import Factory
from tests.people import Person

Act = Callable[[Update, Context], Coroutine[Any, Any, None]]


@dataclass
class Office:
    """Answers as the API's contract says, from memory, or as a test decides. Where the API itself matters, tests use
    the API; here it is what happens to the bot when the other side misbehaves."""

    url: str = ""
    chats: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    down: bool = False
    hold: asyncio.Event | None = None
    """While it is set, nobody is answered before it rings."""
    before_save: Callable[[int], Awaitable[None]] | None = None

    def state(self, chat_id: int) -> dict[str, Any]:
        empty = {"chat_id": chat_id, "locale": None, "linked": False, "dialog": None, "version": 0}
        return self.chats.get(chat_id, empty)

    def dialog_name(self, chat_id: int) -> str | None:
        dialog = self.state(chat_id)["dialog"]
        return dialog["name"] if dialog else None

    async def load(self, request: web.Request) -> web.Response:
        self._check(request)
        if self.hold is not None:
            await self.hold.wait()
        facts = request.match_info.get("facts")
        return web.json_response(self.state(int(request.match_info["chat_id"])) | ({facts: []} if facts else {}))

    async def save(self, request: web.Request) -> web.Response:
        self._check(request)
        chat_id, wanted = int(request.match_info["chat_id"]), await request.json()
        if self.before_save is not None:
            await self.before_save(chat_id)
        state = self.state(chat_id)
        if wanted["version"] != state["version"]:
            return web.json_response({"code": "version_conflict", "message": "", "details": {}}, status=409)
        update_id = wanted.pop("update_id")
        taken = [*([] if update_id is None else [update_id]), *state.get("taken", [])]
        self.chats[chat_id] = {**state, **wanted, "version": state["version"] + 1, "taken": taken}
        return web.json_response(self.chats[chat_id])

    def _check(self, request: web.Request) -> None:
        self.asked[request.method] += 1
        if request.headers["Authorization"] != f"Bearer {SERVICE_TOKEN}":
            raise web.HTTPUnauthorized
        if self.down:
            raise web.HTTPServiceUnavailable


@pytest.fixture
def own_logs() -> Iterator[None]:
    """What a test sets up about logging ends with it."""
    root = logging.getLogger()
    handlers, level, configuration = root.handlers[:], root.level, structlog.get_config()
    hooks = threading.excepthook, sys.unraisablehook
    yield
    threading.excepthook, sys.unraisablehook = hooks
    root.handlers[:], root.level = handlers, level
    structlog.configure(**configuration)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    office = Office()
    app = web.Application()
    app.router.add_get("/v1/chats/{chat_id}", office.load)
    app.router.add_put("/v1/chats/{chat_id}", office.save)
    app.router.add_get("/v1/chats/{chat_id}/with-{facts}", office.load)
    async with serving_aiohttp(app) as office.url:
        yield office


@pytest.fixture
async def post(settings: Settings, database_url: str, factory: Factory) -> AsyncIterator[Post]:
    """For couriers; at a pace that nobody runs into, at any hour of the day."""
    quick = settings.model_copy(update={"send_rate": 500.0, "send_burst": 50.0, "quiet_from": 0, "quiet_until": 0})
    async with Post(quick, database_url, factory) as post:
        yield post


class serving_aiohttp:  # noqa: N801 - used as a function
    """Serves an aiohttp app on loopback for as long as the block runs; gives its address."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> str:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


@dataclass
class World:
    """A playground with the bot on it (not started until ``run`` is entered)."""

    playground: Playground
    url: str
    settings: BotSettings
    application: App
    http: aiohttp.ClientSession

    def run(self) -> Any:
        return running(self.application)

    async def person(self, name: str = "王小明", *, language: str = "zh-hans") -> Person:
        return await Person.arrive(self.http, name, language=language)

    async def fault(self, method: str, status: int, *, count: int = 1, **more: Any) -> None:
        fault = {"method": method, "status": status, "count": count, **more}
        async with self.http.post("/play/faults", json=fault) as response:
            assert response.status < 300, await response.text()


@pytest.fixture
async def world(office: Office) -> AsyncIterator[World]:
    token = new_token()
    app = create_app(token)
    async with serve(app) as url, aiohttp.ClientSession(url) as http:
        settings = bot_settings(token, url, office.url)
        yield World(app.state.playground, url, settings, build_application(settings), http)


@dataclass
class Bot:
    """The application without its conversations: a test adds what it needs and hands updates in itself."""

    app: App
    world: World

    @property
    def processor(self) -> ChatProcessor:
        processor = self.app.update_processor
        assert isinstance(processor, ChatProcessor)
        return processor

    async def take(self, wire: dict[str, Any]) -> None:
        """One update, as PTB hands it on."""
        update = update_of(self.app, wire)
        await self.processor.process_update(update, self.app.process_update(update))

    def on_text(self, act: Act) -> None:
        self.app.handlers[0][:] = [MessageHandler(filters.TEXT, act)]

    async def sent(self, chat_id: int) -> list[str]:
        async with self.world.http.get(f"/play/users/{chat_id}/messages") as response:
            return [wire["text"] for wire in await response.json() if not wire["mine"]]


@pytest.fixture
async def bot(world: World) -> AsyncIterator[Bot]:
    await world.application.initialize()
    yield Bot(world.application, world)
    await world.application.bot_data["backend"].close()
    await world.application.shutdown()


async def living(world: World, *ids: int) -> None:
    for number in ids:
        world.playground.add_person("王", user_id=number, started=True)


def bot_settings(token: str, telegram: str, api: str, **more: Any) -> BotSettings:
    return BotSettings(
        _env_file=None,
        telegram_token=SecretStr(token),
        telegram_api_url=telegram,
        api_url=api,
        service_token=SecretStr(SERVICE_TOKEN),
        **more,
    )


def message(
    update_id: int, chat_id: int, text: str, *, kind: str = "private", language: str = "zh-hans"
) -> dict[str, Any]:
    """An update as Telegram writes it."""
    entities = [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}] if text.startswith("/") else []
    return {
        "update_id": update_id,
        "message": {
            "message_id": update_id,
            "date": 1_790_000_000,
            "chat": {"id": chat_id, "type": kind, "first_name": "王"},
            "from": {"id": abs(chat_id), "is_bot": False, "first_name": "王", "language_code": language},
            "text": text,
            "entities": entities,
        },
    }


def tap(update_id: int, chat_id: int, data: str) -> dict[str, Any]:
    """A tap on a button of the bot's message 1."""
    said = message(update_id, chat_id, "…")["message"]
    return {
        "update_id": update_id,
        "callback_query": {
            "id": str(update_id),
            "from": said["from"],
            "message": {**said, "message_id": 1},
            "chat_instance": "1",
            "data": data,
        },
    }


def update_of(application: App, wire: dict[str, Any]) -> Update:
    update = Update.de_json(wire, application.bot)
    assert update is not None
    return update


async def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Waits for a condition.

    Raises:
        TimeoutError: it did not come true.
    """
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.002)
