"""What every connector promises: each test here is run for every connector of the table, against its own sandbox over a real socket.

A promise is skipped only where the connector's abilities say so. `rig` is the system, `connector` one connector to it. What goes wrong on
the wire is in `contract_faults.py`.
"""

from collections import Counter
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Connector
from connectors.errors import CursorExpired, NotFound, Rejected, Stale, Unsupported, WriteRefused
from rules.plan import Draft, TagChange
from rules.ticket import Comment, Level, Role, Status, Ticket, Type
from tests.rigs import HIGH, LONG_ENOUGH, OWN, START, Rig, a_sample, keys_of, read, some_samples

MARK, OTHER_MARK = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
LONG_AGO = START - timedelta(days=30)

VALUES: dict[str, tuple[Any, ...]] = {
    "subject": ("Card declined – second try",),
    "body": ("Another description.",),
    "priority": tuple(Level),
    "impact": (Level.LOW, Level.HIGH),
    "urgency": (Level.LOW, Level.HIGH),
    "type": tuple(Type),
    "group": ("billing-emea", "vip-desk"),
    "assignee": ("lena@example.com", "kenji@example.com"),
    "product": ("payments", "api"),
    "language": ("fr", "ja"),
    "resolution": ("duplicate",),
    "error_code": ("PAY-402",),
    "due_at": (datetime(2026, 3, 9, tzinfo=UTC),),
}
"""What is written into each field, one after another."""


def one(rig: Rig, connector: Connector, **sample: Any) -> Ticket:
    """A ticket that is there already, as the connector reads it."""
    return connector.fetch(rig.load(a_sample(**sample))[0])


def plainly(value: Any) -> Any:
    return getattr(value, "known_as", value)


# Reading


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

    filled = {f.name for f in fields(ticket) if getattr(ticket, f.name) not in (None, frozenset(), {})}

    undeclared = filled - connector.abilities.reads - {"ref", "version", "unread", "custom", "url", "shown_as", "product", "language"}
    assert not undeclared


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


def test_it_says_as_whom_it_is_signed_in(connector: Connector) -> None:
    assert connector.check_sign_in()


def test_a_deleted_or_unknown_ticket_is_not_found(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector)
    rig.people("delete", ticket.ref.key)

    for ask in (
        lambda: connector.fetch(ticket.ref.key),
        lambda: connector.update(ticket.ref.key, {"priority": Level.HIGH}, version=ticket.version),
        lambda: connector.comment(ticket.ref.key, "Hello", public=False, mark=MARK),
        lambda: connector.comments(ticket.ref.key),
    ):
        with pytest.raises(NotFound):
            ask()
    assert rig.effects() == []


# Writing


def test_every_writable_field_survives_the_round_trip(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector)
    untested = connector.abilities.writes - VALUES.keys() - {"status", "tags"} - {"severity", "channel", "watchers"}
    assert not untested

    refusals: list[tuple[str, Any, str]] = []
    for name in sorted(connector.abilities.writes & VALUES.keys()):
        written = 0
        for value in VALUES[name]:
            rig.later()
            try:
                receipt = connector.update(ticket.ref.key, {name: value}, version=connector.fetch(ticket.ref.key).version)
            except Rejected as refused:
                refusals.append((name, value, str(refused)))
                continue
            written += 1
            now = connector.fetch(ticket.ref.key)
            assert (name, plainly(getattr(now, name))) == (name, value)
            assert (name, plainly(receipt.echo.get(name))) == (name, value)
            assert receipt.version in (None, now.version)
        assert written or name == "resolution", f"nothing can be written into {name}"
    assert not [r for r in refusals if str(r[1]) not in r[2] and r[0] not in r[2]], "a refusal names the field or the value"


def test_our_own_fields_are_written_where_the_installation_keeps_them(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector, product="billing", language="de")

    connector.update(ticket.ref.key, {"product": "payments", "language": "fr"}, version=ticket.version)

    now = connector.fetch(ticket.ref.key)
    assert (now.product, now.language) == ("payments", "fr")


@pytest.mark.parametrize("name", ["group", "assignee", "product"])
def test_nothing_empties_a_field_or_is_refused(rig: Rig, connector: Connector, name: str) -> None:
    ticket = one(rig, connector, status="open", group="billing-emea", assignee="lena@example.com", product="api")

    try:
        receipt = connector.update(ticket.ref.key, {name: None}, version=ticket.version)
    except Rejected:
        assert connector.fetch(ticket.ref.key) == ticket
    else:
        assert getattr(connector.fetch(ticket.ref.key), name) is None
        assert receipt.echo.get(name) is None


@pytest.mark.parametrize("status", list(Status))
def test_every_status_is_written_as_it_is_read_or_refused(rig: Rig, connector: Connector, status: Status) -> None:
    ticket = one(rig, connector, status="open", assignee="lena@example.com", group="billing-emea")

    try:
        receipt = connector.update(ticket.ref.key, {"status": status}, version=ticket.version)
    except Rejected:
        assert status not in (Status.OPEN, Status.PENDING, Status.RESOLVED)
        assert connector.fetch(ticket.ref.key).status == Status.OPEN
    else:
        assert connector.fetch(ticket.ref.key).status == status
        assert receipt.echo.get("status") == status


def test_status_and_fields_go_together(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector, status="new")
    asked = {"status": Status.OPEN, "priority": Level.URGENT, "group": "platform"}

    receipt = connector.update(ticket.ref.key, asked, version=ticket.version, tags=TagChange(frozenset({"routed"})))

    now = connector.fetch(ticket.ref.key)
    assert (now.status, now.priority, now.group) == (Status.OPEN, Level.URGENT, "platform")
    assert now.tags == ticket.tags | {"routed"}
    assert receipt.version in (None, now.version)
    assert {name: receipt.echo[name] for name in asked} == asked


def test_an_update_sends_what_changed_and_nothing_else(rig: Rig, connector: Connector) -> None:
    before = one(rig, connector, status="open", group="billing-emea", assignee="lena@example.com", tags=("vip",), product="api")
    rig.later()

    connector.update(before.ref.key, {"priority": Level.URGENT}, version=before.version)

    after = connector.fetch(before.ref.key)
    ours = {"priority", "updated_at", "version", "impact", "urgency"} | connector.abilities.coupled.get("priority", frozenset())
    touched = {f.name for f in fields(before) if getattr(before, f.name) != getattr(after, f.name)}
    assert touched - ours == set()
    assert [(e.kind, e.key) for e in rig.effects()] == [("update", before.ref.key)]


def test_what_is_coupled_is_declared_and_echoed(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector, status="open", group="billing-emea", assignee="lena@example.com")
    for name, value in {"status": Status.RESOLVED, "group": "platform", "assignee": "max@example.com", "priority": Level.URGENT}.items():
        before = connector.fetch(ticket.ref.key)
        rig.later()

        receipt = connector.update(ticket.ref.key, {name: value}, version=before.version)

        after = connector.fetch(ticket.ref.key)
        touched = {f.name for f in fields(before) if getattr(before, f.name) != getattr(after, f.name)} - {"updated_at", "version", name}
        assert touched <= connector.abilities.coupled.get(name, frozenset()), name
        assert {n: plainly(receipt.echo.get(n)) for n in touched} == {n: plainly(getattr(after, n)) for n in touched}


def test_tags_are_added_and_removed_one_by_one(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector, tags=("mine", "yours"))

    change = TagChange(frozenset({"new_one", "yours"}), frozenset({"mine", "never_there"}))
    receipt = connector.update(ticket.ref.key, {}, version=ticket.version, tags=change)

    tags = connector.fetch(ticket.ref.key).tags
    assert tags == {"yours", "new_one"}
    assert receipt.echo.get("tags") == tags


@pytest.mark.parametrize("gap", [timedelta(milliseconds=300), timedelta(seconds=5)], ids=["within a second", "later"])
def test_a_stale_version_is_refused_and_changes_nothing(rig: Rig, connector: Connector, gap: timedelta) -> None:
    ticket = one(rig, connector)
    rig.later(gap)
    rig.people("set", ticket.ref.key, priority="high")
    rig.later(gap)

    with pytest.raises(Stale):
        connector.update(ticket.ref.key, {"priority": Level.LOW}, version=ticket.version)
    with pytest.raises(Stale):
        connector.update(ticket.ref.key, {}, version=ticket.version, tags=TagChange(frozenset({"late"})))

    assert rig.sandbox.shown(ticket.ref.key)["priority"] == "high"
    assert rig.effects() == []


def test_two_updates_on_one_version_after_another(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector)
    rig.later()
    connector.update(ticket.ref.key, {"priority": Level.HIGH}, version=ticket.version)
    rig.later()

    with pytest.raises(Stale):
        connector.update(ticket.ref.key, {"priority": Level.LOW}, version=ticket.version)

    again = connector.fetch(ticket.ref.key)
    connector.update(ticket.ref.key, {"priority": Level.LOW}, version=again.version)
    assert connector.fetch(ticket.ref.key).priority == Level.LOW


def test_a_value_that_the_system_has_no_place_for_is_refused_by_name(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector)

    for fields_ in ({"priority": "colossal"}, {"shoe_size": "44"}, {"group": "no-such-group-anywhere"}):
        if rig.served is None and "group" in fields_:
            continue  # memory knows no list of groups
        with pytest.raises((Rejected, NotFound)) as refused:
            connector.update(ticket.ref.key, fields_, version=ticket.version)
        assert next(iter(fields_.values())) in str(refused.value) or next(iter(fields_)) in str(refused.value)
    assert rig.effects() == []


@pytest.mark.parametrize("public", [True, False], ids=["reply", "note"])
def test_a_note_is_never_public_and_a_reply_always_is(rig: Rig, connector: Connector, public: bool) -> None:
    ticket = one(rig, connector)
    body = "Hello Ana,\n\nwe are on it: <b>not</b> bold, & so on. Größe 日本語\n\n* one\n* two"

    receipt = connector.comment(ticket.ref.key, body, public=public, mark=MARK)

    shown = rig.sandbox.shown(ticket.ref.key)["comments"][-1]
    assert shown["public"] is public
    assert "日本語" in shown["text"]
    assert "<b>not</b>" in shown["text"].replace("&lt;", "<").replace("&gt;", ">")
    assert [e.kind for e in rig.effects()] == ["reply" if public else "note"]
    assert receipt.id
    assert receipt.version in (None, connector.fetch(ticket.ref.key).version)


@pytest.mark.parametrize("public", [True, False], ids=["reply", "note"])
def test_our_comments_come_back_as_ours_and_others_do_not(rig: Rig, connector: Connector, public: bool) -> None:
    ticket = one(rig, connector)
    rig.later()
    rig.people("reply", ticket.ref.key, "Hello?", by="customer")
    rig.later()
    receipt = connector.comment(ticket.ref.key, "We are on it.", public=public, mark=MARK)
    rig.later()
    rig.people("note", ticket.ref.key, "Looks like the release.")
    rig.people("reply", ticket.ref.key, "All is well again.")

    comments = connector.comments(ticket.ref.key)

    assert [(c.ours, c.public) for c in comments] == [(False, True), (True, public), (False, False), (False, True)]
    assert [c.role for c in comments if not c.ours] == [Role.CUSTOMER, Role.AGENT, Role.AGENT]
    assert [c.id for c in comments if c.ours] == [receipt.id]
    assert [_said(c) for c in comments] == ["Hello?", "We are on it.", "Looks like the release.", "All is well again."]
    assert len({c.id for c in comments}) == 4


def _said(comment: Comment) -> str:
    assert MARK not in comment.text, "the mark is for us, not for the reader"
    return comment.text.strip()


def test_only_comments_since_a_moment_are_given(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector)
    rig.people("reply", ticket.ref.key, "Early.", by="customer")
    rig.later(timedelta(minutes=5))
    moment = rig.clock.now
    rig.people("reply", ticket.ref.key, "Late.", by="customer")
    rig.later()

    assert [c.text.strip() for c in connector.comments(ticket.ref.key, moment)] == ["Late."]


def test_many_comments_are_all_given_oldest_first(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector)
    for n in range(120):
        rig.later(timedelta(seconds=1))
        rig.people("reply", ticket.ref.key, f"Comment {n}.", by="customer")

    assert [c.text.strip() for c in connector.comments(ticket.ref.key)] == [f"Comment {n}." for n in range(120)]


@pytest.mark.parametrize("public", [True, False], ids=["reply", "note"])
def test_a_comment_is_found_by_its_mark_and_nothing_else(rig: Rig, connector: Connector, public: bool) -> None:
    ticket, said = one(rig, connector), "We are on it."
    rig.people("reply" if public else "note", ticket.ref.key, said)
    asked = {"body": said, "public": public}
    assert connector.applied_comment(ticket.ref.key, mark=MARK, **asked) is None
    rig.later()

    receipt = connector.comment(ticket.ref.key, said, public=public, mark=MARK)

    found = connector.applied_comment(ticket.ref.key, mark=MARK, **asked)
    assert found is not None
    assert found.id == receipt.id
    assert connector.applied_comment(ticket.ref.key, mark=OTHER_MARK, **asked) is None


def test_a_ticket_is_made_as_asked_and_found_by_its_mark(rig: Rig, connector: Connector) -> None:
    draft = Draft(
        fields={"subject": "Made by us", "body": "Because of zendesk-eu:4711.", "priority": Level.HIGH}, own=OWN.get(rig.system, {})
    )
    assert connector.applied_create(MARK) is None

    receipt = connector.create(draft, mark=MARK)

    assert receipt.key is not None
    made = connector.fetch(receipt.key)
    assert (made.subject, made.priority) == ("Made by us", Level.HIGH)
    assert "zendesk-eu:4711" in (made.body or "")
    assert [(e.kind, e.key) for e in rig.effects()] == [("create", receipt.key)]
    rig.later(LONG_ENOUGH)
    found = connector.applied_create(MARK)
    assert found is not None
    assert found.key == receipt.key
    assert connector.applied_create(OTHER_MARK) is None


def test_a_ticket_is_made_with_its_group_tags_and_own_fields(rig: Rig, connector: Connector) -> None:
    wanted = {"subject": "Made by us", "body": "Here.", "group": "platform", "tags": frozenset({"engineering"}), "product": "api"}

    receipt = connector.create(Draft(fields=wanted, own=OWN.get(rig.system, {})), mark=MARK)

    made = connector.fetch(str(receipt.key))
    assert (made.group, made.product) == ("platform", "api")
    assert "engineering" in made.tags


def test_history_tells_who_changed_the_status_and_when(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector, status="new")
    at = []
    for status in ("open", "pending", "open"):
        rig.later(timedelta(minutes=3))
        at.append(rig.clock.now)
        rig.people("set", ticket.ref.key, status=status)
    rig.later(LONG_ENOUGH)

    changes = [c for c in connector.history(ticket.ref.key) if c.field == "status"]

    assert [(c.before, c.after) for c in changes] == [("new", "open"), ("open", "pending"), ("pending", "open")]
    assert all(abs(c.at - moment) <= timedelta(seconds=1) for c, moment in zip(changes, at, strict=True))


# Reading only


def test_read_only_refuses_to_write_and_reads_as_usual(rig: Rig) -> None:
    key = rig.load(a_sample())[0]
    looking = rig.connector(read_only=True)
    ticket = looking.fetch(key)
    assert key in keys_of(read(looking, LONG_AGO))
    looking.comments(key)

    for ask in (
        lambda: looking.update(key, {"priority": Level.LOW, "status": Status.OPEN}, version=ticket.version),
        lambda: looking.update(key, {}, version=ticket.version, tags=TagChange(frozenset({"x"}))),
        lambda: looking.comment(key, "Hello", public=True, mark=MARK),
        lambda: looking.create(Draft(fields={"subject": "No"}, own=OWN.get(rig.system, {})), mark=MARK),
    ):
        with pytest.raises(WriteRefused):
            ask()
    assert rig.effects() == []


def test_what_is_not_declared_is_unsupported(rig: Rig, connector: Connector) -> None:
    can, key = connector.abilities, rig.load(a_sample())[0]
    asks = {
        "replies": lambda: connector.comment(key, "Hello", public=True, mark=MARK),
        "notes": lambda: connector.comment(key, "Hello", public=False, mark=MARK),
        "creates": lambda: connector.create(Draft(fields={"subject": "No"}), mark=MARK),
        "comments": lambda: connector.comments(key),
        "history": lambda: connector.history(key),
    }
    for ability, ask in asks.items():
        if not getattr(can, ability):
            with pytest.raises(Unsupported):
                ask()
