"""The links that a chat may know of."""

from datetime import date
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.agreements.models import Agreement
from api.agreements.queries import agreement_ref, ref_columns
from api.chats.access import CHAT_ID, TODAY
from api.chats.liveness import is_live_link
from api.chats.models import Link
from api.chats.service import OWNERS
from api.lookups import LookUp, Reading, Row
from api.privacy import Vault

_mine = aliased(Link)
_owned = exists().where(
    _mine.chat_id == CHAT_ID,
    _mine.agreement_id == Link.agreement_id,
    _mine.role.in_(OWNERS),
    is_live_link(TODAY, _mine),
)
LINKS = LookUp(
    select(
        *ref_columns(),
        Link.id.label("link_id"),
        Link.chat_id,
        Link.role,
        Link.method,
        Link.linked_at,
    )
    .join(Agreement, Agreement.id == Link.agreement_id)
    .where(is_live_link(TODAY), or_(Link.chat_id == CHAT_ID, _owned))
    .order_by(Link.chat_id != CHAT_ID, Link.agreement_id, Link.id)
)


def _links_out(vault: Vault, chat_id: int, rows: list[Row]) -> dict[str, Any]:
    return {
        "links": [
            {
                "id": row["link_id"],
                "agreement": agreement_ref(vault, row),
                "role": row["role"],
                "method": row["method"],
                "linked_at": row["linked_at"],
                "this_chat": row["chat_id"] == chat_id,
                # Who may see a link may end it.
                "can_unlink": True,
            }
            for row in rows
        ]
    }


async def list_links(reading: Reading, chat_id: int) -> dict[str, Any]:
    """The chat's own live links and, of agreements that it owns, those of other chats; own ones first. As
    :class:`api.identity.schemas.LinksOut`."""
    return _links_out(reading.vault, chat_id, await reading.rows(LINKS, chat_id=chat_id))


async def list_links_within(session: AsyncSession, vault: Vault, chat_id: int, today: date) -> dict[str, Any]:
    """The same within a transaction that has begun."""
    return _links_out(vault, chat_id, await LINKS.in_transaction(session, chat_id=chat_id, today=today))
