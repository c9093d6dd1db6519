"""Background work: enqueued with its cause, done once by any of several workers, held when it keeps failing."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import aiohttp
import pytest
from sqlalchemy import func, select, text, update

import api as whole_api
from api.db import Database
from api.jobs import Job, JobState, LeaseLost, Task, Work, enqueue, revive, task
from api.settings import Settings
from api.tasks import TASKS
from api.worker import Worker
from bot.cli import COMMANDS
from bot.serving import listening
from tests import job_process
from tests.job_process import NOTE, note, noted, nothing_noted, tell

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
SOON = timedelta(milliseconds=10)


async def jobs(database: Database) -> list[Any]:
    async with database.reading() as reader:
        return list((await reader.execute(select(*Job.__table__.columns).order_by(Job.id))).all())


async def until(database: Database, state: JobState, count: int = 1) -> list[Any]:
    """All jobs, once so many are in this state."""
    async with asyncio.timeout(60):
        while True:
            found = await jobs(database)
            if sum(job.state is state for job in found) >= count:
                return found
            await asyncio.sleep(0.02)


@asynccontextmanager
async def working(settings: Settings, url: str, *tasks: Task, workers: int = 1) -> AsyncIterator[Sequence[Worker]]:
    started = [
        Worker(settings, url, tasks, heartbeat=timedelta(seconds=10), poll=timedelta(milliseconds=100))
        for _ in range(workers)
    ]
    running = [asyncio.create_task(worker.run()) for worker in started]
    try:
        yield started
    finally:
        for worker in started:
            worker.stop()
        await asyncio.wait_for(asyncio.gather(*running), 60)


# --- enqueuing ---


async def test_what_is_enqueued_is_there_when_its_cause_is_and_not_before(database: Database) -> None:
    """Also as the very first statement of a transaction: through a raw connection it would outlive the rollback."""

    async def in_engine() -> int:
        async with database.reading() as reader:
            return int((await reader.execute(text("SELECT count(*) FROM pgqueuer.pgqueuer"))).scalar_one())

    async def enqueue_and_fail() -> None:
        async with database.transaction() as session:
            assert await enqueue(session, NOTE, number=1) is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await enqueue_and_fail()
    assert (await jobs(database), await in_engine()) == ([], 0)
    async with database.transaction() as session:
        await enqueue(session, NOTE, number=1)
        assert (await jobs(database), await in_engine()) == ([], 0)
    assert (len(await jobs(database)), await in_engine()) == (1, 1)


async def test_one_job_for_a_key_while_it_is_open(settings: Settings, database: Database, database_url: str) -> None:
    """A second one is none, and breaks nothing else of the transaction."""
    await nothing_noted(database)
    for number in (1, 2):
        async with database.transaction() as session:
            made = await enqueue(session, NOTE, dedupe_key="only one", number=number)
            await enqueue(session, NOTE, number=10 * number)
        assert (made is not None) == (number == 1)
    async with working(settings, database_url, NOTE):
        await until(database, JobState.DONE, 3)
    assert sorted(await noted(database)) == [1, 10, 20]
    async with database.transaction() as session:
        assert await enqueue(session, NOTE, dedupe_key="only one", number=3) is not None


# --- running ---


async def test_each_job_runs_once_however_many_workers_there_are(
    settings: Settings, database: Database, database_url: str
) -> None:
    await nothing_noted(database)
    async with database.transaction() as session:
        for number in range(60):
            await enqueue(session, NOTE, number=number)
    async with working(settings, database_url, NOTE, workers=3):
        found = await until(database, JobState.DONE, 60)
    assert sorted(await noted(database)) == list(range(60))
    assert {job.attempts for job in found} == {1}


async def test_a_schedule_fires_once_across_workers_and_not_while_the_last_one_is_open(
    settings: Settings, database: Database, database_url: str
) -> None:
    """Every second, with work that takes longer than a second: one after the other, never two."""
    at_work = most_at_work = ran = 0

    async def slowly(work: Work) -> None:
        nonlocal at_work, most_at_work, ran
        at_work += 1
        most_at_work = max(most_at_work, at_work)
        await asyncio.sleep(1.4)
        at_work -= 1
        ran += 1

    every_second = task("test.every_second", cron="* * * * * *")(slowly)
    async with working(settings, database_url, every_second, workers=3):
        found = await until(database, JobState.DONE, 2)
    assert most_at_work == 1
    assert ran >= 2
    assert all(job.attempts == 1 for job in found)
    seconds = [job.created_at.replace(microsecond=0) for job in await jobs(database)]
    assert len(seconds) == len(set(seconds))


async def test_what_fails_is_tried_again_and_then_held(
    settings: Settings, database: Database, database_url: str
) -> None:
    tries = 0

    async def fail(work: Work) -> None:
        nonlocal tries
        tries += 1
        raise ValueError("张三 13800000000")

    failing = task("test.failing", delays=[SOON, SOON])(fail)
    async with database.transaction() as session:
        await enqueue(session, failing)
    async with working(settings, database_url, failing):
        [job] = await until(database, JobState.HELD)
    assert tries == job.attempts == 3
    # What went wrong is on record, where, and nothing that it quoted: neither with us nor in the engine's own log.
    assert re.fullmatch(r"ValueError at \S+test_jobs\.py:\d+", job.error)
    async with database.reading() as reader:
        [status] = (await reader.execute(text("SELECT status::text FROM pgqueuer.pgqueuer"))).scalars().all()
        told = (await reader.execute(text("SELECT traceback::text FROM pgqueuer.pgqueuer_log"))).scalars().all()
    assert status == "failed"
    assert any(told)
    assert "13800000000" not in str(told)
    assert "张三" not in str(told).encode().decode("unicode_escape")


async def test_what_works_at_the_second_try_is_done(settings: Settings, database: Database, database_url: str) -> None:
    tries = 0

    async def stumble(work: Work) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ConnectionResetError

    stumbling = task("test.stumbling", delays=[SOON])(stumble)
    async with database.transaction() as session:
        await enqueue(session, stumbling)
    async with working(settings, database_url, stumbling):
        [job] = await until(database, JobState.DONE)
    assert (tries, job.attempts, job.error) == (2, 2, None)


async def test_a_worker_that_lost_its_job_changes_nothing(
    settings: Settings, database: Database, database_url: str
) -> None:
    """As one that was frozen, taken for dead, and wakes up while another does the job."""
    await nothing_noted(database)
    refused = False

    async def sleep_too_long(work: Work) -> None:
        nonlocal refused
        async with work.database.transaction() as session:
            await session.execute(update(Job).values(lease_id=func.gen_random_uuid()))
        try:
            await note(work, number=1)
        except LeaseLost:
            refused = True
            raise

    sleepy = task("test.sleepy")(sleep_too_long)
    async with database.transaction() as session:
        await enqueue(session, sleepy)
    async with working(settings, database_url, sleepy):
        async with asyncio.timeout(60):
            while not refused:
                await asyncio.sleep(0.02)
    assert await noted(database) == []
    [job] = await jobs(database)
    assert job.state is JobState.RUNNING


async def test_a_job_that_the_engine_lost_is_told_again(
    settings: Settings, database: Database, database_url: str
) -> None:
    await nothing_noted(database)
    async with database.transaction() as session:
        await enqueue(session, NOTE, number=1)
        await enqueue(session, NOTE, number=2)
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM pgqueuer.pgqueuer WHERE dedupe_key LIKE 'job %' AND id % 2 = 0"))
    async with database.transaction() as session:
        assert len(await revive(session)) == 1
    async with database.transaction() as session:
        assert await revive(session) == []
        await session.execute(text("DELETE FROM pgqueuer.pgqueuer"))
    async with working(settings, database_url, NOTE):
        await until(database, JobState.DONE, 2)
    assert sorted(await noted(database)) == [1, 2]


async def test_the_database_may_go_away_and_come_back(
    settings: Settings, database: Database, database_url: str
) -> None:
    await nothing_noted(database)
    async with working(settings, database_url, NOTE) as [worker]:
        async with asyncio.timeout(60):
            while not worker.ready:
                await asyncio.sleep(0.02)
        async with database.transaction() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        async with database.transaction() as session:
            await enqueue(session, NOTE, number=7)
        await until(database, JobState.DONE)
    assert await noted(database) == [7]


# --- processes ---


def environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "SHANGLOU_SERVICE_TOKEN": settings.service_token.get_secret_value(),
        "SHANGLOU_ENCRYPTION_KEYS": settings.encryption_keys.get_secret_value(),
        "SHANGLOU_INDEX_KEY": settings.index_key.get_secret_value(),
        "SHANGLOU_DATA_DIR": str(settings.data_dir),
    }


@asynccontextmanager
async def process(settings: Settings, url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker of its own (``tests.job_process``), once it works."""
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        job_process.__name__,
        url,
        env=environment(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert started.stdout is not None
    try:
        assert await asyncio.wait_for(started.stdout.readline(), 60) == b"ready\n"
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


@pytest.mark.long
async def test_a_killed_workers_job_is_anothers(settings: Settings, database: Database, database_url: str) -> None:
    await nothing_noted(database)
    async with process(settings, database_url) as first:
        async with database.transaction() as session:
            await enqueue(session, job_process.LONG, seconds=60)
        await until(database, JobState.RUNNING)
        first.send_signal(signal.SIGKILL)
        await first.wait()
    assert await noted(database) == []
    async with database.transaction() as session:
        # The second time it does not take so long.
        await session.execute(update(Job).values(arguments={"seconds": 0}))
    async with process(settings, database_url):
        [job] = await until(database, JobState.DONE)
    assert job.attempts == 2
    assert await noted(database) == [0]


@pytest.mark.long
async def test_a_job_that_kills_its_worker_is_held_in_the_end(
    settings: Settings, database: Database, database_url: str
) -> None:
    """The engine would hand it on for ever."""
    async with database.transaction() as session:
        await enqueue(session, job_process.DEADLY)
    for _ in range(2):
        async with process(settings, database_url) as worker:
            await asyncio.wait_for(worker.wait(), 60)
    async with process(settings, database_url):
        [job] = await until(database, JobState.HELD)
    assert job.attempts == 2


async def test_sigterm_finishes_what_was_begun_and_begins_nothing_more(
    settings: Settings, database: Database, database_url: str
) -> None:
    await nothing_noted(database)
    async with process(settings, database_url) as worker:
        async with database.transaction() as session:
            await enqueue(session, job_process.LONG, seconds=3)
        await until(database, JobState.RUNNING)
        worker.send_signal(signal.SIGTERM)
        assert worker.stdout is not None
        assert await asyncio.wait_for(worker.stdout.readline(), 60) == b"ending\n"
        async with database.transaction() as session:
            await enqueue(session, NOTE, number=99)
        assert await asyncio.wait_for(worker.wait(), 60) == 0
    assert await noted(database) == [3]
    assert [job.state for job in await jobs(database)] == [JobState.DONE, JobState.WAITING]


@pytest.mark.long
async def test_two_processes_share_the_work_and_do_nothing_twice(
    settings: Settings, database: Database, database_url: str
) -> None:
    await nothing_noted(database)
    async with process(settings, database_url), process(settings, database_url):
        async with database.transaction() as session:
            for number in range(100):
                await enqueue(session, NOTE, number=number)
            # Nothing of it is lost among them.
            await enqueue(session, tell, number=500)
        await until(database, JobState.DONE, 101)
    assert sorted(await noted(database)) == [*range(100), 500]


async def test_the_command_tells_that_it_is_well_and_ends_when_asked(settings: Settings, database_url: str) -> None:
    with listening("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    more = {"SHANGLOU_DATABASE_URL": database_url, "SHANGLOU_HEALTH_PORT": str(port)}
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "worker", env=environment(settings) | more, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as client:
            status = 0
            while status != 200:
                with suppress(aiohttp.ClientConnectionError):
                    async with client.get(f"http://127.0.0.1:{port}/healthz") as response:
                        status = response.status
                await asyncio.sleep(0.1)
        started.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(started.wait(), 60) == 0
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


# --- every job has a consumer ---


def test_every_task_is_listed_and_told() -> None:
    """A task that is defined somewhere in the API and not listed would be enqueued and never done."""
    defined = set()
    for module in walk_packages(whole_api.__path__, "api."):
        if "migrations" not in module.name:
            defined |= {value.name for value in vars(import_module(module.name)).values() if isinstance(value, Task)}
    listed = [task.name for task in TASKS]
    assert sorted(listed) == sorted(defined)
    assert set(listed) <= set(re.findall(r"^\| `([\w.]+)` \|", OPERATIONS, re.MULTILINE))
    assert "worker" in COMMANDS


async def test_what_the_engine_loses_meanwhile_is_found_too(
    settings: Settings, database: Database, database_url: str
) -> None:
    """A worker that woke up when its job was another's had the engine forget it."""
    await nothing_noted(database)
    worker = Worker(settings, database_url, [NOTE], poll=timedelta(seconds=0.1), revival=timedelta(seconds=0.3))
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(60):
            while not worker.ready:
                await asyncio.sleep(0.02)
        async with database.transaction() as session:
            await enqueue(session, NOTE, number=1)
            await session.execute(text("DELETE FROM pgqueuer.pgqueuer WHERE dedupe_key LIKE 'job %'"))
        await until(database, JobState.DONE)
    finally:
        worker.stop()
        await running
    assert await noted(database) == [1]
