"""Recording what was done."""

from collections.abc import Iterable

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.actors import OPERATOR, SYSTEM, Actor
from api.audit.models import AuditEvent

__all__ = ["OPERATOR", "SYSTEM", "Actor", "record"]


async def record(
    session: AsyncSession, actor: Actor, action: str, object_kind: str, object_ids: Iterable[int | None]
) -> None:
    """Record an action on each of the objects, in the transaction that does it.

    Args:
        action: what was done: ``link.created``, ``code.issued``, ``roll.loaded``; never a value.
        object_kind: the table of the object, in the singular: ``agreement``, ``link``.
    """
    values = [
        {
            "actor_kind": actor.kind,
            "actor_id": actor.id,
            "action": action,
            "object_kind": object_kind,
            "object_id": object_id,
        }
        for object_id in object_ids
    ]
    if values:
        await session.execute(insert(AuditEvent), values)
