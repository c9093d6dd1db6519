"""What a chat wants to be told of."""

from fastapi import Request, Response

from api.broadcasts.mutes import look_up_mutes, set_mutes
from api.broadcasts.schemas import Mutes
from api.lookups import facts, reading
from api.routing import ChatId, Session, v1_router

router = v1_router("broadcasts")


@router.get(
    "/chats/{chat_id}/mutes",
    response_model=Mutes,
    operation_id="get_mutes",
    summary="The topics of which this chat does not want to be told",
)
async def get_mutes(chat_id: ChatId, request: Request) -> Response:
    return facts({"topics": await look_up_mutes(reading(request), chat_id)})


@router.put(
    "/chats/{chat_id}/mutes",
    status_code=204,
    operation_id="set_mutes",
    summary="Mute these topics and no others; `legal` cannot be muted (422)",
)
async def put_mutes(chat_id: ChatId, wanted: Mutes, session: Session) -> None:
    await set_mutes(session, chat_id, wanted.topics)
