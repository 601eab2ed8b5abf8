"""How often each rule matched, and when last: counted with the pass, so that it outlives the pass's record."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.putting import insert_or_leave
from gateway.store.schema import hit
from rules.plan import Plan

COUNTS = ("live", "shadow", "limited", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """One rule. `since`: when it first came into force; `last_ref`: the ticket that it matched last."""

    rule: str
    since: datetime
    live: int = 0
    shadow: int = 0
    limited: int = 0
    failed: int = 0
    last_at: datetime | None = None
    last_ref: str | None = None

    @property
    def matched(self) -> int:
        return self.live + self.shadow + self.limited

    def unused_since(self, moment: datetime) -> bool:
        """Whether it could have matched all that time and did not."""
        return self.since <= moment and (self.last_at is None or self.last_at < moment)


def known(db: sa.Connection, rules: Iterable[str], at: datetime) -> None:
    """These rules are in force: from now on silence of theirs means something."""
    insert_or_leave(db, hit, [{"rule": rule, "since": at, **dict.fromkeys(COUNTS, 0)} for rule in rules])


def counted(db: sa.Connection, plan: Plan) -> None:
    """A pass that was carried out. A rule counts once for each stage or occasion on which it acted."""
    found = Counter(_hits(plan))
    known(db, sorted({rule for rule, _ in found}), plan.at)
    for (rule, how), times in found.items():
        last = {} if how == "failed" else {"last_at": plan.at, "last_ref": str(plan.ref)}
        db.execute(sa.update(hit).where(hit.c.rule == rule).values({how: hit.c[how] + times, **last}))


def _hits(plan: Plan) -> Iterator[tuple[str, str]]:
    yield from ((fired.rule, fired.how) for fired in plan.fired)
    yield from ((failure.rule, "failed") for failure in plan.failures)


def all_of(db: sa.Connection) -> dict[str, Hits]:
    return {row["rule"]: Hits(**row) for row in db.execute(sa.select(hit)).mappings()}
