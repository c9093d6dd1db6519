"""What a turn changed: saved by compare-and-set, given up whole where it failed, never lost without a word."""

import json

import pytest
from telegram import Update

from bot.context import Context
from bot.logs import set_up_logs
from tests.bot.conftest import Bot, Office, World, living, message


async def test_a_turn_that_changes_nothing_saves_nothing(bot: Bot, office: Office) -> None:
    office.chats[11] = {**office.state(11), "locale": "en", "version": 1}

    async def act(update: Update, ctx: Context) -> None: ...

    bot.on_text(act)
    await bot.take(message(1, 11, "x"))
    assert office.asked == {"GET": 1}


async def test_a_failing_handlers_changes_are_discarded_and_the_person_is_told(
    bot: Bot, office: Office, world: World
) -> None:
    await living(world, 11)

    async def act(update: Update, ctx: Context) -> None:
        ctx.session.start_dialog("t.name")
        raise ValueError("王小明 110101199003074477")

    bot.on_text(act)
    await bot.take(message(1, 11, "x"))
    assert office.dialog_name(11) is None
    assert "我们这边出了点问题" in (await bot.sent(11))[0]


async def test_a_failure_is_written_down_without_what_was_said(
    bot: Bot, world: World, capsys: pytest.CaptureFixture[str], own_logs: None
) -> None:
    set_up_logs(readable=False)
    await living(world, 11)

    async def act(update: Update, ctx: Context) -> None:
        raise ValueError("王小明 110101199003074477")

    bot.on_text(act)
    await bot.take(message(1, 11, "my number is 110101199003074477"))
    written = "".join(capsys.readouterr())
    assert "ValueError" in written
    assert "test_saving.py" in written
    assert "王小明" not in written
    assert "1101011990" not in written


async def test_a_conflict_runs_the_turn_again_on_the_fresh_state(bot: Bot, office: Office, world: World) -> None:
    """Another replica saved the chat between the load and the save: its change is kept, and so is ours."""
    await living(world, 11)
    office.chats[11] = {**office.state(11), "locale": "en", "version": 1}
    seen: list[str] = []

    async def meanwhile(chat_id: int) -> None:
        office.before_save = None
        dialog = {"id": "otherotherid", "name": "t.other", "data": {"from": "elsewhere"}}
        office.chats[chat_id] = {**office.state(chat_id), "dialog": dialog, "version": 2}

    async def act(update: Update, ctx: Context) -> None:
        seen.append(ctx.session.dialog.name if ctx.session.dialog else "nothing")
        if ctx.session.dialog is None:
            ctx.session.start_dialog("t.mine")
        else:
            ctx.session.go("t.mine", more=1)

    bot.on_text(act)
    office.before_save = meanwhile
    await bot.take(message(1, 11, "x"))
    assert seen == ["nothing", "t.other"]
    assert office.state(11)["dialog"] == {
        "id": "otherotherid",
        "name": "t.mine",
        "data": {"from": "elsewhere", "more": 1},
    }
    assert await bot.sent(11) == []


async def _ask_two_things(update: Update, ctx: Context) -> None:
    """A conversation that takes whatever is written as the answer to its question."""
    text = str(update.message.text if update.message else "")
    dialog = ctx.session.dialog
    if dialog is None:
        ctx.session.start_dialog("t.name")
        await ctx.reply("What is your name?")
    elif dialog.name == "t.name":
        ctx.session.go("t.street", called=text)
        await ctx.reply("Where do you live?")
    else:
        ctx.session.go("t.end", street=text)
        await ctx.reply("Thank you.")


async def test_what_comes_again_after_its_replica_died_was_once_taken_for_the_next_answer(
    bot: Bot, office: Office, world: World
) -> None:
    """The first replica answered and saved, and was gone before it could say 200."""
    await living(world, 11)
    bot.on_text(_ask_two_things)
    await bot.take(message(1, 11, "hello"))
    for _ in range(2):
        await bot.take(message(2, 11, "Wang"))
        # A tap of the same chat, which is not held back by the message, is saved in between.
        office.chats[11] |= {"taken": [7, *office.chats[11]["taken"]]}
    assert office.state(11)["dialog"]["data"] == {"called": "Wang"}
    await bot.take(message(3, 11, "Wang"))
    assert office.state(11)["dialog"]["data"] == {"called": "Wang", "street": "Wang"}, (
        "written twice, it is meant twice"
    )
    assert await bot.sent(11) == ["What is your name?", "Where do you live?", "Thank you."]


async def test_what_runs_in_two_replicas_at_once_is_saved_once(bot: Bot, office: Office, world: World) -> None:
    """Telegram had lost patience with the first one, which then found that the other had saved before it."""
    await living(world, 11)
    bot.on_text(_ask_two_things)
    await bot.take(message(1, 11, "hello"))

    async def meanwhile(chat_id: int) -> None:
        office.before_save = None
        state = office.state(chat_id)
        dialog = state["dialog"] | {"name": "t.street", "data": {"called": "Wang"}}
        office.chats[chat_id] = state | {"dialog": dialog, "version": state["version"] + 1, "taken": [2, 1]}

    office.before_save = meanwhile
    await bot.take(message(2, 11, "Wang"))
    assert office.state(11)["dialog"]["data"] == {"called": "Wang"}
    assert await bot.sent(11) == ["What is your name?", "Where do you live?"]


async def test_a_second_conflict_is_told_and_not_tried_for_ever(bot: Bot, office: Office, world: World) -> None:
    await living(world, 11)
    office.chats[11] = {**office.state(11), "locale": "en", "version": 1}
    turns = 0

    async def always(chat_id: int) -> None:
        state = office.state(chat_id)
        office.chats[chat_id] = {**state, "version": state["version"] + 1}

    async def act(update: Update, ctx: Context) -> None:
        nonlocal turns
        turns += 1
        ctx.session.start_dialog("t.mine")

    bot.on_text(act)
    office.before_save = always
    await bot.take(message(1, 11, "x", language="en"))
    assert turns == 2
    (told,) = await bot.sent(11)
    assert "send the last one again" in told


async def test_when_the_api_is_down_the_person_is_told_in_their_language_and_the_draft_stays(
    bot: Bot, office: Office, world: World
) -> None:
    await living(world, 11, 12)
    dialog = {"id": "abcdefghij", "name": "complaint.text", "data": {"text": "漏水"}}
    office.chats[11] = {**office.state(11), "locale": "zh_CN", "dialog": dialog, "version": 4}
    before = json.dumps(office.chats)
    office.down = True
    await bot.take(message(1, 11, "more", language="zh-hans"))
    await bot.take(message(2, 12, "/start", language="en"))
    assert "您之前填写的内容都还在" in (await bot.sent(11))[0]
    assert "cannot be reached right now" in (await bot.sent(12))[0]
    assert json.dumps(office.chats) == before


async def test_when_the_api_goes_down_before_the_save_the_person_is_told(
    bot: Bot, office: Office, world: World
) -> None:
    await living(world, 11)
    office.chats[11] = {**office.state(11), "locale": "en", "version": 1}

    async def act(update: Update, ctx: Context) -> None:
        ctx.session.start_dialog("t.name")
        office.down = True

    bot.on_text(act)
    await bot.take(message(1, 11, "x", language="en"))
    assert "cannot be reached right now" in (await bot.sent(11))[0]
    assert office.dialog_name(11) is None


async def test_somebody_who_blocked_the_bot_breaks_nothing(bot: Bot, office: Office, world: World) -> None:
    await living(world, 11)
    async with world.http.post("/play/users/11/block", json={}) as response:
        assert response.status < 300

    async def act(update: Update, ctx: Context) -> None:
        await ctx.reply("x")

    bot.on_text(act)
    await bot.take(message(1, 11, "x"))
