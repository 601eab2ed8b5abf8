"""What systems granted: one token for each connection, shared by all who ask there."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in",
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("made_of", sa.Text, nullable=False),
        sa.Column("access", sa.Text),
        sa.Column("refresh", sa.Text),
        sa.Column("instance", sa.Text),
        sa.Column("account", sa.Text),
        sa.Column("refusals", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("sign_in")
