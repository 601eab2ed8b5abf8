"""The tables about the systems themselves, which every process that asks them shares."""

import sqlalchemy as sa

from gateway.store.columns import Moment, metadata

# What each system granted us last. `made_of`: a print of the settings that it was granted to; `refusals`: how often it refused us.
sign_in = sa.Table(
    "sign_in",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("made_of", sa.Text, nullable=False),
    sa.Column("access", sa.Text),
    sa.Column("refresh", sa.Text),
    sa.Column("instance", sa.Text),
    sa.Column("account", sa.Text),
    sa.Column("refusals", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("at", Moment, nullable=False),
)

# How many requests a system still allows in the window that ends at `resets_at`; none at all until `closed_until`.
budget = sa.Table(
    "budget",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("limit", sa.Integer),
    sa.Column("left", sa.Integer),
    sa.Column("resets_at", Moment),
    sa.Column("heard_at", Moment),
    sa.Column("closed_until", Moment),
)
