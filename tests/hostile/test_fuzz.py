"""20,000 hostile updates: posted to the bot's webhook, and sent through the playground, which stands where Telegram is.

What is drawn and changed is the same in every run; the order in which the bot works on it is not.
"""

import asyncio
import gc
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Iterator
from random import Random
from typing import Any, TypeVar

import psutil
import pytest

from bot.http import HttpClient
from bot.playground import Playground, create_app, new_token, serve
from tests.defences import Figure
from tests.factories import Factory
from tests.flows.conftest import System, new_household
from tests.flows.files import PDF, picture
from tests.hostile.calls import ACTS, ARRIVAL, Request, acts, calls, parameters
from tests.hostile.conftest import Complaints, HookedSystem, settled
from tests.hostile.mutations import body_of, changed, damaged, nested
from tests.hostile.shapes import COMMANDS, NASTY_TEXTS, Shape, collect, updates
from tests.people import Person

pytestmark = [pytest.mark.long, pytest.mark.security("Hostile input arrives as text, or not at all")]
Found = TypeVar("Found")

POSTED = 12_000
SENT = 8_000
SHAPES = 1_500
PEOPLE = 24
AT_ONCE = 12
PROMPT = 5.0
"""Seconds in which an ordinary resident is answered in the middle of it all, on a busy machine of two cores."""
GROWTH = 80
"""MB by which the process may grow while it works off the second half: what the playground keeps, and some slack."""
FIRST_PERSON = 710_000_000


class Storm:
    """Sends what comes in parallel, asks as an ordinary resident in between, and watches the process's memory."""

    def __init__(self, system: System, resident: Person, complaints: Complaints) -> None:
        self.system = system
        self.resident = resident
        self.complaints = complaints
        self.answers: Counter[int] = Counter()
        self.slowest = 0.0
        self.sent: dict[int, bytes] = {}

    async def ask(self) -> None:
        """The resident's own question, answered as if nothing were the matter."""
        began = time.monotonic()
        await self.resident.send("/handover")
        await self.resident.expect("交房")
        self.slowest = max(self.slowest, time.monotonic() - began)
        assert self.slowest < PROMPT

    async def ask_meanwhile(self, storm: Awaitable[Found]) -> Found:
        """The answer comes in the middle of it all, not when it is over."""
        blowing = asyncio.ensure_future(storm)
        await self.ask()
        answered_meanwhile = not blowing.done()
        found = await blowing
        assert answered_meanwhile
        return found

    async def post(self, hooked: HookedSystem, bodies: Iterator[bytes], number: int) -> None:
        """
        Raises:
            AssertionError: a body was answered with 5xx; it is shown.
        """

        async def work() -> None:
            for body in mine:
                status = await hooked.post(body)
                self.answers[status] += 1
                assert status in (200, 413), f"{status} for {body[:2000]!r}"

        for _ in range(4):
            mine = itertools.islice(bodies, number // 4)
            await self.ask_meanwhile(asyncio.gather(*(work() for _ in range(AT_ONCE))))

    def nothing_failed(self) -> None:
        """
        Raises:
            AssertionError: something was logged as an error of ours; one of each kind is shown with its update.
        """
        kinds = {(entry.get("event"), entry.get("error"), entry.get("at")): entry for entry in self.complaints.of_ours}
        assert not kinds, "\n".join(
            f"{entry} for {self.sent.get(entry.get('update_id', 0), b'?')[:2000]!r}" for entry in kinds.values()
        )


def memory() -> int:
    """MB"""
    gc.collect()
    return int(psutil.Process().memory_info().rss / 2**20)


async def people(system: System, factory: Factory) -> list[Person]:
    """Some who have shown who they are, with one home or two, and as many who have not."""
    found = []
    for number in range(PEOPLE):
        person = await system.person(f"人{number}", user_id=FIRST_PERSON + number)
        await person.send("/start")
        found.append(person)
        for _ in range(number % 3):
            await factory.link(person.id, (await new_household(factory)).agreement)
    return found


async def real_updates(system: HookedSystem, persons: list[Person]) -> list[Shape]:
    """What the playground has for the bot when people do ordinary things: as Telegram writes it."""
    await system.stop_bot()
    for person in persons[:3]:
        for command in COMMANDS:
            await person.send(f"/{command}")
        await person.send("厨房漏水，从三月开始")
        await person.share_contact()
        await person.send_contact_card("13800000000")
        await person.send_photo(picture(1), picture(2), caption="厨房")
        await person.send_document(PDF, filename="检测报告.pdf", caption="报告")
        await person.send_location()
        await person.sticker()
        await person.voice()
        await person.edit(next(message for message in person.messages.values() if message.mine), "/home")
        await person.tap_data(person.last.id, "menu")
        await person.tap_data(999_999, "menu")
        await person.block()
        await person.unblock()
    found = [update.wire() for update in system.world.updates.pending()]
    await system.start_bot()
    await settled(system)
    return found


def hostile_bodies(random: Random, shapes: list[Shape], real: list[Shape], sent: dict[int, bytes]) -> Iterator[bytes]:
    """Shapes as drawn, changed in their structure, real ones with damaged bytes and with hostile words; a few of no
    shape at all."""
    written = [shape for shape in real if "text" in shape.get("message", {})]
    bodies = [body_of(shape) for shape in real]
    odd = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"0",
        b"\xff\xfe",
        b"{}" * 1000,
        nested(400),
        nested(20_000),
        b'"' + b"x" * 70_000,
    ]
    for number in itertools.count(1_000_000):
        match random.randrange(11):
            case 0 | 1 | 2:
                body = body_of({"update_id": number, **random.choice(shapes)})
            case 3 | 4 | 5:
                body = body_of({"update_id": number, **changed(random, random.choice(shapes), shapes)})
            case 6:
                body = body_of(changed(random, {**random.choice(real), "update_id": number}, shapes))
            case 7 | 8:
                wire = {**random.choice(real), "update_id": number}
                body = damaged(random, body_of(wire), bodies)
            case 9:
                wire = {**random.choice(written), "update_id": number}
                message = {**wire["message"], "message_id": number, "text": random.choice(NASTY_TEXTS)}
                body = body_of({**wire, "message": message})
            case 10 if random.random() < 0.1:
                body = random.choice(odd)
            case _:
                body = body_of({"update_id": random.choice((number, number - 5)), **random.choice(real + shapes)})
        sent[number] = body
        yield body


async def test_the_webhook(hooked: HookedSystem, factory: Factory, complaints: Complaints, figure: Figure) -> None:
    persons = await people(hooked, factory)
    resident = await hooked.person("张三")
    await factory.link(resident.id, (await new_household(factory)).agreement)
    real = await real_updates(hooked, persons)
    stored = [
        hooked.world.files.add_photo(picture(9)).content[-1],
        hooked.world.files.add_document("a.pdf", "", PDF).content,
    ]
    shapes = collect(updates([person.id for person in persons], stored), SHAPES)
    storm = Storm(hooked, resident, complaints)
    bodies = hostile_bodies(Random(20261124), shapes, real, storm.sent)

    await storm.post(hooked, bodies, POSTED // 2)
    await settled(hooked)
    halfway = memory()
    said = hooked.world.outbox.done["sendMessage"]
    await storm.post(hooked, bodies, POSTED // 2)
    await settled(hooked)
    grown = memory() - halfway

    await storm.ask()
    storm.nothing_failed()
    assert sum(storm.answers.values()) == POSTED
    assert not hooked.application.update_processor._queues, "somebody still waits for a chat"  # type: ignore[attr-defined]
    # Far from all are let go unread: the conversations themselves were under fire.
    assert hooked.world.outbox.done["sendMessage"] - said > POSTED // 12
    assert grown < GROWTH, f"{grown} MB more after the second half"
    figure("hostile updates posted to the webhook", POSTED)
    figure("an ordinary resident in between waited at most", f"{storm.slowest:.2f} s")
    figure("memory grew in the second half by", f"{grown} MB")


async def fire(client: HttpClient, requests: Iterator[Request], number: int) -> Counter[int]:
    """
    Raises:
        AssertionError: some were answered with 5xx; they are shown.
    """
    answers: Counter[int] = Counter()
    failed: list[str] = []
    mine = itertools.islice(requests, number)

    async def work() -> None:
        for request in mine:
            headers = {"Content-Type": request.media_type} if request.media_type else None
            answer = await client.request(request.method, request.target, request.body, headers, seconds=30)
            answers[answer.status] += 1
            if answer.status >= 500:
                failed.append(str(request))

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    assert not failed, "\n".join(failed[:20])
    return answers


def inline(markup: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return list(markup.get("inline_keyboard", []))


def client_of(url: str) -> HttpClient:
    return HttpClient(f"{url}/", headers={}, size=64, connect_timeout=30, keep_alive=4)


async def test_the_user_side(system: System, factory: Factory, complaints: Complaints, figure: Figure) -> None:
    """Scripts that send anything in the name of people, who then really talk to the bot; the bot polls."""
    persons = await people(system, factory)
    resident = await system.person("张三", user_id=FIRST_PERSON + PEOPLE)
    await factory.link(resident.id, (await new_household(factory)).agreement)
    shapes = {act: collect(strategy, 60) for act, strategy in ACTS.items()}

    def buttons(person_id: int) -> list[tuple[int, str]]:
        newest = system.world.people[person_id].after(0, 2)
        keys = [(message.message_id, row) for message in newest if message.markup for row in inline(message.markup)]
        return [(number, str(button.get("callback_data", "x"))) for number, row in keys for button in row]

    stranger = acts(Random(1), [person.id for person in persons], shapes, collect(ARRIVAL, 60), buttons)
    storm = Storm(system, resident, complaints)
    client = client_of(system.url)
    answers: Counter[int] = Counter()
    for _ in range(4):
        answers += await storm.ask_meanwhile(fire(client, stranger, SENT // 8))
    await settled(system)
    await storm.ask()
    await client.close()
    storm.nothing_failed()
    for person in system.world.people:
        async with system.client.get(f"/play/users/{person}/messages") as response:
            assert response.status == 200
    assert answers[201] > SENT // 8
    figure("hostile requests of scripts to the playground's user side", sum(answers.values()))


async def test_the_bot_api(figure: Figure) -> None:
    """A bot that calls anything with anything."""
    token = new_token()
    app = create_app(token)
    async with serve(app) as url:
        client = client_of(url)
        world: Playground = app.state.playground
        files = [str(world.files.add_document("a.pdf", "", PDF).content["file_id"])]
        ids = [world.add_person(f"人{number}", started=number > 0).id for number in range(8)]
        for number in ids:
            await client.request("POST", f"play/users/{number}/messages", b'{"text":"x"}', None, seconds=30)
        answers = await fire(client, calls(Random(2), token, collect(parameters(ids, files), 300)), SENT // 2)
        for method in ("deleteWebhook", "getUpdates", "getMe"):
            answer = await client.request("GET", f"bot{token}/{method}", None, None, seconds=30)
            assert answer.status == 200
        for number in ids:
            answer = await client.request("GET", f"play/users/{number}/messages", None, None, seconds=30)
            assert answer.status == 200
        await client.close()
    assert answers[200] > SENT // 20
    figure("hostile calls of the playground's Bot API", sum(answers.values()))
