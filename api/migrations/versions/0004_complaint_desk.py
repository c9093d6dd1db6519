"""The complaint desk: steps and clocks of cases, departments, routing, the office's own days

Its parts are in ``tables_0004``; here is what ties them together.
"""

import sqlalchemy as sa
from alembic import op

from api.migrations.tables_0004 import case_events, cases, clocks, departments
from api.migrations.tables_0004.words import STATES, allow

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NOTICES_BEFORE = ("new_link", "link_ended", "link_suspended", "access_granted", "access_declined")


def upgrade() -> None:
    departments.create()
    clocks.create()
    case_events.upgrade()
    cases.upgrade()
    op.create_index(
        op.f("ix_case_events_happened_at"), "case_events", ["happened_at"], unique=False, postgresql_using="brin"
    )
    op.create_foreign_key(op.f("fk_cases_department_id"), "cases", "departments", ["department_id"], ["id"])
    op.create_foreign_key(op.f("fk_cases_master_id"), "cases", "cases", ["master_id"], ["id"])
    op.create_foreign_key(op.f("fk_cases_officer_id"), "cases", "staff_accounts", ["officer_id"], ["id"])
    # Until now a case could only be received.
    op.execute(
        "INSERT INTO case_clocks (case_id, kind, started_on, days, last_day) SELECT id, 'acceptance_notice', "
        "(received_at AT TIME ZONE 'Asia/Shanghai')::date, 15, acceptance_notice_last_day FROM cases"
    )
    op.execute("UPDATE cases SET due_on = acceptance_notice_last_day")
    allow("cases", "casestate", "state", STATES)
    allow("deliveries", "noticekind", "kind", (*NOTICES_BEFORE, "case_updated", "case_on_desk"))
    op.add_column("deliveries", sa.Column("case_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_deliveries_case_id"), "deliveries", "cases", ["case_id"], ["id"])


def downgrade() -> None:
    op.drop_constraint(op.f("fk_deliveries_case_id"), "deliveries", type_="foreignkey")
    op.drop_column("deliveries", "case_id")
    op.execute("DELETE FROM deliveries WHERE kind IN ('case_updated', 'case_on_desk')")
    allow("deliveries", "noticekind", "kind", NOTICES_BEFORE)
    op.execute("UPDATE cases SET state = 'closed' WHERE state = 'withdrawn'")
    allow("cases", "casestate", "state", STATES[:-1])
    op.drop_constraint(op.f("fk_cases_officer_id"), "cases", type_="foreignkey")
    op.drop_constraint(op.f("fk_cases_master_id"), "cases", type_="foreignkey")
    op.drop_constraint(op.f("fk_cases_department_id"), "cases", type_="foreignkey")
    op.drop_index(op.f("ix_case_events_happened_at"), table_name="case_events", postgresql_using="brin")
    cases.downgrade()
    case_events.downgrade()
    clocks.drop()
    departments.drop()
