"""Ids by which the log lines of both halves find each other: of each turn, and of each of its requests to the API.

A turn's id is the update's with this process's name; a request's is the turn's and a number that no other request of
this process has. The API writes it into every line that it logs meanwhile (``api.requests``). What no turn asks for (a
courier's claims) has the name of the process alone before it.
"""

import random
from contextvars import ContextVar
from itertools import count

from structlog.contextvars import bind_contextvars

_LETTERS = "bcdfghjkmnpqrstvwxz"
"""No digits: they could be taken for somebody's."""
# Not a secret: it only tells one process from another.
_process = "".join(random.choices(_LETTERS, k=8))  # noqa: S311
_turn: ContextVar[str] = ContextVar("trail", default=_process)
_requests = count(1)


def begin_trail(update_id: int) -> None:
    """From now on, in this task and those that it starts, requests and log lines are this update's."""
    turn = f"{update_id}-{_process}"
    _turn.set(turn)
    bind_contextvars(update_id=update_id, turn=turn)


def next_request_id() -> str:
    """For the header ``X-Request-ID``."""
    return f"{_turn.get()}-{next(_requests)}"
