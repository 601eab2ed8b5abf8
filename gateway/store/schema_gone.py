"""The tables of tickets that are no more."""

import sqlalchemy as sa

from gateway.store.columns import Moment, metadata, ref

# What became of tickets that are no more, and the key where they go on: `how` is deleted | merged | moved | left.
alias = sa.Table(
    "alias",
    metadata,
    *ref(),
    sa.Column("into", sa.Text),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("alias_into", "connection", "into"),
)

# The key of each ticket by what stays the same of it, where keys can change.
identity = sa.Table(
    "identity",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
)

# How far a connection's tickets were asked after, for those that its system does not tell of.
swept = sa.Table(
    "swept",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("upto", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)
