"""Backfills and applies: how far they are, and what they counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.store.schema import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`state`: running | held | interrupted | done | failed. `checkpoint` says how far each connection is."""

    id: str
    kind: str
    state: str
    options: Mapping[str, Any]
    counts: Mapping[str, Any]
    checkpoint: Mapping[str, Any]
    started_at: datetime
    ended_at: datetime | None = None


def begin(db: sa.Connection, kind: str, options: Mapping[str, Any], at: datetime) -> str:
    """Writes a new run down; returns its name, like `backfill-3`."""
    count = int(db.execute(sa.select(sa.func.count()).select_from(run)).scalar_one())
    name = f"{kind}-{count + 1}"
    row = {"id": name, "kind": kind, "state": "running", "options": orjson.dumps(options), "counts": b"{}", "checkpoint": b"{}"}
    db.execute(sa.insert(run), [{**row, "started_at": at}])
    return name


def found(db: sa.Connection, id: str) -> Run | None:
    row = db.execute(sa.select(run).where(run.c.id == id)).mappings().first()
    return _run(row) if row else None


def newest(db: sa.Connection, limit: int = 10) -> list[Run]:
    return [_run(row) for row in db.execute(sa.select(run).order_by(run.c.started_at.desc(), run.c.id.desc()).limit(limit)).mappings()]


def went_on(db: sa.Connection, id: str, counts: Mapping[str, Any], checkpoint: Mapping[str, Any]) -> None:
    """A page is behind us; call it in the transaction that stores the page."""
    db.execute(_WENT_ON, {"of": id, "counts": orjson.dumps(counts), "checkpoint": orjson.dumps(checkpoint)})


_WENT_ON = (
    sa.update(run)
    .where(run.c.id == sa.bindparam("of"))
    .values(state="running", ended_at=None, counts=sa.bindparam("counts"), checkpoint=sa.bindparam("checkpoint"))
)


def ended(db: sa.Connection, id: str, state: str, counts: Mapping[str, Any], at: datetime) -> None:
    db.execute(sa.update(run).where(run.c.id == id).values(state=state, counts=orjson.dumps(counts), ended_at=at))


def _run(row: sa.RowMapping) -> Run:
    said = {name: orjson.loads(row[name]) for name in ("options", "counts", "checkpoint")}
    return Run(id=row["id"], kind=row["kind"], state=row["state"], started_at=row["started_at"], ended_at=row["ended_at"], **said)
