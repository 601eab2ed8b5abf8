"""Promises that were broken, as facts."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "breach",
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("climb", sa.Text, primary_key=True),
        sa.Column("due_at", MOMENT, primary_key=True),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("metric", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("breach")
