"""Words typed where a key was meant: they are keys, and no part of what is sent."""

import pytest

from tests.flows.conftest import System
from tests.flows.office import Office, office, open_case
from tests.flows.test_staff_queue_steps import brought_to

__all__ = ["office"]


@pytest.mark.parametrize("on", ["继续", "没了。", " 提 交 ", "OK"])
async def test_a_complaint_is_written_with_words_for_keys(system: System, office: Office, on: str) -> None:
    resident = office.resident
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send(on)
    await resident.expect("请把事情写下来")
    await resident.send("厨房漏水")
    await resident.expect("收到")
    await resident.send(on)
    await resident.expect_any()
    await resident.send(on)
    shown = await resident.expect("厨房漏水")
    assert on.strip() not in shown.text.replace("“提交”", "")
    # No word submits it.
    await resident.send("提交")
    await resident.expect("还没有提交", "厨房漏水")
    officer = await office.hire()
    assert (await office.queue(chat=officer.id)).cases == []
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    [case] = (await office.queue(chat=officer.id)).cases
    assert (await office.case(case.number, chat=resident.id)).text == "厨房漏水"


@pytest.mark.parametrize("stop", ["取消", "算了", "算了，不投诉了", "cancel"])
async def test_a_complaint_is_cancelled_by_a_word(office: Office, stop: str) -> None:
    resident = office.resident
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("厨房漏水")
    await resident.expect("收到")
    await resident.send(stop)
    await resident.expect("不要了吗")
    await resident.tap("🗑 不要了")
    await resident.expect("取消了")


async def test_one_goes_back_by_a_word(office: Office) -> None:
    resident = office.resident
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("返回")
    await resident.expect("哪方面")


async def adding(office: Office) -> str:
    """The resident has written something to add to a complaint, and not sent it; the complaint's number."""
    resident = office.resident
    number = await brought_to(office, "accepted", await office.hire())
    await resident.send("/cases")
    await resident.tap(number)
    await resident.tap("补充")
    await resident.send("厕所也漏")
    await resident.expect("还没有发出")
    return number


async def test_what_is_added_holds_no_words_for_keys(office: Office) -> None:
    resident = office.resident
    number = await adding(office)
    await resident.send("发送")
    await resident.expect("还没有发出", "厕所也漏")
    await resident.tap("发给工作专班")
    await resident.expect("已经补充")
    assert (await office.case(number, chat=resident.id)).events[-1].text == "厕所也漏"


async def test_nothing_more_may_be_the_answer(office: Office) -> None:
    """Asked whether there is anything else, "nothing more" is what they have to say."""
    resident, officer = office.resident, await office.hire()
    await resident.send("/start")
    number = await brought_to(office, "accepted", officer)
    await office.act(number, "ask", text="还有别的地方漏吗？", chat=officer.id)
    await resident.expect("还有别的地方漏吗？")
    await resident.tap("回答")
    await resident.send("没有了")
    await resident.expect("还没有发出", "没有了")
    await resident.send("发送")
    await resident.expect("还没有发出")
    await resident.tap("发给工作专班")
    await resident.expect("您的回答已经转给")
    assert (await office.case(number, chat=resident.id)).events[-1].text == "没有了"


async def test_an_official_answer_holds_no_words_for_keys(office: Office) -> None:
    officer = await office.hire()
    number = await brought_to(office, "accepted", officer)
    await open_case(officer, number)
    await officer.tap("✉️ 答复")
    await officer.tap("解释说明")
    await officer.send("继续")
    await officer.expect("请发答复内容")
    await officer.send("已经查过。")
    await officer.expect("已收到：5个字")
    await officer.send("下一步")
    await officer.expect("信访人会看到", "已经查过。")
    await officer.send("提交")
    shown = await officer.expect("还没有办", "已经查过。")
    assert "下一步" not in shown.text
    await officer.send("取消")
    await officer.expect("不要了吗")
    await officer.tap("不，继续写")
    await officer.tap("确定")
    await officer.expect("办好了：答复")
    assert (await office.case(number, chat=office.resident.id)).events[-1].text == "已经查过。"


async def test_the_words_on_a_key_press_it(office: Office) -> None:
    resident, officer = office.resident, await office.hire()
    await resident.send("/complain")
    await resident.send("没了")
    await resident.expect("请点一个按钮", "哪方面")
    await resident.send("房屋质量")
    await resident.expect("请把事情写下来")
    await resident.send("/cancel")
    number = await brought_to(office, "answered", officer)
    await resident.send("/cases")
    await resident.tap(number)
    await resident.tap("评价")
    await resident.send("2")
    await resident.expect("事情本身解决了吗")
    await resident.send("没解决")
    await resident.expect("为什么")
    await resident.send("返回")
    await resident.expect("事情本身解决了吗")
    await resident.send("没解决。")
    await resident.expect("为什么")
    await resident.send("算了")
    await resident.expect("评价")
    rated = await office.case(number, chat=resident.id)
    assert (rated.rating, rated.solved, rated.events[-1].text) == (2, False, "算了")


async def test_a_number_is_no_part_of_an_official_answer(office: Office) -> None:
    officer = await office.hire()
    number = await brought_to(office, "accepted", officer)
    await open_case(officer, number)
    await officer.tap("✉️ 答复")
    await officer.tap("解释说明")
    await officer.send("2026-000003")
    await officer.expect("信访件编号", "请发答复内容")
    await officer.send("返回")
    await officer.expect("处理意见是")


async def test_what_is_said_before_the_stars_is_why_they_are_given(office: Office) -> None:
    resident, officer = office.resident, await office.hire()
    number = await brought_to(office, "answered", officer)
    await resident.send("/cases")
    await resident.tap(number)
    await resident.tap("评价")
    await resident.send("没解决，厨房根本没人来看过")
    await resident.expect("您说的记下了")
    await resident.send("2分")
    await resident.expect("事情本身解决了吗")
    # The name of a page is none of it; and nothing goes that was not shown.
    await resident.send("菜单")
    await resident.expect("您想查什么")
    await resident.tap("继续填写")
    await resident.expect("事情本身解决了吗")
    await resident.tap("没解决")
    await resident.expect("没解决，厨房根本没人来看过", "没问题就点“完成”")
    assert (await office.case(number, chat=resident.id)).rating is None
    await resident.tap("完成")
    await resident.expect("谢谢")
    case = await office.case(number, chat=resident.id)
    assert (case.rating, case.solved, case.events[-1].text) == (2, False, "没解决，厨房根本没人来看过")


async def test_an_answer_that_comes_before_its_outcome_is_acknowledged(office: Office) -> None:
    officer = await office.hire()
    number = await brought_to(office, "accepted", officer)
    await open_case(officer, number)
    await officer.tap("✉️ 答复")
    await officer.send("已经查过。")
    await officer.expect("内容收到了")
    await officer.tap("解释说明")
    await officer.expect("信访人会看到", "已经查过。")
