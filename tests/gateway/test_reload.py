"""Changing the running rules: files that are fit take over, others never; a rollback holds until its pin is drawn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.clock import now
from gateway.in_force import running
from gateway.reloading import Reloader, Taken, stamp_of
from gateway.settings import running as read_desk
from gateway.store import audits, bundles, reloading
from gateway.store.opening import Store, opened
from rules.bundle import Bundle
from tests.gateway.program import Desk, Program, in_background, until

TIDY = """version: 1
rules:
  - id: tidy
    when: { waiting: { status: pending } }
    stages:
      - { after: 3d, then: [{ tag: { add: [a] } }] }
"""


@pytest.fixture
def store(desk: Desk, program: Program) -> Iterator[Store]:
    """After a first run."""
    assert program("-C", desk, "run", "--once").code == 0
    structlog.reset_defaults()
    store = opened(f"sqlite:///{desk.folder}/.ticketgate/desk.db")
    yield store
    store.close()


def in_force(store: Store, desk: Desk) -> Bundle:
    with store.reading() as db:
        found = running(db, desk.folder)
    assert found is not None
    assert found.bundle is not None
    return found.bundle


def reloader(store: Store, desk: Desk, guard: Any = lambda bundle: "") -> Reloader:
    """What `run` asks, after it has started on the files as they are."""
    paths = (desk.folder, desk.folder / "ticketgate.yaml")
    return Reloader(store, paths, lambda: read_desk(desk.folder), now, str, guard=guard, seen=stamp_of(*paths))


def standing(store: Store) -> reloading.Standing:
    with store.reading() as db:
        return reloading.standing(db)


def to_tier_2(desk: Desk) -> None:
    desk.swap("rules/10-all.yaml", "tier-1", "tier-2")
    desk.swap("tests/all.test.yaml", "tier-1", "tier-2")


def test_files_that_changed_and_are_fit_are_taken_once(store: Store, desk: Desk) -> None:
    before, reload = in_force(store, desk), reloader(store, desk)
    assert reload(before) is None
    to_tier_2(desk)
    taken = reload(before)
    assert taken is not None
    assert (taken.how, taken.who) == ("files", "daemon")
    assert reload(taken.bundle) is None
    with store.reading() as db:
        assert "tier-2" in (bundles.sources(db, taken.bundle.hash) or {})["rules/10-all.yaml"]


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("rules/10-all.yaml", "type: incident, group", "typ: incident, group", "there is no ticket field called 'typ'"),
        ("rules/10-all.yaml", "tier-1", "tier-2", "✗ an incident goes to the first line"),
        ("tests/all.test.yaml", "fired: [route", "fired: [rout", "there is no rule called 'rout'"),
    ],
)
def test_files_that_are_not_fit_are_refused_with_the_reason(store: Store, desk: Desk, file: str, old: str, new: str, says: str) -> None:
    """Fault row F44."""
    before, reload = in_force(store, desk), reloader(store, desk)
    desk.swap(file, old, new)
    assert reload(before) is None
    assert (standing(store).state, says in standing(store).reason) == ("refused", True)
    desk.swap(file, new, old)
    assert reload(before) is None
    assert standing(store).state == "ok"


def test_what_the_guard_holds_waits_for_the_yes_to_this_very_bundle(store: Store, desk: Desk) -> None:
    before, reload = in_force(store, desk), reloader(store, desk, lambda bundle: "31% would end differently")
    to_tier_2(desk)
    assert reload(before) is None
    held = standing(store)
    assert (held.state, held.reason) == ("held", "31% would end differently")
    with store.writing() as db:
        reloading.asked(db, "ana", now(), yes="another")
    assert reload(before) is None
    with store.writing() as db:
        reloading.asked(db, "ana", now(), yes=held.candidate)
    assert [(taken.how, taken.who) for taken in [reload(before)] if taken] == [("reload", "ana")]


GUARD = "reload: { replay: 24h, stop_if_changed: 20% }\nconnections:"


def test_the_guard_replays_what_was_seen_and_a_start_is_no_way_around_it(program: Program, desk: Desk) -> None:
    desk.swap("ticketgate.yaml", "connections:", GUARD)
    program("-C", desk, "run", "--once")
    for n in range(4):
        desk.customer_writes(f"Fire {n}", type="incident" if n else "question")
    program("-C", desk, "run", "--once")
    desk.swap("rules/10-all.yaml", "limits: { per_ticket: 1 per 1h }", "limits: { per_ticket: 1 per 2h }")
    program("-C", desk, "run", "--once")
    assert program("-C", desk, "--format", "json", "status").lines[0]["how"] == "files", "it ends as before, so it is taken"

    to_tier_2(desk)
    dry = program("-C", desk, "reload", "--dry-run")
    assert (dry.code, "3 of 4 tickets (75 %) would have ended differently, more than 20 %" in dry.err) == (7, True), dry.all
    key = desk.customer_writes("Printer on fire")
    done = program("-C", desk, "run", "--once")
    assert desk.system().shown(key)["group"] == "tier-1"
    assert "replayed first" in done.err
    status = program("-C", desk, "status")
    assert (status.code, "NEW RULES" in status.out, "HELD: 3 of 4 tickets" in status.out) == (1, True, True)

    assert program("-C", desk, "reload", "--yes").code == 5, "no daemon is there; the yes is kept for the next"
    key = desk.customer_writes("Printer on fire")
    program("-C", desk, "run", "--once")
    assert desk.system().shown(key)["group"] == "tier-2"


@pytest.mark.parametrize("share", ["20", "20%", "0.5 %", "100%"])
def test_a_share_as_people_write_it(program: Program, desk: Desk, share: str) -> None:
    desk.swap("ticketgate.yaml", "connections:", f"reload: {{ stop_if_changed: {share} }}\nconnections:")
    assert program("-C", desk, "check").code == 0


def test_a_share_that_is_none_is_refused_with_its_place(program: Program, desk: Desk) -> None:
    desk.swap("ticketgate.yaml", "connections:", "reload: { stop_if_changed: many }\nconnections:")
    done = program("-C", desk, "check")
    assert (done.code, "a share looks like 20%" in done.out) == (1, True)


def test_a_pin_holds_against_files_and_starts_until_it_is_drawn(program: Program, store: Store, desk: Desk) -> None:
    first = in_force(store, desk)
    to_tier_2(desk)
    program("-C", desk, "run", "--once")
    second, reload = in_force(store, desk), reloader(store, desk)
    done = program("-C", desk, "rollback")
    assert (done.code, "the next start goes by" in done.err) == (5, True), "no daemon is there to be asked"
    assert "changed: route" in done.out

    taken = reload(second)
    assert isinstance(taken, Taken)
    assert (taken.bundle.hash, taken.how) == (first.hash, "rollback")
    desk.swap("rules/10-all.yaml", "tier-2", "tier-3")
    desk.swap("tests/all.test.yaml", "tier-2", "tier-3")
    assert reload(first) is None
    key = desk.customer_writes("Printer on fire")
    started = program("-C", desk, "run", "--once")
    assert f"pinned to {first.short}" in started.err
    assert desk.system().shown(key)["group"] == "tier-1"
    assert "PINNED to" in program("-C", desk, "status").out
    assert program("-C", desk, "reload").code == 7

    assert (program("-C", desk, "backfill", "--yes").code, program("-C", desk, "plan").code) == (7, 0)

    assert program("-C", desk, "rollback", "--unpin").code == 5
    key = desk.customer_writes("Printer on fire")
    program("-C", desk, "run", "--once")
    assert desk.system().shown(key)["group"] == "tier-3"
    with store.reading() as db:
        assert [f.how for f in bundles.history(db)] == ["started", "started", "started", "started"]
        assert {"rollback", "pin drawn"} <= {what for _, _, what, _ in audits.newest(db)}


def test_stages_that_the_new_rules_do_not_have_end_with_a_note(program: Program, store: Store, desk: Desk) -> None:
    desk.write("rules/20-tidy.yaml", TIDY)
    program("-C", desk, "run", "--once")
    desk.write("rules/20-tidy.yaml", TIDY.replace("3d", "4d"))
    program("-C", desk, "run", "--once")
    with store.reading() as db:
        assert [detail.partition(":")[0] for _, _, what, detail in audits.newest(db) if what == "stage ended"] == ["tidy after 3d"]


def test_a_dry_run_shows_what_would_change_and_asks_nobody(program: Program, store: Store, desk: Desk) -> None:
    same = program("-C", desk, "reload", "--dry-run")
    assert (same.code, "are these already" in same.out) == (0, True)
    to_tier_2(desk)
    desk.swap("rules/10-all.yaml", "id: acknowledge", "id: welcome")
    desk.swap("tests/all.test.yaml", "acknowledge", "welcome")
    done = program("-C", desk, "--format", "json", "reload", "--dry-run")
    assert done.code == 0
    (said,) = done.lines
    assert (said["added"], said["removed"], said["changed"]) == (["welcome"], ["acknowledge"], ["route"])
    assert standing(store).asked_at is None
    desk.swap("rules/10-all.yaml", "assign", "asign")
    assert program("-C", desk, "reload", "--dry-run").code == 3


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["rollback"], 8, "There is no bundle before"),
        (["rollback", "zzz"], 8, "There is no bundle zzz"),
        (["rollback", "--unpin"], 0, "Nothing is pinned."),
        (["rollback", "--unpin", "abc"], 2, "--unpin goes alone"),
        (["reload"], 5, "No daemon answered"),
    ],
)
def test_what_cannot_be_changed(program: Program, store: Store, desk: Desk, args: list[str], code: int, says: str) -> None:
    done = program("-C", desk, *args)
    assert (done.code, says in done.err) == (code, True), done.all


@pytest.mark.slow
def test_a_running_daemon_reloads_rolls_back_and_goes_on(program: Program, store: Store, desk: Desk, tmp_path: Path) -> None:
    """Fault row F44."""
    log = tmp_path / "log"

    def group_of_a_new_ticket() -> str:
        key = desk.customer_writes("Printer on fire")
        until(lambda: desk.system().shown(key)["group"])
        return str(desk.system().shown(key)["group"])

    with log.open("w") as file, in_background("-C", desk, "run", log=file):
        until(lambda: standing(store).beat_at)
        assert "true" in program("-C", desk, "--format", "json", "status").out.partition('"daemon":')[2][:6]
        to_tier_2(desk)
        assert program("-C", desk, "reload").code == 0
        assert group_of_a_new_ticket() == "tier-2"
        assert program("-C", desk, "rollback").code == 0
        assert group_of_a_new_ticket() == "tier-1"
        assert program("-C", desk, "rollback", "--unpin").code == 0
        assert group_of_a_new_ticket() == "tier-2"
    assert "Traceback" not in log.read_text()
