"""What is kept about a chat in this domain: for its copy (/mydata), and its erasure (/forget)."""

from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement
from api.agreements.schemas import AgreementKind
from api.agreements.service import former_ref
from api.audit.actors import Actor
from api.audit.service import record
from api.chats.access import CHAT_ID
from api.chats.models import Chat, HandoverWatch, Link
from api.identity.models import LinkCode
from api.identity.schemas import LinkScope
from api.lookups import LookUp, Reading

STORED = LookUp(
    select(Chat.locale, Chat.dialog, Chat.created_at, Chat.saved_at, Chat.gone_at.is_not(None).label("gone")).where(
        Chat.id == CHAT_ID
    )
)
ENDED = LookUp(
    select(Agreement.id, Agreement.number, Agreement.kind, Link.scope, Link.role, Link.linked_at, Link.revoked_at)
    .join(Agreement, Agreement.id == Link.agreement_id)
    .where(Link.chat_id == CHAT_ID, Link.revoked_at.is_not(None))
    .order_by(Link.id),
    seen="links.seen",
)
_let_in = select(LinkCode.id).where(LinkCode.issued_by_chat_id == CHAT_ID)
COUNTED = LookUp(
    select(
        func.count().filter(Link.chat_id == CHAT_ID).label("links"),
        func.count().filter(Link.chat_id != CHAT_ID).label("let_in"),
    ).where(Link.revoked_at.is_(None), (Link.chat_id == CHAT_ID) | Link.code_id.in_(_let_in))
)


async def look_up_chat(reading: Reading, chat_id: int) -> dict[str, Any] | None:
    """As :class:`api.rights.schemas.StoredChat`; none: nothing is stored of it."""
    rows = await reading.rows(STORED, chat_id=chat_id)
    if not rows:
        return None
    row = rows[0]
    dialog = row["dialog"]
    return dict(row) | {"dialog": None if dialog is None else reading.vault.open_json("chat.dialog", dialog)}


async def look_up_ended_links(reading: Reading, chat_id: int) -> list[dict[str, Any]]:
    """``EndedLink`` of each that this chat once had."""
    return [
        {
            "agreement": former_ref(
                row["id"], row["number"], AgreementKind(row["kind"]), LinkScope(row["scope"])
            ).model_dump(mode="json"),
            "role": row["role"],
            "linked_at": row["linked_at"],
            "ended_at": row["revoked_at"],
        }
        for row in await reading.rows(ENDED, chat_id=chat_id)
    ]


async def count_links(reading: Reading, chat_id: int) -> tuple[int, int]:
    """The chat's own links that nobody ended, and those of others that it let in with codes."""
    [row] = await reading.rows(COUNTED, chat_id=chat_id)
    return row["links"], row["let_in"]


async def forget_chat(session: AsyncSession, chat_id: int) -> int:
    """Delete its conversation, watches and links, which are ended already; nobody else's row names it any more. The
    audit record goes on telling whose homes it saw: who got in with stolen papers must not get out without a trace.

    Returns:
        How many rows told of it.
    """
    saw = await session.scalars(select(Link.agreement_id).where(Link.chat_id == chat_id).distinct())
    await record(session, Actor.chat(chat_id), "link.forgotten", "agreement", sorted(saw))
    statements: tuple[Any, ...] = (
        delete(HandoverWatch).where(HandoverWatch.chat_id == chat_id),
        delete(Link).where(Link.chat_id == chat_id),
        update(Link).where(Link.revoked_by_chat_id == chat_id).values(revoked_by_chat_id=None),
        delete(Chat).where(Chat.id == chat_id),
    )
    told = 0
    for statement in statements:
        result: Any = await session.execute(statement.execution_options(synchronize_session=False))
        told += result.rowcount
    return told
