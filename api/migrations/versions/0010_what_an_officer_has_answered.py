"""Cases that an officer has answered, found as fast as those on their hands; and who went on alone after an answer is
a member no longer"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEX = "ix_cases_answered_officer"


_ALONE = """
UPDATE cases SET master_id = NULL WHERE master_id IS NOT NULL AND EXISTS (
    SELECT FROM case_events WHERE case_id = cases.id
    AND (kind IN ('reopened', 'review_requested') OR (kind = 'answered' AND follows_id IS NULL)))
"""


def upgrade() -> None:
    op.execute(_ALONE)
    op.create_index(INDEX, "cases", ["officer_id", "received_at", "id"], postgresql_where=sa.text("state = 'answered'"))


def downgrade() -> None:
    op.drop_index(INDEX, "cases")
