"""A deployment, and people who wait as long as it takes: many processes share the machine."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from api.settings import Settings
from tests.conftest import with_database
from tests.replicas.deployment import Deployment


@pytest.fixture
async def system(settings: Settings, database_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    """Nothing of it runs yet but the playground."""
    async with Deployment(settings, database_url, tmp_path) as system:
        yield system


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.people.PATIENCE", 60.0)


@pytest.fixture
async def empty_url(postgres: str) -> AsyncIterator[str]:
    """A database of the test's own in which there is nothing."""
    connection = await asyncpg.connect(postgres)
    await connection.execute("CREATE DATABASE nothing_yet")
    yield with_database(postgres, "nothing_yet")
    await connection.execute("DROP DATABASE nothing_yet WITH (FORCE)")
    await connection.close()
