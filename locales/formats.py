"""How dates, money and numbers are written. Each is remembered: the same few days and sums fill most answers."""

from calendar import monthrange
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval, format_skeleton, get_datetime_format
from babel.numbers import format_decimal

REMEMBERED = 8192
# "20 November 2026" cannot be misread; American English would write "November 20, 2026".
FORMATTING_LOCALES = {"en": "en_GB"}
SQUARE_METRES = {"zh_CN": "㎡"}


@cache
def _locale(locale: str) -> Locale:
    return Locale.parse(FORMATTING_LOCALES.get(locale, locale))


@cache
def is_right_to_left(locale: str) -> bool:
    """Also of a language that has no catalog; an unknown one does not."""
    try:
        return Locale.parse(locale.replace("-", "_")).text_direction == "rtl"
    except (ValueError, UnknownLocaleError):
        return False


def _spaced(text: str) -> str:
    """Thin spaces are missing from old phones' fonts."""
    return text.replace("\u2009", " ").replace("\u202f", "\xa0")


@lru_cache(maxsize=REMEMBERED)
def format_day(locale: str, day: date) -> str:
    return _spaced(format_date(day, "long", _locale(locale)))


@lru_cache(maxsize=REMEMBERED)
def format_month(locale: str, day: date) -> str:
    return _spaced(format_skeleton("yMMMM", day, locale=_locale(locale)))


@lru_cache(maxsize=REMEMBERED)
def format_period(locale: str, start: date, end: date) -> str:
    if start == end:
        return format_day(locale, start)
    whole_months = start.day == 1 and end.day == monthrange(end.year, end.month)[1]
    if whole_months and (start.year, start.month) == (end.year, end.month):
        return format_month(locale, start)
    return _spaced(format_interval(start, end, "yMMMM" if whole_months else "yMMMd", locale=_locale(locale)))


@lru_cache(maxsize=REMEMBERED)
def format_money(locale: str, amount: Decimal) -> str:
    return _spaced(format_decimal(amount, "¥#,##0.00;-¥#,##0.00", _locale(locale)))


@lru_cache(maxsize=REMEMBERED)
def format_number(locale: str, number: int | Decimal) -> str:
    return _spaced(format_decimal(number, locale=_locale(locale)))


@lru_cache(maxsize=REMEMBERED)
def format_area(locale: str, area: Decimal) -> str:
    return f"{_spaced(format_decimal(area, '#,##0.00', _locale(locale)))} {SQUARE_METRES.get(locale, 'm²')}"


@lru_cache(maxsize=REMEMBERED)
def format_moment(locale: str, moment: datetime, time_zone: ZoneInfo) -> str:
    local = moment.astimezone(time_zone)
    pattern = str(get_datetime_format("medium", _locale(locale)))
    return pattern.replace("{1}", format_day(locale, local.date())).replace("{0}", f"{local:%H:%M}")
