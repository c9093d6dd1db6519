"""One measurement: a subject answers the same stream of updates while the CPU time of its processes is counted."""

import contextlib
import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tests.bench.processes import Child, Failed, cpu_seconds, python, started

SETTLE_SECONDS = 0.3
"""After the last answer, so that what a subject still does for it is counted."""
PATIENCE_SECONDS = 180


@dataclass(frozen=True)
class Load:
    """The stream of updates, the same for every subject."""

    residents: int
    warm_up: int
    updates: int
    moderate_rate: float
    moderate_updates: int


@dataclass(frozen=True)
class Measured:
    """One subject in one round. CPU is in milliseconds an update."""

    updates_per_second: float
    cpu_ms: Mapping[str, float]
    telegram_cpu_ms: float
    moderate_cpu_ms: float
    p50_ms: float
    p99_ms: float
    first_lines: Mapping[str, int]
    calls: Mapping[str, int]

    @property
    def total_cpu_ms(self) -> float:
        return sum(self.cpu_ms.values())


Parts = Mapping[str, int]
"""Names of a subject's parts and the process at the root of each."""
Subject = Callable[[str], AbstractContextManager[Parts]]
"""Runs against the Bot API at the address, for as long as the block does."""


def measure(subject: Subject, load: Load) -> Measured:
    """
    Raises:
        Failed: a process ended, or not every update was answered exactly once.
    """
    with fake_telegram(load.residents) as (telegram, url), subject(url) as parts:
        _feed(url, load.warm_up)
        before, before_telegram = cpu_of(parts), cpu_seconds(telegram.pid)
        full = _feed(url, load.updates)
        after, after_telegram = cpu_of(parts), cpu_seconds(telegram.pid)
        moderate = _feed(url, load.moderate_updates, load.moderate_rate)
        moderate_cpu = sum(cpu_of(parts).values()) - sum(after.values())
        calls = ask(url, "calls", {}, 5)
    return Measured(
        updates_per_second=load.updates / full["seconds"],
        cpu_ms={part: (after[part] - before[part]) * 1000 / load.updates for part in parts},
        telegram_cpu_ms=(after_telegram - before_telegram) * 1000 / load.updates,
        moderate_cpu_ms=moderate_cpu * 1000 / load.moderate_updates,
        p50_ms=moderate["p50_ms"],
        p99_ms=moderate["p99_ms"],
        first_lines=full["kinds"],
        calls=calls,
    )


def peer(kind: str) -> Subject:
    """An echo bot of ``tests.bench.peers``."""

    @contextlib.contextmanager
    def run(url: str) -> Iterator[Parts]:
        with started(kind, python("tests.bench.peers", kind, url)) as child:
            yield {"bot": child.pid}

    return run


@contextlib.contextmanager
def fake_telegram(residents: int) -> Iterator[tuple[Child, str]]:
    """A Bot API of so many residents, and its address."""
    with started("fake Telegram", python("tests.bench.fake_telegram", str(residents))) as child:
        yield child, f"http://127.0.0.1:{int(child.line())}"


def cpu_of(parts: Parts) -> dict[str, float]:
    """CPU seconds of each so far."""
    return {part: cpu_seconds(pid) for part, pid in parts.items()}


def _feed(url: str, count: int, rate: float | None = None) -> dict[str, Any]:
    patience = PATIENCE_SECONDS + (count / rate if rate else 0)
    outcome = ask(url, "feed", {"count": count, "rate": rate}, patience)
    time.sleep(SETTLE_SECONDS)
    if outcome["unasked"]:
        raise Failed(f"{outcome['unasked']} messages more than there were updates")
    return outcome


def ask(url: str, action: str, what: dict[str, Any], patience: float) -> dict[str, Any]:
    """Something of the fake Bot API, which is no part of Telegram's."""
    request = urllib.request.Request(
        f"{url}/bench/{action}", json.dumps(what).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=patience) as answer:
            body: dict[str, Any] = json.load(answer)
            return body
    except TimeoutError:
        raise Failed(f"not every update was answered within {patience:.0f} seconds") from None
