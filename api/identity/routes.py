"""Proving who one is."""

from fastapi import Request, Response

from api.chats.links import list_links_within
from api.errors import ErrorBody
from api.identity.consents import NEEDED, give_consent, look_up_consents, require_consent, withdraw_consent
from api.identity.schemas import ConsentKind, ConsentsIn, ConsentsOut, LinksOut, Proof
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
        403: {
            "model": ErrorBody,
            "description": "`way_closed` to all; `not_matched`, whatever was wrong; or `consent_needed`.",
        },
        429: {"model": ErrorBody, "description": "`locked`; `details.retry_after_seconds` tells when to try again."},
    },
)
async def prove(chat_id: ChatId, proof: Proof, session: Session, vault: TheVault, request: Request) -> Response:
    today = reading(request).today()
    await require_consent(session, chat_id, NEEDED[proof.method])
    state = request.app.state
    await verify(session, vault, state.surge, chat_id, proof, today, disuse_days=state.settings.link_disuse_days)
    answer = facts(await list_links_within(session, vault, chat_id, today))
    answer.status_code = 201
    return answer


@router.get(
    "/chats/{chat_id}/consents",
    response_model=ConsentsOut,
    operation_id="get_consents",
    summary="What the person has agreed to, in the present version of the words",
)
async def get_consents(chat_id: ChatId, request: Request) -> Response:
    return facts(await look_up_consents(reading(request), chat_id))


@router.put(
    "/chats/{chat_id}/consents",
    status_code=204,
    operation_id="give_consents",
    summary="Record what the person agrees to",
    responses={403: {"model": ErrorBody, "description": "`consent_needed`: the words have changed since."}},
)
async def put_consents(chat_id: ChatId, given: ConsentsIn, session: Session) -> None:
    await give_consent(session, chat_id, given.kinds, given.version)


@router.delete(
    "/chats/{chat_id}/consents/id_number",
    status_code=204,
    operation_id="withdraw_consent",
    summary="Record that characters of an ID number may be compared no longer",
)
async def delete_consent(chat_id: ChatId, session: Session) -> None:
    """Links that stand are not touched. To end everything: `DELETE /v1/chats/{chat_id}`."""
    await withdraw_consent(session, chat_id, [ConsentKind.ID_NUMBER])
