"""A rule at work: what its steps look at, and where their wishes go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from rules import pii
from rules.bundle import Bundle, Rule, Step, Sync
from rules.look import Look
from rules.lookup import Lookup
from rules.observation import Observation
from rules.plan import key_of
from rules.sla import SlaClock
from rules.templates import Template
from rules.ticket import Ticket, Value
from rules.wording import context
from rules.working import Asker, Wanted

Synced: TypeAlias = "tuple[Doing, Step, Sync]"
"""A `sync` that was carried out, to be asked again once the other rules have spoken."""


@dataclass(slots=True)
class Doing:
    """A rule at work: what it looks at, on which occasion, and where its wishes go."""

    rule: Rule
    occasion: str
    observation: Observation
    bundle: Bundle
    look: Look
    wanted: Wanted
    tables: Mapping[str, Lookup]
    clock: SlaClock | None = None
    replies: bool = True
    not_before: datetime | None = None  # messages to people wait until then
    beside: frozenset[str] | None = None  # connections the rule is about, None: any
    branch: str = ""  # of a rule's steps: a stage by its name, or what waited for an answer
    syncs: list["Synced"] = field(default_factory=list)

    @property
    def ticket(self) -> Ticket:
        return self.wanted.mine.ticket

    def asker(self, step: Step) -> Asker:
        return Asker(self.rule.id, step.place)

    def set(self, step: Step, name: str, value: Value, note: str = "") -> None:
        """The field on the working copy, where the system can write it."""
        copy = self.wanted.mine
        if copy.says(name, value):
            return
        if not self.may(frozenset(c for c, fields in self.bundle.desk.writes.items() if {name, name.removeprefix("custom.")} & fields)):
            self.note(f"{name} was left as it is: {self.observation.ref.connection} cannot write it")
            return
        copy.set(name, value, self.asker(step), note)

    @property
    def withheld(self) -> pii.Wanted:
        """The personal data that leaves us no more of this ticket."""
        kinds = self.observation.redact.union(*(one.kinds for one in self.wanted.restricts))
        return pii.Wanted(kinds, self.bundle.desk.pii)

    def key(self, position: str) -> str:
        """The name of a once-only action: ticket, rule, occasion and its position in the rule."""
        return key_of(str(self.observation.ref), self.rule.id, self.occasion, position)

    def position(self, number: int) -> str:
        """A step's position in the rule; in a list that waited for an answer it begins with where that list stands."""
        return f"{self.branch}/{number}" if "/" in self.branch else str(number)

    def note(self, text: str) -> None:
        self.wanted.notes.append(f"{self.rule.id}: {text}")

    def filled(self, template: Template) -> str:
        return template.render(context(self.look, self.rule, self.clock)).strip()

    def written(self, template: Template) -> str:
        """As Markdown: what the ticket and its people say is shown in it as it is."""
        return template.render(context(self.look, self.rule, self.clock), markdown=True).strip()

    def may(self, what: frozenset[str]) -> bool:
        """Whether the ticket's connection is among those that can; one that the desk does not describe may anything."""
        connection = self.observation.ref.connection
        return connection in what or connection not in self.bundle.desk.writes
