"""Where couriers work: the real API, a playground where Telegram is, and a way between them that can break."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
from pydantic import SecretStr
from telegram.ext import ExtBot

from api.app import create_app
from api.messages.models import Delivery
from api.messages.schemas import DeliveryState
from api.settings import Settings
from bot import playground
from bot.backend import Backend
from bot.courier import Compose, Courier, carrying
from bot.settings import BotSettings
from bot.transport import Transport
from handlers.registry import compose, compose_broadcast
from tests.api.outbox import put, rows
from tests.conftest import SERVICE_TOKEN
from tests.factories import Factory
from tests.people import Person
from tests.serving import serving

BATCH = 10
SLOW = 1.0
"""Seconds of a call of Telegram's that takes its time."""


class Relay:
    """A stretch of the way to Telegram that can break: with ``cut`` calls of sendMessage still to be cut off."""

    def __init__(self, port: int) -> None:
        self._there = port
        self._server: asyncio.Server | None = None
        self.port = 0
        self.cut = 0
        self.before_it_arrives = False
        self._open: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self._open:
                writer.close()
            await self._server.wait_closed()

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, onward = await asyncio.open_connection("127.0.0.1", self._there)
        self._open |= {back, onward}
        returning = asyncio.create_task(_pour(far, back))
        try:
            while data := await near.read(65536):
                cut = self.cut > 0 and b"sendMessage" in data
                if not (cut and self.before_it_arrives):
                    onward.write(data)
                    await onward.drain()
                if cut:
                    self.cut -= 1
                    returning.cancel()
                    await asyncio.sleep(0.1)
                    break
        except ConnectionError:
            pass
        finally:
            returning.cancel()
            self._open -= {back, onward}
            onward.close()
            back.close()


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except ConnectionError:
        pass


class Post:
    """The real API, a playground where Telegram is, the way between them, and one person who has written once."""

    def __init__(self, settings: Settings, database_url: str, factory: Factory) -> None:
        self.factory = factory
        self._settings = settings
        self._database_url = database_url
        self._api = AsyncExitStack()
        self.api_url = ""

    async def __aenter__(self) -> "Post":
        async with AsyncExitStack() as stack:
            self.token = playground.new_token()
            app = playground.create_app(self.token)
            self.world: playground.Playground = app.state.playground
            self.telegram = await stack.enter_async_context(playground.serve(app))
            self.relay = Relay(int(self.telegram.rpartition(":")[2]))
            await self.relay.open()
            stack.push_async_callback(self.relay.close)
            self.http = await stack.enter_async_context(aiohttp.ClientSession(self.telegram))
            await stack.enter_async_context(self._api)
            await self.start_api()
            self.person = await self.somebody()
            self._around = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._around.aclose()

    async def start_api(self) -> None:
        """On the port it had before."""
        port = int(self.api_url.rpartition(":")[2] or 0)
        app = create_app(self._settings, self._database_url)
        self.api_url = await self._api.enter_async_context(serving(app, port=port))

    async def stop_api(self) -> None:
        await self._api.aclose()

    async def slow_down(self, rate: float, burst: float) -> None:
        """So many messages a second from now on."""
        await self.stop_api()
        self._settings = self._settings.model_copy(update={"send_rate": rate, "send_burst": burst})
        await self.start_api()

    async def somebody(self) -> Person:
        person = await Person.arrive(self.http, "王小明")
        await person.send("你好")
        return person

    async def fault(self, status: int, **more: Any) -> None:
        async with self.http.post("/play/faults", json={"method": "sendMessage", "status": status, **more}) as response:
            response.raise_for_status()

    @asynccontextmanager
    async def courier(self, compose: Compose = compose, *, patience: float = 10.0) -> AsyncIterator[None]:
        """As ``running_courier`` runs it; ``patience``: seconds that it waits for Telegram's answer."""
        transport = Transport(read_timeout=patience)
        bot: ExtBot[None] = ExtBot(
            self.token,
            base_url=f"http://127.0.0.1:{self.relay.port}/bot",
            request=transport,
            get_updates_request=Transport(),
        )
        await transport.initialize()
        try:
            async with (
                Backend(self.api_url, SERVICE_TOKEN) as backend,
                carrying(
                    Courier(backend, bot, compose, compose_broadcast, time_zone=ZoneInfo("Asia/Shanghai"), batch=BATCH)
                ),
            ):
                yield
        finally:
            await transport.shutdown()

    def settings(self, **more: Any) -> BotSettings:
        return BotSettings(
            _env_file=None,
            telegram_token=SecretStr(self.token),
            telegram_api_url=self.telegram,
            api_url=self.api_url,
            service_token=SecretStr(SERVICE_TOKEN),
            **more,
        )

    async def put(self, *words: str) -> None:
        for each in words:
            await put(self.factory, self.person.id, words=each)

    async def settled(self, seconds: float = 60) -> list[Delivery]:
        """All messages, once none waits any more."""
        async with asyncio.timeout(seconds):
            while True:
                found = await rows(self.factory)
                if found and all(row.state is not DeliveryState.WAITING for row in found):
                    return found
                await asyncio.sleep(0.02)

    async def tried(self, times: int = 1) -> Delivery:
        """The first message, when it has been tried and reported so often."""
        async with asyncio.timeout(30):
            while True:
                row = (await rows(self.factory))[0]
                if row.attempts >= times and row.lease_id is None:
                    return row
                await asyncio.sleep(0.02)

    async def arrived(self) -> Counter[str]:
        """What stands in the person's chat, by the words that the messages were put with."""
        await self.person.refresh()
        return Counter(message.text.split("\n")[1] for message in self.person.messages.values() if not message.mine)
