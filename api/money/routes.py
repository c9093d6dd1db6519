"""What a chat's families have paid, owe and are owed."""

from fastapi import Request, Response

from api.lookups import facts, reading
from api.money.schemas import LedgerPage, PaymentsOut
from api.money.service import look_up_ledger, look_up_payments
from api.routing import DEFAULT_PAGE, NOT_FOUND, ChatId, Cursor, PageSize, RowId, v1_router

router = v1_router("payments")


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
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Response:
    return facts(await look_up_ledger(reading(request), chat_id, agreement_id, cursor, limit))
