"""Homes and handover of a chat's agreements."""

from fastapi import Request, Response

from api.agreements.schemas import HandoverOut, HomeOut
from api.agreements.service import look_up_handover, look_up_homes
from api.chats.schemas import Watch
from api.chats.watches import unwatch_handover, watch_handover
from api.lookups import facts, reading
from api.routing import NOT_FOUND, ChatId, RowId, Session, v1_router

router = v1_router("homes and handover")


@router.get(
    "/chats/{chat_id}/handover",
    summary="When each home is expected to be handed over, and every date stated before",
    operation_id="get_handover",
    response_model=list[HandoverOut],
)
async def get_handover(request: Request, chat_id: ChatId) -> Response:
    """One item for each building of each agreement; an empty list for a chat without a live link."""
    return facts(await look_up_handover(reading(request), chat_id))


@router.get(
    "/chats/{chat_id}/homes",
    summary="Agreements with their homes, buildings and registrations",
    operation_id="get_homes",
    response_model=list[HomeOut],
)
async def get_homes(request: Request, chat_id: ChatId) -> Response:
    """One item for each agreement; an empty list for a chat without a live link."""
    return facts(await look_up_homes(reading(request), chat_id))


@router.put(
    "/chats/{chat_id}/agreements/{agreement_id}/handover-watch",
    summary="Ask to be told when the handover date changes",
    operation_id="watch_handover",
    responses=NOT_FOUND,
)
async def put_watch(request: Request, chat_id: ChatId, agreement_id: RowId, session: Session) -> Watch:
    await watch_handover(session, chat_id, agreement_id, reading(request).today())
    return Watch(watching=True)


@router.delete(
    "/chats/{chat_id}/agreements/{agreement_id}/handover-watch",
    summary="Ask no longer to be told when the handover date changes",
    operation_id="unwatch_handover",
    responses=NOT_FOUND,
)
async def delete_watch(request: Request, chat_id: ChatId, agreement_id: RowId, session: Session) -> Watch:
    await unwatch_handover(session, chat_id, agreement_id, reading(request).today())
    return Watch(watching=False)
