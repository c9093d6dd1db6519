"""Filing a complaint, as people do it: one step after another, and all at once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from api.cases.models import Attachment, Case
from api.cases.schemas import MAX_ATTACHMENT_BYTES
from api.chats.models import Chat, Link
from tests.factories import Factory
from tests.flows.conftest import Household, System, new_household
from tests.flows.files import PDF, PROGRAM, picture
from tests.people import Message, Person


async def filed(factory: Factory) -> list[Case]:
    async with factory.database.transaction() as session:
        return list((await session.execute(select(Case).order_by(Case.id))).scalars())


async def stored_files(factory: Factory) -> int:
    async with factory.database.transaction() as session:
        return (await session.execute(select(func.count()).select_from(Attachment))).scalar_one()


async def dialog_of(factory: Factory, person: Person) -> str | None:
    async with factory.database.transaction() as session:
        dialog = (await session.execute(select(Chat.dialog).where(Chat.id == person.id))).scalar_one_or_none()
    return factory.vault.open("chat.dialog", dialog) if dialog is not None else None


async def up_to_files(person: Person, text: str = "厨房漏水，从三月开始") -> None:
    await person.send("/complain")
    await person.tap("房屋质量")
    await person.expect("把事情写下来")
    await person.send(text)
    await person.expect("内容收到了", "要不要再发几张照片")


async def up_to_summary(person: Person, text: str = "厨房漏水，从三月开始") -> Message:
    await up_to_files(person, text)
    await person.tap("继续")
    return await person.expect("请核对一下")


async def test_from_beginning_to_end(system: System, factory: Factory, household: Household, resident: Person) -> None:
    await resident.send("/complain")
    await resident.expect("您要反映哪方面的事")
    await resident.tap("房屋质量")
    await resident.expect("把事情写下来")
    await resident.send("厨房漏水，从三月开始")
    await resident.expect("内容收到了")
    await resident.send_photo(picture())
    await resident.expect("已收到：1张照片")
    await resident.send_document(PDF, filename="检测报告.pdf")
    await resident.expect("已收到：1张照片、1个文件")
    await resident.send_location()
    await resident.expect("已收到：1张照片、1个文件、1个位置")
    await resident.tap("继续")
    summary = await resident.expect("请核对一下", "房屋质量", "厨房漏水", "1张照片、1个文件、1个位置")
    assert household.unit.room in summary.text
    assert summary.protected
    await resident.tap("提交")
    receipt = await resident.expect("您的投诉已经提交", "编号：", "信访工作条例", "10个字、1张照片、1个文件、1个位置")
    assert receipt.protected
    [case] = await filed(factory)
    assert case.number in receipt.text
    assert factory.vault.open("case.text", case.text) == "厨房漏水，从三月开始"
    last_day = case.acceptance_notice_last_day
    assert f"{last_day.year}年{last_day.month}月{last_day.day}日" in receipt.text
    assert (case.agreement_id, case.unit_id) == (household.agreement.id, household.unit.id)
    assert await stored_files(factory) == 2
    await system.quiet()
    assert await dialog_of(factory, resident) is None
    await resident.tap("查看这份投诉")
    await resident.expect(f"投诉 {case.number}", "已收到", "厨房漏水")


async def test_in_english(system: System, factory: Factory, english_resident: Person) -> None:
    person = english_resident
    await person.send("/complain")
    await person.tap("Quality of the building")
    await person.send("Water comes through the kitchen ceiling.")
    await person.expect("I have your text")
    await person.tap("Continue")
    await person.expect("Please check. Is this right?", "Enclosed: nothing")
    await person.tap("Submit")
    await person.expect("Your complaint is filed", "a text of 40 characters", "articles 22, 23")
    assert len(await filed(factory)) == 1


async def test_which_home_is_asked_only_where_there_are_several(system: System, factory: Factory) -> None:
    one, other = await new_household(factory), await new_household(factory)
    person = await system.person("张三")
    for household in (one, other):
        await factory.link(person.id, household.agreement)
    await person.send("/complain")
    await person.tap("过渡费")
    await person.expect("是哪一套房子")
    await person.tap(other.unit.room)
    await person.send("三个月没有发")
    await person.expect("内容收到了")
    await person.tap("继续")
    await person.expect("请核对一下", other.unit.room)
    await person.tap("换房子")
    await person.tap(one.unit.room)
    await person.expect("请核对一下", one.unit.room, "三个月没有发")
    await person.tap("提交")
    await person.expect("您的投诉已经提交")
    [case] = await filed(factory)
    assert case.unit_id == one.unit.id


async def test_many_homes_come_in_pages(system: System, factory: Factory) -> None:
    units = [await factory.unit(room=str(2000 + number)) for number in range(11)]
    agreement = await factory.agreement(units=units)
    person = await system.person("李四")
    await factory.link(person.id, agreement)
    await person.send("/complain")
    await person.tap("房屋质量")
    first = await person.expect("是哪一套房子")
    assert len([text for text in first.buttons if "20" in text]) == 8
    await person.tap("更多")
    await person.tap("2010")
    await person.expect("把事情写下来")


async def test_several_messages_are_one_text(factory: Factory, resident: Person) -> None:
    await up_to_files(resident, "第一段")
    await resident.send("第二段")
    await resident.expect("已经补充上了")
    await resident.tap("继续")
    await resident.expect("请核对一下", "第一段\n第二段")
    await resident.send("第三段")
    await resident.expect("请核对一下", "第一段\n第二段\n第三段")
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    [case] = await filed(factory)
    assert factory.vault.open("case.text", case.text) == "第一段\n第二段\n第三段"


async def test_what_comes_before_the_category_is_kept(resident: Person) -> None:
    await resident.send("/complain")
    await resident.expect("您要反映哪方面的事")
    await resident.send("电梯不能用")
    await resident.expect("内容收到了", "您要反映哪方面的事")
    await resident.send_photo(picture())
    await resident.expect("您要反映哪方面的事")
    await resident.tap("房屋质量")
    await resident.expect("电梯不能用")
    await resident.tap("继续")
    await resident.expect("已收到：1张照片")


async def test_a_caption_is_the_text_where_there_is_none(resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send_photo(picture(), caption="阳台裂了一条缝")
    await resident.expect("已收到：1张照片")
    await resident.tap("继续")
    await resident.expect("请核对一下", "阳台裂了一条缝", "1张照片")


async def test_a_photo_without_words_asks_for_words(resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send_photo(picture())
    await resident.expect("已收到：1张照片", "把事情写下来")


async def test_an_album_is_answered_once(system: System, factory: Factory, resident: Person) -> None:
    await up_to_files(resident)
    await resident.send_photo(*(picture(shade) for shade in range(10)))
    await resident.expect("已收到：10张照片", "文件已经放满了")
    assert len(resident.answers) == 1
    assert await stored_files(factory) == 10
    await resident.tap("继续")
    await resident.expect("10张照片")
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交", "10张照片")


async def test_more_than_ten_files(factory: Factory, resident: Person) -> None:
    await up_to_files(resident)
    await resident.send_document(PDF)
    await resident.expect("已收到：1个文件")
    await resident.send_photo(*(picture(shade) for shade in range(10)), caption="都是漏水的地方")
    await resident.expect("9张照片、1个文件", "一次最多放10个文件", "有1个文件没有收下")
    assert await stored_files(factory) == 10
    await resident.send_photo(picture(99))
    await resident.expect("一次最多放10个文件")


async def test_files_that_are_not_taken(factory: Factory, resident: Person) -> None:
    await up_to_files(resident)
    await resident.send_document(PROGRAM, filename="setup.exe", media_type="application/octet-stream")
    await resident.expect("这种文件收不了", "要不要再发几张照片")
    await resident.send_document(bytes(MAX_ATTACHMENT_BYTES + 1), filename="film.pdf")
    await resident.expect("超过 20 MB", "要不要再发几张照片")
    assert await stored_files(factory) == 0
    await resident.send_document(PDF + bytes(3 * 1024 * 1024), filename="large.pdf")
    await resident.expect("已收到：1个文件")
    await resident.tap("去掉最后一个文件")
    await resident.tap("继续")
    await resident.expect("请核对一下", "附上的：没有")


async def test_taking_files_back(factory: Factory, resident: Person) -> None:
    await up_to_files(resident)
    await resident.send_photo(picture(1))
    await resident.expect("已收到：1张照片")
    await resident.send_document(PDF)
    await resident.expect("已收到：1张照片、1个文件")
    await resident.send_location()
    await resident.expect("1个位置")
    await resident.tap("去掉最后一个文件")
    await resident.expect("已收到：1张照片、1个位置")
    await resident.tap("去掉位置")
    await resident.expect("已收到：1张照片")
    await resident.tap("去掉最后一个文件")
    await resident.expect("要不要再发几张照片")
    assert await stored_files(factory) == 0


async def test_a_text_that_is_too_long(resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("很" * 3001)
    await resident.expect("一共3,001个字，最多只能写3,000个字")
    await resident.expect("把事情写下来")
    await resident.send("漏" * 2999)
    await resident.expect("内容收到了")
    await resident.send("再加一句")
    await resident.expect("太长了", "之前写的都还在")
    await resident.tap("继续")
    await resident.expect("请核对一下", "共2,999个字")


async def test_a_text_that_the_app_cuts_in_two(system: System, factory: Factory, resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("很" * 5000)
    await resident.expect("一共5,000个字")
    await system.quiet()
    assert "很很" not in (await dialog_of(factory, resident) or "")
    await resident.send("漏水")
    await resident.expect("内容收到了")


async def test_writing_the_text_anew(resident: Person) -> None:
    await up_to_summary(resident, "写错了的内容")
    await resident.tap("改内容")
    await resident.expect("写错了的内容")
    await resident.tap("重新写")
    await resident.expect("请发新的内容")
    await resident.tap("上一步")
    await resident.expect("请核对一下", "写错了的内容")
    await resident.tap("改内容")
    await resident.tap("重新写")
    await resident.send("正确的内容")
    summary = await resident.expect("请核对一下", "正确的内容")
    assert "写错" not in summary.text


async def test_changing_the_category_loses_nothing(resident: Person) -> None:
    await up_to_files(resident)
    await resident.send_photo(picture())
    await resident.expect("已收到：1张照片")
    await resident.tap("继续")
    await resident.tap("改类别")
    await resident.tap("过渡费")
    await resident.expect("请核对一下", "反映的事：过渡费", "厨房漏水", "1张照片")
    await resident.tap("上一步")
    await resident.tap("上一步")
    await resident.expect("您写的内容", "厨房漏水")


async def test_going_back_all_the_way_and_forward_again(resident: Person) -> None:
    await up_to_summary(resident)
    await resident.tap("上一步")
    await resident.expect("要不要再发几张照片")
    await resident.tap("上一步")
    await resident.expect("厨房漏水")
    await resident.tap("上一步")
    await resident.expect("您要反映哪方面的事")
    await resident.tap("上一步")
    await resident.expect("没写完的投诉还在")
    await resident.tap("我要投诉")
    await resident.expect("您有一份投诉还没写完", "厨房漏水")
    await resident.tap("继续")
    await resident.expect("您要反映哪方面的事")
    await resident.tap("✓ 房屋质量")
    await resident.expect("厨房漏水")
    await resident.tap("继续")
    await resident.tap("继续")
    await resident.expect("请核对一下", "厨房漏水")


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
    await resident.expect("已取消")
    await system.quiet()
    assert await dialog_of(factory, resident) is None
    assert await stored_files(factory) == 0
    assert await filed(factory) == []


async def test_an_empty_draft_is_cancelled_at_once(resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.tap("取消")
    await resident.expect("已取消")


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


async def test_asking_for_a_complaint_while_sharing_ones_number(resident: Person) -> None:
    await resident.send("/settings")
    await resident.tap("再添加一份协议")
    await resident.tap("用手机号")
    await resident.send("/complain")
    await resident.expect("您要反映哪方面的事")
    assert await resident.keyboard() is None


async def test_a_stranger_is_shown_the_way(system: System) -> None:
    stranger = await system.person("外人")
    await stranger.send("/complain")
    await stranger.expect("请先验证一下身份")
    assert "🔑 验证身份" in stranger.last.buttons


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


async def test_characters_without_a_sign_do_not_end_a_complaint(factory: Factory, resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("\0")
    await resident.expect("把事情写下来")
    await resident.send("厨房\0漏水 <b>&amp;</b> \u202e")
    await resident.expect("内容收到了")
    await resident.tap("继续")
    await resident.expect("厨房漏水 <b>&amp;</b>")
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    [case] = await filed(factory)
    assert factory.vault.open("case.text", case.text) == "厨房漏水 <b>&amp;</b> \u202e"


async def test_the_receipt_got_lost_on_its_way(system: System, factory: Factory, resident: Person) -> None:
    await up_to_summary(resident)
    await system.fault("sendMessage", 500)
    await resident.tap("提交")
    await resident.expect("之前填写的内容都还在")
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    assert len(await filed(factory)) == 1
