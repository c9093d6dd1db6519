"""What the API answers at two sizes: the same questions over one kept connection each, in turn, of a database with
little and of one with much."""

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from api.privacy import Vault
from tests.bench.processes import Failed
from tests.bench.system import SECRETS, DatabaseServer, fresh_database, running_api

GOAL = 1.2
_WARM_UP = 15
Path = Callable[[int, int], str]
"""What is asked for the n-th time where there are so many."""
Body = Callable[[int, int], Any]
Fill = Callable[[str, Vault, int], Coroutine[Any, Any, None]]
"""Makes so much in an empty database."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Page:
    """``body``: what is posted (``status``: what that is answered with); none: it is got. ``before``: done in the
    database before, with its size as $1."""

    name: str
    path: Path
    has_goal: bool = True
    body: Body | None = None
    before: str | None = None
    status: int = 200


@dataclass(frozen=True)
class Timed:
    """Milliseconds to the answer, the middle of all; ``ratio`` is the middle of the ratios of each pair."""

    name: str
    few_ms: float
    many_ms: float
    ratio: float
    has_goal: bool


@dataclass(frozen=True)
class Compared:
    few: int
    many: int
    fill_seconds: float
    gigabytes: float
    pages: Sequence[Timed]

    @property
    def worst(self) -> float:
        """The greatest ratio of the pages that have a goal."""
        return max(page.ratio for page in self.pages if page.has_goal)


class Client:
    """One connection to an API that is kept."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=300)
        self._headers = {"Authorization": f"Bearer {SECRETS['SHANGLOU_SERVICE_TOKEN']}"}

    def get(self, path: str) -> tuple[float, bytes]:
        """Milliseconds, and the answer.

        Raises:
            Failed: it is none.
        """
        return self._ask("GET", path, None)

    def post(self, path: str, body: Any) -> tuple[float, bytes]:
        """As :meth:`get`."""
        return self._ask("POST", path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[float, bytes]:
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        start = time.perf_counter()
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
        except ConnectionError:
            # It stood idle for too long, while the other database was asked something long.
            self._connection.close()
            start = time.perf_counter()
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
        answer = response.read()
        took = (time.perf_counter() - start) * 1000
        if response.status not in (200, 201):
            raise Failed(f"{method} {path} answered {response.status}: {answer[:300]!r}")
        return took, answer


Clients = Sequence[Client]
Sizes = tuple[int, int]


def compare(
    server: DatabaseServer,
    fill: Fill,
    sizes: Sizes,
    pages: Callable[[Clients, Sizes], Sequence[Page]],
    times: int,
    say: Say,
    settings: Mapping[str, str] | None = None,
) -> Compared:
    """Each page so many times; one without a goal twice.

    Args:
        settings: of the APIs.

    Raises:
        Failed: an answer was none, or an API ended.
    """
    with ExitStack() as stack:
        start = time.perf_counter()
        urls = [stack.enter_context(_database(server, fill, size)) for size in sizes]
        fill_seconds = time.perf_counter() - start
        gigabytes = asyncio.run(_execute(urls[1], "SELECT pg_database_size(current_database())")) / 1e9
        say(f"{sizes[1]:,} made in {fill_seconds:.0f} s: {gigabytes:.1f} GB")
        clients = [Client(stack.enter_context(running_api(url, settings))[1]) for url in urls]
        timed = []
        for page in pages(clients, sizes):
            if page.before is not None:
                for url, size in zip(urls, sizes, strict=True):
                    asyncio.run(_execute(url, page.before, size))
            timed.append(_time(page, clients, sizes, times if page.has_goal else 2))
            say(f"{page.name}: {timed[-1].few_ms:.1f} and {timed[-1].many_ms:.1f} ms")
        return Compared(*sizes, fill_seconds, gigabytes, timed)


@contextmanager
def _database(server: DatabaseServer, fill: Fill, size: int) -> Iterator[str]:
    """One of its own that is filled so far, for as long as the block runs."""
    with fresh_database(server, f"compared_{size}") as url:
        asyncio.run(fill(url, Vault(SECRETS["SHANGLOU_ENCRYPTION_KEYS"], SECRETS["SHANGLOU_INDEX_KEY"]), size))
        yield url


async def _execute(url: str, statement: str, *values: Any) -> Any:
    """The first value of the first row, if there is one."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement, *values)
    finally:
        await connection.close()


def _time(page: Page, clients: Clients, sizes: Sizes, times: int) -> Timed:
    """In turn, so that a busy spell of the machine meets both."""

    def ask(nth: int) -> tuple[float, float]:
        few, many = (_ask(page, client, nth, size) for client, size in zip(clients, sizes, strict=True))
        return few, many

    for nth in range(min(times, _WARM_UP)):
        ask(nth)
    taken = [ask(nth) for nth in range(times)]
    return Timed(
        page.name,
        median(few for few, _ in taken),
        median(many for _, many in taken),
        median(many / few for few, many in taken),
        page.has_goal,
    )


def _ask(page: Page, client: Client, nth: int, size: int) -> float:
    path = page.path(nth, size)
    took, _ = client.get(path) if page.body is None else client.post(path, page.body(nth, size))
    return took
