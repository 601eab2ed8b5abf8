"""A ticket's past as clocks walk through it: what happened, step by step, and what its fields were from then on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from operator import attrgetter
from typing import Any, NamedTuple

from rules.events import answers, is_reply, milestones
from rules.look import Look, present
from rules.observation import Event, Kind, Observation
from rules.ticket import SETTLED, Change, Comment, Role, Status, Ticket, Value, replace

JUDGING = frozenset({"priority", "severity", "impact", "urgency"})
"""What ticketgate raises in a ladder: its own changes of these leave the target of a running climb as it was."""


class Step(NamedTuple):
    """Something happened: its events (a status change may be several), the fields that changed, and every changing field's value."""

    at: datetime
    events: tuple[Event, ...]
    changed: frozenset[str]
    values: Mapping[str, Value]
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something in a ticket's past that cannot be as it says. `kind` is for counting, `text` for people."""

    kind: str
    text: str
    at: datetime


@dataclass(slots=True)
class Past:
    """The steps of one ticket up to `now`, the first of them its creation."""

    observation: Observation
    steps: tuple[Step, ...]
    ours: bool  # whether ticketgate itself changed something by which targets are chosen
    doubts: list[Doubt] = field(default_factory=list)


_AT = attrgetter("at")


def past_of(observation: Observation) -> Past:
    """All that is known to have happened, by time; at one moment the creation, then changes, then customers, then agents."""
    ticket, now = observation.ticket, observation.now
    rows = _rows(observation)
    doubts = [*_doubts(observation, rows)]
    values: dict[str, Value] = {}
    for row in rows:
        values.setdefault(row.field, row.before)
    steps = [Step(ticket.created_at, (Event(kind=Kind.CREATED, at=ticket.created_at),), frozenset(), dict(values))]
    happened: list[tuple[datetime, int, Change | Comment]] = [(max(row.at, ticket.created_at), 0, row) for row in rows]
    happened += [(max(c.at, ticket.created_at), _RANK[c.role], c) for c in observation.comments if c.at <= now]
    happened.sort(key=lambda one: one[:2])
    for at, _, item in happened:
        if isinstance(item, Change):
            values = {**values, item.field: item.after}
        steps.append(_step(at, item, values))
    ours = any(row.ours and row.field in JUDGING for row in rows)
    return Past(observation, tuple(steps), ours, doubts)


_RANK = {Role.CUSTOMER: 1, Role.AGENT: 2, Role.BOT: 3}
_NONE: frozenset[str] = frozenset()


def _step(at: datetime, item: Change | Comment, values: Mapping[str, Value]) -> Step:
    if isinstance(item, Comment):
        return Step(at, tuple(_spoken(at, item)), _NONE, values)
    events = [Event(kind=Kind.CHANGED, at=at, change=item)]
    if item.field == "status":
        events += milestones(item)
    return Step(at, tuple(events), frozenset((item.field,)), values, item.ours)


def _spoken(at: datetime, comment: Comment) -> Iterator[Event]:
    """Ours are nobody's word, but for the copy of what an agent said in a partner system.

    `agent_replied` is offered for every comment: each clock says what it counts as a reply.
    """
    if comment.ours:
        if answers(comment):
            said = replace(comment, role=Role.AGENT, ours=False)
            yield Event(kind=Kind.AGENT_REPLIED, at=at, comment=said)
        return
    yield Event(kind=Kind.COMMENTED, at=at, comment=comment)
    if is_reply(comment, Role.CUSTOMER):
        yield Event(kind=Kind.CUSTOMER_REPLIED, at=at, comment=comment)
    if comment.author is None or not comment.author.automated:
        yield Event(kind=Kind.AGENT_REPLIED, at=at, comment=comment)


# --- rows ------------------------------------------------------------------------------------------------------------


def _rows(observation: Observation) -> list[Change]:
    """The changes up to now in an order in which each leads on from the one before, and up to what the ticket is now."""
    by_field: dict[str, list[Change]] = {}
    for change in observation.changes:
        if change.at <= observation.now:
            by_field.setdefault(change.field, []).append(change)
    for name, changes in by_field.items():
        if len(changes) > 1:
            by_field[name] = _chained(changes)
    rows = [row for changes in by_field.values() for row in changes]
    rows += _untold(observation, by_field)
    rows.sort(key=_AT)
    return rows


def _chained(changes: list[Change]) -> list[Change]:
    """By time; of several at one moment, each next the one that starts where the last one ended."""
    ordered = sorted(changes, key=_AT)
    if all(one.at < other.at for one, other in pairwise(ordered)):
        return ordered
    waiting, found = ordered, list[Change]()
    while waiting:
        same = [row for row in waiting if row.at == waiting[0].at]
        after = found[-1].after if found else None
        chosen = _leading(same, after, first=not found)
        waiting.remove(chosen)
        found.append(chosen)
    return found


def _leading(same: list[Change], after: Value, *, first: bool) -> Change:
    if len(same) == 1:
        return same[0]
    if not first:
        return next((row for row in same if row.before == after), same[0])
    results = [row.after for row in same]
    return next((row for row in same if row.before not in results), same[0])


def _untold(observation: Observation, by_field: Mapping[str, list[Change]]) -> Iterator[Change]:
    """The last step to the present value where the rows do not lead there; a settled ticket without history was once new."""
    ticket, now = observation.ticket, observation.now
    if "status" not in by_field and ticket.status in SETTLED:
        yield Change(field="status", before=Status.NEW, after=ticket.status, at=min(ticket.updated_at, now))
    for name, rows in by_field.items():
        last = rows[-1]
        told, here = last.after, value_of(ticket, name)
        if here is not UNKNOWN and told != here:
            yield Change(field=name, before=told, after=here, at=max(last.at, min(ticket.updated_at, now)))


UNKNOWN: Any = object()


def value_of(ticket: Ticket, name: str) -> Any:
    """The ticket's present value of a field that has a history; UNKNOWN for one that a ticket cannot show."""
    family, _, rest = name.partition(".")
    if family == "custom":
        return ticket.custom.get(rest)
    if family == "requester":
        return UNKNOWN
    if name == "assignee":
        return UNKNOWN if ticket.assignee is None else ticket.assignee.known_as
    return getattr(ticket, name, UNKNOWN)


# --- what cannot be --------------------------------------------------------------------------------------------------


def _doubts(observation: Observation, rows: Sequence[Change]) -> Iterator[Doubt]:
    ticket = observation.ticket
    changes = observation.changes
    if any(one.at > other.at for one, other in pairwise(changes)):
        yield Doubt("out_of_order", "its history came out of order; it was sorted by time", ticket.created_at)
    seen: dict[str, Change] = {}
    if ticket.status is None:
        word = ticket.unread.get("status", "it")
        yield Doubt("unmapped_status", f"'{word}' is no status that a word is declared for; its clocks run", ticket.updated_at)
    told = {id(change) for change in changes}
    for row in (row for row in rows if id(row) in told):
        yield from _doubts_of(ticket, row, seen.get(row.field))
        seen[row.field] = row


def _doubts_of(ticket: Ticket, row: Change, last: Change | None) -> Iterator[Doubt]:
    if row.at < ticket.created_at:
        what = f"{row.field} became {row.after} before the ticket was created; it counts from the creation"
        yield Doubt("before_creation", what, row.at)
    if row.field == "status" and row.after is None:
        yield Doubt("unmapped_status", "it had a status that no word is declared for; its clocks ran", row.at)
    if last is not None and last.at == row.at:
        yield Doubt("same_moment", f"{row.field} changed twice at one moment; the order that joins up was taken", row.at)


# --- another moment --------------------------------------------------------------------------------------------------


def as_of(observation: Observation, at: datetime) -> Observation:
    """The observation as it stood at `at`: what came later is taken away, and fields are what their history says they were."""
    last = max([at, observation.now, observation.ticket.updated_at, *(change.at for change in observation.changes)])
    later = [row for row in _rows(replace(observation, now=last)) if row.at > at]
    before: dict[str, Value] = {}
    for row in later:
        before.setdefault(row.field, row.before)
    return replace(
        observation,
        ticket=_rewound(observation.ticket, before),
        now=at,
        events=(),
        changes=tuple(c for c in observation.changes if c.at <= at),
        comments=tuple(c for c in observation.comments if c.at <= at),
    )


def _rewound(ticket: Ticket, before: Mapping[str, Value]) -> Ticket:
    plain = {name: value for name, value in before.items() if name != "assignee" and hasattr(ticket, name)}
    custom = {name.removeprefix("custom."): value for name, value in before.items() if name.startswith("custom.")}
    return replace(ticket, **plain, custom={**ticket.custom, **custom})


# --- looking back ----------------------------------------------------------------------------------------------------


class LookBack(Look):
    """What conditions see at a step of the past. Fields without a history are what they are now.

    Most questions are answered from memory by one raw value, so that the caches of a look are made only where one is really asked.
    """

    def __init__(self, observation: Observation, **known: Any) -> None:
        super().__init__(observation, **known)
        self.at = observation.now
        self._present = self.values
        self._then: Mapping[str, Value] = {}

    @property
    def now(self) -> datetime:
        return self.at

    def stand_at(self, step: Step, judged: Mapping[str, Value] | None = None) -> None:
        """From now on conditions see the ticket as this step left it; `judged` replaces values by which targets are chosen."""
        self.at = step.at
        then = {**step.values, **judged} if judged else step.values
        if then is not self._then:
            self._then = then
            here = vars(self)
            if "values" in here:
                for name in _CACHES:
                    del here[name]

    def raw(self, name: str) -> Value:
        """A field's value at this step, as it was told: good enough to remember an answer by."""
        then = self._then
        return then[name] if name in then else self._present[name]

    def __getattr__(self, name: str) -> Any:
        """The caches, made for the present step when they are first asked for."""
        if name not in _CACHES:
            raise AttributeError(name)
        self.values, self.folded, self.spoken, self.composed = self.fresh()
        for field_name, value in self._then.items():
            self.values[field_name] = present(value)
        return vars(self)[name]

    def on(self, event: Event | None) -> None:
        """From now on `comment.*` is this event's comment."""
        if event is not self.event:
            self.event = event
            if "values" in vars(self):
                self._forget("comment.")
            for name in [name for name in self._present if name.startswith("comment.")]:
                del self._present[name]

    def forget(self) -> None:
        """Done with: its caches know it and it knows them, which keeps memory until somebody looks for such circles."""
        vars(self).clear()


_CACHES = ("values", "folded", "spoken", "composed")
