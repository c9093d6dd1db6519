"""Payments and ledgers of the agreements that a chat may see."""

import base64
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from api.agreements.queries import agreement_ref
from api.errors import InvalidInput, NotFound
from api.lookups import ChatLookUp, Reading, Row, fragment
from api.money.queries import LEDGER, PAYMENTS
from api.money.schemas import MAX_ARREARS
from api.privacy import Vault

_END = (date.max, 2**63 - 1)
"""Before the newest entry there can be."""
_PLACE = re.compile(r"(\d{4}-\d\d-\d\d)/([1-9]\d{0,17})", re.ASCII)


def _payments(vault: Vault, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """``PaymentsOut`` of each agreement, oldest agreement on file first."""
    return [
        {
            "agreement": agreement_ref(vault, row),
            "handed_over": row["handed_over"],
            "terms": fragment(row["terms"]),
            "totals": fragment(row["totals"]),
            "transition_fee": _transition_fee(row),
            "source": row["source"],
            "as_of": row["as_of"],
        }
        for row in rows
    ]


def _transition_fee(row: Row) -> dict[str, Any] | None:
    """``TransitionFeeOut``. Unpaid periods are told even where no roll tells a rate; then the source is theirs."""
    if row["fee_source"] is None:
        return None
    return {
        "monthly_amount": row["monthly_amount"],
        "rate_text": row["rate_text"],
        "paid_up_to": row["paid_up_to"],
        "next_payment_on": row["next_payment_on"],
        "arrears": [fragment(entry) for entry in (row["arrears"] or ())[:MAX_ARREARS]],
        "source": row["fee_source"],
        "as_of": row["fee_as_of"],
    }


look_up_payments = ChatLookUp(PAYMENTS, _payments)


async def look_up_ledger(
    reading: Reading, chat_id: int, agreement_id: int, cursor: str | None, limit: int
) -> dict[str, Any]:
    """``LedgerPage``, newest first. Entries that come in between two pages shift nothing.

    Raises:
        InvalidInput: the cursor is none that a page gave.
        NotFound: the chat has no live link to such an agreement.
    """
    before_on, before_id = _END if cursor is None else _read_cursor(cursor)
    rows = await reading.rows(
        LEDGER,
        chat_id=chat_id,
        agreement_id=agreement_id,
        before_on=before_on,
        before_id=before_id,
        limit=limit + 1,
    )
    if not rows:
        raise NotFound
    row = rows[0]
    entries = row["entries"] or ()
    return {
        "agreement": agreement_ref(reading.vault, row),
        "entries": [fragment(entry) for entry in entries[:limit]],
        "total_count": row["total_count"],
        "next_cursor": _make_cursor(row["places"][limit - 1]) if len(entries) > limit else None,
    }


def _make_cursor(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[date, int]:
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        found = _PLACE.fullmatch(place)
        if found:
            return date.fromisoformat(found[1]), int(found[2])
    except ValueError:
        pass
    raise InvalidInput(fields=[{"at": ["query", "cursor"], "expected": "next_cursor of another page"}])
