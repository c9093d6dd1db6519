"""What can be counted about the API: ``GET /metrics``, in the form that Prometheus reads. No personal data: labels are
kinds, never numbers of chats or agreements."""

import time

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

router = APIRouter(tags=["health"])
_SURGE_SECONDS = 3600.0


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

    def saw_surge(self, surging: bool) -> None:
        # Only tries look: after the last of them nobody would take it back.
        self._surge_until = time.monotonic() + _SURGE_SECONDS if surging else 0.0


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    kept: Metrics = request.app.state.metrics
    return Response(generate_latest(kept.registry), media_type=CONTENT_TYPE_LATEST)
