"""Statements that are compiled once and sent straight to the driver, in one round trip each: above all look-ups.

How to write one
----------------
1. In the domain's ``queries.py`` a statement at module level, from SQLAlchemy's Core::

       HOMES = LookUp(select(Agreement.id, …).select_from(live_links().join(Agreement, …)))

   Whatever a resident may see starts from ``api.chats.access.live_links()``. What differs from call to call is a
   ``bindparam("name", None, type_=…)``; ``today`` is filled in. Lists inside a row are aggregated by PostgreSQL into
   JSON text (:func:`json_object`, :func:`json_list`), with the keys of the schema and decimals as text.
2. In the domain's ``service.py`` a function of a :class:`Reading` that makes the answer of the rows: plain dicts with
   the keys of the schema; JSON text from the database goes into it unread (:func:`fragment`). Only sealed values are
   opened here. Where it is asked for a chat alone, a :class:`ChatLookUp`: it can come with the chat's state.
   What shows something about a family is recorded before the rows are handed out: ``LookUp(…, seen="homes.seen")``
   records the agreements of its rows (their ``id``) for the chat that asked. Where the rows do not tell it so plainly,
   the service itself calls :meth:`Reading.seen`. tests/api/test_audit.py fails for a GET that forgets it.
3. In ``routes.py`` a GET with ``response_model=`` for the OpenAPI document, which answers
   ``facts(await look_something_up(reading(request), chat_id))``. Its test parses the answer with the schema, since
   nothing else checks it.

Why not through an AsyncConnection: measured on one core, that costs 190 µs for each select, this 15 µs. Values come
as asyncpg gives them: enumerations as their text, JSON as text.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import Request, Response
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    SQLColumnExpression,
    Text,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import visitors
from sqlalchemy.sql.dml import ReturningInsert, Update

from api.audit.actors import Actor
from api.audit.sightings import Sightings
from api.privacy import Vault

_ANYTHING = select(literal(1))
FEW = 3
"""Look-ups at the same time, as long as none takes long. One process answers 2,000 a second with one and a half."""
FEW_SECONDS = 0.1

Row = Any
"""An ``asyncpg.Record``: by name or by position, ``None`` for NULL."""


def _inline(constant: BindParameter[Any]) -> None:
    if constant.unique:
        constant.literal_execute = True


class LookUp:
    """A statement that is turned into SQL once. Its constants become part of the SQL; its named ``bindparam`` are given
    with each call, as values that asyncpg takes (int, str, date, bytes)."""

    def __init__(
        self,
        statement: Select[*tuple[Any, ...]] | ReturningInsert[*tuple[Any, ...]] | Update,
        *,
        seen: str | None = None,
    ) -> None:
        """
        Args:
            seen: the action that is recorded with each call, where the rows (with the agreement's ``id``) are data of
                the families whom ``chat_id`` may see: ``homes.seen``.
        """
        self.statement = statement
        self.seen = seen

    @cached_property
    def _compiled(self) -> tuple[str, tuple[str, ...]]:
        statement = visitors.cloned_traverse(self.statement, {}, {"bindparam": _inline})
        dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
        compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        return str(compiled), tuple(compiled.positiontup or ())

    @property
    def sql(self) -> str:
        return self._compiled[0]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names in the order of $1, $2, …"""
        return self._compiled[1]

    def after(self, one: "LookUp") -> "LookUp":
        """Two look-ups in one round trip: each row of this one behind the columns of ``one``, which gives a single row.
        Where this one finds nothing, there is that single row, and all of this one's columns are NULL.

        The order is this one's: PostgreSQL joins without a condition in one way only, which keeps it.
        """
        first, then = _select(one).subquery("first"), _select(self).subquery("then")
        if both := {*first.c.keys()} & {*then.c.keys()}:
            raise TypeError(f"in both look-ups: {', '.join(sorted(both))}")
        return LookUp(select(*first.c, *then.c).select_from(first.outerjoin(then, true())), seen=self.seen)

    async def in_transaction(self, session: AsyncSession, **values: Any) -> list[Row]:
        """The same within the session's transaction: it sees what that has written. As the first statement of all it
        costs a round trip more; where that counts, the first one goes through ``session.connection()``.

        Raises:
            KeyError: a parameter was not given.
        """
        await session.flush()
        raw = await (await session.connection()).get_raw_connection()
        driver: Any = raw.driver_connection
        if not driver.is_in_transaction():
            # SQLAlchemy begins with the first statement that it sends itself: before that, ours would stand alone.
            await session.execute(_ANYTHING)
        rows: list[Row] = await driver.fetch(self.sql, *(values[name] for name in self.parameters))
        return rows


def _select(look_up: LookUp) -> Select[*tuple[Any, ...]]:
    if not isinstance(look_up.statement, Select):
        raise TypeError("only what is read can be joined")
    return look_up.statement


class ReadPool:
    """Connections for look-ups: opened when needed, reused last-in first-out, thrown away after any failure.

    A connection that the server has closed is noticed when it is taken, so a restart of PostgreSQL costs nobody an
    answer. asyncpg's own pool does more (it resets each connection after use) and costs 25 µs more for each look-up.

    A few connections do most of the work. Ten that look up at the same time on a few processors take half as much
    processor time again for each look-up, since each has caches of its own. Who finds the few busy takes another one
    only after ``FEW_SECONDS``: nobody stands behind what takes long.
    """

    def __init__(self, connect: Callable[[], Any], *, size: int, timeout: float, max_idle: float) -> None:
        """
        Args:
            connect: opens a connection; awaited.
            size: connections at most; who finds none waits.
            timeout: seconds to wait for a connection.
            max_idle: seconds after which an unused connection is not trusted any more.
        """
        self._connect = connect
        self._few = asyncio.Semaphore(min(FEW, size))
        self._slots = asyncio.Semaphore(size)
        self._timeout = timeout
        self._max_idle = max_idle
        self._idle: deque[tuple[float, Any]] = deque()
        self._closed = False

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        """
        Raises:
            TimeoutError: no connection came free, or the statement took too long.
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: the database failed.
        """
        among_few = await _acquired(self._few, FEW_SECONDS)
        try:
            if not await _acquired(self._slots, self._timeout):
                raise TimeoutError("no connection came free")
            try:
                return await self._fetch(sql, *values)
            finally:
                self._slots.release()
        finally:
            if among_few:
                self._few.release()

    async def _fetch(self, sql: str, *values: Any) -> list[Row]:
        connection = await self._take()
        try:
            rows: list[Row] = await connection.fetch(sql, *values)
        except BaseException:
            connection.terminate()
            raise
        if self._closed:
            connection.terminate()
        else:
            self._idle.append((time.monotonic(), connection))
        return rows

    async def _take(self) -> Any:
        oldest = time.monotonic() - self._max_idle
        while self._idle:
            used, connection = self._idle.pop()
            if used > oldest and not connection.is_closed():
                return connection
            connection.terminate()
        return await self._connect()

    async def close(self) -> None:
        self._closed = True
        while self._idle:
            await self._idle.pop()[1].close(timeout=1)


async def _acquired(semaphore: asyncio.Semaphore, seconds: float) -> bool:
    if not semaphore.locked():
        return await semaphore.acquire()
    try:
        async with asyncio.timeout(seconds):
            return await semaphore.acquire()
    except TimeoutError:
        return False


class Reading:
    """All that a look-up needs: where to read, what opens sealed values, what day it is, who keeps record of what was
    seen. One for the whole process."""

    def __init__(self, pool: ReadPool, vault: Vault, timezone: ZoneInfo, sightings: Sightings) -> None:
        self.pool = pool
        self.vault = vault
        self.timezone = timezone
        self.sightings = sightings

    def today(self) -> date:
        """The day in the office's time zone."""
        return datetime.now(self.timezone).date()

    async def rows(self, look_up: LookUp, **values: Any) -> list[Row]:
        """
        Raises:
            KeyError: a parameter was not given.
            Unavailable: it could not be recorded.
        """
        values["today"] = self.today()
        sql, parameters = look_up._compiled
        rows = await self.pool.fetch(sql, *[values[name] for name in parameters])
        if rows and look_up.seen is not None:
            shown = [row["id"] for row in rows if row["id"] is not None]
            await self.seen(Actor.chat(values["chat_id"]), look_up.seen, shown)
        return rows

    async def seen(self, actor: Actor, action: str, ids: Iterable[int], object_kind: str = "agreement") -> None:
        """Record that these objects are about to be shown to the actor, each once; none: nothing is recorded.

        Raises:
            Unavailable: it could not be recorded; then nothing may be shown.
        """
        await self.sightings.add(actor, action, object_kind, dict.fromkeys(ids))


class ChatLookUp:
    """What a chat may see of its family: ``await look_up_homes(reading, chat_id)``."""

    def __init__(self, look_up: LookUp, tell: Callable[[Vault, Sequence[Row]], list[dict[str, Any]]]) -> None:
        """
        Args:
            look_up: with ``chat_id`` for its parameter, and an ``id`` in each row.
            tell: makes the answer of its rows.
        """
        self.look_up = look_up
        self.tell = tell

    async def __call__(self, reading: Reading, chat_id: int) -> list[dict[str, Any]]:
        return self.tell(reading.vault, await reading.rows(self.look_up, chat_id=chat_id))


def reading(request: Request) -> Reading:
    """A plain function, not a dependency: solving one costs more than the rest of the route's work."""
    found: Reading = request.app.state.reading
    return found


def facts(answer: Any) -> Response:
    """A look-up's answer as it stands, without validating our own rows once more."""
    return Response(orjson.dumps(answer), media_type="application/json")


def fragment(json_text: str | None) -> orjson.Fragment | None:
    """JSON text from the database, to go into an answer unread."""
    return None if json_text is None else orjson.Fragment(json_text)


def json_object(**columns: Any) -> ColumnElement[Any]:
    """A JSON object of columns, under the names given."""
    pairs: list[Any] = []
    for name, column in columns.items():
        pairs += literal_column(f"'{name}'"), column
    return func.json_build_object(*pairs)


def json_list(item: ColumnElement[Any], *order: SQLColumnExpression[Any]) -> ColumnElement[Any]:
    """A JSON array of the items in that order; ``[]`` where there are none."""
    return func.coalesce(func.json_agg(aggregate_order_by(item, *order)), literal_column("'[]'::json"))


def first_of(column: SQLColumnExpression[Any], *order: SQLColumnExpression[Any]) -> ColumnElement[Any]:
    """The column's value in the first row of a group, in that order; NULL where there is no row."""
    return func.array_agg(aggregate_order_by(column, *order))[literal_column("1")]


def decimal_text(column: SQLColumnExpression[Any]) -> ColumnElement[str]:
    """Decimals travel as strings: JSON's numbers are binary fractions to most readers."""
    return cast(column, Text)
