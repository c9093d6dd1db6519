"""The complaint desk at two sizes: the same pages over HTTP, in turn, of a database with few cases and of one with
many."""

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from urllib.parse import quote, urlsplit

import asyncpg

from api.privacy import Vault
from tests.bench.many_cases import ADMIN, CASES_A_FAMILY, FIRST_OFFICER, FIRST_RESIDENT, VIEWER, fill
from tests.bench.processes import Failed
from tests.bench.system import SECRETS, DatabaseServer, fresh_database, running_api

GOAL = 1.2
_DEEP_PAGES = 8
Path = Callable[[int, int], str]
"""What is asked for the n-th time of a desk with so many cases."""


@dataclass(frozen=True)
class Page:
    name: str
    path: Path
    has_goal: bool = True


@dataclass(frozen=True)
class Timed:
    """Milliseconds to the answer, the middle of all; ``ratio`` is the middle of the ratios of each pair."""

    name: str
    few_ms: float
    many_ms: float
    ratio: float
    has_goal: bool


@dataclass(frozen=True)
class DeskResults:
    few: int
    many: int
    fill_seconds: float
    gigabytes: float
    pages: Sequence[Timed]

    @property
    def worst(self) -> float:
        return max(page.ratio for page in self.pages if page.has_goal)


def _number(nth: int, cases: int) -> int:
    """Here and there among all."""
    return nth * 7919 % cases + 1


def _officer(nth: int) -> int:
    return FIRST_OFFICER + nth % 40


def _queue(query: str = "", chat: int | None = None) -> Path:
    return lambda nth, _: f"/v1/staff/{chat or _officer(nth)}/cases?{query}"


def _case(nth: int, cases: int) -> str:
    return f"2025-{_number(nth, cases):06d}"


def _resident(nth: int, cases: int) -> str:
    return f"/v1/chats/{FIRST_RESIDENT + (_number(nth, cases) - 1) // CASES_A_FAMILY}/cases"


PAGES = (
    Page("queue", _queue()),
    Page("queue: mine", _queue("view=mine")),
    Page("queue: unassigned", _queue("view=unassigned")),
    Page("queue: overdue", _queue("view=overdue")),
    Page("queue: supervisor's list", _queue("view=raised", ADMIN)),
    Page("queue: one department", lambda nth, _: f"/v1/staff/{VIEWER}/cases?department_id={1 + nth % 10}"),
    Page("queue: one category", _queue("category=quality")),
    Page("queue: one state", _queue("state=in_progress")),
    # So few that the small desk has as many: what is measured is the table, not the length of the answer.
    Page("queue: supervised", _queue("supervised=true&limit=3")),
    Page("queue: mine of one category", _queue("view=mine&category=handover&limit=1")),
    Page("queue: overdue of one department", _queue("view=overdue&department_id=3&limit=3")),
    Page("queue: what waits longest", _queue("sort=received")),
    Page("queue: closed ones", _queue("state=closed")),
    Page("queue: by number", lambda nth, cases: f"{_queue()(nth, cases)}number={_case(nth, cases)}"),
    Page("queue: by serial", lambda nth, cases: f"{_queue()(nth, cases)}number={_number(nth, cases)}"),
    Page("case page, staff", lambda nth, cases: f"/v1/staff/{_officer(nth)}/cases/{_case(nth, cases)}"),
    Page("cases page, resident", _resident),
    Page("case page, resident", lambda nth, cases: f"{_resident(nth, cases)}/{_case(nth, cases)}"),
    Page("figures of the last 30 days", lambda *_: f"/v1/staff/{VIEWER}/figures{_last_days(30)}", has_goal=False),
)


def _last_days(days: int) -> str:
    first = time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * 86400))
    return f"?first_day={first}&by=department"


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
        start = time.perf_counter()
        try:
            self._connection.request("GET", path, headers=self._headers)
            response = self._connection.getresponse()
        except http.client.RemoteDisconnected:
            # It stood idle for too long, while the other database was asked something long.
            self._connection.close()
            start = time.perf_counter()
            self._connection.request("GET", path, headers=self._headers)
            response = self._connection.getresponse()
        body = response.read()
        took = (time.perf_counter() - start) * 1000
        if response.status != 200:
            raise Failed(f"GET {path} answered {response.status}: {body[:300]!r}")
        return took, body


def measure_desk(server: DatabaseServer, few: int, many: int, times: int, say: Callable[[str], None]) -> DeskResults:
    """
    Raises:
        Failed: an answer was none, or an API ended.
    """
    sizes = (few, many)
    with ExitStack() as stack:
        start = time.perf_counter()
        urls = [stack.enter_context(_database(server, cases)) for cases in sizes]
        fill_seconds = time.perf_counter() - start
        pages = measure_pages(urls, sizes, times, say)
        return DeskResults(few, many, fill_seconds, asyncio.run(_bytes(urls[1])) / 1e9, pages)


def measure_pages(urls: Sequence[str], sizes: Sequence[int], times: int, say: Callable[[str], None]) -> list[Timed]:
    """Of databases of these sizes, each page so many times."""
    timed = []
    with ExitStack() as stack:
        clients = [Client(stack.enter_context(running_api(url))[1]) for url in urls]
        for page in (*PAGES, _deep(clients, sizes)):
            timed.append(_time(page, clients, sizes, times if page.has_goal else 2))
            say(f"{page.name}: {timed[-1].few_ms:.1f} and {timed[-1].many_ms:.1f} ms")
    return timed


@contextmanager
def _database(server: DatabaseServer, cases: int) -> Iterator[str]:
    """One of its own with so many cases, for as long as the block runs."""
    with fresh_database(server, f"desk_{cases}") as url:
        asyncio.run(fill(url, Vault(SECRETS["SHANGLOU_ENCRYPTION_KEYS"], SECRETS["SHANGLOU_INDEX_KEY"]), cases))
        yield url


async def _bytes(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
        return size
    finally:
        await connection.close()


def _deep(clients: Sequence[Client], sizes: Sequence[int]) -> Page:
    """A page far down the queue, as its reader comes to it."""
    paths = {}
    for client, cases in zip(clients, sizes, strict=True):
        cursor = ""
        for _ in range(_DEEP_PAGES):
            found = json.loads(client.get(f"/v1/staff/{VIEWER}/cases?limit=50{cursor}")[1])["next_cursor"]
            cursor = f"&cursor={quote(found)}" if found else cursor
        paths[cases] = f"/v1/staff/{VIEWER}/cases?limit=10{cursor}"
    return Page(f"queue: after {_DEEP_PAGES * 50} others", lambda _, cases: paths[cases])


def _time(page: Page, clients: Sequence[Client], sizes: Sequence[int], times: int) -> Timed:
    """In turn, so that a busy spell of the machine meets both."""
    for nth in range(min(times, 15)):
        for client, cases in zip(clients, sizes, strict=True):
            client.get(page.path(nth, cases))
    taken: list[tuple[float, float]] = []
    for nth in range(times):
        few, many = (client.get(page.path(nth, cases))[0] for client, cases in zip(clients, sizes, strict=True))
        taken.append((few, many))
    return Timed(
        page.name,
        median(few for few, _ in taken),
        median(many for _, many in taken),
        median(many / few for few, many in taken),
        page.has_goal,
    )
