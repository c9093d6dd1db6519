"""The database: reachable, of the right version and form, its clock, and what it tells of everything else."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from api import migrations
from api.db import Database
from api.privacy import Vault
from bot.cli.doctor.findings import Finding, State, clock, failed, in_time, ok, skipped, warning
from bot.cli.doctor.keys import look_at_keys
from bot.cli.doctor.work import look_at_work

LEAST_VERSION = 15
KEYS_SECONDS = 25.0
LATER = ("migrations", "clock", "keys", "staff", "worker", "outbox", "audit")


async def look_at_database(url: str, vault: Vault, timezone: ZoneInfo, now: Callable[[], float]) -> list[Finding]:
    """
    Args:
        timezone: the office's.
        now: this machine's clock, in seconds since 1970.
    """
    database = Database(url, pool_size=1)
    try:
        connection = await database.connect()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return [_not_reached(error), *(skipped(check, "没有数据库，查不了。") for check in LATER)]
    try:
        found = [version_found(connection.get_server_version().major), await _clock(connection, now)]
        form = await _migrations(connection)
        found.append(form)
        if form.state is State.FAILED:
            return [*found, *(skipped(check, "数据库结构不对，没有查。") for check in LATER[2:])]
        found += await in_time("keys", look_at_keys(database, vault), KEYS_SECONDS)
        return found + await in_time("worker", look_at_work(connection, timezone), 15)
    finally:
        connection.terminate()
        await database.close()


def _not_reached(error: Exception) -> Finding:
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return failed("database", "数据库不接受用户名或密码。", "请核对 SHANGLOU_DATABASE_URL 里的用户名和密码。")
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return failed("database", "数据库服务器上没有这个库。", "请先建库，再运行 shanglou migrate。")
    return failed(
        "database",
        f"连不上数据库（{type(error).__name__}）。",
        "请看 PostgreSQL 是否在运行，网络通不通，SHANGLOU_DATABASE_URL 对不对。",
    )


def version_found(major: int) -> Finding:
    """What to say of a server of this version."""
    if major < LEAST_VERSION:
        return failed(
            "database", f"PostgreSQL 是 {major} 版，太旧了。", f"请升级到 {LEAST_VERSION} 版或更新（先备份）。"
        )
    return ok("database", f"数据库可以连接，PostgreSQL {major}。")


async def _clock(connection: Any, now: Callable[[], float]) -> Finding:
    # The first statement of a connection takes longer.
    await connection.fetchval("SELECT clock_timestamp()")
    began = now()
    theirs = await connection.fetchval("SELECT clock_timestamp()")
    ended = now()
    return clock("clock", "数据库的时钟", (began + ended) / 2 - theirs.timestamp(), (ended - began) / 2)


async def _migrations(connection: Any) -> Finding:
    known = await connection.fetchval("SELECT to_regclass('alembic_version')::text")
    current = await connection.fetchval("SELECT version_num FROM alembic_version") if known else None
    if current == migrations.head_revision():
        return ok("migrations", f"数据库结构是最新的（{current}）。")
    if current is None:
        return failed("migrations", "数据库还是空的。", "请运行 shanglou migrate。")
    if migrations.is_newer(current):
        return warning(
            "migrations", f"数据库结构（{current}）比这里的程序新。", "请把这里的程序升级到迁移数据库的那个版本。"
        )
    return failed(
        "migrations",
        f"数据库结构落后了：是 {current}，程序要 {migrations.head_revision()}。",
        "请运行 shanglou migrate，再重启 API 和 worker。",
    )
