"""The desk's pages find their cases by an index: none reads through the cases, their events or clocks, nor through an
index of them."""

import asyncio
from datetime import date
from typing import Any
from urllib.parse import quote

import aiohttp
import asyncpg
import pytest
from sqlalchemy import event

from api.app import create_app
from api.audit.service import Actor
from api.cases.queue import Wanted, list_cases
from api.cases.schemas import CaseState, QueueView
from api.db import Database
from api.privacy import Vault
from api.settings import Settings
from tests.api.calls import call
from tests.bench.desk import PAGES
from tests.bench.many_cases import fill
from tests.conftest import SERVICE_TOKEN
from tests.serving import serving

CASES = 20_000
LARGE = ("cases", "case_events", "case_clocks", "attachments", "agreements", "units", "people")
TIMES = 8
"""From the sixth time on PostgreSQL may use one plan for all values."""
MAX_ENTRIES = 400
"""Of indexes, read for a page of ten: far below the thousand cases that are open."""
COUNTED = """
SELECT relname, seq_scan, (SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes i WHERE i.relid = t.relid)
FROM pg_stat_user_tables t WHERE relname = ANY($1)
"""


OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type IN ('client backend', 'parallel worker')
"""


async def reads(url: str) -> dict[str, tuple[int, int]]:
    """Of each large table: how often it was read through, and how many entries of its indexes were read. Connections
    tell as they end, so they are waited for."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(30):
            while await connection.fetchval(OTHERS):
                await asyncio.sleep(0.02)
        return {row[0]: (row[1], row[2]) for row in await connection.fetch(COUNTED, [*LARGE])}
    finally:
        await connection.close()


@pytest.fixture
async def filled(database_url: str, vault: Vault) -> str:
    await fill(database_url, vault, CASES)
    return database_url


async def test_no_page_costs_more_the_more_cases_there_are(filled: str, settings: Settings) -> None:
    """Counted by PostgreSQL itself over real requests, so whatever statements a page sends are among them."""
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    wrong: list[str] = []
    for page in PAGES:
        if not page.has_goal:
            continue
        before = await reads(filled)
        async with serving(create_app(settings, filled)) as url, aiohttp.ClientSession(url, headers=headers) as client:
            for nth in range(TIMES):
                found = await call(client, "GET", page.path(nth, CASES))
            # With a page after this one, if there is one.
            if cursor := found.get("next_cursor"):
                path = page.path(TIMES - 1, CASES)
                joint = "&" if "?" in path else "?"
                await call(client, "GET", f"{path}{joint}cursor={quote(cursor)}")
        after = await reads(filled)
        for table in LARGE:
            scans, entries = (now - then for now, then in zip(after[table], before[table], strict=True))
            if scans or entries > MAX_ENTRIES * TIMES:
                wrong.append(f"{page.name}: {table} read through {scans} times, {entries // TIMES} entries a page")
    assert not wrong
    # And it would have been counted.
    connection = await asyncpg.connect(filled)
    await connection.fetchval("SELECT count(*) FROM cases WHERE version = 0")
    await connection.close()
    assert (await reads(filled))["cases"][0] > after["cases"][0]


async def test_the_queue_prepares_nothing_of_all_that_is_open(database: Database, vault: Vault) -> None:
    """Whether an officer had asked something was once looked up for every open case before the first was shown: 6 ms
    of a page at a million cases, and no sequential scan to be counted."""
    await fill(database.engine.url.render_as_string(hide_password=False).replace("+asyncpg", ""), vault, CASES // 2)
    sent: list[tuple[str, Any]] = []

    def keep(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if "case_clocks" in statement:
            sent.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", keep)
    async with database.transaction() as session:
        for wanted in (Wanted(), Wanted(QueueView.UNASSIGNED), Wanted(state=CaseState.CLOSED)):
            await list_cases(session, vault, Actor.staff(1), wanted, date(2026, 11, 26), limit=10)
    assert len(sent) == 3
    connection = await database.connect()
    for statement, parameters in sent:
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN (VERBOSE) {statement}", *parameters))
        assert "SubPlan" in plan
        assert "hashed SubPlan" not in plan, plan
    await connection.close()
