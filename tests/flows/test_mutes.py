"""Choosing, in the chat, what one is told of."""

from sqlalchemy import select

from api.broadcasts.models import Mute
from api.broadcasts.schemas import Topic
from handlers.mutes import TellOf
from tests.factories import Factory
from tests.flows.conftest import System
from tests.people import Person


async def muted(factory: Factory, person: Person) -> set[Topic]:
    async with factory.database.transaction() as session:
        return {*await session.scalars(select(Mute.topic).where(Mute.chat_id == person.id))}


async def test_a_topic_is_turned_off_and_on_again(factory: Factory, system: System, resident: Person) -> None:
    await resident.send("/settings")
    await resident.tap("消息提醒")
    page = await resident.expect("消息提醒", "依法通知的事项", "不能关", "日期有变化时告诉我")
    topics = ["一般通知", "交房时间", "工程进度", "付款和收款", "网签和办证"]
    assert page.buttons[: len(topics)] == [f"🔔 {topic}" for topic in topics]
    await resident.tap("🔔 工程进度")
    page = await resident.expect("以后不再发给您：工程进度")
    assert "🔕 工程进度" in page.buttons
    assert "🔔 交房时间" in page.buttons
    assert await muted(factory, resident) == {Topic.PROGRESS}
    await resident.tap("🔕 工程进度")
    page = await resident.expect("以后会继续发给您：工程进度")
    assert "🔔 工程进度" in page.buttons
    assert await muted(factory, resident) == set()
    await resident.tap("⬅️")
    await resident.expect("设置", "语言：简体中文")


async def test_a_key_says_what_it_does_however_old_it_is(factory: Factory, system: System, resident: Person) -> None:
    """Two screens of the same page: on the older one, "off" stays off."""
    await resident.send("/settings")
    await resident.tap("消息提醒")
    page = await resident.expect("消息提醒")
    await resident.tap_data(page.id, TellOf(Topic.NEWS, wanted=False).encode())
    await resident.expect("以后不再发给您：一般通知")
    await resident.tap_data(page.id, TellOf(Topic.NEWS, wanted=False).encode())
    await system.quiet()
    assert await muted(factory, resident) == {Topic.NEWS}


async def test_legal_notices_have_no_key_and_a_made_up_one_mutes_nothing(
    factory: Factory, system: System, english_resident: Person
) -> None:
    await english_resident.send("/settings")
    await english_resident.tap("Messages to you")
    page = await english_resident.expect("Legal notices: always told")
    assert not any("Legal" in button for button in page.buttons)
    await english_resident.tap_data(page.id, TellOf(Topic.LEGAL, wanted=False).encode())
    await system.quiet()
    assert await muted(factory, english_resident) == set()
