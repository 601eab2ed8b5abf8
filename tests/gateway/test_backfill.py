"""Backfill and saved plans: counts that add up, no work done twice, silence towards customers, and a brake."""

import contextlib
import itertools
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import CodeType, FrameType

import pytest

from connectors.errors import InDoubt, Rejected, Stale, Transient, Unsupported
from connectors.memory import Failure
from connectors.sandbox import Deed, Sample
from gateway import saved
from gateway.backfill import NoSuchRun
from gateway.brake import Refused
from gateway.counting import Counts
from gateway.judging import Asked
from gateway.patient import pages
from gateway.retrying import Patience
from gateway.saved import NotAPlan
from gateway.store import actions, parked, runs, tickets
from gateway.store.opening import Store
from rules.ticket import TicketRef
from tests.gateway.memory_desk import START, Office, an_office
from tests.rigs import LONG_ENOUGH, rigged, served, some_samples

ASKED = Asked(connections=("desk",))


def load(office: Office, count: int, **fields: object) -> list[str]:
    made = START - timedelta(days=2)
    samples = [Sample(**{"subject": f"Old {n}", "body": "", "created_at": made + timedelta(minutes=n), **fields}) for n in range(count)]
    return office.systems["desk"].load(samples)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with an_office(tmp_path, page_size=10, brake=1000) as office:
        yield office


def run(office: Office, asked: Asked = ASKED, **more: object) -> Counts:
    return office.gateway.backfill.go_on(office.gateway.backfill.begin(asked), **more)


def test_every_ticket_is_counted_once_and_customers_hear_nothing(office: Office) -> None:
    load(office, 25)
    load(office, 5, group="tier-2")
    counts = run(office)
    assert (counts.seen, counts.changed, counts.unchanged) == (30, 25, 5)
    assert counts.actions == {"fields": 25}
    assert {e.kind for e in office.effects()} == {"update"}


def test_a_signal_right_behind_the_begin_of_a_transaction_keeps_no_lock(office: Office) -> None:
    """Python hands a signal over between any two calls: also after BEGIN, when no `with` minds the transaction yet."""
    load(office, 25)
    begun = office.gateway.backfill.begin(ASKED)
    opens, entered = Store.writing.__wrapped__.__code__, contextlib._GeneratorContextManager.__enter__.__code__  # type: ignore[attr-defined]
    left = list[CodeType]()

    def signal(frame: FrameType, event: str, _told: object) -> None:
        if event == "return":
            left[:] = [frame.f_code]
        elif event == "c_return" and left == [opens] and frame.f_code is entered:
            raise KeyboardInterrupt

    def armed(counts: Counts) -> None:
        if counts.seen >= 10:
            sys.setprofile(signal)

    with pytest.raises(KeyboardInterrupt):
        office.gateway.backfill.go_on(begun, armed)

    again = office.gateway.backfill.found(begun.id)
    assert again.state == "interrupted"
    assert office.gateway.backfill.go_on(again).seen == 25


def test_batches_smaller_than_a_page_are_counted_once_and_go_on_from_where_they_were(office: Office) -> None:
    """An interruption between two batches of one page: what was counted before is not judged again."""
    load(office, 25)
    backfill, seen = office.gateway.backfill, list[int]()
    begun = backfill.begin(Asked(connections=("desk",), batch=4))

    def interrupted(counts: Counts) -> None:
        seen.append(counts.seen)
        if counts.seen == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backfill.go_on(begun, interrupted)
    writes = len(office.effects())
    counts = backfill.go_on(backfill.found(begun.id), lambda c: seen.append(c.seen))
    assert (counts.seen, counts.changed, counts.failed) == (25, 25, 0)
    assert (seen[:2], seen[-1]) == ([4, 8], 25)
    assert all(0 <= after - before <= 4 for before, after in itertools.pairwise(seen))
    assert (writes, len(office.effects())) == (8, 25)


def test_a_second_run_changes_nothing(office: Office) -> None:
    load(office, 25)
    run(office)
    before = len(office.effects())
    counts = run(office)
    assert (counts.changed, counts.unchanged, len(office.effects())) == (0, 25, before)


def test_replies_go_out_when_asked_for_and_never_twice(office: Office) -> None:
    load(office, 5)
    asked = Asked(connections=("desk",), replies=True)
    run(office, asked)
    run(office, asked)
    office.round()
    assert len(office.effects(kind="reply")) == 5


def test_the_live_path_still_adopts_what_a_backfill_saw(office: Office) -> None:
    load(office, 5)
    run(office)
    before = len(office.effects())
    office.round()
    office.round()
    assert len(office.effects()) == before
    with office.gateway.store.reading() as db:
        assert {looked for _, looked in tickets.versions(db, "desk", [f"M-{n}" for n in range(1, 6)]).values()} == {True}


def test_a_ticket_made_after_the_first_read_is_still_greeted_when_a_backfill_saw_it_first(office: Office) -> None:
    office.round()
    office.customer_writes("New")
    run(office)
    assert office.effects(kind="reply") == []
    office.round()
    assert len(office.effects(kind="reply")) == 1


def test_what_is_skipped_says_why(office: Office) -> None:
    keys = load(office, 4)
    office.systems["desk"].spoil(keys[0], status="-100")
    office.systems["desk"].spoil(keys[1], created_at="yesterday")
    office.edit(TicketRef("desk", keys[2]), priority="high")
    counts = run(office, Asked(connections=("desk",), until=START - timedelta(hours=1)))
    assert counts.skipped == {"unknown status": 1, "unreadable": 1, "changed later": 1}
    assert (counts.seen, counts.changed) == (4, 1)
    with office.gateway.store.reading() as db:
        assert {p.kind for p in parked.all_of(db)} == {"word", "unreadable"}


def test_failed_and_pending_are_counted_apart(office: Office) -> None:
    load(office, 4)
    office.connectors["desk"].failures += [
        Failure(Rejected("desk", "422"), "update"),
        Failure(InDoubt("desk", "lost"), "update", after=True),
        Failure(Unsupported("desk", "fetch"), "fetch"),
    ]
    counts = run(office)
    assert (counts.failed, counts.pending, counts.changed) == (1, 1, 2)


def test_somebody_who_was_faster_is_judged_anew(office: Office) -> None:
    (key,) = load(office, 1)
    office.connectors["desk"].failures.append(Failure(Stale("desk", "409"), "update"))
    assert run(office).changed == 1
    assert office.shown(TicketRef("desk", key))["group"] == "tier-1"


def test_a_silent_system_ends_the_run_and_it_can_go_on(office: Office) -> None:
    load(office, 25)
    office.connectors["desk"].failures += [Failure(Transient("desk", "503", retry_after=600.0), "update")]
    backfill = office.gateway.backfill
    begun = backfill.begin(ASKED)
    with pytest.raises(Transient):
        backfill.go_on(begun)
    counts = backfill.go_on(backfill.found(begun.id))
    assert (counts.seen, counts.changed) == (25, 25)
    assert len(office.effects()) == 25
    with pytest.raises(NoSuchRun):
        backfill.found(begun.id)


def test_a_system_that_wants_a_rest_between_pages_is_given_it_and_reading_goes_on(office: Office) -> None:
    load(office, 25)
    rests = [Failure(Transient("desk", "429", retry_after=41.0), "changed"), Failure(Transient("desk", "500"), "changed")]
    office.connectors["desk"].failures += rests
    counts = run(office)
    assert (counts.seen, counts.changed) == (25, 25)
    assert office.hands.slept == [41.0, 1.0]


def test_a_dry_run_that_had_to_rest_shows_each_ticket_once() -> None:
    with served("jira") as port, rigged("jira", port) as rig:
        keys = rig.load(*some_samples(9))
        rig.later(LONG_ENOUGH)
        reading = pages(rig.connector(page_size=3), START - timedelta(days=30), Patience(sleep=lambda _: None))

        first = next(reading)
        rig.fault("status", status=429, headers={"retry-after": "30"})

        assert sorted(t.ref.key for page in (first, *reading) for t in page.tickets) == sorted(keys)


def test_a_system_that_is_silent_again_and_again_or_wants_an_hour_ends_the_run(office: Office) -> None:
    load(office, 5)
    for failures in ([Transient("desk", "429", retry_after=3600.0)], [Transient("desk", "503")] * 5):
        office.connectors["desk"].failures += [Failure(error, "changed") for error in failures]
        with pytest.raises(Transient):
            run(office)
    assert run(office).changed == 5


RAISES = """version: 1
rules:
  - id: one-up
    when: created
    then: [{ raise_priority: { by: 1, up_to: urgent } }, { note: { text: Raised } }]
"""


def test_a_run_that_was_interrupted_within_a_ticket_decides_it_once(tmp_path: Path) -> None:
    with an_office(tmp_path, RAISES) as office:
        ref = office.customer_writes(priority="low")
        office.hands.move(hours=1)
        office.connectors["desk"].failures += [Failure(Transient("desk", "503", retry_after=900.0), "comment")]
        run = office.gateway.backfill.begin(ASKED)
        with pytest.raises(Transient):
            office.gateway.backfill.go_on(run)
        office.hands.move(hours=1)
        counts = office.gateway.backfill.go_on(office.gateway.backfill.found(run.id))
        assert office.shown(ref)["priority"] == "normal"
        assert [c["text"] for c in office.shown(ref)["comments"]] == ["Raised"]
        assert (counts.seen, counts.changed) == (1, 1)


def test_what_a_run_changed_and_the_vendor_shows_no_more_is_counted_all_the_same(tmp_path: Path) -> None:
    with an_office(tmp_path, RAISES) as office:
        first, second = load(office, 2, priority="low")
        office.connectors["desk"].failures += [Failure(Transient("desk", "503", retry_after=900.0), "comment")]
        run = office.gateway.backfill.begin(ASKED)
        with pytest.raises(Transient):
            office.gateway.backfill.go_on(run)
        office.hands.move(hours=1)
        begun = next(key for key in (first, second) if office.shown(TicketRef("desk", key))["priority"] == "normal")
        counts = Counts()
        office.gateway.cycle.settle(TicketRef("desk", begun))
        office.systems["desk"].people(Deed(kind="delete", key=begun))
        counts = office.gateway.backfill.go_on(office.gateway.backfill.found(run.id))
        assert (counts.seen, counts.changed) == (2, 2)


QUIET = """version: 1
rules:
  - { id: never, when: created, if: { priority: urgent }, then: [{ note: { text: Urgent } }] }
"""


def test_a_quiet_ticket_that_comes_round_again_is_counted_once(tmp_path: Path) -> None:
    with an_office(tmp_path, QUIET, page_size=1) as office:
        keys = load(office, 2, priority="low")
        touched: list[str] = []

        def progress(counts: Counts) -> None:
            if not touched:
                office.hands.move(minutes=1)
                touched.append(office.systems["desk"].people(Deed(kind="set", key=keys[0], fields={"priority": "normal"})))

        counts = office.gateway.backfill.go_on(office.gateway.backfill.begin(ASKED), progress)
        assert touched == [keys[0]]
        assert (counts.seen, counts.unchanged) == (2, 2)


def test_ctrl_c_leaves_a_run_that_goes_on_where_it_was(office: Office) -> None:
    load(office, 45)
    pages = []

    def watched(counts: Counts) -> None:
        pages.append(counts.seen)
        if len(pages) == 2:
            raise KeyboardInterrupt

    backfill = office.gateway.backfill
    begun = backfill.begin(ASKED)
    with pytest.raises(KeyboardInterrupt):
        backfill.go_on(begun, watched)
    with office.gateway.store.reading() as db:
        kept = runs.found(db, begun.id)
    assert kept is not None
    assert (kept.state, kept.counts["seen"]) == ("interrupted", 20)

    counts = backfill.go_on(backfill.found(begun.id))
    assert (counts.seen, counts.changed, len(office.effects())) == (45, 45, 45)


def test_the_brake_stops_before_the_page_that_goes_too_far(tmp_path: Path) -> None:
    with an_office(tmp_path, page_size=10, brake=15) as office:
        load(office, 30)
        backfill = office.gateway.backfill
        begun = backfill.begin(ASKED)
        with pytest.raises(Refused, match=f"--resume {begun.id}"):
            backfill.go_on(begun)
        assert len(office.effects()) == 10
        with office.gateway.store.reading() as db:
            kept = runs.found(db, begun.id)
        assert kept is not None
        assert kept.state == "held"
        counts = backfill.go_on(backfill.found(begun.id), max_changes=100)
        assert (counts.changed, len(office.effects())) == (30, 30)


def test_a_dry_run_writes_nothing_at_all(office: Office, tmp_path: Path) -> None:
    load(office, 12)
    counts = Counts()
    plans = list(office.gateway.backfill.plans(ASKED, counts))
    assert (len(plans), counts.seen, counts.changed) == (12, 12, 12)
    assert office.effects() == []
    with office.gateway.store.reading() as db:
        assert (tickets.counts(db), actions.counts(db), runs.newest(db)) == ({}, {}, [])


def test_a_rule_by_name_is_asked_alone(office: Office) -> None:
    load(office, 3)
    counts = run(office, Asked(connections=("desk",), rule="acknowledge", replies=True))
    assert counts.changed == 3
    assert {e.kind for e in office.effects()} == {"reply"}


def plan_file(office: Office, path: Path) -> int:
    return saved.write(path, office.gateway.backfill.plans(Asked(connections=("desk",), replies=True), Counts()))


def test_a_saved_plan_is_carried_out_as_it_was_read_and_only_once(office: Office, tmp_path: Path) -> None:
    load(office, 12)
    path = tmp_path / "monday.plan"
    assert plan_file(office, path) == 12

    counts = office.gateway.saved.apply(saved.read(path))
    assert (counts.changed, len(office.effects())) == (12, 24)
    again = office.gateway.saved.apply(saved.read(path))
    assert (again.changed, again.unchanged, len(office.effects())) == (0, 12, 24)


def test_without_replies_the_rest_of_the_plan_is_carried_out(office: Office, tmp_path: Path) -> None:
    load(office, 3)
    plan_file(office, tmp_path / "p")
    counts = office.gateway.saved.apply(saved.read(tmp_path / "p"), replies=False)
    assert (counts.changed, counts.replies_left_out, len(office.effects())) == (3, 3, 3)


def test_a_ticket_that_moved_on_is_skipped_and_counted(office: Office, tmp_path: Path) -> None:
    keys = load(office, 40)
    plan_file(office, tmp_path / "p")
    office.edit(TicketRef("desk", keys[0]), group="elsewhere")
    counts = office.gateway.saved.apply(saved.read(tmp_path / "p"))
    assert (counts.changed, counts.skipped.total()) == (39, 1)
    assert office.shown(TicketRef("desk", keys[0]))["group"] == "elsewhere"


def test_a_plan_of_which_too_much_moved_is_refused_whole(office: Office, tmp_path: Path) -> None:
    keys = load(office, 20)
    plan_file(office, tmp_path / "p")
    for key in keys[:2]:
        office.edit(TicketRef("desk", key), priority="high")
    with pytest.raises(Refused, match="stale"):
        office.gateway.saved.apply(saved.read(tmp_path / "p"))
    assert office.effects() == []


def test_a_plan_beyond_the_brake_is_refused(tmp_path: Path) -> None:
    with an_office(tmp_path, brake=2) as office:
        load(office, 3)
        plan_file(office, tmp_path / "p")
        with pytest.raises(Refused, match="--max-changes 3"):
            office.gateway.saved.apply(saved.read(tmp_path / "p"))
        assert office.gateway.saved.apply(saved.read(tmp_path / "p"), max_changes=3).changed == 3


@pytest.mark.parametrize("damage", ["", "{}", "not json\n", '{"type":"version","format":"2.0"}\n'])
def test_a_file_that_is_no_plan_is_refused_with_its_line(tmp_path: Path, damage: str) -> None:
    (tmp_path / "p").write_text(damage)
    with pytest.raises(NotAPlan):
        saved.read(tmp_path / "p")


def test_a_plan_file_that_was_cut_is_refused(office: Office, tmp_path: Path) -> None:
    load(office, 3)
    plan_file(office, tmp_path / "p")
    lines = (tmp_path / "p").read_bytes().splitlines(keepends=True)
    (tmp_path / "p").write_bytes(b"".join(lines[:-2]))
    with pytest.raises(NotAPlan, match="not whole"):
        saved.read(tmp_path / "p")
