"""PTB's way to Telegram.

Half of a stock bot's time goes into httpx; see docs/bench.md. Calls go through the small client of ``bot.http``; files
either way, and all that has to go through a proxy, by aiohttp. The bot's token is part of every address, so no
exception of an HTTP client, which may quote the address, is passed on: only its type is.
"""

import io
from typing import Any, cast

import aiohttp
import orjson
from aiohttp import ClientTimeout, DummyCookieJar
from telegram._utils.defaultvalue import DefaultValue
from telegram._utils.types import ODVInput
from telegram.error import NetworkError, TimedOut
from telegram.ext import ExtBot
from telegram.request import BaseRequest, RequestData
from telegram.request._requestparameter import RequestParameter
from yarl import URL

from bot.http import HttpClient, NoConnection
from bot.tracing import span

_NONE = BaseRequest.DEFAULT_NONE
_IDLE_SECONDS = 30.0
_JSON = {"Content-Type": "application/json"}


class NotConnected(NetworkError):
    """There was no connection: the request never went out."""


class ConnectionLost(NetworkError):
    """The connection broke: nobody knows whether the request arrived."""


class NotUnderstood(NetworkError):
    """An answer came that is none of the Bot API: nobody knows what became of the request."""


class Transport(BaseRequest):
    """Kept-alive connections to the Bot API.

    Parameters travel as JSON, which the Bot API takes as well as forms and which is cheaper to write; only uploads
    are multipart.
    """

    __slots__ = (
        "_callers",
        "_connect",
        "_pool",
        "_pool_size",
        "_proxy",
        "_read",
        "_session",
        "_timeouts",
        "_upload",
        "_write",
    )

    def __init__(
        self,
        *,
        pool_size: int = 256,
        read_timeout: float = 10.0,
        write_timeout: float = 10.0,
        connect_timeout: float = 5.0,
        pool_timeout: float = 5.0,
        upload_timeout: float = 60.0,
        proxy: str | None = None,
    ) -> None:
        """All timeouts are seconds; ``upload_timeout`` is the write timeout of requests that carry files."""
        self._pool_size = pool_size
        self._read: float | None = read_timeout
        self._write: float | None = write_timeout
        self._connect: float | None = connect_timeout
        self._pool: float | None = pool_timeout
        self._upload: float | None = upload_timeout
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None
        self._callers: dict[str, HttpClient] = {}
        self._timeouts: dict[tuple[float | None, ...], ClientTimeout] = {}

    @property
    def read_timeout(self) -> float | None:
        return self._read

    async def initialize(self) -> None:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._pool_size, keepalive_timeout=_IDLE_SECONDS, ttl_dns_cache=60
                ),
                cookie_jar=DummyCookieJar(),
                headers={"User-Agent": self.USER_AGENT},
                proxy=self._proxy,
                trust_env=False,
            )

    async def shutdown(self) -> None:
        session, self._session = self._session, None
        callers, self._callers = self._callers, {}
        for caller in callers.values():
            await caller.close()
        if session is not None:
            await session.close()

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        try:
            parsed = orjson.loads(payload)
        except orjson.JSONDecodeError:
            raise NotUnderstood("The answer is not JSON") from None
        if not isinstance(parsed, dict) or not parsed.keys() & {"result", "description"}:
            raise NotUnderstood("The answer is none of the Bot API")
        return parsed

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: ODVInput[float] = _NONE,
        write_timeout: ODVInput[float] = _NONE,
        connect_timeout: ODVInput[float] = _NONE,
        pool_timeout: ODVInput[float] = _NONE,
    ) -> tuple[int, bytes]:
        """Sends one request; gives the status and the body.

        Raises:
            NotConnected: there was no connection, or none in time.
            TimedOut: no answer in time.
            ConnectionLost: the connection broke.
        """
        session = self._session
        if session is None:
            raise RuntimeError("This transport is not initialized.")
        read = self._read if isinstance(read_timeout, DefaultValue) else read_timeout
        if self._proxy is None and read is not None and request_data is not None and not request_data.contains_files:
            return await self._call(method, url, request_data.parameters, read)
        uploads = request_data is not None and request_data.contains_files
        body: bytes | aiohttp.FormData | None = None
        headers: dict[str, str] | None = None
        if request_data is not None:
            if uploads:
                body = _multipart(request_data)
            elif parameters := request_data.parameters:
                body, headers = orjson.dumps(parameters), _JSON
        timeout = self._timeout(
            read,
            (self._upload if uploads else self._write) if isinstance(write_timeout, DefaultValue) else write_timeout,
            self._connect if isinstance(connect_timeout, DefaultValue) else connect_timeout,
            self._pool if isinstance(pool_timeout, DefaultValue) else pool_timeout,
        )
        try:
            # The address is sent as it is: PTB has percent-encoded it where that is needed.
            async with session.request(
                method, URL(url, encoded=True), data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                return response.status, await response.read()
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as error:
            raise NotConnected(f"No connection ({type(error).__name__})") from None
        except TimeoutError as error:
            raise TimedOut(f"Timed out ({type(error).__name__})") from None
        except Exception as error:
            # Whatever it was: that nothing went out must be known, not assumed.
            raise ConnectionLost(f"The connection failed ({type(error).__name__})") from None

    async def _call(self, method: str, url: str, parameters: dict[str, Any], seconds: float) -> tuple[int, bytes]:
        host, target = _parted(url)
        caller = self._callers.get(host)
        if caller is None:
            caller = self._callers[host] = HttpClient(
                host,
                headers={"User-Agent": self.USER_AGENT},
                size=self._pool_size,
                connect_timeout=self._connect or seconds,
                pool_timeout=self._pool or seconds,
                keep_alive=_IDLE_SECONDS,
            )
        body, headers = (orjson.dumps(parameters), _JSON) if parameters else (b"", None)
        try:
            answer = await caller.request(method, target, body, headers, seconds=seconds)
        except NoConnection as error:
            raise NotConnected(f"No connection ({error})") from None
        except TimeoutError as error:
            raise TimedOut(f"Timed out ({type(error).__name__})") from None
        except Exception as error:
            raise ConnectionLost(f"The connection failed ({type(error).__name__})") from None
        return answer.status, answer.body

    def _timeout(
        self, read: float | None, write: float | None, connect: float | None, pool: float | None
    ) -> ClientTimeout:
        key = (read, write, connect, pool)
        timeout = self._timeouts.get(key)
        if timeout is None:
            # aiohttp has no limit of its own for writing: it is part of the whole.
            total = None if read is None or write is None or connect is None or pool is None else sum(key)  # type: ignore[arg-type]
            timeout = ClientTimeout(
                total=total,
                connect=None if connect is None or pool is None else connect + pool,
                sock_connect=connect,
                sock_read=read,
            )
            self._timeouts[key] = timeout
        return timeout


def _parted(url: str) -> tuple[str, str]:
    """``https://host/`` and the rest."""
    slash = url.index("/", len("https://"))
    return url[: slash + 1], url[slash + 1 :]


class Parameters:
    """As much of PTB's RequestData as ``Transport`` looks at."""

    __slots__ = ("parameters",)

    contains_files = False

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.parameters = parameters


async def call(bot: ExtBot[Any], method: str, parameters: dict[str, Any]) -> Any:
    """One call of the Bot API, its result as JSON tells it. Parameters that are None are left out.

    PTB's own ``bot.send_message(…)`` does the same at more than three times the cost (it looks up defaults, and makes
    objects of the whole message that was sent): for the few calls that every turn makes, that is a fifth of the turn.
    Errors are PTB's.
    """

    async def send() -> Any:
        return await call_once(bot, method, parameters)

    if bot.rate_limiter is None:
        return await send()
    return await bot.rate_limiter.process_request(send, (), {}, method, parameters, None)


async def call_once(bot: ExtBot[Any], method: str, parameters: dict[str, Any]) -> Any:
    """The same without waiting where Telegram asks for a pause: for who has no person waiting at the other end."""
    given = {name: value for name, value in parameters.items() if value is not None}
    with span(f"Telegram {method}"):
        return await bot.request.post(f"{bot.base_url}/{method}", cast(RequestData, Parameters(given)))


async def upload_once(bot: ExtBot[Any], method: str, parameters: dict[str, Any], *, read: float, write: float) -> Any:
    """The same with a file among the parameters (``telegram.InputFile``); ``read`` and ``write``: seconds at most."""
    given = [RequestParameter.from_input(name, value) for name, value in parameters.items() if value is not None]
    return await bot.request.post(
        f"{bot.base_url}/{method}", RequestData(given), read_timeout=read, write_timeout=write
    )


def _multipart(request_data: RequestData) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    for name, value in request_data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, media_type) in request_data.multipart_data.items():
        if isinstance(content, bytes):
            # aiohttp writes bytes in one go and a file in pieces, between which other turns run.
            content = io.BytesIO(content)
        form.add_field(name, content, filename=filename, content_type=media_type)
    return form
