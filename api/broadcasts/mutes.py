"""Topics of which a chat does not want to be told. Legal notices are always told: a time limit may run from them."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import Actor, record
from api.broadcasts.models import Mute
from api.broadcasts.schemas import Topic
from api.errors import InvalidInput
from api.lookups import LookUp, Reading

_ORDER = [topic.value for topic in Topic]
MUTED = LookUp(select(Mute.topic).where(Mute.chat_id == bindparam("chat_id", None, type_=BigInteger())))


async def look_up_mutes(reading: Reading, chat_id: int) -> list[str]:
    """The muted topics, in the order in which they are shown."""
    return sorted((row["topic"] for row in await reading.rows(MUTED, chat_id=chat_id)), key=_ORDER.index)


async def set_mutes(session: AsyncSession, chat_id: int, topics: Collection[Topic]) -> None:
    """From now on these are muted, and no others. What is on its way is not called back.

    Raises:
        InvalidInput: ``LEGAL`` is among them.
    """
    if Topic.LEGAL in topics:
        said = "Any topic but `legal`: legal notices are told in any case"
        raise InvalidInput(fields=[{"at": ["body", "topics"], "expected": said}])
    unmuted = delete(Mute).where(Mute.chat_id == chat_id, Mute.topic.not_in(topics)).returning(Mute.topic)
    changed = [*await session.scalars(unmuted.execution_options(synchronize_session=False))]
    if topics:
        muting = insert(Mute).values([{"chat_id": chat_id, "topic": topic} for topic in dict.fromkeys(topics)])
        changed += await session.scalars(muting.on_conflict_do_nothing().returning(Mute.topic))
    if changed:
        await record(session, Actor.chat(chat_id), "mutes.changed", "chat", [chat_id])


async def forget_mutes(session: AsyncSession, chat_id: int) -> int:
    """For /forget; how many there were."""
    gone: Any = await session.execute(delete(Mute).where(Mute.chat_id == chat_id))
    return int(gone.rowcount)
