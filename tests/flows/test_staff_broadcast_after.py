"""While a broadcast goes out, and after: how far it is, paused and cancelled, the report, sent once more, corrected."""

from datetime import datetime
from io import BytesIO

import pytest
from openpyxl import load_workbook

from api.settings import Settings
from handlers import staff_broadcast_watch
from tests.flows.broadcasting import (
    Town,
    approve,
    approver,
    choose_everybody,
    draft,
    open_broadcast,
    open_submitted,
    publisher,
    submit,
    submitted,
    tap,
    town,
    write,
)
from tests.flows.office import office
from tests.people import Person

__all__ = ["approver", "office", "publisher", "town"]


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """At any hour of the day; looked at often."""
    monkeypatch.setattr(staff_broadcast_watch, "EVERY", 0.1)
    return settings.model_copy(update={"quiet_from": 0, "quiet_until": 0, "send_rate": 1000.0, "send_burst": 100.0})


async def sent(town: Town, publisher: Person, approver: Person, text: str = "停水通知") -> None:
    """It has gone to both families."""
    await submitted(publisher, text)
    await approve(approver)
    await town.begin()
    for person in town.families:
        await person.expect(text)
    await approver.expect("已结束", "已送到：2")


async def rewrite(person: Person, text: str, language: str = "简体中文") -> None:
    """In a language that has a text already."""
    await tap(person, "内容和按钮", f"✔️ {language}")
    await person.send(text)
    await person.expect("内容已保存")
    await tap(person, "返回这条群发")


async def test_the_message_edits_itself(town: Town, publisher: Person, approver: Person) -> None:
    await submitted(publisher)
    await approve(approver)
    watched = await approver.expect("已批准")
    await town.begin()
    shown = await approver.expect("已结束", "已送到：2", "100%")
    assert shown.id == watched.id, "in place"
    assert "📊 报告" in shown.buttons


async def test_paused_and_resumed(town: Town, publisher: Person, approver: Person) -> None:
    await submitted(publisher, "停水通知")
    await approve(approver)
    broadcast = await town.newest()
    # Nothing goes out while it is paused from its first moment on.
    async with town.factory.database.transaction() as session:
        await town.begin_in(session)
        await town.pause_in(session, broadcast.id)
    page = await open_broadcast(publisher, "正在发送")
    assert {"▶️ 继续发", "🚫 取消群发"} <= {*page.buttons}
    assert "还没发：2" in page.text
    await tap(publisher, "▶️ 继续发")
    await publisher.expect("继续发送")
    await town.resident.expect("停水通知")
    await publisher.expect("已结束", "已送到：2")
    await publisher.tap_data(page.id, next(b["callback_data"] for b in page.inline if "取消群发" in b["text"]))
    await publisher.expect("这是以前的按钮")


async def test_at_night_it_tells_when_it_goes_on(
    town: Town, publisher: Person, approver: Person, settings: Settings
) -> None:
    await submitted(publisher, "停水通知")
    await approve(approver)
    hour = datetime.now(settings.timezone).hour
    settings.quiet_from, settings.quiet_until = hour, (hour + 2) % 24
    async with town.factory.database.transaction() as session:
        await town.begin_in(session)
    waits = f"现在是夜里，早上{(hour + 2) % 24}点接着发"
    await open_broadcast(publisher, "正在发送")
    await publisher.expect("还没发：2", waits)
    settings.quiet_from = settings.quiet_until
    await town.resident.expect("停水通知")
    await open_broadcast(publisher, "已结束")
    assert waits not in (await publisher.expect("已送到：2")).text


async def test_what_is_cancelled_says_how_many_went_out(town: Town, publisher: Person, approver: Person) -> None:
    await submitted(publisher, "停水通知")
    await approve(approver)
    broadcast = await town.newest()
    async with town.factory.database.transaction() as session:
        await town.begin_in(session)
        await town.pause_in(session, broadcast.id)
    await open_broadcast(publisher, "正在发送")
    await tap(publisher, "🚫 取消群发")
    await publisher.expect("取消吗", "没发的不再发")
    await tap(publisher, "🚫 确定取消")
    await publisher.expect("已取消")
    await town.settle()
    await open_broadcast(publisher, "已结束")
    await publisher.expect("不再发的：2")
    for person in town.families:
        await person.refresh()
        assert not any("停水通知" in text for text in person.said())


async def test_the_report_and_the_list_of_those_not_reached(town: Town, publisher: Person, approver: Person) -> None:
    await sent(town, publisher, approver)
    await open_broadcast(publisher, "已结束")
    await tap(publisher, "📊 报告")
    report = await publisher.expect("已送到：2", "共3户，其中1户没有收到", "按语言", "English：共1，送到1", "按楼栋")
    assert not any(name in report.text for name in (town.first.name, town.second.name))
    await tap(publisher, "📄 没送到的名单")
    await publisher.expect_that("a table came", lambda person: "document" in person.last.wire)
    file = publisher.last.wire["document"]
    assert file["file_name"].endswith(".xlsx")
    assert publisher.last.protected
    stored = town.office.system.world.files.get(file["file_id"])
    assert stored is not None
    sheet = load_workbook(BytesIO(stored.data)).worksheets[0]
    cells = [str(cell) for row in sheet.iter_rows(values_only=True) for cell in row]
    assert town.first.agreement.number not in cells
    assert not any(name in cell for name in (town.first.name, town.second.name) for cell in cells)


async def test_once_more_to_those_whom_it_did_not_reach(town: Town, publisher: Person, approver: Person) -> None:
    await sent(town, publisher, approver)
    late = await town.late_family()
    await open_broadcast(publisher, "已结束")
    await tap(publisher, "📊 报告", "🔁 给没送到的补发")
    await publisher.expect("补发用的草稿", "补发给群发", "没有收到群发", "1个账号会收到")
    await submit(publisher)
    await approve(approver)
    assert await town.begin() == 1
    await late.expect("停水通知")
    for person in town.families:
        await person.refresh()
        assert sum("停水通知" in text for text in person.said()) == 1


async def test_what_was_sent_is_corrected_in_the_chats(town: Town, publisher: Person, approver: Person) -> None:
    await sent(town, publisher, approver, "八点停水")
    before = town.resident.last
    await open_broadcast(publisher, "已结束")
    await tap(publisher, "📊 报告", "✏️ 更正已发的")
    draft = await publisher.expect("更正用的草稿", "更正群发")
    assert "👥 发给谁" not in draft.buttons
    assert "每位收到的人还会收到一条会响铃的短消息" in draft.text
    await rewrite(publisher, "九点停水")
    await publisher.expect("九点停水", "里原来写的：", "八点停水")
    await submit(publisher)
    page = await open_submitted(approver)
    assert all(words in page.text for words in ("这是一条更正", "九点停水", "里原来写的：", "八点停水"))
    await approver.tap("✅ 批准")
    await approver.expect("这是一条更正", "批准吗")
    await approver.tap("确定批准")
    await approver.expect("已批准")
    assert await town.begin() == 2
    note = await town.resident.expect("上面这条通知改过了，请以现在的内容为准")
    assert note.wire["reply_to_message"]["message_id"] == before.id
    assert town.resident.messages[before.id].text == "九点停水"
    assert note.id > before.id, "a new one, which rings"
    await town.sam.expect("What it says now counts")
    await publisher.refresh()
    await open_broadcast(publisher, "已结束")
    await publisher.expect("已送到：2")
    for person, words in ((town.resident, "改过了"), (town.sam, "now counts")):
        await person.refresh()
        assert sum(words in text for text in person.said()) == 1
        assert not any("八点" in text for text in person.said())


async def test_a_language_that_a_correction_leaves_as_it_was_is_named(
    town: Town, publisher: Person, approver: Person
) -> None:
    await draft(publisher)
    await choose_everybody(publisher)
    await write(publisher, "八点停水")
    await write(publisher, "No water from eight", "English")
    await submit(publisher)
    await approve(approver)
    await town.begin()
    await approver.expect("已结束", "已送到：2")
    await open_broadcast(publisher, "已结束")
    await tap(publisher, "📊 报告", "✏️ 更正已发的")
    page = await publisher.expect("更正用的草稿")
    assert page.text.count("这里还没有更正") == 2
    await rewrite(publisher, "九点停水")
    page = await publisher.expect("九点停水", "这里还没有更正")
    assert page.text.count("这里还没有更正") == 1
    await tap(publisher, "提交审批")
    await publisher.expect("English的内容没有更正", "提交审批吗")
    await tap(publisher, "不了，返回")
    await rewrite(publisher, "No water from nine", "English")
    page = await publisher.expect("from nine")
    assert "还没有更正" not in page.text
    await submit(publisher)
    await approve(approver)
    await town.begin()
    await town.sam.expect("No water from nine")


async def test_what_was_sent_is_deleted_from_the_chats(town: Town, publisher: Person, approver: Person) -> None:
    await sent(town, publisher, approver, "发错了")
    await open_broadcast(publisher, "已结束")
    await tap(publisher, "📊 报告", "🗑 删除已发的")
    page = await publisher.expect("删除用的草稿", "删除群发")
    assert not {"✏️ 内容和按钮", "👀 预览", "🧪 先发给我看看"} & {*page.buttons}
    await submit(publisher)
    await approve(approver)
    assert await town.begin() == 2
    for person in town.families:
        await person.expect_that("it is gone", lambda reader: not any("发错了" in text for text in reader.said()))
