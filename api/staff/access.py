"""Who acts: every route of ``/v1/staff/{chat_id}`` begins here, so that roles are checked with each call."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import BigInteger, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import Actor
from api.errors import NotAllowed
from api.lookups import LookUp, reading
from api.routing import ChatId
from api.staff.models import StaffAccount
from api.staff.schemas import StaffRole

_IN_FORCE = select(StaffAccount.id, StaffAccount.roles).where(
    StaffAccount.chat_id == bindparam("chat_id", None, type_=BigInteger()), StaffAccount.disabled_at.is_(None)
)
ACCOUNT = LookUp(_IN_FORCE)
_HELD = _IN_FORCE.with_for_update(read=True)
_ADMINISTRATORS = (
    select(StaffAccount.id)
    .where(StaffAccount.disabled_at.is_(None), StaffAccount.roles.contains([StaffRole.ADMIN.value]))
    .order_by(StaffAccount.id)
    .with_for_update()
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


def acting(*roles: StaffRole, changes_accounts: bool = False) -> Any:
    """A dependency: the chat's account, which must have one of the roles (none given: any account will do). What
    changes something is done by an account that stays in force until it is done: whoever disables it waits, or was
    first.

    Args:
        changes_accounts: those who change accounts come one after another, so that of two administrators who disable
            each other one is told that they may do nothing any more.

    Raises:
        NotAllowed: no account in force, or none of the roles. Whether there is an account is not told.
    """

    async def check(request: Request, chat_id: ChatId) -> Acting:
        session: AsyncSession | None = getattr(request.state, "session", None)
        rows: Sequence[Any]
        if session is None:
            rows = await reading(request).rows(ACCOUNT, chat_id=chat_id)
        else:
            if changes_accounts:
                await session.execute(_ADMINISTRATORS)
            rows = (await session.execute(_HELD, {"chat_id": chat_id})).mappings().all()
        held = frozenset(StaffRole(role) for role in rows[0]["roles"]) if rows else frozenset[StaffRole]()
        if not rows or (roles and not held & {*roles}):
            raise NotAllowed
        return Acting(rows[0]["id"], chat_id, held)

    checked: Callable[..., Awaitable[Acting]] = check
    return Depends(checked)


AnyStaff = Annotated[Acting, acting()]
"""Whoever has an account. Others: ``officer: Annotated[Acting, acting(StaffRole.CASE_OFFICER)]``."""
