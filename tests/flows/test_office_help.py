"""Nobody stands before a closed door: who cannot prove who they are asks the office, and sees how far that is."""

import pytest
from sqlalchemy import text

from api.identity.schemas import AccessRequestKind
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.flows.files import picture
from tests.people import Person

WORDS = "TEST-00001，我叫钱样本，电话 19900005678，父亲去年去世了"
CONTACT = "样本路1号一楼，工作日9:00–17:00，电话 000-0000"
KINDS = {
    AccessRequestKind.HOLDER_DIED: ("权利人去世了", "死亡证明"),
    AccessRequestKind.RESOLD: ("房子卖给我了", "您买这套房子的合同"),
    AccessRequestKind.NAME_CHANGED: ("我的姓名或身份证号变了", "户口本"),
    AccessRequestKind.PHONE_CHANGED: ("我的手机号换了", "新号码登记好以后"),
    AccessRequestKind.OTHER: ("其他", "能说明情况的其他材料"),
}


async def ask_office(person: Person, kind: AccessRequestKind = AccessRequestKind.HOLDER_DIED) -> None:
    await person.send("/settings")
    await person.tap("请工作专班帮忙")
    await person.tap(KINDS[kind][0])


async def requests(factory: Factory) -> list[tuple[int, str, str]]:
    async with factory.database.transaction() as session:
        rows = await session.execute(text("SELECT chat_id, kind, text FROM access_requests ORDER BY id"))
        return [(row.chat_id, row.kind, factory.vault.open("access_request.text", row.text)) for row in rows]


@pytest.mark.parametrize("kind", list(AccessRequestKind))
async def test_each_matter_reaches_staff(system: System, factory: Factory, kind: AccessRequestKind) -> None:
    settings = system.application.bot_data["settings"]
    system.application.bot_data["settings"] = settings.model_copy(update={"office_contact": CONTACT})
    person = await system.person("钱样本")
    await ask_office(person, kind)
    await person.expect(KINDS[kind][1], "现在请发一条消息", "请不要写身份证号", CONTACT)
    await person.send(WORDS)
    filed = await person.expect("您的事已经报给工作专班", "编号1", CONTACT)
    assert filed.protected
    assert len(filed.buttons) == len(set(filed.buttons))
    assert await requests(factory) == [(person.id, kind, WORDS)]
    await person.send("/settings")
    await person.expect("您找工作专班办的事", KINDS[kind][0], "等工作人员处理")
    async with factory.database.transaction() as session:
        await session.execute(text("UPDATE access_requests SET state = 'declined', handled_at = now()"))
    await person.send("/settings")
    await person.expect("没有办成")


async def test_in_english(system: System, factory: Factory) -> None:
    person = await system.person("Sam", language="en", agreed=False)
    await person.send("/settings")
    await person.tap("Ask the office for help")
    await person.expect("How your data is handled")
    await person.tap("I have read it")
    await person.tap("The home was sold to me")
    asked = await person.expect("the contract by which you bought the home", "Now please write one message")
    assert "The office:" not in asked.text, "no contact is set"
    await person.send("AZ-1, Sam, phone 1990000")
    await person.expect("Your request No. 1", "is with the office")
    assert [row[1:] for row in await requests(factory)] == [("resold", "AZ-1, Sam, phone 1990000")]


async def test_nothing_is_asked_before_the_notice_is_read(system: System, factory: Factory) -> None:
    person = await system.person("钱样本", agreed=False)
    await person.send("/settings")
    await person.tap("请工作专班帮忙")
    await person.expect_button("看过了")
    await person.send(WORDS)
    await person.expect("请点一个按钮")
    assert await requests(factory) == []
    await person.tap("看过了")
    await person.expect("您遇到的是哪种情况")
    async with factory.database.transaction() as session:
        kinds = (await session.execute(text("SELECT kind FROM consents WHERE withdrawn_at IS NULL"))).scalars().all()
    assert list(kinds) == ["notice"]


async def test_new_words_are_shown_before_anything_is_kept(system: System, factory: Factory) -> None:
    person = await system.person("钱样本")
    await ask_office(person)
    await person.expect("现在请发一条消息")
    async with factory.database.transaction() as session:
        await session.execute(text("UPDATE consents SET version = 'older words'"))
    await person.send(WORDS)
    await person.expect_button("看过了")
    assert await requests(factory) == []
    await person.tap("看过了")
    await person.expect("您的事已经报给工作专班")
    assert [row[2] for row in await requests(factory)] == [WORDS], "nobody writes it twice"


async def test_an_id_number_and_pictures_are_not_kept(system: System, factory: Factory, household: Household) -> None:
    person = await system.person("钱样本")
    await ask_office(person)
    await person.send(f"我的身份证 {household.id_number}")
    await person.expect("看着像身份证号")
    await person.expect("现在请发一条消息")
    await person.expect_deleted(household.id_number)
    await person.send_photo(picture())
    await person.expect("请不要把证件照片发到这里", "现在请发一条消息")
    assert not any("photo" in message.wire for message in person.messages.values())
    await person.sticker()
    await person.expect("请打字发给我")
    await person.send("字" * 2001)
    await person.expect("最多2,000个字")
    assert await requests(factory) == []
    await person.send(WORDS)
    await person.expect("您的事已经报给工作专班")


async def test_going_back_and_stopping(system: System, factory: Factory) -> None:
    person = await system.person("钱样本")
    await ask_office(person)
    await person.tap("上一步")
    await person.tap("我的手机号换了")
    await person.expect("新号码登记好以后")
    await person.send("/handover")
    await person.expect("没填完的内容还在")
    await person.tap("继续")
    await person.expect("新号码登记好以后")
    await person.send("/cancel")
    await person.expect_button("设置")
    await person.send(WORDS)
    await system.quiet()
    assert await requests(factory) == []


async def test_three_may_wait(system: System, factory: Factory) -> None:
    person = await system.person("钱样本")
    for _ in range(3):
        await ask_office(person)
        await person.send(WORDS)
        await person.expect("您的事已经报给工作专班")
    await ask_office(person)
    await person.send(WORDS)
    await person.expect("已经有3件事在工作专班那里")
    assert len(await requests(factory)) == 3


async def test_a_complaint_that_it_interrupts_goes_on_afterwards(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    lapsed = await factory.agreement()
    await factory.link(resident.id, lapsed, valid_until=lapsed.as_of.replace(year=2020))
    await resident.send("/complain")
    await resident.expect_any()
    await ask_office(resident)
    await resident.send(WORDS)
    await resident.expect("您的事已经报给工作专班")
    await resident.tap("继续")
    await resident.expect_any()
    assert len(await requests(factory)) == 1


async def test_whose_papers_do_not_match_is_led_to_the_office(
    system: System, factory: Factory, household: Household
) -> None:
    person = await system.person("钱样本")
    await person.send("/home")
    await person.tap("验证身份")
    await person.tap("用协议")
    await person.send(household.agreement.number)
    await person.expect("权利人的姓名")
    await person.send("钱样本")
    await person.expect("后六位")
    await person.send("123456")
    await person.expect("对不上")
    await person.tap("请工作专班帮忙")
    await person.tap("我的姓名或身份证号变了")
    await person.send(WORDS)
    await person.expect("您的事已经报给工作专班")
    assert [row[1] for row in await requests(factory)] == ["name_changed"]
    # Neither conversation is left over.
    await person.send("你好")
    assert not any("继续" in button for button in (await person.expect_any()).buttons)
