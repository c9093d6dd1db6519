"""The client of the API, which names and counts each of its requests."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from bot.http import Answer, HttpClient
from bot.metrics import Metrics
from bot.tracing import span, trace_headers
from bot.trails import next_request_id


class CountedClient(HttpClient):
    """Gives each request an id, and tells how it went."""

    def __init__(self, base: str, metrics: Metrics | None, **more: Any) -> None:
        """
        Args:
            base: as ``HttpClient`` takes it, and ``more``.
            metrics: where requests are counted; nowhere, where none are given.
        """
        super().__init__(base, **more)
        self._metrics = metrics

    async def request(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str] | None, *, seconds: float
    ) -> Answer:
        # The first part of the path: what follows may be anybody's.
        part = target.partition("/")[0]
        began, outcome = time.perf_counter(), "no_connection"
        try:
            with span(f"ask {method} {part}"):
                more = {**(headers or {}), "X-Request-ID": next_request_id(), **trace_headers()}
                answer = await super().request(method, target, body, more, seconds=seconds)
            outcome = "answered" if answer.status < 400 else "refused" if answer.status < 500 else "failed"
            return answer
        except TimeoutError:
            outcome = "timed_out"
            raise
        except asyncio.CancelledError:
            outcome = "given_up"
            raise
        finally:
            if self._metrics is not None:
                self._metrics.call(part, outcome, time.perf_counter() - began)
