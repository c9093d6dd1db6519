"""Ids by which the log lines of both halves find each other: of each turn, and of each of its requests to the API.

A turn's id begins with the update's; a request's is the turn's and a number. The API writes it into every line that it
logs meanwhile (``api.requests``). What no turn asks for (a courier's claims) has the id of the process before it.
"""

import random
from contextvars import ContextVar

from structlog.contextvars import bind_contextvars

_LETTERS = "bcdfghjkmnpqrstvwxz"
"""No digits: they could be taken for somebody's."""


class Trail:
    """The requests of one turn, counted."""

    __slots__ = ("_requests", "id")

    def __init__(self, update_id: int | None = None) -> None:
        # Not a secret: it only tells one turn from another.
        letters = "".join(random.choices(_LETTERS, k=8))  # noqa: S311
        self.id = letters if update_id is None else f"{update_id}-{letters}"
        self._requests = 0

    def next_request(self) -> str:
        self._requests += 1
        return f"{self.id}-{self._requests}"


_of_process = Trail()
_trail: ContextVar[Trail] = ContextVar("trail", default=_of_process)


def begin_trail(update_id: int) -> None:
    """From now on, in this task and those that it starts, requests and log lines are this update's."""
    trail = Trail(update_id)
    _trail.set(trail)
    bind_contextvars(update_id=update_id, turn=trail.id)


def next_request_id() -> str:
    """For the header ``X-Request-ID``."""
    return _trail.get().next_request()
