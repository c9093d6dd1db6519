"""Asking the office, where what is on file lets nobody in."""

import asyncio
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from api.db import Database
from api.identity.models import Consent
from api.identity.schemas import (
    CONSENT_VERSION,
    MAX_REQUEST_CHARACTERS,
    AccessRequestKind,
    AccessRequestMade,
    AccessRequestsMade,
    ConsentKind,
)
from api.privacy import Vault
from tests.api.calls import call
from tests.factories import Factory

CHAT, OTHER = 700100200, 700100201
WORDS = "AZ-2020-001，我是赵测一的儿子，电话 19900001234"


async def ask(
    api: aiohttp.ClientSession, key: str = "dialog-0001", status: int = 201, *, chat_id: int = CHAT, **changed: Any
) -> Any:
    body = {"kind": "holder_died", "text": WORDS} | changed
    headers = {"Idempotency-Key": key}
    return await call(api, "POST", f"/v1/chats/{chat_id}/access-requests", status, json=body, headers=headers)


async def agree(factory: Factory, *chat_ids: int, version: str = CONSENT_VERSION) -> None:
    for chat_id in chat_ids or (CHAT,):
        await factory.add(Consent(chat_id=chat_id, kind=ConsentKind.NOTICE, version=version))


async def own(api: aiohttp.ClientSession, chat_id: int = CHAT) -> list[AccessRequestMade]:
    made = AccessRequestsMade.model_validate(await call(api, "GET", f"/v1/chats/{chat_id}/access-requests"))
    return made.requests


@pytest.mark.parametrize("kind", list(AccessRequestKind))
async def test_it_is_kept_sealed_and_shown_to_its_chat_alone(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault, kind: AccessRequestKind
) -> None:
    await agree(factory)
    made = AccessRequestMade.model_validate(await ask(api, kind=kind, text=f"  {WORDS}\0 "))
    assert await own(api) == [made]
    assert (made.kind, made.state, made.handled_at) == (kind, "open", None)
    assert await own(api, OTHER) == []
    async with database.reading() as reader:
        row = (await reader.execute(text("SELECT text, access_requests::text AS whole FROM access_requests"))).one()
        event = (await reader.execute(text("SELECT actor_id, action, object_id FROM audit_events"))).one()
    assert vault.open("access_request.text", row.text) == WORDS
    assert "AZ-2020" not in row.whole
    assert tuple(event) == (CHAT, "access_request.made", made.id)


async def test_without_consent_nothing_is_kept(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    await agree(factory, version="older words")
    error = await ask(api, status=403)
    assert (error["code"], error["details"]) == ("consent_needed", {"kinds": ["notice"]})
    async with database.reading() as reader:
        assert (await reader.execute(text("SELECT count(*) FROM access_requests"))).scalar_one() == 0


async def test_the_same_key_is_the_same_request(api: aiohttp.ClientSession, factory: Factory) -> None:
    await agree(factory, CHAT, OTHER)
    made = await ask(api)
    assert await ask(api, status=200, text="something else") == made
    assert await ask(api, chat_id=OTHER) != made
    assert len(await own(api)) == 1


async def test_three_may_wait_for_an_answer_also_of_those_at_once(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    await agree(factory)
    await call(api, "PUT", f"/v1/chats/{CHAT}", json={"version": 0, "locale": "en", "dialog": None})

    async def status(number: int) -> int:
        headers = {"Idempotency-Key": f"dialog-{number:04}"}
        body = {"kind": "other", "text": "x"}
        async with api.post(f"/v1/chats/{CHAT}/access-requests", json=body, headers=headers) as response:
            return response.status

    assert sorted(await asyncio.gather(*(status(number) for number in range(6)))) == [201] * 3 + [409] * 3
    error = await ask(api, "dialog-more", 409)
    assert (error["code"], error["details"]) == ("too_many", {"max": 3})
    async with database.transaction() as session:
        await session.execute(text("UPDATE access_requests SET state = 'declined', handled_at = now()"))
    await ask(api, "dialog-more")
    assert [request.state for request in await own(api)] == ["open", "declined", "declined", "declined"]


@pytest.mark.parametrize("wrong", [{"text": " \0 "}, {"text": "x" * (MAX_REQUEST_CHARACTERS + 1)}, {"kind": "rich"}])
async def test_what_is_no_request(api: aiohttp.ClientSession, factory: Factory, wrong: dict[str, Any]) -> None:
    await agree(factory)
    error = await ask(api, status=422, **wrong)
    assert error["code"] == "invalid_input"
    assert "xxx" not in str(error)
