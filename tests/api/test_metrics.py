"""What the API tells of what waits in the whole deployment, and what workers count; each cheaply."""

import re
from datetime import date

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from api.app import create_app
from api.audit.chain import chain_key
from api.audit.sealer import Sealer
from api.backlogs import OVERDUE, UNSEALED
from api.db import Database
from api.jobs import JobState, Work, enqueue, task
from api.lookups import LookUp
from api.messages.backlog import BACKLOG
from api.settings import Settings
from api.worker_metrics import WorkerMetrics
from tests.api.calls import call
from tests.api.desk import Desk
from tests.api.test_case_queue import set_due
from tests.api.test_jobs import SOON, until, working
from tests.days import office_day
from tests.factories import Factory

Samples = dict[tuple[str, ...], float]


async def read(api: aiohttp.ClientSession) -> dict[str, Samples]:
    """Samples by name, and by the values of their labels in the order of their names."""
    found: dict[str, Samples] = {}
    async with api.get("/metrics") as response:
        assert response.status == 200
        for family in text_string_to_metric_families(await response.text()):
            for sample in family.samples:
                labels = tuple(value for _, value in sorted(sample.labels.items()))
                found.setdefault(sample.name, {})[labels] = sample.value
    return found


async def test_jobs_that_wait_and_that_are_held(
    api: aiohttp.ClientSession, settings: Settings, database: Database, database_url: str
) -> None:
    async def fail(work: Work) -> None:
        raise ValueError

    failing = task("test.failing", delays=[SOON])(fail)
    async with database.transaction() as session:
        await enqueue(session, failing)
        await session.execute(text("UPDATE pgqueuer.pgqueuer SET execute_after = now() - interval '90 seconds'"))
    found = await read(api)
    assert [found[f"shanglou_jobs_{name}"][()] for name in ("waiting", "running", "held")] == [1, 0, 0]
    assert 90 <= found["shanglou_jobs_late_seconds"][()] < 150
    async with working(settings, database_url, failing) as [worker]:
        await until(database, JobState.HELD)
        assert worker.metrics.registry.get_sample_value("shanglou_worker_ready") == 1
    found = await read(api)
    assert [found[f"shanglou_jobs_{name}"][()] for name in ("waiting", "running", "held")] == [0, 0, 1]
    assert found["shanglou_jobs_late_seconds"][()] == 0
    for outcome in ("failed", "held"):
        labels = {"task": "test.failing", "outcome": outcome}
        assert worker.metrics.registry.get_sample_value("shanglou_job_seconds_count", labels) == 1
    assert worker.metrics.registry.get_sample_value("shanglou_worker_ready") == 0


def test_a_worker_beside_the_api_counts_on_its_page(settings: Settings) -> None:
    app = create_app(settings, "postgresql://nobody@127.0.0.1:1/none")
    WorkerMetrics(app.state.metrics.registry).job("retention", "done", 0.1)
    labels = {"task": "retention", "outcome": "done"}
    assert app.state.metrics.registry.get_sample_value("shanglou_job_seconds_count", labels) == 1


async def test_overdue_cases_by_department(desk: Desk, api: aiohttp.ClientSession, database: Database) -> None:
    assert "shanglou_cases_overdue" not in await read(api)
    late = [await desk.to("assigned") for _ in range(2)]
    nobodys = await desk.file()
    in_time = await desk.to("assigned")
    for number in (*late, nobodys):
        await set_due(database, number, date(2026, 1, 5))
    await set_due(database, in_time, date(2999, 1, 5))
    assert (await read(api))["shanglou_cases_overdue"] == {("住建局",): 2, ("",): 1}
    for number in (*late, nobodys):
        await set_due(database, number, date(2999, 1, 5))
    assert "shanglou_cases_overdue" not in await read(api)


async def test_what_is_recorded_and_not_sealed(
    api: aiohttp.ClientSession, factory: Factory, database: Database, settings: Settings
) -> None:
    await factory.link(700100200, await factory.agreement())
    for _ in range(3):
        await call(api, "GET", "/v1/chats/700100200/homes")
    connection = await database.connect()
    events = await connection.fetchval("SELECT count(*) FROM audit_events")
    # An API that runs seals within a second: what it has not yet is told, never more.
    assert 0 <= (await read(api))["shanglou_audit_unsealed"][()] <= events
    await Sealer(chain_key(settings.index_key.get_secret_value())).seal(connection)
    async with database.transaction() as session:
        for _ in range(2):
            await session.execute(
                text(
                    "INSERT INTO audit_events (actor_kind, action, object_kind) VALUES ('system', 'test.done', 'test')"
                )
            )
        unsealed = await UNSEALED.in_transaction(session)
    assert unsealed[0]["events"] == 2
    await connection.close()


async def test_requests_are_counted_by_route(api: aiohttp.ClientSession) -> None:
    await call(api, "GET", "/v1/chats/700100200/homes")
    await call(api, "GET", "/v1/chats/700100201/homes")
    found = await read(api)
    assert found["shanglou_request_seconds_count"][("GET", "/v1/chats/{chat_id}/homes", "2xx")] == 2
    assert found["shanglou_build_info"] != {}
    assert found["process_cpu_seconds_total"][()] > 0
    assert found["shanglou_database_up"][()] == 1


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (OVERDUE, r"ix_cases_open\w*"),
        (BACKLOG, "ix_deliveries_waiting"),
        (BACKLOG, "ix_deliveries_broadcast_waiting"),
        (UNSEALED, "uq_audit_seals_event_id"),
        (UNSEALED, "pk_audit_events"),
    ],
)
async def test_what_waits_is_found_by_an_index(database: Database, asked: LookUp, index: str) -> None:
    """Nothing of what is done is read: only what the planner could not do otherwise is by chance of small tables."""
    connection = await database.connect(enable_seqscan="off", enable_bitmapscan="off")
    values = [{"today": office_day()}[name] for name in asked.parameters]
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {asked.sql}", *values))
    await connection.close()
    assert re.search(rf"Index (?:Only )?Scan (?:Backward )?using {index}\b", plan), plan
