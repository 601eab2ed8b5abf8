"""What was seen and decided, so that it can be judged again; stages that are behind a ticket; how often limits were used."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.codec import from_json, to_json
from gateway.store.putting import insert_or_leave, is_ref, of_ref, the_ref
from gateway.store.schema import action, pass_, stage, used
from rules.bundle import Rate
from rules.observation import Observation
from rules.plan import Plan, Stage
from rules.ticket import TicketRef

UNSETTLED = ("delayed", "planned", "sending", "in_doubt")
"""States of actions without an outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One pass over one ticket: what it saw and what it decided. `bundle` names the rules."""

    id: str
    ref: TicketRef
    at: datetime
    bundle: str
    run: str | None
    observation: Observation
    plan: Plan


def record(db: sa.Connection, id: str, observation: Observation, plan: Plan, run: str | None = None) -> None:
    """Keeps the pass; once for an id."""
    row = {
        "id": id,
        "connection": plan.ref.connection,
        "key": plan.ref.key,
        "at": plan.at,
        "bundle": plan.bundle,
        "run": run,
        "events": ",".join(plan.events),
        "observation": zlib.compress(to_json(observation), 1),
        "plan": zlib.compress(to_json(plan), 1),
    }
    insert_or_leave(db, pass_, [row])


def last(db: sa.Connection, ref: TicketRef, id: str | None = None) -> Pass | None:
    """The newest pass over a ticket, or the one of that id."""
    chosen = sa.select(pass_).where(is_ref(pass_, ref.connection, ref.key)).order_by(pass_.c.at.desc(), pass_.c.id.desc())
    row = db.execute((chosen.where(pass_.c.id == id) if id else chosen).limit(1)).mappings().first()
    return _pass(row) if row else None


def since(db: sa.Connection, moment: datetime) -> Iterator[Pass]:
    """The recorded looks since then, oldest first; runs are left out."""
    chosen = sa.select(pass_).where(pass_.c.at >= moment, pass_.c.run.is_(None)).order_by(pass_.c.at)
    return (_pass(row) for row in db.execute(chosen).mappings())


@dataclass(frozen=True, slots=True)
class Brief:
    """A pass in one line: its id and moment, what had happened, and the rules that acted."""

    id: str
    at: datetime
    happened: str
    fired: tuple[str, ...]


def brief(db: sa.Connection, ref: TicketRef, limit: int = 10) -> list[Brief]:
    """The passes over a ticket, newest first."""
    columns = (pass_.c.id, pass_.c.at, pass_.c.plan)
    chosen = sa.select(*columns).where(is_ref(pass_, ref.connection, ref.key)).order_by(pass_.c.at.desc(), pass_.c.id.desc()).limit(limit)
    return [_brief(row.id, row.at, from_json(Plan, zlib.decompress(row.plan))) for row in db.execute(chosen)]


def _brief(id: str, at: datetime, plan: Plan) -> Brief:
    happened = dict.fromkeys(event.partition("@")[0].partition("#")[0] for event in plan.events)
    return Brief(id, at, ", ".join(happened), tuple(dict.fromkeys(f"{f.rule} {f.stage}" if f.stage else f.rule for f in plan.fired)))


def by_id(db: sa.Connection, id: str) -> Pass | None:
    row = db.execute(sa.select(pass_).where(pass_.c.id == id)).mappings().first()
    return _pass(row) if row else None


def forget_before(db: sa.Connection, moment: datetime, most: int = 5000) -> int:
    """Drops the records of at most so many passes older than that; returns how many. The ledger stays.

    A pass with an action that has no outcome yet stays as well: it is carried on by its record.
    """
    open_ = sa.select(action.c.pass_id).where(action.c.state.in_(UNSETTLED))
    old = sa.select(pass_.c.id).where(pass_.c.at < moment, pass_.c.id.not_in(open_)).limit(most)
    return int(db.execute(sa.delete(pass_).where(pass_.c.id.in_(old))).rowcount)


def stages(db: sa.Connection, ref: TicketRef) -> frozenset[str]:
    """The keys of stages that ran or were passed over."""
    return frozenset(db.execute(_STAGES, of_ref(ref)).scalars())


_STAGES = sa.select(stage.c.stage_key).where(the_ref(stage))


def reached(db: sa.Connection, ref: TicketRef, some: Sequence[Stage]) -> None:
    """These stages are behind the ticket now."""
    mine = {"connection": ref.connection, "key": ref.key}
    rows = [{**mine, "stage_key": s.key, "rule": s.rule, "name": s.name, "ran": s.ran, "why": s.why, "at": s.due_at} for s in some]
    insert_or_leave(db, stage, rows)


def use(db: sa.Connection, limits: Iterable[str], at: datetime) -> None:
    """A rule acted under these limits."""
    rows = [{"limit_key": key, "at": at} for key in limits]
    if rows:
        db.execute(sa.insert(used), rows)


def uses(db: sa.Connection, limits: Mapping[str, Rate], now: datetime) -> dict[str, tuple[datetime, ...]]:
    """When each of these limits was used, as far back as any of them reaches, oldest first."""
    if not limits:
        return {}
    found: dict[str, list[datetime]] = {}
    chosen = sa.select(used.c.limit_key, used.c.at).where(used.c.limit_key.in_(list(limits))).order_by(used.c.at)
    spans = [rate.per for rate in limits.values()]
    if None not in spans:
        chosen = chosen.where(used.c.at > now - max(span for span in spans if span is not None))
    for row in db.execute(chosen):
        found.setdefault(row.limit_key, []).append(row.at)
    return {key: tuple(moments) for key, moments in found.items()}


def _pass(row: sa.RowMapping) -> Pass:
    return Pass(
        id=row["id"],
        ref=TicketRef(row["connection"], row["key"]),
        at=row["at"],
        bundle=row["bundle"],
        run=row["run"],
        observation=from_json(Observation, zlib.decompress(row["observation"])),
        plan=from_json(Plan, zlib.decompress(row["plan"])),
    )
