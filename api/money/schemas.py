"""Wire contract of money. All amounts are yuan (¥) with two decimals; nothing here is computed as an entitlement."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, Field

from api.agreements.schemas import AgreementRef

MAX_ARREARS = 240


class LedgerKind(StrEnum):
    HOUSE_PRICE = "house_price"  # 房款
    PRICE_DIFFERENCE = "price_difference"  # 差价款
    MAINTENANCE_FUND = "maintenance_fund"  # 维修基金
    COMPENSATION = "compensation"  # 补偿款
    TRANSITION_FEE = "transition_fee"  # 过渡费
    PENALTY = "penalty"  # 违约金
    REFUND = "refund"  # 退款


class LedgerDirection(StrEnum):
    FROM_HOUSEHOLD = "from_household"
    TO_HOUSEHOLD = "to_household"


class LedgerState(StrEnum):
    DUE = "due"
    PAID = "paid"


class LedgerEntryOut(BaseModel):
    id: int
    kind: LedgerKind
    direction: LedgerDirection
    state: LedgerState
    amount: Decimal
    period_start: date | None
    period_end: date | None
    due_on: date | None
    paid_on: date | None
    batch: str | None = Field(description="支付批次")
    note: str | None
    source: str
    as_of: date


class PeriodOut(BaseModel):
    start: date
    end: date = Field(description="The last day.")


class LedgerTotalOut(BaseModel):
    """Sum of the entries of one kind, direction and state."""

    kind: LedgerKind
    direction: LedgerDirection
    state: LedgerState
    amount: Decimal
    count: int
    periods: list[PeriodOut] = Field(
        description="What the sum is for, oldest first; periods that meet are one. None where an entry does not tell "
        "its own: then nobody knows what the whole is for.",
    )
    source: str
    as_of: date


class PurchaseTermsOut(BaseModel):
    unit_price: Decimal | None = Field(description="yuan per m²")
    total_price: Decimal | None
    payment_method: str | None
    down_payment: Decimal | None
    loan_amount: Decimal | None
    source: str
    as_of: date


class TransitionFeeOut(BaseModel):
    """The transition fee as the rolls tell it: rate, paid up to when, unpaid periods on file, next date."""

    monthly_amount: Decimal | None = Field(description="yuan per month")
    rate_text: str | None = Field(description="The roll's own words where the rate is not a sum per month.")
    paid_up_to: date | None = Field(description="Last day covered by what was paid.")
    next_payment_on: date | None = Field(description="None: not published yet.")
    arrears: list[LedgerEntryOut] = Field(
        description="Unpaid periods, oldest first, 240 at most; the totals count them all.",
        max_length=MAX_ARREARS,
    )
    source: str
    as_of: date


class PaymentsOut(BaseModel):
    """What one agreement's family has paid and owes, and what it was paid and is owed."""

    agreement: AgreementRef
    handed_over: bool
    terms: PurchaseTermsOut | None
    totals: list[LedgerTotalOut]
    transition_fee: TransitionFeeOut | None
    source: str = Field(description="The roll of the agreement: what it rests on that no sum is told.")
    as_of: date


class LedgerPage(BaseModel):
    """Newest first. Pass ``next_cursor`` as ``cursor`` for more; none: that was all."""

    agreement: AgreementRef
    entries: list[LedgerEntryOut]
    total_count: int
    next_cursor: str | None
