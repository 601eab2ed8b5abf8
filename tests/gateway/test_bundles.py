"""Which rules ran when: kept with their texts, found by the beginning of their hash, forgotten only when nothing needs them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.store import bundles, passes
from gateway.store.opening import Store, opened
from rules.engine import evaluate
from tests.builders import NOW, an_observation
from tests.gateway.memory_desk import a_bundle
from tests.gateway.program import Desk, Program

OLD, NEW = "a1" * 32, "a2" * 32


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = opened(f"sqlite:///{tmp_path}/desk.db")
    yield store
    store.close()


def test_a_bundle_that_was_in_force_before_runs_again_under_its_own_hash(store: Store) -> None:
    with store.writing() as db:
        for hash, text in ((OLD, "one"), (NEW, "two")):
            bundles.keep(db, hash, {"rules/a.yaml": text}, NOW, "/desk")
            bundles.put_in_force(db, hash, NOW, who="daemon", how="files")
        bundles.put_in_force(db, OLD, NOW + timedelta(hours=1), who="ana", how="rollback")
        bundles.put_in_force(db, OLD, NOW + timedelta(hours=2), who="daemon", how="started")
    with store.reading() as db:
        assert [(f.hash, f.who, f.how, f.origin) for f in bundles.history(db)] == [
            (OLD, "ana", "rollback", "/desk"),
            (NEW, "daemon", "files", "/desk"),
            (OLD, "daemon", "files", "/desk"),
        ]
        running = bundles.running(db)
        assert running is not None
        assert (running.hash, running.at) == (OLD, NOW + timedelta(hours=1))
        assert bundles.sources(db, OLD) == {"rules/a.yaml": "one"}
        assert sorted(bundles.named(db, "a")) == [OLD, NEW]
        assert bundles.named(db, "a%") == []


def test_old_bundles_go_unless_a_record_names_them_or_they_ran_lately(store: Store) -> None:
    bundle, long_ago = a_bundle(), NOW - timedelta(days=100)
    observation = an_observation()
    with store.writing() as db:
        for n in range(4):
            bundles.keep(db, str(n) * 64, {}, long_ago)
            bundles.put_in_force(db, str(n) * 64, long_ago, who="daemon", how="files")
        bundles.keep(db, bundle.hash, {}, long_ago)
        passes.record(db, "p1", observation, evaluate(observation, bundle))
        assert bundles.forget_before(db, NOW, but=2) == 2
        assert bundles.sources(db, bundle.hash) == {}
        assert [f.hash[0] for f in bundles.history(db)] == ["3", "2"]


def test_a_backfill_keeps_its_rules_and_does_not_put_them_into_force(program: Program, desk: Desk) -> None:
    desk.tickets(1, type="incident")
    program("-C", desk, "run", "--once")
    before = program("-C", desk, "--format", "json", "status").lines[0]
    desk.swap("rules/10-all.yaml", "tier-1", "tier-2")
    assert program("-C", desk, "backfill", "--yes").code == 0
    after = program("-C", desk, "--format", "json", "status").lines[0]
    assert (after["rules"], after["files"]) == (before["rules"], "other")
    assert "(empty) → tier-2" in program("-C", desk, "why", "desk:M-1").out
