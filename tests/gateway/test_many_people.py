"""Several people edit one system at random while we read it and write to it; in the end the store shows what the system has.

Their edits fall between our polls, between the pages of one, and between a decision of ours and its request. What a ticket truly is
comes from the sandbox itself (`shown`), not from the connector that is under test.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox import Deed
from gateway.sandbox.host import Served
from gateway.store import aliases, tickets
from rules.plan import AddComment
from rules.ticket import Person, Ticket
from tests.over import Over, a_gateway
from tests.rigs import LONG_ENOUGH, ROWS, Rig, a_sample, rigged, served

SEEDS = 204
"""Dealt out to the systems, a world of `IN_ONE_WORLD` after another: one site, one store, and tickets of its own for each seed."""
IN_ONE_WORLD = 17
NOTE = "Somebody is in a hurry."
RULES = """
version: 1
rules:
  - id: route
    when: created
    if: { group: { empty: true } }
    then:
      - assign: { group: triage }
      - tag: { add: [routed] }
  - id: heard
    when: commented
    if: { comment.text: { contains: never said } }
    then:
      - tag: { add: [said] }
  - id: in-a-hurry
    when: { changed: { field: priority, to: urgent } }
    then:
      - tag: { add: [hot] }
      - note: { text: "NOTE" }
""".replace("NOTE", NOTE)
SAID = ("Any news?", "Größe XL, bitte.\n\nDanke!", "It works again (since 10:00)")
EDITS: dict[str, tuple[Any, ...]] = {
    "status": ("open", "pending", "resolved", "open"),
    "priority": ("urgent", "high", "normal", "low"),
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
COMPARED = ("status", "priority", "group", "assignee", "subject", "body", "product", "language")


@dataclass
class People:
    """Who edits: what they did is what their dice said. `after` is where each ticket that they ended or moved went, None for nowhere."""

    rig: Rig
    dice: random.Random
    there: list[str] = field(default_factory=list)
    after: dict[str, str | None] = field(default_factory=dict)
    public: dict[str, bool] = field(default_factory=dict)
    """Who could see a comment when it was said: by its id, whether everybody. A moved ticket's new project may show it to others."""
    quiet: bool = False

    def act(self) -> None:
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
            name = self.dice.choice(list(edits))
            self.rig.people("set", key, **{name: self.dice.choice(edits[name])})

    def says(self, kind: str, key: str, text: str, by: str) -> None:
        self.rig.people(kind, key, text, by=by)
        last = self.rig.sandbox.shown(key)["comments"][-1]
        self.public[last["id"]] = last["public"]

    def _makes(self) -> str:
        sample = replace(a_sample("Card declined", priority="normal"), body=self.dice.choice(BODIES), created_at=self.rig.clock())
        return str(self.rig.sandbox.people(Deed(kind="create", by="customer", sample=sample)))

    def _ends(self, key: str) -> None:
        """Deleted, merged or moved, as people can there."""
        how = self.dice.choice(["delete", *sorted(self.rig.sandbox.can)])
        if how == "move":
            new = self.rig.people("move", key, into="WEB")
            self.there.append(new)
            self.after[key] = new
        else:
            into = self.dice.choice([other for other in self.there if other != key])
            self.rig.people(how, key, into=into)
            self.after[key] = into if how == "merge" else None
        self.there.remove(key)

    def end_of(self, key: str) -> str | None:
        """Where a ticket goes on after all that was done to it."""
        here: str | None = key
        while here is not None and here not in self.there:
            here = self.after[here]
        return here


@pytest.fixture(scope="module", params=list(ROWS))
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def port(system: str) -> Iterator[Served | None]:
    with served(system) as one:
        yield one


@pytest.mark.parametrize("world", range(SEEDS // len(ROWS) // IN_ONE_WORLD))
def test_whatever_people_do_meanwhile_the_store_ends_as_the_system_is(system: str, port: Served | None, tmp_path: Path, world: int) -> None:
    projects: dict[str, Any] = {"project": ["CORE", "WEB"]} if ROWS[system] == "jira" else {}
    crews: dict[str, People] = {}
    with rigged(system, port) as rig:
        if port is not None:
            port.keep_exchanges = False

        def meanwhile(point: str) -> None:
            crew = [*crews.values()][-1]
            if not crew.quiet and crew.dice.random() < 0.15:
                crew.act()

        with a_gateway(rig, tmp_path, RULES, points=meanwhile, **projects, page_size=3) as desk:
            for seed in range(SEEDS)[[*ROWS].index(system) :: len(ROWS)][world * IN_ONE_WORLD :][:IN_ONE_WORLD]:
                rig.later(LONG_ENOUGH)  # what earlier seeds did is not read over and over
                crews[f"seed {seed} of {system}"] = crew = People(rig, random.Random(seed))
                played(desk, crew)
            crew.quiet = True
            settled(desk)
            for crew in crews.values():
                ask_about_what_nobody_listened_to(desk, crew)
            settled(desk)
            for name, crew in crews.items():
                compared(desk, crew, name)


def played(desk: Over, people: People) -> None:
    """A few edits, with a poll and a look now and then."""
    for _ in range(7):
        people.act()
        if people.dice.random() < 0.2:
            desk.rig.later(timedelta(seconds=people.dice.randint(1, 90)))
            desk.read()


def settled(desk: Over) -> None:
    """Everything has been shown by the system, read, looked at and answered."""
    for _ in range(2):
        desk.rig.later(LONG_ENOUGH)
        desk.read()
        for _ in range(8):
            if not desk.waits():
                break
            desk.rig.later(timedelta(minutes=2))
            desk.read()


def ask_about_what_nobody_listened_to(desk: Over, people: People) -> None:
    """A ticket that was adopted is listened to from its first comment on."""
    for key in people.there:
        seen = desk.seen(key)
        if seen is not None and not seen.heard:
            people.says("reply", key, "Is anybody there?", "customer")


def compared(desk: Over, people: People, name: str) -> None:
    for key in people.there:
        seen, shown = desk.seen(key), desk.rig.sandbox.shown(key)
        assert seen is not None, f"{name}: {key} was never seen"
        assert seen.ticket is not None, f"{name}: {key} was not looked at"
        assert not desk.is_gone(key), f"{name}: {key} counts as gone"
        assert seen.heard, f"{name}: nobody listened to {key}"
        _said_alike(desk, people, name, key, shown["comments"], adopted=seen.adopted)
        assert _fields(seen.ticket) == {n: shown[n] for n in COMPARED} | {"tags": {*shown["tags"]}}, f"{name}: {key}"
    for key in people.after:
        with desk.gateway.store.reading() as db:
            live = tickets.seen(db, desk.ref(key)) is not None and not tickets.is_gone(db, desk.ref(key))
            way = aliases.led_to(db, desk.ref(key))
        assert not live, f"{name}: {key} is no more, and is still looked after"
        end = people.end_of(key)
        assert end is None or not way or way[-1].into == desk.ref(end), f"{name}: {key} ended at {end}, and the store says {way}"


def _said_alike(desk: Over, people: People, name: str, key: str, shown: list[dict[str, Any]], *, adopted: bool) -> None:
    """People's comments are in the store one for one, ours in the ledger: with the text, the speaker, and who may see them.

    Of an adopted ticket only what was said since. Who sees a comment is told as it was when it was heard, before a move or after it.
    """
    told, others = _heard(desk, key), [c for c in shown if c["by"] != "api"]
    if adopted:
        assert told, f"{name}: {key} was spoken about, and nobody heard it"
        others = others[-len(told) :]
    names = ("id", "text", "by")
    assert [[c[n] for n in names] for c in told] == [[c[n] for n in names] for c in others], f"{name}: {key} has {told}, not {others}"
    for heard, truly in zip(told, others, strict=True):
        assert heard["public"] in (truly["public"], people.public.get(truly["id"], truly["public"])), (
            f"{name}: {key} has {heard}, not {truly}"
        )
    ours = [c for c in shown if c["by"] == "api"]
    assert sorted(c["id"] for c in ours) == _noted(desk, key), f"{name}: the ledger has not what {key} has: {ours}"
    assert all(c["text"].startswith(NOTE) for c in ours), f"{name}: {key} has {ours}"
    if key not in people.after.values():  # a move to another kind of project may decide anew who sees a comment
        assert not any(c["public"] for c in ours), f"{name}: a note of ours on {key} left as a reply"


def _heard(desk: Over, key: str) -> list[dict[str, Any]]:
    """The people's comments that the store has, as a sandbox shows them."""
    with desk.gateway.store.reading() as db:
        known = tickets.past(db, desk.ref(key)).comments
    return [{"id": c.id, "public": c.public, "text": c.text, "by": str(c.role)} for c in known if not c.ours]


def _noted(desk: Over, key: str) -> list[str]:
    """The ids of our notes on this ticket, by the receipts of the ledger."""
    return sorted(str(row.receipt.id) for row in desk.actions(key) if isinstance(row.action, AddComment) and row.receipt)


def _fields(ticket: Ticket) -> dict[str, Any]:
    values = {name: getattr(ticket, name) for name in COMPARED}
    plain = {name: value.known_as if isinstance(value, Person) else value for name, value in values.items()}
    return plain | {"tags": {*ticket.tags}}
