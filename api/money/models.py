"""Tables of money. The ledger shows what rolls say; entitlements are not computed (design: no national rate)."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.db import Base, Id, Sourced
from api.money.schemas import LedgerDirection, LedgerKind, LedgerState


class LedgerEntry(Sourced, Base):
    """One sum due or paid. ``roll_key`` is what makes the same row of a later roll the same entry; ``sorts_on`` is
    the day the history is ordered by (paid, else due, else end of period, else as of)."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        UniqueConstraint("agreement_id", "roll_key"),
        CheckConstraint("period_end >= period_start", name="period"),
        Index(None, "agreement_id", "sorts_on", "id"),
    )

    id: Mapped[Id]
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    kind: Mapped[LedgerKind]
    direction: Mapped[LedgerDirection]
    state: Mapped[LedgerState]
    amount: Mapped[Decimal]
    period_start: Mapped[date | None]
    period_end: Mapped[date | None]
    due_on: Mapped[date | None]
    paid_on: Mapped[date | None]
    batch: Mapped[str | None]
    note: Mapped[str | None]
    roll_key: Mapped[str]
    sorts_on: Mapped[date]


class PurchaseTerms(Sourced, Base):
    __tablename__ = "purchase_terms"

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True, autoincrement=False)
    unit_price: Mapped[Decimal | None]
    total_price: Mapped[Decimal | None]
    payment_method: Mapped[str | None]
    down_payment: Mapped[Decimal | None]
    loan_amount: Mapped[Decimal | None]


class TransitionFee(Sourced, Base):
    """Rate and coverage of a relocation agreement's transition fee (过渡费), as the roll tells them."""

    __tablename__ = "transition_fees"

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True, autoincrement=False)
    monthly_amount: Mapped[Decimal | None]
    rate_text: Mapped[str | None]
    paid_up_to: Mapped[date | None]
    next_payment_on: Mapped[date | None]
