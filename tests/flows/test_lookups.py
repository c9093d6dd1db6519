"""Looking things up, as a family does it: home, payments, handover, in commands and in buttons."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from api.agreements.schemas import AgreementKind, RegistrationStage
from api.chats.models import HandoverWatch
from api.estate.models import Building
from api.estate.schemas import ForecastBasis, MilestoneKind, UnitKind
from api.money.schemas import LedgerDirection, LedgerKind, LedgerState
from bot.callbacks import Callback
from handlers.lookups import ShowHandover, ShowHome, ShowLedger, ShowPayments, ShowSlips, ShowStages, WatchHandover
from tests.factories import Factory
from tests.flows.conftest import Household, System, new_household
from tests.people import Person

NOTICE = "专班通告第12号"


@pytest.fixture
async def building(factory: Factory) -> Building:
    """Where the household's home is."""
    return await factory.building()


async def half_years(factory: Factory, household: Household, count: int, state: LedgerState) -> None:
    """That many half years of transition fee from 2020 on."""
    for number in range(count):
        year, half = 2020 + number // 2, number % 2
        end = date(year, 12, 31) if half else date(year, 6, 30)
        await factory.ledger_entry(
            household.agreement,
            "8820",
            state=state,
            period=(date(year, 7 if half else 1, 1), end),
            paid_on=end if state is LedgerState.PAID else None,
        )


@pytest.mark.parametrize("command", ["/home", "/payments", "/handover"])
async def test_a_stranger_is_told_how_to_get_in(system: System, command: str) -> None:
    stranger = await system.person("路人")
    await stranger.send(command)
    gate = await stranger.expect_button("🔑")
    assert "TEST-" not in gate.text


async def test_home(factory: Factory, household: Household, building: Building, resident: Person) -> None:
    await factory.milestone(building, MilestoneKind.STARTED, achieved_on=date(2019, 9, 1))
    await factory.milestone(building, MilestoneKind.RESUMED, achieved_on=date(2025, 3, 1), source=NOTICE)
    await factory.milestone(building, MilestoneKind.COMPLETION_FILED, planned_on=date(2020, 1, 31))
    await factory.registration(household.agreement, stage=RegistrationStage.BLOCKED, blocked_by="开发企业欠税")

    await resident.send("/home")
    home = await resident.expect("您的房子", household.agreement.number)
    assert f"A3地块 一期 2号楼 1单元 {household.unit.room}室" in home.text
    assert "三室两厅一卫，89.50 ㎡" in home.text
    assert "✅ 复工：2025年3月1日" in home.text
    assert NOTICE in home.text
    assert "开工" not in home.text
    assert "还没有公布完成" in home.text
    assert "不是交钥匙的时间" in home.text
    assert "网签备案：受阻" in home.text
    assert "开发企业欠税" in home.text
    assert home.protected

    await resident.tap("楼栋全部进度")
    stages = await resident.expect("楼栋进度", "✅ 开工：2019年9月1日", "✅ 复工：2025年3月1日")
    assert stages.id == home.id, "the same message is edited"
    await resident.tap("我的房子", on=stages)
    await resident.expect("您的房子", "三室两厅一卫")


async def test_several_homes_of_one_agreement_stand_on_one_screen(
    system: System, factory: Factory, building: Building
) -> None:
    flat, shop = await factory.unit(building), await factory.unit(building, entrance=None, kind=UnitKind.SHOP)
    agreement = await factory.agreement(units=[flat, shop])
    person = await system.person()
    await factory.link(person.id, agreement)
    await person.send("/home")
    home = await person.expect("您的房子")
    assert f"{flat.room}室" in home.text
    assert f"{shop.room}号商铺" in home.text


async def test_several_agreements_are_chosen_from(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    other = await new_household(factory)
    await factory.link(resident.id, other.agreement)
    for command in ("/payments", "/handover", "/home"):
        await resident.send(command)
        choice = await resident.expect("您有好几份协议")
        assert choice.protected
        await resident.tap(other.agreement.number)
        shown = await resident.expect(other.agreement.number)
        assert shown.id == choice.id
        assert household.agreement.number not in shown.text
        await resident.tap("其他协议")
        await resident.expect("您有好几份协议")


async def test_payments_and_their_history(factory: Factory, household: Household, resident: Person) -> None:
    agreement = household.agreement
    await factory.transition_fee(agreement, "1470", paid_up_to=date(2023, 12, 31))
    await half_years(factory, household, 8, LedgerState.PAID)
    await factory.ledger_entry(
        agreement, "8820", state=LedgerState.DUE, period=(date(2024, 1, 1), date(2024, 6, 30)), source=NOTICE
    )
    await factory.ledger_entry(
        agreement,
        "23456.7",
        kind=LedgerKind.PRICE_DIFFERENCE,
        direction=LedgerDirection.FROM_HOUSEHOLD,
        state=LedgerState.DUE,
        due_on=date(2019, 1, 1),
    )

    await resident.send("/payments")
    payments = await resident.expect("付款和收款")
    for words in (
        "每月¥1,470.00",
        "已经发到2023年12月31日",
        "下次发放时间：还没有公布",
        "还没有发给您的过渡费\n2024年1月至6月：¥8,820.00",
        "登记到2024年6月，2024年7月起的还没有登记。\n截至2026年11月20日，来源：专班通告第12号",
        "您已经收到\n过渡费：¥70,560.00\n是2020年1月至2023年12月的",
        "台账里没有您付款的记录。\n\n您还要付\n差价款",
        "您还要付\n差价款：¥23,456.70",
        NOTICE,
    ):
        assert words in payments.text
    assert payments.text.count("8,820.00") == 1
    assert payments.protected

    await resident.tap("全部明细")
    newest = await resident.expect("全部收付明细", "共10笔", "应付给您 ¥8,820.00")
    assert newest.id == payments.id
    await resident.tap("更早的")
    oldest = await resident.expect("您应付 ¥23,456.70：差价款", "应付日期：2019年1月1日")
    assert oldest.id == payments.id
    assert not any("更早的" in text for text in oldest.buttons)
    await resident.tap("回到最近的")
    await resident.expect("应付给您 ¥8,820.00")
    await resident.tap("付款和收款")
    await resident.expect("每月¥1,470.00")


async def test_a_buyer_is_told_that_nothing_is_owed_on_record(system: System, factory: Factory) -> None:
    agreement = await factory.agreement(kind=AgreementKind.PURCHASE, source="购房台账 2026-11")
    await factory.ledger_entry(
        agreement, "300000", kind=LedgerKind.HOUSE_PRICE, direction=LedgerDirection.FROM_HOUSEHOLD
    )
    person = await system.person()
    await factory.link(person.id, agreement)
    await person.send("/payments")
    payments = await person.expect("您已经付了\n房款：¥300,000.00")
    assert "台账里没有您的过渡费记录，也没有退款记录。\n截至2026年11月20日，来源：购房台账" in payments.text
    assert "没有您付款的记录" not in payments.text


async def test_a_buyers_contract(system: System, factory: Factory) -> None:
    agreement = await factory.agreement(kind=AgreementKind.PURCHASE)
    await factory.purchase_terms(agreement, "980000", loan_amount=Decimal(500000), payment_method="按揭")
    person = await system.person()
    await factory.link(person.id, agreement)
    await person.send("/payments")
    payments = await person.expect("购房合同", "总价：¥980,000.00", "贷款：¥500,000.00")
    assert "付了多少、欠多少：还没有公布" in payments.text
    assert "过渡费" not in payments.text


async def test_handover_with_its_slips(
    factory: Factory, household: Household, building: Building, english_resident: Person
) -> None:
    await factory.forecast(
        household.agreement, date(2021, 12, 31), basis=ForecastBasis.CONTRACTUAL, published_on=date(2018, 5, 1)
    )
    for year, reason in ((2024, None), (2025, "资金未到位"), (2090, "外墙返工")):
        await factory.forecast(
            building,
            date(year, 6, 1),
            date(year, 9, 30),
            reason=reason,
            source=NOTICE,
            published_on=date(min(year, 2026) - 1, 3, 2),
            next_update_on=date(2089, 1, 15),
        )

    await english_resident.send("/handover")
    handover = await english_resident.expect("Handover is expected: June – September 2090.")
    for words in (
        "This is a planned date, not a promise.",
        f"Source: {NOTICE}",
        "Next news: 15 January 2089",
        "Agreed in the contract: 31 December 2021\nThe agreed date has passed.",
        "changed 2 times. The last time:",
        "June – September 2025 → June – September 2090\nReason: 外墙返工",
    ):
        assert words in handover.text
    assert "2024" not in handover.text
    assert handover.protected

    await english_resident.tap("All changes of the date")
    slips = await english_resident.expect("June – September 2024 → June – September 2025\nReason: 资金未到位")
    assert slips.id == handover.id
    await english_resident.tap("Handover", on=slips)
    await english_resident.expect("Handover is expected")


async def test_a_long_story_is_turned_screen_by_screen(
    factory: Factory, building: Building, household: Household, resident: Person
) -> None:
    for year in range(2010, 2026):
        await factory.forecast(building, date(year, 6, 30), reason=f"{year}年的原因", published_on=date(year, 1, 2))
    await resident.send("/handover")
    handover = await resident.expect("交房时间改过15次")
    await resident.tap("全部变化")
    first = await resident.expect("2025年的原因")
    assert "2011年的原因" not in first.text
    while "更多 ▶" in resident.last.buttons:
        await resident.tap("更多 ▶")
        assert household.agreement.number in (await resident.expect_any()).text
    assert "2011年的原因" in resident.last.text
    await resident.tap("◀ 上一页")
    await resident.expect_any()
    assert resident.last.id == handover.id


async def test_a_wish_to_be_told_is_stored_and_forgotten(
    factory: Factory, household: Household, resident: Person
) -> None:
    async def stored() -> bool:
        async with factory.database.transaction() as session:
            return await session.get(HandoverWatch, (resident.id, household.agreement.id)) is not None

    await resident.send("/handover")
    nothing = await resident.expect("交房时间还没有公布")
    assert "已记下" not in nothing.text
    await resident.tap("日期有变化时告诉我")
    noted = await resident.expect("已记下：日期有变化时通知您")
    assert noted.id == nothing.id
    assert await stored()
    await resident.tap("不用再通知我")
    forgotten = await resident.expect_button("日期有变化时告诉我")
    assert "已记下" not in forgotten.text
    assert not await stored()


async def test_keys_handed_over_leave_nothing_to_wait_for(system: System, factory: Factory) -> None:
    agreement = await factory.agreement(
        units=[await factory.unit()], handed_over=True, handed_over_on=date(2025, 7, 1), handover_status="已交付"
    )
    person = await system.person()
    await factory.link(person.id, agreement)
    await person.send("/handover")
    handover = await person.expect("房子已在 2025年7月1日 交付")
    assert not any("告诉我" in text for text in handover.buttons)


async def test_the_main_menu_leads_to_the_screens_and_they_to_each_other(
    household: Household, resident: Person
) -> None:
    await resident.send("/start")
    await resident.tap("什么时候交房")
    handover = await resident.expect("交房时间", household.agreement.number)
    assert handover.protected
    await resident.tap("付款和收款", on=handover)
    await resident.expect("付了多少、欠多少：还没有公布")
    await resident.tap("我的房子")
    await resident.expect("您的房子")
    await resident.tap("返回主菜单")
    await resident.expect("什么")


@pytest.mark.parametrize(
    "carried",
    [
        ShowHome,
        ShowStages,
        ShowPayments,
        ShowLedger,
        ShowHandover,
        ShowSlips,
        lambda agreement_id: WatchHandover(agreement_id, True),
    ],
)
async def test_buttons_of_another_family_tell_nothing(
    factory: Factory, resident: Person, carried: Callable[[int], Callback]
) -> None:
    other = await new_household(factory)
    await resident.send("/home")
    home = await resident.expect("您的房子")
    await resident.tap_data(home.id, carried(other.agreement.id).encode())
    answer = await resident.expect("在这里已经看不到这份协议了")
    assert other.agreement.number not in answer.text
    async with factory.database.transaction() as session:
        assert await session.get(HandoverWatch, (resident.id, other.agreement.id)) is None


async def test_a_ledger_button_with_a_spoilt_cursor_begins_again(
    factory: Factory, household: Household, resident: Person
) -> None:
    await half_years(factory, household, 2, LedgerState.PAID)
    await resident.send("/payments")
    await resident.tap("全部明细")
    page = await resident.expect("全部收付明细")
    data = next(str(button["callback_data"]) for button in page.inline if "付款和收款" in button["text"])
    agreement_id = data.split(":")[1]
    await resident.tap("付款和收款", on=page)
    await resident.expect("您已经收到")
    await resident.tap_data(page.id, f"ledger:{agreement_id}:nonsense")
    await resident.expect("全部收付明细", "共2笔")


async def test_while_the_api_is_down_a_look_up_says_so(system: System, resident: Person) -> None:
    await resident.send("/home")
    await resident.expect("您的房子")
    await system.stop_api()
    await resident.send("/home")
    await resident.expect_any()
    await system.start_api()
    await resident.send("/home")
    await resident.expect("您的房子")
