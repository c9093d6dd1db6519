"""What staff do for families: requests for access, who sees an agreement, codes. Each route names the roles that may
use it; docs/security.md has them in one table."""

from typing import Annotated

from fastapi import Query, Request, Response

from api.chats.granting import revoke_link_by_staff
from api.errors import ErrorBody
from api.lookups import facts, reading
from api.routing import DEFAULT_PAGE, NOT_FOUND, Cursor, PageSize, RowId, Session, TheVault, v1_router
from api.staff.access import Acting, acting
from api.staff.families import find_agreements, issue_link_code, look_up_agreement
from api.staff.requests import decline_request, grant_request, look_up_queue, look_up_request
from api.staff.routes import NOT_ALLOWED
from api.staff.schemas import (
    LETS_IN,
    LOOKS_UP,
    SEES_QUEUE,
    AccessDeclineIn,
    AccessGrantIn,
    StaffAccessRequestOut,
    StaffAccessRequestPage,
    StaffAgreementFound,
    StaffAgreementOut,
    StaffLinkCodeIn,
    StaffLinkCodeOut,
)

router = v1_router("staff")

SeesQueue = Annotated[Acting, acting(*SEES_QUEUE)]
LooksUp = Annotated[Acting, acting(*LOOKS_UP)]
LetsIn = Annotated[Acting, acting(*LETS_IN)]

HANDLED = {**NOT_ALLOWED, **NOT_FOUND, 409: {"model": ErrorBody, "description": "`already_handled`"}}


@router.get(
    "/staff/{chat_id}/access-requests",
    operation_id="list_access_requests",
    summary="Who asks for access: open ones first, without what they wrote",
    response_model=StaffAccessRequestPage,
    responses=NOT_ALLOWED,
)
async def get_requests(
    request: Request, officer: SeesQueue, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
) -> Response:
    return facts(await look_up_queue(reading(request), officer, cursor, limit))


@router.get(
    "/staff/{chat_id}/access-requests/{request_id}",
    operation_id="read_access_request",
    summary="One request for access, with what was written",
    response_model=StaffAccessRequestOut,
    responses={**NOT_ALLOWED, **NOT_FOUND},
)
async def get_request(request: Request, officer: LetsIn, request_id: RowId) -> Response:
    return facts(await look_up_request(reading(request), officer, request_id))


@router.post(
    "/staff/{chat_id}/access-requests/{request_id}/grant",
    status_code=204,
    operation_id="grant_access",
    summary="Let in who asked; they and the family are told",
    responses=HANDLED,
)
async def post_grant(
    request: Request, officer: LetsIn, request_id: RowId, wanted: AccessGrantIn, session: Session, vault: TheVault
) -> None:
    today, days = reading(request).today(), request.app.state.settings.link_disuse_days
    await grant_request(session, vault, officer, request_id, wanted, today, disuse_days=days)


@router.post(
    "/staff/{chat_id}/access-requests/{request_id}/decline",
    status_code=204,
    operation_id="decline_access",
    summary="Do not let in who asked; they are told why",
    responses=HANDLED,
)
async def post_decline(
    officer: LetsIn, request_id: RowId, given: AccessDeclineIn, session: Session, vault: TheVault
) -> None:
    await decline_request(session, vault, officer, request_id, given.reason)


@router.get(
    "/staff/{chat_id}/agreements",
    operation_id="find_agreements",
    summary="Agreements with this number, one for each project that uses it",
    response_model=list[StaffAgreementFound],
    responses=NOT_ALLOWED,
)
async def get_agreements(
    request: Request, officer: LooksUp, number: Annotated[str, Query(min_length=1, max_length=80)]
) -> Response:
    return facts(await find_agreements(reading(request), officer, number))


@router.get(
    "/staff/{chat_id}/agreements/{agreement_id}",
    operation_id="get_agreement_links",
    summary="Whom the roll names, and which chats see it; masked",
    response_model=StaffAgreementOut,
    responses={**NOT_ALLOWED, **NOT_FOUND},
)
async def get_agreement(request: Request, officer: LooksUp, agreement_id: RowId) -> Response:
    return facts(await look_up_agreement(reading(request), officer, agreement_id))


@router.post(
    "/staff/{chat_id}/agreements/{agreement_id}/codes",
    status_code=201,
    operation_id="issue_link_code",
    summary="Make a one-time code that lets somebody in",
    responses={**NOT_ALLOWED, **NOT_FOUND},
)
async def post_code(
    request: Request, officer: LetsIn, agreement_id: RowId, wanted: StaffLinkCodeIn, session: Session, vault: TheVault
) -> StaffLinkCodeOut:
    return await issue_link_code(session, vault, officer, agreement_id, wanted, reading(request).today())


@router.delete(
    "/staff/{chat_id}/links/{link_id}",
    status_code=204,
    operation_id="revoke_link",
    summary="End a link, and those that its chat let in; each of them is told",
    responses={**NOT_ALLOWED, **NOT_FOUND},
)
async def delete_link(officer: LetsIn, link_id: RowId, session: Session, vault: TheVault) -> None:
    await revoke_link_by_staff(session, vault, officer.id, link_id)
