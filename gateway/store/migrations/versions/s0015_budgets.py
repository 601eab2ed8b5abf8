"""How many requests each system still allows, for all who ask it."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "budget",
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("limit", sa.Integer),
        sa.Column("left", sa.Integer),
        sa.Column("resets_at", sa.DateTime(timezone=True)),
        sa.Column("heard_at", sa.DateTime(timezone=True)),
        sa.Column("closed_until", sa.DateTime(timezone=True)),
    )


def downgrade() -> None:
    op.drop_table("budget")
