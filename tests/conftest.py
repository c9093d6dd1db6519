"""What every test may ask for: a real PostgreSQL (one server a worker, one database a test), the API over HTTP."""

import sys
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory

import aiohttp
import asyncpg
import pytest
import structlog
from pydantic import SecretStr

from api import migrations
from api.app import create_app
from api.db import Database
from api.embedded import EmbeddedPostgres
from api.privacy import Vault
from api.settings import Settings
from bot.cli.secrets import new_secrets
from tests.factories import Factory
from tests.serving import serving

# A command that runs inside a test prints to the screen that it is given; what an API beside it logs is not for that.
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))
# Fresh ones for every run: a secret that stands in public code protects nobody, and the settings refuse what looks
# like one.
SECRETS = new_secrets()
SERVICE_TOKEN = SECRETS["SHANGLOU_SERVICE_TOKEN"]
pytest_plugins = ["tests.defences"]
_database_numbers = count(1)


def with_database(server_url: str, name: str) -> str:
    """The server's URL with another database name (``postgresql://user:@/name?host=/socket``)."""
    head, _, query = server_url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}?{query}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a server of this worker's own, with a migrated template database."""
    # Not below pytest's own folder: run as root, the server belongs to another user, and every pytest that starts
    # closes that folder to all others again.
    with TemporaryDirectory(prefix="shanglou-tests-", dir=_quick_folder(), ignore_cleanup_errors=True) as folder:
        server = EmbeddedPostgres(Path(folder) / "data")
        # A database a test: what makes one safe against a crash of the machine takes longer than most tests.
        admin(server.url, "ALTER SYSTEM SET fsync = off")
        admin(server.url, "SELECT pg_reload_conf()")
        admin(server.url, "CREATE DATABASE migrated")
        migrations.upgrade(with_database(server.url, "migrated"))
        yield server.url
        server.stop()


def _quick_folder() -> Path | None:
    """Memory, where there is enough of it; else wherever temporary folders are."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and disk_usage(memory).free > 4 * 2**30 else None


def admin(url: str, statement: str) -> None:
    import asyncio

    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.fixture
async def database_url(postgres: str) -> AsyncIterator[str]:
    """A migrated database of the test's own."""
    name = f"test_{next(_database_numbers)}"
    connection = await asyncpg.connect(postgres)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY file_copy")
    yield with_database(postgres, name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path,
        service_token=SecretStr(SERVICE_TOKEN),
        encryption_keys=SecretStr(SECRETS["SHANGLOU_ENCRYPTION_KEYS"]),
        index_key=SecretStr(SECRETS["SHANGLOU_INDEX_KEY"]),
    )


def environment_of(settings: Settings, database_url: str) -> dict[str, str]:
    """What a command of the same deployment is started with."""
    return {
        "SHANGLOU_ENV_FILE": "/nonexistent",
        "SHANGLOU_DATABASE_URL": database_url,
        "SHANGLOU_DATA_DIR": str(settings.data_dir),
        "SHANGLOU_SERVICE_TOKEN": settings.service_token.get_secret_value(),
        "SHANGLOU_ENCRYPTION_KEYS": settings.encryption_keys.get_secret_value(),
        "SHANGLOU_INDEX_KEY": settings.index_key.get_secret_value(),
    }


@pytest.fixture
def environment(settings: Settings, database_url: str) -> dict[str, str]:
    return environment_of(settings, database_url)


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return settings.vault()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=2)
    yield database
    await database.close()


@pytest.fixture
async def api_url(settings: Settings, database_url: str) -> AsyncIterator[str]:
    """The API over real HTTP on a database of its own (the same as ``database``)."""
    async with serving(create_app(settings, database_url)) as url:
        yield url


@pytest.fixture
async def api(api_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that bears the service token."""
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with aiohttp.ClientSession(api_url, headers=headers) as client:
        yield client


@pytest.fixture
def factory(database: Database, vault: Vault) -> Factory:
    """Makes rows in the test's database."""
    return Factory(database, vault)
