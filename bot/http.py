"""A small HTTP/1.1 client on kept-alive connections, for what every turn asks: the API, and Telegram's short calls.

aiohttp's client does far more (redirects, cookies, proxies, streams) and takes four to six times the CPU time
(docs/decisions/0005-what-a-turn-costs.md). Files, and whatever goes through a proxy, go by aiohttp.
"""

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohappyeyeballs
import httptools

MAX_BODY = 32 * 1024 * 1024
"""Bytes of an answer; more is a mistake of the other side."""
NEXT_ADDRESS_SECONDS = 0.25
"""So long after one address of a host is tried, the next is tried beside it (RFC 8305: Happy Eyeballs)."""
ADDRESS_SECONDS = 60.0
"""So long the addresses of a host are believed."""
_SMALL = 16 * 1024
_LENGTHS = (b"content-length", b"transfer-encoding")


class Answer(NamedTuple):
    status: int
    body: bytes


class BrokenConnection(ConnectionError):
    """The connection ended, or brought something that is not HTTP, before the answer was complete."""


class NoConnection(ConnectionError):
    """There was none, or none in time: nothing was sent."""


class HttpClient:
    """Connections to one address: opened when needed, reused last-in first-out, thrown away after any failure."""

    def __init__(
        self,
        base: str,
        *,
        headers: Mapping[str, str],
        size: int,
        connect_timeout: float,
        keep_alive: float,
        pool_timeout: float = 60.0,
    ) -> None:
        """
        Args:
            base: ``http(s)://host[:port]/path/``; what is asked for is written behind it.
            headers: sent with every request.
            size: connections at most.
            connect_timeout: seconds to open one.
            keep_alive: seconds after which an unused one is not trusted any more; less than the server's own limit.
            pool_timeout: seconds that who finds none waits for one.
        """
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not an http(s) address")
        self._host = parts.hostname
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._base = parts.path
        self._head = f" HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n{_lines(headers)}"
        self._slots = asyncio.Semaphore(size)
        self._connect_timeout = connect_timeout
        self._pool_timeout = pool_timeout
        self._keep_alive = keep_alive
        self._finding = asyncio.Lock()
        self._found: list[Any] | None = None
        self._found_until = 0.0
        self._idle: deque[_Connection] = deque()

    async def request(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str] | None, *, seconds: float
    ) -> Answer:
        """
        Args:
            target: path and query, percent-encoded.
            seconds: to wait for the answer; waiting for a free connection and opening one come before.

        Raises:
            NoConnection: nothing was sent.
            TimeoutError: no answer in time.
            OSError: the connection broke.
        """
        lines = _lines(headers) if headers else ""
        length = "" if body is None else f"Content-Length: {len(body)}\r\n"
        head = f"{method} {self._base}{target}{self._head}{lines}{length}\r\n".encode("latin-1")
        await self._enter()
        try:
            connection = self._take() or await self._open()
            try:
                answer = await connection.ask(head, body, seconds)
            except BaseException:
                connection.close()
                raise
            if connection.reusable:
                connection.used = time.monotonic()
                self._idle.append(connection)
            else:
                connection.close()
            return answer
        finally:
            self._slots.release()

    async def _enter(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(self._pool_timeout):
                await self._slots.acquire()
        except TimeoutError:
            raise NoConnection("none came free") from None

    async def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> "_Connection | None":
        oldest = time.monotonic() - self._keep_alive
        while self._idle:
            connection = self._idle.pop()
            if connection.used > oldest and connection.reusable:
                return connection
            connection.close()
        return None

    async def _open(self) -> "_Connection":
        try:
            async with asyncio.timeout(self._connect_timeout):
                connection = await self._connect()
        except (OSError, RuntimeError) as error:
            # uvloop has RuntimeErrors for sockets that were closed meanwhile.
            self._found = None
            raise NoConnection(type(error).__name__) from None
        if not connection.reusable:
            connection.close()
            raise NoConnection("closed at once")
        return connection

    async def _connect(self) -> "_Connection":
        connected = await aiohappyeyeballs.start_connection(
            await self._addresses(), happy_eyeballs_delay=NEXT_ADDRESS_SECONDS, interleave=1
        )
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                _Connection, sock=connected, ssl=self._tls, server_hostname=self._host if self._tls else None
            )
        except BaseException:
            connected.close()
            raise
        return connection

    async def _addresses(self) -> list[Any]:
        """Asked for once, not by each of many who open at the same time."""
        async with self._finding:
            now = time.monotonic()
            if self._found is None or now > self._found_until:
                loop = asyncio.get_running_loop()
                self._found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                self._found_until = now + ADDRESS_SECONDS
            return [*self._found]


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self.used = 0.0
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: Any = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._alive = True
        self._has_length = False
        self._ends_with_connection = False

    @property
    def reusable(self) -> bool:
        # What was not sent yet when the answer came is a refused upload.
        return self._alive and not self._transport.is_closing() and not self._transport.get_write_buffer_size()

    async def ask(self, head: bytes, body: bytes | None, seconds: float) -> Answer:
        self._waiter = self._loop.create_future()
        if body is None or len(body) < _SMALL:
            self._transport.write(head + (body or b""))
        else:
            self._transport.write(head)
            self._transport.write(body)
        deadline = self._loop.call_later(seconds, self._fail, TimeoutError("no answer in time"))
        try:
            return await self._waiter
        finally:
            deadline.cancel()
            self._waiter = None

    def close(self) -> None:
        self._alive = False
        self._transport.close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:  # nothing was asked: an error of the server, before it closes
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(BrokenConnection("not HTTP"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._alive = False
        if exc is None and self._ends_with_connection:
            self.on_message_complete()
        self._fail(BrokenConnection("the connection ended before the answer"))

    # httptools

    def on_message_begin(self) -> None:
        self._body.clear()
        self._size = 0
        self._has_length = False
        if self._waiter is None or self._waiter.done():
            # A second answer, which nobody asked for: it must not become the next one's.
            self._alive = False

    def on_header(self, name: bytes, _: bytes) -> None:
        self._has_length = self._has_length or name.lower() in _LENGTHS

    def on_headers_complete(self) -> None:
        self._ends_with_connection = not self._has_length

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > MAX_BODY:
            self._fail(BrokenConnection("too long an answer"))
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        self._ends_with_connection = False
        status = self._parser.get_status_code()
        if status < 200:  # 100 Continue and the like come before the answer
            return
        self._alive = self._alive and self._parser.should_keep_alive()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(Answer(status, b"".join(self._body)))

    def _fail(self, error: Exception) -> None:
        self._alive = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)


def _lines(headers: Mapping[str, str]) -> str:
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    if any("\n" in line[:-2] or "\r" in line[:-2] for line in lines):
        raise ValueError("a header must be one line")
    return "".join(lines)
