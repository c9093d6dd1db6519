"""/mydata and /forget, as people use them."""

import re
from html.parser import HTMLParser

import pytest
from sqlalchemy import select

from api.chats.models import Chat, Link
from api.identity.schemas import LinkMethod, LinkRole, LinkScope
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.flows.screens import secrets_of_everybody
from tests.flows.test_family import let_in, use_code
from tests.people import Message, Person

pytestmark = pytest.mark.security("A person sees all that is kept, and can have it erased")

COMPLAINT = "三楼电梯间一直漏水 <b>& 没人管"


class Page(HTMLParser):
    """Checks that every element is closed in its order, and that nothing comes from outside or runs."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onclick", "onload"}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


async def copy_of(system: System, message: Message) -> Page:
    """The document that a message bears, as a phone opens it."""
    file = system.world.files.get(message.wire["document"]["file_id"])
    assert file is not None
    page = Page(file.data.decode())
    assert "script" not in page.tags
    return page


async def stored(factory: Factory, person: Person) -> tuple[int, int]:
    """Rows of the chat itself, and of its links."""
    async with factory.database.transaction() as session:
        chats = (await session.execute(select(Chat.id).where(Chat.id == person.id))).all()
        links = (await session.execute(select(Link.id).where(Link.chat_id == person.id))).all()
    return len(chats), len(links)


async def file_complaint(person: Person) -> None:
    await person.send("/complain")
    await person.tap("房屋质量")
    await person.expect("把事情写下来")
    await person.send(COMPLAINT)
    await person.tap("继续")
    await person.tap("提交")
    await person.expect("您的投诉已经提交")


async def test_a_copy_in_chinese(system: System, factory: Factory, household: Household, resident: Person) -> None:
    await factory.ledger_entry(household.agreement, "8817.00")
    await factory.transition_fee(household.agreement)
    child = await system.person("小张")
    await factory.link(child.id, household.agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    await child.send("/home")
    await child.expect(household.agreement.number)
    await file_complaint(resident)
    await resident.send("/mydata")
    answer = await resident.expect("保存的您的信息", "不能转发")
    assert answer.protected
    assert re.fullmatch(r"我的信息-\d{4}-\d\d-\d\d\.html", answer.wire["document"]["file_name"])
    page = await copy_of(system, answer)
    for part in (
        household.agreement.number,
        household.unit.room,
        "¥8,817.00",
        COMPLAINT,
        "权利人本人",
        "家人",
        "您家的另一个 Telegram 账号",
        "看过房子的情况",
        "核对身份证号",
        "30天",
        "十一、保存多久",
    ):
        assert part in page.text, part
    assert "{" not in page.text
    secrets = await secrets_of_everybody(factory)
    plain = page.text.replace(" ", "").replace("-", "")
    assert [whose for secret, whose in secrets.items() if secret in plain] == []


async def test_a_copy_in_english(system: System, household: Household, english_resident: Person) -> None:
    await english_resident.send("/privacy")
    await english_resident.tap("A copy of my data")
    answer = await english_resident.expect("what is kept about you", "cannot be forwarded")
    assert answer.wire["document"]["file_name"].startswith("my-data-")
    page = await copy_of(system, answer)
    for part in (household.agreement.number, "Whose home you may see", "Nobody but you.", "How long it is kept"):
        assert part in page.text, part
    # Nothing Chinese but what the roll itself says: a layout, the holder's surname.
    assert set(re.findall("[\u4e00-\u9fff]+", page.text)) == {"三室两厅一卫", household.name[0]}


async def test_progress_only_sees_no_money_in_the_copy_either(
    system: System, factory: Factory, household: Household
) -> None:
    await factory.ledger_entry(household.agreement, "8817.00")
    await factory.transition_fee(household.agreement)
    child = await system.person("小张")
    await factory.link(
        child.id,
        household.agreement,
        role=LinkRole.RELATIVE,
        method=LinkMethod.CODE,
        scope=LinkScope.PROGRESS,
    )
    await child.send("/mydata")
    page = await copy_of(system, await child.expect("保存的您的信息"))
    assert household.unit.room in page.text
    assert "权利人没有给您看" in page.text
    assert "¥" not in page.text
    assert household.agreement.number not in page.text


async def test_a_stranger_has_a_copy_too(system: System) -> None:
    stranger = await system.person("外人", agreed=False)
    await stranger.send("/mydata")
    page = await copy_of(system, await stranger.expect("保存的您的信息"))
    assert "这个聊天在 Telegram 的编号" in page.text


async def test_three_copies_a_day(resident: Person) -> None:
    for _ in range(3):
        await resident.send("/mydata")
        await resident.expect("保存的您的信息")
    await resident.send("/mydata")
    refused = await resident.expect("24小时里已经给过您3份了", "明天再来")
    assert refused.buttons


async def test_forgetting(system: System, factory: Factory, household: Household, resident: Person) -> None:
    await file_complaint(resident)
    await resident.send("/complain")
    await resident.expect_any()
    await resident.send("/forget")
    asked = await resident.expect(
        "要删除您在这里的信息吗", "能看1份协议", "1件投诉", "《信访工作条例》", "写了一半", "留30天", "谁都删不了"
    )
    assert "工作人员账号" not in asked.text
    await resident.tap("先不删")
    await resident.expect("您的个人信息怎么用")
    await resident.send("/home")
    await resident.expect(household.agreement.number)
    await resident.send("/forget")
    await resident.tap("确定删除")
    await resident.expect("已经删除", "/start")
    await system.quiet()
    assert await stored(factory, resident) == (0, 0)


async def test_afterwards_one_is_a_stranger_and_can_begin_anew(
    system: System, household: Household, resident: Person
) -> None:
    await resident.send("/forget")
    await resident.tap("确定删除")
    await resident.expect("已经删除")
    await resident.send("/home")
    await resident.expect("请先验证一下身份")
    await resident.send("/start")
    await resident.tap("验证身份")
    # Asked for consent like anybody who comes for the first time.
    await resident.tap("我看过了")
    await resident.tap("用手机号")
    await resident.tap("同意")
    await resident.press("发送我的手机号")
    await resident.send(household.id_number[-4:])
    await resident.expect("找到您的1份协议")


async def test_the_button_pressed_twice(system: System, factory: Factory, resident: Person) -> None:
    await resident.send("/forget")
    asked = await resident.expect("要删除您在这里的信息吗")
    _, yes = await resident.find_button("确定删除")
    await resident.tap("确定删除")
    await resident.expect("已经删除")
    await resident.tap_data(asked.id, str(yes["callback_data"]))
    await system.quiet()
    assert await stored(factory, resident) == (0, 0)
    assert "已经删除" in resident.last.text


async def test_whom_one_let_in_is_named_before(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    code = await let_in(resident, "让家人也能看", "生成邀请码", "全部", "一年")
    child = await use_code(system, factory, code)
    await resident.send("/forget")
    await resident.expect("您用邀请码让进来的1个人", "会通知他们")
    await resident.tap("确定删除")
    await resident.expect("已经删除")
    await child.send("/home")
    await child.expect("请先验证一下身份")


async def test_forgetting_in_english(system: System, english_resident: Person) -> None:
    await english_resident.send("/privacy")
    await english_resident.tap("Delete my data")
    await english_resident.expect("This is deleted, at once and for good", "This stays, and why")
    await english_resident.tap("Yes, delete it")
    await english_resident.expect("It is deleted", "/start")
    await english_resident.send("/settings")
    await english_resident.expect("No agreement is linked")
