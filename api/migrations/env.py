"""Runs migrations online. One at a time; each waits at most five seconds for a
table: better to fail than to stop every reader."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from api.db import async_url
from api.migrations import is_newer
from api.tables import Base

# Several replicas may start together: the first migrates, the others wait. Arbitrary, but must stay.
ADVISORY_LOCK = 7_106_019


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=False)
    with context.begin_transaction():
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        leave_newer = context.config.attributes.get("leave_newer", False)
        # Looked at under the lock, as run_migrations does: another process may just have migrated.
        if not (leave_newer and any(map(is_newer, context.get_context().get_current_heads()))):
            context.run_migrations()


async def _online() -> None:
    engine = create_async_engine(async_url(context.config.attributes["database_url"]), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_online())
