"""Filing a complaint, as people do it: one step after another, and all at once."""

from sqlalchemy import func, select

from api.cases.models import Attachment, Case
from api.chats.models import Chat
from tests.factories import Factory
from tests.flows.conftest import Household, System, new_household
from tests.flows.files import PDF, picture
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


async def test_a_stranger_is_shown_the_way(system: System) -> None:
    stranger = await system.person("外人")
    await stranger.send("/complain")
    await stranger.expect("请先验证一下身份")
    assert "🔑 验证身份" in stranger.last.buttons


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
