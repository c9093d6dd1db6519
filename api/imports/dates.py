"""What cells say about time: days, months, periods, windows in which homes are expected to be ready."""

import re
import unicodedata
from calendar import monthrange
from datetime import date, datetime, timedelta
from math import isfinite

from api.identity.documents import normalise_text
from api.imports.cells import Cell
from api.imports.problems import BadCell

Span = tuple[date, date]
"""First and last day, both included."""

_YEARS = range(1949, 2101)
_SERIALS = range(20_000, 80_000)  # days since 1899-12-30: the years 1954 to 2119
_EPOCH = date(1899, 12, 30)

_TIME_OF_DAY = re.compile(r"[ T]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?$")
_DASHES = re.compile(r"[‐-―−]")
_WRITTEN_DAY = re.compile(r"(\d{4})(?:年|[./\-])(\d{1,2})(?:月|[./\-])(\d{1,2})[日号]?|(\d{4})(\d{2})(\d{2})", re.ASCII)
_WRITTEN_MONTH = re.compile(r"(\d{4})(?:年|[./\-])(\d{1,2})(?:月份?)?|(\d{4})(\d{2})", re.ASCII)
_POINT = r"\d{4}(?:年|[./\-])\d{1,2}(?:(?:月|[./\-])\d{1,2}[日号]?|月份?)?|\d{8}|\d{6}"
_PERIOD = re.compile(
    rf"(?P<start>{_POINT})(?:至|到|~|〜|-)+(?P<end>{_POINT}|(?P<month>\d{{1,2}})月(?:份|(?P<day>\d{{1,2}})[日号])?)",
    re.ASCII,
)
_PART_OF_YEAR = re.compile(r"(\d{4})年?(上半年|下半年|第?([一二三四1-4])季度|全年|度|内)?", re.ASCII)
_PART_OF_MONTH = re.compile(r"(\d{4})(?:年|[./\-])(\d{1,2})月?(上旬|中旬|下旬|初|底|末)", re.ASCII)
_PART_ENDS = {"上旬": (1, 10), "初": (1, 10), "中旬": (11, 20), "下旬": (21, 0), "底": (21, 0), "末": (21, 0)}
_QUARTERS = {"一": 1, "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_UNDECIDED = frozenset(
    {"未定", "待定", "暂未确定", "未确定", "待确定", "暂定不了", "另行通知", "待通知", "未公布", "暂未公布", "待公布"}
)

DAY_EXPECTED = "日期，如 2026-09-01、2026年9月1日 或 2026-09"
PERIOD_EXPECTED = "起止时间，如 2026.1-2026.6 或 2026年1月至6月"
WINDOW_EXPECTED = "预计时间，如 2027-06-30、2027年6月、2027年3月至6月、2027年第二季度、2027年底前；没有定的写“未定”"


def written(value: str) -> str:
    """A date's text in one form: half-width, no time of day, every dash alike, no spaces."""
    half_width = unicodedata.normalize("NFKC", value).strip().lstrip("'’‘`")
    plain = normalise_text(_TIME_OF_DAY.sub("", half_width)).replace("。", ".").replace("号", "日")
    return _DASHES.sub("-", plain).rstrip(".,;")


def _day(year: str | int, month: str | int, day: str | int, expected: str) -> date:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError as error:
        raise BadCell(expected) from error
    if found.year not in _YEARS:
        raise BadCell(expected)
    return found


def _month(year: str | int, month: str | int, expected: str) -> Span:
    first = _day(year, month, 1, expected)
    return first, first.replace(day=monthrange(first.year, first.month)[1])


def span(value: Cell, expected: str = DAY_EXPECTED) -> Span:
    """The day, or the month, that a cell names: first and last day."""
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        if value.year not in _YEARS:
            raise BadCell(expected)
        return value, value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _from_number(value, expected)
    if not isinstance(value, str):
        raise BadCell(expected)
    plain = written(value)
    if match := _WRITTEN_DAY.fullmatch(plain):
        year, month, number = match.group(1, 2, 3) if match[1] else match.group(4, 5, 6)
        day = _day(year, month, number, expected)
        return day, day
    if match := _WRITTEN_MONTH.fullmatch(plain):
        year, month = match.group(1, 2) if match[1] else match.group(3, 4)
        return _month(year, month, expected)
    if re.fullmatch(r"\d{5}(\.\d+)?", plain, re.ASCII):
        return _from_number(float(plain), expected)
    raise BadCell(expected)


def _from_number(value: float, expected: str) -> Span:
    if not isfinite(value):
        raise BadCell(expected)
    if int(value) in _SERIALS:
        day = _EPOCH + timedelta(days=int(value))
        return day, day
    if value == int(value):
        digits = str(int(value))
        if len(digits) == 8:
            day = _day(digits[:4], digits[4:6], digits[6:], expected)
            return day, day
        if len(digits) == 6:
            return _month(digits[:4], digits[4:], expected)
        raise BadCell(expected)
    year, _, month = repr(value).partition(".")
    if not (month.isdigit() and len(year) == 4 and len(month) <= 2):
        raise BadCell(expected)
    if month == "1":
        # 2026.10 kept as a number reads 2026.1: January or October, nobody can tell.
        raise BadCell(f"{year}-01 或 {year}-10（单元格是数字，分不清1月还是10月，请设为“文本”格式）")
    return _month(year, month, expected)


def first_day(value: Cell) -> date:
    """The day, or the first day of the month."""
    return span(value)[0]


def last_day(value: Cell) -> date:
    """The day, or the last day of the month: what is said of a month is surely true at its end."""
    return span(value)[1]


def period(value: Cell) -> Span:
    """First and last day of a period written in one cell; a month alone is a period too."""
    if not isinstance(value, str):
        first, last = span(value, PERIOD_EXPECTED)
        if first == last:
            raise BadCell(PERIOD_EXPECTED)
        return first, last
    plain = written(value)
    if found := _range(plain, PERIOD_EXPECTED) or _part_of_year(plain, PERIOD_EXPECTED):
        return found
    if match := _WRITTEN_MONTH.fullmatch(plain):
        year, month = match.group(1, 2) if match[1] else match.group(3, 4)
        return _month(year, month, PERIOD_EXPECTED)
    raise BadCell(PERIOD_EXPECTED)


def _range(plain: str, expected: str) -> Span | None:
    match = _PERIOD.fullmatch(plain)
    if match is None:
        return None
    first = span(match["start"], expected)[0]
    if match["month"] is None:
        last = span(match["end"], expected)[1]
    elif match["day"] is None:
        last = _month(first.year, match["month"], expected)[1]
    else:
        last = _day(first.year, match["month"], match["day"], expected)
    if last < first:
        raise BadCell(expected + "（结束早于开始）")
    return first, last


def _part_of_year(plain: str, expected: str) -> Span | None:
    match = _PART_OF_YEAR.fullmatch(plain)
    if match is None:
        return None
    year, part, quarter = match[1], match[2] or "", match[3]
    first, last = (1, 12) if not quarter else (_QUARTERS[quarter] * 3 - 2, _QUARTERS[quarter] * 3)
    if part == "上半年":
        last = 6
    elif part == "下半年":
        first = 7
    return _month(year, first, expected)[0], _month(year, last, expected)[1]


def window(value: Cell) -> tuple[date | None, date | None]:
    """When something is expected: (earliest, latest). "By" a day has no earliest; "not decided" has neither."""
    if not isinstance(value, str):
        return span(value, WINDOW_EXPECTED)
    plain = re.sub(r"^(?:预计|计划|约|力争)", "", written(value))
    if plain in _UNDECIDED:
        return None, None
    if by := re.fullmatch(r"(.+?)(底|末)?(?:前|以前|之前)", plain):
        return None, _by(by[1], bool(by[2]))
    if end_of_year := re.fullmatch(r"(\d{4})年(底|末|初)", plain, re.ASCII):
        return _month(end_of_year[1], 1 if end_of_year[2] == "初" else 12, WINDOW_EXPECTED)
    if part := _PART_OF_MONTH.fullmatch(plain):
        month = _month(part[1], part[2], WINDOW_EXPECTED)
        first, last = _PART_ENDS[part[3]]
        return month[0].replace(day=first), month[1].replace(day=last) if last else month[1]
    return (
        _range(plain, WINDOW_EXPECTED)
        or _part_of_year(re.sub(r"以?内$", "内", plain), WINDOW_EXPECTED)
        or span(plain, WINDOW_EXPECTED)
    )


def _by(plain: str, end: bool) -> date:
    if year := re.fullmatch(r"(\d{4})年?", plain, re.ASCII):
        if not end:
            raise BadCell("写明到哪一天，如 2027年底前")
        return _month(year[1], 12, WINDOW_EXPECTED)[1]
    first, last = span(plain, WINDOW_EXPECTED)
    if first != last and not end:
        # "Before June" may or may not include June.
        raise BadCell("写明到哪一天，如 2027年6月底前 或 2027年6月30日前")
    return last


_DATE_INSIDE = re.compile(
    r"(?<!\d)(?:(\d{4})(?:年|[./\-])(\d{1,2})(?:月|[./\-])(\d{1,2})(?!\d)日?|(20\d{2})(\d{2})(\d{2})(?!\d))", re.ASCII
)
_MONTH_INSIDE = re.compile(r"截[至止]到?(\d{4})(?:年|[./\-])(\d{1,2})月?底?", re.ASCII)


def date_inside(value: str) -> date | None:
    """The date that a title or a file's name tells; "as of a month" is the month's last day."""
    plain = written(value)
    for match in reversed(list(_DATE_INSIDE.finditer(plain))):
        year, month, day = match.group(1, 2, 3) if match[1] else match.group(4, 5, 6)
        try:
            return _day(year, month, day, DAY_EXPECTED)
        except BadCell:
            continue
    if match_month := _MONTH_INSIDE.search(plain):
        try:
            return _month(match_month[1], match_month[2], DAY_EXPECTED)[1]
        except BadCell:
            return None
    return None
