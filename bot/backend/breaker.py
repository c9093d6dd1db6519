"""A circuit breaker before the API: while it does not answer, people are told so at once.

Else every turn would wait for its time-out, all places of the bot would soon be taken by turns that wait, whoever
writes next would hear nothing for a minute, and an API that is merely slow would get all that waits on top.
"""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from bot.backend.errors import LeftAlone, Unreachable
from bot.rests import Rests

Answer = TypeVar("Answer")

FAILURES = 5
"""In a row, before the API is left alone."""
LONGEST_REST = 4.0
"""Seconds between two calls that try whether it answers again."""

log = structlog.get_logger()


class Breaker:
    """Closed it lets every call through. After ``FAILURES`` calls in a row that came to nothing it is open: calls fail
    without being made. When it has rested, one call is let through: with its answer the breaker closes, else it rests
    again, longer. One that takes its time, an upload, say, gives up that place after ``trial_seconds``: the API may be
    back meanwhile."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, trial_seconds: float = 10.0) -> None:
        self._clock = clock
        self._trial_seconds = trial_seconds
        self._failures = 0
        self._rests = Rests(LONGEST_REST)
        self._open_until = 0.0
        self._trial: object | None = None
        self._trial_until = 0.0

    @property
    def open(self) -> bool:
        return self._failures >= FAILURES

    async def call(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """What ``ask`` gives or raises. Only ``Unreachable`` is a failure of the API: a refusal is an answer.

        Raises:
            LeftAlone: nothing was asked.
        """
        trial = None
        if self.open:
            now = self._clock()
            if now < self._open_until or (self._trial is not None and now < self._trial_until):
                raise LeftAlone
            trial = self._trial = object()
            self._trial_until = now + self._trial_seconds
        try:
            answer = await ask()
        except Unreachable:
            self._failed(trying=trial is not None and trial is self._trial)
            raise
        except Exception:
            self._answered()
            raise
        else:
            self._answered()
            return answer
        finally:
            # Also when whoever asked went away; but not the place of another that took it meanwhile.
            if trial is self._trial:
                self._trial = None

    def _failed(self, trying: bool) -> None:
        self._failures += 1
        # Others that were under way when it opened do not make the rest longer.
        if trying or self._failures == FAILURES:
            rest = self._rests.next()
            self._open_until = self._clock() + rest
            log.warning("api_left_alone", failures=self._failures, seconds=round(rest, 1))

    def _answered(self) -> None:
        if self.open:
            log.info("api_answers_again")
        self._failures = 0
        self._rests.over()
