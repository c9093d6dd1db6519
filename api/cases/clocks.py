"""The clocks of a case, and how their last day is found.

Regulations on Petition Work (信访工作条例), in force since 2022-05-01. Days are counted by the Civil Code: the day on
which a period starts is not counted (article 201), and a last day on a statutory day of rest becomes the first working
day after it (article 203).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from api.cases.schemas import ClockKind


@dataclass(frozen=True)
class Clock:
    """One statutory time limit.

    Attributes:
        days: calendar days.
        article: of the Regulations on Petition Work.
    """

    kind: ClockKind
    days: int
    article: str


ACCEPTANCE_NOTICE = Clock(ClockKind.ACCEPTANCE_NOTICE, days=15, article="22, 23")
"""From receipt until the resident is told in writing: accepted, passed on to whom, or not accepted and where to go.
Article 22 binds petition offices, article 23 all other bodies."""


@cache
def _calendar() -> holidays.HolidayBase:
    return holidays.country_holidays("CN")


def is_working_day(day: date) -> bool:
    """Whether offices work on that day in mainland China.

    Moved working days (a Saturday worked, a Friday off in its place) are known for years whose arrangement the State
    Council had published when the installed ``holidays`` was released; for later ones, weekends and the holidays fixed
    by the Regulation on Public Holidays (全国年节及纪念日放假办法) count.
    """
    calendar = _calendar()
    is_holiday = day in calendar
    return calendar.is_working_day(day) and not is_holiday


def last_day(clock: Clock, started_at: datetime, timezone: ZoneInfo) -> date:
    """The last day on which the clock is kept.

    Args:
        started_at: the moment of what starts it; which day that was, the office's ``timezone`` tells.
    """
    day = started_at.astimezone(timezone).date() + timedelta(days=clock.days)
    while not is_working_day(day):
        day += timedelta(days=1)
    return day
