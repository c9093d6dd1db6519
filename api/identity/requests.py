"""Requests for access: somebody who cannot prove who they are with what is on file (the holder died, the flat was sold,
a name or a phone changed) asks the office to look at their papers. Staff answer them (``api.staff``)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import Actor, record
from api.chats.models import Chat
from api.errors import ConsentNeeded, TooMany
from api.identity.models import AccessRequest, Consent
from api.identity.schemas import (
    CONSENT_VERSION,
    MAX_OPEN_REQUESTS,
    AccessRequestIn,
    AccessRequestMade,
    AccessRequestState,
    ConsentKind,
)
from api.lookups import LookUp, Reading
from api.privacy import Vault

_SHOWN = 10
_COLUMNS = (
    AccessRequest.id,
    AccessRequest.kind,
    AccessRequest.state,
    AccessRequest.created_at,
    AccessRequest.handled_at,
    AccessRequest.reason,
)
OWN = LookUp(
    select(*_COLUMNS)
    .where(AccessRequest.chat_id == bindparam("chat_id", None, type_=BigInteger()))
    .order_by(AccessRequest.id.desc())
    .limit(_SHOWN)
)


async def file_request(
    session: AsyncSession, vault: Vault, chat_id: int, request: AccessRequestIn, idempotency_key: str
) -> tuple[AccessRequestMade, bool]:
    """Ask the office.

    Args:
        idempotency_key: the same key of the same chat again is the same request, whatever it says the second time.

    Returns:
        The request, and whether it was made now.

    Raises:
        ConsentNeeded: the person has not agreed to the notice about their data.
        TooMany: the chat has ``MAX_OPEN_REQUESTS`` that are not answered yet.
    """
    agreed = select(Consent.id).where(
        Consent.chat_id == chat_id,
        Consent.kind == ConsentKind.NOTICE,
        Consent.version == CONSENT_VERSION,
        Consent.withdrawn_at.is_(None),
    )
    if await session.scalar(agreed) is None:
        raise ConsentNeeded(kinds=[ConsentKind.NOTICE])
    # One after another for each chat, so that two at once do not slip past the limit. Whoever agreed has a row here,
    # unless nothing was ever saved for the chat; then the unique key still keeps one request from being two.
    await session.execute(select(Chat.id).where(Chat.id == chat_id).with_for_update())
    its = AccessRequest.chat_id == chat_id
    made = (
        await session.execute(select(*_COLUMNS).where(its, AccessRequest.idempotency_key == idempotency_key))
    ).one_or_none()
    if made is not None:
        return AccessRequestMade.model_validate(_made(vault, made._asdict())), False
    is_open = select(func.count()).where(its, AccessRequest.state == AccessRequestState.OPEN)
    if (await session.scalar(is_open) or 0) >= MAX_OPEN_REQUESTS:
        raise TooMany(max=MAX_OPEN_REQUESTS)
    row = AccessRequest(
        chat_id=chat_id,
        idempotency_key=idempotency_key,
        kind=request.kind,
        text=vault.seal("access_request.text", request.text),
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    await record(session, Actor.chat(chat_id), "access_request.made", "access_request", [row.id])
    filed = {column.key: getattr(row, column.key) for column in _COLUMNS}
    return AccessRequestMade.model_validate(_made(vault, filed)), True


async def look_up_requests(reading: Reading, chat_id: int) -> dict[str, Any]:
    """As :class:`api.identity.schemas.AccessRequestsMade`."""
    rows = await reading.rows(OWN, chat_id=chat_id)
    return {"requests": [_made(reading.vault, row) for row in rows], "max_open": MAX_OPEN_REQUESTS}


def _made(vault: Vault, row: Mapping[str, Any]) -> dict[str, Any]:
    reason = row["reason"]
    return {**row, "reason": None if reason is None else vault.open("access_request.reason", reason)}
