"""Broadcasts: what is said to whom, its steps, its messages in the outbox; mutes; what loads of rolls changed"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KINDS = (
    "new_link",
    "link_ended",
    "link_suspended",
    "access_granted",
    "access_declined",
    "case_updated",
    "case_on_desk",
)
NEW_KINDS = ("drafts_wait", "broadcast", "broadcast_test")


def _allow(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_deliveries_noticekind"), "deliveries", type_="check")
    words = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_deliveries_noticekind"), "deliveries", f"kind IN ({words})")


def upgrade() -> None:
    _allow((*KINDS, *NEW_KINDS))
    op.create_table(
        "mutes",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "topic",
            sa.Enum(
                "news",
                "handover",
                "progress",
                "payments",
                "registration",
                "legal",
                name="topic",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("topic <> 'legal'", name=op.f("ck_mutes_not_legal")),
        sa.PrimaryKeyConstraint("chat_id", "topic", name=op.f("pk_mutes")),
    )
    op.create_table(
        "import_changes",
        sa.Column("import_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "forecast",
                "milestone",
                "payment",
                "registration",
                name="newskind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("agreement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("before_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_import_changes_agreement_id")),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_import_changes_import_id")),
        sa.PrimaryKeyConstraint("import_id", "kind", "agreement_id", "fact_id", name=op.f("pk_import_changes")),
    )
    op.create_index(op.f("ix_import_changes_agreement_id"), "import_changes", ["agreement_id"], unique=False)
    op.create_table(
        "broadcasts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "operation",
            sa.Enum("send", "edit", "delete", name="operation", native_enum=False, create_constraint=True, length=40),
            server_default="send",
            nullable=False,
        ),
        sa.Column("of_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "topic",
            sa.Enum(
                "news",
                "handover",
                "progress",
                "payments",
                "registration",
                "legal",
                name="topic",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="news",
            nullable=False,
        ),
        sa.Column("urgent", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("audience", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("bodies", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("fallback", sa.Text(), nullable=False),
        sa.Column("attachment_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "missing",
            sa.Enum("say_so", "leave_out", name="missing", native_enum=False, create_constraint=True, length=40),
            server_default="say_so",
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "submitted",
                "approved",
                "sending",
                "paused",
                "sent",
                "cancelled",
                name="broadcaststate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="draft",
            nullable=False,
        ),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("approved_revision", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("import_id", sa.BigInteger(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("counts", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("operation = 'send' OR of_id IS NOT NULL", name=op.f("ck_broadcasts_corrects_something")),
        sa.ForeignKeyConstraint(["attachment_id"], ["attachments.id"], name=op.f("fk_broadcasts_attachment_id")),
        sa.ForeignKeyConstraint(["author_id"], ["staff_accounts.id"], name=op.f("fk_broadcasts_author_id")),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_broadcasts_import_id")),
        sa.ForeignKeyConstraint(["of_id"], ["broadcasts.id"], name=op.f("fk_broadcasts_of_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_broadcasts_idempotency_key")),
    )
    op.create_index(
        "ix_broadcasts_due", "broadcasts", ["starts_at"], unique=False, postgresql_where=sa.text("state = 'approved'")
    )
    op.create_index(op.f("ix_broadcasts_of_id"), "broadcasts", ["of_id"], unique=False)
    op.create_index(
        "ix_broadcasts_running",
        "broadcasts",
        ["urgent", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_table(
        "broadcast_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("broadcast_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "action",
            sa.Enum(
                "edit",
                "submit",
                "approve",
                "reject",
                "start",
                "pause",
                "resume",
                "cancel",
                "finish",
                name="broadcastaction",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcasts.id"], name=op.f("fk_broadcast_events_broadcast_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_accounts.id"], name=op.f("fk_broadcast_events_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast_events")),
    )
    op.create_index(op.f("ix_broadcast_events_broadcast_id"), "broadcast_events", ["broadcast_id"], unique=False)
    op.add_column("deliveries", sa.Column("broadcast_id", sa.BigInteger(), nullable=True))
    op.add_column("deliveries", sa.Column("agreement_ids", sa.ARRAY(sa.BigInteger()), nullable=True))
    op.add_column("deliveries", sa.Column("target_message_id", sa.BigInteger(), nullable=True))
    op.drop_index(
        op.f("ix_deliveries_priority_not_before_id"),
        table_name="deliveries",
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_deliveries_broadcast_waiting",
        "deliveries",
        ["broadcast_id", "not_before", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting' AND broadcast_id IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_broadcast_done",
        "deliveries",
        ["broadcast_id", "state", "finished_at"],
        unique=False,
        postgresql_where=sa.text("state <> 'waiting' AND broadcast_id IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_waiting",
        "deliveries",
        ["priority", "not_before", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting' AND broadcast_id IS NULL"),
    )
    op.create_unique_constraint(op.f("uq_deliveries_broadcast_id_chat_id"), "deliveries", ["broadcast_id", "chat_id"])
    op.create_foreign_key(op.f("fk_deliveries_broadcast_id"), "deliveries", "broadcasts", ["broadcast_id"], ["id"])


def downgrade() -> None:
    op.execute("DELETE FROM deliveries WHERE kind IN ('drafts_wait', 'broadcast', 'broadcast_test')")
    _allow(KINDS)

    op.drop_constraint(op.f("fk_deliveries_broadcast_id"), "deliveries", type_="foreignkey")
    op.drop_constraint(op.f("uq_deliveries_broadcast_id_chat_id"), "deliveries", type_="unique")
    op.drop_index(
        "ix_deliveries_waiting",
        table_name="deliveries",
        postgresql_where=sa.text("state = 'waiting' AND broadcast_id IS NULL"),
    )
    op.drop_index(
        "ix_deliveries_broadcast_done",
        table_name="deliveries",
        postgresql_where=sa.text("state <> 'waiting' AND broadcast_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_deliveries_broadcast_waiting",
        table_name="deliveries",
        postgresql_where=sa.text("state = 'waiting' AND broadcast_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_deliveries_priority_not_before_id"),
        "deliveries",
        ["priority", "not_before", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.drop_column("deliveries", "target_message_id")
    op.drop_column("deliveries", "agreement_ids")
    op.drop_column("deliveries", "broadcast_id")
    op.drop_index(op.f("ix_broadcast_events_broadcast_id"), table_name="broadcast_events")
    op.drop_table("broadcast_events")
    op.drop_index("ix_broadcasts_running", table_name="broadcasts", postgresql_where=sa.text("state = 'sending'"))
    op.drop_index(op.f("ix_broadcasts_of_id"), table_name="broadcasts")
    op.drop_index("ix_broadcasts_due", table_name="broadcasts", postgresql_where=sa.text("state = 'approved'"))
    op.drop_table("broadcasts")
    op.drop_index(op.f("ix_import_changes_agreement_id"), table_name="import_changes")
    op.drop_table("import_changes")
    op.drop_table("mutes")
