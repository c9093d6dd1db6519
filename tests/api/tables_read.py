"""What PostgreSQL itself counts of the reading of tables, over real requests: whatever statements a page sends are
among them."""

import asyncio
from collections.abc import Sequence
from urllib.parse import quote

import aiohttp
import asyncpg

from api.app import create_app
from api.settings import Settings
from tests.api.calls import call
from tests.bench.pages import Page
from tests.conftest import SERVICE_TOKEN
from tests.serving import serving

_TIMES = 8
"""From the sixth time on PostgreSQL may use one plan for all values."""
_COUNTED = """
SELECT relname, seq_scan, (SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes i WHERE i.relid = t.relid)
FROM pg_stat_user_tables t WHERE relname = ANY($1)
"""
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type IN ('client backend', 'parallel worker')
"""


async def reads(url: str, tables: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Of each table: how often it was read through, and how many entries of its indexes were read. Connections tell as
    they end, so they are waited for."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(60):
            while await connection.fetchval(_OTHERS):
                await asyncio.sleep(0.02)
        return {row[0]: (row[1], row[2] or 0) for row in await connection.fetch(_COUNTED, [*tables])}
    finally:
        await connection.close()


async def costly(
    url: str, settings: Settings, pages: Sequence[Page], size: int, large: Sequence[str], most: int
) -> list[str]:
    """The pages that read through a large table, or more than so many entries of its indexes each time.

    Args:
        size: of what the database holds.
    """
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    wrong: list[str] = []
    for page in pages:
        if page.before is not None:
            await _execute(url, page.before, size)
        before = await reads(url, large)
        async with serving(create_app(settings, url)) as base, aiohttp.ClientSession(base, headers=headers) as client:
            for nth in range(_TIMES):
                found = await _ask(client, page, nth, size)
            # With a page after this one, if there is one.
            if isinstance(found, dict) and (cursor := found.get("next_cursor")):
                path = page.path(_TIMES - 1, size)
                joint = "&" if "?" in path else "?"
                await call(client, "GET", f"{path}{joint}cursor={quote(cursor)}")
        after = await reads(url, large)
        for table in large:
            scans, entries = (now - then for now, then in zip(after[table], before[table], strict=True))
            if scans or entries > most * _TIMES:
                wrong.append(f"{page.name}: {table} read through {scans} times, {entries // _TIMES} entries a page")
    return wrong


async def _ask(client: aiohttp.ClientSession, page: Page, nth: int, size: int) -> object:
    if page.body is None:
        return await call(client, "GET", page.path(nth, size))
    body = page.body(nth, size)
    return await call(client, "POST", page.path(nth, size), page.status, json=body)


async def is_counted(url: str, table: str) -> bool:
    """Whether reading through a table would have been seen."""
    [(before, _)] = (await reads(url, [table])).values()
    await _execute(url, f"SELECT count(*) FROM {table} AS t WHERE t::text = '-'")
    [(after, _)] = (await reads(url, [table])).values()
    return after > before


async def _execute(url: str, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(url)
    try:
        # Each row's foreign keys would be looked up beside it.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(statement, *values)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
