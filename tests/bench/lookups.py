"""The API's look-ups beside bare ones of the same rows (``tests.bench.bare``), asked by as many at a time."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from bot.http import HttpClient
from tests.bench.bare import LOOK_UPS
from tests.bench.fake_telegram import FIRST_CHAT
from tests.bench.measure import cpu_of
from tests.bench.processes import Failed, python, started
from tests.bench.system import SECRETS, DatabaseServer, free_port, running_api, wait_until_ready

AT_ONCE = 16
GOAL = 0.5
Say = Callable[[str], None]


@dataclass(frozen=True)
class Answered:
    """``cpu_ms``: of all processes, PostgreSQL's included, for one look-up."""

    per_second: float
    cpu_ms: float


@dataclass(frozen=True)
class LookUpResult:
    """All rounds of one look-up, by the API and bare."""

    name: str
    ours: list[Answered]
    bare: list[Answered]

    @property
    def ratio(self) -> float:
        """Our look-ups a second to bare ones in the same round; the middle of the rounds."""
        pairs = zip(self.ours, self.bare, strict=True)
        return median(ours.per_second / bare.per_second for ours, bare in pairs)


def measure_look_ups(
    server: DatabaseServer, residents: int, requests: int, rounds: int, say: Say
) -> list[LookUpResult]:
    """Of the chats of an estate that is loaded (``tests.bench.estate``), one server after the other.

    Raises:
        Failed: an answer was none, or a server ended.
    """
    results = [LookUpResult(name, [], []) for name in LOOK_UPS]
    with _bare_api(server.url) as (bare_pid, bare_url), running_api(server.url) as (api, api_url):
        for number, result in itertools.product(range(1, rounds + 1), results):
            say(f"round {number} of {rounds}: look-ups of {result.name}")
            for answered, pid, url in ((result.bare, bare_pid, bare_url), (result.ours, api.pid, api_url)):
                _ask(url, result.name, residents, requests // 5)
                parts = {"server": pid, "PostgreSQL": server.pid}
                before = sum(cpu_of(parts).values())
                seconds = _ask(url, result.name, residents, requests)
                cpu = sum(cpu_of(parts).values()) - before
                answered.append(Answered(requests / seconds, cpu * 1000 / requests))
    return results


@contextmanager
def _bare_api(database_url: str) -> Iterator[tuple[int, str]]:
    port = free_port()
    with started("the bare API", python("tests.bench.bare", database_url, str(port))) as child:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(child, f"{url}/v1/chats/1/homes")
        yield child.pid, url


def _ask(url: str, name: str, residents: int, requests: int) -> float:
    """Seconds."""
    return asyncio.run(_ask_all(url, name, residents, requests))


async def _ask_all(url: str, name: str, residents: int, requests: int) -> float:
    headers = {"Authorization": f"Bearer {SECRETS['SHANGLOU_SERVICE_TOKEN']}"}
    client = HttpClient(f"{url}/v1/", headers=headers, size=AT_ONCE, connect_timeout=5, keep_alive=4)
    numbers = iter(range(requests))

    async def work() -> None:
        for number in numbers:
            path = f"chats/{FIRST_CHAT + number % residents}/{name}"
            answer = await client.request("GET", path, None, None, seconds=30)
            if answer.status != 200 or len(answer.body) < 10:
                raise Failed(f"GET {path} answered {answer.status}: {answer.body[:300]!r}")

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    took = time.perf_counter() - start
    await client.close()
    return took
