"""The outbox as a courier and as a database sees it: what tests of messages share."""

import asyncio
import time
from typing import Any

import aiohttp
from sqlalchemy import select, text
from starlette.types import ASGIApp, Receive, Scope, Send

from api.messages.models import Delivery
from api.messages.schemas import AccessDeclined
from api.messages.service import PAYLOAD, enqueue_notice
from tests.api.calls import call
from tests.conftest import SERVICE_TOKEN
from tests.factories import Factory
from tests.serving import serving

CHAT = 700100200


def notice(words: str = "…") -> AccessDeclined:
    """One that goes to any chat, whatever it is linked to."""
    return AccessDeclined(reason=words)


async def put(factory: Factory, *chat_ids: int, words: str = "…", dedupe_key: str | None = None) -> None:
    async with factory.database.transaction() as session:
        await enqueue_notice(session, factory.vault, chat_ids, notice(words), dedupe_key=dedupe_key)


async def put_many(factory: Factory, count: int, *, priority: int = 0, first_chat: int = CHAT) -> None:
    """One message to each of so many chats. Less urgent ones (``priority`` above 0) are what broadcasts will be."""
    payload = factory.vault.seal_json(PAYLOAD, notice().model_dump(mode="json"))
    async with factory.database.transaction() as session:
        session.add_all(
            Delivery(chat_id=first_chat + n, kind=notice().kind, payload=payload, priority=priority)
            for n in range(count)
        )


async def change(factory: Factory, what: str, where: str = "TRUE") -> None:
    """Time passes, or something breaks."""
    async with factory.database.transaction() as session:
        await session.execute(text(f"UPDATE deliveries SET {what} WHERE {where}"))


async def lapse(factory: Factory) -> None:
    """Every lease runs out."""
    await change(factory, "lease_until = now() - interval '1 second'", "lease_until IS NOT NULL")


async def rows(factory: Factory) -> list[Delivery]:
    async with factory.database.transaction() as session:
        return list((await session.execute(select(Delivery).order_by(Delivery.id))).scalars())


async def claim(
    api: aiohttp.ClientSession, limit: int = 10, *, wait: float = 0, lease: int = 60
) -> list[dict[str, Any]]:
    asked = {"limit": limit, "wait_seconds": wait, "lease_seconds": lease}
    answer = await call(api, "POST", "/v1/messages/claim", json=asked)
    messages: list[dict[str, Any]] = answer["messages"]
    return messages


async def tell(
    api: aiohttp.ClientSession, messages: list[dict[str, Any]], outcome: str, *, halt: float | None = None, **more: Any
) -> int:
    """Report the same of all; how many counted."""
    results = [{"id": one["id"], "lease": one["lease"], "outcome": outcome, **more} for one in messages]
    told = {"results": results, "halt_seconds": halt}
    counted: int = (await call(api, "POST", "/v1/messages/report", json=told))["counted"]
    return counted


async def ends_while_a_claim_waits(app: ASGIApp) -> None:
    """The API ends, and has a minute to wait for what it was asked; a claim that waits is answered at once.

    Raises:
        AssertionError: it was waited for, or not answered.
    """
    asked = asyncio.Event()

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            asked.set()
        await app(scope, receive, send)

    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {SERVICE_TOKEN}"}) as client:
        async with serving(watched, grace=60) as url:
            waiting = asyncio.create_task(client.post(f"{url}/v1/messages/claim", json={"wait_seconds": 25}))
            await asked.wait()
            await asyncio.sleep(0.3)  # it has looked by now
            began = time.monotonic()
        assert time.monotonic() - began < 12
        async with await waiting as response:
            assert (response.status, (await response.json())["messages"]) == (200, [])
