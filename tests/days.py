"""The day as the office counts it: for some hours of each day it is another one than the machine's."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

OFFICE = ZoneInfo("Asia/Shanghai")


def office_day() -> date:
    return datetime.now(OFFICE).date()
