"""Conversation state: loaded in one round trip, saved by compare-and-set."""

import asyncio
from datetime import date
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from api.chats.models import Chat
from api.chats.schemas import ChatState, Facts
from api.chats.service import KEPT_UPDATES, MAX_DIALOG_BYTES
from api.db import Database
from tests.api.calls import call
from tests.factories import Factory

CHAT = 700100200
PATH = f"/v1/chats/{CHAT}"
DRAFT = {"id": "draft-0001", "name": "complaint.text", "data": {"text": "房子漏水了", "photos": [1, 2]}}


def state(version: int, *, locale: str | None = None, linked: bool = False, dialog: Any = None) -> dict[str, Any]:
    return {
        "chat_id": CHAT,
        "locale": locale,
        "linked": linked,
        "lapse": None,
        "dialog": dialog,
        "version": version,
        "gone": False,
        "staff": False,
        "taken": [],
    }


async def test_a_chat_that_never_wrote(api: aiohttp.ClientSession) -> None:
    assert await call(api, "GET", PATH) == state(0)


async def test_linked_before_anything_was_saved(api: aiohttp.ClientSession, factory: Factory) -> None:
    link = await factory.link(CHAT, await factory.agreement())
    assert await call(api, "GET", PATH) == state(0, linked=True)
    saved = await call(api, "PUT", PATH, json={"version": 0, "locale": None, "dialog": None})
    assert saved == state(1, linked=True)
    await call(api, "DELETE", f"{PATH}/links/{link.id}", 204)
    assert await call(api, "GET", PATH) == state(1)


async def test_what_is_saved_is_loaded(api: aiohttp.ClientSession) -> None:
    saved = await call(api, "PUT", PATH, json={"version": 0, "locale": "zh_CN", "dialog": DRAFT})
    assert saved == await call(api, "GET", PATH) == state(1, locale="zh_CN", dialog=DRAFT)
    ChatState.model_validate(saved)
    saved = await call(api, "PUT", PATH, json={"version": 1, "locale": "en", "dialog": None})
    assert saved == await call(api, "GET", PATH) == state(2, locale="en")


async def test_an_older_turn_does_not_overwrite(api: aiohttp.ClientSession) -> None:
    await call(api, "PUT", PATH, json={"version": 0, "locale": "en", "dialog": DRAFT})
    for version in (0, 2, 7):
        error = await call(api, "PUT", PATH, 409, json={"version": version, "locale": "zh_CN", "dialog": None})
        assert error["code"] == "version_conflict"
    assert await call(api, "GET", PATH) == state(1, locale="en", dialog=DRAFT)


async def test_only_version_0_starts_a_chat(api: aiohttp.ClientSession) -> None:
    await call(api, "PUT", PATH, 409, json={"version": 1, "locale": "en", "dialog": None})
    assert await call(api, "GET", PATH) == state(0)


async def test_of_simultaneous_turns_one_is_saved(api: aiohttp.ClientSession) -> None:
    async def status(version: int, number: int) -> int:
        save = {"version": version, "locale": "en", "dialog": DRAFT | {"data": {"number": number}}}
        async with api.put(PATH, json=save) as response:
            return response.status

    for version in range(3):
        answers = await asyncio.gather(*(status(version, number) for number in range(6)))
        assert sorted(answers) == [200] + [409] * 5
    assert (await call(api, "GET", PATH))["version"] == 3


async def test_which_updates_were_saved_is_remembered_for_a_while(api: aiohttp.ClientSession) -> None:
    async def save(version: int, **more: int) -> list[int]:
        saved = await call(api, "PUT", PATH, json={"version": version, "locale": "en", "dialog": None} | more)
        assert saved == await call(api, "GET", PATH)
        taken: list[int] = saved["taken"]
        return taken

    assert await save(0, update_id=70) == [70]
    assert await save(1, update_id=72) == [72, 70]
    assert await save(2) == [72, 70], "a bot of the version before tells no number"
    for place in range(KEPT_UPDATES):
        taken = await save(3 + place, update_id=100 + place)
    assert taken == [100 + place for place in reversed(range(KEPT_UPDATES))]
    await call(api, "PUT", PATH, 409, json={"version": 1, "locale": "en", "dialog": None, "update_id": 999})
    assert (await call(api, "GET", PATH))["taken"] == taken


async def test_a_draft_is_sealed(api: aiohttp.ClientSession, database: Database) -> None:
    await call(api, "PUT", PATH, json={"version": 0, "locale": "en", "dialog": DRAFT})
    async with database.reading() as reader:
        stored = (await reader.execute(select(Chat.dialog))).scalar_one()
    assert stored is not None
    assert "漏水".encode() not in stored
    assert b"complaint" not in stored


SAVES: list[tuple[dict[str, Any], bool]] = [
    ({"dialog": DRAFT | {"data": {"text": "字" * 3000, "more": "x" * 20_000}}}, True),
    ({"dialog": DRAFT | {"data": {"text": "x" * MAX_DIALOG_BYTES}}}, False),
    ({"dialog": DRAFT | {"data": {"text": "\ud800"}}}, False),
    ({"dialog": DRAFT | {"data": {"text": "\0"}}}, True),
    ({"dialog": DRAFT | {"id": "short"}}, False),
    ({"locale": "zh\0CN"}, False),
    ({"locale": "zh_Hant_TW"}, True),
    ({"locale": "a" * 21}, False),
    ({"version": -1}, False),
    ({"version": 2**63}, False),
    ({"update_id": 2**63 - 1}, True),
    ({"update_id": 2**63}, False),
    ({"update_id": -1}, False),
]


async def test_what_may_be_saved(api: aiohttp.ClientSession) -> None:
    for number, (save, fits) in enumerate(SAVES):
        whole = {"version": 0, "locale": None, "dialog": None} | save
        path = f"/v1/chats/{CHAT + number}"
        answer = await call(api, "PUT", path, 200 if fits else 422, json=whole)
        if fits:
            assert await call(api, "GET", path) == answer
            assert answer["dialog"] == whole["dialog"]
        else:
            assert answer["code"] == "invalid_input"
            assert "xxxx" not in str(answer)


async def test_only_private_chats(api: aiohttp.ClientSession) -> None:
    for chat_id in ("0", "-700100200", "x", str(2**63)):
        assert (await call(api, "GET", f"/v1/chats/{chat_id}", 422))["code"] == "invalid_input"


@pytest.mark.parametrize("facts", list(Facts))
async def test_the_state_together_with_facts_is_both_of_them(
    api: aiohttp.ClientSession, factory: Factory, facts: Facts
) -> None:
    assert await call(api, "GET", f"{PATH}/with-{facts}") == state(0) | {facts: []}
    building = await factory.building()
    family = await factory.agreement(units=[await factory.unit(building)])
    await factory.forecast(building, date(2027, 6, 30))
    await factory.link(CHAT, family)
    await call(api, "PUT", PATH, json={"version": 0, "locale": "en", "dialog": DRAFT})
    known = await call(api, "GET", f"{PATH}/{facts}")
    assert known
    assert await call(api, "GET", f"{PATH}/with-{facts}") == await call(api, "GET", PATH) | {facts: known}
