"""What every connector promises about writing: once, under a guard, in our words, and found again by its mark."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Connector
from connectors.errors import NotFound, Rejected, Stale, Unsupported, WriteRefused
from connectors.text import adf, html, markdown, plain, wiki
from rules.plan import Draft, TagChange
from rules.templates import Template
from rules.ticket import Comment, Level, Role, Status, Ticket, Type
from tests.contract import LONG_AGO, MARK, OTHER_MARK, one, plainly
from tests.rigs import LONG_ENOUGH, OWN, Rig, a_sample, keys_of, read

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
    touched = {name for name in Ticket.__struct_fields__ if getattr(before, name) != getattr(after, name)}
    assert touched - ours == set()
    assert [(e.kind, e.key) for e in rig.effects()] == [("update", before.ref.key)]


def test_what_is_coupled_is_declared_and_echoed(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector, status="open", group="billing-emea", assignee="lena@example.com")
    for name, value in {"status": Status.RESOLVED, "group": "platform", "assignee": "max@example.com", "priority": Level.URGENT}.items():
        before = connector.fetch(ticket.ref.key)
        rig.later()

        receipt = connector.update(ticket.ref.key, {name: value}, version=before.version)

        after = connector.fetch(ticket.ref.key)
        touched = {name for name in Ticket.__struct_fields__ if getattr(before, name) != getattr(after, name)} - {
            "updated_at",
            "version",
            name,
        }
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


RICH = (
    "**Thanks**, see [our page](https://example.com/help):\n\n- one\n- two\n\n| plan | price |\n| --- | --- |\n| S | 5 |\n\n```\na = b\n```"
)
AS_TEXT = "Thanks, see our page (https://example.com/help):\n\n- one\n- two\n\nplan | price\nS | 5\n\na = b"
FORMS: dict[str, Any] = {
    "jira": lambda site, key, at: adf.read(site.tracker.issue(key).comments[at]["body"]),
    "jira-data-center": lambda site, key, at: wiki.read(site.tracker.issue(key).comments[at]["body"]),
    "zendesk": lambda site, key, at: html.read(site.desk.comments(int(key))[at]["html_body"]),
}
"""Where a system keeps markup, what its page shows of a comment; elsewhere the text is all there is."""


@pytest.mark.parametrize("public", [True, False], ids=["reply", "note"])
def test_bold_links_lists_tables_and_code_arrive_in_the_systems_own_form(rig: Rig, connector: Connector, public: bool) -> None:
    ticket = one(rig, connector)

    connector.comment(ticket.ref.key, RICH, public=public, mark=MARK)

    if form := FORMS.get(rig.row):
        assert form(rig.sandbox, ticket.ref.key, -1) == markdown.read(RICH)
    else:
        assert rig.sandbox.shown(ticket.ref.key)["comments"][-1]["text"].partition("⟨")[0].rstrip() == AS_TEXT


HOSTILE = "*bold* [a](javascript:alert(1)) <b>x</b> {color:red} &lt;\n# head\n| a | b |\n|---|---|\n![p](http://x.example/p.png) h1. _x_"


@pytest.mark.parametrize("public", [True, False], ids=["reply", "note"])
def test_what_a_customer_wrote_arrives_as_text(rig: Rig, connector: Connector, public: bool) -> None:
    ticket = one(rig, connector)
    body = Template.compile("You wrote:\n\n{{ text }}\n\nBye.").render({"text": HOSTILE}, markdown=True)

    connector.comment(ticket.ref.key, body, public=public, mark=MARK)

    expected = f"You wrote:\n\n{HOSTILE}\n\nBye."
    assert connector.comments(ticket.ref.key)[-1].text.strip() == expected
    if form := FORMS.get(rig.row):
        assert form(rig.sandbox, ticket.ref.key, -1) == plain.read(expected)


@pytest.mark.parametrize("letters", ["long words ", "漢字"], ids=["letters", "wide letters"])
def test_a_text_beyond_the_limit_is_cut_with_a_notice_and_not_refused(rig: Rig, connector: Connector, letters: str) -> None:
    """Fault row F66."""
    ticket = one(rig, connector)

    receipt = connector.comment(ticket.ref.key, f"**Log:** {letters * 40_000}", public=False, mark=MARK)

    said = connector.comments(ticket.ref.key)[-1]
    assert said.id == receipt.id
    assert said.text.startswith("Log: ")
    assert len(said.text) > 1_000
    assert said.text.strip().endswith(" more characters]")
    assert "[cut: " in said.text


def test_letters_that_its_database_refuses_are_named(rig: Rig) -> None:
    """Fault row F66."""
    connector = rig.connector(four_byte_letters=False)
    ticket = one(rig, connector)

    connector.comment(ticket.ref.key, "Thanks 👍, 漢字", public=True, mark=MARK)

    assert connector.comments(ticket.ref.key)[-1].text.strip() == "Thanks [thumbs up sign], 漢字"


def test_a_new_tickets_text_is_markdown_as_well(rig: Rig, connector: Connector) -> None:
    draft = Draft(fields={"subject": "Made by us", "body": "**Seen** by `a_b`:\n\n- one\n- two"}, own=OWN.get(rig.system, {}))

    made = connector.fetch(str(connector.create(draft, mark=MARK).key))

    assert (made.body or "").replace("* ", "- ") == "Seen by a_b:\n\n- one\n- two"


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
