"""Days, months, periods and windows, however a cell holds them."""

from calendar import monthrange
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.imports import dates
from api.imports.cells import Cell
from api.imports.problems import BadCell

days = st.dates(date(1955, 1, 1), date(2090, 12, 31))
full_width = str.maketrans("0123456789", "０１２３４５６７８９")


@given(days, st.sampled_from(range(13)))
def test_a_day_is_the_same_however_it_is_written(day: date, way: int) -> None:
    ways: list[Cell] = [
        day,
        datetime(day.year, day.month, day.day, 9, 30),  # noqa: DTZ001
        f"{day:%Y-%m-%d}",
        f"{day.year}.{day.month}.{day.day}",
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.year} 年 {day.month} 月 {day.day} 号",
        f"{day:%Y%m%d}",
        float(f"{day:%Y%m%d}"),
        float((day - date(1899, 12, 30)).days),
        (day - date(1899, 12, 30)).days + 0.75,
        f"{day:%Y-%m-%d} 00:00:00",
        f"{day.year}.{day.month}.{day.day}".translate(full_width),
    ]
    held = ways[way]
    assert dates.span(held) == (day, day)
    assert dates.first_day(held) == dates.last_day(held) == day


@given(days, st.sampled_from(range(7)))
def test_a_month_is_its_first_or_last_day_as_the_column_means(day: date, way: int) -> None:
    ways: list[Cell] = [
        f"{day:%Y-%m}",
        f"{day.year}.{day.month}",
        f"{day.year}年{day.month}月",
        f"{day.year}年{day.month}月份",
        f"{day:%Y%m}",
        float(f"{day:%Y%m}"),
        f"{day:%Y/%m}".translate(full_width),
    ]
    held = ways[way]
    last = monthrange(day.year, day.month)[1]
    assert dates.first_day(held) == day.replace(day=1)
    assert dates.last_day(held) == day.replace(day=last)


def test_october_kept_as_a_number_looks_like_january_and_is_refused() -> None:
    assert dates.last_day(2026.9) == date(2026, 9, 30)
    assert dates.last_day(2026.11) == date(2026, 11, 30)
    with pytest.raises(BadCell, match="2026-10"):
        dates.last_day(2026.1)


@pytest.mark.parametrize(
    "held", ["9月1日", "2026.13.1", "2026.2.30", "26.9.1", "", "明年", 12.0, 1e9, True, timedelta(1)]
)
def test_what_is_no_date(held: Cell) -> None:
    with pytest.raises(BadCell):
        dates.span(held)


@given(days, st.integers(0, 40), st.sampled_from(range(9)))
def test_a_period_of_months_is_the_same_however_it_is_written(day: date, months: int, way: int) -> None:
    total = day.year * 12 + day.month - 1 + months
    year, month = total // 12, total % 12 + 1
    written = [
        f"{day.year}.{day.month}-{year}.{month}",
        f"{day:%Y-%m}-{year}-{month:02d}",
        f"{day:%Y-%m}至{year}-{month:02d}",
        f"{day.year}年{day.month}月至{year}年{month}月",
        f"{day.year}年{day.month}月～{year}年{month}月",
        f"{day.year}年{day.month}月—{year}年{month}月份",
        f"{day:%Y%m}-{year}{month:02d}",
        f"{day:%Y.%m}.01-{year}.{month:02d}.{monthrange(year, month)[1]}",
        f"{day:%Y%m}01 - {year}{month:02d}{monthrange(year, month)[1]}",
    ][way]
    assert dates.period(written) == (day.replace(day=1), date(year, month, monthrange(year, month)[1]))


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("2026年1月至6月", date(2026, 1, 1), date(2026, 6, 30)),
        ("2026年1-6月", date(2026, 1, 1), date(2026, 6, 30)),
        ("2026年1月15日至3月14日", date(2026, 1, 15), date(2026, 3, 14)),
        ("2026年上半年", date(2026, 1, 1), date(2026, 6, 30)),
        ("2026年下半年", date(2026, 7, 1), date(2026, 12, 31)),
        ("2026年第三季度", date(2026, 7, 1), date(2026, 9, 30)),
        ("2026年6月", date(2026, 6, 1), date(2026, 6, 30)),
        ("2026年度", date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_periods(written: str, first: date, last: date) -> None:
    assert dates.period(written) == (first, last)


@pytest.mark.parametrize("written", ["2026.6-2026.1", "2026-01-15", "半年", 46000.0, "6个月"])
def test_what_is_no_period(written: Cell) -> None:
    with pytest.raises(BadCell):
        dates.period(written)


@pytest.mark.parametrize(
    ("written", "earliest", "latest"),
    [
        ("2027-06-30", date(2027, 6, 30), date(2027, 6, 30)),
        (date(2027, 6, 30), date(2027, 6, 30), date(2027, 6, 30)),
        ("预计2027年6月", date(2027, 6, 1), date(2027, 6, 30)),
        ("2027年3月至6月", date(2027, 3, 1), date(2027, 6, 30)),
        ("2027年12月至2028年2月", date(2027, 12, 1), date(2028, 2, 29)),
        ("2027年底前", None, date(2027, 12, 31)),
        ("2027年6月底前", None, date(2027, 6, 30)),
        ("2027年6月30日前", None, date(2027, 6, 30)),
        ("2027年底", date(2027, 12, 1), date(2027, 12, 31)),
        ("2027年6月底", date(2027, 6, 21), date(2027, 6, 30)),
        ("2027年6月上旬", date(2027, 6, 1), date(2027, 6, 10)),
        ("2027年第二季度", date(2027, 4, 1), date(2027, 6, 30)),
        ("2027年四季度", date(2027, 10, 1), date(2027, 12, 31)),
        ("2027年下半年", date(2027, 7, 1), date(2027, 12, 31)),
        ("2027年内", date(2027, 1, 1), date(2027, 12, 31)),
        ("2027年", date(2027, 1, 1), date(2027, 12, 31)),
        ("未定", None, None),
        ("待 定", None, None),
    ],
)
def test_windows(written: Cell, earliest: date | None, latest: date | None) -> None:
    assert dates.window(written) == (earliest, latest)


@pytest.mark.parametrize("written", ["尽快", "2027年6月前", "2027年前", "春节后", "签约后24个月", "2027年6月左右"])
def test_a_vague_promise_is_no_window(written: str) -> None:
    with pytest.raises(BadCell):
        dates.window(written)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("安置台账（截至2026年11月20日）", date(2026, 11, 20)),
        ("安置台账2026-11-20", date(2026, 11, 20)),
        ("安置台账_20261120_终稿", date(2026, 11, 20)),
        ("安置台账 2026.11.20", date(2026, 11, 20)),
        ("截至2026年10月 安置台账", date(2026, 10, 31)),
        ("2026年第1批过渡费发放表", None),
        ("安置台账（终稿）", None),
        ("台账20261399", None),
    ],
)
def test_dates_in_titles_and_file_names(written: str, found: date | None) -> None:
    assert dates.date_inside(written) == found
