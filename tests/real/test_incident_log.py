"""A real log of incidents, served by the sandbox as of a moment and played on, read through the connector over a real socket."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Custom
from connectors.servicenow.connector import ServiceNowConnector
from connectors.servicenow.incident_log import STATES, IncidentLog
from connectors.servicenow.sandbox import ServiceNowSandbox
from connectors.servicenow.settings import ServiceNowSettings
from gateway.assemble import Gateway, put_together
from gateway.config import Config
from gateway.counting import Counts
from gateway.judging import Asked
from gateway.retrying import Patience
from gateway.sandbox.host import in_thread
from rules.bundle import Desk
from rules.reader import check
from rules.ticket import Level, Status, Ticket
from tests.gateway.memory_desk import Hands, no_holidays

DATA = os.environ.get("TICKETGATE_REAL_DATA")
LOGS = sorted((Path(DATA) / "tickets").glob("*incident*.csv.gz")) if DATA else []
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
OURS = {
    "New": Status.NEW,
    "Active": Status.OPEN,
    "Awaiting User Info": Status.PENDING,
    "Awaiting Problem": Status.ON_HOLD,
    "Awaiting Vendor": Status.ON_HOLD,
    "Awaiting Evidence": Status.ON_HOLD,
    "Resolved": Status.RESOLVED,
    "Closed": Status.CLOSED,
}
LEVELS = {"1": Level.URGENT, "2": Level.HIGH, "3": Level.NORMAL, "4": Level.LOW}

RULES = """
version: 1
rules:
  - id: urgent-ones
    when: created
    if: { status: new, priority: urgent }
    then:
      - assign: { group: major-incident }
      - tag: { add: [seen] }
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LOGS, reason="TICKETGATE_REAL_DATA names no folder with tickets/*incident*.csv.gz"),
]


@pytest.fixture(params=LOGS, ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


class Served:
    """The instance, its log, and a connector to it."""

    def __init__(self, path: Path, as_of: Any) -> None:
        self.sandbox = ServiceNowSandbox(lambda: datetime(2026, 3, 2, 12, tzinfo=UTC))
        self.log: IncidentLog = self.sandbox.load_log(path, as_of)
        self.it: ServiceNowConnector

    def read(self, since: Any = LONG_AGO, connector: ServiceNowConnector | None = None) -> tuple[list[Ticket], Any]:
        tickets: list[Ticket] = []
        for page in (connector or self.it).changed(since):
            assert page.spoilt == ()
            tickets += page.tickets
        return tickets, page.cursor


@contextmanager
def served(path: Path, as_of: Any, custom: tuple[Custom, ...] = ()) -> Iterator[Served]:
    one = Served(path, as_of)
    with in_thread(one.sandbox) as hosted:
        own = ServiceNowSettings(url=one.sandbox.url(), via=hosted["servicenow"].address, sign_in=one.sandbox.sign_in())
        one.it = ServiceNowConnector.opened("log", own, custom)
        try:
            yield one
        finally:
            one.it.close()


def _middle(path: Path) -> datetime:
    """A moment at which about half of the log's incidents have begun."""
    log = Served(path, "end").log
    begun = sorted(log.event(number, 0)["sys_updated_at"] for number in log.numbers)
    return datetime.fromisoformat(begun[len(begun) // 2]).replace(tzinfo=UTC)


def final(log: IncidentLog) -> dict[str, tuple[Any, ...]]:
    """How each incident ends, straight from the last row that the file has of it."""
    return {number: _told(log.event(number)) for number in log.numbers}


def _told(row: dict[str, str]) -> tuple[Any, ...]:
    group, person = row["assignment_group"], row["assigned_to"]
    name = f"Group {group}" if group else None
    address = f"resolver.{person}@example.com" if person else None
    return OURS.get(row["incident_state"]), LEVELS[row["priority"]], name, address, row["sys_mod_count"]


def read_as(ticket: Ticket) -> tuple[Any, ...]:
    address = ticket.assignee.email if ticket.assignee else None
    return ticket.status, ticket.priority, ticket.group, address, ticket.version.partition("@")[0]


def test_every_incident_is_read_once_with_its_final_state(path: Path) -> None:
    with served(path, "end") as one:
        tickets, cursor = one.read()

        assert Counter(t.shown_as for t in tickets) == Counter(one.log.numbers)
        assert {str(t.shown_as): read_as(t) for t in tickets} == final(one.log)
        again, _ = one.read(cursor)
        assert {t.ref: t.version for t in again}.items() <= {t.ref: t.version for t in tickets}.items()


def test_many_incidents_share_a_minute_across_the_borders_of_pages(path: Path) -> None:
    with served(path, "end") as one:
        ties = Counter(t.updated_at for t in one.read()[0]).most_common(1)[0][1]
        assert ties > 4, "no moment has several changes: this log does not test what it should"
        own = one.it._settings.model_copy(update={"page_size": ties // 3})

        tickets, _ = one.read(LONG_AGO, ServiceNowConnector("log", own, (), one.it._session))

        assert Counter(t.shown_as for t in tickets) == Counter(one.log.numbers)


def test_following_the_log_by_polls_gives_the_final_state_of_each(path: Path) -> None:
    whole = Served(path, "end").log
    first = min(datetime.fromisoformat(whole.event(number)["sys_updated_at"]).replace(tzinfo=UTC) for number in whole.numbers)
    with served(path, first) as one:
        last = whole.last
        tickets, cursor = one.read()
        seen = {str(t.shown_as): t for t in tickets}
        moment = first
        while moment < last:
            moment += timedelta(days=9, hours=7)
            one.sandbox.advance(moment)
            tickets, cursor = one.read(cursor)
            seen |= {str(t.shown_as): t for t in tickets}

        assert {number: read_as(t) for number, t in seen.items()} == final(one.log)
        rest, _ = one.read(cursor)
        assert all(seen[str(t.shown_as)] == t for t in rest)


def test_beginning_at_each_first_event_and_playing_on_misses_none(path: Path) -> None:
    with served(path, "first") as one:
        tickets, cursor = one.read()
        assert Counter(t.shown_as for t in tickets) == Counter(one.log.numbers)
        assert {str(t.shown_as): read_as(t) for t in tickets} == {n: _told(one.log.event(n, 0)) for n in one.log.numbers}

        one.sandbox.advance(one.log.last)
        later, _ = one.read(cursor)

        seen = {str(t.shown_as): t for t in (*tickets, *later)}
        assert {number: read_as(t) for number, t in seen.items()} == final(one.log)


def test_what_is_only_known_later_is_blank(path: Path) -> None:
    with served(path, _middle(path)) as one:
        records = one.sandbox.desk.incidents.records.values()

        early = [r for r in records if r["state"] not in ("6", "7")]
        assert early
        assert not [r for r in early if r.get("resolved_at") or r.get("resolved_by") or r.get("close_code") or r.get("closed_at")]
        assert not [r for r in records if r["state"] == "6" and r.get("closed_at")]
        assert not [t for t in one.read()[0] if t.resolution and t.status not in (Status.RESOLVED, Status.CLOSED)]


def test_unknown_words_are_named_and_counted_and_never_guessed(path: Path) -> None:
    with served(path, "end") as one:
        rows = [one.log.event(n, at) for n in one.log.numbers for at in range(one.log.count(n))]
        strange = sorted({(row["sys_updated_at"], row["incident_state"]) for row in rows if row["incident_state"] not in STATES})
    for stamp, word in strange[:1]:
        with served(path, datetime.fromisoformat(stamp).replace(tzinfo=UTC)) as one:
            tickets, _ = one.read()

            unread = Counter((field, said) for t in tickets for field, said in t.unread.items())
            now = [r for r in one.sandbox.desk.incidents.records.values() if r["state"] == word]
            assert unread["status", word] == len(now) > 0
            assert all(t.status is None for t in tickets if t.unread.get("status"))
            assert {field for field, _ in unread} <= {"status", "channel"}


def test_the_audit_tells_the_states_that_the_log_passed_through(path: Path) -> None:
    with served(path, "end") as one:
        number = max(one.log.numbers, key=one.log.count)
        states = [OURS.get(one.log.event(number, at)["incident_state"]) for at in range(one.log.count(number))]
        (key,) = [k for k, r in one.sandbox.desk.incidents.records.items() if r["number"] == number]

        changes = [c for c in one.it.history(key) if c.field == "status"]

        passed = [a for a, b in zip(states, [None, *states], strict=False) if a != b]
        assert [changes[0].before, *(c.after for c in changes)] == passed
        assert [c.at for c in changes] == sorted(c.at for c in changes)


@contextmanager
def gateway_over(one: Served, folder: Path, more: str = "") -> Iterator[tuple[Gateway, Hands]]:
    """A gateway with routing rules, and `more` definitions, over the log, an hour after its last event."""
    able, names = ServiceNowConnector.abilities, frozenset({"log"})
    desk = Desk(
        connections={"log": "servicenow"},
        channels=frozenset(),
        reads={"log": able.reads},
        writes={"log": able.writes},
        replies=names,
        notes=names,
        creates=names,
    )
    bundle, problems = check({"rules/10-all.yaml": RULES + more}, desk, no_holidays)
    assert bundle is not None, problems
    config = Config.model_validate(
        {"version": "1", "database": "sqlite:///desk.db", "connections": {"log": {"system": "servicenow"}}, "brake": {"tickets": 100_000}}
    )
    hands = Hands(datetime.fromisoformat(one.log.moment).replace(tzinfo=UTC) + timedelta(hours=1))
    gateway = put_together(config, bundle, {"log": one.it}, folder, hands, None, Patience(sleep=hands.sleep), wall=hands)
    try:
        yield gateway, hands
    finally:
        gateway.store.close()


def backfilled(gateway: Gateway, hands: Hands) -> Counts:
    hands.move(minutes=1)
    counts = gateway.backfill.go_on(gateway.backfill.begin(Asked(connections=("log",))))
    assert counts.seen == counts.changed + counts.unchanged + sum(counts.skipped.values()) + counts.failed + counts.pending
    return counts


def test_a_backfill_with_rules_sees_each_incident_once_and_a_second_one_changes_nothing(path: Path, tmp_path: Path) -> None:
    with served(path, "first") as one, gateway_over(one, tmp_path) as (gateway, hands):
        urgent = [n for n in one.log.numbers if _told(one.log.event(n, 0))[:2] == (Status.NEW, Level.URGENT)]

        first = backfilled(gateway, hands)
        wrote = len(one.sandbox.effects)
        second = backfilled(gateway, hands)

        assert (first.seen, first.changed, first.failed, first.pending) == (len(one.log.numbers), len(urgent), 0, 0)
        assert wrote == len(urgent)
        assert (second.seen, second.changed) == (len(one.log.numbers), 0)
        assert len(one.sandbox.effects) == wrote
        tagged = [n for r in one.sandbox.desk.incidents.records.values() if (n := r["number"]) and r.get("u_tags") == "seen"]
        assert sorted(tagged) == sorted(urgent)
