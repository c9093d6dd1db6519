"""The first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE case_numbers")
    op.create_table(
        "chats",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("dialog", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chats")),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "relocation",
                "purchase",
                "transition_fee",
                "progress",
                name="rollkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index(op.f("ix_imports_sha256"), "imports", ["sha256"], unique=False)
    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("name_index", sa.LargeBinary(), nullable=False),
        sa.Column("id_number", sa.LargeBinary(), nullable=True),
        sa.Column("id_number_index", sa.LargeBinary(), nullable=True),
        sa.Column("roll_key_index", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("id_number_index", name=op.f("uq_people_id_number_index")),
        sa.UniqueConstraint("roll_key_index", name=op.f("uq_people_roll_key_index")),
    )
    op.create_table(
        "projects",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("name", name=op.f("uq_projects_name")),
    )
    op.create_table(
        "agreements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "relocation", "purchase", name="agreementkind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("number_key", sa.Text(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("original_address", sa.LargeBinary(), nullable=True),
        sa.Column("household_size", sa.BigInteger(), nullable=True),
        sa.Column("resettlement_area_m2", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("handed_over", sa.Boolean(), nullable=False),
        sa.Column("handed_over_on", sa.Date(), nullable=True),
        sa.Column("handover_status", sa.Text(), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_agreements_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
        sa.UniqueConstraint("project_id", "number_key", name=op.f("uq_agreements_project_id_number_key")),
    )
    op.create_index(op.f("ix_agreements_number_key"), "agreements", ["number_key"], unique=False)
    op.create_table(
        "parcels",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_parcels_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcels")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_parcels_project_id_name")),
    )
    op.create_table(
        "person_phones",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("phone_index", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_person_phones_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_phones")),
        sa.UniqueConstraint("person_id", "phone_index", name=op.f("uq_person_phones_person_id_phone_index")),
    )
    op.create_index(op.f("ix_person_phones_phone_index"), "person_phones", ["phone_index"], unique=False)
    op.create_table(
        "handover_watches",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_handover_watches_agreement_id")),
        sa.PrimaryKeyConstraint("chat_id", "agreement_id", name=op.f("pk_handover_watches")),
    )
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
    op.create_table(
        "link_codes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_by_chat_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_link_codes_agreement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_codes")),
        sa.UniqueConstraint("code_index", name=op.f("uq_link_codes_code_index")),
    )
    op.create_table(
        "links",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
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
            nullable=False,
        ),
        sa.Column(
            "method",
            sa.Enum(
                "phone", "agreement", "code", name="linkmethod", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("linked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by_chat_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_links_agreement_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_links_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
    )
    op.create_index(op.f("ix_links_agreement_id"), "links", ["agreement_id"], unique=False)
    op.create_index(
        op.f("ix_links_chat_id_agreement_id"),
        "links",
        ["chat_id", "agreement_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "parties",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "holder",
                "co_owner",
                "proxy",
                "heir",
                name="partyrole",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("phone_indexes", sa.LargeBinary(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_parties_agreement_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_parties_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parties")),
        sa.UniqueConstraint("agreement_id", "person_id", name=op.f("uq_parties_agreement_id_person_id")),
    )
    op.create_index(op.f("ix_parties_person_id"), "parties", ["person_id"], unique=False)
    op.create_table(
        "phases",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("parcel_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcels.id"], name=op.f("fk_phases_parcel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phases")),
        sa.UniqueConstraint("parcel_id", "name", name=op.f("uq_phases_parcel_id_name")),
    )
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
    op.create_table(
        "registrations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "contract_filing",
                "title_certificate",
                name="registrationkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "stage",
            sa.Enum(
                "not_started",
                "in_progress",
                "blocked",
                "completed",
                name="registrationstage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("happened_on", sa.Date(), nullable=True),
        sa.Column("filing_number", sa.Text(), nullable=True),
        sa.Column("blocked_by", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_registrations_agreement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("agreement_id", "kind", name=op.f("uq_registrations_agreement_id_kind")),
    )
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
    op.create_table(
        "verification_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=True),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name=op.f("fk_verification_attempts_agreement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_attempts")),
    )
    op.create_index(
        op.f("ix_verification_attempts_agreement_id_attempted_at"),
        "verification_attempts",
        ["agreement_id", "attempted_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_verification_attempts_chat_id_attempted_at"),
        "verification_attempts",
        ["chat_id", "attempted_at"],
        unique=False,
    )
    op.create_table(
        "buildings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("phase_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["phase_id"], ["phases.id"], name=op.f("fk_buildings_phase_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_buildings")),
        sa.UniqueConstraint("phase_id", "name", name=op.f("uq_buildings_phase_id_name")),
    )
    op.create_table(
        "forecasts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=True),
        sa.Column("agreement_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "basis",
            sa.Enum(
                "contractual",
                "planned",
                "promised",
                name="forecastbasis",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("earliest_on", sa.Date(), nullable=True),
        sa.Column("latest_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("confirmed_on", sa.Date(), nullable=False),
        sa.Column("next_update_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("latest_on >= earliest_on", name=op.f("ck_forecasts_window")),
        sa.CheckConstraint("num_nonnulls(building_id, agreement_id) = 1", name=op.f("ck_forecasts_one_subject")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_forecasts_agreement_id")),
        sa.ForeignKeyConstraint(["building_id"], ["buildings.id"], name=op.f("fk_forecasts_building_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forecasts")),
    )
    op.create_index(op.f("ix_forecasts_agreement_id"), "forecasts", ["agreement_id"], unique=False)
    op.create_index(op.f("ix_forecasts_building_id"), "forecasts", ["building_id"], unique=False)
    op.execute(
        """
        CREATE FUNCTION forecasts_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'confirmed_on' - 'next_update_on'
                = to_jsonb(OLD) - 'confirmed_on' - 'next_update_on' THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'forecasts are append-only: a slipped date stays visible'
                USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON forecasts "
        "FOR EACH ROW EXECUTE FUNCTION forecasts_are_append_only()"
    )
    op.create_table(
        "milestones",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "started",
                "suspended",
                "resumed",
                "topped_out",
                "exterior",
                "fitted",
                "utilities",
                "landscape",
                "completion_filed",
                "handover_ready",
                name="milestonekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("planned_on", sa.Date(), nullable=True),
        sa.Column("achieved_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["building_id"], ["buildings.id"], name=op.f("fk_milestones_building_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestones")),
        sa.UniqueConstraint("building_id", "kind", name=op.f("uq_milestones_building_id_kind")),
    )
    op.create_table(
        "units",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("entrance", sa.Text(), nullable=True),
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("flat", "shop", "parking", name="unitkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("layout", sa.Text(), nullable=True),
        sa.Column("area_m2", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.ForeignKeyConstraint(["building_id"], ["buildings.id"], name=op.f("fk_units_building_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_units")),
        sa.UniqueConstraint(
            "building_id",
            "entrance",
            "room",
            name=op.f("uq_units_building_id_entrance_room"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "agreement_units",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_agreement_units_agreement_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_agreement_units_unit_id")),
        sa.PrimaryKeyConstraint("agreement_id", "unit_id", name=op.f("pk_agreement_units")),
    )
    op.create_index(op.f("ix_agreement_units_unit_id"), "agreement_units", ["unit_id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "category",
            sa.Enum(
                "handover",
                "transition_fee",
                "payment",
                "registration",
                "quality",
                "allocation",
                "other",
                name="casecategory",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "registered",
                "transferred",
                "assigned",
                "accepted",
                "not_accepted",
                "diverted",
                "in_progress",
                "extended",
                "answered",
                "closed",
                "review",
                "second_review",
                "final",
                name="casestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("location", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acceptance_notice_last_day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_cases_agreement_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_cases_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("chat_id", "idempotency_key", name=op.f("uq_cases_chat_id_idempotency_key")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
    )
    op.create_index(op.f("ix_cases_agreement_id"), "cases", ["agreement_id"], unique=False)
    op.create_table(
        "attachments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("upload_key", sa.Text(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum("photo", "document", name="attachmentkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("filename", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_attachments_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("chat_id", "upload_key", name=op.f("uq_attachments_chat_id_upload_key")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_attachments_storage_key")),
    )
    op.create_index(op.f("ix_attachments_case_id"), "attachments", ["case_id"], unique=False)
    op.create_table(
        "case_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("received", name="caseeventkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("happened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_events_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_events")),
    )
    op.create_index(op.f("ix_case_events_case_id"), "case_events", ["case_id"], unique=False)


def downgrade() -> None:
    op.execute("DROP SEQUENCE case_numbers")
    op.drop_index(op.f("ix_case_events_case_id"), table_name="case_events")
    op.drop_table("case_events")
    op.drop_index(op.f("ix_attachments_case_id"), table_name="attachments")
    op.drop_table("attachments")
    op.drop_index(op.f("ix_cases_agreement_id"), table_name="cases")
    op.drop_table("cases")
    op.drop_index(op.f("ix_agreement_units_unit_id"), table_name="agreement_units")
    op.drop_table("agreement_units")
    op.drop_table("units")
    op.drop_table("milestones")
    op.drop_index(op.f("ix_forecasts_building_id"), table_name="forecasts")
    op.drop_index(op.f("ix_forecasts_agreement_id"), table_name="forecasts")
    op.drop_table("forecasts")
    op.execute("DROP FUNCTION forecasts_are_append_only()")
    op.drop_table("buildings")
    op.drop_index(op.f("ix_verification_attempts_chat_id_attempted_at"), table_name="verification_attempts")
    op.drop_index(op.f("ix_verification_attempts_agreement_id_attempted_at"), table_name="verification_attempts")
    op.drop_table("verification_attempts")
    op.drop_table("transition_fees")
    op.drop_table("registrations")
    op.drop_table("purchase_terms")
    op.drop_table("phases")
    op.drop_index(op.f("ix_parties_person_id"), table_name="parties")
    op.drop_table("parties")
    op.drop_index(
        op.f("ix_links_chat_id_agreement_id"), table_name="links", postgresql_where=sa.text("revoked_at IS NULL")
    )
    op.drop_index(op.f("ix_links_agreement_id"), table_name="links")
    op.drop_table("links")
    op.drop_table("link_codes")
    op.drop_index(op.f("ix_ledger_entries_agreement_id_sorts_on_id"), table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_table("handover_watches")
    op.drop_index(op.f("ix_person_phones_phone_index"), table_name="person_phones")
    op.drop_table("person_phones")
    op.drop_table("parcels")
    op.drop_index(op.f("ix_agreements_number_key"), table_name="agreements")
    op.drop_table("agreements")
    op.drop_table("projects")
    op.drop_table("people")
    op.drop_index(op.f("ix_imports_sha256"), table_name="imports")
    op.drop_table("imports")
    op.drop_table("chats")
