"""Limits on wrong tries to prove who one is.

A try leaves one row. Its wrong ones are counted for its chat, for where it came from beyond the chat, for the number it
was aimed at (by the papers) and for the whole deployment: within windows that slide, and for as long as the rows tell,
so that every replica sees the same. The rows are counted under advisory locks: simultaneous tries cannot slip past a
limit together, but for that of the whole deployment, which they may pass by as many as there are connections.

Tries at codes have limits of their own, as strict as those of phone and papers together: who got the characters of
their ID number wrong can still use the code that the office gave them for it, and who guesses at codes gets nowhere
either way.

Numbers of agreements are counted by their blind index, whether such an agreement exists or not: so both take the same
work.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    LargeBinary,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import Locked
from api.identity.models import VerificationAttempt
from api.identity.schemas import LinkMethod
from api.lookups import LookUp
from api.privacy import Vault

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class GrowingLock:
    """So many wrong tries within a time lock; every further one within ``memory`` locks twice as long."""

    windows: tuple[tuple[int, timedelta], ...]
    first: timedelta
    longest: timedelta = DAY
    memory: timedelta = DAY

    def locked_until(self, wrong: Sequence[datetime]) -> datetime | None:
        """
        Args:
            wrong: when the wrong tries were, oldest first; those of twice the memory, at least.
        """
        if not wrong:
            return None
        last = wrong[-1]
        recent = [moment for moment in wrong if moment > last - self.memory]
        for position, moment in enumerate(recent):
            if self._is_full(recent[: position + 1], moment):
                further = min(len(recent) - 1 - position, 30)
                return last + min(self.first * 2.0**further, self.longest)
        return None

    def _is_full(self, wrong: Sequence[datetime], moment: datetime) -> bool:
        return any(sum(tried > moment - within for tried in wrong) >= most for most, within in self.windows)


CHAT = GrowingLock(((5, 15 * MINUTE), (8, DAY)), first=15 * MINUTE)
"""15 minutes, 30, 1 hour, … Who is unsure is in again the same morning; who guesses has about a dozen tries a day. The
second window is for who spaces them out."""
SOURCE = GrowingLock(((30, HOUR), (60, DAY)), first=HOUR)
"""For whom a shared phone or a neighbourhood of accounts stands."""

AGREEMENT_WINDOWS = ((10, HOUR, HOUR), (15, DAY, DAY))
"""So many wrong tries, within such a time, close an agreement to the papers for that time."""
AGREEMENT_MOST, AGREEMENT_MEMORY = 30, 30 * DAY
"""So many close it until the first of them is that old."""

KEPT = AGREEMENT_MEMORY
"""Attempts that are older count for nothing any more."""


def agreement_closed_until(wrong: Sequence[datetime]) -> datetime | None:
    """
    Args:
        wrong: when the wrong tries aimed at it were, oldest first; the latest thirty of them, at least.
    """
    ends = [
        last + closed
        for most, within, closed in AGREEMENT_WINDOWS
        for first, last in zip(wrong, wrong[most - 1 :], strict=False)
        if first > last - within
    ]
    ends += [first + AGREEMENT_MEMORY for first, _ in zip(wrong, wrong[AGREEMENT_MOST - 1 :], strict=False)]
    return max(ends, default=None)


# --- one after another ---

# Through the session, not as a look-up: the first statement of a transaction is what begins it, and outside of one
# nothing is locked.
_LOCK = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key").bindparams(
    bindparam("keys", type_=ARRAY(BigInteger))
)
# Advisory locks share one space of 64-bit keys; ids of Telegram chats have at most 52 significant bits.
_CHAT_SPACE, _SOURCE_SPACE, _NUMBER_SPACE = 0x536 << 52, 0x537 << 52, 0x538 << 52


def _lock_key(space: int, index: bytes) -> int:
    return space + (int.from_bytes(index[:8]) >> 12)


async def lock_number(session: AsyncSession, number: bytes) -> None:
    """Until the transaction ends, tries aimed at this number come one after another. After
    :func:`begin_try`."""
    await session.execute(_LOCK, {"keys": [_lock_key(_NUMBER_SPACE, number)]})


# --- counting ---

_MOST_ROWS = 100
"""More than a lock lets anybody have within its memory."""
_attempts = VerificationAttempt
_NOW: Any = bindparam("now", None, type_=DateTime(timezone=True))
_clock = select(func.coalesce(_NOW, func.clock_timestamp()).label("now")).cte("clock").prefix_with("MATERIALIZED")
# Literally as in the index of wrong papers, or the planner does not find it.
_WRONG_PAPERS: ColumnElement[bool] = literal_column("method = 'agreement' AND NOT succeeded")


def _interval(length: timedelta) -> Any:
    return literal_column(f"interval '{length.total_seconds():.0f} seconds'")


# Whether a try was at a code: those are counted apart from all others.
_SAME_KIND: ColumnElement[bool] = (_attempts.method == LinkMethod.CODE) == bindparam("at_code", None, type_=Boolean)


def _moments(condition: Any, memory: timedelta, most: int) -> Any:
    latest = (
        select(_attempts.attempted_at)
        .where(condition, ~_attempts.succeeded, _attempts.attempted_at > _clock.c.now - _interval(memory))
        .order_by(_attempts.attempted_at.desc())
        .limit(most)
        .correlate(_clock)
    )
    return func.array(latest.scalar_subquery(), type_=ARRAY(DateTime(timezone=True)))


def _wrong_papers(within: timedelta) -> Any:
    return (
        select(func.count())
        .select_from(_attempts)
        .where(_WRONG_PAPERS, _attempts.attempted_at > _clock.c.now - _interval(within))
        .correlate(_clock)
        .scalar_subquery()
    )


_STANDING = LookUp(
    select(
        _clock.c.now,
        _moments(
            and_(_attempts.chat_id == bindparam("chat_id", None, type_=BigInteger), _SAME_KIND),
            2 * CHAT.memory,
            _MOST_ROWS,
        ).label("chat"),
        _moments(
            and_(_attempts.source_index == bindparam("source", None, type_=LargeBinary), _SAME_KIND),
            2 * SOURCE.memory,
            _MOST_ROWS,
        ).label("source"),
        _wrong_papers(HOUR).label("papers_in_hour"),
        _wrong_papers(DAY).label("papers_in_day"),
    )
)
_AIMED_AT = LookUp(
    select(
        _moments(
            _attempts.number_index == bindparam("number", None, type_=LargeBinary), AGREEMENT_MEMORY, AGREEMENT_MOST
        ).label("wrong")
    ).select_from(_clock)
)


@dataclass(frozen=True)
class Try:
    """A try, and what stands against it before anything is looked up."""

    chat_id: int
    source: bytes
    method: LinkMethod
    now: datetime
    wrong_of_chat: list[datetime]
    wrong_of_source: list[datetime]
    papers_in_hour: int
    papers_in_day: int

    def refuse_if_locked(self) -> None:
        """
        Raises:
            Locked: too many wrong tries of this kind, of this chat or of where it comes from.
        """
        ends = [CHAT.locked_until(self.wrong_of_chat), SOURCE.locked_until(self.wrong_of_source)]
        seconds = max(((end - self.now).total_seconds() for end in ends if end is not None), default=0)
        if seconds > 0:
            raise Locked(retry_after_seconds=ceil(seconds))

    def locks_if_wrong(self) -> list[str]:
        """What it would lock by being wrong."""
        chat = CHAT.locked_until([*self.wrong_of_chat, self.now])
        source = SOURCE.locked_until([*self.wrong_of_source, self.now])
        return [kind for kind, until in (("chat", chat), ("source", source)) if until is not None]


async def begin_try(
    session: AsyncSession,
    vault: Vault,
    chat_id: int,
    method: LinkMethod,
    *,
    phone: bytes | None = None,
    now: datetime | None = None,
) -> Try:
    """Until the transaction ends, tries of this chat, and from where it comes, come one after another.

    Args:
        phone: blind index of the phone that was shared.
        now: the moment of the try; by default the database's, which all replicas share.
    """
    source = _source(vault, chat_id, phone)
    # Always in the same order, so that two tries never wait for each other in a circle.
    await session.execute(_LOCK, {"keys": [_CHAT_SPACE + chat_id, _lock_key(_SOURCE_SPACE, source)]})
    (row,) = await _STANDING.in_transaction(
        session, now=now, chat_id=chat_id, source=source, at_code=method is LinkMethod.CODE
    )
    moment, of_chat, of_source, papers_in_hour, papers_in_day = row
    return Try(chat_id, source, method, moment, of_chat[::-1], of_source[::-1], papers_in_hour, papers_in_day)


def _source(vault: Vault, chat_id: int, phone: bytes | None) -> bytes:
    """Where a try comes from beyond its chat: the phone that was shared, else the neighbourhood of the account.

    The latter is a heuristic: Telegram gives ids in the order of registering, so accounts made in bulk for guessing lie
    close together, and two families hardly ever. Who makes them over a longer time escapes it.
    """
    comes_from = f"accounts {chat_id >> 16}" if phone is None else f"phone {phone.hex()}"
    return vault.index("verification.source", comes_from)


async def wrong_tries_at(session: AsyncSession, number: bytes, now: datetime) -> list[datetime]:
    """When the wrong tries aimed at this number were, oldest first."""
    (row,) = await _AIMED_AT.in_transaction(session, now=now, number=number)
    wrong: list[datetime] = row["wrong"]
    return wrong[::-1]


async def closed_numbers(session: AsyncSession, numbers: Collection[bytes], now: datetime) -> set[bytes]:
    """Those of the numbers that take no proof by papers now."""
    closed = set()
    for number in numbers:
        until = agreement_closed_until(await wrong_tries_at(session, number, now))
        if until is not None and until > now:
            closed.add(number)
    return closed


_RECORDED = ("chat_id", "source_index", "number_index", "method", "succeeded", "attempted_at")
_RECORD = LookUp(
    insert(_attempts)
    .values({name: bindparam(name, None, type_=_attempts.__table__.c[name].type) for name in _RECORDED})
    .returning(_attempts.id)
)


async def record_try(session: AsyncSession, attempt: Try, *, succeeded: bool, number: bytes | None = None) -> None:
    """Remember a try, and the number that a wrong one was aimed at."""
    await _RECORD.in_transaction(
        session,
        chat_id=attempt.chat_id,
        source_index=attempt.source,
        number_index=number,
        method=attempt.method.value,
        succeeded=succeeded,
        attempted_at=attempt.now,
    )
