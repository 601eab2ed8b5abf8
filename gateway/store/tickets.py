"""What was last seen of each ticket, what is known to have happened to it, and when to look at it again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from gateway.overlay import with_update
from gateway.store import approvals, pages
from gateway.store.codec import from_json, ticket_from, ticket_json, tickets_json, to_json
from gateway.store.putting import as_text, execute_rows, insert_or_leave, insert_or_replace, is_ref, of_ref, replacing, the_ref
from gateway.store.schema import alarm, alike, happening, ticket
from rules.plan import Update
from rules.ticket import Change, Comment, Ticket, TicketRef, Value, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A ticket as our last plan left it. `heard`: its comments and history are known.

    `ticket` is None where a backfill alone has seen it: that judged it on the spot, and the live path begins anew.
    """

    ticket: Ticket | None
    version: str
    seen_at: datetime
    adopted: bool
    heard: bool

    @property
    def looked(self) -> bool:
        """The live path has judged it."""
        return self.ticket is not None


@dataclass(frozen=True, slots=True)
class Past:
    """The happenings that are known."""

    comments: tuple[Comment, ...] = ()
    changes: tuple[Change, ...] = ()


def seen(db: sa.Connection, ref: TicketRef) -> Seen | None:
    row = db.execute(_ONE, of_ref(ref)).mappings().first()
    return _seen(row) if row else None


_ONE = sa.select(ticket).where(the_ref(ticket))


def versions(db: sa.Connection, connection: str, keys: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """By key: the version last seen, and whether the live path has judged it."""
    found = db.execute(_VERSIONS, {"of_connection": connection, "keys": keys})
    return {row.key: (row.version, row.looked) for row in found}


_VERSIONS = sa.select(ticket.c.key, ticket.c.version, ticket.c.looked).where(
    ticket.c.connection == sa.bindparam("of_connection"), ticket.c.key.in_(sa.bindparam("keys", expanding=True))
)


def stored_since(db: sa.Connection, moment: datetime) -> Iterator[Sequence[bytes]]:
    """Tickets seen from that moment on, as they were left and as the store keeps them (`ticket_from`, `glance_at`), page by page.

    By connection and key; without those that are gone.
    """
    chosen = sa.select(ticket.c.seen).where(ticket.c.seen_at >= moment, ticket.c.gone_at.is_(None)).order_by(*ticket.primary_key)
    yield from db.execution_options(yield_per=1000).execute(chosen).scalars().partitions()


def counts(db: sa.Connection) -> dict[str, int]:
    """Known tickets by connection, without those that are gone."""
    chosen = sa.select(ticket.c.connection, sa.func.count()).where(ticket.c.gone_at.is_(None)).group_by(ticket.c.connection)
    return {row[0]: int(row[1]) for row in db.execute(chosen)}


def saw(db: sa.Connection, now: Ticket, at: datetime, *, adopted: bool, heard: bool) -> None:
    """Records one live look."""
    insert_or_replace(db, ticket, [row_of(now, at, adopted=adopted, looked=True, heard=heard)])


def saw_page(db: sa.Connection, page: Sequence[Ticket], at: datetime, *, looked: bool, run: str | None = None) -> int:
    """Records a page of a backfill, or of old tickets at first contact, as adopted; how many were recorded.

    What the live path knows already is left alone, but for a page of its own (`looked`). `run` has counted those that are recorded;
    what it has counted before is not recorded again.
    """
    alike = {"seen_at": at, "adopted": True, "looked": looked, "heard": False}
    rest = [_as_bound(db, ticket.c[name], value) for name, value in alike.items()] + ([] if run is None else [run])
    kept = zip(page, map(bytearray, tickets_json(page, body=looked)), strict=True)
    rows = [(t.ref.connection, t.ref.key, json, t.version, t.status and str(t.status), *rest) for t, json in kept]
    names = _SAW if run is None else (*_SAW, "run")
    return execute_rows(db, _saw(db.dialect, looked=looked, run=run is not None), names, rows)


_SAW = ("connection", "key", "seen", "version", "status", "seen_at", "adopted", "looked", "heard")
"""What is bound of each row of a page, as text, whole numbers and bytearrays: of anything else (None, bool and bytes among it) sqlite3
asks whether it can adapt itself, and raises and drops an AttributeError for each. That was 11 % of a backfill. A new row's `gone_at`
is empty by itself."""


@lru_cache(maxsize=16)
def _saw(dialect: sa.Dialect, *, looked: bool, run: bool = False) -> str:
    names = (*_SAW, "run") if run else _SAW
    where: sa.ColumnElement[bool] | None = None if looked else ticket.c.looked.is_(False)
    if run:
        not_by_it = ticket.c.run.is_distinct_from(sa.literal_column("excluded.run"))
        where = not_by_it if where is None else sa.and_(where, not_by_it)
    return as_text(dialect, replacing(dialect, ticket, (*names, "gone_at"), where=where), names)


def _as_bound(db: sa.Connection, column: sa.Column[Any], value: object) -> Any:
    """A value as the driver takes it."""
    bound = column.type.dialect_impl(db.dialect).bind_processor(db.dialect)
    return bound(value) if bound is not None else value


_COUNTED = sa.select(ticket.c.key).where(
    ticket.c.connection == sa.bindparam("connection"),
    ticket.c.run == sa.bindparam("run"),
    ticket.c.key.in_(sa.bindparam("keys", expanding=True)),
)


def counted(db: sa.Connection, run: str, connection: str, keys: Sequence[str]) -> frozenset[str]:
    """Which of these tickets a run has counted already: what it writes comes again, newly changed, at the end of its reading."""
    return frozenset(db.execute(_COUNTED, {"connection": connection, "run": run, "keys": keys}).scalars())


def count(db: sa.Connection, run: str, connection: str, keys: Sequence[str]) -> None:
    """A run has counted these known tickets, and does not count them again."""
    mine = (ticket.c.connection == connection, ticket.c.key.in_(keys))
    db.execute(sa.update(ticket).where(*mine).values(run=run))


def row_of(now: Ticket, at: datetime, *, adopted: bool, looked: bool, heard: bool) -> dict[str, object]:
    return {
        "connection": now.ref.connection,
        "key": now.ref.key,
        "seen": to_json(now),
        "version": now.version,
        "status": now.status,
        "seen_at": at,
        "adopted": adopted,
        "looked": looked,
        "heard": heard,
        "gone_at": None,
    }


def wrote(db: sa.Connection, update: Update, echo: Mapping[str, Value]) -> None:
    """Our own edit took effect: what was last seen takes it over, so that it is not news, whatever comes next."""
    ref = update.target
    known = seen(db, ref)
    if known is None or known.ticket is None:
        return
    now = with_update(known.ticket, update, echo)
    db.execute(_WROTE, {**of_ref(ref), "seen": to_json(now), "status": now.status})


_WROTE = sa.update(ticket).where(the_ref(ticket))


def gone(db: sa.Connection, ref: TicketRef, at: datetime) -> None:
    """Deleted at the vendor: a tombstone, no alarm, and nobody is called out or asked about it any more."""
    db.execute(sa.update(ticket).where(is_ref(ticket, ref.connection, ref.key)).values(gone_at=at))
    db.execute(sa.delete(alarm).where(is_ref(alarm, ref.connection, ref.key)))
    db.execute(sa.delete(alike).where(is_ref(alike, ref.connection, ref.key)))
    pages.ended_about(db, ref, at, "the ticket is gone")
    approvals.ended_about(db, ref, at)


def called(db: sa.Connection, ref: TicketRef) -> None:
    """What was last seen bears the name under which it is kept."""
    here = is_ref(ticket, ref.connection, ref.key)
    row = db.execute(sa.select(ticket.c.seen, ticket.c.looked).where(here, sa.func.length(ticket.c.seen) > 0)).first()
    if row is not None:
        named = ticket_json(replace(ticket_from(row.seen), ref=ref), body=row.looked)
        db.execute(sa.update(ticket).where(here).values(seen=named))


def is_gone(db: sa.Connection, ref: TicketRef) -> bool:
    return db.execute(_GONE, of_ref(ref)).scalar() is not None


_GONE = sa.select(ticket.c.gone_at).where(the_ref(ticket))


def past(db: sa.Connection, ref: TicketRef) -> Past:
    """All that is known to have happened, by time."""
    comments, changes = [], []
    for row in db.execute(_PAST, of_ref(ref)):
        if row.kind == "comment":
            comments.append(from_json(Comment, row.what))
        else:
            changes.append(from_json(Change, row.what))
    return Past(tuple(comments), tuple(changes))


_PAST = sa.select(happening.c.kind, happening.c.what).where(the_ref(happening)).order_by(happening.c.at, happening.c.id)


def remember(db: sa.Connection, ref: TicketRef, comments: Iterable[Comment], changes: Iterable[Change]) -> None:
    """Adds what is not known yet."""
    rows = [_happened(ref, "comment", c.id, c.at, c) for c in comments]
    rows += [_happened(ref, "change", change_id(c), c.at, c) for c in changes]
    insert_or_leave(db, happening, rows)


def change_id(change: Change) -> str:
    """What makes a change one of a kind: the systems give it no name."""
    after = ",".join(sorted(change.after)) if isinstance(change.after, frozenset) else str(change.after)
    return f"{change.field}={after}@{change.at.isoformat()}"


def look_again(db: sa.Connection, ref: TicketRef, at: datetime | None) -> None:
    """Sets the one alarm of a ticket, or takes it away."""
    if at is None:
        db.execute(_NO_ALARM, of_ref(ref))
    else:
        insert_or_replace(db, alarm, [{"connection": ref.connection, "key": ref.key, "at": at}])


_NO_ALARM = sa.delete(alarm).where(the_ref(alarm))


def look_no_later(db: sa.Connection, connection: str, at: datetime) -> int:
    """Every ticket that was looked at and is not closed rings then, or before; how many."""
    mine = (ticket.c.connection == connection, ticket.c.looked, ticket.c.gone_at.is_(None), ticket.c.status.is_distinct_from("closed"))
    keys = db.execute(sa.select(ticket.c.key).where(*mine)).scalars().all()
    rows = [{"connection": connection, "key": key, "at": at} for key in keys]
    insert_or_leave(db, alarm, rows)
    db.execute(sa.update(alarm).where(alarm.c.connection == connection, alarm.c.at > at).values(at=at))
    return len(rows)


def look_sooner(db: sa.Connection, ref: TicketRef, at: datetime) -> bool:
    """The ticket rings then, unless it does before; whether its alarm was moved or made."""
    mine = db.execute(sa.select(alarm.c.at).where(is_ref(alarm, ref.connection, ref.key))).scalar()
    if mine is not None and mine <= at:
        return False
    look_again(db, ref, at)
    return True


def open_refs(db: sa.Connection, connection: str) -> list[TicketRef]:
    """The tickets that were looked at, are there, and are not closed."""
    mine = (ticket.c.connection == connection, ticket.c.looked, ticket.c.gone_at.is_(None), ticket.c.status.is_distinct_from("closed"))
    return [TicketRef(connection, key) for key in db.execute(sa.select(ticket.c.key).where(*mine).order_by(ticket.c.key)).scalars()]


def ringing(db: sa.Connection, now: datetime, limit: int = 1000) -> list[TicketRef]:
    """Tickets whose moment has come, the longest overdue first."""
    chosen = sa.select(alarm.c.connection, alarm.c.key).where(alarm.c.at <= now).order_by(alarm.c.at).limit(limit)
    return [TicketRef(row.connection, row.key) for row in db.execute(chosen)]


def next_alarm(db: sa.Connection, after: datetime | None = None) -> datetime | None:
    """The first alarm; the first after a moment."""
    chosen = sa.select(alarm.c.at).order_by(alarm.c.at).limit(1)
    found: datetime | None = db.execute(chosen if after is None else chosen.where(alarm.c.at > after)).scalar()
    return found


def _seen(row: sa.RowMapping) -> Seen:
    return Seen(
        ticket=from_json(Ticket, row["seen"]) if row["looked"] else None,
        version=row["version"],
        seen_at=row["seen_at"],
        adopted=row["adopted"],
        heard=row["heard"],
    )


def _happened(ref: TicketRef, kind: str, name: str, at: datetime, what: object) -> dict[str, object]:
    return {"connection": ref.connection, "key": ref.key, "kind": kind, "id": name, "at": at, "what": to_json(what)}
