"""A page that is asked for by its name while something is written to the office: shown, and no part of what is sent."""

import pytest

from tests.flows.office import Office, office
from tests.flows.test_staff_queue_steps import brought_to
from tests.flows.test_typed_keys import adding

__all__ = ["office"]


@pytest.mark.parametrize(
    ("typed", "page"),
    [
        ("付款", "付了多少"),
        ("付款和收款", "付了多少"),
        ("什么时候交房？", "交房"),
        ("菜单", "您想查什么"),
        ("帮助", "投诉"),
    ],
)
async def test_a_page_is_shown_and_the_complaint_waits(office: Office, typed: str, page: str) -> None:
    resident = office.resident
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.expect("请把事情写下来")
    await resident.send(typed)
    await resident.expect(page)
    await resident.expect("没填完的内容还在")
    await resident.tap("继续填写")
    await resident.expect("请把事情写下来")
    await resident.send("厨房漏水")
    await resident.tap("➡️ 继续")
    shown = await resident.expect("厨房漏水")
    assert typed not in shown.text


async def test_whoever_says_once_more_that_they_complain_goes_on_with_it(office: Office) -> None:
    resident = office.resident
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("厨房漏水")
    await resident.expect("收到")
    await resident.send("我要投诉")
    await resident.expect("厨房漏水")
    await resident.tap("➡️ 继续")
    shown = await resident.expect("厨房漏水")
    assert "我要投诉" not in shown.text


async def test_behind_other_words_it_is_no_part_of_them_either(office: Office) -> None:
    resident = office.resident
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("厨房漏水")
    await resident.expect("收到")
    for typed, told in (("付款", "付了多少"), ("谢谢", "不客气"), ("等一下，我找找照片", "不着急")):
        await resident.send(typed)
        await resident.expect(told)
    await resident.tap("➡️ 继续")
    shown = await resident.expect("厨房漏水", "提交")
    assert not [typed for typed in ("付款", "谢谢", "等一下") if typed in shown.text]


@pytest.mark.parametrize("sure", ["对，不要了", "是的", "不要了"])
async def test_a_yes_to_throwing_it_away_is_no_part_of_it(office: Office, sure: str) -> None:
    """Nor does a word throw anything away: it may be about something that was asked in between."""
    resident = office.resident
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("厨房漏水")
    await resident.expect("收到")
    await resident.send("算了，我自己找人修")
    await resident.expect("不要了吗")
    await resident.send("不")
    await resident.expect("要不要再发几张照片")
    await resident.send("算了，不投诉了")
    await resident.expect("不要了吗")
    await resident.send(sure)
    await resident.expect("请点一下按钮", "不要了吗")
    await resident.tap("🗑 不要了")
    await resident.expect("取消了")


async def test_a_yes_to_what_was_asked_since_throws_nothing_away(office: Office) -> None:
    resident = office.resident
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("厨房漏水")
    shown = await resident.expect("收到")
    await resident.send("算了")
    await resident.expect("不要了吗")
    await resident.tap("➡️ 继续", on=shown)
    await resident.expect("厨房漏水", "提交")
    await resident.send("好的")
    await resident.expect("还没有提交", "厨房漏水")


async def test_so_does_whoever_was_adding_something(office: Office) -> None:
    resident = office.resident
    number = await adding(office)
    await resident.send("算了，不补充了")
    await resident.expect("不要了吗")
    await resident.send("不")
    await resident.expect("还没有发出", "厕所也漏")
    await resident.send("算了，不补充了")
    await resident.expect("不要了吗")
    await resident.send("对")
    await resident.expect("请点一下按钮", "不要了吗")
    await resident.tap("🗑 不要了")
    await resident.expect("没有发出去")
    assert (await office.case(number, chat=resident.id)).events[-1].kind == "accepted"


async def test_a_statement_holds_no_names_of_pages_and_no_words_of_keys(office: Office) -> None:
    resident = office.resident
    number = await adding(office)
    await resident.send("等一下")
    await resident.expect("不着急", "厕所也漏")
    await resident.send("付款和收款")
    await resident.expect("付了多少")
    await resident.expect("没填完的内容还在")
    await resident.tap("继续填写")
    await resident.send("发给工作专班")
    await resident.expect("还没有发出", "厕所也漏")
    await resident.tap("发给工作专班")
    await resident.expect("已经补充")
    assert (await office.case(number, chat=resident.id)).events[-1].text == "厕所也漏"


async def test_the_name_of_a_page_may_be_the_answer(office: Office) -> None:
    resident, officer = office.resident, await office.hire()
    await resident.send("/start")
    number = await brought_to(office, "accepted", officer)
    await office.act(number, "ask", text="您要问的是什么？", chat=officer.id)
    await resident.tap("回答")
    await resident.send("付款和收款")
    await resident.expect("还没有发出", "付款和收款")
