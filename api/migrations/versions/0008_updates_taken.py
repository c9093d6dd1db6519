"""Which updates a chat's state has taken in, so that one which comes again is not taken twice"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a default, so that the version before, which does not know it, goes on saving.
    op.add_column(
        "chats", sa.Column("taken", postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("chats", "taken")
