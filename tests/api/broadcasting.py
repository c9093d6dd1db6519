"""Broadcasts as the database has them, for tests of sending: written by hand, where composing and approving are not
the subject."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text as sql
from sqlalchemy import update

from api.broadcasts.models import Broadcast
from api.broadcasts.progress import PROGRESS, progress_of
from api.broadcasts.schemas import BroadcastState, Everybody, Progress
from api.broadcasts.sending import settle, start
from api.settings import Settings
from api.tasks import TASKS
from api.worker import Worker
from tests.api.outbox import CHAT
from tests.factories import Factory

ALL_DONE = "count(*) = 0 FROM jobs WHERE state IN ('waiting', 'running')"


async def work(settings: Settings, database_url: str, factory: Factory, *, until: str) -> None:
    """Workers do what is to be done, until this holds."""
    worker = Worker(settings, database_url, TASKS, poll=timedelta(seconds=0.1))
    task = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(60), factory.database.reading() as reader:
            while not (await reader.execute(sql(f"SELECT {until}"))).scalar_one():
                await asyncio.sleep(0.05)
    finally:
        worker.stop()
        await task


async def a_broadcast(factory: Factory, text: str = "停水通知", **values: Any) -> Broadcast:
    """Approved, to everybody, in one language."""
    values = {
        "audience": Everybody().model_dump(),
        "bodies": {"zh_CN": {"text": text, "buttons": []}},
        "fallback": "zh_CN",
        "state": BroadcastState.APPROVED,
        "approved_revision": 1,
    } | values
    return await factory.add(Broadcast(**values))


async def families(factory: Factory, count: int, *, first_chat: int = CHAT) -> list[int]:
    """So many chats, each linked to an agreement of its own; the agreements' ids."""
    ids = []
    for number in range(count):
        agreement = await factory.agreement()
        await factory.link(first_chat + number, agreement)
        ids.append(agreement.id)
    return ids


async def begin(factory: Factory, broadcast: Broadcast, *, now: datetime | None = None) -> int | None:
    """What the job does when its time has come; how many messages there are."""
    now = now or datetime.now(UTC)
    async with factory.database.transaction() as session:
        return await start(session, broadcast.id, now.date(), now)


async def under_way(factory: Factory, count: int = 3, text: str = "停水通知", **values: Any) -> Broadcast:
    """One to so many families, all of whose messages wait."""
    await families(factory, count)
    broadcast = await a_broadcast(factory, text, **values)
    assert await begin(factory, broadcast) == count
    return broadcast


async def put_state(factory: Factory, broadcast: Broadcast, state: BroadcastState) -> None:
    """Paused, resumed, cancelled: for couriers it is the state alone that counts."""
    async with factory.database.transaction() as session:
        await session.execute(
            update(Broadcast)
            .where(Broadcast.id == broadcast.id)
            .values(state=state, version=Broadcast.version + 1)
            .execution_options(synchronize_session=False)
        )


async def settle_all(factory: Factory, broadcast: Broadcast) -> int:
    async with factory.database.transaction() as session:
        return await settle(session, broadcast.id)


async def now_of(factory: Factory, broadcast: Broadcast) -> Broadcast:
    async with factory.database.transaction() as session:
        return await session.get_one(Broadcast, broadcast.id)


async def progress(factory: Factory, broadcast: Broadcast) -> Progress:
    async with factory.database.transaction() as session:
        [row] = await PROGRESS.in_transaction(session, broadcast_id=broadcast.id)
    return progress_of(row)
