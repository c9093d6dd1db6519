"""Look-ups of staff. They start from no chat's links: who may ask is checked before (``api.staff.access``), and the
service records for the account what it shows."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement, Party
from api.agreements.queries import ref_columns
from api.chats.access import AGREEMENT_ID, TODAY
from api.chats.liveness import is_live_link
from api.chats.models import Link
from api.estate.models import Project
from api.identity.models import AccessRequest, Person
from api.identity.schemas import AccessRequestState
from api.lookups import LookUp
from api.staff.models import StaffAccount

_LIMIT: Any = bindparam("limit", None, type_=BigInteger())
_IS_OPEN = AccessRequest.state == AccessRequestState.OPEN
_IN_QUEUE = (
    AccessRequest.id,
    AccessRequest.kind,
    AccessRequest.state,
    AccessRequest.created_at,
    AccessRequest.handled_at,
)


def _agreements(*more: Any) -> Any:
    return select(*ref_columns(), Project.name.label("project"), *more).join(
        Project, Project.id == Agreement.project_id
    )


async def chats_of(session: AsyncSession, *conditions: ColumnElement[bool]) -> list[int]:
    """Chats of the accounts in force for which these hold, as far as they have linked one."""
    linked = select(StaffAccount.chat_id).where(
        StaffAccount.chat_id.is_not(None), StaffAccount.disabled_at.is_(None), *conditions
    )
    return [chat_id for chat_id in await session.scalars(linked) if chat_id is not None]


BY_NUMBER = LookUp(
    _agreements()
    .where(Agreement.number_key == bindparam("number_key", None, type_=Text()))
    .order_by(Agreement.project_id)
)
BY_ID = LookUp(_agreements().where(Agreement.id == AGREEMENT_ID))
PARTIES = LookUp(
    select(Party.id, Party.role, Party.valid_until, Person.name)
    .join(Person, Person.id == Party.person_id)
    .where(Party.agreement_id == AGREEMENT_ID)
    .order_by(Party.position, Party.id)
)
LINKS = LookUp(
    select(
        Link.id,
        Link.role,
        Link.method,
        Link.scope,
        Person.name,
        Link.linked_at,
        Link.used_on,
        func.least(Link.valid_until, Party.valid_until).label("valid_until"),
        is_live_link(TODAY).label("live"),
        Link.suspended_because,
    )
    .outerjoin(Person, Person.id == Link.person_id)
    .outerjoin(Party, and_(Party.agreement_id == Link.agreement_id, Party.person_id == Link.person_id))
    .where(Link.agreement_id == AGREEMENT_ID, Link.revoked_at.is_(None))
    .order_by(Link.id)
)

OPEN_REQUESTS = LookUp(
    select(*_IN_QUEUE)
    .where(_IS_OPEN, AccessRequest.id > bindparam("after", None, type_=BigInteger()))
    .order_by(AccessRequest.id)
    .limit(_LIMIT)
)
DECIDED_REQUESTS = LookUp(
    select(*_IN_QUEUE)
    .where(~_IS_OPEN, AccessRequest.id < bindparam("before", None, type_=BigInteger()))
    .order_by(AccessRequest.id.desc())
    .limit(_LIMIT)
)
OPEN_COUNT = LookUp(select(func.count().label("open_count")).select_from(AccessRequest).where(_IS_OPEN))
REQUEST = LookUp(
    select(*_IN_QUEUE, AccessRequest.text, AccessRequest.reason, StaffAccount.name.label("handled_by"))
    .outerjoin(StaffAccount, StaffAccount.id == AccessRequest.handled_by_staff_id)
    .where(AccessRequest.id == bindparam("request_id", None, type_=BigInteger()))
)
