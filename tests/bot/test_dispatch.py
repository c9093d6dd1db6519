"""Which update reaches which handler: groups, buttons of a step, commands; each tap is answered once."""

import asyncio
import time

from telegram import Update
from telegram.ext import filters

from bot.callbacks import DialogCallback
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler, InDialog, MessageHandler, TurnHandler
from tests.bot.conftest import Bot, Office, World, living, message, tap, until


class Choose(DialogCallback, prefix="t_choose"):
    what: str


async def test_groups_have_no_session_and_get_at_most_the_way_to_the_private_chat(bot: Bot, office: Office) -> None:
    await bot.take(message(1, -100, "hello all", kind="supergroup"))
    await bot.take(message(2, -100, "/start", kind="supergroup"))
    await bot.take(message(3, -100, "/home@shanglou_bot", kind="group"))
    assert office.asked.total() == 0


async def test_a_group_that_telegram_slows_down_once_held_places_of_turns(bot: Bot, world: World) -> None:
    """With each command: two waits of up to five seconds, and as many again to tell the group that it failed."""
    await world.fault("sendMessage", 429, retry_after=1, count=100)
    for number in range(1, 4):
        await bot.take(message(number, -100, "/start", kind="supergroup"))
    async with world.http.get("/play/outbox", params={"detail": "1"}) as response:
        failed = (await response.json())["failed"]
    assert failed["sendMessage"] == {"429": 3}


async def test_a_command_for_another_bot_of_a_group_was_once_answered(bot: Bot) -> None:
    taken: list[str] = []

    async def act(update: Update, ctx: Context) -> None:
        taken.append(str(update.message.text if update.message else ""))

    bot.app.handlers[0][:] = [TurnHandler(lambda turn: turn.command is not None, act)]
    own = bot.app.bot.username
    texts = ["/start", "/start@another_bot", f"/start@{own}", f"/start@{own.upper()} x", f"/start@{own}2"]
    for number, text in enumerate(texts):
        await bot.take(message(number + 1, -100, text, kind="supergroup"))
    assert taken == [texts[0], texts[2], texts[3]]


async def test_other_kinds_of_updates_pass_without_a_word(bot: Bot, office: Office) -> None:
    said = message(1, 11, "x")["message"]
    member = {"user": said["from"], "status": "member"}
    gone = {"user": said["from"], "status": "kicked", "until_date": 0}
    await bot.take({"update_id": 1, "edited_message": {**said, "edit_date": 1_790_000_001}})
    await bot.take({"update_id": 2, "channel_post": {**said, "chat": {"id": -5, "type": "channel", "title": "x"}}})
    await bot.take(
        {
            "update_id": 3,
            "my_chat_member": {
                "chat": said["chat"],
                "from": said["from"],
                "date": 1_790_000_000,
                "old_chat_member": member,
                "new_chat_member": gone,
            },
        }
    )
    await bot.take({"update_id": 4})
    assert office.asked.total() == 0


async def test_a_button_works_in_its_own_dialog_and_step_only(bot: Bot, office: Office, world: World) -> None:
    await living(world, 11)
    dialog = {"id": "abcdefghij", "name": "t.colour", "data": {}}
    office.chats[11] = {**office.state(11), "locale": "en", "dialog": dialog, "version": 1}
    chosen: list[str] = []

    async def choose(update: Update, ctx: Context, choice: Choose) -> None:
        chosen.append(choice.what)
        ctx.session.go("t.size")

    async def too_late(update: Update, ctx: Context) -> None:
        chosen.append("too late")

    bot.app.handlers[0][:] = [
        CallbackHandler(Choose, choose, dialog="t.colour"),
        TurnHandler(lambda turn: turn.update.callback_query is not None, too_late),
    ]
    await bot.take(tap(1, 11, Choose("zyxwvutsrq", "red").encode()))
    await bot.take(tap(2, 11, Choose("abcdefghij", "blue").encode()))
    await bot.take(tap(3, 11, Choose("abcdefghij", "green").encode()))
    assert chosen == ["too late", "blue", "too late"]


async def test_who_is_quicker_than_the_save_of_another_replica_is_waited_for(
    bot: Bot, office: Office, world: World
) -> None:
    """A question goes out before the conversation is saved: its button can be pressed in between."""
    await living(world, 11)
    office.chats[11] = {**office.state(11), "locale": "en", "version": 1}
    chosen: list[str] = []

    async def choose(update: Update, ctx: Context, choice: Choose) -> None:
        chosen.append(choice.what)

    async def too_late(update: Update, ctx: Context) -> None:
        chosen.append("too late")

    bot.app.handlers[0][:] = [
        CallbackHandler(Choose, choose, dialog="t.colour"),
        TurnHandler(lambda turn: turn.update.callback_query is not None, too_late),
    ]
    pressed = tap(1, 11, Choose("abcdefghij", "blue").encode())
    pressed["callback_query"]["message"]["date"] = int(time.time())
    taking = asyncio.create_task(bot.take(pressed))
    await until(lambda: office.asked["GET"] > 0)
    office.chats[11] |= {"dialog": {"id": "abcdefghij", "name": "t.colour", "data": {}}, "version": 2}
    await taking
    assert chosen == ["blue"]
    pressed["update_id"], office.chats[11]["dialog"] = 2, None
    await bot.take(pressed)
    assert chosen == ["blue", "too late"], "one whose question is over is told so all the same"


async def test_every_tap_is_answered_once(world: World) -> None:
    async def speaks(update: Update, ctx: Context) -> None:
        await ctx.answer("Done", alert=True)
        await ctx.answer("Done twice")
        await ctx.reply("spoken")

    async def silent(update: Update, ctx: Context) -> None:
        await ctx.reply("shown")

    async def fails(update: Update, ctx: Context) -> None:
        raise ValueError

    async with world.run():
        wang = await world.person(language="en")
        await wang.send("/start")
        greeting = await wang.expect("Hello")
        for count, (act, words) in enumerate(((speaks, "spoken"), (silent, "shown"), (fails, "went wrong")), 1):
            world.application.handlers[0][:] = [TurnHandler(lambda turn: True, act)]
            await wang.tap_data(greeting.id, "x")
            await wang.expect(words)
            async with world.http.get("/play/outbox") as response:
                answered = (await response.json())["answerCallbackQuery"]
            assert answered <= count
    async with world.http.get("/play/outbox") as response:
        assert (await response.json())["answerCallbackQuery"] == 3


async def test_commands_are_read_as_telegram_writes_them(bot: Bot, office: Office) -> None:
    got: list[tuple[str, str]] = []

    async def act(update: Update, ctx: Context) -> None:
        got.append((str(update.message.text if update.message else ""), ctx.payload))

    bot.app.handlers[0][:] = [CommandHandler("start", act)]
    texts = [
        "/start",
        "/START",
        "/start@the_bot CODE-1",
        "/start   a  b",
        "/start\nbelow",
        "/started",
        "/",
        "start",
        "/ start",
    ]
    for number, text in enumerate(texts):
        await bot.take(message(number + 1, 11, text))
    assert got == [
        ("/start", ""),
        ("/START", ""),
        ("/start@the_bot CODE-1", "CODE-1"),
        ("/start   a  b", "a  b"),
        ("/start\nbelow", "below"),
    ]


async def test_a_command_never_reaches_a_dialogs_text_step(bot: Bot, office: Office) -> None:
    dialog = {"id": "abcdefghij", "name": "t.text", "data": {}}
    office.chats[11] = {**office.state(11), "locale": "en", "dialog": dialog, "version": 1}
    texts: list[str] = []

    async def act(update: Update, ctx: Context) -> None:
        texts.append(str(update.message.text if update.message else ""))

    bot.app.handlers[0][:] = [MessageHandler(InDialog("t.text") & filters.TEXT, act)]
    for number, text in enumerate(["/home", "plain", "/unknown"]):
        await bot.take(message(number + 1, 11, text))
    assert texts == ["plain"]
