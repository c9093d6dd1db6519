"""The office's people in the chat: linking an account, requests for access, who sees an agreement. Nobody else learns
that there is anything."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from api.agreements.schemas import PartyRole
from api.audit.service import OPERATOR
from api.chats.models import Link
from api.identity.models import LinkCode
from api.identity.schemas import LinkMethod, LinkRole, LinkScope
from api.staff.models import StaffAccount
from api.staff.schemas import StaffRole
from api.staff.service import change_account
from tests.api.test_staff import code_for, staff
from tests.days import office_day
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.people import Person

WORDS = "我是权利人的儿子，父亲去年去世了，电话打原来那个"
Officer = Callable[..., Awaitable[Person]]


@pytest.fixture
def officer(system: System, factory: Factory) -> Officer:
    """Somebody of the office, whose Telegram acts for an account with these roles."""

    async def arrive(*roles: StaffRole, name: str = "接访甲", language: str = "zh-hans") -> Person:
        person = await system.person(name, language=language)
        await staff(factory, person.id, *roles or [StaffRole.CASE_OFFICER], name=name)
        return person

    return arrive


async def ask_office(system: System, name: str = "钱样本", kind: str = "权利人去世了") -> Person:
    person = await system.person(name)
    await person.send("/settings")
    await person.tap("请工作专班帮忙")
    await person.tap(kind)
    await person.send(WORDS)
    await person.expect("您的事已经报给工作专班")
    return person


async def open_request(person: Person, number: int = 1) -> None:
    await person.send("/staff")
    await person.tap("核对证件的请求")
    await person.tap(f"{number}号")
    await person.expect(WORDS)


async def links(factory: Factory, person: Person) -> list[Link]:
    async with factory.database.transaction() as session:
        found = await session.scalars(select(Link).where(Link.chat_id == person.id, Link.revoked_at.is_(None)))
        return list(found)


async def news(factory: Factory) -> list[tuple[int, str]]:
    async with factory.database.transaction() as session:
        rows = await session.execute(text("SELECT chat_id, kind FROM deliveries ORDER BY id"))
        return [(row.chat_id, row.kind) for row in rows]


# --- who one is ---

ALIKE = pytest.mark.security("Nobody learns who works for the office")


async def test_every_menu_leads_the_office_to_its_desk_and_nobody_else(
    system: System, officer: Officer, factory: Factory
) -> None:
    clerk, stranger = await officer(StaffRole.CLERK), await system.person("路人")
    await clerk.send("今天有人来吗")
    await clerk.tap("工作台")
    await clerk.expect("工作专班内部", "数据员")
    await clerk.send("工作台")
    await clerk.expect("工作专班内部", "数据员")
    await stranger.send("工作台")
    assert not any("工作台" in key for key in (await stranger.expect("请点")).buttons)
    async with factory.database.transaction() as session:
        account = (await session.scalars(select(StaffAccount.id).where(StaffAccount.chat_id == clerk.id))).one()
        await change_account(session, factory.vault, OPERATOR, account, disabled=True)
    await clerk.send("今天有人来吗")
    assert not any("工作台" in key for key in (await clerk.expect("请点")).buttons)


async def test_a_code_links_and_does_not_stay_in_the_chat(system: System, factory: Factory) -> None:
    account = await staff(factory, None, StaffRole.CASE_OFFICER, StaffRole.CLERK, name="接访甲")
    code = await code_for(factory, account)
    person = await system.person("接访甲")
    await person.send(f"/staff {code.lower()}")
    linked = await person.expect("绑定好了", "接访甲", "接访员、数据员")
    assert linked.protected
    await person.expect_deleted(code.lower())
    await person.send("/staff")
    shown = await person.expect("工作专班内部", "接访甲")
    assert shown.buttons == ["📋 信访件", "📥 核对证件的请求", "🔎 谁能看到某份协议", "返回主菜单"]


async def test_the_link_from_the_command_line_does_the_same(system: System, factory: Factory) -> None:
    account = await staff(factory, None, StaffRole.PUBLISHER, name="Pat")
    person = await system.person("Pat", language="en")
    code = await code_for(factory, account)
    await person.send(f"/start {code}")
    linked = await person.expect("this Telegram account acts for you", "Publisher")
    assert linked.buttons == ["📣 Broadcasts", "Main menu"], "what this role has"
    await person.expect_deleted(code)


@ALIKE
async def test_nobody_learns_who_works_for_the_office(system: System, factory: Factory) -> None:
    """Without a code, with wrong ones of every sort, and after them: the same words as to anybody."""
    account = await staff(factory, None, StaffRole.ADMIN)
    used = await code_for(factory, account)
    first = await system.person("管理甲", user_id=900_000_001)
    await first.send(f"/staff {used}")
    await first.expect("绑定好了")
    answers = set()
    for number, given in enumerate((used, "S-ABCDEFGHJKLM", "ABCDEFGHJK", "你好", "x" * 3000)):
        stranger = await system.person(f"外人{number}", user_id=910_000_000 + number * 1_000_000)
        await stranger.send("/staff")
        nothing = await stranger.expect("这是工作专班内部用的")
        await stranger.send(f"/staff {given}")
        wrong = await stranger.expect_any()
        answers.add((nothing.text, tuple(nothing.buttons), wrong.text, tuple(wrong.buttons)))
    assert len(answers) == 1
    assert "邀请码" in wrong.text


@ALIKE
async def test_guessing_locks(system: System, factory: Factory) -> None:
    account = await staff(factory, None, StaffRole.ADMIN)
    code = await code_for(factory, account)
    stranger = await system.person("外人")
    for _ in range(5):
        await stranger.send("/staff S-ABCDEFGHJKLM")
        await stranger.expect("邀请码")
    await stranger.send(f"/staff {code}")
    await stranger.expect("请过15分钟再试")
    await stranger.send("/staff")
    await stranger.expect("这是工作专班内部用的")


# --- requests for access ---


async def test_an_heir_is_let_in_step_by_step(
    system: System, factory: Factory, household: Household, resident: Person, officer: Officer
) -> None:
    heir = await factory.person()
    await factory.party(household.agreement, heir, PartyRole.HEIR, position=1)
    child, clerk = await ask_office(system), await officer()
    await clerk.send("/staff")
    await clerk.tap("核对证件的请求")
    listed = await clerk.expect("有1件请求等待答复", "1号", "权利人去世了", "等待答复")
    assert WORDS not in listed.text
    await clerk.tap("1号")
    shown = await clerk.expect(WORDS)
    await clerk.tap("✅ 同意")
    await clerk.expect("让对方看哪份协议")
    await clerk.send("AZ-9999")
    await clerk.expect("没有这个编号的协议", "让对方看哪份协议")
    await clerk.send(household.agreement.number.lower())
    who = await clerk.expect("台账上的人", "核对证件以后")
    assert household.name not in who.text
    await clerk.tap("继承人", on=next(m for m in clerk.answers if m.inline))
    await clerk.expect("材料没交齐以前")
    await clerk.tap("全部")
    summary = await clerk.expect("同意让对方看吗", household.agreement.number, "继承人", "全部")
    assert await links(factory, child) == []
    await clerk.tap("确定同意")
    done = await clerk.expect("办好了", "已同意", "接访甲")
    assert all(message.protected for message in (listed, shown, who, summary, done))
    (link,) = await links(factory, child)
    assert (link.person_id, link.role, link.method) == (heir.id, LinkRole.HEIR, LinkMethod.OFFICE)
    assert sorted(await news(factory)) == sorted([(resident.id, "new_link"), (child.id, "access_granted")])
    await child.send("/payments")
    await child.expect(household.agreement.number)
    await child.send("/settings")
    await child.expect("由工作专班核对后绑定", "已经办好")
    await clerk.send("/staff")
    await clerk.tap("核对证件的请求")
    await clerk.expect("没有等待答复的请求")


async def test_a_proxy_in_english(system: System, factory: Factory, household: Household, officer: Officer) -> None:
    await ask_office(system)
    clerk = await officer(name="Pat", language="en")
    await clerk.send("/staff")
    await clerk.tap("Requests for access")
    await clerk.tap("No. 1")
    await clerk.tap("Let them in")
    await clerk.send(household.agreement.number)
    await clerk.tap("A proxy")
    for wrong, told in (("soon", "no date that I understand"), ("2027-02-30", "no date"), ("2020-01-01", "is past")):
        await clerk.send(wrong)
        await clerk.expect(told, "Until which day")
    await clerk.send("2031年5月3日")
    await clerk.tap("Only how far")
    await clerk.expect("Let them in? Request No. 1", "Proxy", "Until")
    await clerk.tap("Begin once more")
    await clerk.send(household.agreement.number)
    await clerk.tap("A proxy")
    await clerk.tap("For a month")
    await clerk.tap("Only how far")
    await clerk.tap("Yes, let them in")
    await clerk.expect("Done")
    async with factory.database.transaction() as session:
        (link,) = await session.scalars(select(Link))
    assert (link.role, link.scope) == (LinkRole.PROXY, LinkScope.PROGRESS)
    assert link.valid_until is not None
    assert timedelta(26) < link.valid_until - office_day() < timedelta(33)


async def test_an_answer_of_no_is_read_word_for_word(system: System, factory: Factory, officer: Officer) -> None:
    who = factory.invented()
    child, clerk = await ask_office(system), await officer()
    await open_request(clerk)
    await clerk.tap("不同意")
    await clerk.expect("请写下要告诉对方的话")
    await clerk.send(f"请带身份证 {who.id_number}")
    await clerk.expect("看着像身份证号")
    await clerk.expect_deleted(who.id_number)
    await clerk.send("长" * 501)
    await clerk.expect("最多500个字")
    await clerk.sticker()
    await clerk.expect("请打字发给我")
    await clerk.send("请带户口本")
    await clerk.expect("对方会看到", "请带户口本")
    await clerk.tap("重新写")
    await clerk.send("请带户口本和公证书来一趟 <b>工作专班</b>")
    await clerk.expect("公证书来一趟 <b>工作专班</b>")
    assert await news(factory) == []
    await clerk.tap("确定发送")
    await clerk.expect("发出去了", "没有同意", "公证书")
    assert await news(factory) == [(child.id, "access_declined")]
    await child.send("/settings")
    await child.expect("没有办成", "请带户口本和公证书来一趟 <b>工作专班</b>")


async def test_the_second_officer_finds_it_answered(
    system: System, factory: Factory, household: Household, officer: Officer
) -> None:
    child = await ask_office(system)
    first, second = await officer(), await officer(name="接访乙")
    for person in (first, second):
        await open_request(person)
        await person.tap("✅ 同意")
        await person.send(household.agreement.number)
        await person.tap("其他家人")
        await person.tap("只看进度")
        await person.expect("同意让对方看吗")
    await first.tap("确定同意")
    await first.expect("办好了")
    await second.tap("确定同意")
    await second.expect("已经有人答复了", "接访甲")
    assert len(await links(factory, child)) == 1


@ALIKE
async def test_a_disabled_officer_is_a_stranger_at_once(
    system: System, factory: Factory, household: Household, officer: Officer
) -> None:
    """In the middle of an answer: the phone was reported stolen."""
    child, clerk = await ask_office(system), await officer()
    await open_request(clerk)
    await clerk.tap("✅ 同意")
    await clerk.send(household.agreement.number)
    await clerk.tap("其他家人")
    await clerk.tap("全部")
    await clerk.expect("同意让对方看吗")
    async with factory.database.transaction() as session:
        await change_account(session, factory.vault, OPERATOR, 1, disabled=True)
    await clerk.tap("确定同意")
    await clerk.expect("这是工作专班内部用的")
    assert await links(factory, child) == []
    for tap in ("s_queue:", "s_req:1", "s_yes:1", "s_no:1", "s_number", "s_agr:1:0", "s_end:1:1", "s_end_do:1:1"):
        await clerk.tap_data(clerk.last.id, tap)
        await clerk.expect("这是工作专班内部用的")
    await clerk.send(household.agreement.number)
    assert household.name[0] + "*" not in (await clerk.expect_any()).text


async def test_a_viewer_sees_that_people_wait_and_no_word_of_theirs(system: System, officer: Officer) -> None:
    await ask_office(system)
    viewer = await officer(StaffRole.VIEWER)
    await viewer.send("/staff")
    await viewer.tap("核对证件的请求")
    listed = await viewer.expect("有1件请求等待答复")
    assert "1号" not in listed.buttons
    for tap in ("s_req:1", "s_yes:1", "s_no:1"):
        await viewer.tap_data(listed.id, tap)
        await viewer.expect("没有这个权限", "查看员")
    assert not any(WORDS in said for said in viewer.said())


async def test_a_request_that_is_not_there_is_told_of_kindly(system: System, officer: Officer) -> None:
    clerk, stranger = await officer(), await system.person("孙样本")
    for person, told in ((clerk, "这件请求已经不在了"), (stranger, "这是工作专班内部用的")):
        for tap in ("s_req:zz", "s_yes:zz", "s_no:zz", "s_no:-t6"):
            await person.send("/help")
            await person.tap_data((await person.expect("")).id, tap)
            await person.expect(told)


async def test_what_was_begun_before_goes_on_afterwards(
    system: System, factory: Factory, household: Household, officer: Officer
) -> None:
    """Somebody of the office may have a home here too."""
    await ask_office(system)
    clerk = await officer()
    await factory.link(clerk.id, household.agreement)
    await clerk.send("/complain")
    await clerk.tap("房屋质量")
    await open_request(clerk)
    await clerk.tap("不同意")
    await clerk.send("/home")
    await clerk.expect("没填完的内容还在")
    await clerk.tap("继续")
    await clerk.expect("请写下要告诉对方的话")
    await clerk.send("请来一趟")
    await clerk.tap("确定发送")
    await clerk.expect("发出去了")
    await clerk.send("/handover")
    await clerk.expect("没填完的内容还在")


# --- who sees an agreement ---


async def test_an_impostor_is_shut_out(
    system: System, factory: Factory, household: Household, resident: Person, officer: Officer
) -> None:
    clerk, impostor = await officer(), await system.person("外人")
    await factory.link(impostor.id, household.agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    await clerk.send("/staff")
    await clerk.tap("谁能看到某份协议")
    await clerk.expect("请发协议")
    await clerk.send(household.id_number)
    await clerk.expect("看着像身份证号")
    await clerk.expect_deleted(household.id_number)
    await clerk.send(household.agreement.number)
    shown = await clerk.expect("台账上的人", "谁能在 Telegram 里看到", "1. 权利人本人", "2. 家人", "用邀请码验证")
    assert shown.protected
    assert household.name not in shown.text
    assert household.phone not in shown.text
    await clerk.tap("2. 不让那个账号看")
    await clerk.expect("他们都会收到通知")
    await clerk.tap("不了，返回")
    await clerk.tap("2. 不让那个账号看")
    await clerk.tap("确定")
    ended = await clerk.expect("已经办好")
    assert "2. 家人" not in ended.text
    assert await news(factory) == [(impostor.id, "link_ended")]
    await impostor.send("/home")
    await impostor.expect("请先验证一下身份")
    await resident.send("/home")
    await resident.expect(household.agreement.number)


async def test_a_code_at_the_counter(system: System, factory: Factory, household: Household, officer: Officer) -> None:
    clerk = await officer()
    await clerk.send("/staff")
    await clerk.tap("谁能看到某份协议")
    await clerk.send(household.agreement.number)
    await clerk.tap("生成邀请码")
    await clerk.expect("证件已经核对过的人")
    await clerk.tap("只看进度")
    invitation = await clerk.expect("https://t.me/", "只能用一次")
    assert not invitation.protected, "it is there to be passed on"
    assert household.agreement.number not in invitation.text
    code = re.search(r"start=([A-Z2-9]{10})", invitation.text)
    assert code is not None
    person = await system.person("钱样本")
    await person.send(f"/start {code[1]}")
    await person.expect("找到您的1份协议")
    async with factory.database.transaction() as session:
        (row,) = await session.scalars(select(LinkCode))
    assert (row.issued_by_staff_id, row.scope) == (1, LinkScope.PROGRESS)


async def test_a_data_clerk_looks_and_changes_nothing(
    system: System, household: Household, resident: Person, officer: Officer
) -> None:
    clerk = await officer(StaffRole.CLERK)
    await clerk.send("/staff")
    assert (await clerk.expect("数据员")).buttons == ["🔎 谁能看到某份协议", "返回主菜单"]
    await clerk.tap("谁能看到某份协议")
    await clerk.send(household.agreement.number)
    shown = await clerk.expect("谁能在 Telegram 里看到")
    assert shown.buttons == ["🔎 查另一份协议", "⬅️ 上一步"]
    for tap in ("s_end_do:1:1", "s_code_do:1:everything", "s_queue:"):
        await clerk.tap_data(shown.id, tap)
        await clerk.expect("没有这个权限")
    await resident.send("/home")
    await resident.expect(household.agreement.number)
