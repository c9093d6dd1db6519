"""Runs the playground: inside a running event loop (demo, tests) or as a process of its own."""

import contextlib
import ipaddress
import secrets
import socket
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette

from bot.playground.app import create_app
from bot.playground.state import Playground
from bot.serving import Server, configured, listening, serving_at
from bot.settings import telegram_token

REAL_TOKEN = "SHANGLOU_TELEGRAM_TOKEN"  # noqa: S105 - the name of a variable
"""The playground stays away where this setting holds another bot's token: that one is real."""


# Longer than any client keeps an idle connection: at uvicorn's own 5 s, which are httpx's too, a call now and then
# would meet a connection that is just being closed.
_OPTIONS: dict[str, Any] = {"lifespan": "on", "timeout_keep_alive": 300}


class Refused(Exception):
    """The playground does not start like this."""


def new_token() -> str:
    return f"1:playground-{secrets.token_urlsafe(18)}"


@contextlib.asynccontextmanager
async def serve(app: Starlette, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serves ``app`` in this event loop for as long as the block runs; gives its address without a slash."""
    with _listening(app, host, port) as listener:
        async with serving_at(listener, app, **_OPTIONS):
            yield _address(listener)


def run(token: str, host: str = "127.0.0.1", port: int = 8081) -> None:
    """Serves a new playground until SIGINT or SIGTERM."""
    app = create_app(token)
    with _listening(app, host, port) as listener:
        print(f"{_address(listener)}  {token}", flush=True)  # noqa: T201 - the one thing a person must know
        Server(configured(app, **_OPTIONS)).run(sockets=[listener])


def _listening(app: Starlette, host: str, port: int) -> socket.socket:
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
