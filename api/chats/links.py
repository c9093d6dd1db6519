"""The links that a chat may know of."""

from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement
from api.agreements.queries import agreement_ref, ref_columns
from api.chats.access import CHAT_ID, TODAY, live_links
from api.chats.liveness import is_live_link
from api.chats.models import Link
from api.chats.service import OWNERS
from api.lookups import LookUp, Reading, Row
from api.privacy import Vault


def _links() -> LookUp:
    mine = live_links()
    return LookUp(
        select(
            *ref_columns(),
            Link.id.label("link_id"),
            Link.chat_id,
            Link.role,
            Link.method,
            Link.linked_at,
        )
        .select_from(
            mine.join(Link.__table__, Link.agreement_id == mine.c.agreement_id).join(
                Agreement.__table__, Agreement.id == Link.agreement_id
            )
        )
        .where(is_live_link(TODAY), or_(Link.chat_id == CHAT_ID, mine.c.role.in_(OWNERS)))
        .order_by(Link.chat_id != CHAT_ID, Link.agreement_id, Link.id)
    )


LINKS = _links()


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
