"""Complaints and the files that go with them."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response

from api.cases.attachments import MAX_FREE, Upload, take_back, take_in
from api.cases.clocks import Policy
from api.cases.collective import look_up_similar
from api.cases.downloads import find_for_chat, send
from api.cases.links import FILES, find_linked, link_to
from api.cases.schemas import (
    MAX_ATTACHMENT_BYTES,
    AttachmentKind,
    AttachmentOut,
    CaseCategory,
    CaseIn,
    CaseOfMessage,
    CaseOut,
    CasePage,
    FileLink,
    JoinIn,
    ResidentAction,
    SimilarCases,
)
from api.cases.service import (
    act,
    file_case,
    file_joining,
    look_up_case,
    look_up_case_of_message,
    look_up_cases,
)
from api.errors import ErrorBody
from api.lookups import facts, reading
from api.routing import DEFAULT_PAGE, ERRORS, NOT_FOUND, ChatId, Cursor, PageSize, RowId, Session, TheVault, v1_router

router = v1_router("cases")

Key = r"^[A-Za-z0-9._:-]{8,128}$"
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
upload_of: dict[str, Any] = {"requestBody": {"required": True, "content": _BYTES}}
"""What a route says of a body that is a file."""
KEPT_BYTES: dict[str, Any] = {
    "description": "The file itself; its own media type stands with the case.",
    "content": _BYTES,
}


def answer(found: dict[str, Any], *, made: bool) -> Response:
    response = facts(found)
    response.status_code = 201 if made else 200
    return response


@router.post(
    "/chats/{chat_id}/attachments",
    status_code=201,
    summary="Store a photo or document for a complaint that is being written",
    operation_id="upload_attachment",
    response_model=AttachmentOut,
    responses={
        200: {"model": AttachmentOut, "description": "This upload key was stored before."},
        **NOT_FOUND,
        409: {"model": ErrorBody, "description": f"`too_many`: {MAX_FREE} files that are part of no case."},
        413: {"model": ErrorBody, "description": f"`too_large`: more than {MAX_ATTACHMENT_BYTES} bytes."},
        415: {"model": ErrorBody, "description": "`unsupported_type`, by the file's content."},
    },
    openapi_extra=upload_of,
)
async def upload_attachment(
    request: Request,
    chat_id: ChatId,
    kind: AttachmentKind,
    filename: Annotated[str, Query(max_length=500)],
    upload_key: Annotated[str, Query(pattern=Key, description="The same key again is the same file.")],
) -> Response:
    """The body is the file itself, of whatever media type. Photos are JPEG, PNG, WebP, GIF or HEIC; documents also PDF,
    Word, Excel and plain text."""
    size = request.headers.get("content-length", "")
    state = request.app.state
    found, made = await take_in(
        state.database,
        reading(request),
        state.attachments,
        chat_id,
        Upload(kind, filename, upload_key),
        int(size) if size.isdecimal() else None,
        request.stream(),
    )
    return answer(found, made=made)


@router.delete(
    "/chats/{chat_id}/attachments/{attachment_id}",
    status_code=204,
    summary="Take back a file that is not part of a case",
    operation_id="delete_attachment",
    responses=NOT_FOUND,
)
async def delete_attachment(request: Request, chat_id: ChatId, attachment_id: RowId) -> None:
    await take_back(request.app.state.database, request.app.state.attachments, chat_id, attachment_id)


@router.post(
    "/chats/{chat_id}/cases",
    status_code=201,
    summary="File a complaint",
    operation_id="file_case",
    response_model=CaseOut,
    responses={200: {"model": CaseOut, "description": "This key was filed before."}, **NOT_FOUND},
)
async def post_case(
    request: Request,
    chat_id: ChatId,
    case: CaseIn,
    idempotency_key: Annotated[str, Header(pattern=Key, description="The same key again is the same case.")],
    session: Session,
    vault: TheVault,
) -> Response:
    zone = reading(request).timezone
    found, made = await file_case(session, vault, chat_id, case, idempotency_key, datetime.now(UTC), zone)
    return answer(found, made=made)


@router.get(
    "/chats/{chat_id}/agreements/{agreement_id}/similar-cases",
    summary="What there is already about a matter: one's own open complaints, and collective cases to join",
    operation_id="get_similar_cases",
    response_model=SimilarCases,
    responses=NOT_FOUND,
)
async def get_similar(
    request: Request,
    chat_id: ChatId,
    agreement_id: RowId,
    category: CaseCategory,
    unit_id: Annotated[
        int | None, Query(ge=1, lt=2**63, description="The home that it is about; none: all of the agreement's.")
    ] = None,
) -> Response:
    return facts(await look_up_similar(reading(request), chat_id, agreement_id, category, unit_id))


@router.post(
    "/chats/{chat_id}/collective-cases/{collective_id}/members",
    status_code=201,
    summary="File a complaint that joins a collective case",
    operation_id="join_collective_case",
    response_model=CaseOut,
    responses={200: {"model": CaseOut, "description": "This key was filed before."}, **NOT_FOUND},
)
async def post_member(
    request: Request,
    chat_id: ChatId,
    collective_id: RowId,
    joining: JoinIn,
    idempotency_key: Annotated[str, Header(pattern=Key, description="The same key again is the same case.")],
    session: Session,
    vault: TheVault,
) -> Response:
    """It has a number and clocks of its own, and is answered with the others."""
    policy = Policy.of(request.app.state.settings)
    now = datetime.now(UTC)
    found, made = await file_joining(session, vault, policy, chat_id, collective_id, joining, idempotency_key, now)
    return answer(found, made=made)


@router.get(
    "/chats/{chat_id}/cases",
    summary="Complaints that this chat filed, page by page",
    operation_id="get_cases",
    response_model=CasePage,
)
async def get_cases(
    request: Request,
    chat_id: ChatId,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
    idempotency_key: Annotated[str | None, Query(pattern=Key, description="Only what was filed with it.")] = None,
) -> Response:
    return facts(
        await look_up_cases(reading(request), chat_id, idempotency_key=idempotency_key, cursor=cursor, limit=limit)
    )


@router.get(
    "/chats/{chat_id}/cases/{number}",
    summary="One complaint with its clocks, files and history",
    operation_id="get_case",
    response_model=CaseOut,
    responses=NOT_FOUND,
)
async def get_case(request: Request, chat_id: ChatId, number: str) -> Response:
    return facts(await look_up_case(reading(request), chat_id, number))


@router.post(
    "/chats/{chat_id}/cases/{number}/actions",
    summary="Add to a complaint, answer a question, rate, reopen, ask for a review, or withdraw it",
    operation_id="act_on_own_case",
    response_model=CaseOut,
    responses={
        **NOT_FOUND,
        409: {"model": ErrorBody, "description": "`not_allowed_now`; `details.allowed` tells what can be done."},
    },
)
async def post_action(
    request: Request,
    chat_id: ChatId,
    number: str,
    step: ResidentAction,
    idempotency_key: Annotated[str, Header(pattern=Key, description="The same key again is the same step.")],
    session: Session,
    vault: TheVault,
) -> Response:
    """The answer is the complaint after it."""
    policy = Policy.of(request.app.state.settings)
    return facts(await act(session, vault, policy, chat_id, number, step, idempotency_key, datetime.now(UTC)))


@router.get(
    "/chats/{chat_id}/cases/{number}/attachments/{attachment_id}",
    summary="A file of a complaint, of one's own or of the office's answer",
    operation_id="get_attachment",
    response_class=Response,
    responses={**NOT_FOUND, 200: KEPT_BYTES},
)
async def get_attachment(request: Request, chat_id: ChatId, number: str, attachment_id: RowId) -> Response:
    return await send(request, await find_for_chat(reading(request), chat_id, number, attachment_id))


@router.post(
    "/chats/{chat_id}/cases/{number}/attachments/{attachment_id}/links",
    status_code=201,
    summary="A short-lived address of a file that Telegram has refused",
    operation_id="make_file_link",
    response_model=FileLink,
    responses=NOT_FOUND,
)
async def make_file_link(request: Request, chat_id: ChatId, number: str, attachment_id: RowId) -> Response:
    made = await link_to(reading(request), request.app.state.settings, chat_id, number, attachment_id)
    response = facts(made.model_dump(mode="json"))
    response.status_code = 201
    return response


@router.get(
    "/chats/{chat_id}/messages/{message_id}",
    summary="The complaint that a message of the bot's told of",
    operation_id="get_case_of_message",
    response_model=CaseOfMessage,
    responses=NOT_FOUND,
)
async def get_case_of_message(
    request: Request, chat_id: ChatId, message_id: Annotated[int, Path(ge=1, lt=2**63, description="Telegram's.")]
) -> Response:
    return facts(await look_up_case_of_message(reading(request), chat_id, message_id))


public_router = APIRouter(tags=["files"], responses={422: ERRORS[422], 503: ERRORS[503], **NOT_FOUND})
"""Outside ``/v1`` and without the service token: a browser asks, with an address that is its own key."""


@public_router.get(FILES + "{token}", summary="A file, by a link that is in force", response_class=Response)
async def get_linked_file(request: Request, token: str) -> Response:
    """Whatever is wrong with it, the answer is the same: not found."""
    response = await send(request, await find_linked(reading(request), token))
    # The address is a key: it is neither kept by a cache nor told to another site.
    response.headers.update({"cache-control": "no-store", "referrer-policy": "no-referrer"})
    return response
