"""An ID number that nobody asked for: wherever it is sent, neither the chat nor anything that is stored keeps it."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select

from api.cases.models import Case
from api.chats.models import Chat
from tests.api.desk import Desk
from tests.factories import Factory
from tests.flows.conftest import System
from tests.flows.files import PDF, picture
from tests.flows.test_cases import file_one
from tests.people import Person

NEW, OLD = "110101199003070011", "110101900307001"
Way = Callable[[Person], Awaitable[None]]


def says(text: str) -> Way:
    return lambda person: person.send(text)


WAYS: dict[str, Way] = {
    "alone": says(NEW),
    "of fifteen characters": says(OLD),
    "after a phone number, in groups": says("19900005678 110101 19900307 0011"),
    "behind a command": says(f"/payments {NEW}"),
    "behind an unknown command": says(f"/chaxun {NEW}"),
    "as a start parameter": says(f"/start {NEW}"),
    "below a photo": lambda person: person.send_photo(picture(), caption=f"身份证 {NEW}"),
    "below a document": lambda person: person.send_document(PDF, caption=OLD),
}


async def at_menu(person: Person) -> None:
    await person.send("/start")
    await person.expect_any()


async def at_the_offices_first_question(person: Person) -> None:
    await person.send("/settings")
    await person.tap("请工作专班帮忙")


async def at_the_offices_text(person: Person) -> None:
    await at_the_offices_first_question(person)
    await person.tap("其他")


async def at_ways(person: Person) -> None:
    await person.send("/home")
    await person.tap("验证身份")


async def at_the_code(person: Person) -> None:
    await at_ways(person)
    await person.tap("用邀请码")


async def kept(factory: Factory, person: Person) -> str:
    """What is stored of the conversation."""
    async with factory.database.transaction() as session:
        dialog = await session.scalar(select(Chat.dialog).where(Chat.id == person.id))
    return factory.vault.open("chat.dialog", dialog) if dialog is not None else ""


def holds_digits(text: str) -> bool:
    return any(digits in text for digits in (NEW, OLD, NEW[-8:], OLD[-8:]))


async def gone_from_chat(person: Person) -> None:
    await person.expect_that(
        "one's message to be deleted",
        lambda me: (
            not any(
                message.mine and ("110101" in message.text or "photo" in message.wire or "document" in message.wire)
                for message in me.messages.values()
            )
        ),
    )


@pytest.mark.parametrize(
    ("place", "way"),
    [
        *((at_menu, way) for way in WAYS),
        *(
            (place, way)
            for place in (at_the_offices_first_question, at_the_offices_text, at_ways, at_the_code)
            for way in ("alone", "behind a command", "below a photo")
        ),
    ],
)
async def test_it_once_stayed_in_the_chat_behind_commands_below_pictures_and_at_buttons(
    system: System, factory: Factory, place: Way, way: str
) -> None:
    person = await system.person("钱样本")
    await place(person)
    await system.quiet()
    before = await kept(factory, person)
    await WAYS[way](person)
    await person.expect("看着像身份证号")
    await gone_from_chat(person)
    await system.quiet()
    assert await kept(factory, person) == before, "the conversation stands where it stood"


async def test_it_once_stayed_in_the_chat_before_the_notice_was_read(system: System) -> None:
    person = await system.person("钱样本", agreed=False)
    await at_the_offices_first_question(person)
    await person.expect_button("看过了")
    await person.send(NEW)
    await person.expect("看着像身份证号")
    await person.expect_button("看过了")
    await gone_from_chat(person)


async def test_a_reply_in_the_middle_of_something_else_takes_it_to_nobody(
    factory: Factory, resident: Person, desk: Desk
) -> None:
    number = await file_one(resident, "三个月没有发过渡费")
    await desk.act(number, "register")
    await desk.act(number, "ask", text="户主叫什么？")
    asked = await resident.expect("户主叫什么？")
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.reply(asked, f"钱样本，身份证 {NEW}")
    await resident.expect("像身份证号的数字", "您的回答已经转给工作人员")
    await gone_from_chat(resident)
    assert (await desk.case(number, chat=resident.id)).events[-1].text == "钱样本，身份证 ******"
    assert not holds_digits(await kept(factory, resident))


async def test_a_complaint_once_kept_it_and_now_keeps_the_rest(
    system: System, factory: Factory, resident: Person
) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send(f"我叫钱样本，身份证号{NEW}，厨房漏水")
    await resident.expect("像身份证号的数字", "其余的都还在", "内容收到了")
    await gone_from_chat(resident)
    await resident.send_photo(picture(), caption=f"老身份证 {OLD} 的户主")
    await resident.expect("像身份证号的数字", "已收到：1张照片")
    await gone_from_chat(resident)
    await system.quiet()
    assert not holds_digits(await kept(factory, resident))
    await resident.send(f"/cases {NEW}")
    await resident.expect("看着像身份证号")
    await resident.expect("要继续吗")
    await gone_from_chat(resident)
    await resident.tap("继续填写")
    await resident.expect("已收到：1张照片")
    await resident.tap("继续")
    summary = await resident.expect("请核对一下", "厨房漏水", "1张照片")
    assert not holds_digits(summary.text)
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    async with factory.database.transaction() as session:
        case = (await session.execute(select(Case))).scalar_one()
    assert factory.vault.open("case.text", case.text) == "我叫钱样本，身份证号******，厨房漏水\n老身份证 ****** 的户主"
