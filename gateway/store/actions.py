"""The ledger's rows: intent before a call, outcome after it. A key stands here at most once, for ever."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

import sqlalchemy as sa

from gateway.store.codec import action_from, from_json, to_json
from gateway.store.putting import insert_or_leave, of_ref, the_ref
from gateway.store.schema import action
from rules.plan import Action, AddComment, Ask, Attach, Call, CreateTicket, JoinTicket, Notify, Page, Receipt, Update, Webhook
from rules.ticket import TicketRef


class State(StrEnum):
    """`in_doubt`: sent, and nobody knows whether it took effect. What is withdrawn was not sent, and leaves no row behind.

    `delayed`: a message that waits for business hours, `planned` from then on.
    """

    DELAYED = "delayed"
    PLANNED = "planned"
    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"


KINDS: dict[type, str] = {
    **{Update: "update", AddComment: "comment", CreateTicket: "create", JoinTicket: "join", Notify: "notify"},
    **{Attach: "attach", Page: "page", Call: "call", Ask: "approval", Webhook: "webhook"},
}


WRITES = ("update", "comment", "attach", "create", "join")
WRITE_TEST = "write-test"
"""The run of what `doctor --write-test` writes, and the relation under which it makes a ticket: one that is joined to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One action and what became of it. `ref` is the ticket that was judged; `target` the connection it goes to, if any."""

    ref: TicketRef
    action: Action
    state: State
    pass_id: str
    position: int
    attempts: int
    run: str | None = None
    reason: str | None = None
    receipt: Receipt | None = None
    planned_at: datetime | None = None
    sent_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.action.key


def target_of(what: Action) -> tuple[str, str | None]:
    """The connection an action goes to, and the ticket there; what goes to people is named by whom it is for."""
    match what:
        case Update() | AddComment() | Attach():
            return what.target.connection, what.target.key
        case CreateTicket():
            return what.connection, None
        case JoinTicket():
            return what.ticket.connection, what.ticket.key
        case Notify():
            return f"notify:{what.asked_for}", None
        case Page() | Call():
            return f"page:{what.to}", None
        case Ask():
            return f"approval:{what.ask}", None
        case Webhook():
            return f"webhook:{what.to}", None
    assert_never(what)


def waits_until(what: Action) -> datetime | None:
    """The moment before which an action must not be sent; None for all but messages of a stage that minds the hours."""
    moment: datetime | None = getattr(what, "not_before", None)
    return moment


def rules_of(what: Action) -> str:
    """The rules that asked for it, in order."""
    return ",".join(dict.fromkeys(c.rule for c in what.changes)) if isinstance(what, Update) else what.rule


def intend(db: sa.Connection, ref: TicketRef, actions: Sequence[Action], pass_id: str, at: datetime, run: str | None = None) -> int:
    """Plans the actions, about this ticket, whose keys were never used; returns how many."""
    rows = [_row(ref, what, pass_id, n, at, run) for n, what in enumerate(actions)]
    insert_or_leave(db, action, rows)
    return int(db.execute(_COUNT, {"of_pass": pass_id}).scalar_one())


def _row(ref: TicketRef, what: Action, pass_id: str, position: int, at: datetime, run: str | None) -> dict[str, object]:
    target, target_key = target_of(what)
    return {
        "action_key": what.key,
        "connection": ref.connection,
        "key": ref.key,
        "target": target,
        "target_key": target_key,
        "kind": KINDS[type(what)],
        "pass_id": pass_id,
        "position": position,
        "run": run,
        "rules": rules_of(what),
        "payload": to_json(what),
        "state": State.DELAYED if waits_until(what) is not None else State.PLANNED,
        "attempts": 0,
        "echoed": False,
        "planned_at": at,
    }


def by_key(db: sa.Connection, key: str) -> Row | None:
    return next(iter(_rows(db, action.c.action_key == key)), None)


def of_pass(db: sa.Connection, pass_id: str) -> list[Row]:
    return _of(db, _OF_PASS, of_pass=pass_id)


def unsettled(db: sa.Connection, ref: TicketRef) -> list[Row]:
    """What was decided about a ticket and has no outcome yet, in the order of the decisions. What a person must settle is left out."""
    return _of(db, _UNSETTLED, **of_ref(ref))


def unsettled_refs(db: sa.Connection) -> list[TicketRef]:
    """Tickets with actions that were planned or sent and have no outcome."""
    open_ = action.c.state.in_([State.PLANNED, State.SENDING])
    rows = db.execute(sa.select(action.c.connection, action.c.key).where(open_).distinct().order_by(action.c.connection, action.c.key))
    return [TicketRef(row.connection, row.key) for row in rows]


def of_ticket(db: sa.Connection, ref: TicketRef) -> list[Row]:
    """All actions of the passes over a ticket, oldest first."""
    return _rows(db, _about(ref))


def unsettled_of(db: sa.Connection, kind: str) -> list[Row]:
    """Actions of one kind that are to be sent, or were being sent when their process ended."""
    return _rows(db, action.c.kind == kind, action.c.state.in_([State.PLANNED, State.SENDING]))


def for_person(db: sa.Connection) -> list[Row]:
    """What needs a person: failed or in doubt, newest last. What a write test could not do was said to whoever asked for it."""
    untold = sa.or_(action.c.state == State.IN_DOUBT, action.c.run.is_(None), action.c.run != WRITE_TEST)
    return _rows(db, action.c.state.in_([State.FAILED, State.IN_DOUBT]), untold)


def write_tests(db: sa.Connection, connection: str) -> frozenset[str]:
    """The keys of the tickets that write tests made there: no rule is asked about them."""
    receipts = (from_json(Receipt, receipt) for receipt in db.execute(_WRITE_TESTS, {"at": connection}).scalars())
    return frozenset(receipt.key for receipt in receipts if receipt.key is not None)


def sending(db: sa.Connection, key: str, at: datetime) -> bool:
    """Says that the request leaves now; commit before it does. False: somebody else has it."""
    return db.execute(_SENDING, {"of_action": key, "sent_at": at}).rowcount == 1


def unsent(db: sa.Connection, key: str, reason: str) -> None:
    """Nothing left, or it surely did not take effect: planned again."""
    db.execute(sa.update(action).where(action.c.action_key == key).values(state=State.PLANNED, reason=reason))


def ended(db: sa.Connection, key: str, state: State, at: datetime, *, reason: str | None = None, receipt: Receipt | None = None) -> None:
    made = (receipt.id or receipt.key) if receipt else None
    values = {"state": state, "ended_at": at, "reason": reason, "receipt": to_json(receipt) if receipt else None, "made": made}
    db.execute(_ENDED, {"of_action": key, **values})


def withdraw(db: sa.Connection, pass_id: str) -> int:
    """Takes back what a pass has not sent yet, key and all; returns how many."""
    unsent = (action.c.pass_id == pass_id, action.c.state.in_([State.DELAYED, State.PLANNED]))
    return int(db.execute(sa.delete(action).where(*unsent)).rowcount)


def withdraw_one(db: sa.Connection, key: str) -> None:
    """Takes back one action that surely did not take effect, key and all."""
    db.execute(sa.delete(action).where(action.c.action_key == key))


def fail_about(db: sa.Connection, ref: TicketRef, reason: str, at: datetime) -> None:
    """The ticket is no more: what was to be written to it, or for it in other systems, is a person's. Messages still go out.

    What is being sent may have taken effect: nobody can ask any more.
    """
    mine = (action.c.kind.in_(WRITES), sa.or_(_about(ref), sa.and_(*_at(ref))))
    for states, state in (((State.DELAYED, State.PLANNED), State.FAILED), ((State.SENDING,), State.IN_DOUBT)):
        chosen = sa.update(action).where(*mine, action.c.state.in_(states))
        db.execute(chosen.values(state=state, ended_at=at, reason=reason))


def keys_done(db: sa.Connection, connection: str, keys: Sequence[str]) -> dict[str, frozenset[str]]:
    """By ticket: the keys of the once-only actions decided on it or sent to it, that are planned or beyond."""
    found: dict[str, set[str]] = {}
    for key, name in db.execute(_KEYS_DONE, {"at": connection, "keys": keys}):
        found.setdefault(key, set()).add(name)
    return {key: frozenset(names) for key, names in found.items()}


def known_keys(db: sa.Connection, keys: Sequence[str]) -> frozenset[str]:
    """Which of these keys the ledger has."""
    return frozenset(db.execute(sa.select(action.c.action_key).where(action.c.action_key.in_(keys))).scalars())


def comments_made(db: sa.Connection, ref: TicketRef) -> dict[str, AddComment]:
    """The comments that we wrote on a ticket, by the ids that they got."""
    return {row.made: from_json(AddComment, row.payload) for row in db.execute(_COMMENTS_MADE, of_ref(ref))}


def files_made(db: sa.Connection, ref: TicketRef) -> dict[str, Attach]:
    """The files that we attached to a ticket, and those that were there already when we wanted to, by their ids."""
    chosen = sa.select(action.c.made, action.c.payload).where(*_at(ref), action.c.kind == "attach", action.c.made.is_not(None))
    return {row.made: from_json(Attach, row.payload) for row in db.execute(chosen)}


def not_echoed(db: sa.Connection, ref: TicketRef, since: datetime) -> list[Row]:
    """Our updates of a ticket, made since then, that its history has not shown us yet."""
    return _of(db, _NOT_ECHOED, since=since, **of_ref(ref))


def echoed(db: sa.Connection, keys: Sequence[str]) -> None:
    if keys:
        db.execute(sa.update(action).where(action.c.action_key.in_(keys)).values(echoed=True))


def written_since(db: sa.Connection, connection: str, keys: Sequence[str], since: datetime) -> frozenset[str]:
    """Which of these tickets we have updated since then, or may have."""
    return frozenset(db.execute(_WRITTEN_SINCE, {"at": connection, "keys": keys, "since": since}).scalars())


def creating(db: sa.Connection, connection: str) -> bool:
    """Whether a ticket is being made there right now, so that one seen for the first time may be ours."""
    return db.execute(_CREATING, {"at": connection}).first() is not None


def refs_of_run(db: sa.Connection, run: str, connection: str) -> frozenset[str]:
    """The keys of the tickets that a run has written to."""
    mine = (action.c.run == run, action.c.connection == connection, action.c.state == State.DONE)
    return frozenset(db.execute(sa.select(action.c.key).where(*mine).distinct()).scalars())


def counts(db: sa.Connection) -> dict[str, int]:
    """Actions by state."""
    return {row[0]: int(row[1]) for row in db.execute(sa.select(action.c.state, sa.func.count()).group_by(action.c.state))}


def _about(ref: TicketRef) -> sa.ColumnElement[bool]:
    return sa.and_(action.c.connection == ref.connection, action.c.key == ref.key)


def _at(ref: TicketRef) -> tuple[sa.ColumnElement[bool], ...]:
    return action.c.target == ref.connection, action.c.target_key == ref.key


def _rows(db: sa.Connection, *where: sa.ColumnElement[bool]) -> list[Row]:
    return _of(db, _chosen(*where))


def _of(db: sa.Connection, chosen: sa.Select[tuple[object, ...]], **which: object) -> list[Row]:
    return [_read(row) for row in db.execute(chosen, which).mappings()]


def _chosen(*where: sa.ColumnElement[bool]) -> sa.Select[tuple[object, ...]]:
    return sa.select(action).where(*where).order_by(action.c.planned_at, action.c.pass_id, action.c.position)


def _read(row: sa.RowMapping) -> Row:
    return Row(
        ref=TicketRef(row["connection"], row["key"]),
        action=action_from(row["payload"]),
        state=State(row["state"]),
        pass_id=row["pass_id"],
        position=row["position"],
        attempts=row["attempts"],
        run=row["run"],
        reason=row["reason"],
        receipt=from_json(Receipt, row["receipt"]) if row["receipt"] else None,
        planned_at=row["planned_at"],
        sent_at=row["sent_at"],
        ended_at=row["ended_at"],
    )


# What every look at a ticket asks, made once (`putting.the_ref` says why).

_OPEN = action.c.state.in_([State.PLANNED, State.SENDING])
_AT = action.c.target == sa.bindparam("at")
_AT_REF = sa.and_(action.c.target == sa.bindparam("of_connection"), action.c.target_key == sa.bindparam("of_key"))
_AMONG: sa.BindParameter[list[str]] = sa.bindparam("keys", expanding=True)
_ONCE, _UPDATE = action.c.kind != "update", action.c.kind == "update"
_COUNT = sa.select(sa.func.count()).where(action.c.pass_id == sa.bindparam("of_pass"))
_OF_PASS = _chosen(action.c.pass_id == sa.bindparam("of_pass"))
_UNSETTLED = _chosen(the_ref(action), _OPEN)
_MADE = sa.and_(_AT_REF, _UPDATE, action.c.state == State.DONE)
_NOT_ECHOED = _chosen(_MADE, action.c.echoed.is_(False), action.c.ended_at >= sa.bindparam("since"))
_WRITE_TESTS = sa.select(action.c.receipt).where(action.c.run == WRITE_TEST, action.c.kind == "create", _AT, action.c.receipt.is_not(None))
_KEYS_DONE = sa.union_all(
    sa.select(action.c.key, action.c.action_key).where(action.c.connection == sa.bindparam("at"), action.c.key.in_(_AMONG), _ONCE),
    sa.select(action.c.target_key, action.c.action_key).where(_AT, action.c.target_key.in_(_AMONG), _ONCE),
)
_COMMENTS_MADE = sa.select(action.c.made, action.c.payload).where(_AT_REF, action.c.kind == "comment", action.c.made.is_not(None))
_WRITTEN_SINCE = sa.select(action.c.target_key).where(
    _AT, action.c.target_key.in_(_AMONG), _UPDATE, action.c.sent_at >= sa.bindparam("since")
)
_CREATING = sa.select(action.c.action_key).where(_AT, action.c.kind == "create", action.c.state == State.SENDING).limit(1)
_MINE = action.c.action_key == sa.bindparam("of_action")
_SENDING = sa.update(action).where(_MINE, action.c.state == State.PLANNED).values(state=State.SENDING, attempts=action.c.attempts + 1)
_ENDED = sa.update(action).where(_MINE)
