"""Rotation of the encryption keys: everything sealed is sealed anew with the first key of the ring, while the system
runs.

What is sealed, the models tell (``api.db.sealed``); files are told by their rows. Values are read in small batches
without a lock and written by compare-and-set on the old ciphertext, in one short statement that leaves out rows which
somebody else has locked: it waits for nobody, overwrites nobody's newer value, and takes part in no deadlock. What was
left out is found by the next pass. There is no state of its own: whatever bears the active key is done, so a rotation
that was broken off is simply begun again, and two at once do no harm.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Row,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    column,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from api.audit.service import OPERATOR, record
from api.cases.files import Stored, count_by_key, files_to_reseal, reseal_file
from api.cases.store import AttachmentStore
from api.db import Database, sealed_columns
from api.privacy import CannotOpen, Vault
from api.tables import Base

FILES = "files"
"""How the files of attachments are called among the tables and columns."""
_BATCH = 200
_FILES_AT_ONCE = 4
_PASSES = 5
_PAUSE_SECONDS = 1.0

OnProgress = Callable[[str, int, int], None]
"""What, how many of them are done, of how many."""


@dataclass(frozen=True)
class Usage:
    """How many values of a column, or files, each key has sealed; under ``None`` those that no key has."""

    place: str
    by_key: dict[str | None, int]


@dataclass
class Rotation:
    """What one run did. ``unopenable`` are values, by place and row, that no key of the ring opens: they stay as they
    are. ``usage`` is from its end."""

    resealed: dict[str, int] = field(default_factory=dict)
    unopenable: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)


def sealed_tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if sealed_columns(table)]


def keys_in_use(usage: Sequence[Usage]) -> set[str | None]:
    return {key_id for place in usage for key_id, count in place.by_key.items() if count}


async def usage(database: Database) -> list[Usage]:
    """Which key has sealed how much. Reads every sealed value's head."""
    found = []
    for table in sealed_tables():
        for name in sealed_columns(table):
            found.append(Usage(f"{table.name}.{name}", await _count(database, table, name)))
    found.append(Usage(FILES, await count_by_key(database)))
    return found


async def _count(database: Database, table: Table, name: str) -> dict[str | None, int]:
    sealed = table.c[name]
    key_id = func.substr(sealed, literal_column("2"), func.get_byte(sealed, literal_column("0")), type_=LargeBinary)
    # An empty value has no head.
    head = select(key_id.label("key_id")).where(func.length(sealed) > 0).subquery()
    async with database.reading() as reader:
        rows = (await reader.execute(select(head.c.key_id, func.count()).group_by(head.c.key_id))).all()
        empty = await reader.scalar(select(func.count()).select_from(table).where(func.length(sealed) == 0))
    counts: dict[str | None, int] = {None: empty} if empty else {}
    for raw, count in rows:
        key = _key_id(raw)
        counts[key] = counts.get(key, 0) + count
    return counts


def _key_id(raw: bytes) -> str | None:
    try:
        text = raw.decode()
    except ValueError:
        return None
    return text if text and text.isprintable() else None


async def rotate(database: Database, vault: Vault, store: AttachmentStore, on_progress: OnProgress) -> Rotation:
    """Seal with the active key what it has not sealed yet.

    Raises:
        Unavailable: the object store failed; another run goes on.
    """
    async with database.transaction() as session:
        await record(session, OPERATOR, "keys.rotated", "key", [None])
    outcome = Rotation()
    for table in sealed_tables():
        await _rotate_table(database, vault, table, outcome, on_progress)
    await _rotate_files(database, vault, store, outcome, on_progress)
    outcome.usage = await usage(database)
    return outcome


# --- columns ---


async def _rotate_table(
    database: Database, vault: Vault, table: Table, outcome: Rotation, on_progress: OnProgress
) -> None:
    resealing = _Resealing(vault, table)
    async with database.reading() as reader:
        total = await reader.scalar(select(func.count()).select_from(table).where(resealing.stale)) or 0
    done, missed, unopenable = 0, 0, set[tuple[str, tuple[Any, ...]]]()
    for _ in range(_PASSES):
        if missed:
            await asyncio.sleep(_PAUSE_SECONDS)
        found, missed, after = 0, 0, None
        while rows := await _all(database, resealing.batch(after)):
            after = resealing.key_of(rows[-1])
            changes, failed = resealing.changes(rows)
            written = len(await _all(database, resealing.write, resealing.arrays(changes))) if changes else 0
            unopenable |= failed
            found += len(changes)
            missed += len(changes) - written
            done += written
            on_progress(table.name, done, max(total, done))
        if not found:
            break
    outcome.resealed[table.name] = done
    outcome.unopenable += sorted(unopenable)


async def _all(database: Database, statement: Any, values: dict[str, Any] | None = None) -> Sequence[Row[Any]]:
    async with database.reading() as connection:
        return (await connection.execute(statement, values)).all()


class _Resealing:
    """One table: the statements, and what lies between reading and writing. Rows are the primary key, then the sealed
    columns; changes are the primary key, then the old and the new values of the sealed columns."""

    def __init__(self, vault: Vault, table: Table) -> None:
        self._vault = vault
        self._table = table
        self._purposes = sealed_columns(table)
        self._key = list(table.primary_key.columns)
        self._sealed = [table.c[name] for name in self._purposes]
        header = vault.active_header
        end: ColumnElement[int] = literal_column(str(len(header)))
        heads = [func.substr(c, literal_column("1"), end, type_=LargeBinary) for c in self._sealed]
        self.stale: ColumnElement[bool] = or_(*(head != header for head in heads))
        self.write = self._compare_and_set()

    def batch(self, after: tuple[Any, ...] | None) -> Select[Any]:
        """The next rows that hold a value which another key has sealed."""
        statement = select(*self._key, *self._sealed).where(self.stale).order_by(*self._key).limit(_BATCH)
        return statement if after is None else statement.where(tuple_(*self._key) > after)

    def key_of(self, row: Row[Any]) -> tuple[Any, ...]:
        return tuple(row[: len(self._key)])

    def changes(self, rows: Sequence[Row[Any]]) -> tuple[list[tuple[Any, ...]], set[tuple[str, tuple[Any, ...]]]]:
        """Rows with their values sealed anew, and where values are that do not open."""
        changes, failed = [], set[tuple[str, tuple[Any, ...]]]()
        for row in rows:
            key = self.key_of(row)
            old = tuple(row[len(key) :])
            new = list(old)
            for number, (name, purpose) in enumerate(self._purposes.items()):
                try:
                    new[number] = None if old[number] is None else self._vault.reseal(purpose, old[number])
                except CannotOpen:
                    failed.add((f"{self._table.name}.{name}", key))
            if tuple(new) != old:
                changes.append((*key, *old, *new))
        return changes, failed

    def arrays(self, changes: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
        """As parameters of ``write``."""
        return {f"v{number}": list(values) for number, values in enumerate(zip(*changes, strict=True))}

    def _compare_and_set(self) -> Update:
        columns = [*self._key, *self._sealed, *self._sealed]
        change = (
            func.unnest(*(bindparam(f"v{n}", type_=ARRAY(c.type)) for n, c in enumerate(columns)))
            .table_valued(*(column(f"c{n}", c.type) for n, c in enumerate(columns)), name="change")
            .render_derived()
        )
        before = len(self._key) + len(self._sealed)

        def unchanged(table: Any, change: Any) -> ColumnElement[bool]:
            keys = [table.c[c.name] == change.c[f"c{n}"] for n, c in enumerate(self._key)]
            olds = [
                table.c[c.name].is_not_distinct_from(change.c[f"c{n}"])
                for n, c in enumerate(self._sealed, start=len(self._key))
            ]
            return and_(*keys, *olds)

        target = self._table.alias("target")
        # FOR NO KEY UPDATE: rows that refer to this one can be written all the while.
        free = (
            select(*change.c)
            .select_from(change.join(target, unchanged(target, change)))
            .with_for_update(of=target, skip_locked=True, key_share=True)
            .subquery("free")
        )
        return (
            update(self._table)
            .values({c: free.c[f"c{n}"] for n, c in enumerate(self._sealed, start=before)})
            .where(unchanged(self._table, free))
            .returning(*self._key)
        )


# --- files ---


async def _rotate_files(
    database: Database, vault: Vault, store: AttachmentStore, outcome: Rotation, on_progress: OnProgress
) -> None:
    total = sum(count for key_id, count in (await count_by_key(database)).items() if key_id != vault.active_key_id)
    done = after = 0
    while batch := await files_to_reseal(database, vault, after, _BATCH):
        after = batch[-1].id
        waiting = iter(batch)

        async def work(waiting: Iterator[Stored] = waiting) -> None:
            nonlocal done
            for stored in waiting:
                try:
                    resealed = await reseal_file(database, vault, store, stored)
                    done += resealed
                except (CannotOpen, FileNotFoundError):
                    outcome.unopenable.append((FILES, (stored.id,)))
                on_progress(FILES, done, max(total, done))

        # A failure waits for the others: no file is left half way.
        for failure in await asyncio.gather(*(work() for _ in range(_FILES_AT_ONCE)), return_exceptions=True):
            if failure is not None:
                raise failure
    outcome.resealed[FILES] = done
