"""Set-wise reading and writing on the connection of the running transaction.

Inserts go through COPY with ids taken from the table's sequence beforehand, updates and deletes through one statement
over arrays: ten thousand households are a few statements.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, any_, literal, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_ONE_IMPORT_AT_A_TIME = 7_106_021


def within(column: Any, values: Iterable[Any]) -> ColumnElement[bool]:
    """``column = ANY(values)``: one parameter however many values."""
    wanted: ColumnElement[bool] = column == any_(literal(list(values), ARRAY(column.type)))
    return wanted


class Bulk:
    """The transaction's connection. Made by :meth:`begin`, which also keeps other imports waiting until it ends."""

    def __init__(self, session: AsyncSession, raw: Any) -> None:
        self._session = session
        self._raw = raw

    @classmethod
    async def begin(cls, session: AsyncSession) -> "Bulk":
        # The first statement must go through SQLAlchemy: only then has the transaction begun on the raw connection.
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_ONE_IMPORT_AT_A_TIME})"))
        connection = await session.connection()
        return cls(session, (await connection.get_raw_connection()).driver_connection)

    async def rows(self, select: Select[*tuple[Any, ...]]) -> Sequence[Any]:
        return (await self._session.execute(select)).all()

    async def ids(self, table: Table, count: int) -> list[int]:
        """Fresh ids for rows to be inserted."""
        if not count:
            return []
        records = await self._raw.fetch(
            "SELECT nextval(pg_get_serial_sequence($1, 'id')) FROM generate_series(1, $2)", table.name, count
        )
        return [record[0] for record in records]

    async def insert(self, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            await self._raw.copy_records_to_table(table.name, columns=list(columns), records=rows)

    async def update(
        self, table: Table, keys: Sequence[str], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Set ``columns`` where ``keys`` match; each row holds the keys' values, then the columns'."""
        if not rows:
            return
        names = [*keys, *columns]
        types = [table.c[name].type.compile(_DIALECT) for name in names]
        arrays = ", ".join(f"${i}::{type_}[]" for i, type_ in enumerate(types, start=1))
        assignments = ", ".join(f"{name} = new.{name}" for name in columns)
        conditions = " AND ".join(f"{table.name}.{name} = new.{name}" for name in keys)
        # Names come from the models, values are parameters.
        statement = (
            f"UPDATE {table.name} SET {assignments} FROM unnest({arrays}) AS new({', '.join(names)}) "  # noqa: S608 - see above
            f"WHERE {conditions}"
        )
        await self._raw.execute(statement, *map(list, zip(*rows, strict=True)))

    async def delete(self, table: Table, keys: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        types = [table.c[name].type.compile(_DIALECT) for name in keys]
        arrays = ", ".join(f"${i}::{type_}[]" for i, type_ in enumerate(types, start=1))
        conditions = " AND ".join(f"{table.name}.{name} = gone.{name}" for name in keys)
        statement = (
            f"DELETE FROM {table.name} USING unnest({arrays}) AS gone({', '.join(keys)}) "  # noqa: S608 - as above
            f"WHERE {conditions}"
        )
        await self._raw.execute(statement, *map(list, zip(*rows, strict=True)))

    async def execute(self, statement: str, *parameters: Any) -> None:
        await self._raw.execute(statement, *parameters)
