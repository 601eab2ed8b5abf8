"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _tickets()
    _actions()
    _records()


def downgrade() -> None:
    """There is no way back from the first schema but an empty database."""
    for table in (
        "ticket",
        "happening",
        "inbox",
        "cursor",
        "lease",
        "alarm",
        "action",
        "link",
        "stage",
        "used",
        "pass",
        "bundle",
        "run",
        "parked",
        "audit",
    ):
        op.drop_table(table)


def _tickets() -> None:
    op.create_table(
        "ticket",
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("seen", sa.LargeBinary, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("status", sa.Text),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("adopted", sa.Boolean, nullable=False),
        sa.Column("looked", sa.Boolean, nullable=False),
        sa.Column("heard", sa.Boolean, nullable=False),
        sa.Column("gone_at", MOMENT),
        sa.Column("run", sa.Text),
    )
    op.create_table(
        "happening",
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("what", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("unique_key", sa.Text, nullable=False, unique=True),
        sa.Column("signal", sa.Text, nullable=False),
        sa.Column("ticket", sa.LargeBinary),
        sa.Column("arrived_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("brake", sa.Text, nullable=False),
    )
    op.create_index("inbox_due", "inbox", ["connection", "due_at"])
    op.create_index("inbox_ref", "inbox", ["connection", "key"])
    op.create_table(
        "cursor",
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("cursor", sa.Text),
        sa.Column("watermark", MOMENT),
        sa.Column("connected_at", MOMENT),
        sa.Column("polled_at", MOMENT),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("paused_until", MOMENT),
        sa.Column("error", sa.Text),
        sa.Column("error_at", MOMENT),
    )
    op.create_table(
        "lease",
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
    )
    op.create_table(
        "alarm",
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("alarm_at", "alarm", ["at"])


def _actions() -> None:
    op.create_table(
        "action",
        sa.Column("action_key", sa.Text, primary_key=True),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("target_key", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("pass_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("run", sa.Text),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("receipt", sa.LargeBinary),
        sa.Column("made", sa.Text),
        sa.Column("echoed", sa.Boolean, nullable=False),
        sa.Column("planned_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("ended_at", MOMENT),
    )
    op.create_index("action_pass", "action", ["pass_id"])
    op.create_index("action_ref", "action", ["connection", "key"])
    op.create_index("action_run", "action", ["run"])
    op.create_index("action_state", "action", ["state"])
    op.create_index("action_target", "action", ["target", "target_key"])
    op.create_table(
        "link",
        sa.Column("left", sa.Text, primary_key=True),
        sa.Column("right", sa.Text, primary_key=True),
        sa.Column("made", sa.Text),
        sa.Column("agreed", sa.LargeBinary, nullable=False),
        sa.Column("mirrored", sa.LargeBinary, nullable=False),
        sa.Column("overruled", sa.LargeBinary, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("link_right", "link", ["right"])
    op.create_table(
        "stage",
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("stage_key", sa.Text, primary_key=True),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("ran", sa.Boolean, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_table(
        "used",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("limit_key", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("used_key", "used", ["limit_key", "at"])


def _records() -> None:
    op.create_table(
        "pass",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("run", sa.Text),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("observation", sa.LargeBinary, nullable=False),
        sa.Column("plan", sa.LargeBinary, nullable=False),
    )
    op.create_index("pass_ref", "pass", ["connection", "key", "at"])
    op.create_table(
        "bundle",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("sources", sa.LargeBinary, nullable=False),
        sa.Column("loaded_at", MOMENT, nullable=False),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("options", sa.LargeBinary, nullable=False),
        sa.Column("counts", sa.LargeBinary, nullable=False),
        sa.Column("checkpoint", sa.LargeBinary, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
    )
    op.create_table(
        "parked",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("version", sa.Text),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.UniqueConstraint("connection", "key", "kind", name="parked_once"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
