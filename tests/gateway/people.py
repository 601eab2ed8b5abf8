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
from rules.ticket import Ticket
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
SLOWER = {"jira": timedelta(seconds=60), "salesforce": timedelta(seconds=60)}
"""The same where the overlap is minutes, for a ticket that is made so."""


@dataclass
class People:
    """Who edits. `after` is where each ticket that they ended or moved went, None for nowhere; `left` how each stood when they let go.

    `public`: for whom a comment was meant, by its id; a project that is no service desk shows notes to everybody. `seen` is how we
    know a ticket, None for one that was not looked at. Nobody touches what is in `slow` again: the edit would show what was missed.
    """

    rig: Rig
    dice: random.Random
    seen: Callable[[str], Ticket | None] = lambda key: None
    there: list[str] = field(default_factory=list)
    after: dict[str, str | None] = field(default_factory=dict)
    public: dict[str, bool] = field(default_factory=dict)
    left: dict[str, dict[str, Any]] = field(default_factory=dict)
    hurried: Counter[str] = field(default_factory=Counter)  # how often each was made urgent
    owed: set[str] = field(default_factory=set)  # urgent since we saw it when it was not
    alone: Counter[str] = field(default_factory=Counter)  # how often each was spoken on when we knew of no group that has it
    slow: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)  # tags of theirs that somebody else took off
    touched: dict[str, datetime] = field(default_factory=dict)
    quiet: bool = False

    def act(self, spared: frozenset[str] = frozenset()) -> None:
        """One deed; `spared` are fields that it leaves alone."""
        self.rig.later(timedelta(seconds=self.dice.randint(1, 4)))
        busy = self.busy()
        if len(busy) < 2 or self.dice.random() < 0.1:
            self.there.append(self._makes())
            return
        key, what = self.dice.choice(busy), self.dice.random()
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

    def busy(self) -> list[str]:
        return [key for key in self.there if key not in self.slow]

    def makes_slowly(self) -> None:
        """A ticket whose stamp is from before the last edit that others saw, and which nobody saw until now."""
        with self._behind(SLOWER.get(self.rig.system, SLOW)) as now:
            self.there.append(self._made(now))
        self.slow.add(self.there[-1])

    def answers(self) -> None:
        """The customer, to what we have just written: the system's index may not have that yet."""
        self.rig.later(timedelta(seconds=1))
        ours = [effect.key for effect in self.rig.effects()[-3:] if effect.key in self.there]
        self.says("reply", (ours or self.there)[-1], self.dice.choice(SAID), "customer")

    def tags_all(self) -> None:
        """All tickets at once, the one that is about to be written to among them."""
        self.rig.later(timedelta(seconds=1))
        for key in self.busy():
            self._sets(key, "tags", self.dice.choice((["vip"], ["vip", "tv"])))

    def says(self, kind: str, key: str, text: str, by: str) -> None:
        self._misses(key)
        known = self.seen(key)
        self.alone[key] += known is None or known.group is None
        self.rig.people(kind, key, text, by=by)
        self.public[self._leaves(key)["comments"][-1]["id"]] = kind == "reply"

    def _sets(self, key: str, name: str, value: Any) -> None:
        before = self._misses(key)["priority"]
        with self._late(key):
            self.rig.people("set", key, **{name: value})
        if name == "priority":
            self.hurried[key] += value == "urgent" != before
            known = self.seen(key)  # and it was not urgent then
            calm = known is not None and known.priority != "urgent"
            (self.owed.add if value == "urgent" and (key in self.owed or calm) else self.owed.discard)(key)
        self._leaves(key)

    def _makes(self) -> str:
        with self._late(None) as now:
            return self._made(now)

    def _made(self, now: Callable[[], datetime]) -> str:
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
            self.alone[new] = len(self.left[key]["comments"])
            self.owed |= {new} if key in self.owed else set()
            self._leaves(new)
        else:
            into = self.dice.choice([other for other in self.busy() if other != key])
            self.rig.people(how, key, into=into)
            self.after[key] = into if how == "merge" else None
            if how == "merge":  # Salesforce takes the comments along
                self.hurried[into] += self.hurried[key]
                self.alone[into] += len(self.left[key]["comments"]) + 1  # and says so
        self.there.remove(key)

    def _misses(self, key: str) -> dict[str, Any]:
        """How it stands. A tag that was lost is noted now, as the deed that follows would cover it."""
        shown: dict[str, Any] = self.rig.sandbox.shown(key)
        self.lost += [f"{tag} of {key}" for tag in {*self.left[key]["tags"]} - {*shown["tags"]}]
        return shown

    def _leaves(self, key: str) -> dict[str, Any]:
        self.left[key] = shown = self.rig.sandbox.shown(key)
        self.touched[key] = self.rig.clock()
        return shown

    def _late(self, key: str | None) -> "Late":
        """A write whose stamp others see only later, as of a slow transaction; not of a ticket that was just written to."""
        ours = [effect.at for effect in self.rig.effects()[-6:] if effect.key == key] if key else []
        last = max([*ours, self.touched.get(key or "", datetime.min.replace(tzinfo=self.rig.clock().tzinfo))])
        slow = self.dice.random() < 0.3 and self.rig.clock() - last > 2 * SLOW
        return self._behind(SLOW if slow else timedelta(0))

    def _behind(self, by: timedelta) -> "Late":
        """Memory has no clock to set: it counts its changes, and one that is seen late has a later number."""
        clock = getattr(self.rig.sandbox, "clock", self.rig.clock)
        return Late(clock, by if isinstance(clock, Shifted) else timedelta(0))

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
