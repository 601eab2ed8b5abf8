"""Files between a memory desk and another system, through the whole gateway and the SDK's session: once each, never back."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.memory import MemoryConnector, MemorySettings
from connectors.memory_system import MemorySystem
from connectors.sandbox import Deed
from gateway.assemble import Gateway, put_together
from gateway.config import Config
from gateway.retrying import Patience
from gateway.store import actions
from gateway.store.actions import State
from gateway.worker import Worker
from rules.bundle import Desk
from rules.problems import errors
from rules.reader import check
from rules.ticket import TicketRef
from tests.gateway.memory_desk import no_holidays
from tests.rigs import Rig, a_sample, rigged, served

RULES = """
version: 1
rules:
  - id: in-step
    when: [created, updated, commented]
    if: { connection: [desk, here], tags: { contains: engineering } }
    then:
      - sync:
          with: here
          if_missing: create
          comments: { direction: both_ways, only: all }
          attachments: { direction: both_ways, only: all, largest: 1 MB }
"""


@contextmanager
def a_rig(system: str) -> Iterator[Rig]:
    with served(system) as port, rigged(system, port) as rig:
        yield rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    with a_rig("servicenow") as rig:
        yield rig


def a_gateway(rig: Rig, desk: MemorySystem, folder: Path) -> Gateway:
    there = {"desk": MemoryConnector("desk", desk, MemorySettings()), "here": rig.connector()}
    able = {name: one.abilities for name, one in there.items()}
    known: dict[str, Any] = {key: {n: getattr(a, key) for n, a in able.items()} for key in ("reads", "writes", "attaches")}
    both = frozenset(there)
    systems = {"desk": "memory", "here": rig.system}
    bundle, wrong = check({"rules/10.yaml": RULES}, Desk(connections=systems, replies=both, notes=both, creates=both, **known), no_holidays)
    assert bundle is not None
    assert not errors(wrong)
    config = Config.model_validate(
        {"version": "1", "database": "sqlite:///desk.db", "connections": {n: {"system": s} for n, s in systems.items()}}
    )
    patience = Patience(sleep=lambda seconds: rig.later(timedelta(seconds=seconds)))
    return put_together(config, bundle, there, folder, rig.clock, None, patience, rig.clock)


def rounds(rig: Rig, gateway: Gateway, count: int = 3) -> None:
    for _ in range(count):
        rig.later(timedelta(minutes=12))
        gateway.daemon().once()
        for _ in range(4):
            rig.later(timedelta(minutes=2))
            for name in ("desk", "here"):
                Worker(gateway.house, gateway.cycle, name, gateway.brake).drain()


def test_files_go_both_ways_once_and_what_may_not_go_stays_and_is_named(rig: Rig, tmp_path: Path) -> None:
    desk = MemorySystem(clock=rig.clock)
    gateway = a_gateway(rig, desk, tmp_path)
    try:
        rounds(rig, gateway, 1)
        key = desk.people(Deed(kind="create", by="customer", sample=a_sample(tags=("engineering",))))
        rounds(rig, gateway)
        (partner,) = rig.sandbox.keys()

        def put(system: Any, name: str, at: str, **fields: Any) -> None:
            rig.later(timedelta(minutes=1))
            system.people(Deed(kind="attach", key=at, by="customer", text=name, fields=fields))

        put(desk, "../shot.png", key, content="pixels", type="image/png")
        put(desk, "salaries.xls", key, content="secret", public=False)
        put(desk, "huge.bin", key, zeros=2_000_000, declared=None)
        put(rig.sandbox, "fix.txt", partner, content="the fix")
        desk.people(Deed(kind="reply", key=key, by="customer", text="See the files."))
        rounds(rig, gateway)

        there = [(f["name"], f["sha256"]) for f in rig.sandbox.shown(partner)["files"]]
        assert there == [("fix.txt", hashlib.sha256(b"the fix").hexdigest()), ("shot.png", hashlib.sha256(b"pixels").hexdigest())]
        assert [f["name"] for f in desk.shown(key)["files"]] == ["../shot.png", "salaries.xls", "huge.bin", "fix.txt"]
        assert len([e for e in rig.effects() if e.kind == "attach"]) == 1
        assert len([e for e in desk.effects if e.kind == "attach"]) == 1
        assert [e.detail["body"].partition("\n\n")[2][:14] for e in rig.effects() if e.kind == "reply"] == ["See the files."]
        with gateway.store.reading() as db:
            failed = [r.reason or "" for r in actions.of_ticket(db, TicketRef("desk", key)) if r.state is State.FAILED]
        assert len(failed) == 1
        assert "more than the 1 MB" in failed[0]
    finally:
        gateway.close()


def test_zendesk_takes_an_internal_file_as_one_and_an_outcome_that_nobody_knows_is_asked_after(tmp_path: Path) -> None:
    """The answer to the comment is lost: what it brought is found by its content, and neither the file nor the comment comes twice."""
    with a_rig("zendesk") as rig:
        desk = MemorySystem(clock=rig.clock)
        gateway = a_gateway(rig, desk, tmp_path)
        try:
            rounds(rig, gateway, 1)
            key = desk.people(Deed(kind="create", by="customer", sample=a_sample(tags=("engineering",))))
            rounds(rig, gateway, 1)
            (partner,) = rig.sandbox.keys()

            rig.later(timedelta(minutes=1))
            desk.people(Deed(kind="attach", key=key, by="agent", text="salaries.xls", fields={"content": "secret", "public": False}))
            rig.people("attach", partner, "fix.txt", content="the fix")
            desk.people(Deed(kind="reply", key=key, by="customer", text="See the files."))
            rig.fault("apply_then_drop", method="PUT", path="/tickets/", times=9)
            rounds(rig, gateway, 2)

            ours = [(f["name"], f["public"]) for f in rig.sandbox.shown(partner)["files"] if f["name"] != "fix.txt"]
            assert ours == [("salaries.xls", False)]
            assert [(c["text"], c["public"]) for c in rig.sandbox.shown(partner)["comments"] if "salaries" in c["text"]] == [
                ("salaries.xls", False)
            ]
            assert [f["name"] for f in desk.shown(key)["files"]] == ["salaries.xls", "fix.txt"]
            assert len([e for e in rig.effects() if e.kind == "attach"]) == 1
        finally:
            gateway.close()
