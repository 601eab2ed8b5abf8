"""The other tickets of a rule test: what the store would know of them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from rules.bundle import Bundle, Relation, Similar
from rules.look import Look
from rules.observation import Observation
from rules.plan import joining_key
from rules.questions import Made, value_of
from rules.text import fold
from rules.ticket import Status, Ticket, TicketRef


class Neighbours:
    """Answers the questions of the rules from `others:`, and remembers what rules joined and whose turn it was."""

    def __init__(self, others: Sequence[Ticket], bundle: Bundle) -> None:
        self._others, self._bundle = others, bundle
        self._joined: list[tuple[TicketRef, Relation, TicketRef]] = []
        self._turns: dict[str, int] = {}

    def join(self, ref: TicketRef, relation: Relation, other: TicketRef) -> None:
        self._joined.insert(0, (ref, relation, other))

    def took_turns(self, rules: Iterable[str]) -> None:
        for rule in rules:
            self._turns[rule] = self._turns.get(rule, 0) + 1

    def alike(self, similar: Similar, value: str, between: tuple[datetime, datetime]) -> Iterable[Made]:
        joined = {other for _, how, other in self._joined if how != "duplicate"}
        for ticket in self._others:
            if between[0] < ticket.created_at < between[1] and ticket.ref not in joined and value_of(similar, self._look(ticket)) == value:
                yield ticket.created_at, ticket.ref

    def _look(self, ticket: Ticket) -> Look:
        observation = Observation(ticket=ticket, now=ticket.updated_at)
        return Look(observation, calendars=self._bundle.calendars, systems=self._bundle.desk.connections)

    def joined(self, refs: Sequence[TicketRef], relation: Relation) -> Sequence[TicketRef]:
        return [other for ref, how, other in self._joined if ref in refs and how == relation]

    def ended(self, ref: TicketRef) -> bool:
        return any(ticket.ref == ref and ticket.status == Status.CLOSED for ticket in self._others)

    def asked_before(self, keys: Sequence[str]) -> Collection[str]:
        return {joining_key(ref, how) for ref, how, _ in self._joined} & set(keys)

    def turns(self, rule: str) -> int:
        return self._turns.get(rule, 0)

    def members(self, group: str, ticket: Ticket) -> Sequence[str]:
        return next((members for name, members in self._bundle.desk.members.items() if fold(name) == fold(group)), ())

    def work(self, member: str, but: TicketRef) -> int:
        mine = (t for t in self._others if t.assignee is not None and not t.settled and t.ref != but)
        return sum(fold(t.assignee.known_as or "") == fold(member) for t in mine if t.assignee)
