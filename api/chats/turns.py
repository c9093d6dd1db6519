"""Who lets somebody in and who takes a right away come one after another.

A right is given on what its transaction read: whose agreement it is, whose phone, who issued a code. What another
transaction is taking away at that moment it cannot see, and that one does not see the new link either. So both hold
one lock of the whole deployment: shared by who lets in, which stops nobody else from it; alone by who takes away, which
waits for those under way, and whose work those who come after it see.
"""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from api.db import LOCK_TIMED_OUT, sql_state

# Advisory locks share one space of 64-bit keys, as told in ``api.identity.limits``.
_KEY = 0x539 << 52
_LET_IN = text(f"SELECT pg_advisory_xact_lock_shared({_KEY})")
_TAKE_AWAY = text(f"SELECT pg_advisory_xact_lock({_KEY})")
_SHORTLY = text("SET LOCAL lock_timeout = '900ms'")
_AS_BEFORE = text("SET LOCAL lock_timeout TO DEFAULT")
_MOST_TURNS = 100


async def let_in(session: AsyncSession) -> None:
    """Until the transaction ends, nobody takes away what it is about to read. Before that reading."""
    await session.execute(_LET_IN)


async def take_away(session: AsyncSession) -> None:
    """Until the transaction ends, nobody is let in."""
    await session.execute(_TAKE_AWAY)


async def take_away_after_long_work(session: AsyncSession) -> None:
    """The same for a transaction that has changed much: somebody who is being let in may be waiting for a row of its,
    in a circle. PostgreSQL ends one of the two who has waited for a second; it must not be the one with an hour's work,
    so that one never waits as long at a stretch."""
    for turn in range(_MOST_TURNS):
        try:
            async with session.begin_nested():
                await session.execute(_SHORTLY)
                await session.execute(_TAKE_AWAY)
                await session.execute(_AS_BEFORE)
            return
        except DBAPIError as error:
            if sql_state(error) != LOCK_TIMED_OUT or turn + 1 == _MOST_TURNS:
                raise
