"""The audit record as a security officer reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement
from api.audit.actors import ActorKind
from api.audit.models import AuditEvent
from api.audit.service import OPERATOR, record
from api.cases.models import Case
from api.chats.models import Link
from api.identity.models import LinkCode

_OF_AN_AGREEMENT: dict[str, type[Link] | type[LinkCode] | type[Case]] = {
    "link": Link,
    "link_code": LinkCode,
    "case": Case,
}
"""Objects that belong to an agreement, by their kind."""


@dataclass(frozen=True)
class Entry:
    """An event; ``agreement`` is the number of the agreement that it is about, where it is about one."""

    id: int
    happened_at: datetime
    actor_kind: ActorKind
    actor_id: int | None
    action: str
    object_kind: str
    object_id: int | None
    agreement: str | None


async def list_events(
    session: AsyncSession,
    *,
    chat_id: int | None = None,
    staff_id: int | None = None,
    agreement_ids: Sequence[int] | None = None,
    since: datetime | None = None,
    limit: int,
) -> list[Entry]:
    """The newest events first. That they were looked at is recorded too.

    Args:
        chat_id: only what this chat did.
        staff_id: only what this account did.
        agreement_ids: only what concerns these agreements, and their links, codes and cases.
    """
    kind, object_id = AuditEvent.object_kind, AuditEvent.object_id
    agreement_id = case(
        (kind == "agreement", object_id),
        *(
            (
                kind == name,
                select(model.agreement_id).where(model.id == object_id).correlate(AuditEvent).scalar_subquery(),
            )
            for name, model in _OF_AN_AGREEMENT.items()
        ),
    )
    number = select(Agreement.number).where(Agreement.id == agreement_id).correlate(AuditEvent).scalar_subquery()
    wanted = select(
        AuditEvent.id,
        AuditEvent.happened_at,
        AuditEvent.actor_kind,
        AuditEvent.actor_id,
        AuditEvent.action,
        kind,
        object_id,
        number.label("agreement"),
    )
    if chat_id is not None:
        wanted = wanted.where(AuditEvent.actor_kind == ActorKind.CHAT, AuditEvent.actor_id == chat_id)
    if staff_id is not None:
        wanted = wanted.where(AuditEvent.actor_kind == ActorKind.STAFF, AuditEvent.actor_id == staff_id)
    if agreement_ids is not None:
        theirs = [
            (kind == name) & object_id.in_(select(model.id).where(model.agreement_id.in_(agreement_ids)))
            for name, model in _OF_AN_AGREEMENT.items()
        ]
        wanted = wanted.where(or_((kind == "agreement") & object_id.in_(agreement_ids), *theirs))
    if since is not None:
        wanted = wanted.where(AuditEvent.happened_at >= since)
    rows = await session.execute(wanted.order_by(AuditEvent.id.desc()).limit(limit))
    entries = [Entry(**row._mapping) for row in rows]
    if agreement_ids is None:
        await record(session, OPERATOR, "audit.shown", "audit_event", [None])
    else:
        await record(session, OPERATOR, "audit.shown", "agreement", agreement_ids)
    return entries
