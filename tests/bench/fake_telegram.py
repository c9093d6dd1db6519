"""The bench's Bot API: as little work for an update as can be, in a process of its own.

It stands where Telegram would, for every subject alike: ``getUpdates`` hands out up to 100 updates a call and waits
when there are none, ``sendMessage`` answers a complete Message. ``POST /bench/feed`` queues updates and is answered
once every one of them has got its reply.
"""

import asyncio
import contextlib
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import httptools
import orjson
import uvloop

from bot.playground.formatting import format_text

FIRST_CHAT = 500_000_000
COMMAND = "/handover"
BATCH = 100
"""The most updates that Telegram hands out in one call."""
KINDS = 32
"""Different first lines of replies that are told apart."""

Params = dict[str, Any]
Reply = Callable[[int, Any], None]
_PLAIN = {
    "answerCallbackQuery",
    "deleteMessage",
    "deleteMyCommands",
    "deleteWebhook",
    "sendChatAction",
    "setChatMenuButton",
    "setMyCommands",
    "setMyDescription",
    "setMyName",
    "setMyShortDescription",
}


class FakeTelegram:
    """One bot and ``residents`` private chats, each of which sends ``/handover`` again and again."""

    def __init__(self, residents: int) -> None:
        self.residents = residents
        self.calls: Counter[str] = Counter()
        self._sent: list[float] = []
        self._queue: deque[tuple[int, bytes, int]] = deque()
        self._news = asyncio.Event()
        self._update_id = 1000
        self._message_id = 0
        self._fed = 0
        self._feed: Feed | None = None
        self._bot: Params = {"id": 1, "is_bot": True, "first_name": "Bench", "username": "bench_bot"}
        self._profile = self._bot | {
            "can_join_groups": False,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }

    async def feed(self, count: int, rate: float | None) -> Params:
        """Queue ``count`` updates, all at once or ``rate`` a second, and wait for the replies."""
        feed = self._feed = Feed(count)
        if rate is None:
            for _ in range(count):
                self._queue.append(self._update())
            self._news.set()
        else:
            start = time.perf_counter()
            for number in range(count):
                await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
                self._queue.append(self._update())
                self._news.set()
        await feed.complete.wait()
        self._feed = None
        return feed.outcome()

    def _update(self) -> tuple[int, bytes, int]:
        """Its id, itself and its chat. Each resident's turn comes round; every fifth reads English."""
        number = self._fed % self.residents
        self._fed += 1
        self._update_id += 1
        chat_id = FIRST_CHAT + number
        person = {"id": chat_id, "first_name": f"Resident {number}"}
        message = {
            "message_id": self._next_message(),
            "date": int(time.time()),
            "chat": {**person, "type": "private"},
            "from": {**person, "is_bot": False, "language_code": "en" if number % 5 == 4 else "zh-hans"},
            "text": COMMAND,
            "entities": [{"type": "bot_command", "offset": 0, "length": len(COMMAND)}],
        }
        return self._update_id, orjson.dumps({"update_id": self._update_id, "message": message}), chat_id

    def _next_message(self) -> int:
        self._message_id += 1
        return self._message_id

    async def get_updates(self, params: Params) -> bytes:
        offset = int(params.get("offset") or 0)
        if not self._queue:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(float(params.get("timeout") or 0), 30.0))
        handed: list[bytes] = []
        while self._queue and len(handed) < min(BATCH, int(params.get("limit") or BATCH)):
            update_id, update, chat_id = self._queue.popleft()
            if update_id < offset:
                raise RuntimeError("an update was confirmed before it was handed out")
            handed.append(update)
            if self._feed is not None:
                self._feed.handed(chat_id)
        return b'{"ok":true,"result":[' + b",".join(handed) + b"]}"

    def send_message(self, params: Params) -> bytes:
        chat_id = int(params["chat_id"])
        text, entities = format_text(str(params["text"]), str(params.get("parse_mode") or ""), None)
        message: Params = {
            "message_id": self._next_message(),
            "from": self._bot,
            "chat": {"id": chat_id, "type": "private", "first_name": f"Resident {chat_id - FIRST_CHAT}"},
            "date": int(time.time()),
            "text": text,
        }
        if entities:
            message["entities"] = entities
        markup = params.get("reply_markup")
        if isinstance(markup, str):
            markup = orjson.loads(markup)
        if markup and "inline_keyboard" in markup:
            message["reply_markup"] = markup
        if self._feed is not None:
            self._feed.replied(chat_id, text.partition("\n")[0])
        return _ok(message)

    def call(self, method: str, params: Params, reply: Reply) -> asyncio.Task[None] | None:
        """Answers at once, or gives the task that will."""
        self.calls[method] += 1
        if method == "sendMessage":
            self._sent.append(time.perf_counter())
            reply(200, self.send_message(params))
        elif method == "getUpdates":
            return asyncio.create_task(self._later(self.get_updates(params), reply))
        elif method == "getMe":
            reply(200, _ok(self._profile))
        elif method == "getWebhookInfo":
            reply(200, _ok({"url": "", "has_custom_certificate": False, "pending_update_count": 0}))
        elif method in _PLAIN:
            reply(200, b'{"ok":true,"result":true}')
        else:
            reply(404, b'{"ok":false,"error_code":404,"description":"Not Found"}')
        return None

    def control(self, action: str, params: Params, reply: Reply) -> asyncio.Task[None] | None:
        """What the bench itself asks."""
        if action == "feed" and self._feed is None:
            rate = params.get("rate")
            return asyncio.create_task(self._later(self._fed_as_json(int(params["count"]), rate), reply))
        if action == "calls":
            reply(200, orjson.dumps(self.calls))
        elif action == "sent":
            reply(200, orjson.dumps({"count": len(self._sent), "seconds": self._sent[-1] - self._sent[0]}))
        else:
            reply(404, b"{}")
        return None

    async def _fed_as_json(self, count: int, rate: float | None) -> bytes:
        return orjson.dumps(await self.feed(count, rate))

    async def _later(self, body: Any, reply: Reply) -> None:
        reply(200, await body)


class Feed:
    """Updates that were queued together and what became of them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.complete = asyncio.Event()
        self.answered = 0
        self.unasked = 0
        self.kinds: Counter[str] = Counter()
        self._waiting: dict[int, deque[float]] = {}
        self._waits: list[float] = []
        self._first = 0.0
        self._last = 0.0

    def handed(self, chat_id: int) -> None:
        now = time.perf_counter()
        self._first = self._first or now
        self._waiting.setdefault(chat_id, deque()).append(now)

    def replied(self, chat_id: int, first_line: str) -> None:
        if len(self.kinds) < KINDS or first_line in self.kinds:
            self.kinds[first_line] += 1
        waiting = self._waiting.get(chat_id)
        if not waiting:
            self.unasked += 1
            return
        self._last = time.perf_counter()
        self._waits.append(self._last - waiting.popleft())
        self.answered += 1
        if self.answered == self.count:
            self.complete.set()

    def outcome(self) -> Params:
        waits = sorted(self._waits)
        return {
            "answered": self.answered,
            "unasked": self.unasked,
            "seconds": self._last - self._first,
            "p50_ms": waits[len(waits) // 2] * 1000,
            "p95_ms": waits[len(waits) * 95 // 100] * 1000,
            "p99_ms": waits[len(waits) * 99 // 100] * 1000,
            "kinds": self.kinds,
        }


class Connection(asyncio.Protocol):
    """HTTP/1.1 with kept-alive connections; one request at a time on each, as every client here does."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self._telegram = telegram
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._task: asyncio.Task[None] | None = None
        self._url = b""
        self._type = b""
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url = self._type = self._body = b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-type":
            self._type = value

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        path, _, query = self._url.partition(b"?")
        where, _, what = unquote_to_bytes(path).decode().removeprefix("/").rpartition("/")
        params = _params(query, b"") | _params(self._body, self._type)
        act = self._telegram.control if where == "bench" else self._telegram.call
        self._task = act(what, params, self._reply)

    def _reply(self, status: int, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK" if status == 200 else b"HTTP/1.1 404 Not Found"
        self._transport.write(
            b"%b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
        )


def _params(body: bytes, content_type: bytes) -> Params:
    if not body:
        return {}
    if content_type.startswith(b"application/json"):
        parsed: Params = orjson.loads(body)
        return parsed
    return dict(parse_qsl(body.decode()))


def _ok(result: Any) -> bytes:
    return orjson.dumps({"ok": True, "result": result})


async def serve(residents: int) -> None:
    """Serve on a free port of the loopback, tell it on stdout, and end when stdin does."""
    telegram = FakeTelegram(residents)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(telegram), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
