"""What the desk keeps of a case (who has it, until when, how it ended), and the indexes its queue is read by."""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("cases", sa.Column("version", sa.BigInteger(), server_default="1", nullable=False))
    op.add_column("cases", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("due_on", sa.Date(), nullable=True))
    op.add_column("cases", sa.Column("department_id", sa.BigInteger(), nullable=True))
    op.add_column("cases", sa.Column("officer_id", sa.BigInteger(), nullable=True))
    op.add_column("cases", sa.Column("supervised_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("raised_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "cases",
        sa.Column(
            "outcome",
            sa.Enum(
                "supported",
                "explained",
                "not_supported",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
    )
    op.add_column("cases", sa.Column("rating", sa.SmallInteger(), nullable=True))
    op.add_column("cases", sa.Column("solved", sa.Boolean(), nullable=True))
    op.add_column("cases", sa.Column("master_id", sa.BigInteger(), nullable=True))
    op.add_column("cases", sa.Column("published_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("published_text", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_cases_master", "cases", ["master_id"], unique=False, postgresql_where=sa.text("master_id IS NOT NULL")
    )
    op.create_index(
        "ix_cases_open", "cases", ["due_on", "id"], unique=False, postgresql_where=sa.text("due_on IS NOT NULL")
    )
    op.create_index(
        "ix_cases_open_category",
        "cases",
        ["category", "due_on", "id"],
        unique=False,
        postgresql_where=sa.text("due_on IS NOT NULL"),
    )
    op.create_index(
        "ix_cases_open_department",
        "cases",
        ["department_id", "due_on", "id"],
        unique=False,
        postgresql_where=sa.text("due_on IS NOT NULL"),
    )
    for who in ("officer", "department"):
        for name, columns in (("received", ["received_at", "id"]), ("state", ["state", "due_on", "id"])):
            op.create_index(
                f"ix_cases_open_{who}_{name}",
                "cases",
                [f"{who}_id", *columns],
                unique=False,
                postgresql_where=sa.text("due_on IS NOT NULL"),
            )
    op.create_index(
        "ix_cases_open_officer",
        "cases",
        ["officer_id", "due_on", "id"],
        unique=False,
        postgresql_where=sa.text("due_on IS NOT NULL"),
    )
    op.create_index(
        "ix_cases_open_raised",
        "cases",
        ["due_on", "id"],
        unique=False,
        postgresql_where=sa.text("due_on IS NOT NULL AND raised_at IS NOT NULL"),
    )
    op.create_index(
        "ix_cases_open_received",
        "cases",
        ["received_at", "id"],
        unique=False,
        postgresql_where=sa.text("due_on IS NOT NULL"),
    )
    op.create_index(
        "ix_cases_open_state",
        "cases",
        ["state", "due_on", "id"],
        unique=False,
        postgresql_where=sa.text("due_on IS NOT NULL"),
    )
    op.create_index(
        "ix_cases_open_supervised",
        "cases",
        ["due_on", "id"],
        unique=False,
        postgresql_where=sa.text("due_on IS NOT NULL AND supervised_at IS NOT NULL"),
    )
    op.create_index(
        "ix_cases_open_unassigned",
        "cases",
        ["due_on", "id"],
        unique=False,
        postgresql_where=sa.text("due_on IS NOT NULL AND officer_id IS NULL"),
    )
    op.create_index("ix_cases_state_received", "cases", ["state", "received_at", "id"], unique=False)
    op.create_index(op.f("ix_cases_received_at"), "cases", ["received_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_cases_received_at"), table_name="cases")
    op.drop_index("ix_cases_state_received", table_name="cases")
    op.drop_index(
        "ix_cases_open_unassigned",
        table_name="cases",
        postgresql_where=sa.text("due_on IS NOT NULL AND officer_id IS NULL"),
    )
    op.drop_index(
        "ix_cases_open_supervised",
        table_name="cases",
        postgresql_where=sa.text("due_on IS NOT NULL AND supervised_at IS NOT NULL"),
    )
    op.drop_index("ix_cases_open_state", table_name="cases", postgresql_where=sa.text("due_on IS NOT NULL"))
    op.drop_index("ix_cases_open_received", table_name="cases", postgresql_where=sa.text("due_on IS NOT NULL"))
    op.drop_index(
        "ix_cases_open_raised",
        table_name="cases",
        postgresql_where=sa.text("due_on IS NOT NULL AND raised_at IS NOT NULL"),
    )
    for who in ("officer", "department"):
        for name in ("received", "state"):
            op.drop_index(
                f"ix_cases_open_{who}_{name}", table_name="cases", postgresql_where=sa.text("due_on IS NOT NULL")
            )
    op.drop_index("ix_cases_open_officer", table_name="cases", postgresql_where=sa.text("due_on IS NOT NULL"))
    op.drop_index("ix_cases_open_department", table_name="cases", postgresql_where=sa.text("due_on IS NOT NULL"))
    op.drop_index("ix_cases_open_category", table_name="cases", postgresql_where=sa.text("due_on IS NOT NULL"))
    op.drop_index("ix_cases_open", table_name="cases", postgresql_where=sa.text("due_on IS NOT NULL"))
    op.drop_index("ix_cases_master", table_name="cases", postgresql_where=sa.text("master_id IS NOT NULL"))
    op.drop_column("cases", "published_text")
    op.drop_column("cases", "published_at")
    op.drop_column("cases", "master_id")
    op.drop_column("cases", "solved")
    op.drop_column("cases", "rating")
    op.drop_column("cases", "outcome")
    op.drop_column("cases", "raised_at")
    op.drop_column("cases", "supervised_at")
    op.drop_column("cases", "officer_id")
    op.drop_column("cases", "department_id")
    op.drop_column("cases", "due_on")
    op.drop_column("cases", "closed_at")
    op.drop_column("cases", "answered_at")
    op.drop_column("cases", "version")
