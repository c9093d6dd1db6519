"""From a draft to the last family, in the chat: a publisher writes, an approver approves, families read their own."""

from datetime import UTC, date, datetime

import pytest

from api.broadcasts.models import Broadcast
from api.broadcasts.sending import start
from api.settings import Settings
from api.staff.schemas import StaffRole
from tests.factories import Factory
from tests.flows.conftest import Household, System, new_household
from tests.flows.office import Office, office
from tests.people import Message, Person

__all__ = ["office"]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """At any hour of the day, at a pace that nobody here runs into."""
    return settings.model_copy(update={"quiet_from": 0, "quiet_until": 0, "send_rate": 1000.0, "send_burst": 100.0})


class Town:
    """A family that reads Chinese with a date, one that reads English without, and one without a chat."""

    def __init__(self, factory: Factory, first: Household, second: Household, sam: Person) -> None:
        self.factory = factory
        self.first = first
        self.second = second
        self.sam = sam


@pytest.fixture
async def town(system: System, factory: Factory, household: Household, resident: Person) -> Town:
    building = await factory.building()
    await factory.forecast(building, date(2099, 6, 30))
    other = await new_household(factory)
    sam = await system.person("Sam", language="en")
    await factory.link(sam.id, other.agreement)
    for person in (resident, sam):
        # From then on their language is known.
        await person.send("/start")
        await person.expect_button("Handover" if person is sam else "交房")
    await new_household(factory)
    return Town(factory, household, other, sam)


@pytest.fixture
async def publisher(office: Office) -> Person:
    return await office.hire("发布人", StaffRole.PUBLISHER)


@pytest.fixture
async def approver(office: Office) -> Person:
    return await office.hire("审批人", StaffRole.APPROVER)


async def draft(person: Person, *, topic: str = "一般通知") -> Message:
    await person.send("/staff")
    await person.tap("📣 群发")
    await person.tap("新建群发")
    await person.tap(topic)
    return await person.expect("草稿已建好", "还没有选")


async def write(person: Person, text: str, language: str = "简体中文") -> None:
    await person.tap("内容和按钮")
    await person.tap(language)
    await person.expect("请发内容")
    await person.send(text)
    await person.expect("内容已保存")
    await person.tap("返回这条群发")


async def choose_everybody(person: Person) -> None:
    await person.tap("发给谁")
    await person.tap("所有住户")
    await person.expect("发给：所有住户")
    await person.tap("返回这条群发")


async def submit(person: Person) -> None:
    await person.tap("提交审批")
    await person.expect("提交审批吗")
    await person.tap("确定提交")
    await person.expect("等另一位同事审批")


async def approve(person: Person) -> None:
    await person.send("/staff")
    await person.tap("📣 群发")
    await person.expect("有群发等着审批")
    await person.tap("等待审批")
    await person.tap("群发")
    await person.tap("✅ 批准")
    await person.expect("批准吗")
    await person.tap("确定批准")
    await person.expect("已批准")


async def begin(factory: Factory) -> int:
    """What the worker does at once."""
    async with factory.database.transaction() as session:
        broadcast = await newest(factory)
        now = datetime.now(UTC)
        total = await start(session, broadcast.id, now.date(), now)
    assert total is not None
    return total


async def newest(factory: Factory) -> Broadcast:
    from sqlalchemy import select

    async with factory.database.transaction() as session:
        return (await session.scalars(select(Broadcast).order_by(Broadcast.id.desc()).limit(1))).one()


async def test_from_a_draft_to_each_family_once(
    office: Office, town: Town, factory: Factory, publisher: Person, approver: Person
) -> None:
    await draft(publisher)
    await choose_everybody(publisher)
    await write(publisher, "{name}您好，{home}的交房时间：{handover}")
    await write(publisher, "Hello {name}, handover: {handover}", "English")
    sheet = await publisher.expect("群发", "共3户，2个账号会收到", "没有绑定Telegram的住户：1", "English 1")
    assert town.first.name not in sheet.text
    await publisher.tap("👀 预览")
    await publisher.expect("第", "您好，", "2099年6月30日")
    await publisher.expect("Hello ", "handover:")
    await submit(publisher)
    await approve(approver)
    assert await begin(factory) == 2
    got = await office.resident.expect("您好，", "的交房时间：2099年6月30日（计划时间，不是承诺；")
    assert got.protected
    assert town.first.name not in got.text
    read = await town.sam.expect("Hello ", "30 June 2099 (a planned date, not a promise;")
    assert "🔔 Choose what you are told" in read.buttons
    for person in (office.resident, town.sam):
        assert sum("交房时间：" in text or "handover:" in text for text in person.said()) == 1
