"""People who edit one system at random, as their dice say, and remember what they left behind."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.sandbox import Answer, Deed, Request
from connectors.transport import is_write
from gateway.sandbox.switches import Shifted
from tests.rigs import Rig, a_sample

SAID = ("Any news?", "Größe XL, bitte.\n\nDanke!", "It works again (since 10:00)")
EDITS: dict[str, tuple[Any, ...]] = {
    "status": ("open", "pending", "resolved", "open"),
    "priority": ("urgent", "high", "urgent", "low"),
    "group": ("billing-emea", "platform", "mobile"),
    "assignee": ("lena@example.com", "max@example.com"),
    "subject": ("Card declined", "Card declined again", "Größe"),
    "tags": (["vip"], ["vip", "tv"], []),
    "product": ("billing", "payments", "login"),
    "language": ("de", "en"),
}
BODIES = ("It fails.", "Größe fehlt.\n\nSeit heute.", "住所入力後に止まります")
REWRITTEN = frozenset({"memory", "servicenow", "salesforce"})
"""Where people can write a ticket's text anew."""
RACES = {"jira": frozenset({"group"}), "servicenow": frozenset({"group", "tags"})}
"""Fields that we write and no guard of the system's keeps: whoever sets one between our last look and our request is overwritten."""
SLOW = timedelta(seconds=3)
"""How long a write may take from its stamp until others see it; ServiceNow's overlap, the shortest, is five seconds."""


@dataclass
class People:
    """Who edits. `after` is where each ticket that they ended or moved went, None for nowhere; `left` how each stood when they let go.

    `public`: for whom a comment was meant, by its id; a project that is no service desk shows notes to everybody.
    """

    rig: Rig
    dice: random.Random
    calm: Callable[[str], bool] = lambda key: False
    there: list[str] = field(default_factory=list)
    after: dict[str, str | None] = field(default_factory=dict)
    public: dict[str, bool] = field(default_factory=dict)
    left: dict[str, dict[str, Any]] = field(default_factory=dict)
    hurried: Counter[str] = field(default_factory=Counter)  # how often each was made urgent
    owed: set[str] = field(default_factory=set)  # urgent since we saw it when it was not
    touched: dict[str, datetime] = field(default_factory=dict)
    quiet: bool = False

    def act(self, spared: frozenset[str] = frozenset()) -> None:
        """One deed; `spared` are fields that it leaves alone."""
        self.rig.later(timedelta(seconds=self.dice.randint(1, 4)))
        if len(self.there) < 2 or self.dice.random() < 0.15:
            self.there.append(self._makes())
            return
        key, what = self.dice.choice(self.there), self.dice.random()
        if what < 0.15:
            by = self.dice.choice(["agent", "customer"])
            kind = self.dice.choice(["reply", "note"]) if by == "agent" else "reply"  # a customer sees no notes
            self.says(kind, key, self.dice.choice(SAID), by)
        elif what < 0.22:
            self._ends(key)
        else:
            edits = {**EDITS, "body": BODIES} if self.rig.system in REWRITTEN else EDITS
            name = self.dice.choice([*(name for name in edits if name not in spared), "priority", "priority"])  # which rules wait for
            self._sets(key, name, self.dice.choice(edits[name]))

    def says(self, kind: str, key: str, text: str, by: str) -> None:
        self.rig.people(kind, key, text, by=by)
        self.public[self._leaves(key)["comments"][-1]["id"]] = kind == "reply"

    def _sets(self, key: str, name: str, value: Any) -> None:
        before = self.rig.sandbox.shown(key)["priority"]
        with self._late(key):
            self.rig.people("set", key, **{name: value})
        if name == "priority":
            self.hurried[key] += value == "urgent" != before
            (self.owed.add if value == "urgent" and (key in self.owed or self.calm(key)) else self.owed.discard)(key)
        self._leaves(key)

    def _makes(self) -> str:
        with self._late(None) as now:
            sample = replace(a_sample("Card declined", priority="normal"), body=self.dice.choice(BODIES), created_at=now())
            key = str(self.rig.sandbox.people(Deed(kind="create", by="customer", sample=sample)))
        self._leaves(key)
        return key

    def _ends(self, key: str) -> None:
        """Deleted, merged or moved, as people can there."""
        how = self.dice.choice(["delete", *sorted(self.rig.sandbox.can)])
        if how == "move":
            new = self.rig.people("move", key, into="WEB")
            self.there.append(new)
            self.after[key] = new
            self.hurried[new] = self.hurried[key]
            self.owed |= {new} if key in self.owed else set()
            self._leaves(new)
        else:
            into = self.dice.choice([other for other in self.there if other != key])
            self.rig.people(how, key, into=into)
            self.after[key] = into if how == "merge" else None
            self.hurried[into] += self.hurried[key] if how == "merge" else 0  # Salesforce takes the comments along
        self.there.remove(key)

    def _leaves(self, key: str) -> dict[str, Any]:
        self.left[key] = shown = self.rig.sandbox.shown(key)
        self.touched[key] = self.rig.clock()
        return shown

    def _late(self, key: str | None) -> "Late":
        """A write whose stamp others see only later, as of a slow transaction; not of a ticket that was just written to."""
        clock = getattr(self.rig.sandbox, "clock", self.rig.clock)
        ours = [effect.at for effect in self.rig.effects()[-6:] if effect.key == key] if key else []
        last = max([*ours, self.touched.get(key or "", datetime.min.replace(tzinfo=self.rig.clock().tzinfo))])
        slow = isinstance(clock, Shifted) and self.dice.random() < 0.3 and self.rig.clock() - last > 2 * SLOW
        return Late(clock, SLOW if slow else timedelta(0))

    def end_of(self, key: str) -> str | None:
        """Where a ticket goes on after all that was done to it."""
        here: str | None = key
        while here is not None and here not in self.there:
            here = self.after[here]
        return here


@dataclass
class Late:
    """A clock that is so much behind meanwhile."""

    clock: Any
    by: timedelta

    def __enter__(self) -> Any:
        if self.by:
            self.clock.offset -= self.by
        return self.clock

    def __exit__(self, *_: object) -> None:
        if self.by:
            self.clock.offset += self.by


class Beside:
    """A sandbox in which somebody may act right before it answers a request that writes."""

    def __init__(self, inner: Any, acts: Callable[[], None]) -> None:
        self._inner, self._acts = inner, acts

    def answer(self, request: Request) -> Answer:
        if is_write(request.method, request.path):
            self._acts()
        answer: Answer = self._inner.answer(request)
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
