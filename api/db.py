"""The database and its three ways in.

``Database.transaction()`` is for requests that change something (an ``AsyncSession``), ``Database.pool`` for look-ups
(see ``api.lookups``: the way of every GET), ``Database.reading()`` for what is neither often nor a look-up.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar

import asyncpg
from sqlalchemy import (
    BigInteger,
    DateTime,
    Enum,
    Identity,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    event,
    func,
    make_url,
)
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column

from api.audit.sightings import Sightings
from api.lookups import ReadPool

SERVER_SETTINGS = {
    "application_name": "shanglou",
    "timezone": "UTC",
    # No just-in-time compiler: it costs a look-up a hundred times what it saves.
    "jit": "off",
    # A process that was stopped in the middle of a transaction does not end it an hour later: see ``api.audit.sealer``.
    "idle_in_transaction_session_timeout": "30min",
}
CONNECT_SECONDS = 5
LOOK_UP_SECONDS = 10
LOCK_SECONDS = 5
"""A request that waits longer for another transaction is told to come again: else a long import, or somebody's trick,
takes one connection after the other until nobody is answered."""
STATEMENT_SECONDS = 60
"""What a request asks of the database at a stretch. Nobody waits that long for an answer but staff for their figures:
it is for the server that was frozen, or is behind a broken wire, and would keep the connection for ever."""
MAX_IDLE_SECONDS = 1800

type_map: dict[Any, Any] = {
    str: Text(),
    int: BigInteger(),
    datetime: DateTime(timezone=True),
    Decimal: Numeric(14, 2),
    # Text with a CHECK: adding a value is one constraint, not an ALTER TYPE that cannot run in a transaction.
    StrEnum: Enum(
        StrEnum,
        native_enum=False,
        length=40,
        create_constraint=True,
        values_callable=lambda e: [m.value for m in e],
    ),
}


class Base(DeclarativeBase):
    """Every table. Constraints are named by rule, so that migrations can address them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = type_map


Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


def sealed(purpose: str, *, doc: str | None = None) -> MappedColumn[Any]:
    """A column that holds only what ``Vault`` sealed for this purpose (text, or JSON as text). By this mark the
    rotation of keys finds it; what is not marked is lost when its key goes."""
    return mapped_column(LargeBinary, info={"sealed": purpose}, doc=doc)


def sealed_columns(table: Table) -> dict[str, str]:
    """Name of column → purpose."""
    return {column.name: column.info["sealed"] for column in table.columns if "sealed" in column.info}


class Sourced:
    """A fact carries where it is from and the day it was true."""

    source: Mapped[str]
    as_of: Mapped[date]


LOCK_TIMED_OUT, DEADLOCK = "55P03", "40P01"


def sql_state(error: Exception) -> str | None:
    """PostgreSQL's code of an error, whether it came through SQLAlchemy or straight from the driver."""
    state: str | None = getattr(getattr(error, "orig", None) or error, "sqlstate", None)
    return state


Reads = AsyncSession | AsyncConnection
"""What a look-up needs: something that executes a select."""


def async_url(url: str) -> str:
    """``postgres://`` or ``postgresql://`` (a libpq URL, unix sockets included) as SQLAlchemy's asyncpg URL."""
    return (
        make_url(url.replace("postgres://", "postgresql://", 1))
        .set(drivername="postgresql+asyncpg")
        .render_as_string(hide_password=False)
    )


def driver_url(url: str) -> str:
    """The same for asyncpg itself."""
    return make_url(async_url(url)).set(drivername="postgresql").render_as_string(hide_password=False)


def _refuse_closed(connection: Any, *_: object) -> None:
    """Have a connection that the server has closed replaced when it is taken. The engine notices it by itself only in
    statements of its own, not in those that go straight to the driver (``LookUp.in_transaction``): such a connection
    would fail again and again."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


class Database:
    """The engine, and the connections of look-ups."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        lock_seconds: float | None = None,
        statement_seconds: float | None = None,
    ) -> None:
        """
        Args:
            url: a PostgreSQL URL.
            lock_seconds: how long a transaction waits at most for what another one keeps locked; as long as it takes,
                where none is given.
            statement_seconds: how long one statement of it may take, likewise.
            pool_size: connections kept open for changes, where as many again may be opened under load, and
                likewise for look-ups, where it is the most.
        """
        patience = {} if lock_seconds is None else {"lock_timeout": f"{lock_seconds}s"}
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=False,
            # Parameters hold what people gave; errors find their way into logs.
            hide_parameters=True,
            pool_recycle=MAX_IDLE_SECONDS,
            pool_timeout=CONNECT_SECONDS,
            connect_args={
                "server_settings": SERVER_SETTINGS | patience,
                "timeout": CONNECT_SECONDS,
                "command_timeout": statement_seconds,
            },
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")

        self._url = driver_url(url)
        self.pool = ReadPool(self.connect, size=pool_size, timeout=CONNECT_SECONDS, max_idle=MAX_IDLE_SECONDS)
        # A connection of its own: no look-up waits behind other look-ups to be recorded.
        recording = ReadPool(self.connect, size=1, timeout=CONNECT_SECONDS, max_idle=MAX_IDLE_SECONDS)
        self.sightings = Sightings(recording)
        self._pools = (self.pool, recording)

    def connect(self, *, statement_seconds: float = LOOK_UP_SECONDS, **server_settings: str) -> Any:
        """A connection of the driver's own, to be awaited; for what takes none from the engine."""
        # Prepared look-ups stay prepared as long as their connection lives.
        return asyncpg.connect(
            self._url,
            timeout=CONNECT_SECONDS,
            command_timeout=statement_seconds,
            max_cached_statement_lifetime=0,
            server_settings=SERVER_SETTINGS | server_settings,
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that commits when the block ends well and rolls back when it raises."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which every statement is its own transaction."""
        async with self._autocommit.connect() as connection:
            yield connection

    async def close(self) -> None:
        await self.sightings.finish()
        for pool in self._pools:
            await pool.close()
        await self.engine.dispose()
