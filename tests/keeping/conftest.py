"""A deployment that is backed up, and an empty database to restore into."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import asyncpg
import pytest

from api.cases.store import AttachmentStore
from api.db import Database
from api.settings import Settings
from tests.conftest import with_database
from tests.keeping.keeper import Keeper

_numbers = count(1)


@pytest.fixture
async def empty_url(postgres: str) -> AsyncIterator[str]:
    """A database with nothing in it."""
    async with empty_database(postgres) as url:
        yield url


@pytest.fixture
async def another_empty_url(postgres: str) -> AsyncIterator[str]:
    async with empty_database(postgres) as url:
        yield url


@asynccontextmanager
async def empty_database(postgres: str) -> AsyncIterator[str]:
    name = f"empty_{next(_numbers)}"
    connection = await asyncpg.connect(postgres)
    await connection.execute(f"CREATE DATABASE {name}")
    yield with_database(postgres, name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
def store(settings: Settings) -> AttachmentStore:
    return AttachmentStore(settings.attachments_url, settings.data_dir)


@pytest.fixture
def keeper(settings: Settings, database: Database, database_url: str, store: AttachmentStore) -> Keeper:
    return Keeper(settings, database, database_url, store)
