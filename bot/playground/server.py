"""Runs the playground: inside a running event loop (demo, tests) or as a process of its own."""

import asyncio
import contextlib
import ipaddress
import secrets
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.applications import Starlette

from bot.playground.app import create_app
from bot.playground.state import Playground
from bot.serving import listening
from bot.settings import telegram_token

REAL_TOKEN = "SHANGLOU_TELEGRAM_TOKEN"  # noqa: S105 - the name of a variable
"""The playground stays away where this setting holds another bot's token: that one is real."""


class Refused(Exception):
    """The playground does not start like this."""


def new_token() -> str:
    return f"1:playground-{secrets.token_urlsafe(18)}"


@contextlib.asynccontextmanager
async def serve(app: Starlette, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serves ``app`` in this event loop for as long as the block runs; gives its address without a slash."""
    listener = _listen(app, host, port)
    server = _InProcess(app)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                await task
                raise Refused("the playground ended while it was starting")
            await asyncio.sleep(0.005)
        yield _address(listener)
    finally:
        server.should_exit = True
        await task
        listener.close()


def run(token: str, host: str = "127.0.0.1", port: int = 8081) -> None:
    """Serves a new playground until SIGINT or SIGTERM."""
    app = create_app(token)
    with contextlib.closing(_listen(app, host, port)) as listener:
        print(f"{_address(listener)}  {token}", flush=True)  # noqa: T201 - the one thing a person must know
        _Server(app).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="on",
                access_log=False,
                log_level="warning",
                ws="none",
                proxy_headers=False,
                # Longer than any client keeps an idle connection: at uvicorn's own 5 s, which are httpx's too,
                # a call now and then would meet a connection that is just being closed.
                timeout_keep_alive=300,
                timeout_graceful_shutdown=3,
                backlog=2048,
            )
        )
        self._playground: Playground = app.state.playground

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Event streams and long polls would otherwise keep it waiting for their clients.
        self._playground.close()
        await super().shutdown(sockets)


class _InProcess(_Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the process around it."""
        yield


def _listen(app: Starlette, host: str, port: int) -> socket.socket:
    playground: Playground = app.state.playground
    real = telegram_token()
    if real and real != playground.token:
        raise Refused(f"{REAL_TOKEN} is set: the playground does not run beside a real bot")
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError as error:
        raise Refused(f"{host} is not an address of this machine's loopback") from error
    if not address.is_loopback:
        raise Refused(f"{host} can be reached from outside; the playground listens on loopback only")
    return listening(str(address), port)


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
