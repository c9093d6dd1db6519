"""What a family settles by itself: codes for its relatives, and asking the office where no proof is left."""

from typing import Annotated

from fastapi import Header, Request, Response

from api.errors import ErrorBody
from api.identity.codes import MAX_OPEN_CODES, cancel_code, invite_relative, look_up_codes
from api.identity.requests import file_request, look_up_requests
from api.identity.schemas import (
    MAX_OPEN_REQUESTS,
    AccessRequestIn,
    AccessRequestMade,
    AccessRequestsMade,
    RelativeCodeIn,
    RelativeCodeOut,
    RelativeCodesOut,
)
from api.lookups import facts, reading
from api.routing import NOT_FOUND, ChatId, RowId, Session, TheVault, v1_router

router = v1_router("family")

Key = r"^[A-Za-z0-9._:-]{8,128}$"


@router.post(
    "/chats/{chat_id}/agreements/{agreement_id}/codes",
    status_code=201,
    operation_id="invite_relative",
    summary="Make a code that lets a relative in",
    responses={
        **NOT_FOUND,
        409: {"model": ErrorBody, "description": f"`too_many`: {MAX_OPEN_CODES} codes of the family are open."},
    },
)
async def post_code(
    chat_id: ChatId, agreement_id: RowId, wanted: RelativeCodeIn, session: Session, vault: TheVault, request: Request
) -> RelativeCodeOut:
    """For holders and co-owners. The code works once, within a day, as long as its chat owns the agreement."""
    return await invite_relative(session, vault, chat_id, agreement_id, wanted, reading(request).today())


@router.get(
    "/chats/{chat_id}/agreements/{agreement_id}/codes",
    operation_id="get_codes",
    summary="The family's codes that nobody has used yet",
    response_model=RelativeCodesOut,
    responses=NOT_FOUND,
)
async def get_codes(chat_id: ChatId, agreement_id: RowId, request: Request) -> Response:
    return facts(await look_up_codes(reading(request), chat_id, agreement_id))


@router.delete(
    "/chats/{chat_id}/agreements/{agreement_id}/codes/{code_id}",
    status_code=204,
    operation_id="cancel_code",
    summary="Cancel a code that nobody has used yet",
    responses=NOT_FOUND,
)
async def delete_code(chat_id: ChatId, agreement_id: RowId, code_id: RowId, session: Session, request: Request) -> None:
    await cancel_code(session, chat_id, agreement_id, code_id, reading(request).today())


@router.post(
    "/chats/{chat_id}/access-requests",
    status_code=201,
    operation_id="request_access",
    summary="Ask the office to look at one's papers",
    responses={
        200: {"model": AccessRequestMade, "description": "This key was filed before."},
        403: {"model": ErrorBody, "description": "`consent_needed`"},
        409: {"model": ErrorBody, "description": f"`too_many`: {MAX_OPEN_REQUESTS} are not answered yet."},
    },
)
async def post_request(
    chat_id: ChatId,
    wanted: AccessRequestIn,
    idempotency_key: Annotated[str, Header(pattern=Key, description="The same key again is the same request.")],
    session: Session,
    vault: TheVault,
    response: Response,
) -> AccessRequestMade:
    """For every chat, linked or not."""
    made, new = await file_request(session, vault, chat_id, wanted, idempotency_key)
    response.status_code = 201 if new else 200
    return made


@router.get(
    "/chats/{chat_id}/access-requests",
    operation_id="get_access_requests",
    summary="What this chat asked the office, and how far it is",
    response_model=AccessRequestsMade,
)
async def get_requests(chat_id: ChatId, request: Request) -> Response:
    return facts(await look_up_requests(reading(request), chat_id))
