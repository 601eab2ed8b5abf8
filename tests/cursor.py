"""What reading must survive: each test here is run for every connector of the table, against its own sandbox over a real socket.

`rig` is the system, `connector` one connector to it, `desk` a whole gateway over it. A test is skipped only where people can do no
such thing in that system, or its connector's abilities say that it does not tell of it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.base import Connector
from connectors.errors import CursorExpired, Gone, NotFound, Rejected, Stale
from connectors.sandbox import Deed
from gateway.store import aliases, connections
from rules.ticket import Level
from tests.over import NAME, Over, a_gateway, offset
from tests.rigs import LONG_ENOUGH, START, Rig, a_sample, keys_of, read, some_samples

LONG_AGO = START - timedelta(days=30)


@pytest.fixture
def desk(rig: Rig, tmp_path: Path) -> Iterator[Over]:
    with a_gateway(rig, tmp_path) as one:
        yield one


def can(rig: Rig, deed: str) -> None:
    if deed not in rig.sandbox.can:
        pytest.skip(f"people do not {deed} tickets in {rig.system}")


# Pages


@pytest.mark.parametrize("page_size", [4, 7])
def test_reading_crosses_pages_and_ties_oldest_first_and_loses_nothing(rig: Rig, page_size: int) -> None:
    keys = rig.load(*some_samples(20))

    pages = read(rig.connector(page_size=page_size), LONG_AGO)

    assert set(keys_of(pages)) == set(keys)
    assert len(pages) > 1
    stamps = [t.updated_at for page in pages for t in page.tickets]
    assert stamps == sorted(stamps)
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert not [page for page in pages if page.spoilt]


def test_more_ties_than_a_page_holds_are_all_read(rig: Rig) -> None:
    keys = rig.load(*[a_sample(f"Ticket {n}", age=61) for n in range(17)], a_sample("The last", age=60))

    assert set(keys_of(read(rig.connector(page_size=5), LONG_AGO))) == set(keys)


def test_what_is_older_than_asked_for_stays_away(rig: Rig, connector: Connector) -> None:
    old, young = rig.load(a_sample("Old", age=60 * 24 * 3), a_sample("Young", age=60))

    seen = keys_of(read(connector, START - timedelta(hours=2)))

    assert young in seen
    assert old not in seen


@pytest.mark.parametrize("whole_pages", [0, 1, 2])
def test_a_reading_that_broke_off_goes_on_from_its_last_cursor(rig: Rig, whole_pages: int) -> None:
    keys = rig.load(*some_samples(20))
    reading = rig.connector(page_size=4).changed(LONG_AGO)
    first = [next(reading) for _ in range(whole_pages + 1)]

    rest = read(rig.connector(page_size=4), first[-1].cursor)

    assert set(keys_of(first)) | set(keys_of(rest)) == set(keys)


def test_the_next_poll_sees_what_happened_since_and_then_comes_to_rest(rig: Rig, connector: Connector) -> None:
    keys = rig.load(*some_samples(6))
    cursor = read(connector, LONG_AGO)[-1].cursor
    rig.later(LONG_ENOUGH)
    rig.people("set", keys[0], priority="urgent")
    rig.people("reply", keys[1], "It still fails.", by="customer")
    rig.later(LONG_ENOUGH)

    pages = read(connector, cursor)

    assert {keys[0], keys[1]} <= set(keys_of(pages))
    rig.later(LONG_ENOUGH)
    quiet = read(connector, pages[-1].cursor)
    versions = {t.ref.key: t.version for page in pages for t in page.tickets}
    assert all(versions.get(t.ref.key, connector.fetch(t.ref.key).version) == t.version for page in quiet for t in page.tickets)


def test_what_the_vendor_shows_late_is_not_lost(rig: Rig, connector: Connector) -> None:
    keys = rig.load(*some_samples(6))
    rig.later(LONG_ENOUGH)
    cursor = read(connector, LONG_AGO)[-1].cursor
    seen: Counter[str] = Counter()
    for key in keys:
        rig.people("set", key, priority="urgent")
        rig.later(timedelta(seconds=7))
        pages = read(connector, cursor)
        cursor = pages[-1].cursor
        seen.update(t.ref.key for page in pages for t in page.tickets if t.priority == Level.URGENT)
    rig.later(LONG_ENOUGH)

    seen.update(t.ref.key for page in read(connector, cursor) for t in page.tickets if t.priority == Level.URGENT)

    assert set(seen) == set(keys)


def test_tickets_that_move_between_pages_are_seen_as_they_end(rig: Rig) -> None:
    keys = rig.load(*some_samples(16))
    rig.later(LONG_ENOUGH)
    connector = rig.connector(page_size=4)
    last_seen: dict[str, str] = {}
    cursor = None
    for n, page in enumerate(connector.changed(LONG_AGO)):
        last_seen |= {t.ref.key: t.version for t in page.tickets}
        cursor = page.cursor
        if n < 4:
            rig.later()
            rig.people("set", keys[n], priority="urgent")
            rig.people("set", keys[-1 - n], priority="low")
    rig.later(LONG_ENOUGH)
    assert cursor is not None

    for page in connector.changed(cursor):
        last_seen |= {t.ref.key: t.version for t in page.tickets}

    assert last_seen == {key: connector.fetch(key).version for key in keys}


def test_a_cursor_of_somebody_else_is_refused_and_not_misread(rig: Rig, connector: Connector) -> None:
    rig.load(*some_samples(3))

    with pytest.raises((CursorExpired, Rejected, Stale, ValueError, Exception)) as refused:
        read(connector, "not/a cursor of anybody")  # type: ignore[arg-type]

    assert type(refused.value).__module__ == "connectors.errors"


def test_two_thousand_changes_in_one_second_are_all_read(rig: Rig) -> None:
    """Fault row F33."""
    keys = rig.load(*[a_sample(f"Ticket {n}", age=61) for n in range(2000)])

    pages = read(rig.connector(page_size=100), LONG_AGO)

    assert set(keys_of(pages)) == set(keys)
    assert 20 <= len([page for page in pages if page.tickets]) <= 22, "each page is read once, and none holds all of them"


@pytest.mark.parametrize("border", [1, 2, 3, 4, 5])
def test_equal_stamps_across_any_page_border_lose_and_double_nothing(rig: Rig, border: int) -> None:
    ages = [70.0] * (4 - border % 4) + [65.0] * 5 + [60.0] * 3
    keys = rig.load(*[a_sample(f"Ticket {n}", age=age) for n, age in enumerate(ages)])

    seen = keys_of(read(rig.connector(page_size=4), LONG_AGO))

    assert sorted(seen) == sorted(keys)


def test_what_happens_to_the_next_page_while_this_one_is_read_is_seen(rig: Rig) -> None:
    """Fault row F32."""
    keys = rig.load(*some_samples(12))
    rig.later(LONG_ENOUGH)
    reading = rig.connector(page_size=4).changed(LONG_AGO)
    first = next(reading)
    rig.people("delete", keys[5])
    rig.people("set", keys[6], priority="urgent")
    rest = list(reading)
    rig.later(LONG_ENOUGH)

    seen = keys_of([first, *rest, *read(rig.connector(page_size=4), rest[-1].cursor)])

    assert {key for key in keys if key != keys[5]} <= set(seen)


# Clocks


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_of_theirs_that_differs_from_ours_loses_nothing(rig: Rig, tmp_path: Path, minutes: int) -> None:
    """Fault row F35."""
    keys = rig.load(*some_samples(3))
    with a_gateway(rig, tmp_path, local=offset(rig, timedelta(minutes=minutes))) as desk:
        desk.round()
        for key in keys[:2]:
            rig.people("set", key, priority="urgent")
            desk.round(timedelta(seconds=20))
        desk.round()

        for key in keys:
            seen = desk.seen(key)
            assert seen is not None
            assert seen.version == desk.connector.fetch(key).version


MADE = """
version: 1
rules:
  - { id: greet, when: created, then: [{ note: { text: "It is new." } }] }
"""


@pytest.mark.parametrize("seconds", [-600, -20, 0, 20, 600])
def test_what_is_made_right_after_the_first_read_is_news_and_what_was_there_before_is_not(rig: Rig, tmp_path: Path, seconds: int) -> None:
    """However late, or early, their clock is. The system must say what time it has."""
    if rig.served is None:
        pytest.skip("memory tells no time of its own")
    rig.served.switches.set(rig.sandbox, {"clock_offset": seconds})
    with a_gateway(rig, tmp_path, MADE) as desk:
        old = _made_now(rig)
        rig.later(timedelta(seconds=3))
        desk.gateway.signals.poll(NAME, desk.gateway.cycle.book)
        rig.later(timedelta(seconds=3))
        new = _made_now(rig)
        desk.round()
        desk.round()
        assert [row.action.rule for row in desk.actions(new)] == ["greet"]
        assert desk.actions(old) == []


def _made_now(rig: Rig) -> str:
    """By their clock."""
    assert rig.served is not None
    return rig.served.people(Deed(kind="create", by="customer", sample=replace(a_sample(), created_at=rig.sandbox.clock())))


ZONES = {"jira": "account_zone"}
"""The account's zone is part of what is asked and answered in Jira alone: all others speak UTC, whatever the account is set to."""


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/St_Johns"])
def test_the_zone_of_our_account_shifts_nothing(rig: Rig, zone: str) -> None:
    """Fault row F34."""
    if rig.system in ZONES:
        rig.sandbox = type(rig.sandbox)(rig.clock, **{ZONES[rig.system]: zone})
        assert rig.served is not None
        rig.served.sandbox = rig.sandbox
    _, *young = rig.load(*(a_sample(f"{age} minutes old", age=age) for age in (90, 80, 70, 50)))

    tickets = [t for page in read(rig.connector(), START - timedelta(minutes=80)) for t in page.tickets]

    assert [t.ref.key for t in tickets] == young, "from that very moment on"
    assert [t.updated_at for t in tickets] == [START - timedelta(minutes=age) for age in (80, 70, 50)]


def test_changes_under_one_stamp_of_theirs_are_all_seen_however_often_we_ask_within_it(rig: Rig, connector: Connector) -> None:
    """Fault row F34: stamps of whole minutes, and a poll between any two changes of a minute."""
    if rig.served is None:
        pytest.skip("memory counts its changes and goes by no stamp")
    keys = rig.load(*some_samples(5))
    rig.later(LONG_ENOUGH)
    rig.served.switches.set(rig.sandbox, {"truncate_timestamps": "minute"})
    cursor, seen = read(connector, LONG_AGO)[-1].cursor, set[str]()
    for key in (*reversed(keys), None):  # the ids go down while the stamp stays
        if key is not None:
            rig.people("set", key, priority="urgent")
            getattr(rig.sandbox, "catch_up", list)()  # an index that lags is told at once: it would show them all together
        rig.later(timedelta(seconds=11) if key is not None else LONG_ENOUGH)
        pages = read(connector, cursor)
        cursor = pages[-1].cursor
        seen |= {t.ref.key for page in pages for t in page.tickets if t.priority == Level.URGENT}

    assert seen == set(keys)


# The cursor in the store


def test_a_cursor_that_the_vendor_forgot_begins_again_at_the_watermark(rig: Rig, desk: Over) -> None:
    """Fault row F31: at the newest stamp that was seen, and not at the very beginning."""
    keys = rig.load(*(a_sample(f"Old {n}", age=60 * 24) for n in range(5)), *some_samples(4))[5:]
    desk.round()
    rig.people("set", keys[0], priority="urgent")
    with desk.gateway.store.writing() as db:
        connections.moved(db, NAME, "not/a cursor of anybody", None, rig.clock())

    rig.later(LONG_ENOUGH)
    assert desk.gateway.signals.poll(NAME, desk.gateway.cycle.book).read <= 4
    desk.round()

    seen = desk.seen(keys[0])
    assert seen is not None
    assert seen.version == desk.connector.fetch(keys[0]).version


def test_a_page_and_the_cursor_behind_it_are_stored_together(rig: Rig, tmp_path: Path) -> None:
    keys = rig.load(*some_samples(10))
    with a_gateway(rig, tmp_path, page_size=4) as desk:

        def fails(name: str) -> None:
            if name == "after-poll":
                raise RuntimeError("killed")

        object.__setattr__(desk.gateway.house, "points", fails)
        desk.gateway.daemon().once()
    with a_gateway(rig, tmp_path, page_size=4) as desk:
        desk.round()

        assert [key for key in keys if desk.seen(key) is None] == []


# What is no more


def test_a_deleted_ticket_becomes_a_tombstone_and_is_never_taken_for_closed(rig: Rig, desk: Over) -> None:
    """Fault row F38."""
    keys = rig.load(*some_samples(3))
    desk.round()
    rig.people("delete", keys[1])
    for _ in range(3):
        desk.round()

    assert [key for key in keys if desk.is_gone(key)] == [keys[1]]
    assert rig.effects() == [], "deletion is no change of status"
    with pytest.raises(NotFound):
        desk.connector.fetch(keys[1])


def test_a_merged_ticket_leads_to_the_one_that_goes_on(rig: Rig, desk: Over) -> None:
    """Fault row F38."""
    can(rig, "merge")
    duplicate, original = rig.load(*some_samples(2))
    rig.people("set", duplicate, priority="high")
    desk.round()
    rig.people("merge", duplicate, into=original)
    for _ in range(2):
        desk.round()

    assert desk.is_gone(duplicate)
    assert not desk.is_gone(original)
    with desk.gateway.store.reading() as db:
        way = aliases.led_to(db, desk.ref(duplicate))
    assert [(step.how, step.into) for step in way] == [("merged", desk.ref(original))]
    assert rig.effects() == [], "the rules saw it close"
    with pytest.raises(Gone) as gone:
        desk.connector.fetch(duplicate)
    assert (gone.value.how, gone.value.into) == ("merged", original)


def test_a_ticket_that_moved_goes_on_under_its_new_key(rig: Rig, tmp_path: Path) -> None:
    """Fault row F38."""
    can(rig, "move")
    projects = {"project": ["CORE", "WEB"]} if rig.system == "jira" else {}
    (old,) = rig.load(a_sample("Wrong project", status="open"))
    with a_gateway(rig, tmp_path, **projects) as desk:
        desk.round()
        rig.people("set", old, status="resolved")
        desk.round()
        assert [e.kind for e in rig.effects()] == ["note"]
        new = rig.people("move", old, into="WEB")
        rig.people("set", new, priority="urgent")
        for _ in range(2):
            desk.round()

        seen, before = desk.seen(new), desk.seen(old)
        with desk.gateway.store.reading() as db:
            way = aliases.led_to(db, desk.ref(old))
        assert before is None
        assert seen is not None
        assert seen.ticket is not None
        assert (seen.ticket.ref, seen.ticket.priority) == (desk.ref(new), Level.URGENT)
        assert [row.action.rule for row in desk.actions(new)] == ["said-on-closing"]  # type: ignore[union-attr]
        assert [(step.how, step.into) for step in way] == [("moved", desk.ref(new))]
        assert [e.kind for e in rig.effects()] == ["note"], "the move was news"


def test_a_ticket_that_moved_before_it_is_looked_at_is_found_by_its_old_key(rig: Rig, tmp_path: Path) -> None:
    can(rig, "move")
    projects = {"project": ["CORE", "WEB"]} if rig.system == "jira" else {}
    (old,) = rig.load(a_sample("Wrong project", status="open"))
    with a_gateway(rig, tmp_path, **projects) as desk:
        new = rig.people("move", old, into="WEB")

        with pytest.raises(Gone) as gone:
            desk.connector.fetch(old)

        assert (gone.value.how, gone.value.into) == ("moved", new)


def test_what_was_to_be_written_to_a_ticket_that_is_no_more_failed_for_that_reason(rig: Rig, desk: Over) -> None:
    """Fault row F38."""
    keys = rig.load(*some_samples(2, status="open"))
    desk.round()
    rig.people("set", keys[0], status="resolved")
    rig.later(LONG_ENOUGH)
    ticket = desk.connector.fetch(keys[0])
    cycle, ledger = desk.gateway.cycle, desk.gateway.house.ledger
    observation = cycle.observe(ticket)
    ledger.intend(cycle.book.evaluate(observation), observation, "a-pass")
    rig.people("delete", keys[0])
    for _ in range(3):
        desk.round()

    assert rig.effects() == []
    (row,) = desk.actions(keys[0])
    assert (row.state, "deleted" in (row.reason or "") or "not" in (row.reason or "")) == ("failed", True)


def test_a_ticket_that_moved_and_ended_before_we_looked_there_is_forgotten_under_its_old_key_too(rig: Rig, tmp_path: Path) -> None:
    """Fault row F38: the system only ever tells of the key that it had last."""
    can(rig, "move")
    projects = {"project": ["CORE", "WEB"]} if rig.system == "jira" else {}
    old, _ = rig.load(*some_samples(2))
    with a_gateway(rig, tmp_path, **projects) as desk:
        desk.round()
        new = rig.people("move", old, into="WEB")
        rig.people("delete", new)
        for _ in range(3):
            desk.round()

        assert desk.is_gone(old)
        assert desk.seen(new) is None


def test_a_ticket_that_was_deleted_while_it_waited_is_never_looked_at(rig: Rig, desk: Over) -> None:
    """Fault row F38."""
    rig.load(*some_samples(2))
    desk.round()
    new = str(rig.sandbox.people(Deed(kind="create", by="customer", sample=replace(a_sample("New"), created_at=rig.clock()))))
    rig.later(LONG_ENOUGH)
    desk.gateway.signals.poll(NAME, desk.gateway.cycle.book)
    rig.people("delete", new)
    rig.later(LONG_ENOUGH)
    desk.gateway.signals.poll(NAME, desk.gateway.cycle.book)
    for _ in range(3):
        desk.round()

    assert desk.seen(new) is None or desk.is_gone(new)
