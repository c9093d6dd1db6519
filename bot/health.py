"""What a process without pages of its own tells on its health port: whether it is well, and what can be counted."""

from collections.abc import Callable
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

_JSON = b"application/json"


class Health:
    """An ASGI app: ``GET /healthz``, 200 or 503, and ``GET /metrics`` in the form of Prometheus."""

    def __init__(self, registry: CollectorRegistry, well: Callable[[], bool] = lambda: True) -> None:
        """
        Args:
            registry: what is told of at ``/metrics``.
            well: whether ``/healthz`` says yes.
        """
        self._registry = registry
        self._well = well

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        status, kind, body = self._answer(scope["path"])
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, path: str) -> tuple[int, bytes, bytes]:
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST.encode(), generate_latest(self._registry)
        if path != "/healthz":
            return 404, _JSON, b"{}"
        return (200, _JSON, b'{"status":"alive"}') if self._well() else (503, _JSON, b'{"status":"not ready"}')


async def lifespan(receive: Any, send: Any) -> None:
    """What a server asks of an app that needs no start and no end."""
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
