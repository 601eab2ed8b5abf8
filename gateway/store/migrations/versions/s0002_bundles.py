"""Which rules were in force, since when and by whom; of each bundle, where its files came from."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("bundle", sa.Column("origin", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "force",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
    )
    op.execute("insert into force (hash, at, who, how) select hash, loaded_at, 'daemon', 'started' from bundle order by loaded_at")


def downgrade() -> None:
    op.drop_table("force")
    op.drop_column("bundle", "origin")
