"""What a chat's families have paid, owe and are owed."""

from typing import Annotated

from fastapi import Query, Request, Response

from api.lookups import facts, reading
from api.money.schemas import LedgerPage, PaymentsOut
from api.money.service import look_up_ledger, look_up_payments
from api.routing import NOT_FOUND, ChatId, RowId, v1_router

router = v1_router("payments")

DEFAULT_PAGE = 10
LARGEST_PAGE = 50


@router.get(
    "/chats/{chat_id}/payments",
    summary="Totals paid and due either way, purchase terms, transition fee",
    operation_id="get_payments",
    response_model=list[PaymentsOut],
)
async def get_payments(request: Request, chat_id: ChatId) -> Response:
    """One item for each agreement; an empty list for a chat without a live link."""
    return facts(await look_up_payments(reading(request), chat_id))


@router.get(
    "/chats/{chat_id}/agreements/{agreement_id}/ledger",
    summary="Every sum due or paid under one agreement, page by page",
    operation_id="get_ledger",
    response_model=LedgerPage,
    responses=NOT_FOUND,
)
async def get_ledger(
    request: Request,
    chat_id: ChatId,
    agreement_id: RowId,
    cursor: Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = DEFAULT_PAGE,
) -> Response:
    return facts(await look_up_ledger(reading(request), chat_id, agreement_id, cursor, limit))
