"""Questions to people, their answers, and whether what waited for an answer was done. A question is answered once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from gateway.store.putting import insert_or_leave, is_ref, of_ref, the_ref
from gateway.store.schema import approval
from rules.asking import OUTCOMES
from rules.observation import Answer, Event, Kind
from rules.plan import Ask
from rules.ticket import TicketRef


class State(StrEnum):
    """`no_answer`: its time was over; `ended`: nothing waits for its answer any more."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    NO_ANSWER = "no_answer"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. `ask` is the word in the rule, `to` whom that meant: a channel's name or an e-mail address."""

    id: str
    ref: TicketRef
    rule: str
    step: str
    ask: str
    to: str
    question: str
    state: State
    opened_at: datetime
    due_at: datetime
    answered_at: datetime | None
    by: str | None
    comment: str | None
    handled: bool


def opened(db: sa.Connection, what: Ask, at: datetime) -> None:
    """The time for an answer runs from now: a plan that was carried out late, or after an outage, leaves people as long as it said."""
    said = {"id": what.id, "connection": what.about.connection, "key": what.about.key, "rule": what.rule, "step": what.step}
    asked = {"ask": what.ask, "to": what.to, "question": what.question, "state": State.OPEN, "handled": False}
    insert_or_leave(db, approval, [{**said, **asked, "opened_at": at, "due_at": what.due_at + (at - what.at)}])


def answered(db: sa.Connection, id: str, state: State, at: datetime, *, by: str, comment: str | None) -> bool:
    """Whether it was open and its time not over."""
    here = (approval.c.id == id, approval.c.state == State.OPEN, approval.c.due_at > at)
    return db.execute(sa.update(approval).where(*here).values(state=state, answered_at=at, by=by, comment=comment)).rowcount == 1


def expired(db: sa.Connection, now: datetime) -> list[TicketRef]:
    """Nobody answered in time: says so of every question whose time is over; the tickets they are about."""
    here = (approval.c.state == State.OPEN, approval.c.due_at <= now)
    refs = [TicketRef(row.connection, row.key) for row in db.execute(sa.select(approval.c.connection, approval.c.key).where(*here))]
    if refs:
        db.execute(sa.update(approval).where(*here).values(state=State.NO_ANSWER, answered_at=approval.c.due_at))
    return refs


def any_expired(db: sa.Connection, now: datetime) -> bool:
    return db.execute(sa.select(approval.c.id).where(approval.c.state == State.OPEN, approval.c.due_at <= now).limit(1)).first() is not None


def ended(db: sa.Connection, id: str, at: datetime) -> bool:
    """Nothing waits for the answer any more; whether it was open."""
    here = (approval.c.id == id, approval.c.state == State.OPEN)
    return db.execute(sa.update(approval).where(*here).values(state=State.ENDED, answered_at=at, handled=True)).rowcount == 1


def ended_about(db: sa.Connection, ref: TicketRef, at: datetime) -> None:
    """The ticket is gone: nobody need answer."""
    here = (is_ref(approval, ref.connection, ref.key), approval.c.state == State.OPEN)
    db.execute(sa.update(approval).where(*here).values(state=State.ENDED, answered_at=at, handled=True))


def events(db: sa.Connection, ref: TicketRef) -> tuple[Event, ...]:
    """The answers about a ticket that no look has dealt with yet."""
    return tuple(_event(_question(row)) for row in db.execute(_ANSWERED, of_ref(ref)).mappings())


def handled(db: sa.Connection, some: Iterable[Event]) -> None:
    """What waited for these answers was done; call it in the transaction that records the look."""
    ids = [event.answer.id for event in some if event.answer is not None]
    if ids:
        db.execute(sa.update(approval).where(approval.c.id.in_(ids)).values(handled=True))


def found(db: sa.Connection, id: str) -> list[Question]:
    """The question of that id, or those whose ids begin so."""
    return _read(db, approval.c.id.startswith(id, autoescape=True))


def all_of(db: sa.Connection, *, only_open: bool = True) -> list[Question]:
    """Those that wait for an answer, oldest first; or all there ever were."""
    return _read(db, *((approval.c.state == State.OPEN,) if only_open else ()))


def open_about(db: sa.Connection, ref: TicketRef) -> list[Question]:
    return _read(db, is_ref(approval, ref.connection, ref.key), approval.c.state == State.OPEN)


def _read(db: sa.Connection, *where: sa.ColumnElement[bool]) -> list[Question]:
    return [_question(row) for row in db.execute(_chosen(*where)).mappings()]


def _chosen(*where: sa.ColumnElement[bool]) -> sa.Select[tuple[object, ...]]:
    return sa.select(approval).where(*where).order_by(approval.c.opened_at, approval.c.id)


_ANSWERED = _chosen(the_ref(approval), approval.c.state.in_(OUTCOMES), approval.c.handled.is_(False))


def _question(row: sa.RowMapping) -> Question:
    said = {name: row[name] for name in row if name not in ("connection", "key", "state")}
    return Question(ref=TicketRef(row["connection"], row["key"]), state=State(row["state"]), **said)


def _event(one: Question) -> Event:
    outcome = next(outcome for outcome in OUTCOMES if outcome == one.state)
    said = Answer(id=one.id, rule=one.rule, step=one.step, outcome=outcome, question=one.question, by=one.by, comment=one.comment)
    return Event(kind=Kind.APPROVAL_ANSWERED, at=one.answered_at or one.due_at, answer=said)
