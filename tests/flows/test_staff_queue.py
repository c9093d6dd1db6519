"""The complaint desk in the chat: lists, pages, search, one case, and who may see what."""

import pytest

from api.audit.service import OPERATOR
from api.staff.schemas import StaffRole
from api.staff.service import change_account
from tests.factories import Factory
from tests.flows.conftest import Household, System, new_household
from tests.flows.files import PDF, picture
from tests.flows.office import Office, begin_answer, office, open_case
from tests.people import Person

__all__ = ["office"]

NUMBERS = "点编号查看"


async def show_list(person: Person, button: str) -> None:
    await person.send("/staff")
    await person.tap("信访件")
    await person.tap(button)


async def test_the_desk_begins_with_what_is_due_first(office: Office, household: Household) -> None:
    officer = await office.hire()
    await officer.send("/staff")
    assert (await officer.expect("接访甲")).buttons[0] == "📋 信访件"
    await officer.tap("信访件")
    desk = await officer.expect("您手上没有在办的信访件")
    assert desk.protected
    later, first = await office.filed(), await office.filed(category="transition_fee", text="过渡费没有发。")
    await office.leave(first, 1)
    for number in (later, first):
        await office.act(number, "claim", chat=officer.id)
    await officer.send("/staff")
    await officer.tap("信访件")
    desk = await officer.expect("最先到期", f"🔴 {first} · 过渡费", "期限：", "已收到", "接访甲")
    assert later not in desk.text
    await officer.tap(first)
    page = await officer.expect(
        f"信访件 {first}", "过渡费没有发。", "🔴 告知是否受理", "第22、23条", household.agreement.number
    )
    assert page.protected
    assert household.name not in page.text, "masked: the office needs no more to work on it"
    assert household.name[0] + "*" in page.text


async def test_thirty_cases_page_by_page(office: Office) -> None:
    officer = await office.hire()
    numbers = [await office.filed(text=f"第{n}件") for n in range(30)]
    await show_list(officer, "待认领")
    seen: list[str] = []
    for page in range(5):
        shown = await officer.expect("还没有人认领", NUMBERS)
        found = [label.partition(" ")[2] for label in shown.buttons if label.startswith("🟢 ")]
        assert len(found) == 6
        seen += found
        assert ("⏮ 第一页" in shown.buttons) == (page > 0), shown.buttons
        for button in shown.inline:
            assert len(str(button["callback_data"]).encode()) <= 64
        if page < 4:
            await officer.tap("更多")
    assert seen == numbers, "each once, in order"
    assert not any("更多" in label for label in shown.buttons)
    # Somebody takes two while the officer is on the last page: an old "more" still leads on from where it was.
    await officer.tap("第一页")
    again = await officer.expect(NUMBERS)
    for number in numbers[:2]:
        await office.act(number, "claim", chat=officer.id)
    await officer.tap("更多", on=again)
    shown = await officer.expect(NUMBERS)
    assert [label.partition(" ")[2] for label in shown.buttons if label.startswith("🟢 ")] == numbers[6:12]
    # What never was a cursor begins at the beginning.
    await officer.tap_data(shown.id, "s_cases:free:%:WyJkdWUiLCJ4Il0=")
    first = await officer.expect("还没有人认领")
    assert numbers[2] in first.text


async def test_lists_by_what_they_say(office: Office) -> None:
    officer, chief = await office.hire(), await office.hire("负责人", StaffRole.ADMIN)
    unit = await office.unit_of("住建局", officer)
    mine, late, watched, theirs = [await office.filed() for _ in range(4)]
    await office.act(mine, "claim", chat=officer.id)
    await office.leave(late, -25)
    await office.act(watched, "supervise", chat=chief.id)
    await office.act(theirs, "register", chat=officer.id)
    await office.act(theirs, "assign", chat=chief.id, department_id=unit)
    for button, expected in (
        ("我办的", {mine}),
        ("待认领", {late, watched, theirs}),
        ("已超期", {late}),
        ("督办件", {watched}),
        ("全部在办", {mine, late, watched, theirs}),
    ):
        await show_list(officer, button)
        shown = await officer.expect(NUMBERS)
        assert {number for number in (mine, late, watched, theirs) if number in shown.text} == expected, button
    assert "⛔" in shown.text
    assert "已超期，期限是" in shown.text
    assert "👁 督办" in shown.text
    await show_list(officer, "按单位")
    await officer.tap("住建局")
    shown = await officer.expect("这个单位的信访件", theirs, "已交给有关单位办理")
    assert not any(number in shown.text for number in (mine, late, watched))
    await officer.tap("上一步")
    await officer.expect("看哪个单位的")
    # What no button of ours bears.
    for tap in ("s_cases:dept:0:", "s_cases:dept:-1:", "s_cases:dept:%:", "s_depts:zz"):
        await officer.send("/staff")
        await officer.expect("接访甲")
        await officer.tap_data(officer.last.id, tap)
        await officer.expect("看哪个单位的")


async def test_by_number_however_it_is_written(office: Office) -> None:
    officer = await office.hire()
    number = await office.filed()
    serial = number.partition("-")[2]
    await officer.send("/staff")
    await officer.tap("信访件")
    await officer.tap("按编号")
    await officer.expect("只发最后几位数字")
    for rubbish in ("你好", "2026-999999", "0" * 39, "' OR 1=1 --", "%", "-", "9" * 3000, "../../cases", "<b>"):
        await officer.send(rubbish)
        await officer.expect("没有这个编号的信访件")
    for kind in (officer.sticker, officer.voice):
        await kind()
        await officer.expect("请打字发给我", "请发信访件编号")
    await officer.send(f"  {number.replace('-', '－')} ")
    await officer.expect(f"信访件 {number}")
    assert (await open_case(officer, str(int(serial)))).protected
    # In the middle of it something else: what was begun is kept.
    await officer.send("/staff")
    await officer.tap("信访件")
    await officer.tap("按编号")
    await officer.send("/help")
    await officer.tap("继续")
    await officer.expect("请发信访件编号")
    await officer.send("/cancel")
    await officer.expect("取消了")


async def test_files_come_into_the_chat_on_request(system: System, office: Office) -> None:
    officer = await office.hire()
    await office.resident.send("/complain")
    await office.resident.tap("房屋质量")
    await office.resident.send("厨房漏水")
    await office.resident.send_photo(picture(1))
    await office.resident.expect("1张照片")
    await office.resident.send_document(PDF, filename="检测报告.pdf")
    await office.resident.expect("1个文件")
    await office.resident.send_location()
    await office.resident.expect("位置")
    await office.resident.tap("继续")
    await office.resident.tap("提交")
    await office.resident.expect("您的投诉已经提交")
    page = await open_case(officer, "1")
    assert "1张照片、1个文件、1个位置" in page.text
    await officer.tap("把材料发给我")
    await officer.expect("的材料都在这里了")
    photo = await officer.expect("1/2：")
    document = await officer.expect("2/2：检测报告.pdf")
    assert "photo" in photo.wire
    assert "document" in document.wire
    assert any("location" in message.wire for message in officer.answers)
    assert all(message.protected for message in officer.answers)
    # A picture that Telegram refuses goes as a document; a document that it refuses is named.
    await system.fault("sendPhoto", 400, description="Bad Request: PHOTO_INVALID_DIMENSIONS")
    await officer.tap("回到这件")
    await officer.tap("把材料发给我")
    await officer.expect("的材料都在这里了")
    assert "document" in (await officer.expect("1/2：")).wire
    await system.fault("sendDocument", 400, description="Bad Request: file is too big")
    await officer.tap("回到这件")
    await officer.tap("把材料发给我")
    await officer.expect("没有收下这些文件", "2/2：检测报告.pdf")
    await officer.tap("再试一次")
    await officer.expect("2/2：检测报告.pdf")
    await officer.expect("的材料都在这里了")


async def test_a_long_complaint_and_its_whole_history(office: Office) -> None:
    officer = await office.hire()
    text = "".join(f"第{n}句，厨房一直漏水，没有人管。" for n in range(170))[:3000]
    number = await office.filed(text=text)
    await office.act(number, "register", chat=officer.id)
    await office.act(number, "accept", chat=officer.id, text="我们受理了。")
    opinion = "".join(f"第{n}条意见，已经查实。" for n in range(900))
    await office.act(number, "answer", chat=officer.id, outcome="explained", text=opinion)
    page = await open_case(officer, number)
    assert len(page.text) < 3000
    await officer.tap("全文")
    whole = await officer.expect("第0句", "第150句")
    assert text in whole.text.replace("\n", "")
    await officer.tap("回到这件")
    await officer.tap("全部经过")
    screens = [(await officer.expect("办理经过", "已收到")).text]
    while any("更多" in label for label in officer.last.buttons):
        await officer.tap("更多")
        await officer.expect("信访件")
        screens.append(officer.last.text)
    told = "".join(screens)
    assert all(f"第{n}条意见，已经查实。" in told for n in range(900)), "no sentence is cut or lost"
    assert "我们受理了。" in told
    assert len(screens) > 2


# --- who may ---


async def test_who_has_no_role_for_it_is_told_so(office: Office) -> None:
    number = await office.filed()
    clerk = await office.hire("数据员", StaffRole.CLERK)
    stranger = await office.system.person("外人")
    await clerk.send("/staff")
    assert "📋 信访件" not in (await clerk.expect("数据员")).buttons
    case = (f"s_case:{number}", f"s_text:{number}:0", f"s_past:{number}:0", f"s_files:{number}:0")
    steps = (f"s_do:{number}:1:claim", f"s_do:{number}:1:answer")
    taps = ("s_desk", "s_cases:all:%:", "s_depts:0", "s_find", *case, *steps)
    for person, words in (
        (clerk, "没有这个权限"),
        (stranger, "这是工作专班内部用的"),
        (office.resident, "这是工作专班内部用的"),
    ):
        await person.send("/help")
        message = await person.expect_any()
        for tap in taps:
            await person.tap_data(message.id, tap)
            refused = await person.expect(words)
            assert number not in refused.text
    assert (await office.page(number, chat=(await office.hire()).id)).version == 1, "nothing happened"


async def test_a_viewer_and_another_office_read_and_do_not_touch(office: Office) -> None:
    number = await office.filed()
    viewer = await office.hire("查看员", StaffRole.VIEWER)
    here, there = await office.hire("接访甲"), await office.hire("接访乙")
    unit = await office.unit_of("住建局", here)
    await office.unit_of("街道办", there)
    await office.act(number, "register", chat=here.id)
    await office.act(number, "assign", chat=here.id, department_id=unit)
    page = await open_case(viewer, number)
    assert "只有住建局的人和负责人能办理" in page.text
    assert not any("受理" in label for label in page.buttons)
    await viewer.tap_data(page.id, f"s_do:{number}:3:claim")
    await viewer.expect("不能对这件信访件这样办", f"信访件 {number}")
    page = await open_case(there, number)
    assert "只有住建局的人和负责人能办理" in page.text
    for action in ("claim", "accept", "supervise", "rate", "withdraw"):
        await there.tap_data(page.id, f"s_do:{number}:3:{action}")
    await office.system.quiet()
    await there.refresh()
    assert "办好了" not in "".join(there.said())
    assert (await office.page(number, chat=here.id)).version == 3


async def test_a_disabled_account_loses_the_desk_at_once(office: Office, factory: Factory) -> None:
    """In the middle of an answer: the phone was reported stolen."""
    officer = await office.hire()
    number = await office.filed()
    for action in ("register", "accept"):
        await office.act(number, action, chat=officer.id)
    page = await open_case(officer, number)
    await officer.tap("✉️ 答复")
    await officer.tap("解释说明")
    await officer.send("这是答复")
    await officer.tap("预览")
    preview = await officer.expect("信访人会看到", "这是答复")
    async with factory.database.transaction() as session:
        await change_account(session, factory.vault, OPERATOR, office.accounts[officer.id], disabled=True)
    for message, button in ((preview, "确定"), (page, "我来办"), (page, "全部经过")):
        await officer.tap(button, on=message)
        await officer.expect("这是工作专班内部用的")
    await officer.send("还有一句")
    assert number not in (await officer.expect_any()).text
    assert (await office.case(number, chat=office.resident.id)).state == "accepted"


async def test_the_api_is_down_for_a_while(system: System, office: Office) -> None:
    officer = await office.hire()
    number = await office.filed()
    for action in ("register", "accept"):
        await office.act(number, action, chat=officer.id)
    await begin_answer(officer, number, "九月底前修好。")
    await officer.tap("预览")
    preview = await officer.expect("信访人会看到", "九月底前修好。")
    await system.stop_api()
    await officer.tap("确定", on=preview)
    await officer.expect("现在连不上系统")
    await system.start_api()
    await officer.tap("确定", on=preview)
    await officer.expect("办好了", "已答复", "予以支持")
    case = await office.case(number, chat=office.resident.id)
    assert [event.kind.value for event in case.events].count("answered") == 1


async def test_in_english(office: Office) -> None:
    number = await office.filed()
    officer = await office.hire("Pat", language="en")
    await officer.send("/staff")
    await officer.tap("Complaints")
    await officer.expect("You have no open case.")
    await officer.tap("Nobody has taken them")
    await officer.expect("Cases that nobody has taken", number, "Due on", "nobody has taken it")
    await officer.tap(number)
    page = await officer.expect(f"Case {number}", "Time limits", "Tell whether it is accepted", "articles 22, 23")
    assert [label for label in page.buttons if label in ("✋ I take it", "📝 Register")] == [
        "✋ I take it",
        "📝 Register",
    ]
    await officer.tap("I take it")
    await officer.expect("Done.", "With: Pat", "Taken by an officer (Pat)")


async def test_two_families_do_not_mix(system: System, office: Office, factory: Factory) -> None:
    """Each case tells of its own home only."""
    other = await new_household(factory)
    neighbour = await system.person("邻居")
    await factory.link(neighbour.id, other.agreement)
    own = await office.filed()
    theirs = await office.file(chat=neighbour.id, agreement_id=other.agreement.id, text="邻居的事。")
    officer = await office.hire()
    assert other.agreement.number not in (await open_case(officer, own)).text
    page = await open_case(officer, theirs)
    assert other.agreement.number in page.text
    assert office.agreement.number not in page.text


@pytest.mark.parametrize("typed", ["{number}", "{serial}", "{year}-{short}", "{short}"])
async def test_a_number_typed_of_ones_own_accord(office: Office, typed: str) -> None:
    officer = await office.hire()
    number = await office.filed()
    year, serial = number.split("-")
    await officer.send("/start")
    await officer.send(typed.format(number=number, serial=serial, year=year, short=int(serial)))
    await officer.expect(f"信访件 {number}")
    # Of no case: it is something else.
    await officer.send("777777")
    shown = await officer.expect_any()
    assert "信访件" not in shown.text


async def test_the_keys_say_how_much_waits(office: Office) -> None:
    officer = await office.hire()
    await officer.send("/staff")
    await officer.tap("信访件")
    desk = await officer.expect("您手上没有")
    assert "🆕 待认领" in desk.buttons, desk.buttons
    numbers = [await office.filed() for _ in range(3)]
    await office.act(numbers[0], "claim", chat=officer.id)
    await office.leave(numbers[1], -1)
    await officer.send("/staff")
    await officer.tap("信访件")
    desk = await officer.expect(numbers[0])
    assert {"📌 我办的 (1)", "🆕 待认领 (2)", "⛔ 已超期 (1)"} <= {*desk.buttons}, desk.buttons


async def test_what_one_has_answered_is_found_until_it_is_closed(office: Office) -> None:
    officer, colleague = await office.hire(), await office.hire("接访乙")
    number, other = await office.filed(), await office.filed()
    for case, who in ((number, officer), (other, colleague)):
        for action in ("register", "accept", "claim"):
            await office.act(case, action, chat=who.id)
        await office.act(case, "answer", chat=who.id, outcome="explained", text="已经查过。")
    await officer.send("/staff")
    await officer.tap("信访件")
    await officer.tap("我答复过的")
    shown = await officer.expect("还没有办结的", number)
    assert other not in shown.text
    await officer.tap(number)
    await officer.tap("办结")
    await officer.tap("确定")
    await officer.expect("办好了")
    await officer.send("/staff")
    await officer.tap("信访件")
    await officer.tap("我答复过的")
    shown = await officer.expect("还没有办结的")
    assert number not in shown.text
