"""A playground over real HTTP, and phones to use it with."""

import io
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import telegram
from telegram.request import HTTPXRequest

from bot.playground import Playground, create_app, new_token, serve

Json = dict[str, Any]


@dataclass
class World:
    """One running playground."""

    url: str
    token: str
    state: Playground
    http: aiohttp.ClientSession

    async def call(self, method: str, **fields: Any) -> tuple[int, Json]:
        """A raw Bot API call as JSON: the status and the whole answer."""
        async with self.http.post(f"/bot{self.token}/{method}", json=fields) as response:
            return response.status, await response.json()

    async def ask(self, verb: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.http.request(verb, path, **options) as response:
            return response.status, await response.json()


@dataclass
class Phone:
    """What one person does and sees."""

    world: World
    id: int

    async def do(self, action: str, **fields: Any) -> Json:
        status, body = await self.world.ask("POST", f"/play/users/{self.id}/{action}", json=fields)
        assert status in (200, 201), body
        return dict(body)

    async def send(self, text: str) -> Json:
        return await self.do("messages", text=text)

    async def upload(self, action: str, *files: tuple[str, bytes, str], caption: str = "") -> Json:
        form = aiohttp.FormData()
        for name, data, content_type in files:
            form.add_field("file", io.BytesIO(data), filename=name, content_type=content_type)
        if caption:
            form.add_field("caption", caption)
        status, body = await self.world.ask("POST", f"/play/users/{self.id}/{action}", data=form)
        assert status == 201, body
        return dict(body)

    async def messages(self, after: int = 0, **query: Any) -> list[Json]:
        status, body = await self.world.ask("GET", f"/play/users/{self.id}/messages", params={"after": after, **query})
        assert status == 200
        return list(body)

    async def answer(self, after: int) -> Json:
        """The next thing the bot says."""
        found = await self.messages(after, wait=30)
        assert found, "the bot said nothing"
        return found[0]


NewPhone = Callable[..., Awaitable[Phone]]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    token = new_token()
    app = create_app(token)
    async with serve(app) as url, aiohttp.ClientSession(url) as http:
        yield World(url, token, app.state.playground, http)


@pytest.fixture
def new_phone(world: World) -> NewPhone:
    async def make(first_name: str = "王芳", *, started: bool = True, **fields: Any) -> Phone:
        status, body = await world.ask(
            "POST", "/play/users", json={"first_name": first_name, "started": started, **fields}
        )
        assert status == 201, body
        return Phone(world, body["id"])

    return make


@pytest.fixture
async def phone(new_phone: NewPhone) -> Phone:
    return await new_phone(phone="+8613800000001", language_code="zh-hans")


@pytest.fixture
async def bot(world: World) -> AsyncIterator[telegram.Bot]:
    """python-telegram-bot as it comes, stock HTTP client included."""
    made = telegram.Bot(
        world.token,
        base_url=f"{world.url}/bot",
        base_file_url=f"{world.url}/file/bot",
        request=HTTPXRequest(connection_pool_size=16),
        get_updates_request=HTTPXRequest(connection_pool_size=4, read_timeout=15),
    )
    async with made:
        yield made


def png(width: int, height: int) -> bytes:
    """A real, if plain, picture of this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    rows = (b"\x00" + b"\xc0\x90\x60" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
