"""The runtime as a person meets it: first contact, language, menu, and everything that nobody expected."""

from telegram import Update

from bot.context import Context
from bot.dispatch import CommandHandler
from tests.bot.conftest import Office, World


async def test_first_contact_greets_in_the_persons_language_and_remembers_it(world: World, office: Office) -> None:
    async with world.run():
        wang = await world.person(language="zh-hans")
        await wang.send("/start")
        await wang.expect("您好")
        john = await world.person("John", language="en-GB")
        await john.send("/start")
        await john.expect("Hello")
    assert office.state(wang.id)["locale"] == "zh_CN"
    assert office.state(john.id)["locale"] == "en"


async def test_a_look_up_turn_of_a_known_chat_asks_the_api_once_and_saves_nothing(world: World, office: Office) -> None:
    async with world.run():
        wang = await world.person()
        await wang.send("/start")
        await wang.expect_any()
        office.asked.clear()
        await wang.send("/help")
        await wang.expect("/handover")
    assert office.asked == {"GET": 1}


async def test_the_language_is_changed_by_a_button_and_stays(world: World) -> None:
    async with world.run():
        wang = await world.person()
        await wang.send("/language")
        await wang.tap("English")
        await wang.expect("From now on I write in English")
        await wang.send("/help")
        await wang.expect("Choose what you need")


async def test_the_command_menu_and_the_description_are_set_in_each_language(world: World) -> None:
    async with world.run():
        for language, word in (("zh-hans", "投诉"), ("en", "complaint"), ("fr", "投诉")):
            person = await world.person(language=language)
            async with world.http.get(f"/play/users/{person.id}") as response:
                bot = (await response.json())["bot"]
            assert any(word in command["description"] for command in bot["commands"])
            assert word in bot["description"]


async def test_whatever_is_sent_gets_a_kind_sentence_and_a_way_on(world: World) -> None:
    async with world.run():
        wang = await world.person(language="en")
        await wang.send("/start")
        await wang.expect("Hello")
        for act in (wang.sticker, wang.send_location):
            await act()
            assert (await wang.expect("cannot use")).buttons
        await wang.share_contact()
        await wang.expect("do not need a phone number")
        assert (await wang.expect("Please choose")).buttons
        await wang.voice()
        assert (await wang.expect("cannot listen")).buttons
        await wang.send("/nonsense at all")
        assert (await wang.expect("do not know this command")).buttons
        await wang.send("tell me a story")
        assert (await wang.expect("free text")).buttons
        await wang.send("字" * 5000)
        assert (await wang.expect("free text")).buttons


async def test_an_unknown_button_is_answered_and_loses_its_keys(world: World) -> None:
    async with world.run():
        wang = await world.person(language="en")
        await wang.send("/start")
        greeting = await wang.expect("Hello")
        await wang.tap_data(greeting.id, "long:gone")
        assert (await wang.expect("no longer works")).buttons
        await wang.expect_that("the old keys are gone", lambda me: not me.messages[greeting.id].buttons)


async def test_an_edited_message_is_left_alone(world: World, office: Office) -> None:
    async with world.run():
        wang = await world.person(language="en")
        await wang.send("/help")
        await wang.expect_any()
        mine = next(m for m in wang.messages.values() if m.mine)
        asked = office.asked.total()
        await wang.edit(mine, "/cancel")
        await wang.send("/start")
        await wang.expect("Hello")
        assert len(wang.answers) == 1
        assert office.asked.total() == asked + 1


async def begin(update: Update, ctx: Context) -> None:
    ctx.session.start_dialog("survey.name")
    await ctx.reply("Your name?")


async def test_a_command_during_a_dialog_is_answered_and_the_draft_is_pointed_out(world: World, office: Office) -> None:
    world.application.handlers[0].insert(0, CommandHandler("survey", begin, reminds=False))
    async with world.run():
        wang = await world.person(language="en")
        await wang.send("/survey")
        await wang.expect("Your name?")
        await wang.send("/help")
        await wang.expect("Choose what you need")
        reminder = await wang.expect("What you had begun is kept")
        assert office.dialog_name(wang.id) == "survey.name"
        await wang.tap("Cancel", on=reminder)
        await wang.expect("Cancelled")
        await wang.send("/cancel")
        await wang.expect("nothing to cancel")
    assert office.dialog_name(wang.id) is None
