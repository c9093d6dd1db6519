"""What is a family's own never goes to a group, whatever is said or tapped there."""

from typing import Any

import pytest
from sqlalchemy import func, select
from telegram import Update

from api.cases.models import Case
from api.chats.models import Link
from handlers.registry import COMMANDS
from tests.bot.conftest import message
from tests.factories import Factory
from tests.flows.conftest import System
from tests.flows.screens import (
    TAP_IN_GROUP,
    Family,
    Telegram,
    buttons_of,
    family,
    link_to_both,
    secrets_of_everybody,
    telegram,
)
from tests.leaks import Heard
from tests.people import Person

__all__ = ["family", "telegram"]

pytestmark = pytest.mark.security("Answers are protected and masked, and never go to a group")

GROUP = -1_001_234_567
KINDS = ("group", "supergroup", "channel")


def in_group(wire: dict[str, Any], kind: str) -> dict[str, Any]:
    wire["chat"] = {"id": GROUP, "type": kind, "title": "邻居群"}
    return wire


def said_in_group(number: int, who: Person, text: str, kind: str = "supergroup", **more: Any) -> dict[str, Any]:
    update = message(number, who.id, text)
    in_group(update["message"], kind).update(more)
    return update


def tapped_in_group(number: int, who: Person, data: str, bot: dict[str, Any]) -> dict[str, Any]:
    shown = in_group(message(number, who.id, "…")["message"], "supergroup") | {"from": bot}
    asker = message(number, who.id, "…")["message"]["from"]
    return {
        "update_id": number,
        "callback_query": {
            "id": f"{TAP_IN_GROUP}{number}",
            "from": asker,
            "message": shown,
            "chat_instance": "1",
            "data": data,
        },
    }


@pytest.fixture
async def neighbour(system: System, factory: Factory, family: Family, telegram: Telegram) -> Person:
    person = await system.person("李四")
    await link_to_both(factory, person)
    await person.send("/home")
    await person.expect_any()
    await system.quiet()
    telegram.sent.clear()
    return person


async def take(system: System, wire: dict[str, Any]) -> None:
    update = Update.de_json(wire, system.application.bot)
    assert update is not None
    processor = system.application.update_processor
    await processor.process_update(update, system.application.process_update(update))


async def test_a_group_is_offered_the_private_chat_and_nothing_else(
    system: System, factory: Factory, family: Family, neighbour: Person, telegram: Telegram
) -> None:
    """Commands, taps on buttons that got there, replies to the bot, talk, contacts: of somebody linked."""
    user = (await system.application.bot.get_me()).to_dict()
    bot_message = in_group(message(1, neighbour.id, "…")["message"], "supergroup") | {"from": user}
    contact = {"phone_number": neighbour.phone, "first_name": "李四", "user_id": neighbour.id}
    number = 900_000
    answered: list[dict[str, Any]] = []
    silent: list[dict[str, Any]] = []
    for name, _ in (("start", ""), *COMMANDS):
        for text in (f"/{name}", f"/{name}@{user['username']}", f"/{name} {family.numbers[0]}"):
            answered.append(said_in_group(number := number + 1, neighbour, text))
    answered.append(said_in_group(number := number + 1, neighbour, "什么时候交房？", reply_to_message=bot_message))
    for text in ("交房", family.numbers[0], "🏠 我的房子", "1234"):
        silent.append(said_in_group(number := number + 1, neighbour, text))
    silent.append(said_in_group(number := number + 1, neighbour, "", contact=contact))
    popped = [
        tapped_in_group(number := number + 1, neighbour, data, user)
        for data in sorted(
            {data for _, data in buttons_of(neighbour)} | {f"home1:{n}:0" for n in (1, 2)} | {"settings"}
        )
    ]
    for wire in (*answered, *silent, *popped):
        await take(system, wire)
    await system.quiet()
    to_group = [sent for sent in telegram.sent if sent.method != "answerCallbackQuery"]
    assert {sent.chat_id for sent in to_group} == {GROUP}
    assert len(to_group) == len(answered)
    (sentence,) = {sent.text for sent in to_group}
    assert "不适合在群里说" in sentence
    assert all(f"https://t.me/{user['username']}" in sent.buttons for sent in to_group)
    alerts = [sent for sent in telegram.sent if sent.method == "answerCallbackQuery"]
    assert {sent.text for sent in alerts} == {sentence}
    assert len(alerts) == len(popped)
    everybody = await secrets_of_everybody(factory)
    for sent in telegram.sent:
        assert not any(part in sent.whole for part in (*family.telling, *everybody))


@pytest.mark.parametrize("kind", ["inline_query", "chosen_inline_result", "channel_post", "edited_message", "business"])
async def test_what_the_bot_did_not_ask_for_is_answered_with_nothing(
    system: System, family: Family, neighbour: Person, telegram: Telegram, kind: str
) -> None:
    """Inline queries can be made in any chat: their answers would be seen there."""
    asker = message(1, neighbour.id, "…")["message"]["from"]
    post = in_group(message(1, neighbour.id, "/home")["message"], "channel")
    wires: dict[str, dict[str, Any]] = {
        "inline_query": {"inline_query": {"id": "1", "from": asker, "query": family.numbers[0], "offset": ""}},
        "chosen_inline_result": {
            "chosen_inline_result": {"result_id": "1", "from": asker, "query": family.numbers[0]},
        },
        "channel_post": {"channel_post": post},
        "edited_message": {
            "edited_message": said_in_group(1, neighbour, "/home")["message"] | {"edit_date": 1_790_000_001}
        },
        "business": {
            "business_message": message(1, neighbour.id, "/home")["message"] | {"business_connection_id": "b"}
        },
    }
    await take(system, {"update_id": 910_000, **wires[kind]})
    await system.quiet()
    assert [sent for sent in telegram.sent if any(part in sent.whole for part in family.telling)] == []
    assert {sent.chat_id for sent in telegram.sent} <= {GROUP}
    assert "answerInlineQuery" not in telegram.methods


async def test_a_group_leaves_no_trace(system: System, factory: Factory, neighbour: Person, heard: Heard) -> None:
    """A group is no chat that the API knows: nothing is stored for it, no link can be made in it."""
    await take(system, said_in_group(920_000, neighbour, "/start"))
    await system.quiet()
    async with factory.database.transaction() as session:
        stored = (
            await session.execute(select(func.count()).select_from(Link).where(Link.chat_id == GROUP))
        ).scalar_one()
        cases = (await session.execute(select(func.count()).select_from(Case))).scalar_one()
    assert (stored, cases) == (0, 0)
    assert str(GROUP) not in heard.written
