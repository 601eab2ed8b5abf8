"""Rows of the fault matrix in which a desk's own rules, clocks and numbers go wrong, each with every system behind a whole gateway."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.memory import MemoryConnector, MemorySettings
from connectors.memory_system import MemorySystem
from connectors.sandbox import Deed
from gateway.store import hits, parked, passes
from gateway.store.actions import of_ticket
from rules.plan import Attach
from rules.ticket import replace
from tests.over import a_gateway
from tests.rigs import ROWS_OVER_HTTP, START, Rig, a_sample, some_samples

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module", params=ROWS_OVER_HTTP)
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Ours:
    """Our clock: the system's own, and now and then set to something else."""

    def __init__(self, rig: Rig) -> None:
        self._rig, self.by = rig, timedelta(0)

    def __call__(self) -> datetime:
        return self._rig.clock() + self.by


def noted(rig: Rig) -> Counter[str]:
    """How many notes of ours each ticket has."""
    return Counter(e.key for e in rig.effects() if e.kind == "note")


def test_our_clock_may_be_set_an_hour_on_or_back_and_each_thing_is_done_once(rig: Rig, tmp_path: Path) -> None:
    """Fault row F36: what was read, what is due and what waits go by the system's stamps and by steps, not by our hour."""
    ours = Ours(rig)
    with a_gateway(rig, tmp_path, local=ours) as desk:
        keys = rig.load(*some_samples(6, status="open"))
        desk.round()
        for key, by in zip(keys, (HOUR, -HOUR, timedelta(0), -HOUR, HOUR, timedelta(0)), strict=True):
            ours.by = by
            rig.people("set", key, status="resolved")
            desk.round()
        for _ in range(3):
            desk.round()

    assert noted(rig) == dict.fromkeys(keys, 1)


FAULTY = """
version: 1
rules:
  - id: wrong
    when: { changed: { field: priority, to: urgent } }
    then:
      - tag: { add: [half] }
      - note: { text: "{{ 1 / (ticket.subject == 0) }} percent" }
  - id: right
    when: { changed: { field: priority, to: urgent } }
    if: { subject: { contains: "Ticket 1" } }
    then:
      - tag: { add: [hot] }
"""


def test_a_rule_that_goes_wrong_is_named_and_the_others_run(rig: Rig, tmp_path: Path) -> None:
    """Fault row F43: none of its steps is done, what happened is kept also where no other rule asked for it, and the rule is counted."""
    with a_gateway(rig, tmp_path, FAULTY) as desk:
        keys = rig.load(*some_samples(2))
        desk.round()
        for key in keys:
            rig.people("set", key, priority="urgent")
        for _ in range(2):
            desk.round()
        with desk.gateway.store.reading() as db:
            kept = {one.plan.ref.key: one for one in passes.since(db, START) if one.plan.failures}
            assert parked.all_of(db) == []
            counted = hits.all_of(db)["wrong"]
        replayed = [desk.gateway.cycle.book.evaluate(kept[key].observation) for key in keys]

    told = [(f.rule, "division by zero" in f.reason) for key in keys for f in kept[key].plan.failures]
    assert told == [("wrong", True)] * 2
    assert replayed == [kept[key].plan for key in keys], "mended rules can be tried on the very same look"
    assert [set(rig.sandbox.shown(key)["tags"]) for key in keys] == [set(), {"hot"}]
    assert (noted(rig), counted.failed, counted.live) == ({}, 2, 0)


SYNC = """
version: 1
rules:
  - id: in-step
    when: [created, updated, commented]
    if: { connection: [here, core], tags: { contains: engineering } }
    then:
      - sync:
          with: CORE
          if_missing: create
          status: both_ways
          fields: { tags: both_ways, priority: both_ways, subject: both_ways }
          comments: { direction: both_ways, only: public }
          conflict: newest_wins
"""


def test_two_systems_that_are_kept_in_step_come_to_rest(rig: Rig, tmp_path: Path) -> None:
    """Fault row F42: what we wrote to either side is never news to the other, whatever it makes of it."""
    core = MemorySystem(clock=rig.clock)
    memory = MemoryConnector("core", core, MemorySettings())
    with a_gateway(rig, tmp_path, SYNC.replace("CORE", "core"), beside={"core": memory}) as desk:
        desk.round()
        key = rig.sandbox.people(
            Deed(kind="create", by="customer", sample=replace(a_sample("Card declined", tags=("engineering",)), created_at=rig.clock()))
        )
        for _ in range(3):
            desk.round()
        (partner,) = core.keys()
        rig.people("set", key, priority="urgent")
        core.people(Deed(kind="set", key=partner, by="agent", fields={"status": "pending"}))
        rig.people("reply", key, "Any news?", by="customer")
        core.people(Deed(kind="reply", key=partner, by="agent", text="Soon."))
        for _ in range(4):
            desk.round()
        written = len(rig.effects()) + len(core.effects)
        for _ in range(3):
            desk.round()

        left, right = rig.sandbox.shown(key), core.shown(partner)
    assert len(rig.effects()) + len(core.effects) == written, "it does not come to rest"
    assert written < 12
    assert (left["priority"], left["status"], left["subject"]) == (right["priority"], right["status"], right["subject"])
    assert (left["priority"], left["status"]) == ("urgent", "pending")
    assert [len([c for c in side["comments"] if c["public"]]) for side in (left, right)] == [2, 2], "each was copied once"


FILES = SYNC.replace(
    "subject: both_ways }", "subject: both_ways }\n          attachments: { direction: both_ways, only: all, largest: 1 MB }"
)
UPLOADS = "attach|upload|ContentVersion|composite"


def test_files_that_fail_hold_up_nothing_else_of_their_ticket(rig: Rig, tmp_path: Path) -> None:
    """Fault row F65: too large, vanished, a page in its place, refused by the other side; each is told once and the rest is in step."""
    core = MemorySystem(clock=rig.clock)
    memory = MemoryConnector("core", core, MemorySettings())
    with a_gateway(rig, tmp_path, FILES.replace("CORE", "core"), beside={"core": memory}) as desk:
        desk.round()
        key = rig.sandbox.people(
            Deed(kind="create", by="customer", sample=replace(a_sample(tags=("engineering",)), created_at=rig.clock()))
        )
        desk.round()
        (partner,) = core.keys()
        rig.later()
        put(rig.sandbox, key, "gone.png", vanished=True)
        put(rig.sandbox, key, "page.png", served_as="text/html; charset=utf-8", type="image/png")
        put(rig.sandbox, key, "large.bin", content="", zeros=2 * 1024 * 1024, declared=None)
        put(rig.sandbox, key, "good.txt")
        put(core, partner, "refused.txt", content="not there")
        rig.fault("status", method="POST|PUT", path=UPLOADS, status=413, times=99, body={"error": "too large"})
        rig.people("reply", key, "See the files.", by="customer")
        rig.people("set", key, priority="urgent")
        for _ in range(2):
            desk.round()
        with desk.gateway.store.reading() as db:
            failed = [row.action.name for row in of_ticket(db, desk.ref(key)) if row.state == "failed" and isinstance(row.action, Attach)]

        there = core.shown(partner)
        assert sorted(failed) == ["gone.png", "large.bin", "page.png", "refused.txt"]
        assert [file["name"] for file in there["files"]] == ["refused.txt", "good.txt"]
        assert (there["priority"], there["comments"][-1]["text"].splitlines()[-1]) == ("urgent", "See the files.")


def put(system: Any, key: str, name: str, **fields: Any) -> None:
    system.people(Deed(kind="attach", key=key, by="customer", text=name, fields={"content": "pixels", **fields}))
