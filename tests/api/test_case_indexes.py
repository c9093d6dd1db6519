"""The desk's pages find their cases by an index: none of them ever reads through the cases, their events or clocks."""

from urllib.parse import quote

import aiohttp
import asyncpg
import pytest

from api.app import create_app
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


async def sequential_scans(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = ANY($1)", [*LARGE]
        )
        return {row["relname"]: row["seq_scan"] for row in rows}
    finally:
        await connection.close()


@pytest.fixture
async def filled(database_url: str, vault: Vault) -> str:
    await fill(database_url, vault, CASES)
    return database_url


async def test_no_page_reads_through_a_large_table(filled: str, settings: Settings) -> None:
    """Counted by PostgreSQL itself over real requests, so whatever statements a page sends are among them."""
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    read_through: list[str] = []
    for page in PAGES:
        if not page.has_goal:
            continue
        before = await sequential_scans(filled)
        # Its connections report what they did when they close.
        async with serving(create_app(settings, filled)) as url, aiohttp.ClientSession(url, headers=headers) as client:
            for nth in range(TIMES):
                found = await call(client, "GET", page.path(nth, CASES))
            # With a page after this one, if there is one.
            if cursor := found.get("next_cursor"):
                path = page.path(TIMES - 1, CASES)
                joint = "&" if "?" in path else "?"
                await call(client, "GET", f"{path}{joint}cursor={quote(cursor)}")
        after = await sequential_scans(filled)
        read_through += [f"{page.name}: {table}" for table in LARGE if after[table] > before[table]]
    assert not read_through
    # And it would have been counted.
    connection = await asyncpg.connect(filled)
    await connection.fetchval("SELECT count(*) FROM cases WHERE text IS NULL")
    await connection.close()
    assert (await sequential_scans(filled))["cases"] == after["cases"] + 1
