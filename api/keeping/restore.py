"""Reading a backup through, and restoring it.

Three times through the file: once to be sure of all of it before anything is touched; once for the files, whose
presence alone changes nothing; and once, as far as the database goes, for pg_restore in one transaction. Wherever it
breaks off until that has committed, the database is empty still, and the same command can be given again.

What follows (counting, bringing the schema up to date, holding, verifying) works on a full database. Broken off there,
nothing is lost and nothing is sent, for the row of leave to send is missing until it is held; but the command would
find that the database is not empty. Then drop and recreate it, or go on by hand: ``migrate``, ``sending hold``,
``audit verify``.
"""

import hashlib
import hmac
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import asyncpg
from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from api import migrations
from api.audit.chain import chain_key
from api.audit.sealer import CONNECTION_SETTINGS, Sealer
from api.audit.service import OPERATOR, record
from api.audit.verifying import Verdict, verify
from api.cases.store import AttachmentStore
from api.db import Database, sealed_columns
from api.keeping.archive import Damaged, Member, opened, sealing_key
from api.keeping.backup import count_rows, server_major
from api.keeping.contents import (
    ATTACHMENTS,
    DATABASE,
    END,
    FORMAT,
    MANIFEST,
    README,
    TRIAL_PURPOSE,
    TRIAL_TEXT,
    End,
    Manifest,
)
from api.keeping.postgres import find_tool, load
from api.messages.holding import hold
from api.privacy import CannotOpen, Vault
from api.rotation import keys_in_use, sealed_tables, usage
from api.settings import Settings

_STATEMENT_SECONDS = 4 * 3600.0
_SEALED_AT_A_STRETCH = 5000
_SMALL = 1024 * 1024
_IN_MEMORY = 4 * 1024 * 1024

OnProgress = Callable[[str, int, int], None]


class NotOurs(Exception):
    """Whole, but not sealed with this deployment's index key."""


class TooNew(Exception):
    """Made by a version that knows more than this one."""


class KeysMissing(Exception):
    """The ring lacks the key that sealed when the backup was made; ``key_id`` is its name."""

    def __init__(self, key_id: str) -> None:
        super().__init__(key_id)
        self.key_id = key_id


class NotEmpty(Exception):
    """The database holds something."""


class Unfinished(Exception):
    """The database is written, and what follows was broken off: see above."""


class ServerTooOld(Exception):
    def __init__(self, server: int, backup: int) -> None:
        super().__init__()
        self.server, self.backup = server, backup


@dataclass(frozen=True)
class Checked:
    """A backup that was read through. ``pieces`` are the hashes of the database's: what is read once more must be what
    was checked."""

    manifest: Manifest
    end: End
    pieces: Sequence[bytes]
    database_bytes: int


@dataclass
class Restored:
    """What was found afterwards. Anything in ``differing``, ``strange_keys`` or ``unopenable``, or a finding of the
    audit record's, and the restored system is not what was backed up, or cannot be read."""

    checked: Checked
    verdict: Verdict
    differing: dict[str, tuple[int, int]]
    migrated_to: str | None = None
    strange_keys: list[str] = field(default_factory=list)
    unopenable: list[str] = field(default_factory=list)
    opened: int = 0

    @property
    def well(self) -> bool:
        return not (self.verdict.findings or self.differing or self.strange_keys or self.unopenable)


def check(file: BinaryIO, identities: Sequence[Any], index_key: str, on_progress: OnProgress) -> Checked:
    """Read all of a backup.

    Raises:
        WrongKey, Damaged, NotOurs, TooNew: it is not to be used.
    """
    manifest: Manifest | None = None
    end: End | None = None
    pieces: list[bytes] = []
    database_bytes = files = file_bytes = 0
    with opened(file, identities, sealing_key(index_key)) as members:
        for member in members:
            if end is not None:
                raise Damaged
            if member.name == MANIFEST:
                manifest = _manifest(member)
            elif member.name.startswith(DATABASE):
                digest = hashlib.sha256()
                for part in member.parts():
                    digest.update(part)
                pieces.append(digest.digest())
                database_bytes += member.size
                on_progress("database", database_bytes, 0)
            elif member.name.startswith(ATTACHMENTS):
                for _ in member.parts():
                    pass
                files, file_bytes = files + 1, file_bytes + member.size
                on_progress("files", files, manifest.rows.get("attachments", 0) if manifest else 0)
            elif member.name == END:
                end = _end(member)
            elif member.name == README:
                member.content()
            else:
                raise Damaged
    if manifest is None or end is None or (files, file_bytes) != (end.files, end.file_bytes):
        raise Damaged
    return Checked(manifest, end, pieces, database_bytes)


def _manifest(member: Member) -> Manifest:
    try:
        if member.size > _SMALL:
            raise Damaged
        manifest = Manifest.model_validate_json(member.content())
    except ValidationError as error:
        raise Damaged from error
    if manifest.format > FORMAT:
        raise TooNew
    return manifest


def _end(member: Member) -> End:
    try:
        if member.size > _SMALL:
            raise Damaged
        end = End.model_validate_json(member.content())
    except ValidationError as error:
        raise Damaged from error
    if not hmac.compare_digest(end.seal, member.seal):
        raise NotOurs
    return end


def check_it_fits(manifest: Manifest, vault: Vault) -> None:
    """
    Raises:
        TooNew, KeysMissing: this program, with these keys, could not use what is restored.
    """
    if migrations.is_newer(manifest.revision):
        raise TooNew
    try:
        if vault.open(TRIAL_PURPOSE, bytes.fromhex(manifest.trial)) != TRIAL_TEXT:
            raise KeysMissing(manifest.key_ids[0])
    except CannotOpen as error:
        raise KeysMissing(manifest.key_ids[0]) from error


@contextmanager
def once_it_is_written() -> Iterator[None]:
    """
    Raises:
        Unfinished: instead of whatever a database that goes away raises.
    """
    try:
        yield
    except (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unfinished from error


async def check_target(database: Database) -> int:
    """The server's major version.

    Raises:
        NotEmpty: there is anything in it already.
    """
    connection = await database.connect()
    try:
        things = await connection.fetchval(
            "SELECT count(*) FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND NOT EXISTS "
            "(SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"
        )
        if things:
            raise NotEmpty
        return await server_major(connection)
    finally:
        await connection.close()


async def restore(
    settings: Settings,
    database: Database,
    url: str,
    store: AttachmentStore,
    file: BinaryIO,
    identities: Sequence[Any],
    checked: Checked,
    on_progress: OnProgress,
) -> dict[str, tuple[int, int]]:
    """Bring back files and database. Couriers send nothing from the start (``api.keeping.postgres.NOT_DUMPED``).
    Nothing else of today's models is asked of it: its schema is of the backup's time.

    Returns:
        Tables that have another number of rows than they had: how many, and how many they have.

    Raises:
        NotEmpty, ServerTooOld, NoTool: nothing was touched.
        ToolFailed, Damaged, Unavailable: the database is empty still.
        Unfinished: it is full.
    """
    server = await check_target(database)
    manifest = checked.manifest
    if server < manifest.server:
        raise ServerTooOld(server, manifest.server)
    tool = await find_tool("pg_restore", settings.postgres_bin, server, manifest.dumped_with)
    key = sealing_key(settings.index_key.get_secret_value())
    with opened(file, identities, key) as members:
        await _restore_files(store, members, checked.end.files, on_progress)
    with opened(file, identities, key) as members:
        await load(tool, url, server, _pieces(members, checked.pieces, on_progress))
    with once_it_is_written():
        connection = await database.connect(statement_seconds=_STATEMENT_SECONDS)
        try:
            rows = await count_rows(connection, manifest.rows)
        finally:
            await connection.close()
    return {name: (count, rows[name]) for name, count in manifest.rows.items() if rows[name] != count}


async def _restore_files(
    store: AttachmentStore, members: Iterator[Member], total: int, on_progress: OnProgress
) -> None:
    done = 0
    for member in members:
        if not member.name.startswith(ATTACHMENTS):
            for _ in member.parts():
                pass
            continue
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as waiting:
            for part in member.parts():
                waiting.write(part)
            await store.put(member.name.removeprefix(ATTACHMENTS), waiting)  # type: ignore[arg-type]
        done += 1
        on_progress("files", done, total)


def _pieces(members: Iterator[Member], hashes: Sequence[bytes], on_progress: OnProgress) -> Iterator[bytes]:
    expected = iter(hashes)
    done = 0
    for member in members:
        if member.name.startswith(DATABASE):
            piece = member.content()
            if hashlib.sha256(piece).digest() != next(expected, None):
                raise Damaged
            yield piece
            done += 1
            on_progress("database", done, len(hashes))
        elif done:
            break
        else:
            member.content()
    if next(expected, None) is not None:
        raise Damaged


async def verify_restored(
    settings: Settings, database: Database, checked: Checked, differing: dict[str, tuple[int, int]]
) -> Restored:
    """Hold what would be sent; look whether nobody changed the record, and whether these keys open what is sealed. To
    be called once the schema is this version's.

    Args:
        differing: what :func:`restore` found.
    """
    manifest = checked.manifest
    key = chain_key(settings.index_key.get_secret_value())
    connection = await database.connect(statement_seconds=_STATEMENT_SECONDS, **CONNECTION_SETTINGS)
    try:
        async with database.transaction() as session:
            await hold(session)
            await record(session, OPERATOR, "backup.restored", "backup", [None])
        await Sealer(key, _SEALED_AT_A_STRETCH).seal(connection)
        verdict = await verify(connection, key, lambda finding: None, bytes.fromhex(manifest.newest_hash))
    finally:
        await connection.close()
    restored = Restored(checked, verdict, differing)
    if manifest.revision != migrations.head_revision():
        restored.migrated_to = migrations.head_revision()
    vault = settings.vault()
    in_use = keys_in_use(await usage(database))
    restored.strange_keys = sorted(key_id for key_id in in_use if key_id is not None and key_id not in vault.key_ids)
    await _open_one_of_each(database, vault, restored)
    return restored


async def _open_one_of_each(database: Database, vault: Vault, restored: Restored) -> None:
    """The newest value of every sealed column."""
    for table in sealed_tables():
        for name, purpose in sealed_columns(table).items():
            column = table.c[name]
            newest = (
                select(column)
                .where(column.is_not(None), func.length(column) > 0)
                .order_by(*(key.desc() for key in table.primary_key.columns))
                .limit(1)
            )
            async with database.reading() as reader:
                value = await reader.scalar(newest)
            if value is None:
                continue
            try:
                vault.open(purpose, value)
                restored.opened += 1
            except CannotOpen:
                restored.unopenable.append(f"{table.name}.{name}")
