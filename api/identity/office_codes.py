"""Codes that the office gave out to families: how they end before somebody uses them."""

from sqlalchemy import ColumnElement, func, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import Actor, record
from api.identity.models import LinkCode


async def end_office_codes(session: AsyncSession, actor: Actor, *which: ColumnElement[bool]) -> None:
    """Nobody gets in any more by those of these codes that the office gave out and nobody has used."""
    ended = await session.scalars(
        update(LinkCode)
        .where(
            LinkCode.issued_by_chat_id.is_(None), LinkCode.used_at.is_(None), LinkCode.expires_at > func.now(), *which
        )
        .values(expires_at=func.now())
        .returning(LinkCode.id)
        .execution_options(synchronize_session=False)
    )
    await record(session, actor, "code.cancelled", "link_code", list(ended))
