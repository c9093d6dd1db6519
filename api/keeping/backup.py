"""Making a backup, while everything goes on.

One snapshot of PostgreSQL is what the backup shows: pg_dump, the counts, the audit record's newest hash and the list of
files all see the same moment. A file is in the object store before its row is, and is never written over, so the files
that those rows name are copied afterwards; one that was deleted meanwhile is counted.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any, BinaryIO

from sqlalchemy import select

from api.audit.chain import chain_key
from api.audit.sealer import CONNECTION_SETTINGS, Sealer
from api.audit.service import OPERATOR, record
from api.cases.models import Attachment
from api.cases.store import AttachmentStore
from api.db import Database
from api.errors import Unavailable
from api.keeping.archive import ArchiveWriter, sealing_key
from api.keeping.contents import (
    ATTACHMENTS,
    DATABASE,
    END,
    FORMAT,
    HOW_TO_OPEN,
    MANIFEST,
    README,
    TRIAL_PURPOSE,
    TRIAL_TEXT,
    End,
    Manifest,
)
from api.keeping.postgres import NOT_DUMPED, Tool, dump, find_tool
from api.settings import Settings

_STATEMENT_SECONDS = 4 * 3600.0
_SEALED_AT_A_STRETCH = 5000
_KEYS_AT_ONCE = 1000

OnProgress = Callable[[str, int, int], None]


class Rotating(Exception):
    """A rotation of the keys moved files while they were copied: they would not open after a restore."""


@dataclass(frozen=True)
class Made:
    """What the backup holds."""

    manifest: Manifest
    end: End
    database_bytes: int
    sealed_bytes: int


async def back_up(
    settings: Settings,
    database: Database,
    url: str,
    store: AttachmentStore,
    recipients: Sequence[Any],
    out: BinaryIO,
    on_progress: OnProgress,
) -> Made:
    """Write a backup. Whatever it raises, what was written is none.

    Raises:
        NoTool: no pg_dump fits the server.
        ToolFailed: pg_dump did not get through.
        Rotating: see there.
        Unavailable: the object store failed.
        OSError: it could not be written.
    """
    key = sealing_key(settings.index_key.get_secret_value())
    connection = await database.connect(
        statement_seconds=_STATEMENT_SECONDS, **CONNECTION_SETTINGS | {"idle_in_transaction_session_timeout": "0"}
    )
    try:
        server = await server_major(connection)
        tool = await find_tool("pg_dump", settings.postgres_bin, server)
        async with database.transaction() as session:
            await record(session, OPERATOR, "backup.begun", "backup", [None])
        # What is recorded is chained now: the newest hash then speaks for nearly all that the backup holds.
        await Sealer(chain_key(settings.index_key.get_secret_value()), _SEALED_AT_A_STRETCH).seal(connection)
        with tempfile.TemporaryFile() as keys, ArchiveWriter(out, recipients, key) as archive:
            async with _snapshot(connection) as snapshot:
                manifest = await _describe(connection, settings, server, tool)
                await _note_files(connection, keys)
                archive.add(README, HOW_TO_OPEN)
                archive.add(MANIFEST, manifest.model_dump_json(indent=1).encode())
                database_bytes = 0
                number = 0
                async with aclosing(dump(tool, url, snapshot)) as pieces:
                    async for piece in pieces:
                        number += 1
                        archive.add(f"{DATABASE}{number:08}", piece)
                        database_bytes += len(piece)
                        on_progress("database", database_bytes, 0)
            end = await _copy_files(database, store, archive, keys, manifest.rows["attachments"], on_progress)
            archive.add(END, end.model_dump_json().encode())
    finally:
        await connection.close()
    return Made(manifest, end, database_bytes, archive.sealed_bytes)


async def server_major(connection: Any) -> int:
    """Of asyncpg's connection: the major version of its server."""
    return int(connection.get_server_version().major)


@asynccontextmanager
async def _snapshot(connection: Any) -> AsyncIterator[str]:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield await connection.fetchval("SELECT pg_export_snapshot()")


async def _describe(connection: Any, settings: Settings, server: int, tool: Tool) -> Manifest:
    vault = settings.vault()
    made_at: datetime = await connection.fetchval("SELECT now()")
    newest = await connection.fetchrow("SELECT id, hash FROM audit_seals ORDER BY id DESC LIMIT 1")
    return Manifest(
        format=FORMAT,
        program=version("shanglou"),
        made_at=made_at,
        revision=await connection.fetchval("SELECT version_num FROM alembic_version"),
        server=server,
        dumped_with=tool.major,
        rows=await count_rows(connection, await _tables(connection)),
        newest_seal=newest["id"] if newest else 0,
        newest_hash=newest["hash"].hex() if newest else "",
        key_ids=vault.key_ids,
        trial=vault.seal(TRIAL_PURPOSE, TRIAL_TEXT).hex(),
    )


async def _tables(connection: Any) -> list[str]:
    """All that are dumped with their rows, whatever version made them."""
    found = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
    )
    return [row["relname"] for row in found if row["relname"] != NOT_DUMPED]


async def count_rows(connection: Any, tables: Iterable[str]) -> dict[str, int]:
    return {
        name: await connection.fetchval(f'SELECT count(*) FROM "{name}"')  # noqa: S608 - names of tables
        for name in tables
    }


async def _note_files(connection: Any, keys: BinaryIO) -> None:
    """The files of the snapshot, one a line, so that the snapshot need not be held while they are copied."""
    statement = "SELECT id, storage_key FROM attachments ORDER BY id"
    async for id_, storage_key in connection.cursor(statement, prefetch=_KEYS_AT_ONCE):
        keys.write(f"{id_} {storage_key}\n".encode())
    keys.seek(0)


async def _copy_files(
    database: Database,
    store: AttachmentStore,
    archive: ArchiveWriter,
    keys: BinaryIO,
    total: int,
    on_progress: OnProgress,
) -> End:
    files = file_bytes = erased = lost = 0
    for line in keys:
        id_, _, storage_key = line.decode().strip().partition(" ")
        try:
            size, parts = await store.get_with_size(storage_key)
        except FileNotFoundError:
            if await _is_erased(database, int(id_), storage_key):
                erased += 1
            else:
                lost += 1
            continue
        archive.begin(f"{ATTACHMENTS}{storage_key}", size)
        copied = 0
        async for part in parts:
            archive.write(part)
            copied += len(part)
        if copied != size:
            raise Unavailable(store="get")
        archive.end(size)
        files += 1
        file_bytes += size
        on_progress("files", files, total)
        # Each part was there at once where the files lie on this machine: others want to go on, too.
        await asyncio.sleep(0)
    return End(files=files, file_bytes=file_bytes, erased=erased, lost=lost, seal=archive.seal())


async def _is_erased(database: Database, id_: int, storage_key: str) -> bool:
    """Whether the row is gone as well.

    Raises:
        Rotating: it names another object now.
    """
    async with database.reading() as reader:
        now = await reader.scalar(select(Attachment.storage_key).where(Attachment.id == id_))
    if now is not None and now != storage_key:
        raise Rotating
    return now is None
