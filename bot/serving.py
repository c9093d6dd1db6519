"""An ASGI app served inside the running event loop, for as long as a block runs."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn


class Server(uvicorn.Server):
    """Tells the app that it is about to end (``before_end`` of its lifespan's state), so that requests which wait for
    news are answered at once."""

    def announce_end(self) -> None:
        before_end = self.lifespan.state.get("before_end")
        if before_end is not None:
            before_end()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.announce_end()
        await super().shutdown(sockets)


class InProcessServer(Server):
    """Leaves the signals to the process around it, and ends as soon as it is told to: uvicorn looks ten times a second
    whether it should, and gives connections a tenth of a second to go, also where there are none."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told_to_end = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def end(self) -> None:
        self.should_exit = True
        self._told_to_end.set()

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told_to_end.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        self.announce_end()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for _ in range(20):
            if not self.server_state.connections and not self.server_state.tasks:
                await self.lifespan.shutdown()
                return
            await asyncio.sleep(0.005)
        await super().shutdown(sockets)


def listening(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one.

    asyncio sends small answers at once only where the socket names its protocol, which ``socket.create_server`` leaves
    out: every second answer would wait 40 ms for the client's acknowledgement.

    Raises:
        OSError: the address is taken, or no address of this machine.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def configured(app: Any, *, grace: int = 3, **options: Any) -> uvicorn.Config:
    """uvicorn as every server of this project runs it.

    Args:
        app: of ASGI.
        grace: seconds that requests under way have left at the end.
        options: further ones of ``uvicorn.Config``.
    """
    return uvicorn.Config(
        app,
        # Its own logging would write the messages of exceptions, past bot.logs.
        log_config=None,
        access_log=False,
        log_level="warning",
        ws="none",
        # No server here goes by the address of whoever asks.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=grace,
        **options,
    )


@contextlib.asynccontextmanager
async def serving_at(listener: socket.socket, app: Any, **options: Any) -> AsyncIterator[None]:
    """Serves ``app``, with ``options`` of ``configured``, to whoever connects to ``listener``."""
    server = InProcessServer(configured(app, **options))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                await task
                raise OSError("the server ended while it was starting")
            await asyncio.sleep(0.005)
        yield
    finally:
        server.end()
        await task


@contextlib.asynccontextmanager
async def serving(app: Any, host: str = "127.0.0.1", port: int = 0, *, grace: int = 3) -> AsyncIterator[str]:
    """Serves ``app``; gives its address without a slash.

    Args:
        app: of ASGI.
        host: where to listen.
        port: 0 takes a free one.
        grace: seconds that requests under way have left at the end.

    Raises:
        OSError: the address is taken.
    """
    with listening(host, port) as listener:
        async with serving_at(listener, app, grace=grace):
            yield f"http://{host}:{listener.getsockname()[1]}"
