"""Wishes to be told when a handover date changes. Both ways may be asked twice."""

from datetime import date
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import Actor, record
from api.chats.access import AGREEMENT_ID, CHAT_ID, live_links
from api.chats.models import HandoverWatch
from api.errors import NotFound
from api.identity.schemas import LinkScope

# The table, not the model: given parameters, the ORM takes an insert of a model for a list of rows.
_WATCHES: Any = HandoverWatch.__table__
_MINE = live_links(LinkScope.PROGRESS)
_IT = select(CHAT_ID.label("chat_id"), _MINE.c.agreement_id).where(_MINE.c.agreement_id == AGREEMENT_ID)
_insertion = insert(_WATCHES).from_select(["chat_id", "agreement_id"], _IT)
# An update that changes nothing, since DO NOTHING returns no row: a wish made before would look like a stranger's.
_WATCH = _insertion.on_conflict_do_update(
    index_elements=["chat_id", "agreement_id"], set_={"chat_id": _insertion.excluded.chat_id}
).returning(_WATCHES.c.agreement_id)
_gone = (
    delete(_WATCHES)
    .where(_WATCHES.c.chat_id == CHAT_ID, _WATCHES.c.agreement_id.in_(select(_IT.subquery().c.agreement_id)))
    .returning(_WATCHES.c.agreement_id)
    .cte("gone")
)
_UNWATCH = _IT.add_cte(_gone)


async def watch_handover(session: AsyncSession, chat_id: int, agreement_id: int, today: date) -> None:
    """
    Raises:
        NotFound: the chat has no live link to such an agreement.
    """
    given = {"chat_id": chat_id, "agreement_id": agreement_id, "today": today}
    if (await session.execute(_WATCH, given)).first() is None:
        raise NotFound
    await record(session, Actor.chat(chat_id), "handover.watched", "agreement", [agreement_id])


async def unwatch_handover(session: AsyncSession, chat_id: int, agreement_id: int, today: date) -> None:
    """
    Raises:
        NotFound: the chat has no live link to such an agreement.
    """
    given = {"chat_id": chat_id, "agreement_id": agreement_id, "today": today}
    if (await session.execute(_UNWATCH, given)).first() is None:
        raise NotFound
    await record(session, Actor.chat(chat_id), "handover.unwatched", "agreement", [agreement_id])
