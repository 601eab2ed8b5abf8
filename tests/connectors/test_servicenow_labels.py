"""ServiceNow's own tags: rows of `label` and `label_entry`, read a page at a time, added and taken off without touching others' rows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import Connector
from connectors.errors import CursorExpired, Rejected, Stale
from connectors.servicenow.settings import ServiceNowSettings
from gateway.sandbox.host import Served
from rules.plan import Draft, TagChange
from tests.contract import LONG_AGO, MARK, one, test_a_ticket_is_read_in_our_words, test_it_declares_the_fields_that_it_reads
from tests.contract_writing import (
    test_a_stale_version_is_refused_and_changes_nothing,
    test_a_ticket_is_made_with_its_group_tags_and_own_fields,
    test_status_and_fields_go_together,
    test_tags_are_added_and_removed_one_by_one,
)
from tests.rigs import LONG_ENOUGH, Rig, a_sample, keys_of, read, rigged, some_samples

__all__ = [
    "test_a_stale_version_is_refused_and_changes_nothing",
    "test_a_ticket_is_made_with_its_group_tags_and_own_fields",
    "test_a_ticket_is_read_in_our_words",
    "test_it_declares_the_fields_that_it_reads",
    "test_status_and_fields_go_together",
    "test_tags_are_added_and_removed_one_by_one",
]
VIP = TagChange(frozenset({"vip"}))


@pytest.fixture(scope="module")
def system() -> str:
    return "servicenow"


@pytest.fixture
def rig(port: Served | None) -> Iterator[Rig]:
    with rigged("servicenow", port, labels=True) as made:
        yield made


@pytest.fixture
def connector(rig: Rig) -> Connector:
    return rig.connector(tags="labels")


def labels(rig: Rig) -> list[dict[str, str]]:
    return list(rig.sandbox.desk.tables["label"].records.values())


def entries(rig: Rig) -> list[dict[str, str]]:
    return list(rig.sandbox.desk.tables["label_entry"].records.values())


def asked(rig: Rig, method: str, table: str) -> int:
    assert rig.served is not None
    paths = [e.request.path for e in rig.served.exchanges if e.request.method == method]
    return sum(path.split("/")[4] == table for path in paths)


def test_a_page_of_tickets_costs_one_request_for_its_labels(rig: Rig, connector: Any) -> None:
    rig.load(*some_samples(90, tags=("vip", "tv")))
    rig.later(LONG_ENOUGH)

    pages = read(connector, LONG_AGO)

    assert {t.tags for page in pages for t in page.tickets} == {frozenset({"vip", "tv"})}
    assert asked(rig, "GET", "label_entry") == 2  # those of the page, and what got a label since the reading began


def test_a_label_alone_brings_its_ticket_again_and_once(rig: Rig, connector: Any) -> None:
    key, last = rig.load(a_sample(age=90), a_sample("Another"))
    rig.later(LONG_ENOUGH)
    first = read(connector, LONG_AGO)
    before = next(t for page in first for t in page.tickets if t.ref.key == key)
    rig.people("set", key, tags=["vip"])
    rig.later(LONG_ENOUGH)

    again = read(connector, first[-1].cursor)
    (ticket,) = (t for page in again for t in page.tickets if t.ref.key == key)
    third = read(connector, again[-1].cursor)

    assert (ticket.tags, ticket.updated_at) == (frozenset({"vip"}), before.updated_at)
    assert ticket.version != before.version  # or nobody would look at it
    assert keys_of(third) == [last]  # by the overlap of records; labels are not told twice


def test_a_label_put_on_while_a_reading_goes_on_is_not_lost(rig: Rig, connector: Any) -> None:
    early, late = rig.load(a_sample(age=90), a_sample("Late", age=60))
    rig.later(LONG_ENOUGH)
    pages = []
    for page in rig.connector(tags="labels", page_size=1).changed(LONG_AGO):
        pages.append(page)
        if keys_of([page]) == [late]:
            rig.people("set", early, tags=["vip"])

    found = {t.ref.key: t.tags for page in pages for t in page.tickets}
    assert found == {early: frozenset({"vip"}), late: frozenset()}


def test_personal_labels_are_neither_read_nor_touched(rig: Rig, connector: Any) -> None:
    (key,) = rig.load(a_sample(tags=("vip",)))
    rig.sandbox.labels.set(key, ["vip", "mine"], "lena", rig.sandbox.now(), viewable_by="me")

    ticket = connector.fetch(key)
    connector.update(key, {}, version=ticket.version, tags=TagChange(frozenset({"mine"}), frozenset({"vip"})))

    assert (ticket.tags, connector.fetch(key).tags) == ({"vip"}, {"mine"})
    assert rig.sandbox.labels.of(key, "me") == ["mine", "vip"]


def test_a_label_is_made_once_for_everybody_and_each_entry_once(rig: Rig, connector: Any) -> None:
    tickets = [one(rig, connector, subject=str(n)) for n in range(3)]

    for ticket in tickets:
        rig.connector(tags="labels").update(ticket.ref.key, {}, version=ticket.version, tags=VIP)
    now = connector.fetch(tickets[0].ref.key)
    connector.update(now.ref.key, {}, version=now.version, tags=VIP)

    assert [(row["name"], row["viewable_by"]) for row in labels(rig)] == [("vip", "everyone")]
    assert sorted(row["table_key"] for row in entries(rig)) == sorted(t.ref.key for t in tickets)


def test_a_label_that_somebody_makes_meanwhile_is_used(rig: Rig, connector: Any) -> None:
    ticket, other = one(rig, connector), one(rig, connector)
    write = rig.sandbox.labels.write

    def crossed(table: str, fields: Any, by: str, at: str) -> str:
        if table == "label":
            rig.sandbox.labels.set(other.ref.key, ["vip"], "lena", at)
        return str(write(table, fields, by, at))

    rig.sandbox.labels.write = crossed

    connector.update(ticket.ref.key, {}, version=ticket.version, tags=VIP)

    assert [row["name"] for row in labels(rig)] == ["vip"]
    assert rig.sandbox.labels.of(ticket.ref.key) == ["vip"]


def test_an_access_rule_that_keeps_entries_closed_is_named_and_leaves_nothing_behind(rig: Rig, connector: Any) -> None:
    rig.sandbox.labels.closed = True
    ticket = one(rig, connector)

    with pytest.raises(Rejected, match=r"'vip'.*table and table_key of label_entry.*maint.*tags: field"):
        connector.update(ticket.ref.key, {}, version=ticket.version, tags=VIP)

    assert entries(rig) == []


def test_a_label_that_may_not_be_made_stops_the_whole_write_before_it(rig: Rig, connector: Any) -> None:
    rig.sandbox.labels.may_make = False
    ticket = one(rig, connector)

    with pytest.raises(Rejected, match=r"make the tag 'vip' there by hand.*tags_admin"):
        connector.update(ticket.ref.key, {"subject": "Changed"}, version=ticket.version, tags=VIP)

    assert rig.effects() == []


def test_a_tag_that_is_spelled_otherwise_there_is_refused_with_its_spelling(rig: Rig, connector: Any) -> None:
    rig.load(a_sample(tags=("VIP",)))
    ticket = one(rig, connector)

    with pytest.raises(Rejected, match="'vip' is spelled 'VIP' there"):
        connector.update(ticket.ref.key, {}, version=ticket.version, tags=VIP)


def test_a_label_of_somebody_else_makes_a_version_stale_and_leaves_a_receipt_without_one(rig: Rig, connector: Any) -> None:
    ticket = one(rig, connector)
    rig.people("set", ticket.ref.key, tags=["theirs"])
    with pytest.raises(Stale):
        connector.update(ticket.ref.key, {"subject": "Changed"}, version=ticket.version)

    now, write = connector.fetch(ticket.ref.key), rig.sandbox.labels.write

    def crossed(table: str, fields: Any, by: str, at: str) -> str:
        if table == "label_entry":
            rig.sandbox.labels.set(ticket.ref.key, ["theirs", "later"], "lena", at)
        return str(write(table, fields, by, at))

    rig.sandbox.labels.write = crossed
    receipt = connector.update(ticket.ref.key, {}, version=now.version, tags=VIP)

    assert receipt.version is None
    assert receipt.echo["tags"] == {"theirs", "later", "vip"}


def test_a_creation_found_again_still_gets_its_labels(rig: Rig, connector: Any) -> None:
    rig.sandbox.labels.closed = True
    draft = Draft(fields={"subject": "Made", "tags": frozenset({"vip"})})
    with pytest.raises(Rejected):
        connector.create(draft, mark=MARK)
    rig.sandbox.labels.closed = False

    made = connector.create(draft, mark=MARK)

    assert {t.tags for page in read(connector, LONG_AGO) for t in page.tickets} == {frozenset({"vip"})}
    assert made.key == rig.sandbox.keys()[0]


def test_a_comment_keeps_the_version_that_a_look_finds(rig: Rig, connector: Any) -> None:
    ticket = one(rig, connector, tags=("vip",))

    receipt = connector.comment(ticket.ref.key, "Seen.", public=False, mark=MARK)

    assert receipt.version == connector.fetch(ticket.ref.key).version


def test_doctor_hears_which_of_the_two_tables_may_not_be_read(rig: Rig, connector: Any) -> None:
    rig.sandbox.unreadable.add("label_entry")

    found = {p.name: (p.granted, p.serves("set tags")) for p in connector.permissions() if "label" in p.name}

    assert found == {"reading label": (True, True), "reading label_entry": (False, True)}


def test_a_cursor_from_before_labels_goes_on_and_a_strange_one_does_not(rig: Rig, connector: Any) -> None:
    (key,) = rig.load(a_sample())
    rig.later(LONG_ENOUGH)
    plain = read(rig.connector(), LONG_AGO)[-1].cursor
    rig.later(timedelta(seconds=30))
    rig.people("set", key, tags=["vip"])

    assert [t.tags for page in read(connector, plain) for t in page.tickets][-1:] == [frozenset({"vip"})]
    with pytest.raises(CursorExpired):
        read(connector, type(plain)(f"{plain}|x|y"))


def test_tags_have_one_home() -> None:
    with pytest.raises(ValidationError, match="leave one of the two out"):
        ServiceNowSettings(url="https://a.service-now.com", sign_in={"api_key": "k"}, tags="labels", tags_field="u_t")  # type: ignore[arg-type]
