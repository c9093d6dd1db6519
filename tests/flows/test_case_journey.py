"""A complaint from its receipt to its end, as the resident follows it: the office acts through the API."""

import aiohttp
from sqlalchemy import select, text

from api.cases.models import CaseEvent
from api.cases.schemas import CaseEventKind, CaseState
from tests.api.desk import ADMIN, Desk
from tests.conftest import SERVICE_TOKEN
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.flows.files import picture
from tests.flows.test_cases import file_one
from tests.people import Person

SENTENCE = "经核查，过渡费因资金拨付流程延误，现已补发到六月。"
LONG = "\n".join(f"{number}、{SENTENCE * 12}" for number in range(1, 31))


async def kinds(factory: Factory) -> list[CaseEventKind]:
    async with factory.database.transaction() as session:
        return list((await session.scalars(select(CaseEvent.kind).order_by(CaseEvent.id))).all())


async def test_a_question_answered_by_replying_an_answer_rated_and_reopened(
    system: System, factory: Factory, resident: Person, desk: Desk
) -> None:
    number = await file_one(resident, "三个月没有发过渡费")
    await desk.act(number, "register")
    await desk.act(number, "assign", department_id=desk.department)
    passed_on = await resident.expect(f"您的投诉 {number} 转给负责的单位了", "编造住建局")
    assert passed_on.protected
    await desk.act(number, "accept")
    accepted = await resident.expect(f"您的投诉 {number} 正式受理了", "过渡费", "书面答复", "《信访工作条例》第34条")
    assert accepted.buttons == ["🔎 看这份投诉"]
    await desk.act(number, "ask", text="您的银行卡号有没有换过？")
    asked = await resident.expect("工作人员有问题要问您", "您的银行卡号有没有换过？", "直接回复这条消息")
    assert "第34条" not in asked.text, "only the question's own clock"
    await resident.reply(asked, "没有换过，一直是原来的。")
    await resident.expect("您的回答已经转给工作人员", number)
    case = await desk.case(number, chat=resident.id)
    assert (case.events[-1].kind, case.events[-1].text) == (CaseEventKind.REPLIED, "没有换过，一直是原来的。")
    # Once more replied to, it is something added: nobody waits for an answer now.
    await resident.reply(asked, "忘了说，开户行是编造银行。")
    await resident.expect("已经补充到投诉", number)
    # The answer: longer than a message, with a document.
    file = await desk.upload(filename="答复意见书.png")
    await desk.act(number, "answer", outcome="not_supported", text=LONG, attachment_ids=[file])
    answered = await resident.expect(
        f"您的投诉 {number} 有答复了", "没有得到支持", "上面只是开头", "附有1个文件", "申请复查"
    )
    assert len(answered.text) < 4096
    await resident.tap("看全文", on=answered)
    await resident.expect("第3段，共3段")
    parts = [message for message in resident.answers if "段，共3段" in message.text]
    assert len(parts) == 3
    assert all(part.protected for part in parts)
    read = "".join("".join(part.text.split("段，共")[0].split()) for part in parts)
    assert read.count("".join(SENTENCE.split())) == 12 * 30, "no sentence is cut"
    await resident.reply(parts[1], "这一段我不明白")
    offer = await resident.expect("已经不在办理了", "这一段我不明白", "这些内容您想怎么处理")
    assert {"🔁 没解决，要求重新办理", "⚖️ 申请复查", "🆕 作为新的投诉提交"} <= {*offer.buttons}
    await resident.tap("取消")
    await resident.tap("不要了")
    await resident.expect("什么都没有发出去")
    # The file.
    await resident.tap("工作专班发来的文件", on=answered)
    await resident.tap("答复意见书.png")
    await resident.expect_that("the document", lambda person: any("document" in m.wire for m in person.answers))
    document = next(m for m in resident.answers if "document" in m.wire)
    assert document.protected
    assert document.wire["document"]["file_name"] == "答复意见书.png"
    await resident.tap("回到这份投诉", on=document)
    shown = await resident.expect("目前：已答复", "没有得到支持", "办理经过", "编造住建局工作人员")
    assert len(shown.text) < 4096
    await resident.tap("全部经过")
    history = await resident.expect("全部经过", "没有换过，一直是原来的。", "您的银行卡号有没有换过？")
    assert "接访甲" not in history.text, "by role and department, not by name"
    # Rated, and not solved.
    await resident.tap("评价答复", on=answered)
    await resident.tap("⭐⭐ 不满意")
    await resident.tap("❌ 没解决")
    await resident.expect("为什么这样评价")
    await resident.send("钱还是没到账")
    thanks = await resident.expect("您的评价记下了：2分", "要求重新办理")
    case = await desk.case(number, chat=resident.id)
    assert (case.rating, case.solved) == (2, False)
    await resident.tap("没解决，要求重新办理", on=thanks)
    await resident.expect("还有什么没解决")
    await resident.send_photo(picture(1), picture(2))
    await resident.expect("请再写几句话", "2张照片")
    await resident.send("六月的还是没有到账")
    ready = await resident.expect("六月的还是没有到账", "现在还没有发出去")
    await resident.tap("发给工作专班")
    await resident.expect(f"投诉 {number} 已经退回工作专班重新办理")
    # Pressed once more, late: told so, and nothing happens twice.
    button = next(b for b in ready.inline if "发给" in b["text"])
    await resident.tap_data(ready.id, str(button["callback_data"]))
    await resident.expect("没有重复办理", "目前：")
    case = await desk.case(number, chat=resident.id)
    assert case.state is CaseState.IN_PROGRESS
    assert [event.kind for event in case.events[-2:]] == [CaseEventKind.REOPENED, CaseEventKind.ADDED]
    assert len(case.events[-1].attachment_ids) == 2
    found = await kinds(factory)
    assert found.count(CaseEventKind.REOPENED) == 1
    assert found.count(CaseEventKind.RATED) == 1


async def test_the_list_tells_what_waits_and_what_is_late(resident: Person, desk: Desk, factory: Factory) -> None:
    waiting = await file_one(resident, "三个月没有发过渡费")
    late = await desk.file(chat=resident.id)
    await desk.act(waiting, "register")
    await desk.act(waiting, "ask", text="哪一间？")
    await resident.expect("哪一间？")
    async with factory.database.transaction() as session:
        await session.execute(text("UPDATE cases SET due_on = '2026-01-05' WHERE number = :number"), {"number": late})
    await resident.send("/cases")
    shown = (await resident.expect("您一共提交了2份投诉", waiting, late)).text.split(waiting)
    assert "已经超期：本该在2026年1月5日前给您回音" in shown[0]
    assert "等您回复" not in shown[0]
    assert "等您回复" in shown[1]
    assert "会给您回音" in shown[1]


async def test_reviews_in_english_and_one_taken_back(system: System, english_resident: Person, desk: Desk) -> None:
    person = english_resident
    number = await desk.file(chat=person.id)
    await person.send("/cases")
    await person.tap(number)
    await person.expect("By", "whether it is accepted", "articles 22, 23")
    for action, fields in (
        ("register", {}),
        ("assign", {"department_id": desk.department}),
        ("accept", {}),
        ("extend", {"days": 20, "text": "The bank has to be asked.", "approved_by": "编造局长"}),
        ("answer", {"outcome": "explained", "text": "This is how it is."}),
    ):
        await desk.act(number, action, **fields)
    await person.expect("takes longer", "20 days more", "The bank has to be asked.")
    answered = await person.expect("is answered", "explains", "This is how it is.", "article 35")
    await person.tap("Ask for a review", on=answered)
    await person.expect("do not agree with", "article 35")
    await person.send("The figures are wrong.")
    await person.tap("Send to the office")
    await person.expect("request for a review", number)
    await desk.act(number, "review_answer", outcome="not_supported", text="The answer stands.", chat=ADMIN)
    reviewed = await person.expect("result of the review", "The answer stands.", "second review until", "article 36")
    # The review can be asked for once.
    review = next(b for b in answered.inline if "Ask for a review" in b["text"])
    await person.tap_data(answered.id, str(review["callback_data"]))
    await person.expect("A review cannot be asked for now")
    await person.tap("Ask for a second review", on=reviewed)
    await person.send("Still wrong.")
    await person.tap("Send to the office")
    await person.expect("request for a review")
    await person.tap("See the complaint")
    await person.tap("Withdraw it")
    await person.expect("cannot be undone")
    await person.tap("No, keep it")
    await person.expect("stands as it did")
    assert (await desk.case(number, chat=person.id)).state is CaseState.SECOND_REVIEW
    await person.tap("See the complaint")
    await person.tap("Withdraw it")
    sure = await person.expect("Withdraw the request for a review", "The answer then stands", "cannot be undone")
    await person.tap("Yes, withdraw it")
    await person.expect("the answer stands")
    yes = next(b for b in sure.inline if "Yes" in b["text"])
    await person.tap_data(sure.id, str(yes["callback_data"]))
    await person.expect("nothing was done twice", "Closed")


async def test_a_reply_finds_its_complaint_by_what_the_courier_reported(
    system: System, factory: Factory, resident: Person, desk: Desk
) -> None:
    """Though the message bears no button any more; and among several complaints the right one."""
    await file_one(resident, "第一份")
    second = await desk.to("accepted", chat=resident.id)
    accepted = await resident.expect(f"您的投诉 {second} 正式受理了")
    await file_one(resident, "第三份")
    await system.application.bot.edit_message_reply_markup(resident.id, accepted.id)
    await resident.refresh()
    await resident.reply(resident.messages[accepted.id], "再补充一句")
    await resident.expect(f"已经补充到投诉 {second}")
    assert (await desk.case(second, chat=resident.id)).events[-1].text == "再补充一句"
    # Another chat's message number leads nowhere.
    neighbour = await system.person("邻居")
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with aiohttp.ClientSession(system.api_url, headers=headers) as api:
        for chat, message, status in (
            (resident.id, accepted.id, 200),
            (neighbour.id, accepted.id, 404),
            (resident.id, 2**40, 404),
        ):
            async with api.get(f"/v1/chats/{chat}/messages/{message}") as response:
                assert response.status == status


async def test_what_is_overdue_is_said_so(
    system: System, factory: Factory, household: Household, resident: Person, desk: Desk
) -> None:
    number = await desk.to("accepted", chat=resident.id)
    async with factory.database.transaction() as session:
        await session.execute(text("UPDATE case_clocks SET last_day = DATE '2026-01-05' WHERE stopped_at IS NULL"))
    await resident.send("/cases")
    await resident.tap(number)
    shown = await resident.expect(
        "已经超期", "最迟 2026年1月5日 就应该给您书面答复", "第34条", "系统会自动报告给负责人"
    )
    await resident.tap("期限怎么算", on=shown)
    await resident.expect("60天内要给您书面答复", "《民法典》第201、203条")
