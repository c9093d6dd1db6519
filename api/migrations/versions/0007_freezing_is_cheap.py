"""What a message costs as an audience is frozen: no look-up of its broadcast, no place among what is over"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OVER = sa.text("finished_at IS NOT NULL")


def upgrade() -> None:
    op.drop_constraint(op.f("fk_deliveries_broadcast_id"), "deliveries", type_="foreignkey")
    op.drop_index(op.f("ix_deliveries_finished_at"), table_name="deliveries")
    op.create_index(op.f("ix_deliveries_finished_at"), "deliveries", ["finished_at"], postgresql_where=OVER)


def downgrade() -> None:
    op.drop_index(op.f("ix_deliveries_finished_at"), table_name="deliveries", postgresql_where=OVER)
    op.create_index(op.f("ix_deliveries_finished_at"), "deliveries", ["finished_at"])
    op.create_foreign_key(op.f("fk_deliveries_broadcast_id"), "deliveries", "broadcasts", ["broadcast_id"], ["id"])
