"""The clocks of cases: until which day, and whether somebody was warned."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "case_clocks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "acceptance_notice",
                "jurisdiction_objection",
                "answer",
                "review_request",
                "review_opinion",
                "second_review_request",
                "second_review_opinion",
                "reopen",
                "resident_answer",
                name="clockkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("extended_days", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_clocks_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_clocks")),
    )
    op.create_index("ix_case_clocks_case_id", "case_clocks", ["case_id"], unique=False)
    op.create_index(
        "ix_case_clocks_running",
        "case_clocks",
        ["case_id", "kind"],
        unique=True,
        postgresql_where=sa.text("stopped_at IS NULL"),
    )
    op.create_index(
        "ix_case_clocks_to_raise",
        "case_clocks",
        ["last_day"],
        unique=False,
        postgresql_where=sa.text("stopped_at IS NULL AND overdue_at IS NULL"),
    )
    op.create_index(
        "ix_case_clocks_to_warn",
        "case_clocks",
        ["last_day"],
        unique=False,
        postgresql_where=sa.text("stopped_at IS NULL AND warned_at IS NULL AND overdue_at IS NULL"),
    )


def drop() -> None:
    op.drop_index(
        "ix_case_clocks_to_warn",
        table_name="case_clocks",
        postgresql_where=sa.text("stopped_at IS NULL AND warned_at IS NULL AND overdue_at IS NULL"),
    )
    op.drop_index(
        "ix_case_clocks_to_raise",
        table_name="case_clocks",
        postgresql_where=sa.text("stopped_at IS NULL AND overdue_at IS NULL"),
    )
    op.drop_index("ix_case_clocks_running", table_name="case_clocks", postgresql_where=sa.text("stopped_at IS NULL"))
    op.drop_index("ix_case_clocks_case_id", table_name="case_clocks")
    op.drop_table("case_clocks")
