"""How long to leave somebody alone who failed."""

import random

_FIRST = 0.5


class Rests:
    """Twice as long each time in a row, and not all in step."""

    def __init__(self, longest: float) -> None:
        """``longest``: seconds."""
        self._longest = longest
        self._seconds = _FIRST / 2

    def next(self) -> float:
        self._seconds = min(self._seconds * 2, self._longest)
        return random.uniform(self._seconds / 2, self._seconds)  # noqa: S311 - no secret hangs on it

    def over(self) -> None:
        """It has not failed."""
        self._seconds = _FIRST / 2
