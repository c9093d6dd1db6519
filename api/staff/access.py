"""Who acts: every route of ``/v1/staff/{chat_id}`` begins here, so that roles are checked with each call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import BigInteger, bindparam, select

from api.audit.service import Actor
from api.errors import NotAllowed
from api.lookups import LookUp, reading
from api.routing import ChatId
from api.staff.models import StaffAccount
from api.staff.schemas import StaffRole

ACCOUNT = LookUp(
    select(StaffAccount.id, StaffAccount.roles).where(
        StaffAccount.chat_id == bindparam("chat_id", None, type_=BigInteger()), StaffAccount.disabled_at.is_(None)
    )
)


@dataclass(frozen=True)
class Acting:
    """The account behind a call."""

    id: int
    chat_id: int
    roles: frozenset[StaffRole]

    @property
    def actor(self) -> Actor:
        """As the audit record names it."""
        return Actor.staff(self.id)


def acting(*roles: StaffRole) -> Any:
    """A dependency: the chat's account, which must have one of the roles (none given: any account will do).

    Raises:
        NotAllowed: no account in force, or none of the roles. Whether there is an account is not told.
    """

    async def check(request: Request, chat_id: ChatId) -> Acting:
        rows = await reading(request).rows(ACCOUNT, chat_id=chat_id)
        held = frozenset(StaffRole(role) for role in rows[0]["roles"]) if rows else frozenset[StaffRole]()
        if not rows or (roles and not held & {*roles}):
            raise NotAllowed
        return Acting(rows[0]["id"], chat_id, held)

    checked: Callable[..., Awaitable[Acting]] = check
    return Depends(checked)


AnyStaff = Annotated[Acting, acting()]
"""Whoever has an account. Others: ``officer: Annotated[Acting, acting(StaffRole.CASE_OFFICER)]``."""
