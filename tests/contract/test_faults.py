"""Failures on demand."""

import asyncio
import time
from datetime import timedelta

import pytest
import telegram
from telegram.error import Forbidden, NetworkError, RetryAfter

from tests.contract.conftest import NewPhone, Phone, World


async def fault(world: World, **fields: object) -> None:
    status, body = await world.ask("POST", "/play/faults", json=fields)
    assert status == 201, body


async def test_429_with_retry_after_as_often_as_asked(
    world: World, bot: telegram.Bot, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without it python-telegram-bot warns of the type that retry_after will have one day.
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    await fault(world, method="sendMessage", status=429, retry_after=7, count=2)
    for _ in range(2):
        with pytest.raises(RetryAfter) as raised:
            await bot.send_message(phone.id, "x")
        assert raised.value.retry_after == timedelta(seconds=7)
    await bot.send_message(phone.id, "x")
    assert len(await phone.messages()) == 1
    _, counted = await world.ask("GET", "/play/outbox")
    assert counted["sendMessage"] == 1
    _, detail = await world.ask("GET", "/play/outbox?detail=1")
    assert detail["failed"] == {"sendMessage": {"429": 2}}
    assert detail["peak_per_second"] == 1


async def test_the_wire_form_of_429(world: World, phone: Phone) -> None:
    await fault(world, method="sendmessage", status=429, retry_after=3)
    assert await world.call("sendMessage", chat_id=phone.id, text="x") == (
        429,
        {
            "ok": False,
            "error_code": 429,
            "description": "Too Many Requests: retry after 3",
            "parameters": {"retry_after": 3},
        },
    )


async def test_403_for_one_chat_only(world: World, bot: telegram.Bot, phone: Phone, new_phone: NewPhone) -> None:
    other = await new_phone("李强")
    await fault(world, method="*", status=403, chat_id=other.id)
    await bot.send_message(phone.id, "x")
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(other.id, "x")


async def test_an_answer_that_got_lost_after_the_message_went_out(
    world: World, bot: telegram.Bot, phone: Phone
) -> None:
    await fault(world, method="sendMessage", status=502, executed=True)
    with pytest.raises(NetworkError):
        await bot.send_message(phone.id, "x")
    assert len(await phone.messages()) == 1


async def test_a_slow_answer(world: World, phone: Phone) -> None:
    await fault(world, method="sendMessage", status=200, delay=0.2)
    begun = time.monotonic()
    status, _ = await world.call("sendMessage", chat_id=phone.id, text="x")
    assert status == 200
    assert time.monotonic() - begun >= 0.2


async def test_an_answer_that_is_none(world: World, bot: telegram.Bot, phone: Phone) -> None:
    """A proxy's page, or half of what was to come: whether the call took effect or not."""
    await fault(world, method="sendMessage", status=200, body='{"ok": true, "resu')
    with pytest.raises(telegram.error.TelegramError, match="Invalid server response"):
        await bot.send_message(phone.id, "x")
    assert await phone.messages() == []
    await fault(world, method="sendMessage", status=504, body="<html>Gateway Time-out</html>", executed=True)
    with pytest.raises(NetworkError, match="Gateway Timeout"):
        await bot.send_message(phone.id, "x")
    assert len(await phone.messages()) == 1


async def test_an_update_of_ones_own_making(world: World, bot: telegram.Bot, phone: Phone) -> None:
    body = {"message_id": "not a number"}
    status, _ = await world.ask("POST", "/play/updates", json={"chat_id": phone.id, "kind": "message", "body": body})
    assert status == 201
    _, answer = await world.call("getUpdates")
    assert answer["result"][-1]["message"] == body


async def test_faults_are_listed_and_cleared(world: World, phone: Phone) -> None:
    await fault(world, method="sendMessage", status=500, description="Internal Server Error: boom")
    _, listed = await world.ask("GET", "/play/faults")
    assert listed[0]["description"] == "Internal Server Error: boom"
    assert await world.ask("DELETE", "/play/faults") == (200, [])
    status, _ = await world.call("sendMessage", chat_id=phone.id, text="x")
    assert status == 200
    status, _ = await world.ask("POST", "/play/faults", json={"method": "x", "status": 1000})
    assert status == 422


async def test_a_closing_playground_lets_waiting_polls_go(world: World) -> None:
    poll = asyncio.create_task(world.call("getUpdates", timeout=30))
    await asyncio.sleep(0.1)
    world.state.close()
    async with asyncio.timeout(15):
        assert await poll == (200, {"ok": True, "result": []})
