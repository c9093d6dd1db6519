"""Broadcasts for staff: writing, counting, approving, following. Each route names the roles that may use it; which
step is whose, the table of states says (``api.broadcasts.states``)."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Header, Query, Request, Response

from api.audit.service import record
from api.broadcasts import pages, preview, service
from api.broadcasts.choosing import MAX_FILE_BYTES, columns_of, find_numbers, list_places, receive
from api.broadcasts.counting import Asked, count_audience
from api.broadcasts.report import Rows, list_missing, list_unreached, missing_xlsx, report, unreached_xlsx
from api.broadcasts.schemas import (
    MAX_NUMBERS,
    AudienceCount,
    BroadcastChange,
    BroadcastNew,
    BroadcastOut,
    BroadcastPage,
    BroadcastReport,
    BroadcastState,
    BroadcastStep,
    FollowUp,
    NumbersFound,
    ParcelsOf,
    PreviewOut,
    TestSend,
)
from api.broadcasts.service import By, Now, asked_of
from api.cases.routes import Key, upload_of
from api.errors import ErrorBody
from api.lookups import reading
from api.routing import DEFAULT_PAGE, NOT_FOUND, Cursor, PageSize, RowId, Session, TheVault, v1_router
from api.spreadsheets import XLSX
from api.staff.access import Acting, acting
from api.staff.routes import NOT_ALLOWED
from api.staff.schemas import HANDLES_BROADCASTS, SEES_BROADCASTS, StaffRole

router = v1_router("broadcasts")

Reader = Annotated[Acting, acting(*SEES_BROADCASTS)]
Publisher = Annotated[Acting, acting(StaffRole.PUBLISHER)]
Handler = Annotated[Acting, acting(*HANDLES_BROADCASTS)]
IdempotencyKey = Annotated[str, Header(pattern=Key, description="The same key again is the same draft.")]

CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {
        "model": ErrorBody,
        "description": "`not_allowed_now`: not in this state, `details.allowed` tells what is · `broadcast_changed`: "
        "somebody changed it since `version` · `has_problems`: `details.problems` must be mended first.",
    }
}
NOT_SENT: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorBody, "description": "`not_allowed_now`: it has not been sent."}
}
_FILE = {"schema": {"type": "string", "format": "binary"}}
TABLE: dict[int | str, dict[str, Any]] = {200: {"description": "The list as a file.", "content": {XLSX: _FILE}}}


def _now(request: Request) -> Now:
    return Now.of(request.app.state.settings)


@router.get(
    "/staff/{chat_id}/places",
    summary="Projects with their parcels, phases, buildings and entrances",
    operation_id="get_places",
    responses=NOT_ALLOWED,
)
async def get_places(request: Request, account: Reader) -> list[ParcelsOf]:
    async with request.app.state.database.transaction() as session:
        return await list_places(session, By.staff(account))


@router.post(
    "/staff/{chat_id}/broadcasts/numbers",
    summary="Agreement numbers of a file",
    operation_id="read_numbers",
    responses={
        **NOT_ALLOWED,
        409: {"model": ErrorBody, "description": f"`too_many`: more than {MAX_NUMBERS}."},
        413: {"model": ErrorBody, "description": f"`too_large`: more than {MAX_FILE_BYTES} bytes."},
        415: {"model": ErrorBody, "description": "`unsupported_type`: neither a spreadsheet nor text."},
    },
    openapi_extra=upload_of,
)
async def read_numbers(
    request: Request, account: Publisher, session: Session, filename: Annotated[str, Query(max_length=500)]
) -> NumbersFound:
    """The body is the file: xlsx, xls, ods, csv, or text with numbers one below or behind the other. Of several columns
    it is the one with the most numbers of agreements."""
    columns = await asyncio.to_thread(columns_of, await receive(request.stream()), filename)
    return await find_numbers(session, By.staff(account), columns)


@router.post(
    "/staff/{chat_id}/broadcasts/count",
    summary="How many would get it",
    operation_id="count_audience",
    responses={**NOT_ALLOWED, **NOT_FOUND},
)
async def post_count(request: Request, given: BroadcastNew, account: Publisher, session: Session) -> AudienceCount:
    """Of what is being written; nothing is stored."""
    now = _now(request)
    counted = await count_audience(session, Asked(given, given.operation, given.of_id), now.today, now.moment)
    await record(session, account.actor, "audience.counted", "broadcast", [None])
    return counted


@router.get(
    "/staff/{chat_id}/broadcasts",
    summary="Broadcasts, newest first",
    operation_id="get_broadcasts",
    responses=NOT_ALLOWED,
)
async def get_broadcasts(
    request: Request,
    account: Reader,
    vault: TheVault,
    state: Annotated[list[BroadcastState] | None, Query(description="Only those in one of these states.")] = None,
    of_id: Annotated[int | None, Query(ge=1, lt=2**63, description="Only what follows up on this one.")] = None,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> BroadcastPage:
    async with request.app.state.database.transaction() as session:
        return await pages.list_broadcasts(
            session, vault, By.staff(account), states=state or (), of_id=of_id, cursor=cursor, limit=limit
        )


@router.post(
    "/staff/{chat_id}/broadcasts",
    status_code=201,
    summary="Begin to write a broadcast",
    operation_id="create_broadcast",
    responses={
        200: {"model": BroadcastOut, "description": "This key was used before: the same draft."},
        **NOT_ALLOWED,
        **NOT_FOUND,
        **NOT_SENT,
    },
)
async def post_broadcast(
    given: BroadcastNew,
    idempotency_key: IdempotencyKey,
    request: Request,
    response: Response,
    account: Publisher,
    session: Session,
    vault: TheVault,
) -> BroadcastOut:
    by = By.staff(account)
    draft, made = await service.create(session, by, given, idempotency_key=idempotency_key)
    response.status_code = 201 if made else 200
    return await pages.show(session, vault, by, draft.id, _now(request))


@router.get(
    "/staff/{chat_id}/broadcasts/{broadcast_id}",
    summary="One broadcast: content, what is wrong with it, how far it is",
    operation_id="get_broadcast",
    responses={**NOT_ALLOWED, **NOT_FOUND},
)
async def get_broadcast(broadcast_id: RowId, request: Request, account: Reader, vault: TheVault) -> BroadcastOut:
    async with request.app.state.database.transaction() as session:
        return await pages.show(session, vault, By.staff(account), broadcast_id, _now(request))


@router.put(
    "/staff/{chat_id}/broadcasts/{broadcast_id}",
    summary="Say it otherwise",
    operation_id="edit_broadcast",
    responses={**NOT_ALLOWED, **NOT_FOUND, **CONFLICT},
)
async def put_broadcast(
    broadcast_id: RowId,
    given: BroadcastChange,
    request: Request,
    account: Publisher,
    session: Session,
    vault: TheVault,
) -> BroadcastOut:
    """What was submitted or approved is a draft again, and must be approved anew."""
    by = By.staff(account)
    await service.edit(session, by, broadcast_id, given)
    return await pages.show(session, vault, by, broadcast_id, _now(request))


@router.post(
    "/staff/{chat_id}/broadcasts/{broadcast_id}/steps",
    summary="Submit, approve, reject, pause, resume or cancel it",
    operation_id="step_broadcast",
    responses={
        **NOT_FOUND,
        403: {
            "model": ErrorBody,
            "description": "`not_allowed`: not for this account · `own_broadcast`: nobody approves their own.",
        },
        **CONFLICT,
    },
)
async def post_step(
    broadcast_id: RowId, given: BroadcastStep, request: Request, account: Handler, session: Session, vault: TheVault
) -> BroadcastOut:
    by, now = By.staff(account), _now(request)
    await service.step(session, by, broadcast_id, given, now)
    return await pages.show(session, vault, by, broadcast_id, now)


@router.post(
    "/staff/{chat_id}/broadcasts/{broadcast_id}/follow-ups",
    status_code=201,
    summary="Send it once more to whom it did not reach, or correct it: a new draft",
    operation_id="follow_up_broadcast",
    responses={
        200: {"model": BroadcastOut, "description": "This key was used before: the same draft."},
        **NOT_ALLOWED,
        **NOT_FOUND,
        **NOT_SENT,
    },
)
async def post_follow_up(
    broadcast_id: RowId,
    given: FollowUp,
    idempotency_key: IdempotencyKey,
    request: Request,
    response: Response,
    account: Publisher,
    session: Session,
    vault: TheVault,
) -> BroadcastOut:
    by = By.staff(account)
    draft, made = await service.follow_up(session, by, broadcast_id, given, idempotency_key=idempotency_key)
    response.status_code = 201 if made else 200
    return await pages.show(session, vault, by, draft.id, _now(request))


@router.get(
    "/staff/{chat_id}/broadcasts/{broadcast_id}/count",
    summary="How many get it, as it stands now",
    operation_id="get_broadcast_count",
    responses={**NOT_ALLOWED, **NOT_FOUND},
)
async def get_count(broadcast_id: RowId, request: Request, account: Reader) -> AudienceCount:
    now = _now(request)
    async with request.app.state.database.transaction() as session:
        broadcast = await service.get(session, broadcast_id)
        await record(session, account.actor, "audience.counted", "broadcast", [broadcast_id])
        return await count_audience(session, asked_of(broadcast), now.today, now.moment)


@router.get(
    "/staff/{chat_id}/broadcasts/{broadcast_id}/preview",
    summary="Up to three of its readers as they are now, masked",
    operation_id="preview_broadcast",
    responses={**NOT_ALLOWED, **NOT_FOUND},
)
async def get_preview(broadcast_id: RowId, request: Request, account: Handler, vault: TheVault) -> PreviewOut:
    now = _now(request)
    async with request.app.state.database.transaction() as session:
        return await preview.preview(session, vault, By.staff(account), broadcast_id, now.today, now.moment)


@router.post(
    "/staff/{chat_id}/broadcasts/{broadcast_id}/test",
    status_code=204,
    summary="Send it to oneself",
    operation_id="test_broadcast",
    responses={**NOT_ALLOWED, **NOT_FOUND, **CONFLICT},
)
async def post_test(
    broadcast_id: RowId, given: TestSend, request: Request, account: Handler, session: Session, vault: TheVault
) -> None:
    """A courier brings it to the chat that asks, as the first reader would get it, masked."""
    now = _now(request)
    await preview.send_test(session, vault, By.staff(account), broadcast_id, given.locale, now.today, now.moment)


@router.get(
    "/staff/{chat_id}/broadcasts/{broadcast_id}/missing",
    summary="Families of which a value that it tells is not there",
    operation_id="export_missing",
    response_class=Response,
    responses={**NOT_ALLOWED, **NOT_FOUND, **TABLE},
)
async def get_missing(broadcast_id: RowId, request: Request, account: Handler) -> Response:
    """Agreement number, home, and which values."""
    async with request.app.state.database.transaction() as session:
        rows = await list_missing(session, By.staff(account), broadcast_id, reading(request).today())
    return await _table(missing_xlsx, rows, f"缺少内容的住户_{broadcast_id}.xlsx")


@router.get(
    "/staff/{chat_id}/broadcasts/{broadcast_id}/report",
    summary="What became of it, by outcome, language and building",
    operation_id="get_broadcast_report",
    responses={**NOT_ALLOWED, **NOT_FOUND, **NOT_SENT},
)
async def get_report(broadcast_id: RowId, request: Request, account: Reader) -> BroadcastReport:
    async with request.app.state.database.transaction() as session:
        return await report(session, By.staff(account), broadcast_id, reading(request).today())


@router.get(
    "/staff/{chat_id}/broadcasts/{broadcast_id}/unreached",
    summary="Families that it did not reach, for who goes from door to door",
    operation_id="export_unreached",
    response_class=Response,
    responses={**NOT_ALLOWED, **NOT_FOUND, **NOT_SENT, **TABLE},
)
async def get_unreached(broadcast_id: RowId, request: Request, account: Handler) -> Response:
    """Agreement number and home, and nothing else about anybody."""
    async with request.app.state.database.transaction() as session:
        rows = await list_unreached(session, By.staff(account), broadcast_id, reading(request).today())
    return await _table(unreached_xlsx, rows, f"未送达住户_{broadcast_id}.xlsx")


async def _table(make: Callable[[Rows], bytes], rows: Rows, name: str) -> Response:
    headers = {"content-disposition": f"attachment; filename*=utf-8''{quote(name)}"}
    return Response(await asyncio.to_thread(make, rows), media_type=XLSX, headers=headers)
