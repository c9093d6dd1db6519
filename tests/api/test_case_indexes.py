"""The desk's pages find their cases by an index: none reads through the cases, their events or clocks, nor through an
index of them."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import event

from api.audit.service import Actor
from api.cases.queue import Wanted, list_cases
from api.cases.schemas import CaseState, QueueView
from api.db import Database
from api.privacy import Vault
from api.settings import Settings
from tests.api.tables_read import costly, is_counted
from tests.bench.desk import PAGES
from tests.bench.many_cases import fill

CASES = 20_000
LARGE = ("cases", "case_events", "case_clocks", "attachments", "agreements", "parties", "units", "people")
MAX_ENTRIES = 400
"""Of indexes, read for a page of ten: far below the thousand cases that are open."""


@pytest.fixture
async def filled(database_url: str, vault: Vault) -> str:
    await fill(database_url, vault, CASES)
    return database_url


@pytest.mark.long
async def test_no_page_costs_more_the_more_cases_there_are(filled: str, settings: Settings) -> None:
    pages = [page for page in PAGES if page.has_goal]
    assert await costly(filled, settings, pages, CASES, LARGE, MAX_ENTRIES) == []
    assert await is_counted(filled, "cases")


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
        answered = Wanted(QueueView.MINE, state=CaseState.ANSWERED)
        for wanted in (Wanted(), Wanted(QueueView.UNASSIGNED), Wanted(state=CaseState.CLOSED), answered):
            await list_cases(session, vault, Actor.staff(1), wanted, date(2026, 11, 26), limit=10)
    assert len(sent) == 4
    connection = await database.connect()
    for statement, parameters in sent:
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN (VERBOSE) {statement}", *parameters))
        assert "SubPlan" in plan
        assert "hashed SubPlan" not in plan, plan
        # A length that came as a parameter would have each page planned anew: see api.cases.queue.
        assert "LIMIT 11" in statement
    # Whatever the parameters are: a plan that is made once is made without them.
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    statement, parameters = sent[-1]
    await connection.fetch(f"PREPARE answered AS {statement}")
    values = ", ".join("NULL" for _ in parameters)
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE answered({values})"))
    assert "ix_cases_answered_officer" in plan, plan
    await connection.close()
