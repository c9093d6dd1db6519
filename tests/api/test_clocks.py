"""Last days by the Civil Code and the calendar of mainland China."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from api.cases.clocks import ACCEPTANCE_NOTICE, is_working_day, last_day

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("received", "expected", "why"),
    [
        ("2026-11-23T10:00", "2026-12-08", "fifteen days, the day of receipt not counted"),
        ("2026-11-20T23:59", "2026-12-07", "a Saturday becomes the Monday"),
        ("2026-11-21T09:00", "2026-12-07", "a Sunday becomes the Monday"),
        ("2026-09-17T09:00", "2026-10-08", "the National Day holidays, their moved days off included"),
        ("2026-01-31T09:00", "2026-02-24", "Spring Festival, first day to last moved day"),
        ("2026-01-30T09:00", "2026-02-14", "a Saturday that is worked in place of a Friday"),
        ("2026-09-05T09:00", "2026-09-20", "a Sunday that is worked"),
        ("2026-12-17T09:00", "2027-01-04", "New Year's Day and the weekend after it, across the year"),
    ],
)
def test_last_day(received: str, expected: str, why: str) -> None:
    started_at = datetime.fromisoformat(received).replace(tzinfo=SHANGHAI)
    assert last_day(ACCEPTANCE_NOTICE, started_at, SHANGHAI) == date.fromisoformat(expected), why


def test_the_day_of_receipt_is_the_office_s() -> None:
    late = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)  # half past midnight on the 24th in Shanghai
    assert last_day(ACCEPTANCE_NOTICE, late, SHANGHAI) == date(2026, 12, 9)
    assert last_day(ACCEPTANCE_NOTICE, late, ZoneInfo("UTC")) == date(2026, 12, 8)


def test_weekends_and_holidays() -> None:
    assert not is_working_day(date(2026, 10, 1))
    assert not is_working_day(date(2026, 10, 7))
    assert is_working_day(date(2026, 10, 10))
    assert not is_working_day(date(2026, 10, 11))
    assert is_working_day(date(2026, 10, 12))


def test_the_rule_names_its_articles() -> None:
    assert (ACCEPTANCE_NOTICE.days, ACCEPTANCE_NOTICE.article) == (15, "22, 23")
