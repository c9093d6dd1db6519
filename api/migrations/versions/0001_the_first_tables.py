"""The first tables

What each table holds is in ``tables_0001``; here is the order: first what others refer to.
"""

import sqlalchemy as sa
from alembic import op

from api.migrations.tables_0001 import agreements, cases, chats, estate, identity, imports, money

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE case_numbers")
    chats.create_chats()
    imports.create_imports()
    identity.create_people()
    estate.create_projects()
    agreements.create_agreements()
    estate.create_parcels()
    identity.create_person_phones()
    chats.create_handover_watches()
    money.create_ledger_entries()
    identity.create_link_codes()
    chats.create_links()
    agreements.create_parties()
    estate.create_phases()
    money.create_purchase_terms()
    agreements.create_registrations()
    money.create_transition_fees()
    identity.create_verification_attempts()
    estate.create_buildings()
    estate.create_forecasts()
    estate.create_milestones()
    estate.create_units()
    agreements.create_agreement_units()
    cases.create_cases()
    cases.create_attachments()
    cases.create_case_events()


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
