"""Looking at one's complaints."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from api.settings import Settings
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.people import Person


async def file_one(person: Person, text: str) -> str:
    """Returns the number."""
    await person.send("/complain")
    await person.tap("过渡费")
    await person.send(text)
    await person.expect("内容收到了")
    await person.tap("继续")
    await person.tap("提交")
    receipt = await person.expect("您的投诉已经提交")
    return receipt.text.split("编号：")[1].split()[0]


async def test_none_yet(resident: Person) -> None:
    await resident.send("/cases")
    answer = await resident.expect("您还没有在这里提交过投诉")
    assert "我要投诉" in answer.buttons


async def test_a_stranger_is_shown_the_way(system: System) -> None:
    stranger = await system.person("外人")
    await stranger.send("/cases")
    await stranger.expect("请先验证一下身份")


async def test_one_with_its_history(resident: Person) -> None:
    number = await file_one(resident, "三个月没有发过渡费")
    await resident.send("/cases")
    listed = await resident.expect("您一共提交了1份投诉", number, "已收到", "过渡费")
    assert listed.protected
    await resident.tap(number)
    shown = await resident.expect(
        f"投诉 {number}", "三个月没有发过渡费", "办理经过", "登记：还没有", "受理：还没有", "最迟"
    )
    assert shown.protected
    await resident.tap("我的投诉")
    await resident.expect("您一共提交了1份投诉")


async def test_in_english(english_resident: Person) -> None:
    person = english_resident
    await person.send("/complain")
    await person.tap("Transition fee")
    await person.send("Three months are missing.")
    await person.expect("I have your text")
    await person.tap("Continue")
    await person.tap("Submit")
    await person.expect("Your complaint is filed")
    await person.tap("View it")
    await person.expect("What happened", "Received", "Registered: not yet", "Three months are missing.")


async def test_a_long_text_can_be_read_in_full(resident: Person) -> None:
    await file_one(resident, "事情" * 600)
    await resident.tap("查看这份投诉")
    shown = await resident.expect("办理经过")
    assert len(shown.text) < 1200
    await resident.tap("看全文")
    await resident.expect("事情" * 600)
    await resident.tap("上一步")
    await resident.expect("办理经过")


async def test_many_come_in_pages(resident: Person) -> None:
    numbers = [await file_one(resident, f"第{place}份") for place in range(8)]
    await resident.send("/cases")
    await resident.expect("您一共提交了8份投诉", numbers[-1])
    await resident.tap("更多")
    rest = await resident.expect(numbers[0])
    assert numbers[-1] not in rest.text
    await resident.tap("最新的")
    await resident.expect(numbers[-1])


async def test_nobody_else_sees_it(system: System, resident: Person) -> None:
    number = await file_one(resident, "只有我家知道")
    await resident.tap("查看这份投诉")
    shown = await resident.expect("只有我家知道")
    stranger = await system.person("外人")
    await stranger.send("/start")
    await stranger.expect("您想查什么")
    _, button = await resident.find_button("我的投诉")
    await stranger.tap_data(shown.id, str(button["callback_data"]))
    await stranger.expect("请先验证一下身份")
    await stranger.tap_data(shown.id, f"case:{number}")
    await stranger.expect("这里没有您的这份投诉")
    assert not any("只有我家知道" in text for text in stranger.said())


# Fourteen hours ahead of UTC and eleven behind it: one of the two has another day than Shanghai.
@pytest.mark.parametrize("office", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_days_are_told_as_they_are_at_the_office(
    settings: Settings, database_url: str, factory: Factory, household: Household, office: str
) -> None:
    zone = ZoneInfo(office)
    async with System(settings.model_copy(update={"timezone": zone}), database_url) as system:
        person = await system.person()
        await factory.link(person.id, household.agreement)
        number = await file_one(person, "三个月没有发过渡费")
        await person.send("/cases")
        await person.tap(number)
        today = datetime.now(zone)
        await person.expect(f"{today.year}年{today.month}月{today.day}日", "三个月没有发过渡费")


@pytest.mark.parametrize("key", ["查看", "返回主菜单"])
async def test_a_receipt_stays_in_the_chat(resident: Person, key: str) -> None:
    number = await file_one(resident, "三个月没有发过渡费")
    receipt = await resident.expect("您的投诉已经提交")
    await resident.tap(key)
    opened = await resident.expect_any()
    assert opened.id > receipt.id
    assert number in resident.messages[receipt.id].text
    assert "您的投诉已经提交" in resident.messages[receipt.id].text
