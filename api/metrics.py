"""What can be counted about the API: ``GET /metrics``, in the form that Prometheus reads. No personal data: labels are
kinds, never numbers of chats or agreements."""

import asyncio
import time
from collections.abc import Mapping

import asyncpg
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from api.lookups import reading
from api.messages.backlog import BACKLOG

router = APIRouter(tags=["health"])
_SURGE_SECONDS = 3600.0
_BACKLOG_SECONDS = 2.0


class Metrics:
    """The counters of one process, which begin at 0 with it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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
        self._waiting = Gauge("shanglou_outbox_waiting", "Notices that wait to be sent", registry=self.registry)
        self._late = Gauge(
            "shanglou_outbox_late_seconds",
            "How long ago the notice that waits longest was to go out",
            registry=self.registry,
        )

    def delivered(self, outcomes: Mapping[str, int]) -> None:
        for outcome, count in outcomes.items():
            self._deliveries.labels(outcome).inc(count)

    def found_waiting(self, messages: float, late_seconds: float) -> None:
        self._waiting.set(messages)
        self._late.set(late_seconds)

    def saw_surge(self, surging: bool) -> None:
        # Only tries look: after the last of them nobody would take it back.
        self._surge_until = time.monotonic() + _SURGE_SECONDS if surging else 0.0


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    kept: Metrics = request.app.state.metrics
    try:
        async with asyncio.timeout(_BACKLOG_SECONDS):
            [backlog] = await reading(request).rows(BACKLOG)
        kept.found_waiting(backlog["waiting"], backlog["late_seconds"])
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        # What is counted in this process is told all the same.
        kept.found_waiting(float("nan"), float("nan"))
    return Response(generate_latest(kept.registry), media_type=CONTENT_TYPE_LATEST)
