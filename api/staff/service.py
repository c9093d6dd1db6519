"""Accounts of the office's people. Who acts is checked before (``api.staff.access``); every step is recorded."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.actors import ActorKind
from api.audit.service import Actor, record
from api.cases.leaving import release_cases
from api.errors import LastAdmin, NotAllowed, NotFound
from api.identity.models import LinkCode
from api.identity.office_codes import end_office_codes
from api.messages.service import withdraw_from_staff
from api.privacy import Vault
from api.staff.codes import end_codes
from api.staff.models import StaffAccount
from api.staff.schemas import HANDLES_CASES, LETS_IN, StaffAccountOut, StaffMe, StaffRole

_ORDER = list(StaffRole)


def as_me(vault: Vault, account: StaffAccount) -> StaffMe:
    return StaffMe(
        id=account.id, name=vault.open("staff.name", account.name), roles=[StaffRole(role) for role in account.roles]
    )


def as_account(vault: Vault, account: StaffAccount) -> StaffAccountOut:
    return StaffAccountOut(
        **as_me(vault, account).model_dump(),
        linked_at=account.linked_at,
        created_at=account.created_at,
        disabled_at=account.disabled_at,
    )


async def add_account(
    session: AsyncSession, vault: Vault, actor: Actor, name: str, roles: Collection[StaffRole]
) -> StaffAccount:
    """A new account, which no chat acts for yet."""
    account = StaffAccount(name=vault.seal("staff.name", name), roles=_in_order(roles))
    session.add(account)
    await session.flush()
    await session.refresh(account)
    await record(session, actor, "staff.added", "staff_account", [account.id])
    return account


async def get_account(session: AsyncSession, account_id: int) -> StaffAccount:
    """
    Raises:
        NotFound: there is no such account.
    """
    account = await session.get(StaffAccount, account_id)
    if account is None:
        raise NotFound
    return account


async def list_accounts(session: AsyncSession, actor: Actor) -> list[StaffAccount]:
    """Every account, disabled ones too, oldest first."""
    accounts = list(await session.scalars(select(StaffAccount).order_by(StaffAccount.id)))
    await record(session, actor, "staff.listed", "staff_account", [None])
    return accounts


async def change_account(
    session: AsyncSession,
    vault: Vault,
    actor: Actor,
    account_id: int,
    *,
    roles: Collection[StaffRole] | None = None,
    disabled: bool | None = None,
) -> StaffAccount:
    """Give an account other roles, disable it or put it in force again. It acts as it now is from the next call on.

    Who is disabled loses the chat and every open code, also those that they gave out to families: who finds that phone
    must neither be back with the account nor in any home. Whoever acts on no case any more has none: nobody has theirs
    from then on.

    Raises:
        NotFound: there is no such account.
        NotAllowed: somebody wants to give themselves a role.
        LastAdmin: no administrator in force would be left. The operator may do even this: where the last one's phone
            is stolen, there is nobody else.
    """
    # All administrators are locked, always in one order: two who disable each other do it one after the other.
    admins = list(
        await session.scalars(
            select(StaffAccount)
            .where(StaffAccount.disabled_at.is_(None), StaffAccount.roles.contains([StaffRole.ADMIN.value]))
            .order_by(StaffAccount.id)
            .with_for_update()
        )
    )
    account = await session.get(StaffAccount, account_id, with_for_update=True)
    if account is None:
        raise NotFound
    handled_cases = _may(account, HANDLES_CASES)
    was = set(account.roles)
    will = was if roles is None else {role.value for role in roles}
    if actor == Actor.staff(account_id) and will - was:
        raise NotAllowed
    ends_as_admin = disabled is True or StaffRole.ADMIN.value not in will
    if actor.kind is not ActorKind.OPERATOR and ends_as_admin and [admin.id for admin in admins] == [account_id]:
        raise LastAdmin
    if will != was:
        account.roles = _in_order(will)
        await record(session, actor, "staff.roles_changed", "staff_account", [account_id])
    if disabled is True and account.disabled_at is None:
        account.disabled_at = func.now()
        if account.chat_id is not None:
            await withdraw_from_staff(session, account.chat_id)
        account.chat_id = account.linked_at = None
        await end_codes(session, account_id)
        await record(session, actor, "staff.disabled", "staff_account", [account_id])
    elif disabled is False and account.disabled_at is not None:
        account.disabled_at = None
        await record(session, actor, "staff.enabled", "staff_account", [account_id])
    await session.flush()
    await session.refresh(account)
    if not _may(account, LETS_IN):
        await end_office_codes(session, actor, LinkCode.issued_by_staff_id == account_id)
    if handled_cases and not _may(account, HANDLES_CASES):
        await release_cases(session, vault, actor, account_id)
    return account


def _may(account: StaffAccount, roles: Collection[StaffRole]) -> bool:
    return account.disabled_at is None and any(role in roles for role in account.roles)


def _in_order(roles: Collection[str]) -> list[str]:
    return [role.value for role in _ORDER if role in roles]
