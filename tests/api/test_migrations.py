"""The migrations make exactly the schema that the models describe, and can be taken back."""

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from api import migrations
from api.db import Database, async_url
from api.tables import Base


async def test_models_and_migrations_agree(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_down_and_up_again(database_url: str) -> None:
    await asyncio.to_thread(migrations.downgrade, database_url, "base")
    engine = create_async_engine(async_url(database_url))
    async with engine.connect() as connection:
        left = await connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert left.scalars().all() == ["alembic_version"]
    await engine.dispose()
    await asyncio.to_thread(migrations.upgrade, database_url)
