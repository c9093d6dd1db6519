"""Identity and privacy: staff, consents, requests for access, outbox, audit record"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "happened_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "actor_kind",
            sa.Enum(
                "chat",
                "staff",
                "operator",
                "system",
                name="actorkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index(
        op.f("ix_audit_events_actor_kind_actor_id"), "audit_events", ["actor_kind", "actor_id"], unique=False
    )
    op.create_index(
        op.f("ix_audit_events_object_kind_object_id"), "audit_events", ["object_kind", "object_id"], unique=False
    )
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
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "new_link",
                "link_ended",
                "link_suspended",
                "access_granted",
                "access_declined",
                name="noticekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("agreement_id", sa.BigInteger(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("priority", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "sent",
                "gone",
                "failed",
                "unknown",
                "cancelled",
                name="deliverystate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="waiting",
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_id", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("doubts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_deliveries_agreement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_deliveries_dedupe_key")),
    )
    op.create_index(op.f("ix_deliveries_chat_id"), "deliveries", ["chat_id"], unique=False)
    op.create_index(op.f("ix_deliveries_finished_at"), "deliveries", ["finished_at"], unique=False)
    op.create_index(
        op.f("ix_deliveries_priority_not_before_id"),
        "deliveries",
        ["priority", "not_before", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "send_bucket",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("refilled_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_send_bucket_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_send_bucket")),
    )
    op.create_table(
        "staff_accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_accounts")),
        sa.UniqueConstraint("chat_id", name=op.f("uq_staff_accounts_chat_id")),
    )
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
    op.create_table(
        "audit_seals",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seals")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_seals_event_id")),
    )
    op.create_table(
        "staff_codes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_accounts.id"], name=op.f("fk_staff_codes_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_codes")),
        sa.UniqueConstraint("code_index", name=op.f("uq_staff_codes_code_index")),
    )
    op.add_column("attachments", sa.Column("key_id", sa.Text(), nullable=True))
    op.add_column("chats", sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "link_codes",
        sa.Column(
            "role",
            sa.Enum(
                "holder",
                "co_owner",
                "proxy",
                "heir",
                "relative",
                name="linkrole",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="relative",
            nullable=False,
        ),
    )
    op.add_column(
        "link_codes",
        sa.Column(
            "scope",
            sa.Enum("progress", "everything", name="linkscope", native_enum=False, create_constraint=True, length=40),
            server_default="everything",
            nullable=False,
        ),
    )
    op.add_column("link_codes", sa.Column("valid_until", sa.Date(), nullable=True))
    op.add_column("link_codes", sa.Column("issued_by_chat_id", sa.BigInteger(), nullable=True))
    op.add_column("link_codes", sa.Column("issued_by_staff_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "link_codes",
        sa.Column("owner_ids", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
    )
    op.create_foreign_key(
        op.f("fk_link_codes_issued_by_staff_id"), "link_codes", "staff_accounts", ["issued_by_staff_id"], ["id"]
    )
    op.add_column(
        "links",
        sa.Column(
            "scope",
            sa.Enum("progress", "everything", name="linkscope", native_enum=False, create_constraint=True, length=40),
            server_default="everything",
            nullable=False,
        ),
    )
    op.add_column("links", sa.Column("phone_index", sa.LargeBinary(), nullable=True))
    op.add_column("links", sa.Column("code_id", sa.BigInteger(), nullable=True))
    op.add_column("links", sa.Column("used_on", sa.Date(), server_default=sa.text("CURRENT_DATE"), nullable=False))
    op.add_column(
        "links", sa.Column("expires_on", sa.Date(), server_default=sa.text("CURRENT_DATE + 180"), nullable=False)
    )
    op.add_column("links", sa.Column("valid_until", sa.Date(), nullable=True))
    op.add_column("links", sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "links",
        sa.Column(
            "suspended_because",
            sa.Enum(
                "holder_replaced",
                "phone_removed",
                "issuer_suspended",
                name="linksuspension",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
    )
    op.add_column("links", sa.Column("revoked_by_staff_id", sa.BigInteger(), nullable=True))
    op.drop_constraint(op.f("ck_links_linkmethod"), "links", type_="check")
    op.create_check_constraint(
        op.f("ck_links_linkmethod"), "links", "method IN ('phone', 'agreement', 'code', 'office')"
    )
    op.create_foreign_key(op.f("fk_links_code_id"), "links", "link_codes", ["code_id"], ["id"])
    # What was let in by a code stands and falls with those who own the agreement; for codes of before, with today's.
    op.execute(
        """
        UPDATE link_codes SET owner_ids = ARRAY(
            SELECT person_id FROM parties
            WHERE parties.agreement_id = link_codes.agreement_id AND role IN ('holder', 'co_owner') ORDER BY position
        )
        """
    )
    op.execute(
        """
        UPDATE links SET code_id = (
            SELECT id FROM link_codes
            WHERE used_by_chat_id = links.chat_id AND link_codes.agreement_id = links.agreement_id
            ORDER BY used_at DESC LIMIT 1
        )
        WHERE method = 'code' AND person_id IS NULL
        """
    )
    op.create_foreign_key(
        op.f("fk_links_revoked_by_staff_id"), "links", "staff_accounts", ["revoked_by_staff_id"], ["id"]
    )
    op.add_column(
        "verification_attempts",
        sa.Column(
            "method",
            sa.Enum(
                "phone",
                "agreement",
                "code",
                "office",
                name="linkmethod",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="agreement",
            nullable=False,
        ),
    )
    op.add_column("verification_attempts", sa.Column("source_index", sa.LargeBinary(), nullable=True))
    op.create_index(
        op.f("ix_verification_attempts_attempted_at"), "verification_attempts", ["attempted_at"], unique=False
    )
    op.create_index(
        op.f("ix_verification_attempts_source_index_attempted_at"),
        "verification_attempts",
        ["source_index", "attempted_at"],
        unique=False,
    )
    # What was counted for agreements counted for an hour.
    op.execute("DELETE FROM verification_attempts WHERE agreement_id IS NOT NULL")
    op.drop_index(op.f("ix_verification_attempts_agreement_id_attempted_at"), table_name="verification_attempts")
    op.drop_column("verification_attempts", "agreement_id")
    op.add_column("verification_attempts", sa.Column("number_index", sa.LargeBinary(), nullable=True))
    op.create_index(
        op.f("ix_verification_attempts_number_index_attempted_at"),
        "verification_attempts",
        ["number_index", "attempted_at"],
        unique=False,
    )
    op.create_index(
        "ix_verification_attempts_wrong_papers",
        "verification_attempts",
        ["attempted_at"],
        unique=False,
        postgresql_where=sa.text("method = 'agreement' AND NOT succeeded"),
    )
    op.execute("INSERT INTO send_bucket (id, tokens) VALUES (1, 0)")
    # Couriers wait for this: whoever puts something into the outbox, and however.
    op.execute(
        """
        CREATE FUNCTION ring_for_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('deliveries', '');
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER ring AFTER INSERT ON deliveries FOR EACH STATEMENT EXECUTE FUNCTION ring_for_deliveries()"
    )
    op.execute(
        """
        CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit record is append-only' USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    for table in ("audit_events", "audit_seals"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
        )
        # Also for a session that calls itself a replica.
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")


def downgrade() -> None:
    op.drop_index("ix_verification_attempts_wrong_papers", table_name="verification_attempts")
    op.drop_index(op.f("ix_verification_attempts_number_index_attempted_at"), table_name="verification_attempts")
    op.drop_column("verification_attempts", "number_index")
    op.add_column("verification_attempts", sa.Column("agreement_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_verification_attempts_agreement_id"),
        "verification_attempts",
        "agreements",
        ["agreement_id"],
        ["id"],
    )
    op.create_index(
        op.f("ix_verification_attempts_agreement_id_attempted_at"),
        "verification_attempts",
        ["agreement_id", "attempted_at"],
        unique=False,
    )
    op.drop_index(op.f("ix_verification_attempts_source_index_attempted_at"), table_name="verification_attempts")
    op.drop_index(op.f("ix_verification_attempts_attempted_at"), table_name="verification_attempts")
    op.drop_column("verification_attempts", "source_index")
    op.drop_column("verification_attempts", "method")
    op.drop_constraint(op.f("fk_links_revoked_by_staff_id"), "links", type_="foreignkey")
    op.drop_constraint(op.f("fk_links_code_id"), "links", type_="foreignkey")
    op.drop_constraint(op.f("ck_links_linkmethod"), "links", type_="check")
    op.execute("UPDATE links SET method = 'code' WHERE method = 'office'")
    op.create_check_constraint(op.f("ck_links_linkmethod"), "links", "method IN ('phone', 'agreement', 'code')")
    op.drop_column("links", "revoked_by_staff_id")
    op.drop_column("links", "suspended_because")
    op.drop_column("links", "suspended_at")
    op.drop_column("links", "valid_until")
    op.drop_column("links", "expires_on")
    op.drop_column("links", "used_on")
    op.drop_column("links", "code_id")
    op.drop_column("links", "phone_index")
    op.drop_column("links", "scope")
    op.drop_constraint(op.f("fk_link_codes_issued_by_staff_id"), "link_codes", type_="foreignkey")
    op.drop_column("link_codes", "owner_ids")
    op.drop_column("link_codes", "issued_by_staff_id")
    op.drop_column("link_codes", "issued_by_chat_id")
    op.drop_column("link_codes", "valid_until")
    op.drop_column("link_codes", "scope")
    op.drop_column("link_codes", "role")
    op.drop_column("chats", "gone_at")
    op.drop_column("attachments", "key_id")
    op.drop_table("staff_codes")
    op.drop_table("audit_seals")
    op.drop_index(
        op.f("ix_access_requests_id"), table_name="access_requests", postgresql_where=sa.text("state = 'open'")
    )
    op.drop_table("access_requests")
    op.drop_table("staff_accounts")
    op.drop_table("send_bucket")
    op.drop_index(
        op.f("ix_deliveries_priority_not_before_id"),
        table_name="deliveries",
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.drop_index(op.f("ix_deliveries_finished_at"), table_name="deliveries")
    op.drop_index(op.f("ix_deliveries_chat_id"), table_name="deliveries")
    op.drop_table("deliveries")
    op.execute("DROP FUNCTION ring_for_deliveries()")
    op.drop_index(
        op.f("ix_consents_chat_id_kind"), table_name="consents", postgresql_where=sa.text("withdrawn_at IS NULL")
    )
    op.drop_table("consents")
    op.drop_index(op.f("ix_audit_events_object_kind_object_id"), table_name="audit_events")
    op.drop_index(op.f("ix_audit_events_actor_kind_actor_id"), table_name="audit_events")
    op.drop_table("audit_events")
    op.execute("DROP FUNCTION audit_is_append_only()")
