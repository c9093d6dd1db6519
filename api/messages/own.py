"""What is kept about a chat in this domain: for its copy (/mydata), and its erasure (/forget)."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.chats.access import CHAT_ID
from api.lookups import LookUp, Reading
from api.messages.models import Delivery

NOTICES = LookUp(
    select(Delivery.kind, Delivery.state, Delivery.created_at, Delivery.finished_at)
    .where(Delivery.chat_id == CHAT_ID)
    .order_by(Delivery.id.desc())
    .limit(200)
)


async def look_up_notices(reading: Reading, chat_id: int) -> list[dict[str, Any]]:
    """``StoredNotice`` of each, newest first. Their words are deleted once they are sent."""
    return [dict(row) for row in await reading.rows(NOTICES, chat_id=chat_id)]


async def forget_deliveries(session: AsyncSession, chat_id: int) -> int:
    """Delete its messages, sent or not; what a courier has in hand just now may still arrive.

    Returns:
        How many there were.
    """
    deleted: Any = await session.execute(delete(Delivery).where(Delivery.chat_id == chat_id))
    return int(deleted.rowcount)
