"""Rules that a person, or a limit that was reached, has stopped until somebody resumes them."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.putting import insert_or_replace
from gateway.store.schema import paused_rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """A rule that does not act, by whom, since when and why."""

    rule: str
    reason: str
    who: str
    at: datetime


def pause(db: sa.Connection, rule: str, reason: str, who: str, at: datetime) -> None:
    """From the next pass on the rule does not act, wherever it is asked. Paused again, the later reason stands."""
    insert_or_replace(db, paused_rule, [{"rule": rule, "reason": reason, "who": who, "at": at}])


def resume(db: sa.Connection, rule: str) -> bool:
    """The rule acts again; whether it had been paused."""
    return bool(db.execute(sa.delete(paused_rule).where(paused_rule.c.rule == rule)).rowcount)


def all_of(db: sa.Connection) -> list[Paused]:
    return [Paused(**row) for row in db.execute(sa.select(paused_rule).order_by(paused_rule.c.rule)).mappings()]


def names(db: sa.Connection) -> frozenset[str]:
    """What a pass must know."""
    return frozenset(db.execute(_NAMES).scalars())


_NAMES = sa.select(paused_rule.c.rule)
