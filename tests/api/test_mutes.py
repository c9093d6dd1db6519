"""GET and PUT /v1/chats/{chat_id}/mutes: of which topics a chat does not want to be told."""

import asyncio

import aiohttp
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from api.audit.models import AuditEvent
from api.broadcasts.models import Mute
from api.broadcasts.schemas import Mutes, Topic
from api.db import Database
from tests.api.calls import call
from tests.factories import Factory

CHAT, NEIGHBOUR = 700_100_211, 700_100_212
PATH = f"/v1/chats/{CHAT}/mutes"


async def muted(api: aiohttp.ClientSession, chat_id: int = CHAT) -> list[Topic]:
    return Mutes.model_validate(await call(api, "GET", f"/v1/chats/{chat_id}/mutes")).topics


async def mute(api: aiohttp.ClientSession, *topics: Topic) -> None:
    await call(api, "PUT", PATH, 204, json={"topics": topics})


async def changes(database: Database) -> int:
    async with database.reading() as reader:
        found = await reader.execute(select(AuditEvent.actor_id).where(AuditEvent.action == "mutes.changed"))
    return found.scalars().all().count(CHAT)


async def test_the_last_word_counts(api: aiohttp.ClientSession, database: Database) -> None:
    assert await muted(api) == []
    await mute(api, Topic.PAYMENTS, Topic.NEWS, Topic.NEWS)
    assert await muted(api) == [Topic.NEWS, Topic.PAYMENTS]
    await mute(api, Topic.PAYMENTS, Topic.NEWS)
    assert await changes(database) == 1
    await mute(api, Topic.HANDOVER, Topic.PAYMENTS)
    assert await muted(api) == [Topic.HANDOVER, Topic.PAYMENTS]
    assert await muted(api, NEIGHBOUR) == []
    await mute(api)
    assert await muted(api) == []
    assert await changes(database) == 3


async def test_legal_notices_cannot_be_muted(api: aiohttp.ClientSession, database: Database) -> None:
    refused = await call(api, "PUT", PATH, 422, json={"topics": ["news", "legal"]})
    assert refused["code"] == "invalid_input"
    [field] = refused["details"]["fields"]
    assert field["at"] == ["body", "topics"]
    assert "legal notices are told in any case" in field["expected"]
    assert await muted(api) == []
    assert await changes(database) == 0


async def test_nor_does_the_database_take_it(factory: Factory) -> None:
    with pytest.raises(IntegrityError, match="not_legal"):
        await factory.add(Mute(chat_id=CHAT, topic=Topic.LEGAL))


async def test_what_is_no_topic_is_refused(api: aiohttp.ClientSession) -> None:
    for wrong in ({"topics": ["everything"]}, {"topics": "news"}, {}, {"topics": ["news"] * 7}):
        assert (await call(api, "PUT", PATH, 422, json=wrong))["code"] == "invalid_input"


async def test_the_same_wish_from_two_taps_at_once(api: aiohttp.ClientSession, database: Database) -> None:
    await asyncio.gather(*(mute(api, Topic.NEWS, Topic.PROGRESS) for _ in range(8)))
    assert await muted(api) == [Topic.NEWS, Topic.PROGRESS]
    async with database.reading() as reader:
        assert len((await reader.execute(select(Mute.chat_id))).all()) == 2
