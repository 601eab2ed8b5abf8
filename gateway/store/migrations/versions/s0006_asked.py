"""What rules ask of the store: tickets that are restricted, joined or alike, and whose turn it is."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "restricted",
        *_ref(),
        sa.Column("kinds", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_table(
        "joined",
        *_ref(),
        sa.Column("relation", sa.Text, primary_key=True),
        sa.Column("other", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("joined_other", "joined", ["other"])
    op.create_table("turn", sa.Column("rule", sa.Text, primary_key=True), sa.Column("taken", sa.Integer, nullable=False))
    _alike()


def _alike() -> None:
    op.create_table(
        "alike",
        sa.Column("question", sa.Text, primary_key=True),
        *_ref(),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("alike_value", "alike", ["question", "value", "at"])
    op.create_table("question", sa.Column("question", sa.Text, primary_key=True), sa.Column("since", MOMENT, nullable=False))


def _ref() -> tuple[sa.Column[str], sa.Column[str]]:
    return sa.Column("connection", sa.Text, primary_key=True), sa.Column("key", sa.Text, primary_key=True)


def downgrade() -> None:
    for table in ("restricted", "joined", "turn", "alike", "question"):
        op.drop_table(table)
