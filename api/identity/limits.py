"""Limits on wrong tries to prove who one is.

A try leaves one row of its chat (without an agreement) and, when it went wrong, one row for each agreement it was aimed
at. The rows are counted under advisory locks, so that simultaneous tries cannot slip past a limit together.
"""

from collections.abc import Collection
from datetime import timedelta
from math import ceil

from sqlalchemy import BigInteger, bindparam, func, insert, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from api.identity.models import VerificationAttempt

CHAT_MAX_WRONG = 5
CHAT_WINDOW = timedelta(minutes=15)
AGREEMENT_MAX_WRONG = 10
AGREEMENT_WINDOW = timedelta(hours=1)

_LOCK = text(
    "SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) WITH ORDINALITY AS wanted(key, position)"
).bindparams(bindparam("keys", type_=ARRAY(BigInteger)))
# Advisory locks share one space of 64-bit keys; ids of Telegram chats have at most 52 significant bits.
_CHAT_SPACE, _AGREEMENT_SPACE = 0x536 << 52, 0x537 << 52


async def lock_chat(session: AsyncSession, chat_id: int) -> None:
    """Until the transaction ends, this chat's tries come one after another."""
    await session.execute(_LOCK, {"keys": [_CHAT_SPACE + chat_id]})


async def lock_agreements(session: AsyncSession, agreement_ids: Collection[int]) -> None:
    """Until the transaction ends, tries aimed at these agreements come one after another. After :func:`lock_chat`."""
    # Sorted, so that two tries never wait for each other in a circle.
    keys = sorted(_AGREEMENT_SPACE + agreement_id for agreement_id in agreement_ids)
    await session.execute(_LOCK, {"keys": keys})


async def seconds_until_chat_may_try(session: AsyncSession, chat_id: int) -> int:
    """0 when the chat may try now. A right try does not end the count: who is linked could guess at others for ever."""
    attempts = VerificationAttempt
    ends_in = func.extract("epoch", attempts.attempted_at + CHAT_WINDOW - func.clock_timestamp())
    # The fifth wrong try from the end: when it leaves the window, there is room for one more.
    seconds = await session.scalar(
        select(ends_in)
        .where(attempts.chat_id == chat_id, attempts.agreement_id.is_(None), ~attempts.succeeded)
        .order_by(attempts.id.desc())
        .offset(CHAT_MAX_WRONG - 1)
        .limit(1)
    )
    return max(0, ceil(seconds)) if seconds is not None else 0


async def locked_agreements(session: AsyncSession, agreement_ids: Collection[int]) -> set[int]:
    """Those of the agreements that take no new links now."""
    attempts = VerificationAttempt
    found = await session.scalars(
        select(attempts.agreement_id)
        .where(
            attempts.agreement_id.in_(agreement_ids),
            ~attempts.succeeded,
            attempts.attempted_at > func.clock_timestamp() - AGREEMENT_WINDOW,
        )
        .group_by(attempts.agreement_id)
        .having(func.count() >= AGREEMENT_MAX_WRONG)
    )
    return {agreement_id for agreement_id in found if agreement_id is not None}


async def record_try(session: AsyncSession, chat_id: int, *, succeeded: bool, wrong_for: Collection[int] = ()) -> None:
    """Remember a try of a chat, and the agreements that it was wrongly aimed at."""
    rows = [(None, succeeded), *((agreement_id, False) for agreement_id in wrong_for)]
    await session.execute(
        insert(VerificationAttempt).values(
            [
                {
                    "chat_id": chat_id,
                    "agreement_id": agreement_id,
                    "succeeded": good,
                    "attempted_at": func.clock_timestamp(),
                }
                for agreement_id, good in rows
            ]
        )
    )
