"""Who is being called out about which ticket, and how that ended. A page is open until somebody acknowledges or the ticket is answered."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from gateway.store.putting import insert_or_leave, is_ref, of_ref, the_ref
from gateway.store.schema import page
from rules.plan import Page
from rules.ticket import TicketRef


class State(StrEnum):
    """`ended`: the ticket no longer needs anybody; `unanswered`: everybody was called, and nobody acknowledged."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ENDED = "ended"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """One page. `made` calls have been made; the next is due at `next_at` while it is open, None: no other comes."""

    id: str
    ref: TicketRef
    rule: str
    to: str
    urgency: str
    text: str
    place: str
    state: State
    made: int
    opened_at: datetime
    next_at: datetime | None
    ended_at: datetime | None
    by: str | None
    why: str


def opened(db: sa.Connection, what: Page, at: datetime) -> None:
    """The first call is due at once."""
    said = {"id": what.id, "connection": what.about.connection, "key": what.about.key, "rule": what.rule, "place": what.place}
    asked = {"to": what.to, "urgency": what.urgency, "text": what.text, "state": State.OPEN, "made": 0, "why": ""}
    insert_or_leave(db, page, [{**said, **asked, "opened_at": at, "next_at": at}])


def due(db: sa.Connection, now: datetime) -> list[Paging]:
    """Open pages whose next call's moment has come, the longest overdue first."""
    return _read(db, page.c.state == State.OPEN, page.c.next_at <= now, by=page.c.next_at)


def took_turn(db: sa.Connection, one: Paging, next_at: datetime | None) -> bool:
    """One more call is made of it; call it in the transaction that plans the call. False: another process was faster, or it ended."""
    here = (page.c.id == one.id, page.c.state == State.OPEN, page.c.made == one.made)
    return db.execute(sa.update(page).where(*here).values(made=one.made + 1, next_at=next_at)).rowcount == 1


def hurried(db: sa.Connection, id: str, made: int, now: datetime) -> None:
    """The last call reached nobody: the next one does not wait for them."""
    here = (page.c.id == id, page.c.state == State.OPEN, page.c.made == made)
    db.execute(sa.update(page).where(*here).values(next_at=now))


def ended(db: sa.Connection, id: str, state: State, at: datetime, *, by: str | None = None, why: str = "") -> bool:
    """Whether it was open, or nobody had answered it yet."""
    here = (page.c.id == id, page.c.state.in_([State.OPEN, State.UNANSWERED]))
    return db.execute(sa.update(page).where(*here).values(state=state, ended_at=at, by=by, why=why)).rowcount == 1


def ended_about(db: sa.Connection, ref: TicketRef, at: datetime, why: str, *, before: datetime | None = None) -> int:
    """The ticket needs nobody any more: what was opened before that moment ends; how many pages did."""
    here = [is_ref(page, ref.connection, ref.key), page.c.state.in_([State.OPEN, State.UNANSWERED])]
    here += [page.c.opened_at < before] if before is not None else []
    return int(db.execute(sa.update(page).where(*here).values(state=State.ENDED, ended_at=at, why=why)).rowcount)


def is_open(db: sa.Connection, id: str) -> bool:
    return db.execute(sa.select(page.c.id).where(page.c.id == id, page.c.state == State.OPEN)).first() is not None


def open_about(db: sa.Connection, ref: TicketRef) -> list[Paging]:
    return [_paging(row) for row in db.execute(_OPEN_ABOUT, of_ref(ref)).mappings()]


def found(db: sa.Connection, id: str) -> list[Paging]:
    """The page of that id, or those whose ids begin so."""
    return _read(db, page.c.id.startswith(id, autoescape=True))


def all_of(db: sa.Connection, *, only_open: bool = True) -> list[Paging]:
    """Those that wait for somebody, oldest first; or all there ever were."""
    return _read(db, *((page.c.state.in_([State.OPEN, State.UNANSWERED]),) if only_open else ()))


def answers(db: sa.Connection) -> dict[TicketRef, tuple[tuple[datetime, datetime | None], ...]]:
    """By ticket its pages, oldest first: when each was opened, and when somebody acknowledged it, which nobody may have done."""
    found: dict[TicketRef, tuple[tuple[datetime, datetime | None], ...]] = {}
    for one in all_of(db, only_open=False):
        at = one.ended_at if one.state is State.ACKNOWLEDGED else None
        found[one.ref] = (*found.get(one.ref, ()), (one.opened_at, at))
    return found


def _read(db: sa.Connection, *where: sa.ColumnElement[bool], by: sa.ColumnElement[datetime] = page.c.opened_at) -> list[Paging]:
    return [_paging(row) for row in db.execute(_chosen(*where, by=by)).mappings()]


def _chosen(*where: sa.ColumnElement[bool], by: sa.ColumnElement[datetime] = page.c.opened_at) -> sa.Select[tuple[object, ...]]:
    return sa.select(page).where(*where).order_by(by, page.c.id)


_OPEN_ABOUT = _chosen(the_ref(page), page.c.state == State.OPEN)


def _paging(row: sa.RowMapping) -> Paging:
    said = {name: row[name] for name in row if name not in ("connection", "key", "state")}
    return Paging(ref=TicketRef(row["connection"], row["key"]), state=State(row["state"]), **said)
