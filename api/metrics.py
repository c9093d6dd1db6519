"""What can be counted about the API: ``GET /metrics``, in the form that Prometheus reads. No personal data: labels are
kinds and names of departments, never numbers of chats or agreements."""

import asyncio
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version

import asyncpg
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client import generate_latest as written

from api.backlogs import JOBS, OVERDUE, UNSEALED
from api.lookups import Reading, reading
from api.messages.backlog import BACKLOG

router = APIRouter(tags=["health"])
_SURGE_SECONDS = 3600.0
_BACKLOG_SECONDS = 2.0
BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
"""Seconds."""
_UNKNOWN = float("nan")


def process_registry(program: str) -> CollectorRegistry:
    """A registry that tells what every process tells of itself.

    Args:
        program: api or worker.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    build = Gauge("shanglou_build_info", "1, by version and program", ["version", "program"], registry=registry)
    build.labels(version("shanglou"), program).set(1)
    return registry


_WAITING = {
    "shanglou_database_up": "1 when the database told what waits, 0 when it did not within two seconds",
    "shanglou_outbox_waiting": "Notices that wait to be sent",
    "shanglou_outbox_late_seconds": "How long ago the notice that waits longest was to go out",
    "shanglou_sending_held": "1 while somebody, or a restore, holds all that would be sent, until it is released",
    "shanglou_broadcast_messages_waiting": "Messages of broadcasts that wait to be sent; at most 100,000 are counted",
    "shanglou_jobs_waiting": "Background jobs that wait for a worker, or for their time",
    "shanglou_jobs_running": "Background jobs that a worker has",
    "shanglou_jobs_held": "Background jobs that failed for good and wait for somebody to look",
    "shanglou_jobs_late_seconds": "How long ago the background job that waits longest was to begin",
    "shanglou_audit_unsealed": "Events of the audit record since the newest seal; at most 10,000 are counted",
}
"""Of the whole deployment: the same from every process."""


class Metrics:
    """The counters of one process, which begin at 0 with it."""

    def __init__(self) -> None:
        self.registry = process_registry("api")
        self._requests = Histogram(
            "shanglou_request_seconds",
            "Requests, by the template of their path, by method and by class of their status",
            ["route", "method", "status"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._of_requests: dict[tuple[str, str, int], Callable[[float], None]] = {}
        self.tries = Counter(
            "shanglou_verification_tries",
            "Tries to prove who one is: linked, not_matched, locked or way_closed",
            ["method", "outcome"],
            registry=self.registry,
        )
        self.lockouts = Counter(
            "shanglou_verification_lockouts",
            "Locks that a wrong try began: of a chat, a source, or an agreement's number",
            ["kind"],
            registry=self.registry,
        )
        surge = Gauge(
            "shanglou_verification_surge",
            "1 when the last try within an hour saw more wrong papers than the deployment allows",
            registry=self.registry,
        )
        surge.set_function(lambda: float(time.monotonic() < self._surge_until))
        self._surge_until = 0.0
        self._deliveries = Counter(
            "shanglou_deliveries",
            "What became of messages: as couriers reported each try (sent, gone, failed, retry, unsent, unknown), or "
            "that they were not sent any more (cancelled, gone, failed, unknown)",
            ["outcome"],
            registry=self.registry,
        )
        self._gauges = {name: Gauge(name, help_, registry=self.registry) for name, help_ in _WAITING.items()}
        self._overdue = Gauge(
            "shanglou_cases_overdue",
            "Open complaints past a last day of the office's, by department (none: nobody has them yet)",
            ["department"],
            registry=self.registry,
        )

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered.

        Args:
            route: the template of its path.
            method: one of a known few.
        """
        key = (route, method, status // 100)
        observe = self._of_requests.get(key)
        if observe is None:
            # Looking a child up among prometheus_client's own costs as much again as counting.
            observe = self._of_requests[key] = self._requests.labels(route, method, f"{status // 100}xx").observe
        observe(seconds)

    def delivered(self, outcomes: Mapping[str, int]) -> None:
        for outcome, count in outcomes.items():
            self._deliveries.labels(outcome).inc(count)

    def saw_surge(self, surging: bool) -> None:
        # Only tries look: after the last of them nobody would take it back.
        self._surge_until = time.monotonic() + _SURGE_SECONDS if surging else 0.0

    async def look(self, reading: Reading) -> None:
        """Ask the database what waits; what it does not tell in time is not a number."""
        found: dict[str, float] = {}
        self._overdue.clear()
        try:
            async with asyncio.timeout(_BACKLOG_SECONDS):
                [outbox] = await reading.rows(BACKLOG)
                [jobs] = await reading.rows(JOBS)
                [audit] = await reading.rows(UNSEALED)
                overdue = await reading.rows(OVERDUE)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            # What is counted in this process is told all the same.
            found["shanglou_database_up"] = 0
        else:
            found = {
                "shanglou_database_up": 1,
                "shanglou_outbox_waiting": outbox["waiting"],
                "shanglou_outbox_late_seconds": outbox["late_seconds"],
                "shanglou_sending_held": outbox["held"],
                "shanglou_broadcast_messages_waiting": outbox["broadcast_messages"],
                **{f"shanglou_jobs_{name}": jobs[name] for name in ("waiting", "running", "held", "late_seconds")},
                "shanglou_audit_unsealed": audit["events"],
            }
            for row in overdue:
                self._overdue.labels(row["department"]).set(row["cases"])
        for name, gauge in self._gauges.items():
            gauge.set(found.get(name, _UNKNOWN))


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    kept: Metrics = request.app.state.metrics
    await kept.look(reading(request))
    return Response(written(kept.registry), media_type=CONTENT_TYPE_LATEST)
