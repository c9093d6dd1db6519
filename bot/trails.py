"""What is known of a turn beside its own work: its id, since when it is here, where it came to and how it ended.

By the ids the log lines of both halves find each other. A turn's is the update's with this process's name; a request's
to the API is the turn's and a number that no other request of this process has. The API writes it into every line that
it logs meanwhile (``api.requests``). What no turn asks for (a courier's claims) has the name of the process alone
before it.
"""

import random
import time
from contextvars import ContextVar
from itertools import count

from structlog.contextvars import bind_contextvars

_LETTERS = "bcdfghjkmnpqrstvwxz"
"""No digits: they could be taken for somebody's."""


class Trail:
    """Of one update. ``handler`` and ``outcome`` are words of the metrics (``bot.metrics``)."""

    __slots__ = ("_began", "handler", "id", "outcome")

    def __init__(self, name: str) -> None:
        self.id = name
        self.handler = "none"
        self.outcome = "done"
        self._began = time.perf_counter()

    def begin_turn(self) -> None:
        """Also when the update is worked on once more."""
        self.handler, self.outcome = "none", "done"

    @property
    def seconds(self) -> float:
        """Since the update was taken in."""
        return time.perf_counter() - self._began


_of_process = Trail("".join(random.choices(_LETTERS, k=8)))  # noqa: S311 - it only tells one process from another
_trail: ContextVar[Trail] = ContextVar("trail", default=_of_process)
_requests = count(1)


def begin_trail(update_id: int) -> None:
    """From now on, in this task and those that it starts, requests and log lines are this update's."""
    trail = Trail(f"{update_id}-{_of_process.id}")
    _trail.set(trail)
    bind_contextvars(update_id=update_id, turn=trail.id)


def current_trail() -> Trail:
    """Of the update that is being worked on; where none is, of the process."""
    return _trail.get()


def next_request_id() -> str:
    """For the header ``X-Request-ID``."""
    return f"{_trail.get().id}-{next(_requests)}"
