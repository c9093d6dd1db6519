"""Who looked at a person's data, as the person is told: what, when, by whom in which office, nobody by name."""

from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, func, or_, select
from sqlalchemy.sql import Select

from api.audit.actors import ActorKind
from api.audit.models import AuditEvent
from api.cases.models import Case
from api.chats.access import CHAT_ID, live_links
from api.chats.models import Link
from api.identity.models import AccessRequest
from api.identity.schemas import OWNERS
from api.lookups import LookUp, Reading
from api.staff.models import StaffAccount

SHOWN = 300
"""Lines of each; the newest."""
_by_staff = and_(AuditEvent.actor_kind == ActorKind.STAFF, StaffAccount.id == AuditEvent.actor_id)
_another_chat = and_(AuditEvent.actor_kind == ActorKind.CHAT, AuditEvent.actor_id != CHAT_ID)
_not_a_chat = AuditEvent.actor_kind != ActorKind.CHAT


def _views(about: Any, *which: ColumnElement[bool]) -> Select[Any]:
    """Grouped: somebody who looks every day is one line."""
    who: Any = (cast(AuditEvent.actor_kind, Text), StaffAccount.roles, AuditEvent.action)
    return (
        select(
            who[0].label("who"),
            StaffAccount.roles,
            AuditEvent.action,
            func.count().label("times"),
            func.min(AuditEvent.happened_at).label("first_at"),
            func.max(AuditEvent.happened_at).label("last_at"),
        )
        .select_from(about)
        .where(*which)
        .group_by(*who)
        .order_by(func.max(AuditEvent.happened_at).desc())
        .limit(SHOWN)
    )


def _of_agreements() -> LookUp:
    """Since the chat sees all of it. What relatives looked at, only owners are told."""
    mine = live_links()
    events = mine.join(Link.__table__, Link.id == mine.c.id).join(
        AuditEvent.__table__,
        and_(
            AuditEvent.object_kind == "agreement",
            AuditEvent.object_id == mine.c.agreement_id,
            AuditEvent.happened_at >= Link.linked_at,
        ),
    )
    told = or_(_not_a_chat, and_(_another_chat, mine.c.role.in_(OWNERS)))
    return LookUp(_views(events.outerjoin(StaffAccount.__table__, _by_staff), told))


def _of_its_own() -> LookUp:
    """What it wrote: complaints and requests."""
    kind, object_id = AuditEvent.object_kind, AuditEvent.object_id
    cases = select(Case.id).where(Case.chat_id == CHAT_ID)
    requests = select(AccessRequest.id).where(AccessRequest.chat_id == CHAT_ID)
    about = or_(
        and_(kind == "case", object_id.in_(cases)),
        and_(kind == "access_request", object_id.in_(requests)),
    )
    events = AuditEvent.__table__.outerjoin(StaffAccount.__table__, _by_staff)
    return LookUp(_views(events, about, _not_a_chat))


OF_AGREEMENTS = _of_agreements()
OF_ITS_OWN = _of_its_own()


async def look_up_views(reading: Reading, chat_id: int) -> list[dict[str, Any]]:
    """``View`` of each kind of look, the newest first."""
    found = [
        dict(row) | {"roles": row["roles"] or []}
        for look_up in (OF_AGREEMENTS, OF_ITS_OWN)
        for row in await reading.rows(look_up, chat_id=chat_id)
    ]
    return sorted(found, key=lambda view: view["last_at"], reverse=True)
