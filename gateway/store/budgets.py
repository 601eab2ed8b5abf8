"""What each system still allows: one row for each connection, which every process reads before it asks and corrects after."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from connectors.allowance import AN_HOUR, Allowance
from gateway.store.putting import insert_or_replace
from gateway.store.schema_systems import budget

SAME_WINDOW = timedelta(seconds=30)
"""Two answers whose windows end so close to each other speak of one window."""
RESERVE = 0.2
"""The share of a limit that long work leaves to live work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One connection's. Moments are the wall's; a window that is over says nothing any more."""

    connection: str
    limit: int | None = None
    left: int | None = None
    resets_at: datetime | None = None
    heard_at: datetime | None = None
    closed_until: datetime | None = None

    def known(self, now: datetime) -> bool:
        """Whether a window is open, of which we know how much is left. One that ends too far away is of a clock that was set back."""
        return self.left is not None and self.resets_at is not None and now < self.resets_at <= now + timedelta(seconds=AN_HOUR)

    def kept(self, *, long: bool) -> int:
        """So many are not for this work."""
        return int((self.limit or 0) * RESERVE) if long else 0

    def rests_until(self, now: datetime, *, long: bool = False) -> datetime | None:
        """When the next request may leave; None: now. `long` work stops at the reserve."""
        if self.closed_until is not None and now < self.closed_until <= now + timedelta(seconds=AN_HOUR):
            return self.closed_until
        return self.resets_at if self.known(now) and (self.left or 0) <= self.kept(long=long) else None


def of(db: sa.Connection, connection: str) -> Budget:
    row = db.execute(_ONE, {"of_connection": connection}).mappings().first()
    return Budget(**row) if row else Budget(connection=connection)


_IS_IT = budget.c.connection == sa.bindparam("of_connection")
_ONE = sa.select(budget).where(_IS_IT)


def all_of(db: sa.Connection) -> dict[str, Budget]:
    return {row["connection"]: Budget(**row) for row in db.execute(sa.select(budget)).mappings()}


def heard(db: sa.Connection, connection: str, allowance: Allowance, now: datetime) -> None:
    """What an answer said, unless somebody else heard a later one.

    Where a system says no more than its limit, what is left of a window is our own counting.
    """
    before, ends = of(db, connection), now + timedelta(seconds=allowance.resets_in)
    if before.heard_at is not None and now < before.heard_at <= now + timedelta(seconds=AN_HOUR):
        return
    left = allowance.left
    if left is None:
        same = before.known(now) and before.resets_at is not None and abs(before.resets_at - ends) <= SAME_WINDOW
        left = before.left if same else allowance.limit - 1
    _put(db, before, limit=allowance.limit, left=left, resets_at=ends, heard_at=now)


def closed(db: sa.Connection, connection: str, until: datetime) -> None:
    """The system wants no request until then."""
    before = of(db, connection)
    _put(db, before, closed_until=max(until, before.closed_until or until))


def took(db: sa.Connection, connection: str, requests: int) -> None:
    """So many are as good as asked."""
    db.execute(_TOOK, {"of_connection": connection, "requests": requests})


_COUNTED = sa.update(budget).where(_IS_IT, budget.c.left.is_not(None))
_TOOK = _COUNTED.values(left=budget.c.left - sa.bindparam("requests"))


def gave_back(db: sa.Connection, connection: str, requests: int, window: datetime) -> None:
    """So many of those taken in that window were not asked."""
    within = {"since": window - SAME_WINDOW, "until": window + SAME_WINDOW}
    db.execute(_GAVE_BACK, {"of_connection": connection, "requests": requests, **within})


_WITHIN = budget.c.resets_at.between(sa.bindparam("since"), sa.bindparam("until"))
_GAVE_BACK = _COUNTED.where(_WITHIN).values(left=budget.c.left + sa.bindparam("requests"))


def _put(db: sa.Connection, before: Budget, **values: object) -> None:
    row = {name: getattr(before, name) for name in ("connection", "limit", "left", "resets_at", "heard_at", "closed_until")}
    insert_or_replace(db, budget, [{**row, **values}])
