"""A day and time of day as people type them: 明天上午9点半 · 11月28日 15:00 · tomorrow 9am · 28 Nov 9:30."""

import re
import unicodedata
from datetime import date, datetime, time, timedelta

_DIGITS = str.maketrans("〇零一二两三四五六七八九", "001223456789")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CHINESE_WEEKDAYS = {**{name: place for place, name in enumerate("123456")}, "日": 6, "天": 6, "7": 6}

_AFTER = re.compile(r"(\d{1,3})\s*(?:个)?\s*(分钟|小时|天|minutes?|hours?|days?|min|h)\s*(?:之后|以后|后|later)?")
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?")
_MONTH_DAY = re.compile(r"(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]?|(?<![\d.:])(\d{1,2})[-/](\d{1,2})(?![\d.:])")
_MONTH = f"({'|'.join(_MONTHS)})[a-z]*\\.?"
_ENGLISH_DAY = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th)?\s+{_MONTH}(?:,?\s+(\d{{4}}))?")
_ENGLISH_MONTH = re.compile(rf"{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s*:)(?:,?\s+(\d{{4}}))?")
_DAY = re.compile(r"(?<!\d)(\d{1,2})\s*[日号]")
_WEEKDAY = re.compile(r"(下个?)?(?:周|星期|礼拜)([1-7日天])|\b(next\s+)?(mon|tue|wed|thu|fri|sat|sun)[a-z]*")
_RELATIVE = (
    ("大后天", 3),
    ("后天", 2),
    ("day after tomorrow", 2),
    ("明", 1),
    ("tomorrow", 1),
    ("今", 0),
    ("today", 0),
    ("tonight", 0),
)
_VAGUE = re.compile(r"[早晚]一?点[儿吧]?$")
"""A bit earlier, and not one o'clock."""
_PART = re.compile(r"凌晨|清晨|早上|早晨|早|上午|中午|下午|傍晚|晚上|晚|tonight|evening|afternoon|morning")
_LATE = ("下午", "傍晚", "晚上", "晚", "tonight", "evening", "afternoon")
_CLOCK = re.compile(
    r"(?<![\d.:])(\d{1,2})\s*(?:[:：]\s*(\d{2})|[点时](?:钟|整)?\s*(?:(半)|(\d)刻|(\d{1,2})\s*分?)?)\s*(am|pm|a\.m\.|p\.m\.)?"
    r"|(?<![\d.:])(\d{1,2})\s*(am|pm|a\.m\.|p\.m\.)|(\bnoon\b|正午)"
)


def parse_moment(text: str, now: datetime) -> datetime | None:
    """What is meant, in the time zone of ``now``; None: no time of day can be read from it. A time without a day is the
    next one; a day and month without a year, the next one."""
    written = _normal(text)
    if _VAGUE.search(text):
        return None
    after = _AFTER.fullmatch(written.removeprefix("in ").strip())
    if after is not None:
        return _after(int(after[1]), after[2], now)
    try:
        day, rest = _day(written, now.date())
        clock = _time(rest)
        if clock is None:
            return None
        if day is not None:
            return datetime.combine(day, clock, now.tzinfo)
        moment = datetime.combine(now.date(), clock, now.tzinfo)
        return moment if moment > now else moment + timedelta(days=1)
    except (ValueError, OverflowError):
        return None


def _normal(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text[:100]).lower().strip()
    # Ten first: 十点 is 10, 二十 is 20, 十五 is 15, 二十八 is 28.
    plain = plain.translate(_DIGITS)
    plain = re.sub(r"(\d)十(\d)", r"\1\2", plain)
    plain = re.sub(r"(\d)十", r"\g<1>0", plain)
    plain = re.sub(r"十(\d)", r"1\1", plain)
    return plain.replace("十", "10")


def _after(count: int, unit: str, now: datetime) -> datetime:
    if unit.startswith(("分", "min")):
        return now + timedelta(minutes=count)
    return now + (timedelta(hours=count) if unit.startswith(("小时", "h")) else timedelta(days=count))


def _day(text: str, today: date) -> tuple[date | None, str]:
    """The day that is named, and the text without it.

    Raises:
        ValueError: there is no such day.
    """
    if found := _DATE.search(text):
        return date(int(found[1]), int(found[2]), int(found[3])), _rest(text, found)
    if found := _MONTH_DAY.search(text):
        return _next(today, int(found[1] or found[3]), int(found[2] or found[4])), _rest(text, found)
    if found := _ENGLISH_DAY.search(text):
        return _english(today, found[2], found[1], found[3]), _rest(text, found)
    if found := _ENGLISH_MONTH.search(text):
        return _english(today, found[1], found[2], found[3]), _rest(text, found)
    for word, days in _RELATIVE:
        if word in text:
            # "Tonight" tells the part of the day too.
            return today + timedelta(days=days), text if word in ("tonight", "今") else text.replace(word, " ", 1)
    if found := _WEEKDAY.search(text):
        return _weekday(found, today), _rest(text, found)
    if found := _DAY.search(text):
        day = int(found[1])
        month = today if day >= today.day else (today.replace(day=1) + timedelta(days=32))
        return month.replace(day=day), _rest(text, found)
    return None, text


def _rest(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}"


def _english(today: date, month: str, day: str, year: str | None) -> date:
    number = _MONTHS.index(month) + 1
    return date(int(year), number, int(day)) if year else _next(today, number, int(day))


def _next(today: date, month: int, day: int) -> date:
    for year in range(today.year, today.year + 5):
        try:
            found = date(year, month, day)
        except ValueError:
            # The 29th of February has to wait.
            continue
        if found >= today:
            return found
    raise ValueError("no such day")


def _weekday(found: re.Match[str], today: date) -> date:
    if found[2]:
        # Counted from this week's Monday, as 下周一 is; this week's day that is past means the next one.
        day = today + timedelta(days=_CHINESE_WEEKDAYS[found[2]] - today.weekday() + (7 if found[1] else 0))
        return day if day >= today else day + timedelta(days=7)
    ahead = (_WEEKDAYS.index(found[4]) - today.weekday()) % 7
    return today + timedelta(days=ahead + (7 if found[3] and ahead == 0 else 0))


def _time(text: str) -> time | None:
    """
    Raises:
        ValueError: there is no such time.
    """
    found = _CLOCK.search(text)
    part = _PART.search(text)
    if found is None:
        return time(12) if "中午" in text else None
    if found[9]:
        return time(12)
    hour = int(found[1] or found[7])
    minute = int(found[2] or found[5] or 0)
    if found[3]:
        minute = 30
    elif found[4]:
        minute = 15 * int(found[4])
    half = (found[6] or found[8] or "")[:1]
    late = half == "p" or (not half and part is not None and part[0] in _LATE)
    if hour < 12 and (late or (part is not None and part[0] == "中午" and hour < 3)):
        hour += 12
    elif hour == 12 and (half == "a" or (part is not None and part[0] in ("凌晨", "晚上", "晚"))):
        hour = 0
    return time(hour, minute)
