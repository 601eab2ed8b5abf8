"""Who did what, and when: starts and ends of runs, batches let through, rules that came into force."""

from datetime import datetime

import sqlalchemy as sa

from gateway.store.schema import audit


def noted(db: sa.Connection, at: datetime, who: str, what: str, detail: str = "") -> None:
    db.execute(sa.insert(audit).values(at=at, who=who, what=what, detail=detail))


def newest(db: sa.Connection, limit: int = 100) -> list[tuple[datetime, str, str, str]]:
    rows = db.execute(sa.select(audit.c.at, audit.c.who, audit.c.what, audit.c.detail).order_by(audit.c.id.desc()).limit(limit))
    return [(row.at, row.who, row.what, row.detail) for row in rows]
