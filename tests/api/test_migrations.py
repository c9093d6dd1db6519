"""The migrations make exactly the schema that the models describe, and can be taken back."""

import asyncio
from datetime import date

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from api import migrations
from api.chats.roll_changes import settle_links
from api.db import Database, async_url
from api.privacy import Vault
from api.tables import Base


async def test_models_and_migrations_agree(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_who_was_let_in_before_the_second_version_falls_with_the_owners_too(
    database_url: str, database: Database, vault: Vault
) -> None:
    """What stood on a code of before stood for ever, whoever owned the home."""
    await asyncio.to_thread(migrations.downgrade, database_url, "0001")
    async with database.transaction() as session:
        for statement in (
            "INSERT INTO projects (name) VALUES ('p')",
            "INSERT INTO people (name, name_index) VALUES ('', '')",
            "INSERT INTO agreements (project_id, kind, number, number_key, handed_over, source, as_of) "
            "VALUES (1, 'relocation', 'A-1001', 'A-1001', false, 's', '2026-01-01')",
            "INSERT INTO parties (agreement_id, person_id, role, position) VALUES (1, 1, 'holder', 0)",
            "INSERT INTO link_codes (code_index, agreement_id, issued_by, expires_at, used_at, used_by_chat_id) "
            "VALUES ('1', 1, 's', now(), now() - interval '1 day', 5), ('2', 1, 's', now(), now(), 5)",
            "INSERT INTO links (chat_id, agreement_id, role, method) VALUES (5, 1, 'relative', 'code')",
            "INSERT INTO links (chat_id, agreement_id, person_id, role, method) VALUES (6, 1, 1, 'holder', 'phone')",
        ):
            await session.execute(text(statement))
    await asyncio.to_thread(migrations.upgrade, database_url)
    async with database.transaction() as session:
        assert (await session.execute(text("SELECT owner_ids FROM link_codes"))).scalars().all() == [[1], [1]]
        links = await session.execute(text("SELECT chat_id, code_id FROM links ORDER BY chat_id"))
        assert [tuple(link) for link in links] == [(5, 2), (6, None)]
        await session.execute(text("DELETE FROM parties"))
        assert await settle_links(session, vault, date(2026, 11, 24)) == (2, 0)


async def test_what_a_newer_version_has_migrated_is_left_alone(database_url: str, database: Database) -> None:
    """The version before, started again after a roll-out that was taken back."""
    async with database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await asyncio.to_thread(migrations.upgrade, database_url)
    async with database.reading() as reader:
        assert (await reader.execute(text("SELECT version_num FROM alembic_version"))).scalar() == "9999"


async def test_down_and_up_again(database_url: str) -> None:
    await asyncio.to_thread(migrations.downgrade, database_url, "base")
    engine = create_async_engine(async_url(database_url))
    async with engine.connect() as connection:
        left = await connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert left.scalars().all() == ["alembic_version"]
    await engine.dispose()
    await asyncio.to_thread(migrations.upgrade, database_url)
