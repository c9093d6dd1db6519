"""What new users type where verification asks for something else: no sentence costs them a try, no word a step."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update

from api.chats.models import Chat
from api.identity.models import VerificationAttempt
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.flows.test_bad_input import step_in
from tests.flows.test_complaint import dialog_of
from tests.flows.test_verification import choose, invitation, links_of
from tests.people import Person

SENTENCES = ("我不知道在哪里看", "what does this mean?", "协议是2021年签的，找不到了", "后四位是什么", "我住12号楼")


async def tries_of(factory: Factory, person: Person) -> int:
    async with factory.database.transaction() as session:
        counted = select(func.count()).where(VerificationAttempt.chat_id == person.id)
        return (await session.execute(counted)).scalar_one()


async def at_phone_tail(person: Person) -> None:
    await choose(person, "用手机号")
    await person.press("发送我的手机号")
    await person.expect("后四位")


async def at_id_tail(person: Person, household: Household) -> None:
    await choose(person, "用协议")
    await person.send(household.agreement.number)
    await person.send(household.name)
    await person.expect("后六位")


async def test_sentences_where_four_characters_are_asked_for_are_no_tries(
    system: System, factory: Factory, household: Household
) -> None:
    """They were: five questions locked a resident out, and their good code with them."""
    person = await system.person("张三", phone=household.phone)
    await at_phone_tail(person)
    for sentence in SENTENCES:
        await person.send(sentence)
        answer = await person.expect("不算您填错", "只要四位", "第一页")
        assert [key for key in answer.buttons if "用" in key] == ["📄 用协议（合同）", "🔑 用邀请码"]
        assert any("请工作专班帮忙" in key for key in answer.buttons)
        assert any("上一步" in key for key in answer.buttons)
        await person.expect_deleted(sentence)
    assert await tries_of(factory, person) == 0
    await person.send(household.id_number[-4:])
    await person.expect("找到您的1份协议")


async def test_nor_are_they_where_six_are(system: System, factory: Factory, household: Household) -> None:
    person = await system.person("张三")
    await at_id_tail(person, household)
    for sentence in (*SENTENCES, "尾号0171"):
        await person.send(sentence)
        answer = await person.expect("不算您填错", "只要六位")
        assert [key for key in answer.buttons if "用" in key] == ["📱 用手机号", "🔑 用邀请码"]
        await person.expect_deleted(sentence)
    assert await tries_of(factory, person) == 0
    await person.send(household.id_number[-6:])
    await person.expect("找到您的1份协议")


async def test_nor_where_a_code_is(system: System, factory: Factory, household: Household) -> None:
    child = await system.person("小张")
    await choose(child, "用邀请码")
    for sentence in ("我没有邀请码", "what code?", "WRONGCODE1", "1234567890", household.phone):
        await child.send(sentence)
        await child.expect("不算您填错", "十位")
        await child.expect_deleted(sentence)
    await child.send("/start hello")
    await child.expect("不算您填错")
    assert await tries_of(factory, child) == 0
    code = await invitation(factory, household)
    await child.send(f"儿子发来的：https://t.me/shanglou_bot?start={code}")
    await child.expect("找到您的1份协议")


CHINESE = str.maketrans("0123456789", "零一二三四五六七八九")


@pytest.mark.parametrize(
    "written",
    [
        lambda tail: f"尾号{tail}",
        lambda tail: f"我的身份证后四位是 {tail}。",
        lambda tail: "-".join(tail.lower()),
        lambda tail: tail.translate(CHINESE),
        lambda tail: f"my ID ends in {tail}",
    ],
    ids=["label", "sentence", "dashes", "numerals", "English"],
)
async def test_the_last_four_are_understood_however_they_are_written(
    system: System, household: Household, written: Callable[[str], str]
) -> None:
    person = await system.person("张三", phone=household.phone)
    await at_phone_tail(person)
    await person.send(written(household.id_number[-4:]))
    await person.expect("找到您的1份协议")


async def test_so_are_the_last_six_and_a_whole_number(system: System, household: Household) -> None:
    for number, tail in enumerate((household.id_number[-6:].translate(CHINESE), " ".join(household.id_number))):
        person = await system.person(f"张{number}")
        await at_id_tail(person, household)
        await person.send(tail)
        await person.expect("找到您的1份协议")


async def test_who_is_locked_out_can_still_use_a_code(system: System, factory: Factory, household: Household) -> None:
    person = await system.person("张三", phone=household.phone)
    await at_phone_tail(person)
    for _ in range(5):
        await person.send("0000")
        await person.expect("对不上")
    await person.send(household.id_number[-4:])
    locked = await person.expect("歇一会儿再试", "现在就能用")
    await person.tap("用邀请码", on=locked)
    await person.expect("工作人员给您的")
    await person.send(await invitation(factory, household))
    await person.expect("找到您的1份协议")


async def test_codes_that_do_not_work_lock_codes_and_not_the_phone(system: System, household: Household) -> None:
    person = await system.person("张三", phone=household.phone)
    await choose(person, "用邀请码")
    for _ in range(5):
        await person.send("ABCDEFGHJK")
        await person.expect("这个邀请码用不了")
    await person.send("ABCDEFGHJK")
    locked = await person.expect("邀请码先歇一会儿", "15分钟")
    assert not any("用邀请码" in key for key in locked.buttons)
    await at_phone_tail(person)
    await person.send(household.id_number[-4:])
    await person.expect("找到您的1份协议")


# --- a phone at the choice of the way ---


async def test_a_contact_shared_before_it_is_asked_for_waits_for_consent(
    system: System, factory: Factory, household: Household
) -> None:
    person = await system.person("张三", phone=household.phone, agreed=False)
    await person.send("/home")
    await person.tap("验证身份")
    await person.expect_button("看过了")
    await person.share_contact()
    await person.expect("手机号收到了")
    assert await tries_of(factory, person) == 0
    await person.tap("看过了")
    await person.expect("关于身份证号")
    await person.tap("同意")
    await person.expect("后四位")
    await person.send(household.id_number[-4:])
    await person.expect("找到您的1份协议")


async def test_one_shared_at_the_choice_of_the_way_goes_by_phone(system: System, household: Household) -> None:
    person = await system.person("张三", phone=household.phone)
    await person.send("/home")
    await person.tap("验证身份")
    await person.expect("选一种方式")
    await person.send_contact_card(household.phone)
    await person.expect("别人的名片用不了")
    await person.share_contact()
    await person.expect("后四位")
    await person.send(household.id_number[-4:])
    await person.expect("找到您的1份协议")


async def test_a_phone_number_typed_at_the_choice_leads_to_its_way(system: System, household: Household) -> None:
    person = await system.person("张三", phone=household.phone)
    await person.send("/home")
    await person.tap("验证身份")
    await person.expect("选一种方式")
    await person.send(f"+86 {household.phone[:3]}-{household.phone[3:]}")
    answer = await person.expect("不用您打字")
    assert "用手机号" in answer.buttons[0]
    await person.tap("用手机号", on=answer)
    await person.press("发送我的手机号")
    await person.expect("后四位")


# --- words that mean a key ---


async def reach(person: Person, household: Household, step: str) -> None:
    if step in ("contact", "phone_tail"):
        await choose(person, "用手机号")
        await person.expect("发送我的手机号")
        if step == "phone_tail":
            await person.press("发送我的手机号")
            await person.expect("后四位")
    elif step == "code":
        await choose(person, "用邀请码")
        await person.expect("工作人员给您的")
    else:
        await choose(person, "用协议")
        await person.expect("第一页上")
        for given, wanted in ((household.agreement.number, "name"), (household.name, "id_tail")):
            if step in (wanted, "id_tail"):
                await person.send(given)
                await person.expect_any()


BEFORE = {
    "contact": "way",
    "phone_tail": "contact",
    "number": "way",
    "name": "number",
    "id_tail": "name",
    "code": "way",
}


@pytest.mark.parametrize("step", BEFORE)
async def test_typed_words_are_keys_at_every_step(
    system: System, factory: Factory, household: Household, step: str
) -> None:
    person = await system.person("张三", phone=household.phone)
    await reach(person, household, step)
    await system.quiet()
    assert step_in(await dialog_of(factory, person)) == f"verification.{step}"
    await person.send("下一步")
    await person.expect_any()
    await system.quiet()
    assert step_in(await dialog_of(factory, person)) == f"verification.{step}", "nothing was given yet"
    await person.send("返回！")
    await person.expect_any()
    await system.quiet()
    assert step_in(await dialog_of(factory, person)) == f"verification.{BEFORE[step]}"
    await person.send("Cancel")
    await person.expect("不验证了")
    await system.quiet()
    assert await dialog_of(factory, person) is None
    assert await tries_of(factory, person) == 0
    assert await person.keyboard() is None


async def test_a_word_is_no_consent(system: System, factory: Factory, household: Household) -> None:
    person = await system.person("张三", phone=household.phone, agreed=False)
    await person.send("/home")
    await person.tap("验证身份")
    await person.expect_button("看过了")
    for word in ("同意", "好的", "I agree"):
        await person.send(word)
        await person.expect("打字不算")
        await person.expect_button("看过了")
    await person.send("返回")
    await person.expect("不验证了")
    assert not await links_of(factory, person)


# --- the big key is put away ---


@pytest.mark.parametrize("road", ["取消", "/cancel", "stop", "/complain", "✖️ 取消", "/start CODE", "请工作专班帮忙"])
async def test_the_big_key_does_not_stay(system: System, factory: Factory, household: Household, road: str) -> None:
    person = await system.person("张三", phone=household.phone)
    await choose(person, "用手机号")
    await person.expect("发送我的手机号")
    assert await person.keyboard()
    if road == "请工作专班帮忙":
        await person.send("/settings")
        await person.tap(road)
        await person.expect("您遇到的是哪种情况")
    else:
        await person.send(road.replace("CODE", await invitation(factory, household)))
        await person.expect_any()
    await system.quiet()
    assert await person.keyboard() is None


async def test_the_reminders_cancel_puts_it_away(system: System, household: Household) -> None:
    person = await system.person("张三", phone=household.phone)
    await choose(person, "用手机号")
    await person.expect("发送我的手机号")
    await person.send("/help")
    reminder = await person.expect("没填完的内容还在")
    await person.tap("取消", on=reminder)
    await person.expect("不验证了")
    await system.quiet()
    assert await person.keyboard() is None


@pytest.mark.parametrize("key", ["✖️ 取消", "⬅️ 上一步", "📱 发送我的手机号"])
async def test_keys_that_stayed_go_when_they_are_pressed(
    system: System, factory: Factory, household: Household, key: str
) -> None:
    """The conversation ended where nothing could be sent: the person was unlinked, or the dialog was given up."""
    person = await system.person("张三", phone=household.phone)
    await choose(person, "用手机号")
    await person.expect("发送我的手机号")
    await system.quiet()
    async with factory.database.transaction() as session:
        await session.execute(update(Chat).where(Chat.id == person.id).values(dialog=None))
    await person.press(key)
    await person.expect_button("我的房子")
    await system.quiet()
    assert await person.keyboard() is None
    assert await tries_of(factory, person) == 0


async def test_a_question_at_the_notice_does_not_bring_all_of_it_again(
    system: System, factory: Factory, household: Household
) -> None:
    """Eight times the whole page, and the sentence that mattered above it: nobody found the button."""
    person = await system.person("张三", phone=household.phone, agreed=False)
    await person.send("/home")
    await person.tap("验证身份")
    notice = await person.expect_button("我看过了，继续")
    for typed, told in (
        ("什么时候交房啊", "验证了身份"),
        ("这是干什么的？安全吗", "不留底"),
        ("我看过了，继续", "要由您自己点"),
        ("好的", "要由您自己点"),
        ("13800138000", "不用您打字"),
    ):
        await person.send(typed)
        answer = await person.expect(told)
        assert len(answer.text) < 100 < len(notice.text)
        assert "我看过了，继续" in answer.buttons, typed
    await person.tap("我看过了，继续")
    await person.expect("选一种方式")


async def test_whoever_does_not_agree_is_asked_nothing_more(
    system: System, factory: Factory, household: Household
) -> None:
    person = await system.person("张三", phone=household.phone, agreed=False)
    await person.send("/home")
    await person.tap("验证身份")
    await person.expect_button("我看过了，继续")
    await person.send("我不同意")
    await person.expect("什么都没有改")
    await person.tap("验证身份")
    await person.expect_button("我看过了，继续")
    await person.tap("我看过了，继续")
    await person.tap("用手机号")
    await person.expect("单独")
    await person.send("不同意")
    answer = await person.expect("不用身份证号")
    assert "🔑 用邀请码" in answer.buttons
