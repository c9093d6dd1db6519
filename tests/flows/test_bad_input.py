"""What nobody expects, at every step of every conversation: a kind sentence, a way on, and nothing lost."""

from collections.abc import Awaitable, Callable

import pytest

from api.cases.schemas import CaseCategory
from bot.callbacks import Callback
from handlers.case_buttons import ShowCase, ShowPage
from handlers.complaint_screens import Continue, PickCategory, Submit
from handlers.lookups import ShowHandover, ShowHome, ShowLedger, WatchHandover
from handlers.relatives import AskUnlink
from handlers.settings import Unlink
from handlers.verification_screens import Back
from tests.factories import Factory
from tests.flows.conftest import Household, System, new_household
from tests.flows.files import PDF, picture
from tests.flows.test_complaint import dialog_of
from tests.people import Person

Reach = Callable[[Person, Household], Awaitable[None]]


async def nothing(person: Person, household: Household) -> None:
    await person.send("/start")
    await person.expect("您想查什么")


async def way(person: Person, household: Household) -> None:
    await person.send("/settings")
    await person.tap("再添加一份协议")
    await person.expect("选一种方式")


async def contact(person: Person, household: Household) -> None:
    await way(person, household)
    await person.tap("用手机号")
    await person.expect("发送我的手机号")


async def phone_tail(person: Person, household: Household) -> None:
    await contact(person, household)
    await person.press("发送我的手机号")
    await person.expect("后四位")


async def number(person: Person, household: Household) -> None:
    await way(person, household)
    await person.tap("用协议")
    await person.expect("第一页上")


async def name(person: Person, household: Household) -> None:
    await number(person, household)
    await person.send(household.agreement.number)
    await person.expect("权利人的姓名")


async def id_tail(person: Person, household: Household) -> None:
    await name(person, household)
    await person.send(household.name)
    await person.expect("后六位")


async def code(person: Person, household: Household) -> None:
    await way(person, household)
    await person.tap("用邀请码")
    await person.expect("工作人员给您的")


async def category(person: Person, household: Household) -> None:
    await person.send("/complain")
    await person.expect("您要反映哪方面的事")


async def home(person: Person, household: Household) -> None:
    await category(person, household)
    await person.tap("房屋质量")
    await person.expect("是哪一套房子")


async def text(person: Person, household: Household) -> None:
    await home(person, household)
    await person.tap(household.unit.room)
    await person.expect("把事情写下来")


async def files(person: Person, household: Household) -> None:
    await text(person, household)
    await person.send("漏水")
    await person.expect("内容收到了")


async def summary(person: Person, household: Household) -> None:
    await files(person, household)
    await person.tap("继续")
    await person.expect("请核对一下")


VERIFICATION: list[Reach] = [way, contact, phone_tail, number, name, id_tail, code]
COMPLAINT: list[Reach] = [category, home, text, files, summary]


async def sees_a_way_on(system: System, person: Person) -> None:
    await person.expect_any()
    await system.quiet()
    await person.refresh()
    said = [message.text for message in person.answers]
    assert not any("我们这边出了点问题" in text or "现在连不上系统" in text for text in said), person.transcript()
    assert any(message.buttons for message in person.answers) or await person.keyboard(), person.transcript()


def step_in(dialog: str | None) -> str | None:
    """The name of the step, from the stored conversation."""
    return None if dialog is None else dialog.split('"name"')[1].split('"')[1]


@pytest.mark.parametrize("reach", [nothing, *VERIFICATION, *COMPLAINT], ids=lambda reach: reach.__name__)
async def test_bad_input(
    system: System, factory: Factory, household: Household, resident: Person, reach: Reach
) -> None:
    await factory.link(resident.id, (await new_household(factory)).agreement)
    await reach(resident, household)
    await system.quiet()
    step = step_in(await dialog_of(factory, resident))
    newest = resident.last

    await resident.sticker()
    await sees_a_way_on(system, resident)
    await resident.voice()
    await sees_a_way_on(system, resident)
    await resident.send("长" * 5000)
    await sees_a_way_on(system, resident)
    await resident.send("/nosuchcommand with words")
    await sees_a_way_on(system, resident)
    await resident.send_contact_card("13800000000")
    await sees_a_way_on(system, resident)
    for data in (
        "nonsense",
        "cmp_send:%",
        PickCategory("another1", CaseCategory.OTHER).encode(),
        Continue("another1").encode(),
        Back("another1").encode(),
        Submit("another1", "00000000").encode(),
    ):
        await resident.tap_data(newest.id, data)
        await sees_a_way_on(system, resident)
    await resident.tap_data(999_999, "menu")
    await sees_a_way_on(system, resident)

    assert step_in(await dialog_of(factory, resident)) == step


@pytest.mark.parametrize(
    "made_up",
    [
        forged
        for number in (0, -1, 36**20)
        for forged in (
            ShowLedger(number),
            ShowHandover(number),
            WatchHandover(number, True),
            AskUnlink(number),
            Unlink(number),
        )
    ]
    + [Submit("x", "y"), Submit("两个字", "y"), ShowCase("../../x"), ShowPage("x"), ShowHome(1, 36**20)],
    ids=str,
)
async def test_what_no_button_ever_carried(system: System, resident: Person, made_up: Callback) -> None:
    """An app that is not Telegram's own can send any data."""
    await resident.send("/start")
    await resident.expect("您想查什么")
    await resident.tap_data(resident.last.id, made_up.encode())
    await sees_a_way_on(system, resident)


@pytest.mark.parametrize("reach", VERIFICATION, ids=lambda reach: reach.__name__)
async def test_pictures_and_places_while_showing_who_one_is(
    system: System, factory: Factory, household: Household, resident: Person, reach: Reach
) -> None:
    await reach(resident, household)
    await system.quiet()
    step = step_in(await dialog_of(factory, resident))
    await resident.send_photo(picture(1), picture(2))
    await sees_a_way_on(system, resident)
    await resident.send_document(PDF)
    await sees_a_way_on(system, resident)
    await resident.send_location()
    await sees_a_way_on(system, resident)
    assert step_in(await dialog_of(factory, resident)) == step


async def test_an_edited_message_changes_nothing(system: System, household: Household, resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("漏水")
    await resident.expect("内容收到了")
    mine = next(message for message in resident.messages.values() if message.text == "漏水")
    await resident.edit(mine, "不漏水")
    await resident.tap("继续")
    shown = await resident.expect("请核对一下", "漏水")
    assert "不漏水" not in shown.text


async def test_the_button_of_somebody_elses_message(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("漏水")
    await resident.expect("内容收到了")
    await resident.tap("继续")
    theirs = await resident.expect("请核对一下")
    other = await system.person("李四")
    await factory.link(other.id, (await new_household(factory)).agreement)
    for button in theirs.inline:
        await other.tap_data(theirs.id, str(button["callback_data"]))
        await sees_a_way_on(system, other)
    assert not any("漏水" in text for text in other.said())
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")


async def test_buttons_of_a_conversation_that_is_over(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("漏水")
    await resident.expect("内容收到了")
    await resident.tap("继续")
    old = await resident.expect("请核对一下")
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    for button in old.inline:
        await resident.tap_data(old.id, str(button["callback_data"]))
        await sees_a_way_on(system, resident)
    await system.quiet()
    assert await dialog_of(factory, resident) is None


async def test_somebody_who_blocked_the_bot_comes_back(system: System, resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("漏水")
    await resident.expect("内容收到了")
    await resident.block()
    await resident.unblock()
    await resident.tap("继续")
    await resident.expect("请核对一下", "漏水")


async def test_a_voice_message_outside_every_conversation_is_told_from_other_things(resident: Person) -> None:
    await resident.voice()
    answer = await resident.expect("语音我还听不懂")
    await resident.find_button("什么时候交房", on=answer)
