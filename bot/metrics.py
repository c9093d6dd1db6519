"""What can be counted about a bot or a courier: ``GET /metrics`` on the health port, in the form that Prometheus reads.

No personal data: labels are names of this program's own functions, words for outcomes, and first parts of paths.
"""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

TURN_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds; as few as tell what people feel, for every handler has a set of its own."""


class Metrics:
    """The counters of one process, which begin at 0 with it."""

    def __init__(self, program: str) -> None:
        """
        Args:
            program: bot or courier.
        """
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        build = Gauge(
            "shanglou_build_info", "1, by version and program", ["version", "program"], registry=self.registry
        )
        build.labels(version("shanglou"), program).set(1)
        self._turns = Histogram(
            "shanglou_turn_seconds",
            "From when an update was taken in until its turn was over, waiting for the turn before included; by the "
            "function that handled it and by its outcome (done, failed, unavailable, again, out_of_reach)",
            ["handler", "outcome"],
            buckets=TURN_BUCKETS,
            registry=self.registry,
        )
        self._waiting = Gauge("shanglou_updates_waiting", "Updates that wait for their turn", registry=self.registry)
        self._running = Gauge("shanglou_updates_running", "Turns that are being run", registry=self.registry)
        self._calls = Histogram(
            "shanglou_api_call_seconds",
            "Requests of this process to the API, by the first part of their path and by outcome (answered, refused, "
            "failed, no_connection, timed_out, given_up); those of couriers wait for news (messages)",
            ["part", "outcome"],
            buckets=TURN_BUCKETS,
            registry=self.registry,
        )
        self._messages = Counter(
            "shanglou_courier_messages",
            "Tries of this process's courier to send messages, by outcome: sent, gone, failed, retry, unsent, unknown",
            ["outcome"],
            registry=self.registry,
        )
        self._in_hand = Gauge(
            "shanglou_courier_in_hand",
            "Messages that this process's courier has claimed and not reported yet",
            registry=self.registry,
        )
        # Looking a child up among prometheus_client's own costs as much again as counting.
        self._of_turns: dict[tuple[str, str], Callable[[float], None]] = {}
        self._of_calls: dict[tuple[str, str], Callable[[float], None]] = {}

    def watch_updates(self, waiting: Callable[[], float], running: Callable[[], float]) -> None:
        """From now on these are asked when somebody reads the metrics; so below."""
        self._waiting.set_function(waiting)
        self._running.set_function(running)

    def watch_courier(self, in_hand: Callable[[], float]) -> None:
        self._in_hand.set_function(in_hand)

    def turn(self, handler: str, outcome: str, seconds: float) -> None:
        """A turn is over.

        Args:
            handler: ``bot.dispatch.called`` of its function.
        """
        _observe(self._of_turns, self._turns, (handler, outcome), seconds)

    def call(self, part: str, outcome: str, seconds: float) -> None:
        """A request was answered, or was not.

        Args:
            part: of the API: a word of the wire contract's.
        """
        _observe(self._of_calls, self._calls, (part, outcome), seconds)

    def message(self, outcome: str) -> None:
        self._messages.labels(outcome).inc()


def _observe(
    known: dict[tuple[str, str], Callable[[float], None]], of: Histogram, labels: tuple[str, str], seconds: float
) -> None:
    observe: Any = known.get(labels)
    if observe is None:
        observe = known[labels] = of.labels(*labels).observe
    observe(seconds)
