"""A complaint that is not filed yet: given up, begun anew, interrupted; nothing of it is lost."""

from collections.abc import Awaitable, Callable

import pytest

from tests.factories import Factory
from tests.flows.conftest import System
from tests.flows.files import picture
from tests.flows.test_complaint import dialog_of, filed, stored_files, up_to_files, up_to_summary
from tests.people import Person


async def test_cancelling_asks_back_before_it_throws_away(factory: Factory, system: System, resident: Person) -> None:
    await up_to_files(resident)
    await resident.send_photo(picture())
    await resident.expect("已收到：1张照片")
    await resident.tap("取消")
    await resident.expect("填写的内容不要了吗")
    await resident.tap("继续写")
    await resident.expect("已收到：1张照片")
    await resident.send("/cancel")
    await resident.expect("填写的内容不要了吗")
    await resident.tap("不要了")
    await resident.expect("取消了")
    await system.quiet()
    assert await dialog_of(factory, resident) is None
    assert await stored_files(factory) == 0
    assert await filed(factory) == []


async def test_an_empty_draft_is_cancelled_at_once(resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.tap("取消")
    await resident.expect("取消了")


async def test_starting_over(factory: Factory, resident: Person) -> None:
    await up_to_files(resident)
    await resident.send("/complain")
    await resident.expect("您有一份投诉还没写完")
    await resident.tap("重新写一份")
    await resident.expect("您要反映哪方面的事")
    await resident.tap("过渡费")
    await resident.expect("把事情写下来")


@pytest.mark.parametrize("command", ["/home", "/payments", "/handover", "/cases", "/help", "/settings", "/language"])
async def test_a_command_in_between_keeps_the_draft(resident: Person, command: str) -> None:
    await up_to_files(resident)
    await resident.send(command)
    await resident.expect("您刚才没填完的内容还在")
    await resident.tap("继续填写")
    await resident.expect("要不要再发几张照片")
    await resident.tap("继续")
    await resident.expect("请核对一下", "厨房漏水")


async def test_another_language_in_between(resident: Person) -> None:
    await up_to_summary(resident)
    await resident.send("/language")
    await resident.tap("English")
    await resident.tap("Go on")
    await resident.expect("Please check. Is this right?", "Quality of the building", "Room", "厨房漏水")


async def test_asking_for_a_complaint_while_sharing_ones_number(resident: Person) -> None:
    await resident.send("/settings")
    await resident.tap("再添加一份协议")
    await resident.tap("用手机号")
    await resident.send("/complain")
    await resident.expect("您要反映哪方面的事")
    assert await resident.keyboard() is None


async def test_the_api_is_down_at_every_step(system: System, factory: Factory, resident: Person) -> None:
    await resident.send("/complain")
    await resident.expect("您要反映哪方面的事")
    await _while_down(system, resident, lambda: resident.tap("房屋质量"))
    await resident.tap("房屋质量")
    await resident.expect("把事情写下来")
    await _while_down(system, resident, lambda: resident.send("漏水"))
    await resident.send("漏水")
    await resident.expect("要不要再发几张照片")
    await _while_down(system, resident, lambda: resident.send_photo(picture()))
    await resident.send_photo(picture())
    await resident.expect("已收到：1张照片")
    await _while_down(system, resident, lambda: resident.tap("继续"))
    await resident.tap("继续")
    await resident.expect("请核对一下")
    await _while_down(system, resident, lambda: resident.tap("提交"))
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交", "2个字、1张照片")
    assert len(await filed(factory)) == 1


async def _while_down(system: System, person: Person, act: Callable[[], Awaitable[None]]) -> None:
    await system.stop_api()
    await act()
    await person.expect("之前填写的内容都还在")
    await system.start_api()
