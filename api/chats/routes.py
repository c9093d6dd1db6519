"""Conversation state and links of a chat."""

from fastapi import Request, Response
from starlette.background import BackgroundTask

from api.agreements.service import look_up_handover, look_up_homes
from api.chats import granting, links, service
from api.chats.schemas import ChatSave, ChatState, ChatWithHandover, ChatWithHomes, ChatWithPayments, Facts
from api.errors import ErrorBody
from api.identity.schemas import LinksOut
from api.lookups import facts, reading
from api.money.service import look_up_payments
from api.routing import NOT_FOUND, ChatId, RowId, Session, TheVault, v1_router

router = v1_router("chats")


def _answer(request: Request, chat_id: int, found: service.Found) -> Response:
    answer = facts(found.state)
    if found.use_to_note:
        days = request.app.state.settings.link_disuse_days
        # Runs when the answer is gone: once a day for each chat.
        answer.background = BackgroundTask(service.note_use, reading(request), chat_id, days)
    return answer


@router.get(
    "/chats/{chat_id}",
    response_model=ChatState,
    summary="What a turn of the conversation starts from (version 0: a chat that never wrote)",
)
async def get_state(chat_id: ChatId, request: Request) -> Response:
    return _answer(request, chat_id, await service.get_state(reading(request), chat_id))


@router.get(
    "/chats/{chat_id}/with-homes",
    response_model=ChatWithHomes,
    summary="The state together with the homes: one request for a turn that shows them",
)
async def get_state_with_homes(chat_id: ChatId, request: Request) -> Response:
    found = await service.get_state_with(reading(request), chat_id, Facts.HOMES, look_up_homes)
    return _answer(request, chat_id, found)


@router.get(
    "/chats/{chat_id}/with-payments",
    response_model=ChatWithPayments,
    summary="The state together with the payments: one request for a turn that shows them",
)
async def get_state_with_payments(chat_id: ChatId, request: Request) -> Response:
    found = await service.get_state_with(reading(request), chat_id, Facts.PAYMENTS, look_up_payments)
    return _answer(request, chat_id, found)


@router.get(
    "/chats/{chat_id}/with-handover",
    response_model=ChatWithHandover,
    summary="The state together with the handover: one request for a turn that shows it",
)
async def get_state_with_handover(chat_id: ChatId, request: Request) -> Response:
    found = await service.get_state_with(reading(request), chat_id, Facts.HANDOVER, look_up_handover)
    return _answer(request, chat_id, found)


@router.put(
    "/chats/{chat_id}",
    response_model=ChatState,
    summary="Save what a turn leaves behind, if nothing was saved meanwhile",
    responses={409: {"model": ErrorBody, "description": "`version_conflict`: load it again."}},
)
async def save_state(chat_id: ChatId, save: ChatSave, session: Session, vault: TheVault, request: Request) -> Response:
    return facts(await service.save_state(session, vault, chat_id, save, reading(request).today()))


@router.get(
    "/chats/{chat_id}/links",
    response_model=LinksOut,
    summary="The agreements this chat is linked to, and who else is, where it may know",
)
async def get_links(chat_id: ChatId, request: Request) -> Response:
    return facts(await links.list_links(reading(request), chat_id))


@router.delete("/chats/{chat_id}/links/{link_id}", status_code=204, summary="End a link", responses=NOT_FOUND)
async def end_link(chat_id: ChatId, link_id: RowId, session: Session, vault: TheVault, request: Request) -> None:
    await granting.end_link(session, vault, chat_id, link_id, reading(request).today())
