"""What a broadcast says to its readers: their own homes, in their language, each figure with its day and source."""

from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.agreements.schemas import AgreementKind, RegistrationKind, RegistrationStage
from api.broadcasts.schemas import (
    LONGEST,
    Body,
    BroadcastButton,
    BroadcastContent,
    HomeFacts,
    NewsFact,
    NewsKind,
    Operation,
    Placeholder,
    RecipientFacts,
    Target,
    Topic,
)
from api.estate.schemas import ForecastBasis, MilestoneKind
from api.money.schemas import LedgerKind
from bot.callbacks import decode
from bot.courier import CannotCompose
from handlers.broadcast_values import value_of
from handlers.broadcast_words import ChooseTopics, FollowBroadcast, broadcast_letter
from locales import translator
from locales.templates import length
from tests.handlers.facts import AS_OF, forecast

ZH, EN = translator("zh_CN"), translator("en")
FAR = date(2099, 6, 30)
FEE: dict[str, Any] = {"fee_source": "发放表 2026-11", "fee_as_of": AS_OF}


def home(number: str = "AZ-2019-00012", label: str | None = "A3-一期-2-1-1801", **facts: Any) -> HomeFacts:
    return HomeFacts(agreement_id=1, number=number, home=label, **facts)


def other(**facts: Any) -> HomeFacts:
    return home("AZ-2019-00013", "A3-一期-3-1-302", **facts)


def told(placeholder: Placeholder, *homes: HomeFacts, locale: str = "zh_CN") -> str | None:
    value = value_of(placeholder, RecipientFacts(name="张*", homes=[*homes]), translator(locale))
    return None if value is None else unescape(value)


# --- one home ---


def test_a_planned_handover_says_what_it_is_and_whence() -> None:
    facts = home(forecast=forecast(FAR))
    source = "截至2026年11月1日，来源：专班通告第12号"
    assert told(Placeholder.HANDOVER, facts) == f"2099年6月30日（计划时间，不是承诺；{source}）"
    assert told(Placeholder.HANDOVER, facts, locale="en") == (
        "30 June 2099 (a planned date, not a promise; as of 1 November 2026, source: 专班通告第12号)"
    )
    window = home(forecast=forecast(date(2099, 1, 1), FAR, basis=ForecastBasis.PROMISED))
    assert told(Placeholder.HANDOVER, window) == f"2099年1月至6月（承诺的时间；{source}）"


def test_buyers_are_not_told_that_a_fee_will_be_published() -> None:
    bought = home(kind=AgreementKind.PURCHASE)
    assert told(Placeholder.MONTHLY_FEE, bought) == "购房合同没有这项"
    assert told(Placeholder.PAID_UP_TO, bought, locale="en") == "none under a purchase contract"
    both = told(
        Placeholder.MONTHLY_FEE, bought, other(kind=AgreementKind.RELOCATION, monthly_amount=Decimal(900), **FEE)
    )
    assert both is not None
    assert "购房合同没有这项" in both
    assert "¥900.00" in both
    # Of a relocated family it is not published yet.
    assert told(Placeholder.MONTHLY_FEE, home(kind=AgreementKind.RELOCATION)) is None
    # What else is not there may still come.
    assert told(Placeholder.HANDOVER, bought) is None


def test_a_date_that_has_passed_is_not_left_standing() -> None:
    facts = home(forecast=forecast(date(2020, 6, 30)))
    assert "2020年6月30日（计划时间，不是承诺；这个日期已经过了，还没有公布新的日期；" in (
        told(Placeholder.HANDOVER, facts) or ""
    )


def test_the_contracts_date_is_no_handover_date() -> None:
    facts = home(forecast=forecast(FAR, basis=ForecastBasis.CONTRACTUAL))
    assert (told(Placeholder.HANDOVER, facts) or "").startswith("还没有公布（合同约定：2099年6月30日；截至")


def test_no_date_can_be_given() -> None:
    facts = home(forecast=forecast(None))
    assert (told(Placeholder.HANDOVER, facts, locale="en") or "").startswith("no date can be given yet (as of")


def test_keys_that_were_handed_over() -> None:
    known: dict[str, Any] = {"handed_over": True, "handover_source": "购房台账", "handover_as_of": AS_OF}
    assert told(Placeholder.HANDOVER, home(**known)) == "已交房（截至2026年11月1日，来源：购房台账）"
    assert (told(Placeholder.HANDOVER, home(handed_over_on=date(2026, 5, 1), **known)) or "").startswith(
        "2026年5月1日已交房（"
    )


def test_sums_bear_their_day_and_source() -> None:
    facts = home(paid_up_to=date(2026, 6, 30), monthly_amount=Decimal(1470), next_payment_on=date(2020, 1, 5), **FEE)
    source = "截至2026年11月1日，来源：发放表 2026-11"
    assert told(Placeholder.PAID_UP_TO, facts) == f"2026年6月30日（{source}）"
    assert told(Placeholder.MONTHLY_FEE, facts) == f"¥1,470.00（{source}）"
    assert told(Placeholder.NEXT_PAYMENT, facts) == (f"2020年1月5日（这个日期已经过了，还没有公布新的日期；{source}）")
    sourceless = home(paid_up_to=date(2026, 6, 30))
    assert told(Placeholder.PAID_UP_TO, sourceless) is None, "a figure without a source is not told"


def test_registration() -> None:
    facts = home(
        registration=RegistrationKind.TITLE_CERTIFICATE,
        stage=RegistrationStage.BLOCKED,
        registration_source="购房台账",
        registration_as_of=AS_OF,
    )
    assert "：" in (value := told(Placeholder.REGISTRATION, facts) or "")
    assert value.endswith("（截至2026年11月1日，来源：购房台账）")


# --- several homes ---


def test_homes_that_agree_are_told_once() -> None:
    same: dict[str, Any] = {"forecast": forecast(FAR)}
    assert told(Placeholder.HANDOVER, home(**same), other(**same)) == told(Placeholder.HANDOVER, home(**same))
    assert told(Placeholder.HOME, home(), other()) == "A3-一期-2-1-1801、A3-一期-3-1-302"
    assert told(Placeholder.NUMBER, home(), other()) == "AZ-2019-00012、AZ-2019-00013"


def test_homes_that_differ_are_told_one_by_one_and_their_source_once() -> None:
    value = told(
        Placeholder.PAID_UP_TO,
        home(paid_up_to=date(2026, 6, 30), **FEE),
        other(paid_up_to=date(2026, 3, 31), **FEE),
    )
    assert value == (
        "A3-一期-2-1-1801：2026年6月30日；A3-一期-3-1-302：2026年3月31日（截至2026年11月1日，来源：发放表 2026-11）"
    )


def test_sources_that_differ_stand_with_their_own_home() -> None:
    value = told(
        Placeholder.HANDOVER,
        home(forecast=forecast(FAR)),
        other(handed_over=True, handover_source="购房台账", handover_as_of=AS_OF),
    )
    assert value is not None
    assert "A3-一期-2-1-1801：2099年6月30日（计划时间，不是承诺；截至2026年11月1日，来源：专班通告第12号）；" in value
    assert "A3-一期-3-1-302：已交房（截至2026年11月1日，来源：购房台账）" in value


def test_a_home_of_which_nothing_is_known_is_not_passed_over() -> None:
    value = told(Placeholder.HANDOVER, home(forecast=forecast(FAR)), other())
    assert value is not None
    assert "A3-一期-3-1-302：还没有公布" in value
    assert told(Placeholder.HANDOVER, home(), other()) is None


def test_more_homes_than_there_is_room_for_are_counted() -> None:
    many = [home(f"AZ-{n:05}", f"A3-一期-{n}-1-1801", paid_up_to=date(2026, 1, n), **FEE) for n in range(1, 29)]
    value = told(Placeholder.PAID_UP_TO, *many) or ""
    assert length(value) <= LONGEST[Placeholder.PAID_UP_TO]
    assert "A3-一期-1-1-1801：2026年1月1日；" in value
    assert "套（截至2026年11月1日，来源：发放表 2026-11）" in value
    assert "还有" in (told(Placeholder.HOME, *many) or "")


# --- news ---


def news(kind: NewsKind, **facts: Any) -> NewsFact:
    return NewsFact(kind=kind, source="专班通告第12号", as_of=AS_OF, **facts)


def test_news_tell_what_changed() -> None:
    moved = news(
        NewsKind.FORECAST,
        before=forecast(date(2098, 12, 31)),
        forecast=forecast(FAR, reason="资金未到位"),
    )
    done = news(NewsKind.MILESTONE, milestone=MilestoneKind.TOPPED_OUT, happened_on=date(2026, 10, 20))
    paid = news(
        NewsKind.PAYMENT,
        ledger=LedgerKind.TRANSITION_FEE,
        amount=Decimal(8820),
        period_start=date(2026, 1, 1),
        period_end=date(2026, 6, 30),
    )
    filed = news(
        NewsKind.REGISTRATION, registration=RegistrationKind.CONTRACT_FILING, stage=RegistrationStage.COMPLETED
    )
    value = told(Placeholder.NEWS, home(news=[moved, done, paid, filed]))
    assert value is not None
    source = "截至2026年11月1日，来源：专班通告第12号）"
    lines = value.split("\n")
    assert lines[0] == (
        "交房时间：原来是2098年12月31日，现在是2099年6月30日（计划时间，不是承诺；原因：资金未到位；" + source
    )
    assert lines[1].endswith("：2026年10月20日（" + source)
    assert "¥8,820.00（2026年1月至6月" in lines[2]
    assert lines[2].endswith("；" + source)
    assert lines[3].endswith("（" + source)
    assert told(Placeholder.NEWS, home(news=[done]), other(news=[done])) == lines[1]
    apart = told(Placeholder.NEWS, home(news=[done]), other(news=[moved])) or ""
    assert apart.split("\n")[0] == "A3-一期-2-1-1801："
    assert apart.split("\n")[2] == "A3-一期-3-1-302："
    assert told(Placeholder.NEWS, home()) is None


# --- whatever the facts ---

WORDS = st.text(max_size=150)
HOMES = st.builds(
    HomeFacts,
    agreement_id=st.just(1),
    number=st.text(min_size=1, max_size=90),
    home=st.none() | WORDS,
    handed_over=st.none() | st.booleans(),
    handed_over_on=st.none() | st.dates(),
    handover_source=st.none() | WORDS,
    handover_as_of=st.none() | st.dates(),
    forecast=st.none() | st.builds(forecast, st.none() | st.dates(), basis=st.sampled_from(ForecastBasis)),
    paid_up_to=st.none() | st.dates(),
    monthly_amount=st.none() | st.decimals(0, 10**9, places=2),
    next_payment_on=st.none() | st.dates(),
    fee_source=st.none() | WORDS,
    fee_as_of=st.none() | st.dates(),
    registration=st.none() | st.sampled_from(RegistrationKind),
    stage=st.none() | st.sampled_from(RegistrationStage),
    registration_source=st.none() | WORDS,
    registration_as_of=st.none() | st.dates(),
    news=st.lists(
        st.builds(
            NewsFact,
            kind=st.sampled_from(NewsKind),
            milestone=st.none() | st.sampled_from(MilestoneKind),
            source=WORDS,
            as_of=st.dates(),
        ),
        max_size=3,
    ),
)


@given(facts=st.builds(RecipientFacts, name=st.none() | WORDS, homes=st.lists(HOMES, max_size=4)))
def test_no_value_is_longer_than_was_counted_with(facts: RecipientFacts) -> None:
    for tr in (ZH, EN):
        for placeholder in Placeholder:
            if (value := value_of(placeholder, facts, tr)) is not None:
                assert length(unescape(value)) <= LONGEST[placeholder]
                assert "<" not in value


# --- the letter ---


def content(topic: Topic = Topic.HANDOVER, **bodies: str | Body) -> BroadcastContent:
    return BroadcastContent(
        id=1,
        revision=1,
        operation=Operation.SEND,
        topic=topic,
        bodies={locale: body if isinstance(body, Body) else Body(text=body) for locale, body in bodies.items()},
        fallback="zh_CN",
        media=None,
    )


FACTS = RecipientFacts(name="张*", homes=[home(forecast=forecast(FAR))])


@pytest.mark.parametrize(
    ("locale", "text"),
    [("en", "hello"), ("zh_CN", "您好"), ("pt_BR", "olá"), ("de", "您好"), (None, "您好"), ("en_GB", "hello")],
)
def test_a_reader_gets_the_body_of_their_language(locale: str | None, text: str) -> None:
    bodies = content(en="hello", zh_CN="您好", pt="olá")
    assert broadcast_letter(bodies, FACTS, locale, translator(locale)).text == text


def test_values_speak_the_language_of_the_body_around_them() -> None:
    letter = broadcast_letter(content(zh_CN="{name}，交房：{handover}"), FACTS, "en", EN)
    assert letter.text.startswith("张*，交房：2099年6月30日（计划时间")
    assert letter.keyboard is not None
    (choose,) = letter.keyboard.inline_keyboard[-1]
    assert choose.text == "🔔 Choose what you are told", "the reader's own language"


def test_what_is_not_there_is_said_so() -> None:
    letter = broadcast_letter(content(zh_CN="{name}您好：{paid_up_to}"), RecipientFacts(homes=[home()]), "zh_CN", ZH)
    assert letter.text == "住户您好：还没有公布"
    letter = broadcast_letter(content(zh_CN="x", en="Dear {name}: {news}"), RecipientFacts(), "en", EN)
    assert letter.text == "Dear neighbour: not published yet"


def test_buttons_open_pages_and_addresses() -> None:
    body = Body(
        text="x",
        buttons=[
            BroadcastButton(label="交房", target=Target.HANDOVER),
            BroadcastButton(label="公告", url="https://office.example/12"),
        ],
    )
    letter = broadcast_letter(content(zh_CN=body), FACTS, None, ZH)
    assert letter.keyboard is not None
    first, second, last = (row[0] for row in letter.keyboard.inline_keyboard)
    assert decode(str(first.callback_data)) == FollowBroadcast(Target.HANDOVER)
    assert second.url == "https://office.example/12"
    assert decode(str(last.callback_data)) == ChooseTopics()


def test_legal_notices_cannot_be_muted() -> None:
    assert broadcast_letter(content(Topic.LEGAL, zh_CN="x"), FACTS, None, ZH).keyboard is None


@pytest.mark.parametrize("bodies", [{"en": "hello"}, {"zh_CN": "{rent}"}])
def test_what_this_version_has_no_words_for_is_given_back(bodies: dict[str, Any]) -> None:
    with pytest.raises(CannotCompose):
        broadcast_letter(content(**bodies), FACTS, None, ZH)
