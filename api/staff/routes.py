"""The office's people: their accounts, and what they do for families. Each route names the roles that may use it."""

from typing import Annotated, Any

from fastapi import Request

from api.errors import ErrorBody
from api.routing import NOT_FOUND, ChatId, RowId, Session, TheVault, v1_router
from api.staff import service
from api.staff.access import Acting, AnyStaff, acting
from api.staff.codes import issue_staff_code, link_account
from api.staff.schemas import (
    StaffAccountChange,
    StaffAccountIn,
    StaffAccountOut,
    StaffCodeIn,
    StaffCodeOut,
    StaffMe,
    StaffRole,
)

router = v1_router("staff")

Admin = Annotated[Acting, acting(StaffRole.ADMIN)]
Keeper = Annotated[Acting, acting(StaffRole.ADMIN, changes_accounts=True)]

NOT_ALLOWED: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorBody, "description": "`not_allowed`: no account in force, or none of the roles that may."}
}
LAST_ADMIN: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorBody, "description": "`last_admin`: no administrator would be left."}
}


@router.post(
    "/staff/{chat_id}/account",
    summary="Let this chat act for the account of a one-time code",
    operation_id="link_staff_account",
    responses={
        403: {"model": ErrorBody, "description": "`not_matched`, whatever was wrong."},
        429: {"model": ErrorBody, "description": "`locked`; `details.retry_after_seconds` tells when to try again."},
    },
)
async def post_account(chat_id: ChatId, given: StaffCodeIn, session: Session, vault: TheVault) -> StaffMe:
    return service.as_me(vault, await link_account(session, vault, chat_id, given.code.get_secret_value()))


@router.get(
    "/staff/{chat_id}/me",
    summary="The account that this chat acts for",
    operation_id="get_staff_me",
    responses=NOT_ALLOWED,
)
async def get_me(request: Request, officer: AnyStaff, vault: TheVault) -> StaffMe:
    async with request.app.state.database.transaction() as session:
        return service.as_me(vault, await service.get_account(session, officer.id))


@router.get(
    "/staff/{chat_id}/accounts",
    summary="Every account, disabled ones too",
    operation_id="get_staff_accounts",
    responses=NOT_ALLOWED,
)
async def get_accounts(request: Request, officer: Admin, vault: TheVault) -> list[StaffAccountOut]:
    async with request.app.state.database.transaction() as session:
        accounts = await service.list_accounts(session, officer.actor)
    return [service.as_account(vault, account) for account in accounts]


@router.post(
    "/staff/{chat_id}/accounts",
    status_code=201,
    summary="Add an account, which no chat acts for yet",
    operation_id="add_staff_account",
    responses=NOT_ALLOWED,
)
async def post_accounts(given: StaffAccountIn, officer: Keeper, session: Session, vault: TheVault) -> StaffAccountOut:
    account = await service.add_account(session, vault, officer.actor, given.name, given.roles)
    return service.as_account(vault, account)


@router.patch(
    "/staff/{chat_id}/accounts/{account_id}",
    summary="Give an account other roles, disable it or put it in force again",
    operation_id="change_staff_account",
    responses={**NOT_ALLOWED, **NOT_FOUND, **LAST_ADMIN},
)
async def patch_account(
    account_id: RowId, given: StaffAccountChange, officer: Keeper, session: Session, vault: TheVault
) -> StaffAccountOut:
    account = await service.change_account(
        session, vault, officer.actor, account_id, roles=given.roles, disabled=given.disabled
    )
    return service.as_account(vault, account)


@router.post(
    "/staff/{chat_id}/accounts/{account_id}/codes",
    status_code=201,
    summary="Make a one-time code by which the account's owner links their Telegram",
    operation_id="issue_staff_code",
    responses={**NOT_ALLOWED, **NOT_FOUND},
)
async def post_account_code(account_id: RowId, officer: Keeper, session: Session, vault: TheVault) -> StaffCodeOut:
    code, expires_at = await issue_staff_code(session, vault, officer.actor, account_id)
    return StaffCodeOut(code=code, expires_at=expires_at)
