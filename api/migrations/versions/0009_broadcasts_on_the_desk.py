"""One more kind of notice: to staff, about broadcasts that they write or approve"""

from alembic import op

revision = "0009"
down_revision = "0008"
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
    "drafts_wait",
    "broadcast",
    "broadcast_test",
)


def _allow(*kinds: str) -> None:
    op.drop_constraint(op.f("ck_deliveries_noticekind"), "deliveries", type_="check")
    words = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_deliveries_noticekind"), "deliveries", f"kind IN ({words})")


def upgrade() -> None:
    _allow(*KINDS, "broadcast_on_desk")


def downgrade() -> None:
    op.execute("DELETE FROM deliveries WHERE kind = 'broadcast_on_desk'")
    _allow(*KINDS)
