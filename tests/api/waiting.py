"""Something that the API is asked while a transaction of the test keeps locked what it needs."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from sqlalchemy import text

from api.db import Database

T = TypeVar("T")


async def started(database: Database, asked: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """It is on its way: answered already, or waiting for a lock."""
    task = asyncio.create_task(asked)
    waits = (
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
    )
    async with asyncio.timeout(60):
        while not task.done():
            async with database.reading() as reader:
                if (await reader.execute(text(waits))).scalar_one():
                    break
            await asyncio.sleep(0.02)
    return task
