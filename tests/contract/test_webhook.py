"""Webhook delivery: secret, order, retries, and what goes back to the queue."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import web

from tests.contract.conftest import NewPhone, Phone, World

SECRET = "a-Secret_1"
KEYS = '{"inline_keyboard": [[{"text": "Yes", "callback_data": "x"}]]}'
Answer = Callable[[dict[str, Any]], tuple[int, dict[str, Any] | None]]


class Receiver:
    """A bot's webhook; ``answer`` decides the status and the body."""

    def __init__(self) -> None:
        self.updates: list[dict[str, Any]] = []
        self.secrets: set[str | None] = set()
        self.answer: Answer = lambda update: (200, None)
        self.running = self.most = 0
        self.seconds = 0.0
        self.together = 1
        """Nobody is answered before so many were there at the same time."""

    async def take(self, request: web.Request) -> web.Response:
        self.secrets.add(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        update = await request.json()
        self.running += 1
        self.most = max(self.most, self.running)
        async with asyncio.timeout(30):
            while self.most < self.together:
                await asyncio.sleep(0.01)
        await asyncio.sleep(self.seconds)
        self.running -= 1
        self.updates.append(update)
        status, body = self.answer(update)
        return web.json_response(body, status=status) if body is not None else web.Response(status=status)

    @property
    def texts(self) -> list[str]:
        return [update["message"]["text"] for update in self.updates]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.updates) < count:
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def receiving(world: World, **options: Any) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        status, body = await world.call(
            "setWebhook", url=f"http://127.0.0.1:{port}/hook", secret_token=SECRET, **options
        )
        assert status == 200, body
        yield receiver
    finally:
        await world.call("deleteWebhook")
        await runner.cleanup()


async def settled(world: World) -> None:
    async with asyncio.timeout(30):
        while len(world.state.updates):
            await asyncio.sleep(0.01)


async def test_updates_arrive_with_the_secret_and_in_order(world: World, phone: Phone) -> None:
    await phone.send("before")
    async with receiving(world) as receiver:
        for number in range(20):
            await phone.send(str(number))
        await receiver.until(21)
        assert receiver.texts == ["before", *map(str, range(20))]
        assert receiver.secrets == {SECRET}
        await settled(world)
        assert all(message["seen"] for message in await phone.messages())
        _, body = await world.call("getWebhookInfo")
        assert body["result"]["pending_update_count"] == 0
        assert body["result"]["url"].endswith("/hook")


async def test_a_failing_update_is_tried_again_before_the_next_one(world: World, phone: Phone) -> None:
    async with receiving(world) as receiver:
        failures = iter([500, 503])
        receiver.answer = lambda update: (next(failures, 200), None)
        await phone.send("a")
        await phone.send("b")
        await receiver.until(4)
        assert receiver.texts == ["a", "a", "a", "b"]
        assert len({update["update_id"] for update in receiver.updates}) == 2
        _, body = await world.call("getWebhookInfo")
        assert body["result"]["last_error_message"] == "Wrong response from the webhook: 503 Service Unavailable"


async def test_one_chat_waits_for_itself_and_never_for_another(world: World, phone: Phone, new_phone: NewPhone) -> None:
    others = [await new_phone(f"邻居{number}") for number in range(8)]
    async with receiving(world) as receiver:
        receiver.seconds, receiver.together = 0.2, 9
        for text in ("a", "b"):
            await asyncio.gather(*(person.send(text) for person in (phone, *others)))
        await receiver.until(18)
        assert receiver.most == 9
        for person in (phone, *others):
            texts = [
                update["message"]["text"] for update in receiver.updates if update["message"]["from"]["id"] == person.id
            ]
            assert texts == ["a", "b"]


async def test_a_tap_does_not_wait_for_a_message_of_the_same_chat(world: World, phone: Phone) -> None:
    sent = await world.call("sendMessage", chat_id=str(phone.id), text="?", reply_markup=KEYS)
    async with receiving(world) as receiver:
        receiver.answer = lambda update: (503 if "message" in update else 200, None)
        await phone.send("a")
        for _ in range(2):
            await phone.do("taps", message_id=sent[1]["result"]["message_id"], data="x")
        async with asyncio.timeout(30):
            while sum("callback_query" in update for update in receiver.updates) < 2:
                await asyncio.sleep(0.01)
        receiver.answer = lambda update: (200, None)
        await settled(world)


async def test_setting_the_same_webhook_again_interrupts_nothing(world: World, phone: Phone) -> None:
    """Each of several replicas sets it when it starts."""
    async with receiving(world) as receiver:
        receiver.seconds = 0.3
        await phone.send("a")
        await asyncio.sleep(0.1)
        _, body = await world.call("getWebhookInfo")
        await world.call("setWebhook", url=body["result"]["url"], secret_token=SECRET)
        await settled(world)
        assert receiver.texts == ["a"]


async def test_connections_are_limited(world: World, new_phone: NewPhone) -> None:
    people = [await new_phone(f"邻居{number}") for number in range(6)]
    async with receiving(world, max_connections=2) as receiver:
        receiver.seconds, receiver.together = 0.05, 2
        await asyncio.gather(*(person.send("a") for person in people))
        await receiver.until(6)
        assert receiver.most == 2


async def test_an_answer_may_call_a_method(world: World, phone: Phone) -> None:
    async with receiving(world) as receiver:
        receiver.answer = lambda update: (
            200,
            {"method": "sendMessage", "chat_id": update["message"]["chat"]["id"], "text": "from the answer"},
        )
        sent = await phone.send("hello")
        assert (await phone.answer(sent["message_id"]))["text"] == "from the answer"


async def test_what_the_webhook_never_took_is_left_for_getupdates(world: World, phone: Phone) -> None:
    async with receiving(world) as receiver:
        receiver.answer = lambda update: (500, None)
        await phone.send("a")
        await receiver.until(1)
    _, body = await world.call("getUpdates")
    assert [update["message"]["text"] for update in body["result"]] == ["a"]
    async with receiving(world, drop_pending_updates=True) as receiver:
        await phone.send("b")
        await receiver.until(1)
        assert receiver.texts == ["b"]


async def test_allowed_updates_hold_for_a_webhook_too(world: World, phone: Phone) -> None:
    async with receiving(world, allowed_updates=["my_chat_member"]) as receiver:
        await phone.send("a")
        await phone.do("block")
        await receiver.until(1)
        await settled(world)
        assert [list(update)[1] for update in receiver.updates] == ["my_chat_member"]
