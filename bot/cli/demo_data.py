"""The demo's database: an invented estate, loaded through the importer once and copied for each demo.

The embedded server in the demo's folder keeps one *pristine* database for each size, seed and version of the code;
every demo runs on a copy of its own, made in a moment and dropped at its end, so nothing that a visitor does stays.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
from pydantic import SecretStr

import api
from api import migrations
from api.db import Database
from api.embedded import EmbeddedPostgres, is_running
from api.imports.report import OnProgress
from api.imports.sample import SamplePeople, write_sample
from api.imports.service import load_rolls
from api.settings import Settings
from bot.cli.secrets import new_secrets

_MAKING = 7_106_020  # advisory lock: two demos that start together make the pristine database once


@dataclass(frozen=True)
class DemoData:
    """A database to play with, and people who stand in its rolls. ``env_file`` lets other commands reach it."""

    settings: Settings
    url: str
    people: SamplePeople
    env_file: Path


@contextmanager
def demo_data(folder: Path, households: int, seed: int, on_progress: OnProgress) -> Iterator[DemoData]:
    """A fresh copy of the sample estate for as long as the block runs. Blocking: enter it outside of a loop."""
    folder.mkdir(parents=True, exist_ok=True)
    secrets = _kept_secrets(folder)
    version = f"{households}_{seed}_{_version_of_code(secrets)}"
    server = EmbeddedPostgres(folder / "postgres")
    try:
        with TemporaryDirectory(prefix="shanglou-demo-") as attachments:
            settings = Settings(
                _env_file=None,
                database_url=None,
                data_dir=Path(attachments),
                attachments_url=None,
                service_token=SecretStr(secrets["SHANGLOU_SERVICE_TOKEN"]),
                encryption_keys=SecretStr(secrets["SHANGLOU_ENCRYPTION_KEYS"]),
                index_key=SecretStr(secrets["SHANGLOU_INDEX_KEY"]),
            )
            making = _ensure_pristine(server.url, version, settings, households, seed, on_progress)
            people = asyncio.run(making)
            copy = f"demo_{os.getpid()}"
            env_file = folder / f"{copy}.env"
            asyncio.run(_copy(server.url, f"pristine_{version}", copy))
            try:
                url = _named(server.url, copy)
                lines = {**secrets, "SHANGLOU_DATABASE_URL": url}
                _write_private(env_file, "".join(f"{name}={value}\n" for name, value in lines.items()))
                yield DemoData(settings, url, people, env_file)
            finally:
                env_file.unlink(missing_ok=True)
                asyncio.run(_execute(server.url, f"DROP DATABASE IF EXISTS {copy} WITH (FORCE)"))
    finally:
        server.stop()


def _kept_secrets(folder: Path) -> dict[str, str]:
    # The pristine database is sealed with them, so they live beside it.
    path = folder / "secrets.json"
    if not path.exists():
        _write_private(path, json.dumps(new_secrets()))
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _version_of_code(secrets: dict[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(secrets, sort_keys=True).encode())
    for source in sorted(Path(api.__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


async def _ensure_pristine(
    server_url: str, version: str, settings: Settings, households: int, seed: int, on_progress: OnProgress
) -> SamplePeople:
    """Make the pristine database unless it stands. Whom to try in it is kept as the comment on the database."""
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f"SELECT pg_advisory_lock({_MAKING})")
        found = "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database"
        databases: dict[str, str | None] = dict(await connection.fetch(found))
        people = databases.get(f"pristine_{version}")
        if people is not None:
            return SamplePeople.from_json(people)
        for name in databases:
            if _is_left_over(name, version):
                await connection.execute(f"DROP DATABASE IF EXISTS {name}")
        await connection.execute(f"CREATE DATABASE making_{version}")
        url = _named(server_url, f"making_{version}")
        await asyncio.to_thread(migrations.upgrade, url)
        made = await _load(url, settings, households, seed, on_progress)
        comment = made.to_json().replace("'", "''")
        await connection.execute(f"COMMENT ON DATABASE making_{version} IS '{comment}'")
        await connection.execute(f"ALTER DATABASE making_{version} RENAME TO pristine_{version}")
        return made
    finally:
        await connection.close()


def _is_left_over(name: str, version: str) -> bool:
    """Whether a database is of older code, or of a demo that was killed."""
    if name.startswith("pristine_"):
        return name.rsplit("_", 1)[1] != version.rsplit("_", 1)[1]
    return name.startswith("making_") or (name.startswith("demo_") and not is_running(int(name[5:])))


async def _load(url: str, settings: Settings, households: int, seed: int, on_progress: OnProgress) -> SamplePeople:
    database = Database(url, pool_size=2)
    try:
        with TemporaryDirectory(prefix="shanglou-sample-") as rolls:
            on_progress("编造样例台账", 0, 0)
            sample = await asyncio.to_thread(write_sample, Path(rolls), households=households, seed=seed)
            await load_rolls(database, settings.vault(), sample.paths, on_progress=on_progress)
            return sample.people
    finally:
        await database.close()


async def _copy(server_url: str, pristine: str, copy: str) -> None:
    await _execute(server_url, f"DROP DATABASE IF EXISTS {copy} WITH (FORCE)")
    await _execute(server_url, f"CREATE DATABASE {copy} TEMPLATE {pristine} STRATEGY file_copy")


async def _execute(server_url: str, statement: str) -> None:
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _named(server_url: str, database: str) -> str:
    head, _, query = server_url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{database}?{query}"
