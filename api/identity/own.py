"""What is kept about a chat in this domain: for its copy (/mydata), and its erasure (/forget)."""

from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.chats.access import CHAT_ID
from api.identity.consents import withdraw_consent
from api.identity.models import AccessRequest, Consent, LinkCode, VerificationAttempt
from api.identity.schemas import AccessRequestState, ConsentKind
from api.lookups import LookUp, Reading

CONSENTS = LookUp(
    select(Consent.kind, Consent.version, Consent.given_at, Consent.withdrawn_at)
    .where(Consent.chat_id == CHAT_ID)
    .order_by(Consent.id)
)
REQUESTS = LookUp(
    select(
        AccessRequest.id,
        AccessRequest.kind,
        AccessRequest.state,
        AccessRequest.text,
        AccessRequest.created_at,
        AccessRequest.handled_at,
    )
    .where(AccessRequest.chat_id == CHAT_ID)
    .order_by(AccessRequest.id)
)
CODES = LookUp(
    select(LinkCode.scope, LinkCode.valid_until, LinkCode.issued_at, LinkCode.expires_at, LinkCode.used_at)
    .where(LinkCode.issued_by_chat_id == CHAT_ID)
    .order_by(LinkCode.id)
)
TRIES = LookUp(
    select(
        func.count().label("count"),
        func.count().filter(~VerificationAttempt.succeeded).label("wrong"),
        func.max(VerificationAttempt.attempted_at).label("last_at"),
    ).where(VerificationAttempt.chat_id == CHAT_ID)
)
COUNTED = LookUp(
    select(
        func.count().label("requests"),
        func.count().filter(AccessRequest.state == AccessRequestState.OPEN).label("open_requests"),
    ).where(AccessRequest.chat_id == CHAT_ID)
)


async def look_up_identity(reading: Reading, chat_id: int) -> dict[str, Any]:
    """``consents``, ``requests``, ``codes`` and ``tries`` of :class:`api.rights.schemas.MyDataOut`."""
    requests = [
        dict(row) | {"text": reading.vault.open("access_request.text", row["text"])}
        for row in await reading.rows(REQUESTS, chat_id=chat_id)
    ]
    [tries] = await reading.rows(TRIES, chat_id=chat_id)
    return {
        "consents": [dict(row) for row in await reading.rows(CONSENTS, chat_id=chat_id)],
        "requests": requests,
        "codes": [dict(row) for row in await reading.rows(CODES, chat_id=chat_id)],
        "tries": dict(tries),
    }


async def count_requests(reading: Reading, chat_id: int) -> dict[str, int]:
    [row] = await reading.rows(COUNTED, chat_id=chat_id)
    return dict(row)


async def forget_requests(session: AsyncSession, chat_id: int) -> int:
    """Delete what it asked the office, answered or not. A clerk who is just letting somebody in is waited for, so that
    links are ended after this.

    Returns:
        How many there were.
    """
    deleted: Any = await session.execute(delete(AccessRequest).where(AccessRequest.chat_id == chat_id))
    return int(deleted.rowcount)


async def forget_identity(session: AsyncSession, chat_id: int) -> int:
    """End its codes and withdraw its consents. Codes that were used stay, without the chat: links rest on them. Tries
    stay as well (``api.identity.limits.KEPT``): forgetting is no way around a lock.

    Returns:
        How many rows told of it.
    """
    unused = delete(LinkCode).where(LinkCode.issued_by_chat_id == chat_id, LinkCode.used_at.is_(None))
    issued = update(LinkCode).where(LinkCode.issued_by_chat_id == chat_id).values(issued_by_chat_id=None)
    used = update(LinkCode).where(LinkCode.used_by_chat_id == chat_id).values(used_by_chat_id=None)
    told = 0
    for statement in (unused, issued, used):
        result: Any = await session.execute(statement.execution_options(synchronize_session=False))
        told += result.rowcount
    return told + await withdraw_consent(session, chat_id, list(ConsentKind))
