"""The complaint desk for staff. Each route names the roles that may use it; whether an officer may act on this very
case, the desk looks (``api.cases.desk.staff_by``)."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Header, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import record
from api.cases.attachments import MAX_FREE, Upload, take_in_from_staff
from api.cases.clocks import Policy
from api.cases.collective import REGROUPS, hold_collectives, named_master
from api.cases.desk import By, lock_case, staff_by, taken_before
from api.cases.desk_pages import find_case_id, show_case
from api.cases.downloads import find_for_staff, send
from api.cases.models import Case
from api.cases.queue import Wanted, count_queues, list_cases
from api.cases.routes import KEPT_BYTES, Key, answer, upload_of
from api.cases.routing import list_departments, route, route_out
from api.cases.schemas import (
    MAX_ATTACHMENT_BYTES,
    AttachmentKind,
    AttachmentOut,
    CaseCategory,
    CaseState,
    DepartmentOut,
    Merge,
    QueuePage,
    QueueSort,
    QueueView,
    RouteOut,
    StaffActionIn,
    StaffCaseOut,
)
from api.cases.together import take_step
from api.errors import ErrorBody, NotAllowed
from api.lookups import reading
from api.routing import DEFAULT_PAGE, NOT_FOUND, Cursor, PageSize, RowId, Session, TheVault, v1_router
from api.staff.access import Acting, acting
from api.staff.routes import NOT_ALLOWED
from api.staff.schemas import HANDLES_CASES, SEES_CASES, StaffRole

router = v1_router("desk")

Reader = Annotated[Acting, acting(*SEES_CASES)]
Officer = Annotated[Acting, acting(*HANDLES_CASES)]
Sender = Annotated[Acting, acting(*HANDLES_CASES, StaffRole.PUBLISHER)]

CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {
        "model": ErrorBody,
        "description": "`not_allowed_now`: not as the case stands, `details.allowed` tells what is · `case_changed`: "
        "somebody took a step since `version` · `no_route`: no routing rule fits · "
        "`says_who`: what the building is to read would show whose case it is.",
    }
}
NOT_THEIRS: dict[int | str, dict[str, Any]] = {
    403: {
        "model": ErrorBody,
        "description": "`not_allowed`: not for this account · `own_answer`: nobody decides the review of what they "
        "answered.",
    }
}


@router.get(
    "/staff/{chat_id}/cases",
    summary="The queue: open cases, page by page",
    operation_id="get_queue",
    responses=NOT_ALLOWED,
)
async def get_queue(
    request: Request,
    officer: Reader,
    vault: TheVault,
    view: Annotated[QueueView | None, Query(description="Which of them; none: all.")] = None,
    department_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    state: Annotated[CaseState | None, Query(description="One that is not open shows cases that are not.")] = None,
    category: CaseCategory | None = None,
    supervised: bool | None = None,
    number: Annotated[
        str | None, Query(max_length=40, description="Of one case, whole or its serial alone; open or not.")
    ] = None,
    sort: Annotated[QueueSort, Query(description="Cases that are not open have only the order of receipt.")] = (
        QueueSort.DUE
    ),
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
    counted: Annotated[bool, Query(description="Whether to say how many there are of each sort.")] = False,
) -> QueuePage:
    wanted = Wanted(view, department_id, state, category, supervised, number, sort)
    today = reading(request).today()
    async with request.app.state.database.transaction() as session:
        page = await list_cases(session, vault, officer.actor, wanted, today, cursor=cursor, limit=limit)
        page.counts = await count_queues(session, officer.id, today) if counted else None
        return page


@router.get(
    "/staff/{chat_id}/cases/{number}",
    summary="One case with its clocks, files and history",
    operation_id="get_staff_case",
    responses={**NOT_ALLOWED, **NOT_FOUND},
)
async def get_staff_case(number: str, request: Request, officer: Reader, vault: TheVault) -> StaffCaseOut:
    async with request.app.state.database.transaction() as session:
        return await show_case(session, vault, officer, number, reading(request).today())


@router.post(
    "/staff/{chat_id}/cases/{number}/actions",
    summary="Take a step with a case",
    operation_id="act_on_case",
    responses={**NOT_THEIRS, **NOT_FOUND, **CONFLICT},
)
async def post_staff_action(
    number: str,
    given: StaffActionIn,
    idempotency_key: Annotated[str, Header(pattern=Key, description="The same key again is the same step.")],
    request: Request,
    officer: Officer,
    session: Session,
    vault: TheVault,
) -> StaffCaseOut:
    """The answer is the case after it. A step that arrives twice is taken once."""
    if isinstance(given.step, REGROUPS):
        # Before the case is locked: who holds one case and waits for the other would wait for ever.
        await hold_collectives(session)
    case = await lock_case(session, await find_case_id(session, number))
    # Before anything else: whoever has passed it on may do nothing with it any more, and has done that all the same.
    if await taken_before(session, case.id, officer.actor, idempotency_key) is None:
        by = await _acts_on(session, officer, case)
        if isinstance(given.step, Merge):
            # What is answered for both is answered for the other one's department as well.
            await _acts_on(session, officer, await named_master(session, given.step.master))
        await take_step(
            session,
            vault,
            Policy.of(request.app.state.settings),
            by,
            case.id,
            given.step,
            datetime.now(UTC),
            idempotency_key=idempotency_key,
            version=given.version,
        )
    return await show_case(session, vault, officer, number, reading(request).today())


async def _acts_on(session: AsyncSession, officer: Acting, case: Case) -> By:
    """
    Raises:
        NotAllowed: the account may only look at this case.
    """
    by = await staff_by(session, officer.id, officer.roles, officer.chat_id, case)
    if by is None:
        raise NotAllowed
    return by


@router.get(
    "/staff/{chat_id}/cases/{number}/route",
    summary="Where the routing rules send a case, and why",
    operation_id="get_case_route",
    responses={**NOT_ALLOWED, **NOT_FOUND},
)
async def get_route(number: str, request: Request, officer: Reader, vault: TheVault) -> RouteOut:
    async with request.app.state.database.transaction() as session:
        case = await session.get_one(Case, await find_case_id(session, number))
        await record(session, officer.actor, "case.route_shown", "case", [case.id])
        return route_out(vault, await route(session, case))


@router.get(
    "/staff/{chat_id}/cases/{number}/attachments/{attachment_id}",
    summary="A file of a case",
    operation_id="get_staff_attachment",
    response_class=Response,
    responses={**NOT_ALLOWED, **NOT_FOUND, 200: KEPT_BYTES},
)
async def get_staff_attachment(number: str, attachment_id: RowId, request: Request, officer: Reader) -> Response:
    async with request.app.state.database.transaction() as session:
        found = await find_for_staff(session, officer.actor, number, attachment_id)
    return await send(request, found)


@router.post(
    "/staff/{chat_id}/attachments",
    status_code=201,
    summary="Store a photo or document for an answer or a broadcast",
    operation_id="upload_staff_attachment",
    response_model=AttachmentOut,
    responses={
        200: {"model": AttachmentOut, "description": "This upload key was stored before."},
        **NOT_ALLOWED,
        409: {"model": ErrorBody, "description": f"`too_many`: {MAX_FREE} files that are part of nothing."},
        413: {"model": ErrorBody, "description": f"`too_large`: more than {MAX_ATTACHMENT_BYTES} bytes."},
        415: {"model": ErrorBody, "description": "`unsupported_type`, by the file's content."},
    },
    openapi_extra=upload_of,
)
async def upload_staff_attachment(
    request: Request,
    officer: Sender,
    kind: AttachmentKind,
    filename: Annotated[str, Query(max_length=500)],
    upload_key: Annotated[str, Query(pattern=Key, description="The same key again is the same file.")],
) -> Response:
    """The body is the file itself, as with a complaint's."""
    size = request.headers.get("content-length", "")
    found, made = await take_in_from_staff(
        request.app.state.database,
        reading(request),
        request.app.state.attachments,
        officer,
        Upload(kind, filename, upload_key),
        int(size) if size.isdecimal() else None,
        request.stream(),
    )
    return answer(found, made=made)


@router.get(
    "/staff/{chat_id}/departments",
    summary="Departments that take cases, with their officers",
    operation_id="get_departments",
    responses=NOT_ALLOWED,
)
async def get_departments(request: Request, officer: Reader, vault: TheVault) -> list[DepartmentOut]:
    async with request.app.state.database.transaction() as session:
        await record(session, officer.actor, "departments.listed", "department", [None])
        return await list_departments(session, vault)
