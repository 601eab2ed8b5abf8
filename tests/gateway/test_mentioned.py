"""A note copied from one Jira to another mentions the very persons that it did, and calls nobody else, whatever goes wrong or is typed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Connector
from connectors.jira.connector import JiraConnector
from connectors.jira.settings import JiraSettings
from gateway.assemble import Gateway, put_together
from gateway.config import Config
from gateway.mentioned import Mentioned
from gateway.retrying import Patience
from gateway.sandbox.faults import Fault
from gateway.store import actions
from gateway.worker import Worker
from rules.plan import AddComment
from rules.ticket import Mention, TicketRef, replace
from tests.over import a_bundle
from tests.rigs import CUSTOM, Rig, a_sample, rigged, served

RULES = """
version: 1
rules:
  - id: in-step
    when: [created, commented]
    if: { connection: [cloud, inside], tags: { contains: engineering } }
    then:
      - sync:
          with: inside
          if_missing: create
          create: { project: CORE, issue_type: Bug }
          comments: { direction: both_ways, only: all }
"""
LENA, MAX, STRANGER = "lena@example.com", "max@example.com", "stranger@elsewhere.example"


@dataclass
class Two:
    """A Jira Cloud and a Jira Data Center on one clock, and the gateway between them."""

    cloud: Rig
    inside: Rig
    gateway: Gateway

    def round(self) -> None:
        self.cloud.later(timedelta(minutes=12))
        self.gateway.daemon().once()
        for _ in range(2):
            self.cloud.later(timedelta(minutes=2))
            for name in ("cloud", "inside"):
                Worker(self.gateway.house, self.gateway.cycle, name, self.gateway.brake).drain()

    def said(self, by: Rig, kind: str, key: str, text: str, *mentions: str) -> None:
        """Somebody comments; then both sides are looked at."""
        self.cloud.later(timedelta(minutes=1))
        by.people(kind, key, text, mentions=mentions)
        self.round()
        self.round()


@contextmanager
def opened(rig: Rig, name: str, **more: Any) -> Iterator[Connector]:
    connector = JiraConnector.opened(name, JiraSettings(**rig.settings(**more)), CUSTOM["jira"])
    try:
        yield connector
    finally:
        connector.close()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with (
        served("jira") as one,
        served("jira-data-center") as other,
        rigged("jira", one) as cloud,
        rigged("jira-data-center", other) as inside,
        opened(cloud, "cloud") as here,
        opened(inside, "inside") as there,
    ):
        inside.clock = inside.sandbox.clock.inner = cloud.clock
        systems = {"cloud": "jira", "inside": "jira"}
        both: dict[str, Connector] = {"cloud": here, "inside": there}
        config = Config.model_validate(
            {"version": "1", "database": "sqlite:///desk.db", "connections": {n: {"system": s} for n, s in systems.items()}}
        )
        clock = cloud.clock
        patience = Patience(sleep=lambda seconds: cloud.later(timedelta(seconds=seconds)))
        gateway = put_together(config, a_bundle(systems, both, RULES), both, tmp_path, clock, None, patience, clock)
        try:
            yield Two(cloud, inside, gateway)
        finally:
            gateway.close()


def called(rig: Rig) -> list[tuple[str, Any]]:
    """What we wrote there besides the first text, and who was told that it mentions them."""
    return [(e.kind, e.detail.get("called")) for e in rig.effects() if e.kind in ("note", "reply")]


def test_a_note_calls_the_same_persons_in_the_other_jira_and_nobody_else(two: Two) -> None:
    two.round()
    sample = a_sample(tags=("engineering",))
    (here,) = two.cloud.load(replace(sample, created_at=two.cloud.clock()))
    two.round()
    two.round()
    (there,) = two.inside.sandbox.keys()

    two.said(two.cloud, "note", here, "your turn, [~max.example] @Max [@Max](mention:max.example)", LENA, STRANGER)
    assert called(two.inside) == [("note", [LENA])]
    shown = two.inside.sandbox.tracker.issue(there).comments[-1]["body"]
    assert shown.endswith(r"[~lena.example] @Stranger your turn, \[\~max.example\] @Max \[@Max\](mention:max.example)")

    two.said(two.inside, "note", there, "and back to you", MAX)
    assert called(two.cloud) == [("note", [MAX])]
    two.said(two.cloud, "reply", here, "to be seen by all", LENA)
    assert called(two.inside)[1:] == [("reply", None)]
    assert "@lena" in two.inside.sandbox.shown(there)["comments"][-1]["text"].casefold()

    two.inside.served.faults.append(Fault(kind="status", path="user/search", times=9))  # type: ignore[union-attr]
    two.said(two.cloud, "note", here, "though nobody can be looked up", MAX)
    assert called(two.inside)[2:] == [("note", None)]
    two.inside.served.faults.clear()  # type: ignore[union-attr]

    for _ in range(3):
        two.round()
    assert (len(called(two.inside)), len(called(two.cloud))) == (3, 1), "a copy is never copied"
    with two.gateway.store.reading() as db:
        rows = [row for row in actions.of_ticket(db, TicketRef("cloud", here)) if isinstance(row.action, AddComment)]
    told = [note for row in rows if row.receipt for note in row.receipt.notes]
    assert [note.partition(" is ")[0] for note in told] == ["@Stranger", "@Max Berger"]


def a_note(source: str, target: str, *, public: bool = False, **more: Any) -> AddComment:
    place = {"rule": "r", "place": "p", "version": "1", "key": "k" * 64}
    found = (Mention(at=0, text="@Lena", id="L"),)
    known: dict[str, Any] = {"mirrors": f"{source}:CORE-1#7", "mentions": found, **more}
    return AddComment(target=TicketRef(target, "CORE-2"), body="@Lena look", public=public, **place, **known)


def test_within_one_site_a_person_is_known_by_id_and_nobody_is_asked(two: Two) -> None:
    settings = {name: JiraSettings(**two.cloud.settings()) for name in ("cloud", "beside")}
    settings["inside"] = JiraSettings(**two.inside.settings())
    connectors = {**two.gateway.connectors, "beside": two.gateway.connectors["cloud"]}
    mentioned = Mentioned(connectors, settings)

    assert mentioned.of(a_note("cloud", "beside")) == ({"L": "L"}, ())
    assert mentioned.of(a_note("cloud", "cloud")) == ({"L": "L"}, ())
    assert mentioned.of(a_note("cloud", "beside", public=True)) == ({}, ())
    assert mentioned.of(a_note("cloud", "cloud", mirrors=None)) == ({}, ())
    assert two.cloud.served is not None
    assert [e for e in two.cloud.served.exchanges if "/user" in e.request.path] == []
    assert mentioned.of(a_note("cloud", "inside"))[0] == {}, "another site's id is nobody's"


@pytest.mark.parametrize("side", ["cloud", "inside"])
def test_a_description_written_again_mentions_on_the_lines_that_stay_whom_it_did(two: Two, side: str) -> None:
    rig, connector = getattr(two, side), two.gateway.connectors[side]
    (key,) = rig.load(a_sample())
    issue, flavour, people = rig.sandbox.tracker.issue(key), rig.sandbox.flavour, rig.sandbox.tracker.accounts
    person = people.view(people.known(LENA))
    issue.state = replace(issue.state, description=flavour.calling(person, flavour.typed("has the [key]\n\nThe *rest*.")))

    before = connector.fetch(key)
    first, _, rest = str(before.body).partition("\n")
    wanted = f"More.\n{first}\n{rest} @Lena Vogt @lena.example"
    for said, called in ((wanted, [LENA]), (f"> {first}", []), (f"{first}\n{first}", [])):
        issue.state = replace(issue.state, description=flavour.calling(person, flavour.typed("has the [key]\n\nThe *rest*.")))
        connector.update(key, {"body": said}, version=connector.fetch(key).version)
        assert connector.fetch(key).body == said
        assert rig.sandbox.tracker.called(issue.state.description) == called


def test_a_person_whose_address_is_hidden_or_only_resembled_is_a_name(two: Two) -> None:
    """An account that bears somebody's address as its name, or is the only one found for it, may be anybody."""
    people = two.cloud.sandbox.tracker.accounts
    people.known("other@example.com", "kim@example.com")
    hidden = two.gateway.connectors["cloud"]

    assert hidden.known("user", ["kim@example.com"]), "good enough for whoever a rule assigns to, and remembered"
    assert hidden.mentionable("kim@example.com") is None
    assert hidden.mentionable("LENA@example.com") == people.known(LENA)
