"""Several processes migrate at the same time, as replicas that start together do: each migration runs once."""

import asyncio

import asyncpg
import pytest

from api import migrations
from api.settings import Settings
from tests.conftest import environment_of
from tests.replicas.processes import migrate

pytestmark = pytest.mark.long
AT_ONCE = 4

# It takes its time, so that the others come while the first is at it.
NOTED = """
CREATE TABLE noted (revision text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO noted VALUES (NEW.version_num); PERFORM pg_sleep(3); RETURN NULL; END $$;
CREATE TRIGGER note AFTER UPDATE ON alembic_version FOR EACH ROW EXECUTE FUNCTION note();
"""


async def _migrate_at_once(settings: Settings, url: str) -> str:
    """The revision at which the database is afterwards. No process may fail."""
    await asyncio.gather(*(migrate(environment_of(settings, url)) for _ in range(AT_ONCE)))
    connection = await asyncpg.connect(url)
    try:
        [revision] = await connection.fetch("SELECT version_num FROM alembic_version")
        return str(revision["version_num"])
    finally:
        await connection.close()


async def test_an_empty_database(settings: Settings, empty_url: str) -> None:
    assert await _migrate_at_once(settings, empty_url) == migrations.head_revision()


async def test_a_database_that_is_a_revision_behind(settings: Settings, database_url: str) -> None:
    head = migrations.head_revision()
    await asyncio.to_thread(migrations.downgrade, database_url, "-1")
    connection = await asyncpg.connect(database_url)
    await connection.execute(NOTED)
    assert await _migrate_at_once(settings, database_url) == head
    noted = await connection.fetch("SELECT revision FROM noted")
    assert [row["revision"] for row in noted] == [head], "it ran more than once"
    await connection.close()
