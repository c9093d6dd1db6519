"""Look-ups of money. Each starts from the chat's live links."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import DATERANGE, aggregate_order_by

from api.agreements.models import Agreement
from api.agreements.queries import ref_columns
from api.chats.access import AGREEMENT_ID, live_links
from api.lookups import LookUp, decimal_text, first_of, json_list, json_object
from api.money.models import LedgerEntry, PurchaseTerms, TransitionFee
from api.money.schemas import LedgerDirection, LedgerKind, LedgerState


def _entry_json(entry: Any) -> ColumnElement[Any]:
    """A ``LedgerEntryOut``."""
    return json_object(
        id=entry.id,
        kind=entry.kind,
        direction=entry.direction,
        state=entry.state,
        amount=decimal_text(entry.amount),
        period_start=entry.period_start,
        period_end=entry.period_end,
        due_on=entry.due_on,
        paid_on=entry.paid_on,
        batch=entry.batch,
        note=entry.note,
        source=entry.source,
        as_of=entry.as_of,
    )


_NEWEST_FIRST = (LedgerEntry.as_of.desc(), LedgerEntry.id.desc())


def _payments() -> LookUp:
    """A row for each agreement."""
    mine = live_links()
    terms = (
        select(
            json_object(
                unit_price=decimal_text(PurchaseTerms.unit_price),
                total_price=decimal_text(PurchaseTerms.total_price),
                payment_method=PurchaseTerms.payment_method,
                down_payment=decimal_text(PurchaseTerms.down_payment),
                loan_amount=decimal_text(PurchaseTerms.loan_amount),
                source=PurchaseTerms.source,
                as_of=PurchaseTerms.as_of,
            )
        )
        .where(PurchaseTerms.agreement_id == Agreement.id)
        .correlate(Agreement)
    )
    has_period = LedgerEntry.period_start.is_not(None) & LedgerEntry.period_end.is_not(None)
    period = func.daterange(LedgerEntry.period_start, LedgerEntry.period_end, literal_column("'[]'"))
    sums = (
        select(
            LedgerEntry.agreement_id,
            LedgerEntry.kind,
            LedgerEntry.direction,
            LedgerEntry.state,
            func.sum(LedgerEntry.amount).label("amount"),
            func.count().label("count"),
            # What one entry leaves open is open for the sum; without an end a range would have none.
            case((func.bool_and(has_period), func.range_agg(period))).label("covered"),
            first_of(LedgerEntry.source, *_NEWEST_FIRST).label("source"),
            func.max(LedgerEntry.as_of).label("as_of"),
        )
        .group_by(LedgerEntry.agreement_id, LedgerEntry.kind, LedgerEntry.direction, LedgerEntry.state)
        .subquery("sums")
    ).c
    covered = func.unnest(sums.covered, type_=DATERANGE).column_valued("covered")
    last_day = func.upper(covered) - literal_column("1")  # a range of days ends before its upper bound
    periods = select(json_list(json_object(start=func.lower(covered), end=last_day), covered))
    total = json_object(
        kind=sums.kind,
        direction=sums.direction,
        state=sums.state,
        amount=decimal_text(sums.amount),
        count=sums.count,
        periods=periods.scalar_subquery(),
        source=sums.source,
        as_of=sums.as_of,
    )
    kinds = case({kind.value: position for position, kind in enumerate(LedgerKind)}, value=sums.kind)
    totals = (
        select(json_list(total, kinds, sums.direction, sums.state))
        .where(sums.agreement_id == Agreement.id)
        .correlate(Agreement)
    )
    arrears = (
        select(
            func.array_agg(
                aggregate_order_by(
                    cast(_entry_json(LedgerEntry), Text),
                    func.coalesce(LedgerEntry.period_start, LedgerEntry.due_on, LedgerEntry.sorts_on),
                    LedgerEntry.id,
                )
            ).label("entries"),
            first_of(LedgerEntry.source, *_NEWEST_FIRST).label("source"),
            func.max(LedgerEntry.as_of).label("as_of"),
        )
        .where(
            LedgerEntry.agreement_id == Agreement.id,
            LedgerEntry.kind == LedgerKind.TRANSITION_FEE,
            LedgerEntry.direction == LedgerDirection.TO_HOUSEHOLD,
            LedgerEntry.state == LedgerState.DUE,
        )
        .correlate(Agreement)
        .lateral("arrears")
    )
    return LookUp(
        select(
            *ref_columns(),
            terms.scalar_subquery().label("terms"),
            totals.scalar_subquery().label("totals"),
            decimal_text(TransitionFee.monthly_amount).label("monthly_amount"),
            TransitionFee.rate_text,
            TransitionFee.paid_up_to,
            TransitionFee.next_payment_on,
            arrears.c.entries.label("arrears"),
            func.coalesce(TransitionFee.source, arrears.c.source).label("fee_source"),
            func.coalesce(TransitionFee.as_of, arrears.c.as_of).label("fee_as_of"),
            Agreement.handed_over,
            Agreement.source,
            Agreement.as_of,
        )
        .select_from(
            mine.join(Agreement.__table__, Agreement.id == mine.c.agreement_id)
            .outerjoin(TransitionFee.__table__, TransitionFee.agreement_id == Agreement.id)
            .join(arrears, true())
        )
        .order_by(Agreement.id),
        seen="payments.seen",
    )


def _ledger() -> LookUp:
    """One row, or none where the agreement is not the chat's. ``entries`` and ``places`` (what a cursor holds) go
    together, one more than fits on the page; both NULL where the ledger is empty."""
    mine = live_links()
    before = tuple_(
        bindparam("before_on", None, type_=Date()),
        bindparam("before_id", None, type_=BigInteger()),
    )
    of_it = LedgerEntry.agreement_id == AGREEMENT_ID
    page = (
        select(LedgerEntry)
        .where(of_it, tuple_(LedgerEntry.sorts_on, LedgerEntry.id) < before)
        .order_by(LedgerEntry.sorts_on.desc(), LedgerEntry.id.desc())
        .limit(bindparam("limit", None, type_=BigInteger()))
        .subquery("page")
    ).c
    newest_first = (page.sorts_on.desc(), page.id.desc())
    place = func.concat(page.sorts_on, literal_column("'/'"), page.id)
    entries = select(
        func.array_agg(aggregate_order_by(cast(_entry_json(page), Text), *newest_first)).label("entries"),
        func.array_agg(aggregate_order_by(place, *newest_first)).label("places"),
    ).subquery("entries")
    count = select(func.count()).where(of_it).select_from(LedgerEntry)
    return LookUp(
        select(
            *ref_columns(), count.scalar_subquery().label("total_count"), entries.c.entries, entries.c.places
        ).select_from(
            mine.join(Agreement.__table__, (Agreement.id == mine.c.agreement_id) & (Agreement.id == AGREEMENT_ID)).join(
                entries, true()
            )
        ),
        seen="ledger.seen",
    )


PAYMENTS = _payments()
LEDGER = _ledger()
