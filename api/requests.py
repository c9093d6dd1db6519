"""What surrounds each request: its id, which stands in every line that is logged meanwhile and in the head of the
answer, and how long it took.

The bot sends the id (``bot.trails``). What comes in any other form is not taken over, so that nobody writes into the
log what they like: then the request gets an id of ours.
"""

import random
import re
import time
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from api.metrics import Metrics

HEADER = b"x-request-id"
_FORM = re.compile(rb"(?:[0-9]{1,19}-)?[a-z]{8}(?:-[0-9]{1,9})?")
_LETTERS = "bcdfghjkmnpqrstvwxz"
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class Requests:
    """ASGI middleware, around all others."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _id_of(scope["headers"])
        # Each request is a task of its own, and so are its bound values.
        bind_contextvars(request_id=request_id)
        began, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER, request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            # Never what was asked for itself: a path may bear anything.
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self.metrics.answered(route, method, status, time.perf_counter() - began)


def _id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == HEADER and _FORM.fullmatch(value):
            return value.decode()
    return "".join(random.choices(_LETTERS, k=8))  # noqa: S311 - no secret: it tells one request from another
