"""Late, doubled and foreign presses about complaints, and complaints that moved on meanwhile: nothing twice, nothing
lost, nothing of anybody else."""

from typing import Any

import pytest
from sqlalchemy import delete

from api.cases.models import Attachment
from api.cases.schemas import CaseAction, CaseEventKind, CaseState
from bot.backend import Backend
from bot.backend.errors import ConnectionBroke
from handlers.case_buttons import AskRating, AskWithdraw, GetFile, Say, ShowFiles, ShowHistory, ShowNewest, ShowSaid
from tests.api.desk import Desk
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.flows.files import PDF, PROGRAM, picture
from tests.flows.test_notices import has_written
from tests.people import Message, Person


def data_of(message: Message, button: str) -> str:
    return next(str(one["callback_data"]) for one in message.inline if button in one["text"])


async def test_a_reply_to_a_closed_complaint_is_never_merged(
    system: System, resident: Person, desk: Desk, household: Household
) -> None:
    await has_written(resident)
    number = await desk.to("closed", chat=resident.id)
    closed = await resident.expect("您的投诉", "已经办结", "解决没解决，只有您说了算")
    await resident.send_photo(picture(1), caption="墙又漏了", reply_to=closed)
    offer = await resident.expect("已经不在办理了", "还没有转给任何人", "墙又漏了", "1张照片")
    assert offer.protected
    before = await desk.case(number, chat=resident.id)
    assert before.state is CaseState.CLOSED
    assert len(before.attachments) == 0
    await resident.send("客厅那面墙")
    await resident.expect("墙又漏了\n客厅那面墙", "这些内容您想怎么处理")
    await resident.tap("作为新的投诉提交")
    await resident.expect_any()
    await resident.tap("房屋质量")
    await resident.expect("墙又漏了\n客厅那面墙")
    await resident.tap("继续")
    await resident.expect("1张照片")
    await resident.tap("继续")
    await resident.expect("请核对一下")
    await resident.tap("✅ 提交")
    receipt = await resident.expect("您的投诉已经提交", "1张照片")
    fresh = receipt.text.split("编号：")[1].split()[0]
    assert fresh != number
    case = await desk.case(fresh, chat=resident.id)
    assert (case.text, len(case.attachments)) == ("墙又漏了\n客厅那面墙", 1)
    after = await desk.case(number, chat=resident.id)
    assert after.events == before.events
    # The buttons of the offer are old now.
    await resident.tap_data(offer.id, data_of(offer, "重新办理"))
    await resident.expect("没有重复办理", number, "已办结")
    assert (await desk.case(number, chat=resident.id)).state is CaseState.CLOSED


async def test_what_was_being_written_when_it_was_closed_is_kept(system: System, resident: Person, desk: Desk) -> None:
    await has_written(resident)
    number = await desk.to("accepted", chat=resident.id)
    await desk.act(number, "ask", text="哪一间漏水？")
    asked = await resident.expect("哪一间漏水？")
    await resident.tap("回答问题", on=asked)
    await resident.expect("哪一间漏水？", "请写下您的回答")
    await resident.send_photo(picture(1), picture(2), picture(3))
    await resident.expect("3张照片")
    await resident.send("厨房，还有卫生间")
    ready = await resident.expect("厨房，还有卫生间", "现在还没有发出去")
    await desk.act(number, "answer", outcome="supported", text="已派人维修。")
    await resident.expect("有答复了", "已派人维修。")
    await resident.tap("发给工作专班", on=ready)
    offer = await resident.expect("已经不在办理了", "厨房，还有卫生间", "3张照片")
    await resident.tap("没解决，要求重新办理", on=offer)
    again = await resident.expect("厨房，还有卫生间", "现在还没有发出去")
    await resident.tap("发给工作专班", on=again)
    await resident.expect("已经退回工作专班重新办理")
    case = await desk.case(number, chat=resident.id)
    assert case.state is CaseState.IN_PROGRESS
    assert [(event.kind, len(event.attachment_ids)) for event in case.events[-2:]] == [
        (CaseEventKind.REOPENED, 0),
        (CaseEventKind.ADDED, 3),
    ]


async def test_an_answer_that_nobody_waits_for_any_more_can_be_added(resident: Person, desk: Desk) -> None:
    await has_written(resident)
    number = await desk.to("accepted", chat=resident.id)
    await desk.act(number, "ask", text="哪一间？")
    asked = await resident.expect("哪一间？")
    await resident.tap("回答问题", on=asked)
    await resident.send("厨房")
    ready = await resident.expect("厨房", "现在还没有发出去")
    # Meanwhile the same person's answer goes out in another way.
    await desk.say(number, "reply", text="厨房。", chat=resident.id)
    await resident.tap("发给工作专班", on=ready)
    changed = await resident.expect("已经不等您的回答了", "厨房")
    await resident.tap("发给工作专班", on=changed)
    await resident.expect(f"已经补充到投诉 {number}")
    assert [event.kind for event in (await desk.case(number, chat=resident.id)).events[-2:]] == [
        CaseEventKind.REPLIED,
        CaseEventKind.ADDED,
    ]
    # And the button of the old question tells how it stands.
    await resident.tap_data(asked.id, data_of(asked, "回答问题"))
    await resident.expect("现在没有要您回答的问题", "已受理")


async def test_pressed_twice_at_once_it_is_sent_once(system: System, resident: Person, desk: Desk) -> None:
    await has_written(resident)
    number = await desk.to("accepted", chat=resident.id)
    await resident.send("/cases")
    await resident.tap(number)
    await resident.tap("补充内容或照片")
    await resident.expect("请把要补充的内容发给我")
    await resident.send_document(PROGRAM, filename="病毒.exe")
    await resident.expect("请把要补充的内容发给我")
    await resident.voice()
    await resident.expect("语音")
    await resident.sticker()
    await resident.expect("这种内容我收不了")
    await resident.send_document(PDF, filename="清单.pdf")
    await resident.expect("1个文件", "现在还没有发出去")
    await resident.send("这是清单" * 900)
    await resident.expect("1个文件")
    await resident.send("这是清单")
    ready = await resident.expect("这是清单", "1个文件")
    data = data_of(ready, "发给工作专班")
    await resident.tap_data(ready.id, data)
    await resident.tap_data(ready.id, data)
    await resident.expect("没有重复办理")
    await system.quiet()
    case = await desk.case(number, chat=resident.id)
    assert [event.kind for event in case.events].count(CaseEventKind.ADDED) == 1
    assert [file.filename for file in case.attachments] == ["清单.pdf"]
    # A reply delivered twice: the same message is one step, whoever asks.
    again = await desk.say(number, "add", text="同一句", key="message-77-0", chat=resident.id)
    twice = await desk.say(number, "add", text="同一句", key="message-77-0", chat=resident.id)
    assert len(again["events"]) == len(twice["events"])


@pytest.mark.parametrize("number", ["2026-000001", "2026-999999", "x", "../../staff", "1' OR 1=1", ""])
async def test_another_familys_complaint_and_numbers_that_are_none(
    system: System, factory: Factory, resident: Person, desk: Desk, number: str
) -> None:
    theirs = await desk.to("answered", chat=resident.id)
    assert theirs == "2026-000001"
    neighbour = await system.person("邻居")
    await factory.link(neighbour.id, await factory.agreement(units=[await factory.unit()]))
    for tap in (
        Say(number, CaseAction.REOPEN),
        Say(number, CaseAction.ANSWER),
        AskRating(number),
        AskWithdraw(number),
        ShowFiles(number),
        GetFile(number, 1),
        ShowHistory(number, -3),
        ShowSaid(number, 10**6),
        ShowNewest(number, CaseEventKind.ANSWERED),
    ):
        await neighbour.send("/cases")
        shown = await neighbour.expect("您还没有在这里提交过投诉")
        await neighbour.tap_data(shown.id, tap.encode())
        await neighbour.expect("这里没有您的这份投诉")
    assert not any("九月底前修好" in text for text in neighbour.said())
    assert (await desk.case(theirs, chat=resident.id)).state is CaseState.ANSWERED


async def test_buttons_that_the_screen_never_showed(resident: Person, desk: Desk) -> None:
    """One's own complaint, at a moment at which none of this is possible."""
    number = await desk.file(chat=resident.id)
    for tap, said in (
        (Say(number, CaseAction.ANSWER), "现在不能再补充了"),
        (Say(number, CaseAction.REOPEN), "现在不能要求重新办理"),
        (Say(number, CaseAction.REQUEST_REVIEW), "现在不能申请复查"),
        (AskRating(number), "等工作专班答复了"),
        (ShowSaid(number, -1), "这里没有可以看的内容"),
        (ShowSaid(number, 99), "这里没有可以看的内容"),
        (ShowNewest(number, CaseEventKind.ANSWERED), "这里没有可以看的内容"),
        (ShowHistory(number, 99), "全部经过"),
        (ShowFiles(number, 99), "没有发来文件"),
        (GetFile(number, 12345), "这个文件已经没有了"),
    ):
        await resident.send("/cases")
        screen = await resident.expect(number)
        await resident.tap_data(screen.id, tap.encode())
        await resident.expect(said)
    await desk.say(number, "withdraw", chat=resident.id)
    await resident.tap_data(screen.id, AskWithdraw(number).encode())
    await resident.expect("已经不能撤回了", "已撤回", "办理经过")


async def test_a_reply_goes_to_its_complaint_and_not_into_the_draft_of_another(resident: Person, desk: Desk) -> None:
    await has_written(resident)
    number = await desk.to("accepted", chat=resident.id)
    accepted = await resident.expect("正式受理了")
    await resident.send("/complain")
    await resident.tap("过渡费")
    await resident.send("新的一件事")
    await resident.expect("内容收到了")
    await resident.reply(accepted, "补充老的那件")
    await resident.expect(f"已经补充到投诉 {number}")
    await resident.expect_button("继续")
    await resident.send("/complain")
    draft = await resident.expect("新的一件事")
    assert "补充老的那件" not in draft.text
    # Words about a complaint that are not sent are not lost to a new one either.
    await resident.send("/cancel")
    await resident.tap("不要了")
    await resident.send("/cases")
    await resident.tap(number)
    await resident.tap("补充内容或照片")
    await resident.send("没发出去的话")
    await resident.expect("现在还没有发出去")
    await resident.send("/complain")
    await resident.expect("您之前写的这些还没有发出去", "没发出去的话")
    await resident.send("/home")
    await resident.expect_button("继续填写")
    await resident.tap("继续填写", on=resident.last)
    await resident.expect("没发出去的话")
    await resident.send("/cancel")
    await resident.tap("不要了")
    await resident.expect("什么都没有发出去")


async def has_begun_to_reopen(resident: Person, desk: Desk) -> tuple[str, Message]:
    """Words and a photo that wait to be sent."""
    await has_written(resident)
    number = await desk.to("closed", chat=resident.id)
    closed = await resident.expect("您的投诉", "已经办结")
    await resident.tap("没解决，要求重新办理", on=closed)
    await resident.expect("还有什么没解决")
    await resident.send("还是漏")
    await resident.expect("还是漏")
    await resident.send_photo(picture(1))
    return number, await resident.expect("还是漏", "1张照片", "现在还没有发出去")


async def test_what_broke_off_after_the_words_says_so_and_keeps_the_files(
    system: System, resident: Person, desk: Desk
) -> None:
    """The words arrived, the photo did not, and meanwhile it was answered: "nobody has got it yet" was not true."""
    number, ready = await has_begun_to_reopen(resident, desk)
    owner = await desk.factory.database.connect()
    await owner.execute("ALTER TABLE case_events ADD CONSTRAINT full_up CHECK (kind <> 'added') NOT VALID")
    await resident.tap("发给工作专班", on=ready)
    await resident.expect_any()
    await owner.execute("ALTER TABLE case_events DROP CONSTRAINT full_up")
    await owner.close()
    assert (await desk.case(number, chat=resident.id)).state is CaseState.IN_PROGRESS
    await desk.act(number, "answer", outcome="supported", text="又修了一次。")
    await resident.expect("有新的答复了", "又修了一次。")
    await resident.tap("发给工作专班", on=ready)
    offer = await resident.expect("写的话已经送到工作专班", "这些照片、文件还没有发出去", "1张照片")
    assert "还没有转给任何人" not in offer.text
    assert "还是漏" not in offer.text
    case = await desk.case(number, chat=resident.id)
    assert [event.kind for event in case.events if event.text == "还是漏"] == [CaseEventKind.REOPENED]


async def test_files_that_were_lost_are_sent_after_the_words(system: System, resident: Person, desk: Desk) -> None:
    number, ready = await has_begun_to_reopen(resident, desk)
    async with desk.factory.database.transaction() as session:
        await session.execute(delete(Attachment).where(Attachment.case_id.is_(None)))
    await resident.tap("发给工作专班", on=ready)
    await resident.expect("您写的话已经送到工作专班了", "请再发一次")
    await resident.send_photo(picture(2))
    again = await resident.expect("1张照片", "现在还没有发出去")
    await resident.tap("发给工作专班", on=again)
    await resident.expect("已经补充到投诉")
    case = await desk.case(number, chat=resident.id)
    assert [(event.kind, event.text, len(event.attachment_ids)) for event in case.events[-2:]] == [
        (CaseEventKind.REOPENED, "还是漏", 0),
        (CaseEventKind.ADDED, "", 1),
    ]


async def test_a_rating_that_was_changed_after_a_lost_answer_is_another_one(
    system: System, resident: Person, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await has_written(resident)
    number = await desk.to("answered", chat=resident.id)
    answered = await resident.expect("有答复了")
    await resident.tap("评价答复", on=answered)
    await resident.tap("⭐⭐ 不满意")
    await resident.tap("❌ 没解决")
    await resident.expect("为什么这样评价")
    act = Backend.act_on_own_case

    async def lose_the_answer(*given: Any, **more: Any) -> None:
        await act(*given, **more)
        raise ConnectionBroke

    with monkeypatch.context() as patched:
        patched.setattr(Backend, "act_on_own_case", lose_the_answer)
        await resident.send("钱没到账")
        await resident.expect_any()
    assert (await desk.case(number, chat=resident.id)).rating == 2
    # Other words are another rating; the first ones were kept.
    await resident.send("钱到账了一半")
    await resident.expect("您的评价记下了：2分")
    rated = [event.text for event in (await desk.case(number, chat=resident.id)).events if event.kind == "rated"]
    assert rated == ["钱没到账", "钱到账了一半"]
