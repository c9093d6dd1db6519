"""The whole system as it is run for people: PostgreSQL, ``shanglou api`` and ``shanglou bot``, each by itself."""

import asyncio
import contextlib
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from api import migrations
from api.embedded import EmbeddedPostgres
from bot.cli.secrets import new_secrets
from bot.playground import new_token
from tests.bench.measure import Parts, Subject
from tests.bench.processes import Child, Failed, python, resident_megabytes, started

START_SECONDS = 120
# Of a database that lives as long as the bench.
SECRETS = {"SHANGLOU_ENV_FILE": "/dev/null", **new_secrets()}


@dataclass(frozen=True)
class DatabaseServer:
    """A PostgreSQL of the bench's own, with the newest schema."""

    url: str
    pid: int
    version: str


@contextlib.contextmanager
def database_server() -> Iterator[DatabaseServer]:
    with TemporaryDirectory(prefix="shanglou-bench-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        server = EmbeddedPostgres(data)
        try:
            migrations.upgrade(server.url)
            pid = int((data / "postmaster.pid").read_text().split()[0])
            yield DatabaseServer(server.url, pid, asyncio.run(_version(server.url)))
        finally:
            server.stop()


async def _version(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        version: str = await connection.fetchval("SHOW server_version")
        return version
    finally:
        await connection.close()


@contextlib.contextmanager
def fresh_database(server: DatabaseServer, name: str) -> Iterator[str]:
    """One more database with the newest schema, for as long as the block runs."""
    asyncio.run(_execute(server.url, f"CREATE DATABASE {name}"))
    head, _, query = server.url.partition("?")
    url = f"{head.rsplit('/', 1)[0]}/{name}?{query}"
    try:
        migrations.upgrade(url)
        yield url
    finally:
        asyncio.run(_execute(server.url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


class Memory:
    """Resident memory (MB) of the bot and of the API at the end of the last run."""

    bot = 0.0
    api = 0.0


@contextlib.contextmanager
def running_api(database_url: str, settings: Mapping[str, str] | None = None) -> Iterator[tuple[Child, str]]:
    """``shanglou api`` on this database, and its address."""
    port = free_port()
    environment = SECRETS | {"SHANGLOU_DATABASE_URL": database_url, "SHANGLOU_API_PORT": str(port), **(settings or {})}
    with started("the API", python("bot", "api"), environment) as api:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(api, f"{url}/readyz")
        yield api, url


def whole_system(server: DatabaseServer, memory: Memory) -> Subject:
    """Bot, API and database, started anew each time but for the database."""

    @contextlib.contextmanager
    def run(telegram_url: str) -> Iterator[Parts]:
        with ExitStack() as stack:
            api, api_url = stack.enter_context(running_api(server.url))
            environment = SECRETS | {
                "SHANGLOU_API_URL": api_url,
                "SHANGLOU_TELEGRAM_API_URL": telegram_url,
                "SHANGLOU_TELEGRAM_TOKEN": new_token(),
            }
            bot = stack.enter_context(started("the bot", python("bot", "bot"), environment))
            yield {"bot": bot.pid, "API": api.pid, "PostgreSQL": server.pid}
            memory.bot, memory.api = resident_megabytes(bot.pid), resident_megabytes(api.pid)

    return run


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_until_ready(child: Child, url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError) as error:
            if child.ended or time.monotonic() > deadline:
                raise Failed(child.report(f"{child.name} did not become ready ({error})")) from None
            time.sleep(0.05)
