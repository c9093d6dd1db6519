"""Telegram brings what people write, but takes no answers: nobody stays without one when that is over."""

import asyncio
import time

import pytest

from bot import sessions
from bot.sessions import UNTOLD_TRIES
from bot.webhook import MAX_TRIES, Webhook
from tests.bot.conftest import Office, World, message, until, update_of

PAGE = "<html><body>502 Bad Gateway</body></html>"


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502},
        {"status": 502, "body": PAGE},
        {"status": 200, "body": '{"ok": true, "resu'},
        {"status": 200, "body": "[]"},
        {"status": 429, "retry_after": 30},
    ],
    ids=["502", "a page", "half an answer", "another answer", "a long pause"],
)
async def test_a_polled_update_waits_until_it_can_be_answered(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: dict[str, object]
) -> None:
    """Each try asks twice: for the answer, and for the sentence that there is none."""
    monkeypatch.setattr(sessions, "LONGEST_PAUSE", 0.1)
    async with world.run():
        wang = await world.person(language="en")
        await world.fault("sendMessage", **fault, count=4)  # type: ignore[arg-type]
        await wang.send("/start")
        await wang.send("/help")
        await wang.expect("Choose what you need")
        first, second = [said for said in wang.messages.values() if not said.mine]
        assert "Hello" in first.text, "in the order in which they were asked"
        assert "Choose what you need" in second.text
    assert sum(world.playground.outbox.failed["sendMessage"].values()) == 4


async def test_a_chat_that_takes_no_answer_keeps_nobody_else_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.rests._FIRST", 8.0)
    world.settings.concurrency = 1
    async with world.run():
        wang, john = await world.person(language="en"), await world.person("John", language="en")
        await world.fault("sendMessage", 500, count=2, chat_id=wang.id)
        await wang.send("/start")
        await until(lambda: bool(world.playground.outbox.failed.get("sendMessage")))
        await john.send("/start")
        await john.expect("Hello")
        await wang.refresh()
        assert not wang.answers, "his turn comes again after a while"
        await wang.expect("Hello")


async def test_it_is_given_up_some_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "UNTOLD_TRIES", 2)
    async with world.run():
        wang = await world.person(language="en")
        await world.fault("sendMessage", 500, count=4)
        await wang.send("/start")
        await until(lambda: sum(world.playground.outbox.failed.get("sendMessage", {}).values()) == 4)
        await wang.send("/help")
        await wang.expect("Choose what you need")
        assert not any("Hello" in text for text in wang.said())


async def test_a_bot_that_ends_does_not_wait_for_telegram(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.rests._FIRST", 60.0)
    async with world.run():
        wang = await world.person(language="en")
        await world.fault("sendMessage", 500, count=2)
        await wang.send("/start")
        await until(lambda: sum(world.playground.outbox.failed.get("sendMessage", {}).values()) == 2)
        began = time.monotonic()
    assert time.monotonic() - began < 15
    await wang.expect("Hello")


async def test_a_posted_update_comes_again_where_the_last_word_was_not_taken(world: World, office: Office) -> None:
    wang = world.playground.add_person("王", started=True)
    await world.application.initialize()
    try:
        webhook = Webhook(world.application, "secret", "/")
        office.down = True
        update = update_of(world.application, message(1, wang.id, "/start", language="en"))
        for _ in range(MAX_TRIES - 1):
            assert await webhook._handle(update) is False
        await world.fault("sendMessage", 502)
        assert await webhook._handle(update) is False, "nobody could be told"
        assert await webhook._handle(update) is True
        assert world.playground.outbox.done["sendMessage"] == 1
        await world.fault("sendMessage", 502, count=1000)
        update = update_of(world.application, message(2, wang.id, "/start", language="en"))
        assert [await webhook._handle(update) for _ in range(UNTOLD_TRIES)] == [False] * (UNTOLD_TRIES - 1) + [True]
    finally:
        await world.application.bot_data["backend"].close()
        await world.application.shutdown()


@pytest.mark.parametrize(
    "body", [PAGE, "{}", '{"ok": true, "result": {"update_id": 1}}', '{"ok": true, "result": [5]}']
)
async def test_polling_goes_on_after_an_answer_that_is_none(world: World, body: str) -> None:
    async with world.run():
        wang = await world.person(language="en")
        await world.fault("getUpdates", 200, body=body, count=1000)
        await wang.send("/start")
        await until(lambda: bool(world.playground.outbox.failed.get("getUpdates")))
        await asyncio.sleep(0.5)
        assert sum(world.playground.outbox.failed["getUpdates"].values()) < 5, "not asked again at once"
        async with world.http.delete("/play/faults") as cleared:
            assert cleared.status == 200
        await wang.expect("Hello")
