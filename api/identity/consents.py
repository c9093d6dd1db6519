"""What people agreed to, recorded with the version of the words, and withdrawn whenever they like.

Personal Information Protection Law, articles 14 to 17 (notice and consent, withdrawal) and 29 (separate consent for
sensitive personal information, as which an ID number counts).
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import Actor, record
from api.errors import ConsentNeeded
from api.identity.models import Consent
from api.identity.schemas import CONSENT_VERSION, ConsentKind, LinkMethod
from api.lookups import LookUp, Reading

NEEDED = {
    LinkMethod.PHONE: (ConsentKind.NOTICE, ConsentKind.ID_NUMBER),
    LinkMethod.AGREEMENT: (ConsentKind.NOTICE, ConsentKind.ID_NUMBER),
    LinkMethod.CODE: (ConsentKind.NOTICE,),
}
"""What each way of proving who one is rests on: a code tells nothing of an ID number."""

IN_FORCE = LookUp(
    select(Consent.kind, Consent.version, Consent.given_at)
    .where(
        Consent.chat_id == bindparam("chat_id", None, type_=BigInteger()),
        Consent.withdrawn_at.is_(None),
        Consent.version == CONSENT_VERSION,
    )
    .order_by(Consent.id)
)


async def look_up_consents(reading: Reading, chat_id: int) -> dict[str, Any]:
    """As :class:`api.identity.schemas.ConsentsOut`."""
    return {"consents": [dict(row) for row in await reading.rows(IN_FORCE, chat_id=chat_id)]}


async def require_consent(session: AsyncSession, chat_id: int, kinds: Collection[ConsentKind]) -> None:
    """
    Raises:
        ConsentNeeded: one of the kinds is not agreed to in the present version of the words.
    """
    given = {row["kind"] for row in await IN_FORCE.in_transaction(session, chat_id=chat_id)}
    if missing := [kind for kind in kinds if kind not in given]:
        raise ConsentNeeded(kinds=missing)


async def give_consent(session: AsyncSession, chat_id: int, kinds: Collection[ConsentKind], version: str) -> None:
    """Record it. What was agreed to in older words is taken as withdrawn.

    Raises:
        ConsentNeeded: the words have changed since the person read them.
    """
    if version != CONSENT_VERSION:
        raise ConsentNeeded(kinds=[*kinds])
    older = Consent.version != CONSENT_VERSION
    await session.execute(
        update(Consent)
        .where(Consent.chat_id == chat_id, Consent.kind.in_(kinds), Consent.withdrawn_at.is_(None), older)
        .values(withdrawn_at=func.now())
        .execution_options(synchronize_session=False)
    )
    given = await session.scalars(
        insert(Consent)
        .values([{"chat_id": chat_id, "kind": kind, "version": version} for kind in dict.fromkeys(kinds)])
        .on_conflict_do_nothing()
        .returning(Consent.id)
    )
    await record(session, Actor.chat(chat_id), "consent.given", "consent", list(given))


async def withdraw_consent(session: AsyncSession, chat_id: int, kinds: Collection[ConsentKind]) -> int:
    """End it from now on; what was done under it stays lawful (article 15). Asked twice, it is done once.

    Returns:
        How many consents were in force.
    """
    withdrawal = await session.scalars(
        update(Consent)
        .where(Consent.chat_id == chat_id, Consent.kind.in_(kinds), Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=func.now())
        .returning(Consent.id)
        .execution_options(synchronize_session=False)
    )
    ended = list(withdrawal)
    await record(session, Actor.chat(chat_id), "consent.withdrawn", "consent", ended)
    return len(ended)
