"""Collective cases: what members follow, joining and splitting off"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KINDS = (
    "received",
    "registered",
    "accepted",
    "refused",
    "diverted",
    "assigned",
    "claimed",
    "transferred",
    "objected",
    "started",
    "asked",
    "replied",
    "added",
    "extended",
    "answered",
    "closed",
    "reopened",
    "review_requested",
    "review_answered",
    "second_review_requested",
    "second_review_answered",
    "withdrawn",
    "supervised",
    "unsupervised",
    "rated",
)
NEW_KINDS = ("joined", "split_off", "merged", "unmerged", "published", "unpublished")


def _allow(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_case_events_caseeventkind"), "case_events", type_="check")
    words = ", ".join(f"'{kind}'" for kind in (*kinds, "overdue"))
    op.create_check_constraint(op.f("ck_case_events_caseeventkind"), "case_events", f"kind IN ({words})")


def upgrade() -> None:
    _allow((*KINDS, *NEW_KINDS))
    op.add_column("case_events", sa.Column("follows_id", sa.BigInteger(), nullable=True))
    op.add_column("case_events", sa.Column("master_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_case_events_follows_id"), "case_events", "case_events", ["follows_id"], ["id"])
    op.create_foreign_key(op.f("fk_case_events_master_id"), "case_events", "cases", ["master_id"], ["id"])
    op.create_index(
        "ix_case_events_follows", "case_events", ["follows_id"], postgresql_where=sa.text("follows_id IS NOT NULL")
    )
    op.create_index("ix_cases_published", "cases", ["category"], postgresql_where=sa.text("published_at IS NOT NULL"))
    op.create_index(op.f("ix_attachments_event_id"), "attachments", ["event_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_attachments_event_id"), "attachments")
    op.drop_index("ix_cases_published", "cases", postgresql_where=sa.text("published_at IS NOT NULL"))
    op.drop_index("ix_case_events_follows", "case_events", postgresql_where=sa.text("follows_id IS NOT NULL"))
    op.drop_constraint(op.f("fk_case_events_master_id"), "case_events", type_="foreignkey")
    op.drop_constraint(op.f("fk_case_events_follows_id"), "case_events", type_="foreignkey")
    op.drop_column("case_events", "master_id")
    op.drop_column("case_events", "follows_id")
    op.execute(sa.text("DELETE FROM case_events WHERE kind = ANY(:kinds)").bindparams(kinds=list(NEW_KINDS)))
    _allow(KINDS)
