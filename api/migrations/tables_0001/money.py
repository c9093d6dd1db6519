"""What was paid and is due, prices, transition fees."""

import sqlalchemy as sa
from alembic import op


def create_ledger_entries() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "house_price",
                "price_difference",
                "maintenance_fund",
                "compensation",
                "transition_fee",
                "penalty",
                "refund",
                name="ledgerkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "direction",
            sa.Enum(
                "from_household",
                "to_household",
                name="ledgerdirection",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum("due", "paid", name="ledgerstate", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=True),
        sa.Column("period_end", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("batch", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("roll_key", sa.Text(), nullable=False),
        sa.Column("sorts_on", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.CheckConstraint("period_end >= period_start", name=op.f("ck_ledger_entries_period")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_ledger_entries_agreement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint("agreement_id", "roll_key", name=op.f("uq_ledger_entries_agreement_id_roll_key")),
    )
    op.create_index(
        op.f("ix_ledger_entries_agreement_id_sorts_on_id"),
        "ledger_entries",
        ["agreement_id", "sorts_on", "id"],
        unique=False,
    )


def create_purchase_terms() -> None:
    op.create_table(
        "purchase_terms",
        sa.Column("agreement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("total_price", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("payment_method", sa.Text(), nullable=True),
        sa.Column("down_payment", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("loan_amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_purchase_terms_agreement_id")),
        sa.PrimaryKeyConstraint("agreement_id", name=op.f("pk_purchase_terms")),
    )


def create_transition_fees() -> None:
    op.create_table(
        "transition_fees",
        sa.Column("agreement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("monthly_amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("rate_text", sa.Text(), nullable=True),
        sa.Column("paid_up_to", sa.Date(), nullable=True),
        sa.Column("next_payment_on", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_transition_fees_agreement_id")),
        sa.PrimaryKeyConstraint("agreement_id", name=op.f("pk_transition_fees")),
    )
