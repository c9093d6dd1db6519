"""A complaint is filed once and as it was last seen, whatever is pressed, changed or lost meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from api.chats.models import Link
from tests.factories import Factory
from tests.flows.conftest import System, new_household
from tests.flows.test_complaint import filed, up_to_summary
from tests.people import Person


async def test_submitting_twice_files_one_case(system: System, factory: Factory, resident: Person) -> None:
    summary = await up_to_summary(resident)
    submit = next(b["callback_data"] for b in summary.inline if "提交" in b["text"])
    await asyncio.gather(*(resident.tap_data(summary.id, submit) for _ in range(3)))
    await resident.expect("您的投诉已经提交")
    await resident.expect("这份投诉已经提交过了")
    await system.quiet()
    [case] = await filed(factory)
    assert sum(case.number in text for text in resident.said()) >= 2


async def test_submitting_what_was_changed_meanwhile(factory: Factory, resident: Person) -> None:
    summary = await up_to_summary(resident)
    await resident.send("还有卫生间也漏")
    await resident.expect("请核对一下", "卫生间")
    await resident.tap("提交", on=summary)
    await resident.expect("内容后来又改过", "卫生间")
    assert await filed(factory) == []
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")


async def test_submit_of_a_draft_that_was_thrown_away(factory: Factory, resident: Person) -> None:
    summary = await up_to_summary(resident)
    await resident.send("/cancel")
    await resident.tap("不要了")
    await resident.tap("提交", on=summary)
    await resident.expect("之前取消了，没有提交")
    assert await filed(factory) == []


async def test_the_home_is_unlinked_before_submitting(system: System, factory: Factory, resident: Person) -> None:
    await up_to_summary(resident)
    async with factory.database.transaction() as session:
        link = (await session.execute(select(Link).where(Link.chat_id == resident.id))).scalar_one()
        link.revoked_at = datetime.now(UTC) - timedelta(seconds=1)
        link.revoked_by_chat_id = resident.id
    await resident.tap("提交")
    await resident.expect("请先验证一下身份")
    assert any("您写的内容都还在" in text for text in resident.said())
    other = await new_household(factory)
    await factory.link(resident.id, other.agreement)
    await resident.send("/complain")
    await resident.tap("继续")
    await resident.expect("是哪一套房子")
    await resident.tap(other.unit.room)
    await resident.expect("厨房漏水")


async def test_submit_while_one_shows_who_one_is_calls_nothing_cancelled(factory: Factory, resident: Person) -> None:
    summary = await up_to_summary(resident)
    await resident.send("/settings")
    await resident.tap("再添加一份协议")
    await resident.expect("选一种方式")
    await resident.tap("提交", on=summary)
    await resident.expect("没填完的内容还在")
    assert not any("没有提交" in text for text in resident.said())
    await resident.send("/cancel")
    await resident.expect("没填完的内容还在")
    await resident.tap("提交", on=summary)
    await resident.expect("您的投诉已经提交")
    assert len(await filed(factory)) == 1


async def test_the_receipt_got_lost_on_its_way(system: System, factory: Factory, resident: Person) -> None:
    await up_to_summary(resident)
    await system.fault("sendMessage", 500)
    await resident.tap("提交")
    await resident.expect("之前填写的内容都还在")
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    assert len(await filed(factory)) == 1
