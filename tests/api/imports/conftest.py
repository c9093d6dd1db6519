"""Loading rolls into a database of the test's own, and looking at what came of it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from sqlalchemy import text

from api.db import Database
from api.imports.report import RollReport
from api.imports.service import LoadOptions, load_rolls
from api.privacy import Vault

# The first example of a property pays for compiled patterns and a busy machine: time is measured by the bench.
hypothesis_settings.register_profile("no deadline", deadline=None)
hypothesis_settings.load_profile("no deadline")

Load = Callable[..., Awaitable[list[RollReport]]]
Look = Callable[[str], Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def load(database: Database, vault: Vault) -> Load:
    """Loads files with options: ``await load(path, other, partial=True)``."""

    async def run(*paths: Path, **options: Any) -> list[RollReport]:
        return await load_rolls(database, vault, paths, options=LoadOptions(**options))

    return run


@pytest.fixture
def look(database: Database) -> Look:
    """Rows of a select, as dictionaries."""

    async def run(select: str) -> list[dict[str, Any]]:
        async with database.reading() as connection:
            return [dict(row._mapping) for row in await connection.execute(text(select))]

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "rolls"
    made.mkdir()
    return made
