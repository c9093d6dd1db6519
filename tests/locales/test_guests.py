"""What neither Chinese nor English shows of the machinery: text from right to left, and several plural forms. Two
languages are guests in these tests (``tests/locales/guests``); they are not offered to anybody."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest

import locales
from api.broadcasts.schemas import (
    LONGEST,
    Body,
    BroadcastContent,
    HomeFacts,
    NewsFact,
    NewsKind,
    Operation,
    Placeholder,
    RecipientFacts,
    Topic,
)
from api.estate.schemas import ForecastBasis, ForecastOut
from handlers.broadcast_words import broadcast_letter
from locales import Html, Translator, catalogs, lazy, translator
from locales.check import strings, wrong_message
from locales.text import END, ISOLATE
from tests.handlers.facts import forecast

GUESTS = ("ar", "ru")
HOME, NUMBER = "A3-一期-2-1-102", "2026-000123"
DAY = date(2026, 11, 20)


def within(value: str) -> str:
    return f"{ISOLATE}{value}{END}"


@pytest.fixture(autouse=True)
def guests() -> Iterator[None]:
    with locales.guests(Path(__file__).parent / "guests", *GUESTS):
        yield


@pytest.fixture
def ar() -> Translator:
    return translator("ar")


@pytest.fixture
def ru() -> Translator:
    return translator("ru")


def test_guests_are_spoken_while_they_are_there_and_never_offered() -> None:
    assert translator("ar").locale == locales.match("ar-EG") == "ar"
    assert translator("ar") is translator("ar")
    assert not {*GUESTS} & {*locales.SUPPORTED}
    with locales.guests(Path(__file__).parent / "guests", "uk"):
        pass
    assert translator("uk").locale == locales.match("uk") == locales.DEFAULT


@pytest.mark.parametrize("locale", GUESTS)
def test_their_sentences_are_the_codes_own_and_well_formed(locale: str) -> None:
    catalog, english = catalogs.read(locale), catalogs.read("en")
    messages = [message for message in catalog if message.id]
    assert messages
    for message in messages:
        said = english.get(strings(message)[0][0])
        assert said is not None, "said nowhere any more"
        assert said.id == message.id
        assert list(wrong_message(message)) == []
        assert not message.pluralizable or len(strings(message)[1]) == catalog.num_plurals > 2


def characters(tr: Translator, n: int) -> str:
    return tr.n(*map(lazy, ("({n} character in all)", "({n} characters in all)")), n)  # type: ignore[call-arg, arg-type]


def test_three_plural_forms(ru: Translator) -> None:
    counted = {n: characters(ru, n) for n in (1, 2, 5, 11, 21, 22, 112)}
    words = {n: text.removesuffix(")").rpartition(" ")[2] for n, text in counted.items()}
    one, few, many = "знак", "знака", "знаков"
    assert words == {1: one, 2: few, 5: many, 11: many, 21: one, 22: few, 112: many}
    assert characters(ru, 1234) == "(всего 1\xa0234 знака)"


def test_six_plural_forms(ar: Translator) -> None:
    assert [characters(ar, n) for n in (0, 1, 2)] == ["(لا أحرف)", "(حرف واحد)", "(حرفان)"]
    assert [characters(ar, n) for n in (3, 11, 100)] == [
        f"({within('3')} أحرف في المجموع)",
        f"({within('11')} حرفًا في المجموع)",
        f"({within('100')} حرف في المجموع)",
    ]


def test_numbers_and_labels_keep_their_order_in_text_from_right_to_left(ar: Translator) -> None:
    """Digits after an Arabic letter take its direction, and a hyphen between them turns their order round."""
    assert ar.t("<b>Complaint {number}</b>", number=NUMBER) == f"<b>الشكوى رقم {within(NUMBER)}</b>"
    assert ar.plain("🏠 {home}", home=HOME) == f"🏠 المنزل {within(HOME)}"
    assert ar.t("🏠 {home}", home=Html("<i>A3</i>")) == f"🏠 المنزل {within('<i>A3</i>')}"
    assert ar.t("🏠 {home}", home="<3") == f"🏠 المنزل {within('&lt;3')}", "escaped as ever"


def test_what_a_touch_copies_is_without_marks(ar: Translator) -> None:
    sentence = lazy("الرمز <code>{code}</code> .")
    assert ar.t(sentence, code="ABCD-1234") == f"الرمز {ISOLATE}<code>ABCD-1234</code>{END} ."


def test_text_from_left_to_right_has_no_marks(ru: Translator) -> None:
    for tr in (ru, translator("en"), translator("zh_CN")):
        said = tr.t("as of {day}, source: {source}", day=tr.date(DAY), source=NUMBER)
        assert not {ISOLATE, END} & {*said}


def test_dates_money_and_numbers(ar: Translator, ru: Translator) -> None:
    assert (ar.date(DAY), ru.date(DAY)) == ("20 نوفمبر 2026", "20 ноября 2026\xa0г.")
    half_year = date(2026, 1, 1), date(2026, 6, 30)
    assert (ar.period(*half_year), ru.period(*half_year)) == ("يناير – يونيو 2026", "январь – июнь 2026\xa0г.")
    assert (ar.money(Decimal("-1470")), ru.money(Decimal("-1470"))) == ("-¥1,470.00", "-¥1\xa0470,00")
    assert (ar.number(1234567), ru.number(1234567)) == ("1,234,567", "1\xa0234\xa0567")
    moment = ru.datetime(datetime(2026, 11, 20, 18, 5, tzinfo=UTC))
    assert moment.startswith("21 ноября 2026")
    assert moment.endswith("02:05")


# --- broadcasts ---


def content(**texts: str) -> BroadcastContent:
    bodies = {locale: Body(text=text) for locale, text in texts.items()}
    return BroadcastContent(
        id=1, revision=1, operation=Operation.SEND, topic=Topic.LEGAL, bodies=bodies, fallback="zh_CN", media=None
    )


def slipped(before: ForecastOut, after: ForecastOut) -> RecipientFacts:
    fact = NewsFact(kind=NewsKind.FORECAST, forecast=after, before=before, source="专班通告第12号", as_of=DAY)
    return RecipientFacts(homes=[HomeFacts(agreement_id=1, number=NUMBER, home=HOME, news=[fact])])


FACTS = slipped(
    forecast(date(2099, 6, 30), basis=ForecastBasis.PROMISED), forecast(date(2099, 9, 30), basis=ForecastBasis.PROMISED)
)


def test_a_broadcast_in_each_language_says_the_values_in_it() -> None:
    told = content(zh_CN="{home}：{news}", en="{home}: {news}", ru="{home}: {news}", ar="المنزل {home}: {news}")
    texts = {
        locale: unescape(broadcast_letter(told, FACTS, locale, translator(locale)).text)
        for locale in (*locales.SUPPORTED, *GUESTS)
    }
    assert "原来是2099年6月30日，现在是2099年9月30日" in texts["zh_CN"]
    assert "30 June 2099 → 30 September 2099" in texts["en"]
    assert "Передача ключей: 30 июня 2099\xa0г. → 30 сентября 2099\xa0г." in texts["ru"]
    assert f"من {within('30 يونيو 2099')} إلى {within('30 سبتمبر 2099')}" in texts["ar"]
    assert texts["ar"].startswith(f"المنزل {within(HOME)}: {ISOLATE}")
    assert texts["ar"].count(ISOLATE) == texts["ar"].count(END)


def test_a_body_from_right_to_left_in_a_language_without_words() -> None:
    """The office writes it; the values are in the reader's own words, and in order all the same."""
    told = content(zh_CN="{number}", ug="كېلىشىم {number}: {news}")
    text = unescape(broadcast_letter(told, FACTS, "ug", translator("ug")).text)
    assert text.startswith(f"كېلىشىم {within(NUMBER)}: {ISOLATE}")
    assert "2099年9月30日" in text


def test_marks_find_room_in_the_longest_value() -> None:
    label = "甲" * 200
    facts = RecipientFacts(homes=[HomeFacts(agreement_id=1, number=NUMBER, home=label)])
    text = broadcast_letter(content(zh_CN="", ar="{home}"), facts, "ar", translator("ar")).text
    assert (text[0], text[-1]) == (ISOLATE, END)
    assert len(text) <= LONGEST[Placeholder.HOME]


def test_marks_that_a_cut_left_open_are_closed() -> None:
    assert locales.isolated(f"a{ISOLATE}b") == f"{ISOLATE}a{ISOLATE}b{END}{END}"
    assert locales.isolated(within("<")) == within(within("&lt;"))
