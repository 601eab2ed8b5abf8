"""The last days judged again by other rules: which tickets would end differently. Reads the store, asks no system, writes nothing.

What a look of those days saw is judged again as it was seen. A ticket that was read then without any look (by a backfill, or adopted) is
judged as if it had just come; of one that a backfill alone has seen the store keeps no message, so texts are judged by its subject.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from gateway.differing import differing
from gateway.gathering import just_come
from gateway.rulebook import Rulebook
from gateway.store import passes, tickets
from gateway.store.codec import glance_at, ticket_from
from gateway.store.opening import Store
from rules.bundle import Bundle
from rules.literal import read_plain
from rules.observation import Observation
from rules.plan import AddComment, Ask, Attach, Call, CreateTicket, JoinTicket, Notify, Page, Plan, Update, Webhook
from rules.preview import EVERYTHING, Concern, concerned
from rules.showing import shown_value
from rules.ticket import TicketRef

Once: TypeAlias = AddComment | Attach | Notify | Page | Call | Ask | CreateTicket | JoinTicket | Webhook


@dataclass(frozen=True, slots=True)
class End:
    """One thing in which a ticket ends: what it would be, as a person reads it, and the rule that wants it so."""

    said: str
    rule: str
    place: str


@dataclass(frozen=True, slots=True)
class Otherwise:
    """One thing in which a ticket would end differently; None where it would not be done at all."""

    what: str  # a field, reply, note, notify TO, create CONNECTION, link RELATION, a rule that fails
    before: End | None
    after: End | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A ticket that would end differently."""

    ref: TicketRef
    subject: str
    things: tuple[Otherwise, ...]


@dataclass(slots=True)
class Replay:
    """How many tickets were judged again, and those that would end differently."""

    judged: int = 0
    changed: list[Changed] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of the tickets judged, from 0 to 1."""
        return len(self.changed) / self.judged if self.judged else 0.0


def rules_alone(before: dict[str, str], after: dict[str, str]) -> frozenset[str] | None:
    """The ids of the rules that two desks write otherwise; None where anything else differs as well."""
    found = differing(before, after)
    only = all(one.kind == "rule" and one.what != "reordered" for one in found)
    return frozenset(one.name for one in found) if only else None


def replay(store: Store, before: Bundle, after: Bundle, since: datetime, now: datetime, *, rules: frozenset[str] | None = None) -> Replay:
    """Every ticket of the time since then, under both. `rules` are the only ones that differ, where that is known: then it is quick."""
    found, seen = Replay(), set[TicketRef]()
    judge = _Judge(Rulebook(before), Rulebook(after))
    with store.reading() as db:
        for one in passes.since(db, since):
            seen.add(one.ref)
            judge.look_at(one.observation, replies=True)
        concern = EVERYTHING if rules is None else concerned(before, after, rules, now)
        for page in tickets.stored_since(db, since):
            found.judged += judge.look_at_stored(page, seen, concern, now)
    found.judged += len(seen)
    found.changed = [Changed(ref, judge.subjects[ref], tuple(things.values())) for ref, things in judge.found.items()]
    return found


class _Judge:
    """Judges by both, and keeps what differs, by ticket: the latest look decides."""

    def __init__(self, before: Rulebook, after: Rulebook) -> None:
        self._before, self._after = before, after
        self.found: dict[TicketRef, dict[str, Otherwise]] = {}
        self.subjects: dict[TicketRef, str] = {}

    def look_at(self, observation: Observation, *, replies: bool) -> None:
        old = ends(self._before.evaluate(observation, replies=replies))
        new = ends(self._after.evaluate(observation, replies=replies))
        if old == new or _said(old) == _said(new):
            return
        things = self.found.setdefault(observation.ref, {})
        self.subjects[observation.ref] = observation.ticket.subject
        for what in dict.fromkeys((*old, *new)):
            if _of(old, what) != _of(new, what):
                things[what] = Otherwise(what, old.get(what), new.get(what))

    def look_at_stored(self, page: Sequence[bytes], seen: Container[TicketRef], concern: Concern, now: datetime) -> int:
        """Tickets as if they had just come, but for those that were seen already; how many there are. Few are read whole."""
        read = ticket_from if concern.reads is None else glance_at(concern.reads)
        glances = [(one, data) for data in page if (one := read(data)).status is not None and one.ref not in seen]
        for could, (_, data) in zip(concern.among([one for one, _ in glances]), glances, strict=True):
            if could:
                self.look_at(just_come(ticket_from(data), now), replies=False)
        return len(glances)


def _said(some: dict[str, End]) -> dict[str, str]:
    return {what: end.said for what, end in some.items()}


def _of(some: dict[str, End], what: str) -> str | None:
    end = some.get(what)
    return None if end is None else end.said


def ends(plan: Plan) -> dict[str, End]:
    """What a plan leaves behind, by name; several of one name are counted."""
    found: dict[str, End] = {}
    for what, end in _each(plan):
        name, n = what, 1
        while name in found:
            n += 1
            name = f"{what} {n}"
        found[name] = end
    return found


def _each(plan: Plan) -> Iterator[tuple[str, End]]:
    for action in plan.actions:
        if isinstance(action, Update):
            beside = "" if action.target == plan.ref else f"{action.target} "
            for change in action.changes:
                yield f"{beside}{change.field}", End(shown_value(change.after), change.rule, change.place)
        else:
            what, said = _done(action)
            yield what, End(said, action.rule, action.place)
    for failure in plan.failures:
        yield f"rule {failure.rule}", End(f"fails: {failure.reason}", failure.rule, failure.place)


def _done(action: Once) -> tuple[str, str]:
    match action:
        case AddComment():
            text = f"{action.template} ({action.language})" if action.template else shown_value(read_plain(action.body), 40)
            return "reply" if action.public else "note", text
        case Notify():
            return f"notify {action.asked_for}", action.template or shown_value(action.text, 40)
        case Page() | Call():
            return f"page {action.to}", shown_value(action.text, 40)
        case Webhook():
            return f"webhook {action.to}", shown_value(action.payload, 40)
        case Ask():
            return f"approval {action.ask}", shown_value(action.question, 40)
        case CreateTicket() | Attach() | JoinTicket():
            return _made(action)


def _made(action: CreateTicket | Attach | JoinTicket) -> tuple[str, str]:
    match action:
        case CreateTicket():
            return f"create in {action.connection}", "a new ticket"
        case Attach():
            return f"attach {action.name}", str(action.target)
        case JoinTicket():
            return f"{'own ' if action.native else ''}link {action.relation}", str(action.to or "the new ticket")
