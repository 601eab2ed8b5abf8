"""The token that each connection has in force, and how often it was refused one. Secrets: nothing but a session reads them."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from connectors.tokens import Token
from gateway.store.putting import insert_or_replace
from gateway.store.schema import sign_in


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a sign-in: its token, how often it was refused one, and why last."""

    token: Token | None = None
    refusals: int = 0
    reason: str | None = None


def of(db: sa.Connection, connection: str, made_of: str) -> Kept:
    """What was kept for these settings; nothing where it was granted to others, as after a new secret."""
    row = db.execute(sa.select(sign_in).where(sign_in.c.connection == connection, sign_in.c.made_of == made_of)).first()
    if row is None:
        return Kept()
    token = Token(access=row.access, refresh=row.refresh, instance=row.instance, account=row.account) if row.access else None
    return Kept(token, row.refusals, row.reason)


def granted(db: sa.Connection, connection: str, made_of: str, token: Token, at: datetime) -> None:
    said = {"access": token.access, "refresh": token.refresh, "instance": token.instance, "account": token.account}
    refusals = of(db, connection, made_of).refusals
    row = {"connection": connection, "made_of": made_of, **said, "refusals": refusals, "reason": None, "at": at}
    insert_or_replace(db, sign_in, [row])


def refused(db: sa.Connection, connection: str, made_of: str, reason: str, at: datetime) -> None:
    """The system grants nothing to these settings. The refresh token stays: a system that refused by mistake may take it later."""
    kept = of(db, connection, made_of)
    row = {"connection": connection, "made_of": made_of, "refusals": kept.refusals + 1, "reason": reason, "at": at}
    nothing = {} if kept.token else {"access": None, "refresh": None, "instance": None, "account": None}
    insert_or_replace(db, sign_in, [{**row, **nothing}])
