"""Who is being called out, and which questions wait for an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "page",
        sa.Column("id", sa.Text, primary_key=True),
        *_ref(),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("urgency", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("made", sa.Integer, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("by", sa.Text),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_index("page_ref", "page", ["connection", "key"])
    op.create_index("page_due", "page", ["state", "next_at"])
    op.create_table(
        "approval",
        sa.Column("id", sa.Text, primary_key=True),
        *_ref(),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("ask", sa.Text, nullable=False),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT),
        sa.Column("by", sa.Text),
        sa.Column("comment", sa.Text),
        sa.Column("handled", sa.Boolean, nullable=False),
    )
    op.create_index("approval_ref", "approval", ["connection", "key"])
    op.create_index("approval_due", "approval", ["state", "due_at"])


def _ref() -> tuple[sa.Column[str], sa.Column[str]]:
    return sa.Column("connection", sa.Text, nullable=False), sa.Column("key", sa.Text, nullable=False)


def downgrade() -> None:
    op.drop_table("approval")
    op.drop_table("page")
