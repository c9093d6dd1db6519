"""Broadcasts: what a message costs with its ledger beside bare loops of two libraries, how fast they go, how long an
audience takes to freeze, and what somebody who asks for /handover meanwhile notices of it."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import psutil

from bot.playground import new_token
from tests.bench.measure import ask, cpu_of, fake_telegram
from tests.bench.processes import Failed, peak_megabytes, python, run_to_end, started
from tests.bench.system import SECRETS, DatabaseServer, fresh_database, running_api
from tests.drill.families import begin

LIMITS = ((999.0, 1.0), (29.0, 1.0))
"""Messages a second and burst: for Telegram's limit of paid broadcasts, and for that of all others."""
ALWAYS = {"SHANGLOU_QUIET_FROM": "0", "SHANGLOU_QUIET_UNTIL": "0"}
PATIENCE_SECONDS = 1200
Say = Callable[[str], None]


@dataclass(frozen=True)
class BroadcastLoad:
    """``messages`` that are sent at each limit in a round; ``audience`` that is frozen; ``turns`` of /handover, at so
    many a second, of people in an estate of so many households."""

    rounds: int = 3
    messages: tuple[int, int] = (20_000, 900)
    audience: int = 1_000_000
    households: int = 2_000
    residents: int = 400
    turns: int = 1_000
    turns_rate: float = 20


QUICK_BROADCAST = BroadcastLoad(1, (200, 30), audience=500, households=200, residents=20, turns=20)


@dataclass(frozen=True)
class Sent:
    """Messages a second, and for each CPU second of all processes (the fake Bot API's not counted)."""

    rate: float
    per_cpu_second: float


@dataclass(frozen=True)
class BroadcastResults:
    load: BroadcastLoad
    loops: dict[str, list[Sent]]
    ledgered: list[Sent]
    slow: Sent
    freeze_seconds: float
    freeze_own_mb: float
    freeze_server_mb: float
    idle_p95_ms: float
    busy_p95_ms: float

    def ratio(self, loop: str) -> float:
        """Messages per CPU second against the loop's of the same round, the middle of the rounds."""
        pairs = zip(self.ledgered, self.loops[loop], strict=True)
        return median(ours.per_cpu_second / theirs.per_cpu_second for ours, theirs in pairs)


def measure_broadcasts(server: DatabaseServer, load: BroadcastLoad, say: Say) -> BroadcastResults:
    """
    Raises:
        Failed: a process ended, or a broadcast did not come to its end.
    """
    many, few = load.messages
    loops: dict[str, list[Sent]] = {"ptb": [], "aiogram": []}
    ledgered = []
    for number in range(1, load.rounds + 1):
        for kind, found in loops.items():
            say(f"round {number} of {load.rounds}: {many:,} messages, a bare loop of {kind}")
            found.append(_loop(kind, many))
        say(f"round {number} of {load.rounds}: {many:,} messages, a broadcast")
        ledgered.append(_broadcast(server, many, *LIMITS[0]))
    say(f"{few:,} messages at the limit of 30")
    slow = _broadcast(server, few, *LIMITS[1])
    say(f"an audience of {load.audience:,}")
    freeze = _freeze(server, load.audience)
    say("/handover, without and with a broadcast")
    idle, busy = _turns(server, load)
    return BroadcastResults(load, loops, ledgered, slow, *freeze, idle, busy)


def _loop(kind: str, count: int) -> Sent:
    with fake_telegram(0) as (_, url):
        said = run_to_end(kind, python("tests.bench.senders", kind, url, str(count)), {}, PATIENCE_SECONDS)
    took = json.loads(said)
    return Sent(count / took["seconds"], count / took["cpu_seconds"])


def _broadcast(server: DatabaseServer, count: int, rate: float, burst: float) -> Sent:
    """One courier brings it; the API and PostgreSQL are counted with it."""
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(server, "sending"))
        _, telegram_url = stack.enter_context(fake_telegram(0))
        api, api_url = stack.enter_context(running_api(url, _pace(rate, burst)))
        courier = stack.enter_context(_courier(api_url, telegram_url))
        parts = {"API": api.pid, "courier": courier.pid, "PostgreSQL": server.pid}
        # Until it has reached Telegram and asks for messages.
        _wait(lambda: ask(telegram_url, "calls", {}, 5).get("getMe", 0) > 0, 60)
        time.sleep(1)
        broadcast_id, _ = asyncio.run(begin(url, count))
        before = sum(cpu_of(parts).values())
        _wait(lambda: _state(url, broadcast_id) == "sent", PATIENCE_SECONDS)
        cpu = sum(cpu_of(parts).values()) - before
        [(told,)] = _rows(url, f"SELECT counts->>'sent' FROM broadcasts WHERE id = {broadcast_id}")
        sent = ask(telegram_url, "sent", {}, 5)
        if sent["count"] != count or int(told) != count:
            raise Failed(f"{told} of {count} messages were sent, {sent['count']} arrived")
    return Sent((count - 1) / sent["seconds"], count / cpu)


def _freeze(server: DatabaseServer, audience: int) -> tuple[float, float, float]:
    """Seconds, and the most memory (MB) of this process and of the server's processes by themselves meanwhile."""
    with fresh_database(server, "freezing") as url:
        own = peak_megabytes()
        watch = _Watch(server.pid)
        with watch:
            _, seconds = asyncio.run(begin(url, audience))
        return seconds, peak_megabytes() - own, watch.most_mb


class _Watch:
    """The most private memory that any process below one had while the block ran."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.most_mb = 0.0

    def __enter__(self) -> None:
        import threading

        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            for process in psutil.Process(self._pid).children():
                with contextlib.suppress(psutil.Error):
                    memory = process.memory_info()
                    # Shared buffers belong to all of them.
                    private = memory.rss - getattr(memory, "shared", 0)
                    self.most_mb = max(self.most_mb, private / 1e6)


def _turns(server: DatabaseServer, load: BroadcastLoad) -> tuple[float, float]:
    """Milliseconds to the answer that 95 of 100 do not exceed: while nothing else goes on, and during a broadcast at
    the limit of 30."""
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(server, "turns"))
        folder = stack.enter_context(TemporaryDirectory(prefix="shanglou-bench-rolls-"))
        estate = python("tests.bench.estate", url, folder, str(load.households), str(load.residents))
        run_to_end("loading the estate", estate, SECRETS, 600)
        _, telegram_url = stack.enter_context(fake_telegram(load.residents))
        _, api_url = stack.enter_context(running_api(url, _pace(27, 3)))
        environment = SECRETS | {
            "SHANGLOU_API_URL": api_url,
            "SHANGLOU_TELEGRAM_API_URL": telegram_url,
            "SHANGLOU_TELEGRAM_TOKEN": new_token(),
        }
        stack.enter_context(started("the bot", python("bot", "bot"), environment))

        def ask_for_turns(count: int) -> float:
            asked = {"count": count, "rate": load.turns_rate}
            p95: float = ask(telegram_url, "feed", asked, 60 + count / load.turns_rate)["p95_ms"]
            return p95

        ask_for_turns(max(10, load.turns // 5))
        idle = ask_for_turns(load.turns)
        # Longer than the turns take.
        asyncio.run(begin(url, int(load.turns / load.turns_rate * 40) + 100))
        busy = ask_for_turns(load.turns)
        [(left,)] = _rows(url, "SELECT count(*) FROM deliveries WHERE state = 'waiting'")
        if not left:
            raise Failed("the broadcast was over before the turns were")
    return idle, busy


def _pace(rate: float, burst: float) -> dict[str, str]:
    return ALWAYS | {"SHANGLOU_SEND_RATE": str(rate), "SHANGLOU_SEND_BURST": str(burst)}


def _courier(api_url: str, telegram_url: str) -> contextlib.AbstractContextManager[Any]:
    environment = SECRETS | {
        "SHANGLOU_API_URL": api_url,
        "SHANGLOU_TELEGRAM_API_URL": telegram_url,
        "SHANGLOU_TELEGRAM_TOKEN": new_token(),
        "SHANGLOU_COURIER_BATCH": "200",
    }
    return started("the courier", python("bot", "courier"), environment)


def _wait(true: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise Failed(f"it did not come to its end within {seconds:.0f} seconds")
        time.sleep(0.2)


def _state(url: str, broadcast_id: int) -> str:
    return str(_rows(url, f"SELECT state FROM broadcasts WHERE id = {broadcast_id}")[0][0])


def _rows(url: str, question: str) -> list[Any]:
    async def look() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(question)]
        finally:
            await connection.close()

    return asyncio.run(look())


def broadcast_lines(results: BroadcastResults) -> Iterator[tuple[str, str, str]]:
    """What was measured, the figure, and the goal with whether it is met."""
    for name, title in (("ptb", "python-telegram-bot"), ("aiogram", "aiogram")):
        sent = results.loops[name]
        rate, per_cpu = median(one.rate for one in sent), median(one.per_cpu_second for one in sent)
        yield f"bare loop of {title}", f"{rate:,.0f}/s; {per_cpu:,.0f} per CPU second", "–"
    rate = median(one.rate for one in results.ledgered)
    per_cpu = median(one.per_cpu_second for one in results.ledgered)
    yield "broadcast, limit 1,000", f"{rate:,.0f}/s; {per_cpu:,.0f} per CPU second", _goal("≥ 967/s", rate >= 967)
    ptb = results.ratio("ptb")
    yield "messages per CPU second against python-telegram-bot", f"{ptb:.2f}", _goal("≥ 1.5", ptb >= 1.5)
    yield "messages per CPU second against aiogram", f"{results.ratio('aiogram'):.2f}", "–"
    yield "broadcast, limit 30", f"{results.slow.rate:.1f}/s", _goal("29–30", 29 <= results.slow.rate <= 30)
    seconds = results.freeze_seconds
    yield f"freezing an audience of {results.load.audience:,}", f"{seconds:.1f} s", _goal("< 30 s", seconds < 30)
    memory = f"{results.freeze_own_mb:.0f} and {results.freeze_server_mb:.0f} MB"
    yield "memory of it: more in the worker; in a process of PostgreSQL", memory, "flat"
    p95 = results.busy_p95_ms / results.idle_p95_ms
    turns = f"{results.idle_p95_ms:.1f} → {results.busy_p95_ms:.1f} ms ({p95:.2f})"
    yield "/handover, p95: idle → during a broadcast", turns, _goal("≤ 1.5", p95 <= 1.5)


def _goal(words: str, met: bool) -> str:
    return f"{words}: {'met' if met else 'not met'}"
