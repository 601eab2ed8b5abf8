"""What every connector promises: each test here is run for every connector of the table, against its own sandbox over a real socket.

A promise is skipped only where the connector's abilities say so. `rig` is the system, `connector` one connector to it. This file is
about reading; `contract_writing.py` is about writing, `contract_faults.py` about what goes wrong on the wire.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Connector, Thing
from connectors.errors import NotFound, Unsupported
from rules.ticket import Level, Status, Ticket, replace
from tests.rigs import HIGH, LONG_ENOUGH, START, Rig, a_sample, keys_of, read, some_samples

MARK, OTHER_MARK = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
LONG_AGO = START - timedelta(days=30)


def one(rig: Rig, connector: Connector, **sample: Any) -> Ticket:
    """A ticket that is there already, as the connector reads it."""
    return connector.fetch(rig.load(a_sample(**sample))[0])


def plainly(value: Any) -> Any:
    return getattr(value, "known_as", value)


# Reading


def test_it_says_about_how_many_tickets_a_reading_brings(rig: Rig, connector: Connector) -> None:
    rig.load(*some_samples(7))
    rig.later(LONG_ENOUGH)

    assert connector.count(LONG_AGO) == len(keys_of(read(connector, LONG_AGO))) == 7
    assert connector.count(START + timedelta(days=1)) == 0


def test_a_ticket_is_read_in_our_words(rig: Rig, connector: Connector) -> None:
    asked = {"priority": "high", "status": "open", "product": "payments", "language": "de", "group": "billing-emea", "tags": ("vip", "tv")}

    ticket = one(rig, connector, subject="Größe & <b>Farbe</b>", assignee="lena@example.com", **asked)

    assert (ticket.subject, ticket.priority, ticket.status) == ("Größe & <b>Farbe</b>", Level.HIGH, Status.OPEN)
    assert (ticket.product, ticket.language, ticket.group) == ("payments", "de", "billing-emea")
    assert ticket.tags >= {"vip", "tv"}
    assert ticket.requester is not None
    assert ticket.requester.known_as == "ana@example.com"
    assert plainly(ticket.assignee) == "lena@example.com"
    assert ticket.created_at == START - timedelta(hours=1)
    assert ticket.ref.connection == "here"
    assert ticket.unread == {}


def test_it_declares_the_fields_that_it_reads(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector, group="billing-emea", assignee="lena@example.com", status="open", tags=("vip",), product="api")

    filled = {name for name in Ticket.__struct_fields__ if getattr(ticket, name) not in (None, frozenset(), {})}

    undeclared = filled - connector.abilities.reads - {"ref", "version", "unread", "custom", "url", "shown_as", "product", "language"}
    assert not undeclared


def test_the_version_of_a_page_is_the_version_of_a_look(rig: Rig, connector: Connector) -> None:
    rig.load(*some_samples(5))

    for page in read(connector, LONG_AGO):
        assert [connector.fetch(t.ref.key) for t in page.tickets] == list(page.tickets)


def test_moments_are_aware_and_in_utc(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector, status="new")
    rig.later()
    rig.people("reply", ticket.ref.key, "Hello?", by="customer")
    rig.people("set", ticket.ref.key, status="open")
    rig.later()

    comments, history = connector.comments(ticket.ref.key), connector.history(ticket.ref.key)

    moments = [ticket.created_at, ticket.updated_at, *(c.at for c in comments), *(h.at for h in history)]
    assert len(moments) >= 4
    assert {m.utcoffset() for m in moments} == {timedelta(0)}
    assert all(START - timedelta(hours=2) < m < START + timedelta(hours=1) for m in moments)


def test_an_undeclared_word_leaves_its_field_empty_and_stands_in_unread(rig: Rig, connector: Connector) -> None:
    key = rig.load(a_sample(priority="high"))[0]
    _sky_high(rig, key)

    ticket = connector.fetch(key)

    assert ticket.priority is None
    assert ticket.unread == {"priority": "Sky-high"}


def test_an_installation_declares_its_own_words(rig: Rig) -> None:
    key = rig.load(a_sample(priority="high"))[0]
    _sky_high(rig, key)

    ticket = rig.connector(words={"priority": {"Sky-high": "urgent"}}).fetch(key)

    assert ticket.priority == Level.URGENT
    assert ticket.unread == {}


def _sky_high(rig: Rig, key: str) -> None:
    if rig.served is None:
        rig.sandbox.spoil(key, priority="Sky-high")
    else:
        rig.rewrite(dict([HIGH[rig.system]]))


def test_one_bad_record_is_parked_and_its_page_goes_on(rig: Rig, connector: Connector) -> None:
    born = datetime(2026, 2, 27, 3, 21, 17, tzinfo=UTC)
    good, bad, better = rig.load(
        a_sample("Good", age=63),
        replace(a_sample("Bad"), created_at=born, updated_at=START - timedelta(minutes=62)),
        a_sample("Better", age=61),
    )
    if rig.served is None:
        rig.sandbox.spoil(bad, created_at="2026-02-77T03:21:17")
    else:
        here = {"2026-02-26T22:21:17": "2026-02-77T22:21:17"}  # as a Jira account in New York is told it
        rig.rewrite(here | {f"2026-02-27{gap}03:21:17": f"2026-02-77{gap}03:21:17" for gap in ("T", " ")})

    pages = read(connector, LONG_AGO)

    assert set(keys_of(pages)) == {good, better}
    assert [s.key for page in pages for s in page.spoilt] == [bad]
    assert all(s.reason for page in pages for s in page.spoilt)


def test_the_raw_record_is_the_systems_own_and_of_that_ticket(rig: Rig, connector: Connector) -> None:
    mine, other = one(rig, connector, subject="The raw one"), one(rig, connector, subject="Another")
    said = str(connector.raw(mine.ref.key))
    assert "The raw one" in said
    assert other.subject not in said


THERE = {"group": ("billing-emea", "billing-mars"), "user": ("lena@example.com", "nobody@example.com"), "project": ("CORE", "MARS")}
FIELDS = {
    "jira": ("Product", "customfield_99999"),
    "servicenow": ("u_product", "u_mars"),
    "zendesk": ("360000000101", "360000000999"),
    "salesforce": ("Product__c", "Mars__c"),
}


@pytest.mark.parametrize("kind", ["group", "user", "project", "field"])
def test_of_names_it_says_which_the_system_has_and_writes_nothing(rig: Rig, kind: Thing) -> None:
    rig.load(a_sample())
    looking = rig.connector(read_only=True)
    if kind not in looking.abilities.knows:
        with pytest.raises(Unsupported):
            looking.known(kind, ["a"])
        return
    there, missing = FIELDS[rig.system] if kind == "field" else THERE[kind]
    names = [there, missing] if kind in ("project", "field") else [there, there.upper(), missing]

    assert looking.known(kind, names) == set(names) - {missing}
    assert looking.known(kind, []) == set()
    assert rig.effects() == []


def test_it_lists_who_belongs_to_a_group(rig: Rig) -> None:
    looking = rig.connector(read_only=True)
    if not looking.abilities.members:
        with pytest.raises(Unsupported):
            looking.members("vip-desk")
        return

    assert sorted(looking.members("vip-desk")) == ["ines@example.com", "kenji@example.com"]
    assert looking.members("billing-mars") == ()


def test_it_says_as_whom_it_is_signed_in(connector: Connector) -> None:
    assert connector.check_sign_in()


def test_a_deleted_or_unknown_ticket_is_not_found(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector)
    rig.people("delete", ticket.ref.key)

    for ask in (
        lambda: connector.fetch(ticket.ref.key),
        lambda: connector.raw(ticket.ref.key),
        lambda: connector.update(ticket.ref.key, {"priority": Level.HIGH}, version=ticket.version),
        lambda: connector.comment(ticket.ref.key, "Hello", public=False, mark=MARK),
        lambda: connector.comments(ticket.ref.key),
    ):
        with pytest.raises(NotFound):
            ask()
    assert rig.effects() == []
