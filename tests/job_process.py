"""A worker as a process of its own, with tasks for tests: ``python -m tests.job_process URL`` says ``ready``, works
until SIGTERM, and says ``ending``."""

import asyncio
import os
import signal
import sys
from datetime import timedelta

from sqlalchemy import text

from api.db import Database
from api.jobs import Work, task
from api.settings import load
from api.worker import Worker
from bot.logs import set_up_logs


async def nothing_noted(database: Database) -> None:
    """Where the tests' tasks leave their mark."""
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE noted (number bigint, at timestamptz DEFAULT clock_timestamp())"))


async def noted(database: Database) -> list[int]:
    async with database.reading() as reader:
        return list((await reader.execute(text("SELECT number FROM noted ORDER BY at"))).scalars())


async def note(work: Work, *, number: int) -> None:
    async with work.transaction() as session:
        await session.execute(text("INSERT INTO noted (number) VALUES (:number)"), {"number": number})


async def _take_long(work: Work, *, seconds: int) -> None:
    await asyncio.sleep(seconds)
    await note(work, number=seconds)


async def _die(work: Work) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


NOTE = task("test.note")(note)
tell = task("test.tell")(note)
LONG = task("test.long")(_take_long)
DEADLY = task("test.deadly", delays=[timedelta(0)])(_die)


async def main(url: str) -> None:
    set_up_logs()
    worker = Worker(
        load(),
        url,
        (NOTE, tell, LONG, DEADLY),
        heartbeat=timedelta(seconds=5),
        poll=timedelta(milliseconds=100),
    )

    def end() -> None:
        worker.stop()
        print("ending", flush=True)

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    running = asyncio.create_task(worker.run())
    while not worker.ready:
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    await running


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
