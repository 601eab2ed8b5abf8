"""What conditions see during a pass: the working copy of the ticket, what is new about it, and each field folded once."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from rules.fields import getter
from rules.observation import Event, Kind, Observation
from rules.text import composed, fold, spoken
from rules.ticket import Change, Ticket, Value

if TYPE_CHECKING:
    from rules.calendar import Calendar

SlaState: TypeAlias = Callable[[str], str | None]
"""`policy` gives the policy's name; a metric gives running, paused, met or breached; None without a clock."""


def no_sla(_: str) -> None:
    return None


class Look:
    """One ticket in one pass; made once for a pass and told of what happens in it. Not for several threads at once.

    `see(ticket)` after a rule changed the working copy, `on(event)` before the next rule with the event that is its occasion
    (None for a stage): both forget only what they must. `values[name]` is a field's value (None: empty), `folded[name]` the same
    ready to compare, `spoken[name]` its words, `composed[name]` the text for `matches`; each is worked out at most once.
    """

    def __init__(
        self,
        observation: Observation,
        event: Event | None = None,
        *,
        ticket: Ticket | None = None,
        calendars: Mapping[str, "Calendar"] | None = None,
        systems: Mapping[str, str] | None = None,
        sla: SlaState = no_sla,
    ) -> None:
        self.observation: Observation = observation
        self.ticket: Ticket = ticket if ticket is not None else observation.ticket
        self.event: Event | None = event
        self.calendars: Mapping[str, Calendar] = calendars if calendars is not None else {}
        self.systems: Mapping[str, str] = systems if systems is not None else {}  # connection: system, as Desk.connections
        self.sla: SlaState = sla
        self.shown: dict[str, str] = {}  # as a person reads it, where somebody has asked
        self.values: dict[str, Value]
        self.folded: dict[str, Any]
        self.spoken: dict[str, str]
        self.composed: dict[str, str]
        self.values, self.folded, self.spoken, self.composed = self.fresh()

    def fresh(self) -> tuple[dict[str, Value], dict[str, Any], dict[str, str], dict[str, str]]:
        """Caches with nothing in them yet."""
        values = _Values(self)
        folded = _Folded(values)
        return values, folded, _Spoken(folded), _Composed(values)

    @property
    def now(self) -> datetime:
        return self.observation.now

    def shows(self, ticket: Ticket) -> "Look":
        """Itself with another ticket, for those who ask it for nothing that it keeps of one: the index."""
        self.ticket = ticket
        return self

    def raw(self, name: str) -> Value:
        """A field's value, for remembering an answer by."""
        return self.values[name]

    def see(self, ticket: Ticket) -> None:
        """From now on conditions see this working copy."""
        if ticket is not self.ticket:
            self.ticket = ticket
            self._forget("")

    def on(self, event: Event | None) -> None:
        """From now on `comment.*` is this event's comment."""
        if event is not self.event:
            self.event = event
            self._forget("comment.")

    def _forget(self, prefix: str) -> None:
        for cache in (self.values, self.folded, self.spoken, self.composed, self.shown):
            if not prefix:
                cache.clear()
            else:
                for name in [name for name in cache if name.startswith(prefix)]:
                    del cache[name]

    @cached_property
    def created(self) -> bool:
        """Whether the ticket is new in this pass: then every field that is not empty changed."""
        return Kind.CREATED in self.kinds

    @cached_property
    def changes(self) -> Mapping[str, Change]:
        """The first change of each field in this pass, whose `before` is the value as last seen."""
        found: dict[str, Change] = {}
        for event in self.observation.events:
            if event.kind == Kind.CHANGED and event.change is not None:
                found.setdefault(event.change.field, event.change)
        return found

    @cached_property
    def kinds(self) -> frozenset[Kind]:
        return frozenset(event.kind for event in self.observation.events)

    def changed(self, name: str) -> bool:
        """Whether the field differs from what was last seen; at `created` every field that is not empty does."""
        if self.created:
            return self.values[name] is not None
        fields, kind = _FOLLOWS.get(name, ((name,), None))
        return kind in self.kinds or any(field in self.changes for field in fields)

    def was(self, name: str) -> Value:
        """The value as last seen: nothing at `created`, the present one where the field did not change."""
        if self.created:
            return None
        change = self.changes.get(name)
        return present(change.before) if change is not None else self.values[name]


_FOLLOWS: Mapping[str, tuple[tuple[str, ...], Kind]] = {
    "text": (("subject", "body"), Kind.CUSTOMER_REPLIED),
    "last_customer_reply_at": ((), Kind.CUSTOMER_REPLIED),
    "last_agent_reply_at": ((), Kind.AGENT_REPLIED),
    "updated_at": ((), Kind.UPDATED),
}
"""Fields that no event names, and what changes them."""


def present(value: Value) -> Value:
    """The value, or None for what counts as empty: no members, no text."""
    if value is None or (isinstance(value, frozenset) and not value):
        return None
    return None if isinstance(value, str) and not value.strip() else value


def comparable(value: Value) -> Any:
    """A value as conditions compare it: text and members folded, the rest as it is, None where it is empty."""
    if isinstance(value, StrEnum):  # our own words are written folded
        return value._value_
    if isinstance(value, str):
        return fold(value) or None
    if isinstance(value, frozenset):
        return frozenset(map(fold, value)) or None
    return value


class _Values(dict[str, Value]):
    """Fields by name, read when first asked for."""

    __slots__ = ("_look",)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look

    def __missing__(self, name: str) -> Value:
        value = self[name] = present(getter(name)(self._look))
        return value


class _Folded(dict[str, Any]):
    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Value]) -> None:
        super().__init__()
        self._values = values

    def __missing__(self, name: str) -> Any:
        value = self[name] = comparable(self._values[name])
        return value


class _Spoken(dict[str, str]):
    __slots__ = ("_folded",)

    def __init__(self, folded: Mapping[str, Any]) -> None:
        super().__init__()
        self._folded = folded

    def __missing__(self, name: str) -> str:
        value = self[name] = spoken(self._folded[name] or "")
        return value


class _Composed(dict[str, str]):
    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Value]) -> None:
        super().__init__()
        self._values = values

    def __missing__(self, name: str) -> str:
        value = self[name] = composed(str(self._values[name] or ""))
        return value
