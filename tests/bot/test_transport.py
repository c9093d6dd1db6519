"""The way to Telegram: what is sent, what is read, and how failures look."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import telegram
from aiohttp import web
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError, TimedOut
from telegram.ext import ExtBot
from telegram.request import RequestData

from api.messages.schemas import Outcome
from bot.errors import Patience
from bot.outcomes import failure
from bot.transport import ConnectionLost, NotConnected, Transport, call, call_once
from tests.bot.conftest import World, serving_aiohttp

TOKEN = "123456:secret-of-the-bot-0123456789"


@dataclass
class Server:
    """A Bot API that answers what a test lays ready."""

    url: str = ""
    answers: list[tuple[int, Any]] = field(default_factory=list)
    got: list[web.Request] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    hold: asyncio.Event | None = None

    async def answer(self, request: web.Request) -> web.Response:
        self.got.append(request)
        if request.content_type == "multipart/form-data":
            parts = await request.post()
            self.bodies.append(
                {
                    name: (part.filename, part.file.read()) if isinstance(part, web.FileField) else part
                    for name, part in parts.items()
                }
            )
        else:
            self.bodies.append(await request.json() if request.body_exists else None)
        if self.hold is not None:
            await self.hold.wait()
        status, body = self.answers.pop(0) if self.answers else (200, {"ok": True, "result": True})
        if isinstance(body, bytes):
            return web.Response(status=status, body=body)
        return web.json_response(body, status=status)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{rest:.*}", server.answer)
    async with serving_aiohttp(app) as server.url:
        yield server


@pytest.fixture
async def bot(server: Server) -> AsyncIterator[ExtBot[Any]]:
    bot = bot_for(server.url)
    server.answers.append((200, {"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "b", "username": "b"}}))
    async with bot:
        server.got.clear()
        server.bodies.clear()
        yield bot


def bot_for(url: str, *, read_timeout: float = 30.0) -> ExtBot[Any]:
    return ExtBot(
        TOKEN,
        base_url=f"{url}/bot",
        base_file_url=f"{url}/file/bot",
        request=Transport(read_timeout=read_timeout),
        get_updates_request=Transport(),
        rate_limiter=Patience(),
    )


def refusal(status: int, description: str, **parameters: Any) -> tuple[int, Any]:
    return status, {"ok": False, "error_code": status, "description": description, "parameters": parameters}


async def test_parameters_travel_as_json(bot: ExtBot[Any], server: Server) -> None:
    await bot.send_chat_action(5, telegram.constants.ChatAction.TYPING)
    assert server.got[0].path == f"/bot{TOKEN}/sendChatAction"
    assert server.bodies == [{"chat_id": 5, "action": "typing"}]


async def test_files_travel_as_multipart(bot: ExtBot[Any], server: Server) -> None:
    sent = {"message_id": 7, "date": 1, "chat": {"id": 5, "type": "private"}}
    server.answers.append((200, {"ok": True, "result": sent}))
    await bot.send_document(5, io.BytesIO(b"\x00\xff" * 3000), filename='报告 "1".pdf', caption="看")
    (body,) = server.bodies
    assert body["chat_id"] == "5"
    assert body["caption"] == "看"
    filename, content = body["document"]
    assert content == b"\x00\xff" * 3000
    assert "报告" in filename


async def test_an_album_uploads_each_file_under_its_own_name(bot: ExtBot[Any], server: Server) -> None:
    server.answers.append((200, {"ok": True, "result": []}))
    await bot.send_media_group(5, [telegram.InputMediaPhoto(b"one"), telegram.InputMediaPhoto(b"two")])
    (body,) = server.bodies
    assert sorted(part[1] for part in body.values() if isinstance(part, tuple)) == [b"one", b"two"]
    assert body["media"].count("attach://") == 2


async def test_a_file_is_downloaded_as_it_is(bot: ExtBot[Any], server: Server) -> None:
    server.answers.append(
        (200, {"ok": True, "result": {"file_id": "f", "file_unique_id": "u", "file_path": "a b/文.jpg"}})
    )
    server.answers.append((200, b"\xff\xd8picture"))
    file = await bot.get_file("f")
    assert await file.download_as_bytearray() == b"\xff\xd8picture"
    assert server.got[-1].path == f"/file/bot{TOKEN}/a b/文.jpg"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(400, "Bad Request: chat not found"), BadRequest),
        (refusal(403, "Forbidden: bot was blocked by the user"), Forbidden),
        (refusal(404, "Not Found"), InvalidToken),
        (refusal(429, "Too Many Requests", retry_after=60), RetryAfter),
        (refusal(502, "Bad Gateway"), NetworkError),
        ((502, b"<html>nginx</html>"), NetworkError),
        ((200, b"not json"), TelegramError),
    ],
)
async def test_refusals_are_ptbs_errors(
    bot: ExtBot[Any], server: Server, answer: tuple[int, Any], error: type[TelegramError]
) -> None:
    server.answers += [answer, answer]
    with pytest.raises(error):
        await bot.send_message(1, "x")
    with pytest.raises(error):
        await call(bot, "sendMessage", {"chat_id": 1, "text": "x"})


async def test_a_short_halt_is_waited_out_and_a_long_one_is_not(bot: ExtBot[Any], server: Server) -> None:
    server.answers += [
        refusal(429, "Too Many Requests", retry_after=1),
        (200, {"ok": True, "result": {"message_id": 3}}),
    ]
    assert await call(bot, "sendMessage", {"chat_id": 1, "text": "x", "reply_markup": None}) == {"message_id": 3}
    assert server.bodies == [{"chat_id": 1, "text": "x"}] * 2
    server.answers += [refusal(429, "Too Many Requests", retry_after=30)]
    with pytest.raises(RetryAfter):
        await call(bot, "sendMessage", {"chat_id": 1, "text": "x"})
    assert len(server.bodies) == 3


def chain(error: BaseException | None) -> str:
    """Everything a log could show of an error."""
    shown = ""
    while error is not None:
        shown += f"{error!r} {error}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return shown


async def test_no_answer_in_time_is_timed_out_without_the_token(server: Server) -> None:
    bot = bot_for(server.url, read_timeout=0.05)
    server.hold = asyncio.Event()
    await bot.request.initialize()
    with pytest.raises(TimedOut) as raised:
        await bot.send_message(1, "x")
    assert not isinstance(raised.value, NotConnected)
    assert TOKEN not in chain(raised.value)
    server.hold.set()
    await bot.request.shutdown()


async def test_nobody_there_is_a_network_error_without_the_token() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        bot = bot_for(f"http://127.0.0.1:{taken.getsockname()[1]}")
        await bot.request.initialize()
        with pytest.raises(NotConnected) as raised:
            await bot.send_message(1, "x")
        await bot.request.shutdown()
    assert not isinstance(raised.value, TimedOut)
    assert TOKEN not in chain(raised.value)


async def test_a_connection_that_nobody_takes_in_time_never_carried_the_request() -> None:
    """Whoever sends a message again may be sure that the first did not arrive."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        bot = ExtBot(
            TOKEN,
            base_url=f"http://127.0.0.1:{address[1]}/bot",
            request=Transport(connect_timeout=0.1, pool_timeout=0.1),
            get_updates_request=Transport(),
        )
        await bot.request.initialize()
        with pytest.raises(NotConnected) as raised:
            await call_once(bot, "sendMessage", {"chat_id": 1, "text": "x"})
        await bot.request.shutdown()
        for one in waiting:
            one.close()
    assert TOKEN not in chain(raised.value)


async def test_a_connection_that_breaks_after_the_request_went_out_is_another_thing() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    bot = bot_for(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await bot.request.initialize()
    with pytest.raises(ConnectionLost) as raised:
        await call_once(bot, "sendMessage", {"chat_id": 1, "text": "x"})
    await bot.request.shutdown()
    server.close()
    assert TOKEN not in chain(raised.value)


async def test_where_there_is_a_proxy_everything_goes_through_it(server: Server) -> None:
    """The test's Bot API is the proxy here, and no other address leads anywhere."""
    transport = Transport(proxy=server.url)
    await transport.initialize()
    sent = await transport.do_request("http://bot-api.example/bot1:x/getMe", "POST", RequestData([]))
    await transport.shutdown()
    assert sent == (200, b'{"ok": true, "result": true}')
    assert server.got[0].raw_path == "http://bot-api.example/bot1:x/getMe"


async def test_a_gateways_page_does_not_tell_whether_the_request_arrived(bot: ExtBot[Any], server: Server) -> None:
    server.answers += [(504, b"<html>gateway time-out</html>"), refusal(500, "Internal Server Error")]
    found = []
    for _ in range(2):
        with pytest.raises(NetworkError) as raised:
            await call_once(bot, "sendMessage", {"chat_id": 1, "text": "x"})
        found.append(failure(raised.value).outcome)
    assert found == [Outcome.UNKNOWN, Outcome.RETRY]


async def test_a_pause_is_passed_on_to_who_has_nobody_waiting(bot: ExtBot[Any], server: Server) -> None:
    server.answers += [refusal(429, "Too Many Requests", retry_after=1)]
    with pytest.raises(RetryAfter):
        await call_once(bot, "sendMessage", {"chat_id": 1, "text": "x", "reply_markup": None})
    assert server.bodies == [{"chat_id": 1, "text": "x"}]


async def test_a_transport_can_be_opened_again_after_it_was_closed(server: Server) -> None:
    transport = Transport()
    await transport.initialize()
    await transport.shutdown()
    await transport.shutdown()
    with pytest.raises(RuntimeError, match="not initialized"):
        await transport.do_request(f"{server.url}/bot1:x/getMe", "POST")
    await transport.initialize()
    assert (await transport.do_request(f"{server.url}/bot1:x/getMe", "POST"))[0] == 200
    await transport.shutdown()


async def test_polling_waits_as_long_as_it_asked_for(world: World) -> None:
    async with world.application.bot as bot:
        assert await bot.get_updates(timeout=1) == ()
