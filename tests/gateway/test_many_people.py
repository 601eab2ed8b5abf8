"""Several people edit one system at random while we read it and write to it; in the end the store shows what the system has.

Their edits fall between our polls, between the pages of one, between a decision of ours and its request, and between that request
and its answer; some are seen late, as of a slow transaction; the system forgets what it handed out to read on with. What a ticket
truly is comes from the sandbox itself (`shown`), not from the connector that is under test.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.host import Served
from gateway.store import aliases, tickets
from rules.plan import AddComment
from rules.ticket import Person, Ticket
from tests.gateway.people import RACES, Beside, People
from tests.over import Over, a_gateway
from tests.rigs import LONG_ENOUGH, ROWS, rigged, served

SEEDS = 204
"""Dealt out to the systems, a world of `IN_ONE_WORLD` after another: one site, one store, and tickets of its own for each seed."""
IN_ONE_WORLD = 17
NOTE = "Somebody is in a hurry."
ALONE = "Nobody has this one yet."
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
  - id: nobodys
    when: commented
    if: { group: { empty: true } }
    then:
      - note: { text: "ALONE" }
  - id: our-own-doing
    when: { changed: { field: group, to: triage } }
    then:
      - tag: { add: [echo] }
""".replace("NOTE", NOTE).replace("ALONE", ALONE)
LAGS: dict[str, dict[str, Any]] = {"jira": {"lag": 20.0}}
"""So slow an index shows in most second polls what was there before our write; the minute that we allow for is longer."""
OURS = frozenset({"routed", "hot"})
"""The tags that we may set. `echo` would say that we took our own assignment for news: people here never choose that group."""
COMPARED = ("status", "priority", "group", "assignee", "subject", "body", "product", "language")


@pytest.fixture(scope="module", params=list(ROWS))
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def port(system: str) -> Iterator[Served | None]:
    with served(system) as one:
        yield one


@pytest.mark.parametrize("number", range(SEEDS // len(ROWS) // IN_ONE_WORLD))
def test_whatever_people_do_meanwhile_the_store_ends_as_the_system_is(
    system: str, port: Served | None, tmp_path: Path, number: int
) -> None:
    projects: dict[str, Any] = {"project": ["CORE", "WEB"]} if ROWS[system] == "jira" else {}
    crews: dict[str, People] = {}
    with rigged(system, port, **LAGS.get(ROWS[system], {})) as rig:
        if port is not None:
            port.keep_exchanges = False

        world = World(system, crews)
        if port is not None:
            port.sandbox = Beside(rig.sandbox, world.in_between)  # type: ignore[assignment]
        with a_gateway(rig, tmp_path, RULES, points=world.meanwhile, **projects, page_size=3) as desk:
            for seed in range(SEEDS)[[*ROWS].index(system) :: len(ROWS)][number * IN_ONE_WORLD :][:IN_ONE_WORLD]:
                rig.later(LONG_ENOUGH)  # what earlier seeds did is not read over and over
                crews[f"seed {seed} of {system}"] = crew = People(rig, random.Random(seed), partial(known, desk))
                played(desk, crew)
            crew.quiet = True
            settled(desk)
            for crew in crews.values():
                ask_about_what_nobody_listened_to(desk, crew)
            settled(desk)
            for name, crew in crews.items():
                compared(desk, crew, name)


@dataclass
class World:
    """Where the last crew acts while the daemon works."""

    row: str
    crews: dict[str, People]

    def meanwhile(self, point: str) -> None:
        crew = [*self.crews.values()][-1]
        if point == "before-send" and not crew.quiet and crew.dice.random() < 0.1:
            crew.tags_all()
        self._acts(0.15, frozenset())

    def in_between(self) -> None:
        """Between our last look at a ticket and the write that stands on it."""
        self._acts(0.1, RACES.get(ROWS[self.row], frozenset()))

    def _acts(self, often: float, spared: frozenset[str]) -> None:
        crew = [*self.crews.values()][-1]
        if not crew.quiet and crew.dice.random() < often:
            crew.act(spared)


def known(desk: Over, key: str) -> Ticket | None:
    seen = desk.seen(key)
    return seen.ticket if seen is not None else None


def played(desk: Over, people: People) -> None:
    """A few edits, with a poll and a look now and then; two of them right behind each other, before an index has our own writes, and
    sometimes a ticket right behind those.

    There is a pause in the middle, longer than the minute that Zendesk withholds: else a ticket's first look is its last there,
    and nothing that people do is ever news to a rule.
    """
    for deed in range(5):
        people.act()
        if deed == 2:
            desk.rig.later(timedelta(seconds=people.dice.randint(61, 150)))
            desk.read()
            people.answers()
            desk.read()
            if people.dice.random() < 0.5:
                people.makes_slowly()
        if people.dice.random() < 0.03 and desk.rig.served is not None:
            desk.rig.sandbox.forget_cursors()


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
    assert not people.lost, f"{name}: tags of theirs were overwritten: {people.lost}"
    for key in people.there:
        seen, shown = desk.seen(key), desk.rig.sandbox.shown(key)
        assert seen is not None, f"{name}: {key} was never seen"
        assert seen.ticket is not None, f"{name}: {key} was not looked at"
        assert not desk.is_gone(key), f"{name}: {key} counts as gone"
        assert seen.heard, f"{name}: nobody listened to {key}"
        _said_alike(desk, people, name, key, shown["comments"], adopted=seen.adopted)
        _notes(desk, people, name, key, [c for c in shown["comments"] if c["by"] == "api"])
        assert _fields(seen.ticket) == {n: shown[n] for n in COMPARED} | {"tags": {*shown["tags"]}}, f"{name}: {key}"
        _stands(shown, people.left[key], desk.connector.abilities.coupled.get("group", frozenset()), f"{name}: {key}")
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


def _notes(desk: Over, people: People, name: str, key: str, ours: list[dict[str, Any]]) -> None:
    """Those that the ledger has, and seen by agents alone: one at most for each time that somebody made the ticket urgent, and for each
    time that somebody spoke on it while nobody had it, as far as we knew.
    """
    merged = {old for old, into in people.after.items() if into == key}
    there, known = {c["id"] for c in ours}, {*_noted(desk, key)}
    assert known <= there <= known.union(*(_noted(desk, old) for old in merged)), f"{name}: the ledger has not what {key} has: {ours}"
    hurry, alone = ([c for c in ours if c["text"].startswith(text)] for text in (NOTE, ALONE))
    assert len(hurry) + len(alone) == len(ours), f"{name}: {key} has {ours}"
    assert (key in people.owed) <= len(hurry) <= people.hurried[key], f"{name}: {key} was made urgent {people.hurried[key]} times: {ours}"
    assert len(alone) <= people.alone[key], f"{name}: {key} was spoken on {people.alone[key]} times while it had no group: {ours}"
    if key not in people.after.values():  # a move to another kind of project may decide anew who sees a comment
        assert not any(c["public"] for c in ours), f"{name}: a note of ours on {key} left as a reply"


def _stands(shown: dict[str, Any], left: dict[str, Any], coupled: frozenset[str], what: str) -> None:
    """What people set is as they left it; we have put a group where there was none, with what is `coupled` to it, and tags of ours."""
    group = {left["group"]} if left["group"] else {None, "triage"}
    assert shown["group"] in group, f"{what}: the group was {left['group']}, and is {shown['group']}"
    assert {*left["tags"]} <= {*shown["tags"]} <= {*left["tags"]} | OURS, f"{what}: the tags were {left['tags']}, and are {shown['tags']}"
    theirs = [n for n in COMPARED if n != "group" and not (n in coupled and shown["group"] != left["group"])]
    assert {n: shown[n] for n in theirs} == {n: left[n] for n in theirs}, what


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
