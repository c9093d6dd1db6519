"""When wrong papers surge in the whole deployment: the operator is told, and ways in may close.

What each chat, source and agreement is allowed adds up: a thousand chats with a full list of agreements make thousands
of guesses a day. This limit holds whatever they are spread over. A phone cannot be guessed, a code neither.
"""

from datetime import datetime, timedelta

import structlog

from api.identity.limits import Try
from api.identity.schemas import LinkMethod
from api.metrics import Metrics
from api.settings import Settings, SurgeResponse

log = structlog.get_logger()
_TELL_AGAIN = timedelta(hours=1)
_ALL = [LinkMethod.PHONE, LinkMethod.AGREEMENT, LinkMethod.CODE]
_OPEN = {
    SurgeResponse.ALERT: _ALL,
    SurgeResponse.CLOSE_PAPERS: [LinkMethod.PHONE, LinkMethod.CODE],
    SurgeResponse.CODES_ONLY: [LinkMethod.CODE],
}


class Surge:
    """Watches for one process; what it counts, all of them share."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.metrics = metrics
        self._per_hour = settings.surge_wrong_per_hour
        self._per_day = settings.surge_wrong_per_day
        self._response = settings.surge_response
        self._told_at: datetime | None = None

    def open_ways(self, attempt: Try) -> list[LinkMethod]:
        """The ways in that are open now."""
        return _OPEN[self._response] if self.look(attempt) else _ALL

    def look(self, attempt: Try, more: int = 0) -> bool:
        """Whether wrong papers surge; the first time within an hour, the operator is told.

        Args:
            more: wrong papers that are not counted yet.
        """
        in_hour, in_day = attempt.papers_in_hour + more, attempt.papers_in_day + more
        surging = in_hour >= self._per_hour or in_day >= self._per_day
        self.metrics.saw_surge(surging)
        if surging and (self._told_at is None or attempt.now >= self._told_at + _TELL_AGAIN):
            self._told_at = attempt.now
            log.error("verification_surge", wrong_in_hour=in_hour, wrong_in_day=in_day, response=self._response.value)
        return surging
