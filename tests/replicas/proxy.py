"""A load balancer of the plainest kind: TCP connections go to several addresses in turn; who refuses one is passed
over."""

import asyncio
import contextlib
from collections.abc import Callable
from itertools import cycle

CHUNK = 64 * 1024


class RoundRobin:
    """Listens on loopback for as long as the block runs."""

    def __init__(self, *ports: int) -> None:
        self._ports = ports
        self._turn = cycle(range(len(ports)))
        self._busy: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self.url = ""
        self.cut = 0
        """Connections that the other side ended before it had answered."""

    async def __aenter__(self) -> "RoundRobin":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        ends = list(self._open)
        for end in ends:
            end.close()
        await asyncio.gather(*(end.wait_closed() for end in ends), return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        task = asyncio.create_task(self._serve(reader, writer))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            other = await self._connect()
            if other is None:
                return
            self._open.add(other[1])
            ends.append(other[1])
            # As soon as one side has gone, so has the other: neither half of a request is worth anything.
            unanswered: set[asyncio.StreamReader] = set()
            passing = [
                asyncio.create_task(_pass(reader, other[1], lambda: unanswered.add(reader))),
                asyncio.create_task(_pass(other[0], writer, lambda: unanswered.discard(reader))),
            ]
            try:
                done, _ = await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
                self.cut += passing[1] in done and bool(unanswered)
            finally:
                for task in passing:
                    task.cancel()
        finally:
            for end in ends:
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()
                self._open.discard(end)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = next(self._turn)
        for port in self._ports[first:] + self._ports[:first]:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Callable[[], None]) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            seen()
            writer.write(data)
            await writer.drain()
