"""What a reader sees of dates, money and sentences, in both languages."""

import logging
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from locales import DEFAULT, SUPPORTED, Html, Translator, join, lazy, match, native_name, translator

zh = translator("zh_CN")
en = translator("en")


@pytest.mark.parametrize(
    ("code", "locale"),
    [
        ("zh", "zh_CN"),
        ("zh-hans", "zh_CN"),
        ("zh-CN", "zh_CN"),
        ("zh_TW", "zh_CN"),
        ("zh-hant", "zh_CN"),
        ("en", "en"),
        ("en-GB", "en"),
        ("EN_us", "en"),
        ("uk", DEFAULT),
        ("english", DEFAULT),
        ("", DEFAULT),
        (None, DEFAULT),
    ],
)
def test_the_telegram_language_is_picked_up(code: str | None, locale: str) -> None:
    assert match(code) == locale


def test_languages_are_named_in_themselves() -> None:
    assert [native_name(locale) for locale in SUPPORTED] == ["简体中文", "English"]


def test_translators_are_shared_and_an_unknown_language_gets_the_default() -> None:
    assert translator("en") is en
    assert translator("tlh").locale == translator(None).locale == DEFAULT


def test_days_months_and_periods() -> None:
    day = date(2026, 11, 20)
    assert (zh.date(day), en.date(day)) == ("2026年11月20日", "20 November 2026")
    assert (zh.month(day), en.month(day)) == ("2026年11月", "November 2026")
    half_year = date(2026, 1, 1), date(2026, 6, 30)
    assert (zh.period(*half_year), en.period(*half_year)) == ("2026年1月至6月", "January – June 2026")
    assert zh.period(date(2025, 7, 1), date(2026, 6, 30)) == "2025年7月至2026年6月"
    february = date(2028, 2, 1), date(2028, 2, 29)
    assert (zh.period(*february), en.period(*february)) == ("2028年2月", "February 2028")
    odd = date(2026, 1, 5), date(2026, 2, 4)
    assert (zh.period(*odd), en.period(*odd)) == ("2026年1月5日至2月4日", "5 Jan – 4 Feb 2026")
    assert zh.period(day, day) == "2026年11月20日"


def test_money_numbers_and_areas() -> None:
    for tr in (zh, en):
        assert tr.money(Decimal("1470")) == "¥1,470.00"
        assert tr.money(Decimal("-3.5")) == "-¥3.50"
        assert tr.number(1234567) == "1,234,567"
    assert zh.area(Decimal("89.5")) == "89.50 ㎡"
    assert en.area(Decimal("1089.5")) == "1,089.50 m²"


def test_moments_are_told_in_the_offices_time_zone() -> None:
    moment = datetime(2026, 11, 20, 18, 5, tzinfo=UTC)
    assert zh.datetime(moment) == "2026年11月21日 02:05"
    assert en.datetime(moment) == "21 November 2026, 02:05"
    assert translator("en", "Asia/Urumqi").datetime(moment) == "21 November 2026, 00:05"


def test_values_are_escaped_once() -> None:
    inner = en.t(lazy("{name} & co"), name="<b>")
    assert inner == "&lt;b&gt; & co"
    assert en.t(lazy("to {inner}"), inner=inner) == "to &lt;b&gt; & co"
    assert join(" ", ["a<b", Html("<i>c</i>"), None, ""]) == "a&lt;b <i>c</i>"
    assert en.plain(lazy("to {name}"), name="A & B") == "to A & B"


def test_counted_sentences_fill_in_the_formatted_count() -> None:
    def files(tr: Translator, n: int) -> str:
        return tr.n(*map(lazy, ("one file", "{n} files")), n)  # type: ignore[call-arg, arg-type]

    assert files(en, 1) == "one file"
    assert files(en, 1200) == "1,200 files"


def test_a_wrong_sentence_never_raises_in_front_of_a_resident(caplog: pytest.LogCaptureFixture) -> None:
    assert en.t(lazy("until {day}")) == "until …"
    assert en.t(lazy("until {day")) == "until {day"
    assert en.t(lazy("never translated")) == "never translated"
    assert en.p("nowhere", lazy("never translated")) == "never translated"
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
