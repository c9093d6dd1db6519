"""Runs background work (``api.jobs``). As many workers as one likes, in processes of their own or beside the API."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import structlog
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain import models
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.types import Channel
from sqlalchemy import func, update
from structlog.contextvars import bind_contextvars

from api.cases.store import AttachmentStore
from api.db import Database
from api.jobs import DELAYS, ENGINE, Job, JobState, LeaseLost, Task, Work, enqueue, revive
from api.settings import Settings
from api.tasks import TASKS
from api.worker_metrics import WorkerMetrics

BATCH = 4
AT_ONCE = 2 * BATCH
"""Jobs of one worker at the same time."""
RESTART_SECONDS = 2.0
STATEMENT_SECONDS = 900
"""Of a job: the audience of a million takes half a minute."""
_OPEN = (JobState.WAITING, JobState.RUNNING)

log = structlog.get_logger()


class JobFailed(Exception):
    """Stands for what a task raised: the engine keeps the message, and that may quote anything."""


@dataclass
class Worker:
    """One worker. ``heartbeat``: whose is older is taken for dead, and the jobs are another's. ``poll``: how soon a job
    is found that no ringing announced. ``revival``: between two looks for jobs that the engine has lost."""

    settings: Settings
    database_url: str
    tasks: Sequence[Task] = TASKS
    heartbeat: timedelta = timedelta(seconds=30)
    poll: timedelta = timedelta(seconds=2)
    revival: timedelta = timedelta(minutes=5)
    metrics: WorkerMetrics = field(default_factory=WorkerMetrics)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    ready: bool = False
    """Whether it can reach the database, as far as it knows."""

    def stop(self) -> None:
        """Begin nothing more; :meth:`run` ends when what has begun is done."""
        self.stopping.set()

    async def run(self) -> None:
        """Work until it is stopped. A database that is away is waited for."""
        self.metrics.watch(lambda: self.ready)
        self._database = Database(self.database_url, pool_size=AT_ONCE, statement_seconds=STATEMENT_SECONDS)
        self._vault = self.settings.vault()
        self._store = AttachmentStore(self.settings.attachments_url, self.settings.data_dir)
        try:
            while not self.stopping.is_set():
                try:
                    await self._work()
                except Exception as error:
                    # Also a connection on which nothing is heard any more (the engine's own health check).
                    log.warning("worker_interrupted", error=type(error).__name__)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.stopping.wait(), RESTART_SECONDS)
        finally:
            await self._database.close()

    async def _work(self) -> None:
        connection = await self._database.connect()
        beside: list[asyncio.Task[None]] = []
        try:
            await self._revive()
            queries = Queries(
                AsyncpgDriver(connection),
                QueryBuilderEnvironment(ENGINE),
                QueryQueueBuilder(ENGINE),
                QuerySchedulerBuilder(ENGINE),
            )
            engine = PgQueuer(queries.driver, Channel(ENGINE.channel), queries=queries)
            for task in self.tasks:
                engine.entrypoint(task.name, accepts_context=False, on_failure="hold")(self._runner(task))
                if task.cron is not None:
                    engine.schedule(task.name, task.cron, accepts_context=False)(self._scheduler(task))
            beside = [
                asyncio.create_task(self._hand_on(engine.shutdown)),
                asyncio.create_task(self._revive_now_and_then()),
            ]
            self.ready = True
            log.info("worker_started", tasks=len(self.tasks))
            await engine.run(
                dequeue_timeout=self.poll,
                batch_size=BATCH,
                max_concurrent_tasks=AT_ONCE,
                shutdown_on_listener_failure=True,
                heartbeat_timeout=self.heartbeat,
            )
        finally:
            self.ready = False
            for running in beside:
                running.cancel()
            connection.terminate()

    async def _revive(self) -> None:
        async with self._database.transaction() as session:
            if lost := await revive(session):
                log.warning("jobs_revived", jobs=len(lost))

    async def _revive_now_and_then(self) -> None:
        """A worker that was frozen, and wakes up when its job is another's, has the engine forget that job."""
        while True:
            await asyncio.sleep(self.revival.total_seconds())
            try:
                await self._revive()
            except Exception as error:
                log.warning("jobs_not_revived", error=type(error).__name__)

    async def _hand_on(self, shutdown: asyncio.Event) -> None:
        await self.stopping.wait()
        shutdown.set()

    def _scheduler(self, task: Task) -> Callable[[models.Schedule], Awaitable[None]]:
        async def due(_: models.Schedule) -> None:
            async with self._database.transaction() as session:
                await enqueue(session, task, dedupe_key=task.name)

        return due

    def _runner(self, task: Task) -> Callable[[models.Job], Awaitable[None]]:
        async def run(job: models.Job) -> None:
            try:
                job_id = int(job.payload or b"0")
                # Each job has an asyncio task of its own, and so what is bound there: it stands in whatever is logged.
                bind_contextvars(task=task.name, job=job_id)
                problem = await self._attempt(task, job_id)
            except Exception as error:
                # Not the task: what became of it could not be written down.
                problem = RetryRequested(delay=DELAYS[0], reason=type(error).__name__)
            if problem is not None:
                raise problem

        return run

    async def _attempt(self, task: Task, job_id: int) -> Exception | None:
        """Run a job once; what the engine is to be told where it is not done."""
        lease = uuid4()
        async with self._database.transaction() as session:
            its_own = update(Job).where(Job.id == job_id, Job.state.in_(_OPEN))
            begun = (
                await session.execute(
                    its_own.where(Job.attempts <= len(task.delays))
                    .values(state=JobState.RUNNING, attempts=Job.attempts + 1, lease_id=lease, started_at=func.now())
                    .returning(Job.arguments, Job.attempts)
                    .execution_options(synchronize_session=False)
                )
            ).one_or_none()
            if begun is None:
                # Done already, and only the engine had not heard. Or its last try took the worker with it.
                broken = its_own.values(state=JobState.HELD, lease_id=None, finished_at=func.now()).returning(Job.id)
                held = await session.scalar(broken.execution_options(synchronize_session=False))
        if begun is None:
            return None if held is None else self._hold(task, job_id, "broken off")
        work = Work(self._database, self._vault, self.settings, self._store, job_id, lease)
        started = time.perf_counter()
        error = await _run(task, work, begun.arguments)
        seconds = time.perf_counter() - started
        if error == LeaseLost.__name__:
            self.metrics.job(task.name, "lost", seconds)
            log.warning("job_lost", task=task.name, job=job_id)
            return None
        last = begun.attempts > len(task.delays)
        state = JobState.DONE if error is None else JobState.HELD if last else JobState.WAITING
        async with self._database.transaction() as session:
            finished_at = None if state is JobState.WAITING else func.now()
            await session.execute(
                update(Job)
                .where(Job.id == job_id, Job.lease_id == lease)
                .values(state=state, lease_id=None, error=error, finished_at=finished_at)
                .execution_options(synchronize_session=False)
            )
        self.metrics.job(task.name, "failed" if state is JobState.WAITING else state.value, seconds)
        if error is None:
            return None
        if last:
            return self._hold(task, job_id, error)
        log.warning("job_failed", task=task.name, job=job_id, attempt=begun.attempts, error=error)
        return RetryRequested(delay=task.delays[begun.attempts - 1], reason=error)

    def _hold(self, task: Task, job_id: int, error: str) -> JobFailed:
        log.error("job_held", task=task.name, job=job_id, error=error)
        return JobFailed(error)


async def _run(task: Task, work: Work, arguments: dict[str, int | str]) -> str | None:
    """Type and place of what went wrong; its message may quote people's data."""
    try:
        await task.run(work, **arguments)
    except LeaseLost:
        return LeaseLost.__name__
    except Exception as error:
        place = error.__traceback__
        while place and place.tb_next:
            place = place.tb_next
        at = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
        return f"{type(error).__name__} at {at}"
    return None


@asynccontextmanager
async def working(settings: Settings, database_url: str, metrics: WorkerMetrics | None = None) -> AsyncIterator[Worker]:
    """A worker beside whatever else the process does, for as long as the block runs; then it finishes what it began.

    ``metrics``: where it counts, if not by itself."""
    worker = Worker(settings, database_url, metrics=metrics or WorkerMetrics())
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await asyncio.wait([running])
