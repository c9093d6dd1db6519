"""Proving who one is."""

from fastapi import Request, Response

from api.chats.links import list_links_within
from api.errors import ErrorBody
from api.identity.schemas import LinksOut, Proof
from api.identity.service import verify
from api.lookups import facts, reading
from api.routing import ChatId, Session, TheVault, v1_router

router = v1_router("links")


@router.post(
    "/chats/{chat_id}/links",
    status_code=201,
    response_model=LinksOut,
    summary="Prove who one is, and be linked to what one holds",
    responses={
        403: {"model": ErrorBody, "description": "`way_closed` to all; `not_matched`, whatever was wrong."},
        429: {"model": ErrorBody, "description": "`locked`; `details.retry_after_seconds` tells when to try again."},
    },
)
async def prove(chat_id: ChatId, proof: Proof, session: Session, vault: TheVault, request: Request) -> Response:
    today = reading(request).today()
    state = request.app.state
    await verify(session, vault, state.surge, chat_id, proof, today, disuse_days=state.settings.link_disuse_days)
    answer = facts(await list_links_within(session, vault, chat_id, today))
    answer.status_code = 201
    return answer
