"""The proof that writing to a system works: a ticket of our own, made, written to, read back and settled, each step an intent first.

The ticket is known by the ledger as one that was made for this (`actions.write_tests`): no rule looks at it, neither live nor in a
`plan` or `backfill`. Nobody but our own user is its requester, and no reply is ever written to it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from connectors.base import Connector
from connectors.errors import ConnectorError
from gateway.cycle import House, pass_name
from gateway.holding import Busy
from gateway.ledger import Outcome
from gateway.store import actions, audits
from gateway.store.actions import WRITE_TEST, State
from rules.observation import Observation
from rules.plan import Action, AddComment, CreateTicket, Draft, FieldChange, Plan, Receipt, Update, key_of
from rules.ticket import Status, Ticket, TicketRef, Value

T = TypeVar("T")
RULE, PLACE = "doctor --write-test", "command line"
SUBJECT = "[ticketgate write test] Please ignore"
CHANGED = f"{SUBJECT} (changed)"
BODY = "ticketgate made this ticket to try whether it can write here (`ticketgate doctor --write-test`). It may be deleted at any time."
NOTE = "An internal note of the write test. Customers must not see it."
ENDS = (Status.RESOLVED, Status.CLOSED)
"""How the ticket is settled: by the first of these that the system takes."""
NEEDED: Mapping[str, Mapping[str, Value]] = {"jira": {"type": "task"}}
"""What a system makes no ticket without. The project is the first of the connection's `project:`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried: what came of it, and the failure where there was one."""

    ok: bool
    said: str
    error: Exception | None = None


class _Failed(Exception):
    """A step was not done; `cause` is the connector's own error, where there is one."""

    def __init__(self, reason: str, cause: Exception | None = None) -> None:
        super().__init__(reason)
        self.reason, self.cause = reason, cause


@dataclass(frozen=True, slots=True)
class WriteTest:
    """One test of one connection; `bundle` is the hash of the rules on disk, `mark` sets this test apart from all others."""

    house: House
    connection: str
    system: str
    bundle: str
    who: str
    mark: str

    def steps(self) -> Iterator[Step]:
        """Each step as it was done. Whatever fails, the ticket is settled when there is one."""
        try:
            made = self._made()
        except _Failed as failed:
            yield Step(False, f"a ticket could not be made: {failed.reason}", failed.cause)
            return
        yield Step(True, f"made {made}")
        yield self._tried("wrote an internal note", self._noted, made)
        yield self._tried("changed the subject", self._changed, made)
        yield self._tried("read both back", self._read, made)
        yield self._tried("settled it", self._settled, made)

    def _tried(self, what: str, act: Callable[[TicketRef], str | None], made: TicketRef) -> Step:
        try:
            return Step(True, act(made) or what)
        except _Failed as failed:
            return Step(False, f"not done: {what}: {failed.reason}", failed.cause)

    @property
    def _there(self) -> Connector:
        return self.house.connectors[self.connection]

    def _made(self) -> TicketRef:
        """The pass is about a ticket that is not there yet, so that it has a name of its own."""
        at, about = self.house.clock(), TicketRef(self.connection, f"{WRITE_TEST}-{self.mark}")
        fields: dict[str, Value] = {"subject": SUBJECT, "body": BODY, **NEEDED.get(self.system, {})}
        drafted = Ticket(ref=about, subject=SUBJECT, status=Status.NEW, created_at=at, updated_at=at, version="")
        create = CreateTicket(
            key=self._key("create"),
            connection=self.connection,
            draft=Draft(fields=fields),
            partner_of=about,
            version="",
            rule=RULE,
            place=PLACE,
            relation=WRITE_TEST,
        )
        made = self._carried(drafted, create)
        if made.key is None:
            raise _Failed("the system did not say which ticket it made")
        ref = TicketRef(self.connection, made.key)
        with self.house.store.writing() as db:
            audits.noted(db, at, self.who, "write test", str(ref))
        return ref

    def _noted(self, ref: TicketRef) -> None:
        ticket = self._shown(ref)
        note = AddComment(key=self._key("note"), target=ref, version=ticket.version, body=NOTE, public=False, rule=RULE, place=PLACE)
        self._carried(ticket, note)

    def _changed(self, ref: TicketRef) -> None:
        self._set(ref, "subject", CHANGED)

    def _read(self, ref: TicketRef) -> None:
        ticket = self._shown(ref)
        if ticket.subject != CHANGED:
            raise _Failed(f"the subject there is '{ticket.subject}'")
        found = [one for one in self._asked(lambda: self._there.comments(ref.key)) if NOTE in one.text]
        if not found:
            raise _Failed("the note is not among its comments")
        if any(one.public for one in found):
            raise _Failed("customers can see the note")

    def _settled(self, ref: TicketRef) -> str:
        failures: list[_Failed] = []
        for status in ENDS:
            try:
                self._set(ref, "status", status)
                now = self._shown(ref).status
            except _Failed as failed:
                failures.append(failed)
                continue
            if now is not None and now in ENDS:
                return f"settled {ref}: it is {now} there; no connector deletes tickets, so delete it by hand where it disturbs"
            failures.append(_Failed(f"its status there is '{now}'"))
        raise _Failed(f"{failures[0].reason}; close {ref} by hand", failures[0].cause)

    def _set(self, ref: TicketRef, name: str, value: Value) -> None:
        ticket = self._shown(ref)
        change = FieldChange(field=name, before=getattr(ticket, name), after=value, rule=RULE, place=PLACE)
        update = Update(key=self._key(name, str(value)), target=ref, version=ticket.version, changes=(change,))
        self._carried(ticket, update)

    def _key(self, *parts: str) -> str:
        return key_of(WRITE_TEST, self.connection, self.mark, *parts)

    def _shown(self, ref: TicketRef) -> Ticket:
        return self._asked(lambda: self._there.fetch(ref.key))

    def _asked(self, read: Callable[[], T]) -> T:
        try:
            return self.house.patience(read)
        except ConnectorError as error:
            raise _Failed(error.message, error) from None

    def _carried(self, ticket: Ticket, what: Action) -> Receipt:
        """Intended, sent, and its receipt. Nothing is left for a daemon to carry on: what was not sent is taken back."""
        plan = Plan(ref=ticket.ref, version=ticket.version, bundle=self.bundle, at=self.house.clock(), actions=(what,))
        name = pass_name(plan)
        try:
            with self.house.holds.taking(lambda db: [ticket.ref]):
                self.house.ledger.intend(plan, Observation(ticket=ticket, now=plan.at), name, WRITE_TEST)
                return self._receipt(self.house.ledger.carry_out(name), name)
        except Busy:
            raise _Failed("a running ticketgate has the ticket in hand; try again") from None

    def _receipt(self, outcome: Outcome, pass_id: str) -> Receipt:
        if outcome.done:
            return outcome.done[0].receipt or Receipt()
        self._let_go(pass_id)
        if outcome.rest is not None:
            raise _Failed(outcome.rest.message, outcome.rest)
        reasons = [reason for _, reason in (*outcome.failed, *outcome.in_doubt)]
        said = reasons[0].removeprefix(f"{self.connection}: ") if reasons else "somebody else changed the ticket meanwhile; try again"
        raise _Failed(said)

    def _let_go(self, pass_id: str) -> None:
        with self.house.store.writing() as db:
            actions.withdraw(db, pass_id)
            for row in actions.of_pass(db, pass_id):
                if row.state is State.SENDING:
                    reason = f"a write test: it may have taken effect; look for '{SUBJECT}' there"
                    actions.ended(db, row.key, State.IN_DOUBT, self.house.clock(), reason=reason)
