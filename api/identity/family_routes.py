"""Codes by which owners let their relatives in."""

from fastapi import Request, Response

from api.errors import ErrorBody
from api.identity.codes import MAX_OPEN_CODES, cancel_code, invite_relative, look_up_codes
from api.identity.schemas import RelativeCodeIn, RelativeCodeOut, RelativeCodesOut
from api.lookups import facts, reading
from api.routing import NOT_FOUND, ChatId, RowId, Session, TheVault, v1_router

router = v1_router("family")


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
