"""Identity and privacy: staff, consents, requests for access, outbox, audit record

The new tables are in ``tables_0002``; here is what it does to those of before.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from api.migrations.tables_0002 import audit, identity, messages, staff

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    audit.create_audit_events()
    identity.create_consents()
    messages.create_deliveries()
    messages.create_send_bucket()
    staff.create_staff_accounts()
    identity.create_access_requests()
    audit.create_audit_seals()
    staff.create_staff_codes()
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
