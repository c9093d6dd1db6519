"""Putting news into the outbox."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.messages.models import Delivery
from api.messages.schemas import NoticeKind
from api.privacy import Vault


async def enqueue_notice(
    session: AsyncSession,
    vault: Vault,
    chat_ids: Iterable[int],
    kind: NoticeKind,
    payload: dict[str, Any],
    *,
    dedupe_key: str | None = None,
) -> None:
    """Tell these chats something, each in its own language, in the transaction that makes it true.

    Args:
        payload: the facts that the words need, as JSON holds them; stored sealed.
        dedupe_key: of the news; each chat is told once for each key.
    """
    rows = [
        {
            "chat_id": chat_id,
            "kind": kind,
            "payload": vault.seal_json("delivery.payload", payload),
            "dedupe_key": None if dedupe_key is None else f"{dedupe_key}:{chat_id}",
        }
        for chat_id in sorted({*chat_ids})
    ]
    if rows:
        await session.execute(
            insert(Delivery).values(rows).on_conflict_do_nothing(index_elements=[Delivery.dedupe_key])
        )
