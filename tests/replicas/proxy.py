"""A load balancer of the plainest kind: TCP connections go to several addresses in turn; who refuses one is passed
over."""

import asyncio
import contextlib
from itertools import cycle

CHUNK = 64 * 1024


class RoundRobin:
    """Listens on loopback for as long as the block runs."""

    def __init__(self, *ports: int) -> None:
        self._ports = ports
        self._turn = cycle(range(len(ports)))
        self._busy: set[asyncio.Task[None]] = set()
        self.url = ""

    async def __aenter__(self) -> "RoundRobin":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other = await self._connect()
        if other is None:
            writer.close()
            return
        there, back = asyncio.create_task(_pass(reader, other[1])), asyncio.create_task(_pass(other[0], writer))
        try:
            # As soon as one side has gone, so has the other: neither half of a request is worth anything.
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (there, back):
                task.cancel()
            for end in (writer, other[1]):
                end.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = next(self._turn)
        for port in self._ports[first:] + self._ports[:first]:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
