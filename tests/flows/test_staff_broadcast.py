"""From a draft to the last family, in the chat: a publisher writes, an approver approves, families read their own."""

from datetime import UTC, datetime

from sqlalchemy import update

from api.broadcasts.models import Mute
from api.broadcasts.schemas import Topic
from api.chats.models import Link
from api.settings import Settings
from api.staff.schemas import StaffRole
from tests.flows.broadcasting import (
    Town,
    approve,
    approver,
    choose_everybody,
    draft,
    night_of,
    open_broadcast,
    open_broadcasts,
    open_submitted,
    publisher,
    settings,
    submit,
    submitted,
    town,
    write,
)
from tests.flows.office import office
from tests.people import Person

__all__ = ["approver", "office", "publisher", "settings", "town"]


async def test_from_a_draft_to_each_family_once(town: Town, publisher: Person, approver: Person) -> None:
    await draft(publisher)
    await choose_everybody(publisher)
    await write(publisher, "{name}您好，{home}的交房时间：{handover}")
    await write(publisher, "Hello {name}, handover: {handover}", "English")
    sheet = await publisher.expect("群发", "共3户，2个账号会收到", "没有绑定Telegram的住户：1", "English 1")
    assert sheet.protected
    await publisher.tap("👀 预览")
    await publisher.expect("第1位，共2位", "您好，", "2099年6月30日")
    await publisher.expect("第2位，共2位", "Hello ", "30 June 2099")
    assert all(message.protected for message in publisher.answers)
    assert not any(town.first.name in text or town.second.name in text for text in publisher.said()), "masked"
    await submit(publisher)
    await approve(approver)
    assert await town.begin() == 2
    got = await town.resident.expect("您好，", "的交房时间：2099年6月30日（计划时间，不是承诺；")
    assert got.protected
    assert town.first.name not in got.text
    read = await town.sam.expect("Hello ", "30 June 2099 (a planned date, not a promise;")
    assert "🔔 Choose what you are told" in read.buttons
    for person in town.families:
        assert sum("交房时间：" in text or "handover:" in text for text in person.said()) == 1
    await approver.expect("已送到：2", "已结束")


async def test_what_a_button_opens_stands_below_the_message(town: Town, publisher: Person, approver: Person) -> None:
    await draft(publisher)
    await choose_everybody(publisher)
    await write(publisher, "停水通知")
    await publisher.tap("内容和按钮")
    await publisher.tap("✔️ 简体中文")
    await publisher.tap("🔘 加按钮")
    await publisher.expect("按钮打开哪一页")
    await publisher.tap("交房")
    await publisher.expect("按钮加好了")
    await publisher.tap("🔘 加按钮")
    await publisher.send("没有网址")
    await publisher.expect("以https://开头")
    await publisher.send("http://office.example/12 全文")
    await publisher.expect("以https://开头")
    await publisher.send("全文 https://office.example/12")
    await publisher.expect("按钮加好了：全文")
    await publisher.tap("返回这条群发")
    await submit(publisher)
    await approve(approver)
    await town.begin()
    notice = await town.resident.expect("停水通知")
    assert notice.buttons[-2:] == ["全文", "🔔 选择想收到哪些消息"]
    assert notice.inline[-2]["url"] == "https://office.example/12"
    await town.resident.tap(notice.buttons[0], on=notice)
    await town.resident.expect("交房", "2099年6月30日")
    await town.resident.tap("🔔 选择想收到哪些消息", on=notice)
    await town.resident.expect("🔕")
    assert town.resident.messages[notice.id].text == "停水通知", "what the office wrote stays"


async def test_sent_back_with_a_reason_and_mended(town: Town, publisher: Person, approver: Person) -> None:
    await submitted(publisher, "停水通告")
    await open_submitted(approver)
    await approver.tap("退回修改")
    await approver.expect("请写明要改什么")
    await approver.sticker()
    await approver.expect("请打字发给我")
    await approver.send("长" * 1001)
    await approver.expect("太长")
    await approver.send("请写明停水的时间。")
    await approver.expect("已退回", "目前：📝 草稿")
    await open_broadcast(publisher, "草稿")
    await publisher.expect("退回修改（审批人）", "请写明停水的时间。")
    await publisher.tap("内容和按钮")
    await publisher.tap("✔️ 简体中文")
    await publisher.expect("停水通告", "把全文重新发一遍")
    await publisher.send("明天停水，8点到12点。")
    await publisher.expect("内容已保存")
    await publisher.tap("返回这条群发")
    await submit(publisher)
    await approve(approver)
    await town.begin()
    await town.resident.expect("明天停水，8点到12点。")


async def test_what_is_changed_after_the_approval_must_be_approved_anew(
    town: Town, publisher: Person, approver: Person
) -> None:
    await draft(publisher)
    await choose_everybody(publisher)
    await write(publisher, "第一稿")
    await publisher.tap("发送时间")
    await publisher.send("明天上午9点半")
    await publisher.expect("开始时间", "09:30")
    await submit(publisher)
    await approve(approver)
    await open_broadcast(publisher, "正在发送")
    await publisher.tap("内容和按钮")
    await publisher.tap("✔️ 简体中文")
    await publisher.send("第二稿")
    await publisher.expect("又成了草稿", "重新提交")
    await publisher.expect("内容已保存")
    await publisher.tap("返回这条群发")
    await publisher.expect("目前：📝 草稿")
    await submit(publisher)
    page = await open_submitted(approver)
    assert "第二稿" in page.text


async def test_nobody_approves_their_own(town: Town, approver: Person) -> None:
    both = await town.office.hire("两样都做", StaffRole.PUBLISHER, StaffRole.APPROVER)
    await submitted(both)
    page = await open_submitted(both)
    assert "✅ 批准" not in page.buttons
    await approve(approver)


async def test_who_does_not_want_it_or_has_left_gets_nothing(town: Town, publisher: Person, approver: Person) -> None:
    await town.factory.add(Mute(chat_id=town.resident.id, topic=Topic.NEWS))
    await draft(publisher)
    await choose_everybody(publisher)
    await write(publisher, "停水通知")
    await publisher.expect("1个账号会收到", "不想收这类消息的：1")
    await submit(publisher)
    await approve(approver)
    async with town.factory.database.transaction() as session:
        # After the audience was frozen Sam's link ends, before a courier comes by.
        assert await town.begin_in(session) == 1
        await session.execute(update(Link).where(Link.chat_id == town.sam.id).values(revoked_at=datetime.now(UTC)))
    await approver.expect("不再发的：1", "已结束")
    for person in town.families:
        await person.refresh()
        assert not any("停水通知" in text for text in person.said())


async def test_legal_notices_reach_who_muted_everything(town: Town, publisher: Person, approver: Person) -> None:
    for topic in Topic:
        if topic is not Topic.LEGAL:
            await town.factory.add(Mute(chat_id=town.resident.id, topic=topic))
    await submitted(publisher, "听证通知", topic="依法通知的事项")
    await approve(approver)
    assert await town.begin() == 2
    notice = await town.resident.expect("听证通知")
    assert notice.buttons == []


async def test_two_change_it_at_once(town: Town, publisher: Person, settings: Settings) -> None:
    other = await town.office.hire("另一位", StaffRole.PUBLISHER)
    await draft(publisher)
    mine = await open_broadcast(other, "草稿")
    await publisher.tap("设为加急")
    await publisher.expect("加急：夜里也发")
    await other.tap("设为加急", on=mine)
    await other.expect("这是以前的按钮", "改了内容（发布人）", "加急：夜里也发")
    await other.tap("内容和按钮")
    await other.tap("简体中文")
    await other.expect("请发内容")
    await publisher.tap("取消加急")
    await publisher.expect(f"夜里不发：晚上{night_of(settings)}点到早上")
    await other.send("我写的内容")
    await other.expect("这是以前的按钮", "改了内容（发布人）")


async def test_who_only_reads_and_who_may_not_even(town: Town, publisher: Person) -> None:
    await submitted(publisher)
    viewer = await town.office.hire("查看人", StaffRole.VIEWER)
    await open_broadcasts(viewer)
    assert "➕ 新建群发" not in viewer.last.buttons
    page = await open_broadcast(viewer, "等待审批")
    assert not {"✅ 批准", "✏️ 内容和按钮", "🚫 取消群发", "👀 预览"} & {*page.buttons}
    clerk = await town.office.hire("录入人", StaffRole.CLERK)
    await clerk.send("/staff")
    assert "📣 群发" not in (await clerk.expect("录入人")).buttons
    stolen = next(button["callback_data"] for button in page.inline if button["text"] == "⬅️ 返回群发列表")
    for person in (clerk, town.resident):
        await person.send("/start")
        shown = await person.expect_any()
        await person.tap_data(shown.id, stolen)
        await person.expect("没有这个权限" if person is clerk else "工作专班内部用的")


async def test_in_english(town: Town, publisher: Person) -> None:
    await submitted(publisher)
    reader = await town.office.hire("Pat", StaffRole.APPROVER, language="en")
    await reader.send("/staff")
    await reader.tap("📣 Broadcasts")
    await reader.expect("Something waits for approval")
    await reader.tap("Waiting for approval")
    await reader.tap("Broadcast ")
    await reader.expect("Now: ⏳ waits for approval", "For: all families", "chats get it, of 3 families")
    await reader.tap("Approve")
    await reader.expect("Approve it?")
    await reader.tap("Yes, approve it")
    await reader.expect("Approved.")
