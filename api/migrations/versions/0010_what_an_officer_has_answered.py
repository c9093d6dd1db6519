"""Cases that an officer has answered, found as fast as those on their hands"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEX = "ix_cases_answered_officer"


def upgrade() -> None:
    op.create_index(INDEX, "cases", ["officer_id", "received_at", "id"], postgresql_where=sa.text("state = 'answered'"))


def downgrade() -> None:
    op.drop_index(INDEX, "cases")
