"""What happened between two looks at a ticket."""

from datetime import timedelta
from typing import Any

from rules.events import events
from rules.observation import Kind
from rules.ticket import Person, Role, Status, Ticket, replace
from tests.builders import ANA, NOW, a_change, a_comment, a_ticket

LONG_AGO = NOW - timedelta(days=30)


def between(before: Ticket | None, now: Ticket, comments: Any = (), changes: Any = ()) -> list[str]:
    return [str(event.kind) for event in events(before, now, comments, changes, connected_at=LONG_AGO)]


def test_a_ticket_made_after_the_connection_was_first_read_is_created():
    assert between(None, a_ticket()) == ["created"]


def test_an_older_ticket_is_adopted_without_events():
    assert between(None, a_ticket(created_at=LONG_AGO - timedelta(seconds=1)), [a_comment()]) == []


def test_a_difference_is_changed_for_each_field_and_updated_once():
    before = a_ticket()
    now = replace(before, product="billing", tags=frozenset({"vip"}), updated_at=NOW)
    assert between(before, now) == ["updated", "changed", "changed"]


def test_the_vendors_bookkeeping_is_no_news():
    before = a_ticket()
    assert between(before, replace(before, version="2", updated_at=NOW, url="https://elsewhere", shown_as="X")) == []


def test_a_new_comment_alone_is_no_update():
    before = a_ticket()
    assert between(before, replace(before, updated_at=NOW), [a_comment()]) == ["commented", "customer_replied"]


def test_only_public_words_of_people_are_replies():
    before = a_ticket()
    robot = Person(name="Mailer", automated=True)
    comments = [
        a_comment(id="note", public=False),
        a_comment(id="agent", role=Role.AGENT, author=None),
        a_comment(id="bot", role=Role.BOT, author=None),
        a_comment(id="auto", author=robot),
        a_comment(id="ours", ours=True),
    ]
    assert between(before, before, comments).count("commented") == 4
    assert [k for k in between(before, before, comments) if k != "commented"] == ["agent_replied"]


def test_straight_to_closed_is_resolved_too():
    before = a_ticket(status=Status.OPEN)
    found = between(before, replace(before, status=Status.CLOSED, updated_at=NOW))
    assert set(found) == {"changed", "updated", "resolved", "closed"}


def test_from_resolved_to_closed_is_only_closed_and_leaving_both_is_reopened():
    before = a_ticket(status=Status.RESOLVED)
    assert "resolved" not in between(before, replace(before, status=Status.CLOSED))
    assert "reopened" in between(before, replace(before, status=Status.OPEN))


def test_the_history_tells_what_the_difference_hides():
    before = a_ticket(status=Status.OPEN)
    rows = [
        a_change("status", Status.OPEN, Status.RESOLVED, at=NOW - timedelta(minutes=9)),
        a_change("status", Status.RESOLVED, Status.OPEN, at=NOW - timedelta(minutes=3)),
    ]
    assert sorted(between(before, before, (), rows)) == ["changed", "changed", "reopened", "resolved", "updated"]
    moments = [event.at for event in events(before, before, (), rows, connected_at=LONG_AGO)]
    assert moments == sorted(moments)


def test_a_history_row_about_what_was_already_seen_is_no_news():
    before = a_ticket(status=Status.PENDING)
    late = a_change("status", Status.OPEN, Status.PENDING, at=NOW - timedelta(hours=1))
    assert between(before, before, (), [late]) == []


def test_what_the_history_leaves_unexplained_is_told_by_the_difference():
    before = a_ticket(status=Status.OPEN)
    now = replace(before, status=Status.RESOLVED, updated_at=NOW)
    rows = [a_change("status", Status.OPEN, Status.PENDING, at=NOW - timedelta(minutes=5))]
    steps = [(e.change.before, e.change.after) for e in events(before, now, (), rows, connected_at=LONG_AGO) if e.kind == Kind.CHANGED]
    assert steps == [(Status.OPEN, Status.PENDING), (Status.PENDING, Status.RESOLVED)]


def test_what_we_wrote_ourselves_is_no_event():
    left = a_ticket(status=Status.PENDING)  # as our plan left it
    ours = a_change("status", Status.OPEN, Status.PENDING, ours=True)
    assert between(left, replace(left, version="9"), [a_comment(ours=True)], [ours]) == []


def test_an_assignee_known_by_address_and_by_name_is_one_person():
    before = a_ticket(assignee=Person(email="LENA@example.com"))
    assert between(before, replace(before, assignee=Person(id="7", name="Lena", email="lena@example.com"))) == []
    assert between(before, replace(before, assignee=Person(id="8", email="max@example.com"))) != []


def test_fields_of_the_requester_and_custom_fields_are_compared_one_by_one():
    before = a_ticket(custom={"tier": "gold"})
    now = replace(before, requester=replace(ANA, organization="Alpine"), custom={"tier": "silver"}, updated_at=NOW)
    fields = {e.change.field for e in events(before, now, connected_at=LONG_AGO) if e.change}
    assert fields == {"requester.organization", "custom.tier"}


def test_an_occasion_is_made_of_the_vendors_moment_never_of_our_clock():
    before = a_ticket()
    now = replace(before, product="billing", updated_at=NOW - timedelta(minutes=7))
    first, again = (events(before, now, [a_comment(id="77")], connected_at=LONG_AGO) for _ in range(2))
    assert [e.occasion for e in first] == [e.occasion for e in again]
    assert "customer_replied#77" in [e.occasion for e in first]
