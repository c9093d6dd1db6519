"""The events of a case become steps: whose, from which state to which, and what was said."""

import sqlalchemy as sa
from alembic import op

from api.migrations.tables_0004.words import EVENTS, STATES, allow


def upgrade() -> None:
    op.add_column("attachments", sa.Column("event_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_attachments_event_id"), "attachments", "case_events", ["event_id"], ["id"])
    allow("case_events", "caseeventkind", "kind", EVENTS)
    op.add_column(
        "case_events",
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
            nullable=True,
        ),
    )
    op.add_column("case_events", sa.Column("actor_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "case_events",
        sa.Column(
            "acted_as",
            sa.Enum(
                "resident",
                "officer",
                "supervisor",
                "system",
                name="caseactor",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
    )
    op.add_column(
        "case_events",
        sa.Column(
            "from_state",
            sa.Enum(*STATES, name="from_state", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
    )
    op.add_column(
        "case_events",
        sa.Column(
            "to_state",
            sa.Enum(*STATES, name="to_state", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
    )
    op.add_column("case_events", sa.Column("text", sa.LargeBinary(), nullable=True))
    op.add_column("case_events", sa.Column("department_id", sa.BigInteger(), nullable=True))
    op.add_column("case_events", sa.Column("officer_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "case_events",
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
    op.add_column(
        "case_events",
        sa.Column(
            "procedure",
            sa.Enum(
                "litigation",
                "arbitration",
                "administrative",
                name="procedure",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
    )
    op.add_column("case_events", sa.Column("days", sa.SmallInteger(), nullable=True))
    op.add_column("case_events", sa.Column("approved_by", sa.LargeBinary(), nullable=True))
    op.add_column("case_events", sa.Column("rating", sa.SmallInteger(), nullable=True))
    op.add_column("case_events", sa.Column("solved", sa.Boolean(), nullable=True))
    op.add_column("case_events", sa.Column("idempotency_key", sa.Text(), nullable=True))
    op.execute(
        "UPDATE case_events SET actor_kind = 'chat', actor_id = cases.chat_id, acted_as = 'resident', "
        "to_state = 'received' FROM cases WHERE cases.id = case_events.case_id"
    )
    for column in ("actor_kind", "acted_as", "to_state"):
        op.alter_column("case_events", column, nullable=False)
    op.create_check_constraint(
        op.f("ck_case_events_has_an_actor"),
        "case_events",
        "actor_kind IN ('operator', 'system') OR actor_id IS NOT NULL",
    )
    op.create_unique_constraint(
        op.f("uq_case_events_case_id_actor_kind_actor_id_idempotency_key"),
        "case_events",
        ["case_id", "actor_kind", "actor_id", "idempotency_key"],
    )
    op.create_foreign_key(op.f("fk_case_events_department_id"), "case_events", "departments", ["department_id"], ["id"])
    op.create_foreign_key(op.f("fk_case_events_officer_id"), "case_events", "staff_accounts", ["officer_id"], ["id"])


def downgrade() -> None:
    op.drop_constraint(op.f("fk_case_events_officer_id"), "case_events", type_="foreignkey")
    op.drop_constraint(op.f("fk_case_events_department_id"), "case_events", type_="foreignkey")
    op.drop_constraint(
        op.f("uq_case_events_case_id_actor_kind_actor_id_idempotency_key"), "case_events", type_="unique"
    )
    op.drop_constraint(op.f("ck_case_events_has_an_actor"), "case_events", type_="check")
    op.drop_column("case_events", "idempotency_key")
    op.drop_column("case_events", "solved")
    op.drop_column("case_events", "rating")
    op.drop_column("case_events", "approved_by")
    op.drop_column("case_events", "days")
    op.drop_column("case_events", "procedure")
    op.drop_column("case_events", "outcome")
    op.drop_column("case_events", "officer_id")
    op.drop_column("case_events", "department_id")
    op.drop_column("case_events", "text")
    op.drop_column("case_events", "to_state")
    op.drop_column("case_events", "from_state")
    op.drop_column("case_events", "acted_as")
    op.drop_column("case_events", "actor_id")
    op.drop_column("case_events", "actor_kind")
    op.drop_constraint(op.f("fk_attachments_event_id"), "attachments", type_="foreignkey")
    op.drop_column("attachments", "event_id")
    op.execute("DELETE FROM case_events WHERE kind <> 'received'")
    allow("case_events", "caseeventkind", "kind", EVENTS[:1])
