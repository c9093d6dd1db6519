"""A person's rights over what is kept about them."""

from fastapi import Request, Response

from api.errors import ErrorBody
from api.lookups import facts, reading
from api.rights.copies import look_up_everything
from api.rights.erasure import erase, look_up_erasure
from api.rights.schemas import ErasureOut, MyDataOut
from api.routing import ChatId, TheVault, v1_router

router = v1_router("rights")


@router.get(
    "/chats/{chat_id}/data",
    response_model=MyDataOut,
    operation_id="get_my_data",
    summary="All that is kept about this chat, for its person",
    responses={409: {"model": ErrorBody, "description": "`too_many`: so many copies were made within 24 hours."}},
)
async def get_data(chat_id: ChatId, request: Request) -> Response:
    return facts(await look_up_everything(reading(request), request.app.state.settings, chat_id))


@router.get(
    "/chats/{chat_id}/erasure",
    response_model=ErasureOut,
    operation_id="get_erasure",
    summary="What erasing this chat would end, and what stays",
)
async def get_erasure(chat_id: ChatId, request: Request) -> Response:
    return facts(await look_up_erasure(reading(request), request.app.state.settings, chat_id))


@router.delete(
    "/chats/{chat_id}",
    status_code=204,
    operation_id="erase_chat",
    summary="Forget this chat: end its links, delete what need not be kept",
)
async def delete_chat(chat_id: ChatId, vault: TheVault, request: Request) -> None:
    state = request.app.state
    await erase(state.database, vault, state.attachments, chat_id)
