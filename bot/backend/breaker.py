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
    again, longer."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._rests = Rests(LONGEST_REST)
        self._open_until = 0.0
        self._trying = False

    @property
    def open(self) -> bool:
        return self._failures >= FAILURES

    async def call(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """What ``ask`` gives or raises. Only ``Unreachable`` is a failure of the API: a refusal is an answer.

        Raises:
            LeftAlone: nothing was asked.
        """
        trying = self.open
        if trying:
            if self._trying or self._clock() < self._open_until:
                raise LeftAlone
            self._trying = True
        try:
            answer = await ask()
        except Unreachable:
            self._failed(trying)
            raise
        except Exception:
            self._answered()
            raise
        else:
            self._answered()
            return answer
        finally:
            # Also when whoever asked went away.
            if trying:
                self._trying = False

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
