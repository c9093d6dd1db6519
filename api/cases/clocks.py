"""The clocks of a case: how long each is, on which article it rests, how its last day is found, and how it stands.

Regulations on Petition Work (信访工作条例), in force since 2022-05-01. Days are counted by the Civil Code: the day on
which a period starts is not counted (article 201), and a last day on a statutory day of rest becomes the first working
day after it (article 203).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

import holidays

from api.cases.schemas import ClockKind, Light
from api.settings import Settings


class Owed(StrEnum):
    """Whose the time is."""

    BY_OFFICE = "by_office"  # a duty: past its last day it is overdue
    TO_RESIDENT = "to_resident"  # a right: past its last day it is gone


@dataclass(frozen=True)
class Clock:
    """One time limit.

    Attributes:
        days: calendar days, or working days where ``working_days``.
        article: of the Regulations on Petition Work; empty: the office's own.
        extendable: by so many days at most, once.
    """

    kind: ClockKind
    days: int
    article: str
    owed: Owed = Owed.BY_OFFICE
    working_days: bool = False
    extendable: int = 0


ACCEPTANCE_NOTICE = Clock(ClockKind.ACCEPTANCE_NOTICE, days=15, article="22, 23")
"""From receipt until the resident is told in writing: accepted, passed on to whom, or not accepted and where to go.
Article 22 binds petition offices, article 23 all other bodies, to which a transfer gives 15 days of their own."""
JURISDICTION_OBJECTION = Clock(ClockKind.JURISDICTION_OBJECTION, days=5, article="23", working_days=True)
"""From the day a body is given a case until it may say that the case is not its own."""
ANSWER = Clock(ClockKind.ANSWER, days=60, article="34", extendable=30)
"""From acceptance to the written answer; longer once, by at most 30 days, with a reason that the resident is told."""
REVIEW_REQUEST = Clock(ClockKind.REVIEW_REQUEST, days=30, article="35", owed=Owed.TO_RESIDENT)
REVIEW_OPINION = Clock(ClockKind.REVIEW_OPINION, days=30, article="35")
SECOND_REVIEW_REQUEST = Clock(ClockKind.SECOND_REVIEW_REQUEST, days=30, article="36", owed=Owed.TO_RESIDENT)
SECOND_REVIEW_OPINION = Clock(ClockKind.SECOND_REVIEW_OPINION, days=30, article="36")
REOPEN = Clock(ClockKind.REOPEN, days=30, article="", owed=Owed.TO_RESIDENT)
"""How long the resident may have an answered or closed case taken up again; the office sets it."""
RESIDENT_ANSWER = Clock(ClockKind.RESIDENT_ANSWER, days=10, article="", owed=Owed.TO_RESIDENT)
"""How long the office waits for what it asked before it goes on without; it stops no clock of the Regulations."""

CLOCKS: Mapping[ClockKind, Clock] = MappingProxyType(
    {
        clock.kind: clock
        for clock in (
            ACCEPTANCE_NOTICE,
            JURISDICTION_OBJECTION,
            ANSWER,
            REVIEW_REQUEST,
            REVIEW_OPINION,
            SECOND_REVIEW_REQUEST,
            SECOND_REVIEW_OPINION,
            REOPEN,
            RESIDENT_ANSWER,
        )
    }
)
OFFICE_CLOCKS = tuple(kind for kind, clock in CLOCKS.items() if clock.owed is Owed.BY_OFFICE)
DUTIES = tuple(kind for kind in OFFICE_CLOCKS if kind is not ClockKind.JURISDICTION_OBJECTION)
"""Of the office's clocks those that are overdue once they have run out; an objection that is late is only too late."""

YELLOW_SHARE, RED_SHARE, RED_DAYS = 1 / 2, 1 / 5, 1
"""A clock is yellow with half of its time left, red with a fifth or a day of it left (then its officer is warned)."""


@cache
def _holidays() -> holidays.HolidayBase:
    return holidays.country_holidays("CN")


def is_working_day(day: date) -> bool:
    """Whether offices work on that day in mainland China.

    Moved working days (a Saturday worked, a Friday off in its place) are known for years whose arrangement the State
    Council had published when the installed ``holidays`` was released; for later ones, weekends and the holidays fixed
    by the Regulation on Public Holidays (全国年节及纪念日放假办法) count.
    """
    calendar = _holidays()
    is_holiday = day in calendar
    return calendar.is_working_day(day) and not is_holiday


@dataclass(frozen=True)
class OfficeCalendar:
    """China's calendar, and the days on which the office does otherwise."""

    days: Mapping[date, bool] = field(default_factory=dict)

    def is_working_day(self, day: date) -> bool:
        known = self.days.get(day)
        return is_working_day(day) if known is None else known

    def last_day(self, clock: Clock, started_on: date, *, days: int | None = None, extended_days: int = 0) -> date:
        """The last day on which the clock is kept.

        Args:
            started_on: not counted itself.
            days: where the period is not the clock's own.
        """
        days = clock.days if days is None else days
        day = started_on
        if clock.working_days:
            while days:
                day += timedelta(days=1)
                days -= self.is_working_day(day)
            return day
        day += timedelta(days=days + extended_days)
        while not self.is_working_day(day):
            day += timedelta(days=1)
        return day


CHINA = OfficeCalendar()


def last_day(clock: Clock, started_at: datetime, timezone: ZoneInfo, calendar: OfficeCalendar = CHINA) -> date:
    """The last day on which the clock is kept.

    Args:
        started_at: the moment of what starts it; which day that was, the office's ``timezone`` tells.
    """
    return calendar.last_day(clock, started_at.astimezone(timezone).date())


def light(started_on: date, last_day: date, today: date) -> Light:
    """How a clock stands on a day."""
    left, whole = (last_day - today).days, (last_day - started_on).days
    if left < 0:
        return Light.OVERDUE
    if left <= RED_DAYS or left <= whole * RED_SHARE:
        return Light.RED
    return Light.YELLOW if left <= whole * YELLOW_SHARE else Light.GREEN


@dataclass(frozen=True)
class Policy:
    """What the office has settled about its clocks."""

    zone: ZoneInfo
    reopen_days: int = REOPEN.days
    resident_answer_days: int = RESIDENT_ANSWER.days

    @classmethod
    def of(cls, settings: Settings) -> "Policy":
        return cls(settings.timezone, settings.case_reopen_days, settings.case_resident_answer_days)

    def days(self, kind: ClockKind) -> int:
        own = {ClockKind.REOPEN: self.reopen_days, ClockKind.RESIDENT_ANSWER: self.resident_answer_days}
        return own.get(kind, CLOCKS[kind].days)

    def day(self, moment: datetime) -> date:
        """The day that it is in the office."""
        return moment.astimezone(self.zone).date()
