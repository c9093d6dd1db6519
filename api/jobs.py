"""Background work: what is done apart from any request, now or at its times (design §8, docs/decisions/0008).

How to add some
---------------
A task is an async function, in the ``service.py`` or a module of the domain whose work it is::

    @task("cases.warn", cron="*/10 * * * *")
    async def warn_of_last_days(work: Work) -> None:
        async with work.transaction() as session:
            …

and one line in ``api.tasks``, by which the workers know it, and one in docs/operations.md. A change enqueues work in
its own transaction, so that both are there or neither::

    await enqueue(session, send_report, case_id=case.id)

What to rely on, and what not:

- A job runs at least once: it may run again after a crash, or when its worker was given up for dead. So it must be
  repeatable. What it writes goes through ``work.transaction()``, which fails where the job is another worker's by now.
- It is tried ``len(delays) + 1`` times, then held: it stays in the table with what went wrong, until somebody acts.
- A task with a ``cron`` is enqueued at its times, once across all workers, and not while the last one is still open.
- The arguments stand in the table in clear: ids, never anything personal.
- What blocks (parsing, compressing) belongs in ``asyncio.to_thread``: a worker that cannot beat loses its jobs.
- Many small things are one job that sweeps over a table of our own, not a job each.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from pgqueuer.adapters.persistence.qb import QueryQueueBuilder
from pgqueuer.domain.settings import DBSettings
from sqlalchemy import Index, SmallInteger, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from api.cases.store import AttachmentStore
from api.db import Base, CreatedAt, Database, Id
from api.privacy import Vault
from api.settings import Settings

ENGINE = DBSettings(db_schema="pgqueuer")
"""The engine's own tables lie in a schema of their own (migration 0003)."""
DELAYS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""Before the second try, the third, …"""


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    HELD = "held"


_OPEN = text("state IN ('waiting', 'running')")
_QUEUE = ENGINE.qualified.queue_table
_ALIVE = "q.status IN ('queued', 'picked')"


class Job(Base):
    """A piece of work, beside the engine's own row, which only says that it is due. ``lease_id`` is of the worker whose
    it is; ``attempts`` counts also those that a crash broke off. ``error``: type and place of the last failure."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "dedupe_key", unique=True, postgresql_where=_OPEN),
        Index(None, "finished_at"),
    )

    id: Mapped[Id]
    task: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    dedupe_key: Mapped[str | None]
    state: Mapped[JobState] = mapped_column(server_default=JobState.WAITING.value)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    lease_id: Mapped[UUID | None]
    error: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(doc="done or held")


class LeaseLost(Exception):
    """The job is another worker's by now, or is done."""


@dataclass(frozen=True)
class Work:
    """What a task is given: the means, and the job that it works on."""

    database: Database
    vault: Vault
    settings: Settings
    store: AttachmentStore
    job_id: int
    lease_id: UUID

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction that counts only while the job is this worker's: one that was frozen, and wakes up when another
        has the job, changes nothing.

        Raises:
            LeaseLost
        """
        async with self.database.transaction() as session:
            held = select(Job.id).where(Job.id == self.job_id, Job.lease_id == self.lease_id).with_for_update(read=True)
            if await session.scalar(held) is None:
                raise LeaseLost
            yield session


Run = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class Task:
    """A kind of work. ``cron``: when it is enqueued by itself, in UTC. ``delays``: before each further try."""

    name: str
    run: Run
    cron: str | None
    delays: Sequence[timedelta]


def task(name: str, *, cron: str | None = None, delays: Sequence[timedelta] = DELAYS) -> Callable[[Run], Task]:
    """Makes a task of an async function of a :class:`Work` and of keyword arguments."""

    def make(run: Run) -> Task:
        return Task(name, run, cron, tuple(delays))

    return make


_ENQUEUE = QueryQueueBuilder(ENGINE).build_enqueue_query("skip")


async def enqueue(
    session: AsyncSession,
    task: Task,
    *,
    after: timedelta = timedelta(0),
    dedupe_key: str | None = None,
    **arguments: int | str,
) -> int | None:
    """Have it done, if the transaction commits.

    Args:
        after: not before so long.
        dedupe_key: while a job with this key is open, there is no second.

    Returns:
        The job's id; none where there is one already.
    """
    job_id = await session.scalar(
        insert(Job)
        .values(task=task.name, arguments=arguments, dedupe_key=dedupe_key)
        .on_conflict_do_nothing(index_elements=[Job.dedupe_key], index_where=_OPEN)
        .returning(Job.id)
    )
    if job_id is not None:
        await _tell_engine(session, task.name, job_id, after)
    return job_id


async def _tell_engine(session: AsyncSession, task_name: str, job_id: int, after: timedelta = timedelta(0)) -> None:
    # Through the session's own connection: on the raw one, before the session's first statement, it would stand
    # outside of the transaction and outlive a rollback.
    connection = await session.connection()
    values = ([0], [task_name], [str(job_id).encode()], [after], [f"job {job_id}"], [None])
    await connection.exec_driver_sql(_ENQUEUE, values)


async def revive(session: AsyncSession) -> list[int]:
    """Tell the engine again of open jobs that it has lost: it drops them where the database failed at the wrong moment.

    Returns:
        Which they are.
    """
    lost = await session.execute(
        select(Job.id, Job.task)
        .where(_OPEN, text(f"NOT EXISTS (SELECT FROM {_QUEUE} q WHERE q.dedupe_key = 'job ' || jobs.id AND {_ALIVE})"))
        .order_by(Job.id)
    )
    found = lost.all()
    for job in found:
        await _tell_engine(session, job.task, job.id)
    return [job.id for job in found]
