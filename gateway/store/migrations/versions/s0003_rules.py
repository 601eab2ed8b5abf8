"""Rules that are paused, and how often each rule matched."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "paused_rule",
        sa.Column("rule", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_table(
        "hit",
        sa.Column("rule", sa.Text, primary_key=True),
        sa.Column("since", MOMENT, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("live", "shadow", "limited", "failed")),
        sa.Column("last_at", MOMENT),
        sa.Column("last_ref", sa.Text),
    )


def downgrade() -> None:
    op.drop_table("paused_rule")
    op.drop_table("hit")
