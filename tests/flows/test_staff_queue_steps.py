"""What officers do with a case in the chat: from its filing to its end, and when two of them are at it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from api.audit.service import OPERATOR
from api.cases.departments import add_rule
from api.cases.models import CaseEvent
from api.cases.schemas import MAX_ANSWER_CHARACTERS, CaseEventKind
from api.cases.sweep import sweep_overdue
from api.staff.schemas import StaffRole
from tests.days import office_day
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.flows.files import PDF, PROGRAM, picture
from tests.flows.office import Office, office, open_case
from tests.people import Person

__all__ = ["office"]


async def events(factory: Factory, kind: CaseEventKind) -> int:
    async with factory.database.transaction() as session:
        found = await session.scalar(select(func.count()).select_from(CaseEvent).where(CaseEvent.kind == kind))
    return found or 0


async def brought_to(office: Office, state: str, officer: Person) -> str:
    """A case of the resident's at ``accepted`` or ``answered``."""
    number = await office.filed()
    roads = {
        "registered": ["register"],
        "accepted": ["register", "accept"],
        "answered": ["register", "accept", "answer"],
    }
    for action in roads[state]:
        fields: dict[str, Any] = {"outcome": "explained", "text": "已经查过。"} if action == "answer" else {}
        await office.act(number, action, chat=officer.id, **fields)
    return number


async def test_the_whole_life_of_a_case(system: System, office: Office, household: Household) -> None:
    resident, officer = office.resident, await office.hire()
    chief = await office.hire("负责人", StaffRole.APPROVER)
    await office.unit_of("住建局", officer)
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("厨房漏水，从三月开始没人管")
    await resident.tap("继续")
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    (number,) = [case.number for case in (await office.queue(chat=officer.id)).cases]
    # Registered, assigned by the supervisor, accepted with a note.
    page = await open_case(chief, number)
    assert {"📝 登记", "✋ 我来办", "👁 督办"} <= {*page.buttons}
    assert not {"✅ 受理", "✉️ 答复", "🏁 办结"} & {*page.buttons}, "only what is allowed now"
    await chief.tap("登记")
    await chief.expect("办好了", "已登记")
    await chief.tap("交办")
    await chief.expect("交给哪个单位")
    await chief.tap("住建局")
    await chief.expect("交给住建局的哪一位")
    await chief.tap("接访甲 · 在办0件")
    await chief.expect("交给：住建局、接访甲")
    await chief.send("请尽快办")
    await chief.expect("仅供内部", "请尽快办")
    await chief.tap("确定")
    await chief.expect("办好了：交办", "承办：住建局、接访甲", "请尽快办")
    await open_case(officer, number)
    await officer.tap("✅ 受理")
    await officer.expect("信访人会收到受理通知")
    await officer.tap("✅ 确定")
    page = await officer.expect("办好了：受理", "目前：已受理", "🟢 书面答复：最迟", "第34条")
    await officer.tap("开始办理")
    await officer.expect("正在办理")
    # A question, and its answer.
    await officer.tap("问信访人")
    await officer.send("哪个房间漏水？")
    await officer.expect("信访人会看到", "哪个房间漏水？", "办理期限照常计算")
    await officer.tap("确定")
    await officer.expect("办好了：问信访人", "信访人可回复您的提问")
    await office.say(number, "reply", chat=resident.id, text="厨房和厕所。")
    # More time wants somebody's approval, of who is no supervisor.
    await open_case(officer, number)
    await officer.tap("延期")
    await officer.expect("延长多少天")
    for rubbish in ("31", "0", "很多天", "-"):
        await officer.send(rubbish)
        await officer.expect("请发1到30之间的天数")
    await officer.send("２０天")
    await officer.expect("延期的原因")
    await officer.send("20")
    await officer.expect("请用文字写清楚", "延期的原因")
    await officer.send("要请专业单位检测。")
    await officer.expect("批准人的姓名")
    await officer.send("长" * 41)
    await officer.expect("不像姓名")
    await officer.send("编造局长")
    await officer.expect("延长20天", "批准人：编造局长", "每次答复只能延长一次", "要请专业单位检测。")
    await officer.tap("确定")
    page = await officer.expect("办好了：延期", "编造局长批准", "延长20天")
    assert "⏳ 延期" not in page.buttons, "once"
    # The answer, with a document.
    await officer.tap("✉️ 答复")
    await officer.expect("处理意见是")
    await officer.tap("予以支持")
    await officer.expect("请发答复内容")
    await officer.send("施工单位九月底前修好。")
    await officer.expect("已收到：11个字")
    await officer.send_document(PDF, filename="答复意见书.pdf")
    await officer.expect("已收到：11个字、1个文件")
    await officer.tap("预览")
    await officer.expect("处理意见：予以支持", "信访人会看到", "施工单位九月底前修好。", "附：1个文件", "申请复查")
    await officer.tap("确定")
    await officer.expect("办好了：答复", "目前：已答复", "予以支持", "1个文件")
    await officer.tap("办结")
    await officer.send("谢谢您的耐心。")
    await officer.expect("信访人会看到", "谢谢您的耐心。")
    await officer.tap("确定")
    await officer.expect("办好了：办结", "已办结")
    # A review, and a second one.
    for asked, step, written, reviewer in (
        ("request_review", "复查意见", "维持原来的答复。", await office.hire("复查员")),
        ("request_second_review", "复核意见", "最后的意见。", await office.hire("复核员")),
    ):
        await office.say(number, asked, chat=resident.id, text="还是漏。")
        assert step not in (await open_case(officer, number)).buttons, "whoever answered does not review it"
        await open_case(reviewer, number)
        await reviewer.tap(step)
        await reviewer.tap("解释说明")
        await reviewer.expect("请发答复内容")
        await reviewer.send(written)
        await reviewer.expect("已收到")
        await reviewer.tap("预览")
        await reviewer.expect("信访人会看到", written)
        await reviewer.tap("确定")
        await reviewer.expect(f"办好了：{step}", written)
    page = await open_case(officer, number)
    assert "现在没有要办的事" in page.text
    assert (await office.case(number, chat=resident.id)).state == "final"
    for person in (officer, chief):
        about = [message for message in person.messages.values() if not message.mine and number in message.text]
        assert len(about) > 3
        assert all(message.protected for message in about if "请发信访件编号" not in message.text)
        assert not any(household.name in message.text for message in about), "masked"


# --- two at once ---


async def test_two_officers_claim_at_once(office: Office, factory: Factory) -> None:
    first, second = await office.hire("接访甲"), await office.hire("接访乙")
    number = await office.filed()
    pages = [await open_case(person, number) for person in (first, second)]
    await asyncio.gather(*(person.tap("我来办", on=page) for person, page in zip((first, second), pages, strict=True)))
    case = await office.page(number, chat=first.id)
    winner, loser = (first, second) if case.officer == "接访甲" else (second, first)
    await winner.expect("办好了", f"承办：{winner.name}")
    shown = await loser.expect("有了变动", f"（{winner.name}）", f"承办：{winner.name}")
    assert "✋ 我来办" not in shown.buttons
    assert shown.protected
    assert await events(factory, CaseEventKind.CLAIMED) == 1


async def test_the_second_answer_is_kept_and_not_sent(office: Office, factory: Factory) -> None:
    """Both write an answer; the second learns that the first has answered."""
    first, second = await office.hire("接访甲"), await office.hire("接访乙")
    number = await brought_to(office, "accepted", first)
    for person in (first, second):
        await open_case(person, number)
        await person.tap("✉️ 答复")
        await person.tap("解释说明")
        await person.send(f"{person.name}的答复")
        await person.tap("预览")
        await person.expect("信访人会看到", f"{person.name}的答复")
    await first.tap("确定")
    await first.expect("办好了：答复")
    await second.tap("确定")
    kept = await second.expect("没有发出", "接访乙的答复")
    assert kept.protected
    page = await second.expect("有了变动", "（接访甲）", "现在可以：办结")
    assert "🏁 办结" in page.buttons
    assert await events(factory, CaseEventKind.ANSWERED) == 1


async def test_what_the_resident_adds_meanwhile_is_read_first(office: Office, factory: Factory) -> None:
    officer = await office.hire()
    number = await brought_to(office, "accepted", officer)
    await open_case(officer, number)
    await officer.tap("✉️ 答复")
    await officer.tap("不予支持")
    await officer.send("没有发现漏水。")
    await officer.tap("预览")
    before = await officer.expect("没有发现漏水。")
    await office.say(number, "add", chat=office.resident.id, text="我又拍到了水。")
    await officer.tap("确定", on=before)
    await officer.expect("有了变动", "我又拍到了水。")
    shown = await officer.expect("您刚才填的都还在", "没有发现漏水。")
    assert await events(factory, CaseEventKind.ANSWERED) == 0
    await officer.tap("确定", on=shown)
    await officer.expect("办好了：答复")
    assert await events(factory, CaseEventKind.ANSWERED) == 1


async def test_a_long_answer_and_much_that_came_meanwhile(office: Office, factory: Factory) -> None:
    """Both together are longer than a message."""
    officer = await office.hire()
    number = await brought_to(office, "accepted", officer)
    await open_case(officer, number)
    await officer.tap("✉️ 答复")
    await officer.tap("解释说明")
    await officer.send("经核实情况属实。" * 430)
    await officer.tap("预览")
    before = await officer.expect("申请复查")
    for n in range(5):
        await office.say(number, "add", chat=office.resident.id, text=f"第{n}次补充，" + "墙上又有水。" * 30)
    await officer.tap("确定", on=before)
    await officer.expect("有了变动", "第4次补充")
    shown = await officer.expect("您刚才填的都还在")
    await officer.tap("确定", on=shown)
    await officer.expect("办好了：答复")
    assert await events(factory, CaseEventKind.ANSWERED) == 1


async def test_who_reads_nothing_here_any_more_is_told_otherwise(office: Office, household: Household) -> None:
    """The family has erased its data: the officer hears of it, and is not told that the answer arrives."""
    resident, officer = office.resident, await office.hire()
    number = await brought_to(office, "accepted", officer)
    await office.act(number, "claim", chat=officer.id)
    await open_case(officer, number)
    await resident.send("/forget")
    await resident.expect("1件投诉还没有办完", "没法再发到这里")
    await resident.tap("确定删除")
    await officer.expect(f"投诉 {number}", "删除了自己在这里的资料", "打电话或寄信")
    page = await open_case(officer, number)
    assert "看不到消息了，请打电话或寄信" in page.text
    await officer.tap("✉️ 答复")
    await officer.tap("解释说明")
    await officer.send("已经查过。")
    await officer.tap("预览")
    shown = await officer.expect("已经查过。", "看不到消息了", "请再打电话或寄信告知")
    assert "会马上收到" not in shown.text
    await officer.tap("确定")
    await officer.expect("办好了：答复", "看不到消息了")
    # Whoever comes back finds it.
    await office.factory.link(resident.id, household.agreement)
    assert (await office.case(number, chat=resident.id)).events[-1].text == "已经查过。"
    page = await open_case(officer, number)
    assert "看不到消息" not in page.text


async def test_pressed_twice_it_is_done_once(office: Office, factory: Factory) -> None:
    officer = await office.hire()
    number = await office.filed()
    page = await open_case(officer, number)
    claim = next(button["callback_data"] for button in page.inline if "我来办" in button["text"])
    await asyncio.gather(*(officer.tap_data(page.id, claim) for _ in range(3)))
    await office.system.quiet()
    await officer.refresh()
    await officer.expect("办好了", "承办：接访甲")
    assert "有了变动" not in "".join(officer.said())
    await officer.tap("登记")
    await officer.expect("已登记")
    await officer.tap("✅ 受理")
    preview = await officer.expect("信访人会收到受理通知")
    confirm = next(button["callback_data"] for button in preview.inline if "确定" in button["text"])
    await asyncio.gather(*(officer.tap_data(preview.id, confirm) for _ in range(3)))
    await office.system.quiet()
    await officer.refresh()
    await officer.expect("这一步已经办过", "已受理")
    assert await events(factory, CaseEventKind.CLAIMED) == 1
    assert await events(factory, CaseEventKind.ACCEPTED) == 1


async def test_an_old_button_shows_what_is_possible_now(office: Office) -> None:
    officer = await office.hire()
    number = await office.filed()
    old = await open_case(officer, number)
    for action in ("register", "accept", "start"):
        await office.act(number, action, chat=officer.id)
    assert "📝 登记" in old.buttons
    await officer.tap("登记", on=old)
    await officer.expect("有了变动", "已受理", "正在办理")
    # Right version, step that is not possible: an app that is not Telegram's own.
    version = (await office.page(number, chat=officer.id)).version
    for action in ("register", "close", "refuse"):
        await officer.send("/help")
        await officer.expect("/payments")
        await officer.tap_data(officer.last.id, f"s_do:{number}:{version}:{action}")
        await officer.expect("不能这样办", "现在可以：", "问信访人、延期")
    for data, words in (
        (f"s_do:{number}:{version}:nonsense", "这个按钮是以前的"),
        (f"s_do:{number}", "这个按钮是以前的"),
        ("s_do:2026-999999:1:claim", "没有这个编号的信访件"),
        ("s_do:2026-999999:1:answer", "没有这个编号的信访件"),
        (f"s_do:{number}:-5:claim", f"信访件 {number}"),
        (f"s_do:{number}:zzzzzzzzzz:answer", f"信访件 {number}"),
        ("s_case:../x", "没有这个编号的信访件"),
    ):
        await officer.send("/help")
        await officer.expect("/payments")
        await officer.tap_data(officer.last.id, data)
        await officer.expect(words)
    # A button of a conversation that is over.
    await office.hire("接访乙")
    page = await open_case(officer, number)
    await officer.tap("问信访人")
    await officer.send("在哪里？")
    preview = await officer.expect("在哪里？")
    await officer.tap("取消")
    await officer.expect("填写的内容不要了吗")
    await officer.tap("不要了")
    await officer.expect("已取消，信访件没有任何变动", f"信访件 {number}")
    await officer.tap_data(preview.id, str(preview.inline[0]["callback_data"]))
    await officer.expect("已经取消", f"信访件 {number}")
    assert page.protected


# --- words and files ---


async def test_a_long_answer_is_previewed_in_whole_sentences(office: Office) -> None:
    """Telegram cuts a long text into messages; they are one answer again, and go out as passages."""
    officer = await office.hire()
    number = await brought_to(office, "accepted", officer)
    text = "".join(f"第{n}条意见，经核实情况属实。" for n in range(600))
    await open_case(officer, number)
    await officer.tap("✉️ 答复")
    await officer.tap("解释说明")
    parts = [text[start : start + 4096] for start in range(0, len(text), 4096)]
    assert len(parts) == 3
    for part in parts:
        await officer.send(part)
    await officer.expect(f"{len(text):,}个字")
    await officer.tap("预览")
    last = await officer.expect("上面就是信访人会看到的全文", "条发送")
    shown = [message.text for message in officer.answers if "条意见" in message.text]
    assert 1 < len(shown) < 5
    assert all(message.endswith("。") for message in shown)
    assert "".join(shown).replace("信访人会看到：\n", "") == text
    assert all(message.protected for message in officer.answers)
    await officer.tap("确定", on=last)
    await officer.expect("办好了：答复")
    answered = (await office.case(number, chat=office.resident.id)).events[-1]
    assert answered.text == text


async def test_more_than_an_answer_can_hold_is_refused_and_the_rest_kept(system: System, office: Office) -> None:
    officer = await office.hire()
    number = await brought_to(office, "accepted", officer)
    await open_case(officer, number)
    await officer.tap("✉️ 答复")
    await officer.tap("解释说明")
    for _ in range(4):
        await officer.send("好" * 4096)
    await officer.expect("已收到：16,384个字")
    await system.quiet()
    for part in ("好" * 4096, "好" * 100):
        await officer.send(part)
    await officer.expect("一共20,58", f"{MAX_ANSWER_CHARACTERS:,}", "已收到：16,384个字")
    # Nor is the short kind: a question of 5,000 characters comes in two parts, none of which is a question.
    await officer.tap("取消")
    await officer.tap("不要了")
    await officer.tap("问信访人")
    await officer.expect("请写您想了解什么")
    for part in ("问" * 4096, "问" * 900):
        await officer.send(part)
    await officer.expect("一共4,996个字", "3,000")
    await system.quiet()
    await officer.send("问一句")
    await officer.expect("信访人会看到", "问一句")


async def test_files_come_with_an_answer_and_with_nothing_else(system: System, office: Office) -> None:
    officer = await office.hire()
    number = await brought_to(office, "accepted", officer)
    await open_case(officer, number)
    await officer.tap("问信访人")
    await officer.send_photo(picture(3))
    await officer.expect("只有答复才能附文件")
    await officer.send("/cancel")
    await officer.expect("已取消，信访件没有任何变动")
    await officer.tap("✉️ 答复")
    # Before the outcome is chosen: it is kept.
    await officer.send_photo(picture(1), picture(2), caption="现场照片")
    await officer.expect("处理意见是")
    await system.quiet()
    await officer.tap("予以支持")
    await officer.expect("现场照片", "附：2张照片")
    await officer.send_document(PROGRAM, filename="setup.exe")
    await officer.expect("这种文件收不了", "已收到：4个字、2张照片")
    await officer.voice()
    await officer.expect("这种内容我收不了")
    await officer.tap("去掉最后一个文件")
    await officer.expect("4个字、1张照片")
    await officer.tap("重新写")
    await officer.expect("已收到：1张照片")
    await officer.tap("预览")
    await officer.expect("附：1张照片")
    await officer.send("补一句。")
    await officer.expect("4个字、1张照片")
    await officer.tap("预览")
    preview = await officer.expect("信访人会看到", "补一句。")
    await officer.tap("确定", on=preview)
    await officer.expect("办好了：答复", "1张照片")


async def test_what_was_changed_after_the_preview_is_shown_again(office: Office, factory: Factory) -> None:
    officer = await office.hire()
    number = await brought_to(office, "accepted", officer)
    await open_case(officer, number)
    await officer.tap("问信访人")
    await officer.send("第一句")
    old = await officer.expect("信访人会看到", "第一句")
    await officer.send("第二句")
    await officer.expect("第一句\n第二句")
    await officer.tap("确定", on=old)
    await officer.expect("内容后来又改过", "第一句\n第二句")
    assert await events(factory, CaseEventKind.ASKED) == 0
    await officer.tap("重新写")
    await officer.send("第三句")
    await officer.expect("信访人会看到", "第三句")
    await officer.tap("确定")
    await officer.expect("办好了：问信访人", "第三句")


async def test_an_id_number_does_not_go_out(office: Office, factory: Factory) -> None:
    who = factory.invented()
    officer = await office.hire()
    number = await brought_to(office, "registered", officer)
    await open_case(officer, number)
    await officer.tap("不予受理")
    await officer.send(f"身份证 {who.id_number} 不符")
    await officer.expect("不能带身份证号")
    await officer.expect_deleted(who.id_number)
    await officer.send("请到街道办办理。")
    await officer.expect("信访件到此结束", "请到街道办办理。")
    await officer.tap("确定")
    await officer.expect("办好了：不予受理", "现在没有要办的事")


async def test_a_review_is_offered_to_who_did_not_answer(office: Office, factory: Factory) -> None:
    officer, other = await office.hire("接访甲"), await office.hire("接访乙")
    chief = await office.hire("负责人", StaffRole.APPROVER)
    department = await office.unit_of("住建局", officer, other)
    async with factory.database.transaction() as session:
        await add_rule(session, OPERATOR, department)
    number = await brought_to(office, "answered", officer)
    await office.say(number, "request_review", chat=office.resident.id, text="还是漏。")
    await open_case(chief, number)
    await chief.tap("交办")
    await chief.expect("按分派规则", "住建局、接访乙")
    # By name: whoever answered is not among them.
    await chief.tap("住建局")
    page = await chief.expect("交给住建局的哪一位")
    assert any("接访乙" in key for key in page.buttons)
    assert not any("接访甲" in key for key in page.buttons)
    await chief.tap("取消")
    # By the rules: it is done at the first go.
    await open_case(chief, number)
    await chief.tap("交办")
    await chief.tap("按规则分派")
    await chief.expect("交给：住建局、接访乙")
    await chief.tap("确定")
    await chief.expect("办好了：交办", "承办：住建局、接访乙")


async def test_another_office_and_another_procedure(office: Office) -> None:
    officer, other = await office.hire("接访甲"), await office.hire("接访乙")
    await office.unit_of("住建局", officer, other)
    number = await brought_to(office, "registered", officer)
    await open_case(officer, number)
    await officer.tap("转送")
    await officer.expect("交给哪个单位")
    await officer.send("住建局")
    await officer.expect("请点一个按钮")
    await officer.tap("住建局")
    await officer.expect("交给：住建局", "对方单位和信访人")
    await officer.send("这件归你们管。")
    await officer.expect("信访人会看到", "这件归你们管。")
    await officer.tap("确定")
    page = await officer.expect("办好了：转送", "已转给负责的单位", "这件归你们管。", "承办：住建局")
    assert "↩️ 不归我们管" in page.buttons
    await officer.tap("不归我们管")
    await officer.send("应当由街道办负责。")
    await officer.expect("仅供内部", "退回登记环节")
    await officer.tap("确定")
    await officer.expect("办好了：不归我们管", "已登记", "还没有人认领")
    # As the rules say, and there is none: the key is not there.
    await officer.tap("交办")
    assert "🧭 按规则分派" not in (await officer.expect("交给哪个单位")).buttons
    await officer.tap("住建局")
    await officer.tap("由该单位的人认领")
    await officer.expect("交给：住建局、由该单位的人认领")
    await officer.tap("确定")
    page = await officer.expect("办好了：交办")
    assert "✋ 我来办" in page.buttons
    await officer.tap("走其他途径")
    await officer.tap("诉讼")
    await officer.send("请到区法院立案庭。")
    await officer.expect("途径：诉讼", "请到区法院立案庭。")
    await officer.tap("确定")
    await officer.expect("办好了：走其他途径", "诉讼")


async def test_supervising(office: Office) -> None:
    officer, chief = await office.hire(), await office.hire("负责人", StaffRole.ADMIN)
    number = await brought_to(office, "accepted", officer)
    assert not any("督办" in label for label in (await open_case(officer, number)).buttons)
    await open_case(chief, number)
    await chief.tap("👁 督办")
    await chief.tap("确定")
    await chief.expect("办好了：督办", "👁 督办")
    # Whoever supervises approves it by that.
    await chief.tap("延期")
    await chief.tap("15天")
    await chief.send("要做检测。")
    preview = await chief.expect("延长15天", "要做检测。")
    assert "批准人" not in preview.text
    await chief.tap("确定")
    await chief.expect("办好了：延期")
    await chief.tap("取消督办")
    page = await chief.expect("办好了", "不再由负责人督办")
    assert "👁 督办" in page.buttons


async def test_an_answer_is_not_lost_by_another_step(office: Office, household: Household) -> None:
    officer = await office.hire()
    first, second = [await brought_to(office, "accepted", officer) for _ in range(2)]
    await open_case(officer, first)
    await officer.tap("✉️ 答复")
    await officer.tap("予以支持")
    await officer.send("写了半天的答复。")
    page = await open_case(officer, second)
    await officer.tap("问信访人", on=page)
    await officer.expect("您还有这一步没办完", f"信访件 {first}", "8个字")
    await officer.tap("预览")
    await officer.expect("信访人会看到", "写了半天的答复。")
    await officer.tap("确定")
    await officer.expect("办好了：答复", f"信访件 {first}")
    await open_case(officer, second)
    await officer.tap("问信访人")
    await officer.expect("请写您想了解什么")
    await officer.send("/home")
    await officer.expect("没填完的内容还在")
    await officer.tap("继续")
    await officer.expect("请写您想了解什么")


# --- notices ---


async def test_officers_are_told_and_one_tap_opens_the_case(office: Office) -> None:
    officer, chief = await office.hire(), await office.hire("负责人", StaffRole.ADMIN)
    unit = await office.unit_of("住建局", officer)
    for person in (officer, chief):
        await person.send("/staff")
        await person.expect(person.name)
    number = await brought_to(office, "registered", chief)
    await office.act(number, "assign", chat=chief.id, department_id=unit, officer_id=office.accounts[officer.id])
    notice = await officer.expect("由您经办", number, "房屋质量")
    assert notice.protected
    await officer.tap("打开", on=notice)
    await officer.expect(f"信访件 {number}", "承办：住建局、接访甲")
    for action in ("accept", "start"):
        await office.act(number, action, chat=officer.id)
    await office.act(number, "ask", chat=officer.id, text="哪里？")
    await office.say(number, "reply", chat=office.resident.id, text="厨房。")
    await officer.expect("信访人回答了之前提的问题", number)
    await office.say(number, "add", chat=office.resident.id, text="还有厕所。")
    await officer.expect("信访人补充了内容", number)
    await office.act(number, "supervise", chat=chief.id)
    await officer.expect("已由负责人督办", number)
    notices = [message for message in officer.messages.values() if message.buttons == ["打开"]]
    assert len(notices) == 3
    assert all("厨房" not in message.text and message.protected for message in notices), "they tell nothing of it"


@pytest.mark.parametrize(("days", "words"), [(2, "期限快到了"), (-15, "已超期，负责人也能看到")])
async def test_before_and_after_the_last_day(office: Office, days: int, words: str) -> None:
    officer = await office.hire()
    await officer.send("/staff")
    await officer.expect("接访甲")
    number = await office.filed()
    await office.act(number, "claim", chat=officer.id)
    await office.leave(number, days)
    async with office.factory.database.transaction() as session:
        await sweep_overdue(session, office.factory.vault, office_day(), datetime.now(UTC))
    await officer.expect(words, number, "告知是否受理")
    await officer.tap("打开")
    await officer.expect(f"信访件 {number}", "🔴" if days > 0 else "⛔")
