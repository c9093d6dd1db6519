"""Turns: in order within a chat, chats at the same time, saved by compare-and-set, never lost without a word."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
from telegram import Update
from telegram.ext import filters

from api.chats.schemas import ChatState, Dialog
from bot.callbacks import DialogCallback
from bot.context import App, Context
from bot.dispatch import CallbackHandler, CommandHandler, InDialog, MessageHandler, TurnHandler
from bot.logs import set_up_logs
from bot.sessions import ChatProcessor, ChatSession
from bot.turns import current_turn
from tests.bot.conftest import Office, World, message, tap, until, update_of

Act = Callable[[Update, Context], Coroutine[Any, Any, None]]


class Choose(DialogCallback, prefix="t_choose"):
    what: str


@dataclass
class Bot:
    """The application without its conversations: a test adds what it needs and hands updates in itself."""

    app: App
    world: World

    @property
    def processor(self) -> ChatProcessor:
        processor = self.app.update_processor
        assert isinstance(processor, ChatProcessor)
        return processor

    async def take(self, wire: dict[str, Any]) -> None:
        """One update, as PTB hands it on."""
        update = update_of(self.app, wire)
        await self.processor.process_update(update, self.app.process_update(update))

    def on_text(self, act: Act) -> None:
        self.app.handlers[0][:] = [MessageHandler(filters.TEXT, act)]

    async def sent(self, chat_id: int) -> list[str]:
        async with self.world.http.get(f"/play/users/{chat_id}/messages") as response:
            return [wire["text"] for wire in await response.json() if not wire["mine"]]


@pytest.fixture
async def bot(world: World) -> AsyncIterator[Bot]:
    await world.application.initialize()
    yield Bot(world.application, world)
    await world.application.bot_data["backend"].close()
    await world.application.shutdown()


async def living(world: World, *ids: int) -> None:
    for number in ids:
        world.playground.add_person("王", user_id=number, started=True)


def session(dialog: Dialog | None = None, locale: str | None = "zh_CN") -> ChatSession:
    return ChatSession(ChatState(chat_id=5, locale=locale, linked=False, dialog=dialog, version=3))


def test_a_session_is_changed_only_by_what_is_saved() -> None:
    fresh = session(Dialog(id="abcdefgh", name="a.b", data={"files": [1]}))
    fresh.linked = True
    assert not fresh.changed
    assert fresh.dialog is not None
    fresh.dialog.data["files"].append(2)
    assert fresh.changed
    fresh = session()
    fresh.locale = "en"
    assert fresh.changed
    assert session(locale=None).changed


def test_steps_of_a_dialog_keep_its_id_and_what_it_knows() -> None:
    fresh = session()
    first = fresh.start_dialog("complaint.category", page=1)
    second = fresh.go("complaint.text", category="quality")
    assert second.id == first.id
    assert second.data == {"page": 1, "category": "quality"}
    assert fresh.start_dialog("complaint.category").id != first.id
    fresh.end_dialog()
    with pytest.raises(RuntimeError, match="no dialog"):
        fresh.go("complaint.text")


def test_a_turn_that_runs_again_begins_the_same_conversation_and_no_other_turn_does() -> None:
    def ids(chat_id: int, origin: str) -> list[str]:
        state = ChatState(chat_id=chat_id, locale="en", linked=False, dialog=None, version=3)
        turn = ChatSession(state, origin=origin)
        return [turn.start_dialog("complaint.category").id for _ in range(2)]

    assert ids(5, "1:a") == ids(5, "1:a")
    assert len({*ids(5, "1:a"), *ids(5, "2:a"), *ids(5, "1:b"), *ids(6, "1:a")}) == 8


def test_conversations_that_interrupt_each_other_in_turn_once_piled_up() -> None:
    fresh = session()
    complaint = fresh.start_dialog("complaint.text", draft={"text": "漏水"})
    for _ in range(50):
        fresh.interrupt_with("office.kind")
        fresh.go("office.text", kind="other")
        office = fresh.dialog
        fresh.interrupt_with("verification.way", agreed=["notice"])
    assert fresh.dialog is not None
    assert fresh.dialog.name == "verification.way"
    assert len(fresh.dialog.model_dump_json()) < 1000
    fresh.end_dialog()
    assert office is not None
    assert fresh.dialog.id == office.id
    assert fresh.dialog.data["kind"] == "other"
    fresh.end_dialog()
    assert fresh.dialog == complaint, "what waits below them is not lost"
    fresh.end_dialog()
    assert fresh.dialog is None


async def test_updates_of_one_chat_run_in_order_and_other_chats_meanwhile(bot: Bot) -> None:
    ran: list[str] = []
    gate = asyncio.Event()

    async def act(update: Update, ctx: Context) -> None:
        text = str(update.message.text if update.message else "")
        ran.append(f"begin {text}")
        if text == "a1":
            await gate.wait()
        ran.append(f"end {text}")

    bot.on_text(act)
    tasks = [asyncio.create_task(bot.take(message(n, 11, f"a{n}"))) for n in (1, 2, 3)]
    tasks.append(asyncio.create_task(bot.take(message(4, 12, "b"))))
    await until(lambda: {"begin a1", "end b"} <= set(ran))
    assert sorted(ran) == ["begin a1", "begin b", "end b"]
    gate.set()
    await asyncio.gather(*tasks)
    assert ran[3:] == ["end a1", "begin a2", "end a2", "begin a3", "end a3"]


@pytest.mark.parametrize("command", ["handover", "home", "payments"])
async def test_what_a_look_up_needs_comes_with_the_state(bot: Bot, office: Office, command: str) -> None:
    """Two requests for a turn cost a quarter more than one."""
    await living(bot.world, 11)
    office.chats[11] = {"chat_id": 11, "locale": "en", "linked": True, "dialog": None, "version": 1}
    await bot.take(message(1, 11, f"/{command}"))
    assert len(await bot.sent(11)) == 1
    assert office.asked == {"GET": 1}


async def test_one_chat_that_floods_leaves_room_for_the_others(bot: Bot) -> None:
    gate = asyncio.Event()
    seen: list[int] = []

    async def act(update: Update, ctx: Context) -> None:
        seen.append(ctx.chat_id)
        if ctx.chat_id == 11:
            await gate.wait()

    bot.on_text(act)
    flood = [asyncio.create_task(bot.take(message(n, 11, "x"))) for n in range(1, 301)]
    other = asyncio.create_task(bot.take(message(999, 12, "y")))
    await until(lambda: 12 in seen)
    gate.set()
    await asyncio.gather(*flood, other)
    assert seen.count(11) == 300


async def test_no_more_run_at_once_than_allowed(bot: Bot) -> None:
    bot.app.update_processor.__init__(bot.world.application.bot_data["backend"], 3)  # type: ignore[misc]
    bot.processor.run_with(bot.app)
    running = most = 0
    together = asyncio.Event()

    async def act(update: Update, ctx: Context) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            together.set()
        await asyncio.wait_for(together.wait(), 10)
        running -= 1

    bot.on_text(act)
    await asyncio.gather(*(bot.take(message(n, n, "x")) for n in range(1, 31)))
    assert most == 3


async def test_nothing_is_kept_of_chats_that_are_quiet(bot: Bot) -> None:
    async def act(update: Update, ctx: Context) -> None:
        if ctx.chat_id % 2:
            raise ValueError

    bot.on_text(act)
    await asyncio.gather(*(bot.take(message(n, n % 7 + 1, "x")) for n in range(1, 50)))
    assert bot.processor._queues == {}


async def test_each_turn_sees_its_own_session(bot: Bot, office: Office) -> None:
    async def act(update: Update, ctx: Context) -> None:
        ctx.session.start_dialog("t.name", chat=ctx.chat_id)
        await asyncio.sleep(0)
        assert current_turn().session.chat_id == ctx.chat_id

    bot.on_text(act)
    await asyncio.gather(*(bot.take(message(n, n, "x")) for n in range(1, 30)))
    assert all(office.state(n)["dialog"]["data"] == {"chat": n} for n in range(1, 30))
    with pytest.raises(RuntimeError, match="no update"):
        current_turn()


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
    assert "test_sessions.py" in written
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


async def test_updates_taken_before_the_end_are_finished(world: World, office: Office) -> None:
    """Polling confirms what it fetched; stopping must not drop what still waits in the queue."""
    async with world.run():
        people = [await world.person(f"P{n}", language="en") for n in range(6)]
        office_was_down = office.before_save
        gate = asyncio.Event()

        async def slow(chat_id: int) -> None:
            await gate.wait()

        office.before_save = slow
        for person in people:
            await person.send("/start")
            await person.send("/help")
        await until(lambda: office.asked["PUT"] == 6)
        asyncio.get_running_loop().call_later(0.05, gate.set)
    office.before_save = office_was_down
    for person in people:
        await person.refresh()
        assert sum("Choose what you need" in text for text in person.said()) == 1
    async with world.run():
        await people[0].send("/help")
        await people[0].expect("Choose what you need")
    assert sum("Choose what you need" in text for text in people[0].said()) == 2
