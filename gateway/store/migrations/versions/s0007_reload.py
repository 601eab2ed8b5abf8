"""What stands between the files on disk and the rules in force: one row."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "reload",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("candidate", "pinned", "pinned_by", "asked_by", "yes")),
        *(sa.Column(name, MOMENT) for name in ("pinned_at", "asked_at", "answered_at", "beat_at")),
    )


def downgrade() -> None:
    op.drop_table("reload")
