"""Turns: in order within a chat, chats at the same time; what a conversation knows from step to step."""

import asyncio

import pytest
from telegram import Update

from api.chats.schemas import ChatState, Dialog
from bot.context import Context
from bot.sessions import ChatSession
from bot.turns import current_turn
from tests.bot.conftest import Bot, Office, World, living, message, until


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
        await asyncio.wait_for(together.wait(), 30)
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
