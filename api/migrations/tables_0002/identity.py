"""Consents, requests for access."""

import sqlalchemy as sa
from alembic import op


def create_consents() -> None:
    op.create_table(
        "consents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("notice", "id_number", name="consentkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(
        op.f("ix_consents_chat_id_kind"),
        "consents",
        ["chat_id", "kind"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )


def create_access_requests() -> None:
    op.create_table(
        "access_requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "holder_died",
                "resold",
                "name_changed",
                "phone_changed",
                "other",
                name="accessrequestkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "granted",
                "declined",
                name="accessrequeststate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="open",
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_by_staff_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["handled_by_staff_id"], ["staff_accounts.id"], name=op.f("fk_access_requests_handled_by_staff_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_requests")),
        sa.UniqueConstraint("chat_id", "idempotency_key", name=op.f("uq_access_requests_chat_id_idempotency_key")),
    )
    op.create_index(
        op.f("ix_access_requests_id"),
        "access_requests",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
