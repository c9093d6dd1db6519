"""One reader's language."""

import datetime as dt
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from locales import catalogs, formats
from locales.text import Html, fill

OFFICE_TIME_ZONE = "Asia/Shanghai"


class Translator:
    """Says sentences and writes dates, money and numbers in one language. A sentence without a translation is said
    in English; a field without a value never raises. Get one from ``translator()``."""

    def __init__(self, locale: str, time_zone: ZoneInfo) -> None:
        translations = catalogs.translations(locale)
        self.locale = locale
        self.time_zone = time_zone
        self._gettext = translations.gettext
        self._ngettext = translations.ngettext
        self._pgettext = translations.pgettext
        self._isolate = formats.is_right_to_left(locale)

    def t(self, msgid: str, /, **values: str | int) -> Html:
        """A sentence as message text."""
        return Html(fill(self._gettext(msgid), values, html=True, isolate=self._isolate))

    def plain(self, msgid: str, /, **values: str | int) -> str:
        """A sentence for places where Telegram shows no formatting: buttons, the command menu, pop-ups."""
        return fill(self._gettext(msgid), values, html=False, isolate=self._isolate)

    def n(self, singular: str, plural: str, n: int, /, **values: str | int) -> Html:
        """A counted sentence as message text; ``{n}`` is the count, formatted."""
        filled = {"n": self.number(n), **values}
        return Html(fill(self._ngettext(singular, plural, n), filled, html=True, isolate=self._isolate))

    def p(self, context: str, msgid: str, /, **values: str | int) -> Html:
        """A sentence whose English means different things in different places; ``context`` tells which."""
        return Html(fill(str(self._pgettext(context, msgid)), values, html=True, isolate=self._isolate))

    def date(self, day: dt.date) -> str:
        """2026年11月20日 · 20 November 2026"""
        return formats.format_day(self.locale, day)

    def month(self, day: dt.date) -> str:
        """2026年6月 · June 2026"""
        return formats.format_month(self.locale, day)

    def period(self, start: dt.date, end: dt.date) -> str:
        """First and last day. Whole months read as months: 2026年1月至6月 · January – June 2026"""
        return formats.format_period(self.locale, start, end)

    def datetime(self, moment: dt.datetime) -> str:
        """Day and time of day in the office's time zone."""
        return formats.format_moment(self.locale, moment, self.time_zone)

    def money(self, amount: Decimal) -> str:
        """Yuan: ¥1,470.00"""
        return formats.format_money(self.locale, amount)

    def number(self, number: int | Decimal) -> str:
        """1,234.5"""
        return formats.format_number(self.locale, number)

    def area(self, area: Decimal) -> str:
        """Square metres: 89.50 ㎡ · 89.50 m²"""
        return formats.format_area(self.locale, area)


def translator(locale: str | None, time_zone: ZoneInfo | str = OFFICE_TIME_ZONE) -> Translator:
    """The (shared) translator of a language; an unknown or unset one gets the default.

    ``time_zone`` is the office's, in which moments are told.
    """
    zone = ZoneInfo(time_zone) if isinstance(time_zone, str) else time_zone
    return _shared(locale if locale is not None and catalogs.is_spoken(locale) else catalogs.DEFAULT, zone)


@lru_cache(maxsize=64)
def _shared(locale: str, zone: ZoneInfo) -> Translator:
    return Translator(locale, zone)
