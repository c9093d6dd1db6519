"""The words of the look-up screens: what a resident reads, in both languages."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

import pytest

from api.agreements.schemas import HandoverOut, RegistrationStage
from api.estate.schemas import ForecastBasis, MilestoneKind, UnitKind
from api.money.schemas import LedgerDirection, LedgerKind, LedgerState, PurchaseTermsOut
from handlers import handover, home, payments, terms
from handlers.facts import SCREEN
from locales import Html, Translator, translator
from tests.handlers import facts

zh = translator("zh_CN")
en = translator("en")
both = pytest.mark.parametrize("tr", [zh, en], ids=["zh", "en"])

FROM, TO = LedgerDirection.FROM_HOUSEHOLD, LedgerDirection.TO_HOUSEHOLD
PAID, DUE = LedgerState.PAID, LedgerState.DUE


def read(screens: Sequence[Html]) -> str:
    """All screens as a person sees them."""
    return re.sub(r"</?[bi]>", "", "\n\n".join(screens))


def handover_words(stated: HandoverOut, tr: Translator) -> str:
    return read(handover.view([stated], tr, facts.TODAY))


@pytest.mark.parametrize("kind", terms.NAMES)
@both
def test_every_value_has_a_name(kind: type[StrEnum], tr: Translator) -> None:
    for value in kind:
        name = terms.name(tr, value)
        assert name
        assert "<" not in name
        assert "&" not in name
        assert bool(re.search(r"[一-鿿]", name)) == (tr is zh)


class TestHome:
    @both
    def test_tells_where_the_home_is_and_how_large(self, tr: Translator) -> None:
        text = read(home.view(facts.home(units=[facts.unit()], buildings=[]), tr, facts.TODAY))
        assert {
            zh: "A3地块 一期 2号楼 1单元 1801室\n三室两厅一卫，89.50 ㎡",
            en: "Parcel A3, Phase 1, Building 2, Entrance 1, Room 1801\n三室两厅一卫, 89.50 m²",
        }[tr] in text
        assert {zh: "截至2026年11月1日，来源：安置台账 2026-11", en: "As of 1 November 2026. Source: 安置台账"}[
            tr
        ] in text

    def test_words_of_the_roll_are_not_doubled(self) -> None:
        unit = facts.unit().model_copy(update={"building": "2号楼", "room": "1801室", "parcel": "东地块"})
        text = read(home.view(facts.home(units=[unit], buildings=[]), zh, facts.TODAY))
        assert "东地块 一期 2号楼 1单元 1801室" in text

    def test_a_shop_and_several_homes_stand_on_one_screen(self) -> None:
        units = [facts.unit(), facts.unit("101", UnitKind.SHOP, None)]
        text = read(home.view(facts.home(units=units, buildings=[]), zh, facts.TODAY))
        assert "A3地块 一期 2号楼 101号商铺\n商铺，面积还没有公布" in text

    @both
    def test_unknown_is_not_published_yet(self, tr: Translator) -> None:
        text = read(home.view(facts.home(units=[], buildings=[facts.building()]), tr, facts.TODAY))
        for sentence in {
            zh: ("分到哪一套房：还没有公布", "楼栋进度：还没有公布", "网签和办证情况：还没有公布"),
            en: ("Which home you get: not", "Building progress: not", "Registration: not published yet"),
        }[tr]:
            assert sentence in text

    @both
    def test_the_newest_and_the_next_stage(self, tr: Translator) -> None:
        building = facts.building(
            facts.milestone(MilestoneKind.SUSPENDED, achieved=date(2021, 9, 1)),
            facts.milestone(MilestoneKind.RESUMED, achieved=date(2025, 3, 1)),
            facts.milestone(MilestoneKind.TOPPED_OUT, planned=date(2026, 12, 31)),
            facts.milestone(MilestoneKind.EXTERIOR),
        )
        stated = facts.home(units=[facts.unit()], buildings=[building])
        text = read(home.view(stated, tr, facts.TODAY))
        assert {zh: "✅ 复工：2025年3月1日", en: "✅ Building work resumed: 1 March 2025"}[tr] in text
        assert {zh: "⏳ 封顶：计划2026年12月31日", en: "⏳ Top floor built: planned for 31 December 2026"}[tr] in text
        assert "2021" not in text
        assert home.has_more_stages(stated)
        every = read(home.stages_view(stated, tr, facts.TODAY))
        assert {zh: "⏸ 停工：2021年9月1日", en: "⏸ Building work stopped: 1 September 2021"}[tr] in every
        assert {zh: "外立面完工：日期还没有公布", en: "Outer walls finished: date not published yet"}[tr] in every

    def test_work_that_stopped_again_is_the_newest_stage(self) -> None:
        building = facts.building(
            facts.milestone(MilestoneKind.SUSPENDED, achieved=date(2026, 2, 1)),
            facts.milestone(MilestoneKind.TOPPED_OUT, achieved=date(2025, 3, 1)),
        )
        stated = facts.home(units=[facts.unit()], buildings=[building])
        text = read(home.view(stated, zh, facts.TODAY))
        assert "⏸ 停工：2026年2月1日" in text
        assert "封顶" not in text

    @both
    def test_a_completion_date_is_not_taken_for_a_handover_date(self, tr: Translator) -> None:
        building = facts.building(facts.milestone(MilestoneKind.COMPLETION_FILED, planned=date(2026, 10, 1)))
        text = read(home.view(facts.home(units=[facts.unit()], buildings=[building]), tr, facts.TODAY))
        assert {zh: "原计划2026年10月1日，还没有公布完成", en: "was planned for 1 October 2026, not published"}[
            tr
        ] in text
        assert {zh: "不是交钥匙的时间", en: "not when you get the keys"}[tr] in text

    @both
    def test_what_holds_a_registration_up(self, tr: Translator) -> None:
        stated = facts.home(units=[facts.unit()], buildings=[], registrations=[facts.registration()])
        text = read(home.view(stated, tr, facts.TODAY))
        assert {zh: "网签备案：受阻，暂时办不了\n受阻原因：", en: "Contract registration: held up\nHeld up by: "}[
            tr
        ] + ("开发企业资金未结清") in text
        assert {zh: "截至2026年10月8日，来源：购房台账", en: "As of 8 October 2026. Source: 购房台账"}[tr] in text

    def test_a_finished_registration_is_held_up_by_nothing(self) -> None:
        registration = facts.registration(RegistrationStage.COMPLETED)
        stated = facts.home(units=[facts.unit()], buildings=[], registrations=[registration])
        assert "受阻" not in read(home.view(stated, zh, facts.TODAY))

    def test_words_of_a_roll_cannot_break_the_message(self) -> None:
        registration = facts.registration(blocked_by="<b>资料 & " + "不全" * 500)
        stated = facts.home(units=[facts.unit()], buildings=[], registrations=[registration])
        (screen,) = home.view(stated, zh, facts.TODAY)
        assert "&lt;b&gt;资料 &amp; 不全" in screen
        assert len(screen) < 1000


class TestHandover:
    @both
    def test_a_window_is_told_with_basis_source_and_next_news(self, tr: Translator) -> None:
        stated = facts.handover(facts.forecast(date(2027, 6, 1), date(2027, 9, 30), next_update=date(2027, 1, 15)))
        text = handover_words(stated, tr)
        for sentence in {
            zh: (
                "预计 2027年6月至9月 交房。\n这是计划时间，不是承诺。",
                "2026年10月15日公布",
                "下次公布消息：2027年1月15日",
                "截至2026年11月1日，来源：专班通告第12号",
            ),
            en: (
                "expected: June – September 2027.\nThis is a planned date, not a promise.",
                "Published on 15 October 2026",
                "Next news: 15 January 2027",
                "As of 1 November 2026. Source: 专班通告第12号",
            ),
        }[tr]:
            assert sentence in text
        assert {zh: "已经过了", en: "has passed"}[tr] not in text

    @both
    def test_a_date_that_has_passed_says_so(self, tr: Translator) -> None:
        text = handover_words(
            facts.handover(facts.forecast(date(2026, 6, 30), basis=ForecastBasis.PROMISED, next_update=facts.AS_OF)), tr
        )
        assert {zh: "这是承诺的时间。", en: "This is a date that was promised."}[tr] in text
        assert {zh: "已经过了，还没有公布新的日期", en: "has passed; no newer one is published yet"}[tr] in text
        assert {zh: "原定2026年11月1日公布新消息", en: "News was due on 1 November 2026"}[tr] in text

    def test_the_last_day_itself_has_not_passed(self) -> None:
        assert "已经过了" not in handover_words(facts.handover(facts.forecast(facts.TODAY)), zh)

    @both
    def test_nothing_published(self, tr: Translator) -> None:
        text = handover_words(facts.handover(watching=True), tr)
        assert {zh: "交房时间还没有公布", en: "The handover date is not published yet"}[tr] in text
        assert {zh: "已记下：日期有变化时通知您", en: "you want to be told when the date changes"}[tr] in text

    @both
    def test_the_office_may_say_that_there_is_no_date(self, tr: Translator) -> None:
        text = handover_words(facts.handover(facts.forecast(None, reason="等待资金")), tr)
        assert {zh: "现在还定不下交房时间", en: "no handover date can be given yet"}[tr] in text
        assert "等待资金" in text

    @both
    def test_slips_tell_both_dates_reason_day_and_source(self, tr: Translator) -> None:
        stated = facts.handover(
            facts.forecast(date(2027, 6, 30), reason="外墙返工"),
            history=[
                facts.forecast(date(2026, 6, 30), reason="资金未到位", published=date(2025, 3, 2)),
                facts.forecast(date(2026, 6, 30), published=date(2025, 1, 2)),
                facts.forecast(date(2024, 6, 30), basis=ForecastBasis.PROMISED, published=date(2023, 3, 2)),
            ],
        )
        text = handover_words(stated, tr)
        assert {zh: "交房时间改过2次，最近一次：", en: "The date has changed 2 times. The last time:"}[tr] in text
        assert {
            zh: "原定：2026年6月30日\n改为：2027年6月30日\n原因：外墙返工\n2026年10月15日公布，来源：专班通告第12号",
            en: "30 June 2026 → 30 June 2027\nReason: 外墙返工\nPublished on 15 October 2026. Source: 专班通告第12号",
        }[tr] in text
        assert handover.has_more_slips([stated])
        every = read(handover.slips_view([stated], tr))
        assert {
            zh: "原定：2024年6月30日\n改为：2026年6月30日\n这是计划时间，不是承诺。\n原因：没有公布\n2025年1月2日公布",
            en: "30 June 2024 → 30 June 2026\nThis is a planned date, not a promise.\nReason: not published\n",
        }[tr] in every
        assert "资金未到位" not in every  # the same date stated anew is no change

    @both
    def test_of_a_single_slip_none_is_called_the_last(self, tr: Translator) -> None:
        earlier = facts.forecast(date(2026, 6, 30), published=date(2025, 3, 2))
        text = handover_words(facts.handover(facts.forecast(date(2027, 6, 30)), history=[earlier]), tr)
        assert {zh: "交房时间改过一次：\n", en: "The date has changed once:\n"}[tr] in text

    @both
    def test_the_contracts_date_is_told_apart(self, tr: Translator) -> None:
        contract = facts.forecast(date(2021, 12, 31), basis=ForecastBasis.CONTRACTUAL)
        text = handover_words(facts.handover(contractual=contract), tr)
        assert {
            zh: "合同约定的交房时间：2021年12月31日\n合同约定的日期已经过了",
            en: "Agreed in the contract: 31 December 2021\nThe agreed date has passed",
        }[tr] in text
        assert {zh: "交房时间还没有公布", en: "not published yet"}[tr] in text

    @both
    def test_keys_that_were_handed_over(self, tr: Translator) -> None:
        stated = facts.handover(facts.forecast(date(2025, 6, 30)), handed_over=True, handed_over_on=date(2025, 7, 1))
        text = handover_words(stated, tr)
        assert {zh: "房子已在 2025年7月1日 交付", en: "Handed over on 1 July 2025"}[tr] in text
        assert {zh: "预计", en: "expected"}[tr] not in text


class TestPayments:
    @both
    def test_four_directions_are_told_apart(self, tr: Translator) -> None:
        stated = facts.payments(
            totals=[
                facts.total(LedgerKind.PRICE_DIFFERENCE, FROM, PAID, "23456.7"),
                facts.total(LedgerKind.MAINTENANCE_FUND, FROM, DUE, "3456"),
                facts.total(LedgerKind.COMPENSATION, TO, PAID, "90000"),
                facts.total(LedgerKind.TRANSITION_FEE, TO, DUE, "8820"),
            ]
        )
        text = read(payments.view(stated, tr, facts.TODAY))
        for sentence in {
            zh: (
                "您已经付了\n差价款：¥23,456.70",
                "您还要付\n维修基金：¥3,456.00",
                "您已经收到\n补偿款：¥90,000.00",
                "应付给您、还没付的\n过渡费：¥8,820.00",
            ),
            en: (
                "You have paid\nPrice difference: ¥23,456.70",
                "You still have to pay\nMaintenance fund: ¥3,456.00",
                "You have received\nCompensation: ¥90,000.00",
                "Owed to you, not paid yet\nTransition fee: ¥8,820.00",
            ),
        }[tr]:
            assert sentence in text
        assert text.count(facts.ROLL) == 1

    @both
    def test_the_transition_fee_with_its_arrears(self, tr: Translator) -> None:
        text = read(payments.view(facts.payments(fee=facts.transition_fee(arrears=5)), tr, facts.TODAY))
        for sentence in {
            zh: (
                "每月¥1,470.00",
                "已经发到2024年6月30日",
                "还没有发给您的过渡费\n2024年7月至12月：¥8,820.00",
                "还有后面的1笔",
            ),
            en: (
                "¥1,470.00 each month",
                "Paid up to 30 June 2024",
                "Not paid to you yet\nJuly – December 2024: ¥8",
                "1 later",
            ),
        }[tr]:
            assert sentence in text
        assert {zh: "下次发放时间：还没有公布", en: "Next payment: not published yet"}[tr] in text

    @both
    def test_no_payment_of_the_family_is_said_in_words_with_its_roll(self, tr: Translator) -> None:
        stated = facts.payments(
            totals=[facts.total(LedgerKind.PRICE_DIFFERENCE, FROM, DUE, "18370")],
        )
        text = read(payments.view(stated, tr, facts.TODAY))
        assert {
            zh: "台账里没有您付款的记录。\n\n您还要付\n差价款：¥18,370.00\n",
            en: "The rolls hold no payment of yours.\n\nYou still have to pay\nPrice difference: ¥18",
        }[tr] in text
        assert text.count(facts.ROLL) == 1
        of_family = facts.payments(totals=stated.totals, fee=facts.transition_fee())
        assert {zh: "也没有退款记录", en: "no refund"}[tr] not in read(payments.view(of_family, tr, facts.TODAY))

    @both
    def test_who_is_owed_nothing_on_record_is_told_so(self, tr: Translator) -> None:
        paid = facts.total(LedgerKind.HOUSE_PRICE, FROM, PAID, "300000")
        sentence = {
            zh: "台账里没有您的过渡费记录，也没有退款记录。\n截至2026年11月1日，来源：安置台账",
            en: "The rolls hold no transition fee and no refund for you.\nAs of 1 November",
        }[tr]
        text = read(payments.view(facts.payments(totals=[paid]), tr, facts.TODAY))
        assert sentence in text
        assert {zh: "没有您付款", en: "no payment of yours"}[tr] not in text
        for kind, state in ((LedgerKind.REFUND, PAID), (LedgerKind.PENALTY, DUE), (LedgerKind.TRANSITION_FEE, PAID)):
            stated = facts.payments(totals=[paid, facts.total(kind, TO, state, "5000")])
            assert sentence not in read(payments.view(stated, tr, facts.TODAY)), kind

    @both
    def test_how_far_the_roll_of_the_fee_goes(self, tr: Translator) -> None:
        """What no roll holds is neither counted nor passed over."""
        fee = facts.transition_fee(arrears=1)
        due = facts.total(
            LedgerKind.TRANSITION_FEE, TO, DUE, "8820", (date(2024, 7, 1), date(2024, 12, 31)), source=facts.FEE_ROLL
        )
        paid = facts.total(
            LedgerKind.TRANSITION_FEE, TO, PAID, "8820", (date(2024, 1, 1), date(2024, 6, 30)), source=facts.FEE_ROLL
        )
        awaited = {zh: "2025年1月起的还没有登记", en: "from January 2025 on nothing is in it yet"}[tr]
        text = read(payments.view(facts.payments(fee=fee, totals=[due, paid]), tr, facts.TODAY))
        assert {
            zh: "2024年7月至12月：¥8,820.00\n台账里的过渡费登记到2024年12月，2025年1月起的还没有登记。\n\n"
            "您已经收到\n过渡费：¥8,820.00\n是2024年1月至6月的\n截至2026年11月1日，来源：过渡费发放表 2026-11",
            en: "July – December 2024: ¥8,820.00\nThe roll of the fee goes up to December 2024; from January 2025 on "
            "nothing is in it yet.\n\nYou have received\nTransition fee: ¥8,820.00\nIt is for January – June 2024\n"
            "As of 1 November 2026. Source: 过渡费发放表 2026-11",
        }[tr] in text
        with_keys = facts.payments(fee=fee, totals=[due, paid], handed_over=True)
        text = read(payments.view(with_keys, tr, facts.TODAY))
        assert {zh: "台账里的过渡费登记到2024年12月。", en: "goes up to December 2024."}[tr] in text
        assert awaited not in text
        assert awaited not in read(
            payments.view(facts.payments(fee=fee, totals=[due, paid]), tr, date(2024, 12, 31))
        ), "nothing is missing yet"

    @both
    def test_a_roll_that_tells_a_later_day_of_payment_goes_further(self, tr: Translator) -> None:
        paid = facts.total(LedgerKind.TRANSITION_FEE, TO, PAID, "8820", (date(2024, 1, 1), date(2024, 6, 30)))
        fee = facts.transition_fee(paid_up_to=date(2025, 3, 15))
        text = read(payments.view(facts.payments(fee=fee, totals=[paid]), tr, facts.TODAY))
        assert {
            zh: "登记到2025年3月15日，2025年3月16日起的还没有登记。\n截至2026年11月1日，来源：过渡费发放表",
            en: "up to 15 March 2025; from 16 March 2025 on nothing is in it yet.\nAs of",
        }[tr] in text

    @both
    def test_a_fee_whose_months_are_not_all_told_has_no_end(self, tr: Translator) -> None:
        paid = facts.total(LedgerKind.TRANSITION_FEE, TO, PAID, "8820")
        text = read(payments.view(facts.payments(fee=facts.transition_fee(), totals=[paid]), tr, facts.TODAY))
        assert {zh: "登记到", en: "goes up to"}[tr] not in text
        assert {zh: "¥8,820.00\n是哪几个月的，台账没有写全。", en: "does not tell all the months"}[tr] in text

    @both
    def test_stretches_of_time_are_each_named_while_they_are_few(self, tr: Translator) -> None:
        years = [(date(year, 1, 1), date(year, 6, 30)) for year in (2022, 2023, 2024)]
        few = facts.total(LedgerKind.TRANSITION_FEE, TO, PAID, "8820", *years[:2])
        text = read(payments.view(facts.payments(totals=[few]), tr, facts.TODAY))
        assert {
            zh: "是2022年1月至6月、2023年1月至6月的",
            en: "It is for January – June 2022, January – June 2023\n",
        }[tr] in text
        many = facts.total(LedgerKind.TRANSITION_FEE, TO, PAID, "8820", *years)
        text = read(payments.view(facts.payments(totals=[many]), tr, facts.TODAY))
        assert {zh: "过渡费：¥8,820.00\n是哪几个月的，请看“全部明细”", en: "see “All payments”"}[tr] in text

    @both
    def test_a_payment_day_that_has_passed_says_so(self, tr: Translator) -> None:
        stated = facts.payments(fee=facts.transition_fee(next_payment_on=date(2026, 11, 19)))
        assert {zh: "已经过了", en: "has passed"}[tr] in read(payments.view(stated, tr, facts.TODAY))

    @both
    def test_nothing_published(self, tr: Translator) -> None:
        text = read(payments.view(facts.payments(), tr, facts.TODAY))
        assert {zh: "付了多少、欠多少：还没有公布", en: "owed: not published yet"}[tr] in text
        assert {zh: "台账里没有", en: "The rolls hold no"}[tr] not in text, "it is said once"

    def test_the_terms_of_a_contract(self) -> None:
        agreed = PurchaseTermsOut(
            unit_price=Decimal(8000),
            total_price=Decimal(716000),
            payment_method="按揭",
            down_payment=None,
            loan_amount=Decimal(500000),
            source="购房台账 2026-11",
            as_of=facts.AS_OF,
        )
        text = read(payments.view(facts.payments(terms=agreed), zh, facts.TODAY))
        assert "总价：¥716,000.00\n单价：每平方米¥8,000.00\n付款方式：按揭\n贷款：¥500,000.00\n截至" in text
        assert "首付" not in text

    @both
    def test_the_history(self, tr: Translator) -> None:
        page = facts.ledger([facts.entry(5, batch="第12批"), facts.entry(3, state=DUE)], 12)
        text = read([payments.history_view(page, tr)])
        for sentence in {
            zh: (
                "共12笔",
                "您收到 ¥8,820.00：过渡费\n2025年7月至12月，2025年12月31日支付，批次：第12批",
                "应付给您 ¥8,820.00",
            ),
            en: (
                "12 entries",
                "You received ¥8,820.00: Transition fee\nfor July – December 2025, paid on 31 D",
                "Owed to",
            ),
        }[tr]:
            assert sentence in text


@both
def test_a_long_story_is_cut_into_screens_that_each_tell_whose_they_are(tr: Translator) -> None:
    months = [date(2020 + number // 12, number % 12 + 1, 1) for number in range(36)]
    history = [facts.forecast(day, reason="材料未到", published=day) for day in reversed(months)]
    screens = handover.slips_view([facts.handover(history[0], history=history[1:])], tr)
    assert len(screens) > 1
    for screen in screens:
        assert "AZ-2019-00012" in screen
        assert screen.count("\n") < SCREEN + 5
        assert screen.count("<i>") == screen.count("</i>")
    assert sum(screen.count({zh: "改为", en: "→"}[tr]) for screen in screens) == len(history) - 1
