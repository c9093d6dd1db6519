"""While strangers guess, a family that comes with its papers is told kindly which way is open."""

from collections.abc import AsyncIterator

import pytest

from api.settings import Settings, SurgeResponse
from tests.flows.conftest import Household, System
from tests.flows.test_verification import choose
from tests.people import Person


@pytest.fixture(params=[SurgeResponse.CLOSE_PAPERS, SurgeResponse.CODES_ONLY])
async def system(settings: Settings, database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[System]:
    """One wrong try is a surge."""
    watched = settings.model_copy(update={"surge_wrong_per_hour": 1, "surge_response": request.param})
    async with System(watched, database_url) as system:
        yield system


async def give_papers(person: Person, number: str, name: str, tail: str) -> None:
    await choose(person, "用协议")
    await person.send(number)
    await person.expect("权利人的姓名")
    await person.send(name)
    await person.expect("后六位")
    await person.send(tail)


async def test_papers_are_closed_and_the_open_ways_are_offered(system: System, household: Household) -> None:
    stranger = await system.person("外人")
    await give_papers(stranger, household.agreement.number, household.name, "999999")
    await stranger.expect("对不上")
    person = await system.person("张三", phone=household.phone)
    await give_papers(person, household.agreement.number, household.name, household.id_number[-6:])
    await person.expect_deleted(household.id_number[-6:])
    if system.settings.surge_response is SurgeResponse.CODES_ONLY:
        told = await person.expect("暂时对所有人关闭", "接待窗口")
        assert "手机号" not in told.text
        assert told.buttons == ["🔑 用邀请码", "🏢 请工作专班帮忙", "✖️ 取消"]
    else:
        told = await person.expect("暂时对所有人关闭", "请改用手机号验证", "接待窗口")
        assert told.buttons == ["📱 用手机号", "🔑 用邀请码", "🏢 请工作专班帮忙", "✖️ 取消"]
        await person.tap("用手机号")
        await person.press("发送我的手机号")
        await person.expect("后四位")
        await person.send(household.id_number[-4:])
        await person.expect("找到您的1份协议", household.agreement.number)
