"""The rules that are or were in force: their texts under the hash of their content, and since when, by whom and from where each ran."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
import sqlalchemy as sa

from gateway.store.putting import insert_or_leave
from gateway.store.schema import bundle, force, pass_


@dataclass(frozen=True, slots=True, kw_only=True)
class Force:
    """A bundle's coming into force. `how`: started | files | reload | rollback; `origin`: the folder whose files it was made of."""

    id: int
    hash: str
    at: datetime
    who: str
    how: str
    origin: str

    @property
    def short(self) -> str:
        return self.hash[:7]


def keep(db: sa.Connection, hash: str, sources: Mapping[str, str], at: datetime, origin: str = "") -> None:
    """Keeps the files of a bundle, so that it can be judged by, or returned to, later. It does not come into force by that."""
    kept = zlib.compress(orjson.dumps(dict(sources)), 6)
    insert_or_leave(db, bundle, [{"hash": hash, "sources": kept, "loaded_at": at, "origin": origin}])


def put_in_force(db: sa.Connection, hash: str, at: datetime, *, who: str, how: str) -> None:
    """From now on the daemon judges by this bundle. One that is in force already stays as it is."""
    now = running(db)
    if now is None or now.hash != hash:
        db.execute(sa.insert(force).values(hash=hash, at=at, who=who, how=how))


def running(db: sa.Connection) -> Force | None:
    """The bundle that the daemon judges by, or judged by last."""
    return next(iter(history(db, 1)), None)


def history(db: sa.Connection, limit: int = 20) -> list[Force]:
    """What came into force, newest first."""
    kept = force.outerjoin(bundle, force.c.hash == bundle.c.hash)
    chosen = sa.select(force, bundle.c.origin).select_from(kept).order_by(force.c.id.desc()).limit(limit)
    return [Force(**{**row, "origin": row["origin"] or ""}) for row in db.execute(chosen).mappings()]


def sources(db: sa.Connection, hash: str) -> dict[str, str] | None:
    """The files of a bundle by path, None for one that was never kept here."""
    found = db.execute(sa.select(bundle.c.sources).where(bundle.c.hash == hash)).scalar()
    return dict(orjson.loads(zlib.decompress(found))) if found is not None else None


def named(db: sa.Connection, prefix: str) -> list[str]:
    """The bundles whose hash begins so."""
    return list(db.execute(sa.select(bundle.c.hash).where(bundle.c.hash.startswith(prefix, autoescape=True))).scalars())


def forget_before(db: sa.Connection, moment: datetime, *, but: int = 20) -> int:
    """Drops bundles that no record of a pass names and that are none of the last in force; returns how many."""
    kept = {one.hash for one in history(db, but)}
    judged = sa.select(pass_.c.bundle)
    gone = (bundle.c.loaded_at < moment, bundle.c.hash.not_in(kept), bundle.c.hash.not_in(judged))
    old = list(db.execute(sa.select(bundle.c.hash).where(*gone)).scalars())
    db.execute(sa.delete(force).where(force.c.hash.in_(old)))
    return int(db.execute(sa.delete(bundle).where(bundle.c.hash.in_(old))).rowcount)
