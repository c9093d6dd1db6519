"""What somebody sends of their own accord, while nothing waits for it."""

import pytest

from api.identity.schemas import LinkScope
from handlers.for_office import AddThis, FileThis
from tests.api.desk import Desk
from tests.factories import Factory
from tests.flows.conftest import Household, System, new_household
from tests.flows.files import picture
from tests.flows.office import Office, begin_answer, office
from tests.flows.test_cases import file_one
from tests.people import Message, Person

__all__ = ["office"]

QUESTION = "您的银行卡号有没有换过？"


KEYS = [
    ("什么时候交房？", "交房时间"),
    ("我的房子", "您的房子"),
    (" 付款和收款。", "付款和收款"),
    ("我要投诉！", "您要反映哪方面的事"),
    ("我的投诉", "您还没有在这里提交过投诉"),
    ("设置", "消息提醒"),
    ("语言 language", "您想用哪种语言"),
    ("帮助", "/cancel"),
]
WORDS = [
    ("钥匙", "交房时间"),
    ("交钥匙", "交房时间"),
    ("什么时候上楼", "交房时间"),
    ("我家啥时候能拿钥匙啊？", "交房时间"),
    ("过渡费", "付款和收款"),
    ("这个月过渡费发了没", "付款和收款"),
    ("交了多少钱", "付款和收款"),
    ("付款", "付款和收款"),
    ("投诉", "您要反映哪方面的事"),
    ("举报", "您要反映哪方面的事"),
    ("我想反映问题", "您要反映哪方面的事"),
    ("投诉进度", "您还没有在这里提交过投诉"),
    ("投诉电话是多少", "不是真人"),
    ("菜单", "您想查什么"),
    ("你好", "您想查什么"),
    ("返回", "您想查什么"),
    ("取消。", "您想查什么"),
    ("怎么用？", "/cancel"),
    ("人工", "不是真人"),
    ("工作人员", "不是真人"),
    ("你们电话多少", "不是真人"),
    ("地址", "不是真人"),
    ("help", "/cancel"),
    ("Staff", "不是真人"),
    ("过度费", "付款和收款"),
    ("我的钱呢", "付款和收款"),
    ("房子什么时候给我", "交房时间"),
    ("网签办了吗", "您的房子"),
    ("房产证", "您的房子"),
    ("办得怎么样了", "您还没有在这里提交过投诉"),
    ("我不会弄", "/cancel"),
    ("我要找领导", "不是真人"),
    ("删除我的信息", "删除"),
    ("谢谢！", "不客气"),
]
ENGLISH = [
    ("keys", "andover"),
    ("when do I get my keys?", "andover"),
    ("move in", "andover"),
    ("transition fee", "Payments"),
    ("payment", "Payments"),
    ("complaint", "What is it about"),
    ("menu", "What would you like to know"),
    ("HELP!", "/cancel"),
    ("a human please", "I am a program"),
    ("office", "I am a program"),
    ("phone", "I am a program"),
]
NOTHING = ["feedback", "嗯嗯", "okay then"]
FOR_THE_OFFICE = [
    "师傅没来",
    "上个月我跟隔壁老李说过，钥匙他早就拿到了，你们为什么不给我一个说法",
    "I told my neighbour last month that he should keep the keys for me",
]


async def answered(person: Person, typed: str) -> Message:
    """The first answer, with nothing going on before."""
    await person.send("/cancel")
    await person.expect_any()
    await person.send(typed)
    return await person.expect_any()


async def test_the_words_on_a_key_do_what_the_key_does(resident: Person) -> None:
    for typed, shown in KEYS:
        answer = await answered(resident, typed)
        assert shown in answer.text or any(shown in key for key in answer.buttons), (typed, answer.text)


async def test_a_few_words_lead_to_what_they_are_about(resident: Person) -> None:
    for typed, shown in WORDS:
        answer = await answered(resident, typed)
        assert shown in answer.text or any(shown in key for key in answer.buttons), (typed, answer.text)
        assert answer.buttons, typed


async def test_so_they_do_in_english(english_resident: Person) -> None:
    for typed, shown in ENGLISH:
        answer = await answered(english_resident, typed)
        assert shown in answer.text, (typed, answer.text)
        assert answer.buttons, typed


async def test_what_is_long_or_about_nothing_is_not_guessed_at(resident: Person) -> None:
    for typed in NOTHING:
        assert "看不懂" in (await answered(resident, typed)).text, typed
    for typed in FOR_THE_OFFICE:
        assert "工作专班" in (await answered(resident, typed)).text, typed


async def test_what_may_be_for_the_office_becomes_a_complaint_by_one_tap(resident: Person) -> None:
    """Nothing is written twice, and nothing goes before it was looked at."""
    await resident.send("师傅说好来修，一直没来")
    offered = await resident.expect("想让工作专班看到")
    assert offered.protected
    await resident.tap("写成一份新投诉", on=offered)
    await resident.expect("内容收到了", "您要反映哪方面的事")
    await resident.tap("房屋质量")
    await resident.expect("师傅说好来修，一直没来")
    await resident.tap("➡️ 继续")
    await resident.tap("➡️ 继续")
    await resident.expect("师傅说好来修，一直没来")
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")


@pytest.mark.parametrize(
    "typed", ["我要投诉厨房漏水", "我要投诉，电梯坏了", "我要投诉大门坏了，坏人都能进来，没有人管"]
)
async def test_what_somebody_complains_of_is_kept_with_the_wish_to_complain(resident: Person, typed: str) -> None:
    await resident.send(typed)
    await resident.expect("内容收到了", "您要反映哪方面的事")
    await resident.tap("房屋质量")
    await resident.expect(typed)


async def test_a_picture_out_of_nowhere_becomes_part_of_a_complaint(resident: Person) -> None:
    await resident.send_photo(picture(), caption="墙又裂了")
    offered = await resident.expect("想让工作专班看到")
    await resident.tap("写成一份新投诉", on=offered)
    await resident.tap("房屋质量")
    await resident.tap("➡️ 继续")
    await resident.tap("➡️ 继续")
    await resident.expect("墙又裂了", "1张照片")


async def test_what_belongs_to_an_open_complaint_is_added_to_it(resident: Person, desk: Desk) -> None:
    number = await file_one(resident, "厨房漏水")
    await resident.send("师傅到现在还没来")
    await resident.tap(f"补充到投诉 {number}")
    await resident.expect("还没有发出", "师傅到现在还没来")
    assert [event.text for event in (await desk.case(number, chat=resident.id)).events if event.text] == []
    await resident.tap("发给工作专班")
    await resident.expect("已经补充")
    assert (await desk.case(number, chat=resident.id)).events[-1].text == "师傅到现在还没来"
    # What has ended is offered no more.
    await resident.send("/cases")
    await desk.say(number, "withdraw", chat=resident.id)
    await resident.send("师傅到现在还没来")
    offered = await resident.expect("想让工作专班看到")
    assert not [key for key in offered.buttons if number in key]


async def test_two_messages_become_one_complaint_in_any_order(resident: Person) -> None:
    await resident.send("师傅说好来修，一直没来")
    first = await resident.expect("想让工作专班看到")
    await resident.send("楼上还在漏水，天花板湿了")
    second = await resident.expect("想让工作专班看到")
    await resident.tap("写成一份新投诉", on=second)
    await resident.expect("内容收到了")
    await resident.tap("写成一份新投诉", on=first)
    await resident.expect("已经补充上了")
    # Pressed once more, it is not taken twice.
    await resident.tap_data(first.id, FileThis().encode())
    await resident.expect("您要反映哪方面的事")
    await resident.tap("房屋质量")
    shown = await resident.expect("师傅说好来修", "楼上还在漏水")
    assert shown.text.count("师傅说好来修") == 1


async def test_a_complaint_that_waits_is_gone_on_with_and_not_written_over(resident: Person) -> None:
    await resident.send("师傅说好来修，一直没来")
    offered = await resident.expect("想让工作专班看到")
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("厨房漏水")
    await resident.expect("内容收到了")
    await resident.send("验证身份")
    await resident.expect("选一种方式")
    await resident.tap("写成一份新投诉", on=offered)
    await resident.expect("已经补充上了")
    await resident.tap("➡️ 继续")
    await resident.expect("厨房漏水", "师傅说好来修")


async def test_of_an_album_each_picture_is_offered_and_can_be_added(resident: Person) -> None:
    await resident.send_photo(picture(), picture(), caption="墙又裂了好多")
    await resident.expect_that("two offers", lambda person: sum("这一张" in one.text for one in person.answers) == 2)
    for offered in [one for one in resident.answers if "这一张" in one.text]:
        await resident.tap("写成一份新投诉", on=offered)
        await resident.expect("收到了", "您要反映哪方面的事")
    await resident.tap("房屋质量")
    await resident.tap("➡️ 继续")
    await resident.expect("2张照片")


async def test_who_sees_the_progress_alone_is_offered_no_complaint(
    system: System, factory: Factory, household: Household
) -> None:
    relative = await system.person("外甥")
    await factory.link(relative.id, household.agreement, scope=LinkScope.PROGRESS)
    await relative.send("师傅说好来修，一直没来啊")
    answer = await relative.expect("看不懂")
    assert not [key for key in answer.buttons if "新投诉" in key]


async def test_an_officers_answer_is_not_lost_by_a_wish_to_complain(
    office: Office, factory: Factory, resident: Person
) -> None:
    """Officers live in the estate as well."""
    officer = await office.hire()
    await factory.link(officer.id, (await new_household(factory)).agreement)
    await officer.send("师傅说好来修，一直没来")
    offered = await officer.expect("想让工作专班看到")
    number = await office.filed()
    for action in ("register", "accept"):
        await office.act(number, action, chat=officer.id)
    await begin_answer(officer, number, "我们决定九月底前修好。")
    await officer.tap("写成一份新投诉", on=offered)
    await officer.expect("没填完的内容还在")
    await officer.tap("继续填写")
    await officer.expect("已收到：11个字")


async def test_whose_message_telegram_does_not_bring_any_more_writes_it_once_more(resident: Person) -> None:
    number = await file_one(resident, "厨房漏水")
    await resident.send("菜单")
    other = await resident.expect("您想查什么")
    await resident.tap_data(other.id, AddThis(number).encode())
    await resident.expect("请再发一遍")
    await resident.tap_data(other.id, FileThis().encode())
    await resident.expect("您要反映哪方面的事")


async def test_a_stranger_who_looks_for_a_person_is_shown_the_way_to_the_office(system: System) -> None:
    settings = system.application.bot_data["settings"]
    system.application.bot_data["settings"] = settings.model_copy(update={"office_contact": "样本路1号"})
    stranger = await system.person("外人")
    await stranger.send("我要找工作人员")
    await stranger.expect("不是真人", "样本路1号")
    await stranger.tap("请工作专班帮忙")
    await stranger.expect("您遇到的是哪种情况")


async def test_the_words_of_a_complaint_stay_its_words(resident: Person) -> None:
    """While a conversation waits for a text, nothing else is read into it."""
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send("过渡费没发")
    await resident.expect("内容收到了")


async def test_in_english(english_resident: Person) -> None:
    await english_resident.send("my HOME")
    await english_resident.expect("Your home")


async def test_a_stranger_comes_to_the_gate_and_can_type_the_way_in(system: System) -> None:
    stranger = await system.person("外人")
    await stranger.send("什么时候交房")
    await stranger.expect("请先验证一下身份")
    await stranger.send("验证身份")
    await stranger.expect("选一种方式")


async def test_the_number_of_a_complaint_shows_it_to_whose_it_is(system: System, resident: Person) -> None:
    number = await file_one(resident, "三个月没有发过渡费")
    await resident.send(f" {number.replace('-', '－')} ")
    await resident.expect(f"投诉 {number}", "三个月没有发过渡费")
    stranger = await system.person("外人")
    answers = set[str]()
    for asked in (number, "2026-999999"):
        await stranger.send(asked)
        answer = await stranger.expect_any()
        assert answer.buttons
        answers.add(answer.text)
    assert len(answers) == 1, "not yours is the same as not there"


# The second looks much like the number of a complaint.
@pytest.mark.parametrize("typed", ["上个月换过", "0571-88123456"])
async def test_an_answer_typed_without_replying_is_kept_and_goes_when_told(
    system: System, resident: Person, desk: Desk, typed: str
) -> None:
    number = await file_one(resident, "三个月没有发过渡费")
    await desk.act(number, "register")
    await resident.send("那就等着吧")
    await resident.expect("想让工作专班看到")
    await desk.act(number, "ask", text=QUESTION)
    await resident.expect("工作人员有问题要问您", QUESTION)
    await resident.send(typed)
    kept = await resident.expect(number, QUESTION, typed, "还没有发出去")
    assert kept.protected
    assert (await desk.case(number, chat=resident.id)).events[-1].text == QUESTION, "nothing goes by itself"
    await resident.tap("发给工作专班")
    await resident.expect("您的回答已经转给工作人员")
    assert (await desk.case(number, chat=resident.id)).events[-1].text == typed
    await resident.send("谢谢")
    await resident.expect("不客气")


async def test_so_is_a_photo(resident: Person, desk: Desk) -> None:
    number = await file_one(resident, "三个月没有发过渡费")
    await desk.act(number, "register")
    await desk.act(number, "ask", text="请把存折拍一张。")
    await resident.expect("工作人员有问题要问您")
    await resident.send_photo(picture())
    await resident.expect(number, "1张照片", "还没有发出去")
    await resident.tap("发给工作专班")
    await resident.expect("您的回答已经转给工作人员")
    shown = await desk.case(number, chat=resident.id)
    assert [file.filename for file in shown.attachments] == ["照片1.png"]


async def test_of_two_questions_the_person_says_which(resident: Person, desk: Desk) -> None:
    numbers = [await file_one(resident, words) for words in ("三个月没有发过渡费", "上半年的也没有发")]
    for number in numbers:
        await desk.act(number, "register")
        await desk.act(number, "ask", text=QUESTION)
        await resident.expect("工作人员有问题要问您", number)
    await resident.send("上个月换过")
    listed = await resident.expect("您一共提交了2份投诉", "等您回复")
    assert all(number in listed.text for number in numbers)
