"""Putting news into the outbox."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.messages.leases import in_nobodys_hand
from api.messages.models import Delivery
from api.messages.schemas import FOR_STAFF, AccessGranted, CaseUpdated, DeliveryState, NewLink, Notice
from api.privacy import Vault

PAYLOAD = "delivery.payload"


async def enqueue_notice(
    session: AsyncSession,
    vault: Vault,
    chat_ids: Iterable[int],
    notice: Notice,
    *,
    dedupe_key: str | None = None,
    case_id: int | None = None,
) -> None:
    """Tell these chats something, each in its own language, in the transaction that makes it true.

    Args:
        notice: the facts that the words need; stored sealed.
        dedupe_key: of the news; each chat is told once for each key.
        case_id: the case that it tells of, where it tells of one.
    """
    rows = [
        _row(vault, chat_id, notice)
        | {"dedupe_key": None if dedupe_key is None else f"{dedupe_key}:{chat_id}", "case_id": case_id}
        for chat_id in sorted({*chat_ids})
    ]
    if rows:
        await session.execute(
            insert(Delivery).values(rows).on_conflict_do_nothing(index_elements=[Delivery.dedupe_key])
        )


async def enqueue_notices(
    session: AsyncSession, vault: Vault, told: Iterable[tuple[int, Notice]], *, even_if_lapsed: bool = False
) -> None:
    """Tell each of many chats news of its own, as one statement.

    Args:
        even_if_lapsed: also news that would be kept from a chat that no longer sees the agreement.
    """
    rows = [_row(vault, chat_id, notice) for chat_id, notice in told]
    if even_if_lapsed:
        rows = [row | {"agreement_id": None} for row in rows]
    if rows:
        await session.execute(insert(Delivery), rows)


async def withdraw_from_staff(session: AsyncSession, chat_id: int) -> None:
    """To be called when the chat acts for nobody of the office any more: what still waits for it as for one of them is
    not sent."""
    await session.execute(
        update(Delivery)
        .where(
            Delivery.chat_id == chat_id,
            Delivery.kind.in_(FOR_STAFF),
            Delivery.state == DeliveryState.WAITING,
            in_nobodys_hand(),
        )
        .values(state=DeliveryState.CANCELLED, payload=None, lease_id=None, lease_until=None, finished_at=func.now())
        .execution_options(synchronize_session=False)
    )


def _row(vault: Vault, chat_id: int, notice: Notice) -> dict[str, Any]:
    return {
        "chat_id": chat_id,
        "kind": notice.kind,
        "payload": vault.seal_json(PAYLOAD, notice.model_dump(mode="json")),
        "agreement_id": _only_for_who_sees(notice),
    }


def _only_for_who_sees(notice: Notice) -> int | None:
    """The agreement that a chat must still see when it is told; none: it is told in any case."""
    match notice:
        case NewLink() | AccessGranted():
            return notice.agreement.id
        case CaseUpdated():
            return notice.agreement_id
        case _:
            return None
