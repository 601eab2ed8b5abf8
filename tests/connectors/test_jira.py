"""What is peculiar to Jira, through the SDK's session over a real socket: the lagging search, transitions, marks, accounts, limits."""

import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors import door
from connectors.base import Cursor, Custom
from connectors.errors import ConnectorError, CursorExpired, InDoubt, NotFound, Rejected, Transient, Unauthorized, Unreadable, WriteRefused
from connectors.jira import adf, reading
from connectors.jira.connector import STATUS, JiraConnector
from connectors.jira.linking import origins
from connectors.jira.moving import onward, status_of
from connectors.jira.sandbox import JiraSandbox
from connectors.jira.sandbox_issues import is_document, plain
from connectors.jira.settings import JiraSettings
from connectors.mapping import Words
from connectors.sandbox import Answer, Deed, Request
from rules.plan import Draft, TagChange
from rules.ticket import Level, Status
from tests.rigs import START, Clock, Rig, a_sample, keys_of, read, revealed

MARK = "0123456789abcdef0123456789abcdef"
LONG_AGO = START - timedelta(days=30)
CASSETTES = Path(__file__).parents[2] / "cassettes" / "jira"


@pytest.fixture(scope="module")
def system() -> str:
    return "jira"


@pytest.fixture
def connector(rig: Rig) -> JiraConnector:
    return rig.connector()  # type: ignore[return-value]


def sent(rig: Rig, method: str = "POST|PUT") -> list[tuple[str, Any]]:
    """Path and body of the requests so far, with these methods."""
    assert rig.served is not None
    found = [e.request for e in rig.served.exchanges if e.request.method in method.split("|")]
    return [(r.path.removeprefix("/rest/api/3/"), orjson.loads(r.body) if r.body else None) for r in found]


def taken(rig: Rig, key: str) -> list[str]:
    """The statuses that an issue went through, as Jira calls them."""
    items = [item for entry in rig.sandbox.tracker.issue(key).history for item in entry["items"] if item["field"] == "status"]
    return [item["toString"] for item in items]


# Reading what changed


class Straight:
    """A session without a wire: the sandbox's own function, so that a law can be tried on many histories."""

    connection = "here"

    def __init__(self, box: JiraSandbox) -> None:
        self._box = box

    def get(self, what: str, path: str, read: Any = orjson.loads, **params: Any) -> Any:
        query = {name: str(value) for name, value in params.items()}
        headers = {"authorization": f"Bearer {self._box.sign_in()['token']}"}
        answer = self._box.answer(Request(method="GET", path=f"/rest/api/3/{path}", query=query, headers=headers))
        if answer.status == 400:
            raise Rejected("here", str(answer.body))
        assert answer.status == 200, answer
        return read(orjson.dumps(answer.body))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 5), st.sampled_from(["low", "normal", "high", "urgent"])),
        st.tuples(st.just("wait"), st.integers(1, 90), st.none()),
        st.tuples(st.just("poll"), st.none(), st.none()),
        st.tuples(st.just("expire"), st.none(), st.none()),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(1, 120), st.integers(1, 4))
def test_whatever_happens_every_last_state_is_seen_while_the_search_lags(steps: list[Any], lag: int, size: int) -> None:
    clock = Clock()
    box = JiraSandbox(clock, lag=lag)
    keys = box.load([a_sample(f"Ticket {n}", age=60) for n in range(6)])
    sign_in: Any = box.sign_in()
    connector = JiraConnector("here", Straight(box), JiraSettings(url=box.url(), sign_in=sign_in, page_size=size))  # type: ignore[arg-type]
    seen: dict[str, str] = {}
    cursor: Any = LONG_AGO

    def poll(expiring: bool = False) -> None:
        nonlocal cursor
        for page in connector.changed(cursor):
            seen.update({t.ref.key: t.version for t in page.tickets})
            cursor = page.cursor
            if expiring:
                box.forget_cursors()
                expiring = False

    for what, which, value in steps:
        if what == "set":
            box.people(Deed(kind="set", key=keys[which], fields={"priority": value}))
        elif what == "wait":
            clock.advance(timedelta(seconds=which))
        else:
            poll(expiring=what == "expire")
    clock.advance(timedelta(seconds=lag))
    poll()

    assert seen == {key: connector.fetch(key).version for key in keys}


def test_page_tokens_that_run_out_in_the_middle_cost_nothing(rig: Rig) -> None:
    keys = rig.load(*[a_sample(f"Ticket {n}", age=100 - n // 3) for n in range(12)])  # ties at the page's edge
    reading_on = rig.connector(page_size=5).changed(LONG_AGO)
    first = next(reading_on)
    rig.sandbox.forget_cursors()

    rest = list(reading_on)

    assert set(keys_of([first, *rest])) == set(keys)
    assert rest[-1].last


def test_a_page_of_nothing_but_ties_whose_token_ran_out_says_so_and_does_not_circle(rig: Rig) -> None:
    rig.load(*[a_sample(f"Ticket {n}", age=60) for n in range(9)])
    reading_on = rig.connector(page_size=2).changed(START - timedelta(hours=1))

    def expiring() -> None:
        for _ in reading_on:
            rig.sandbox.forget_cursors()

    with pytest.raises(CursorExpired):
        expiring()


def test_dates_go_out_as_milliseconds_for_quoted_ones_are_read_in_the_accounts_zone(rig: Rig, connector: JiraConnector) -> None:
    rig.load(a_sample("An hour old", age=60))
    two_hours_ago = START - timedelta(hours=2)

    assert len(keys_of(read(connector, two_hours_ago))) == 1

    quoted = f"updated >= '{two_hours_ago:%Y-%m-%d %H:%M}'"  # UTC, as one would write it
    assert connector._site.asks.found("trying", quoted, 10, reading.MARK) == []


def test_the_cursor_is_a_watermark_in_text(rig: Rig, connector: JiraConnector) -> None:
    rig.load(a_sample("One", age=60))

    cursor = read(connector, LONG_AGO)[-1].cursor

    assert cursor == f"{(START - timedelta(hours=1)).isoformat(timespec='milliseconds')}/10001"
    empty = read(connector, START)[-1]
    assert (empty.tickets, empty.last) == ((), True)
    assert read(connector, empty.cursor)[-1].last


@pytest.mark.parametrize("token", [None, "same"])
def test_a_page_without_a_way_on_is_unreadable_and_not_the_end(rig: Rig, connector: JiraConnector, token: str | None) -> None:
    connector.check_sign_in()
    rig.fault("status", path="search/jql", times=9, status=200, body={"issues": [], "isLast": False, "nextPageToken": token})

    with pytest.raises(Unreadable):
        read(connector, LONG_AGO)


# Moving through a workflow


def test_done_is_two_transitions_away_and_wants_a_resolution(rig: Rig, connector: JiraConnector) -> None:
    key = rig.load(a_sample(status="new"))[0]

    receipt = connector.update(key, {"status": Status.RESOLVED}, version=connector.fetch(key).version)

    assert taken(rig, key) == ["In Progress", "Resolved"]
    assert rig.sandbox.shown(key)["resolution"] == "Done"
    assert (receipt.echo["status"], receipt.echo["resolution"]) == (Status.RESOLVED, "Done")
    bodies = [body for path, body in sent(rig) if path.endswith("transitions")]
    assert bodies == [{"transition": {"id": "11"}}, {"transition": {"id": "41"}, "fields": {"resolution": {"name": "Done"}}}]
    assert [e.kind for e in rig.effects()] == ["update", "update"]


def test_fields_go_first_then_the_status_and_each_is_sent_once(rig: Rig, connector: JiraConnector) -> None:
    key = rig.load(a_sample(status="open", tags=("old",)))[0]
    tags = TagChange(frozenset({"new"}), frozenset({"old"}))

    connector.update(key, {"status": "resolved", "priority": "high"}, version=connector.fetch(key).version, tags=tags)

    edit = {"fields": {"priority": {"name": "High"}}, "update": {"labels": [{"add": "new"}, {"remove": "old"}]}}
    assert [path for path, _ in sent(rig)] == [f"issue/{key}", f"issue/{key}/transitions"]
    assert sent(rig)[0][1] == edit


def test_a_software_project_is_walked_through_three_steps(rig: Rig) -> None:
    key = rig.load(a_sample(status="new", type="bug", key="WEB-7"))[0]
    connector = rig.connector(project=["WEB"], transition_fields={"resolution": "Won't Do"})

    connector.update(key, {"status": Status.RESOLVED}, version=connector.fetch(key).version)

    assert taken(rig, key) == ["In Progress", "In Review", "Done"]
    assert rig.sandbox.shown(key)["resolution"] == "Won't Do"


@pytest.mark.parametrize("status", [Status.PENDING, Status.ON_HOLD, Status.CLOSED])
def test_nothing_moves_towards_a_status_that_the_workflow_does_not_have(rig: Rig, status: Status) -> None:
    key = rig.load(a_sample(status="new", type="bug", key="WEB-7"))[0]
    connector = rig.connector(project="WEB")

    with pytest.raises(Rejected, match=r"no way to .* words: \{ status"):
        connector.update(key, {"status": status}, version=connector.fetch(key).version)

    assert taken(rig, key) == []
    assert rig.effects() == []


def test_a_status_it_already_has_is_not_written(rig: Rig, connector: JiraConnector) -> None:
    key = rig.load(a_sample(status="open"))[0]
    ticket = connector.fetch(key)

    receipt = connector.update(key, {"status": Status.OPEN}, version=ticket.version)

    assert sent(rig) == []
    assert receipt.version == ticket.version


def offering(rig: Rig, *transitions: Mapping[str, Any], times: int = 1) -> None:
    rig.fault("status", method="GET", path="transitions", times=times, status=200, body={"transitions": list(transitions)})


def to(name: str, id: str, category: str = "indeterminate") -> dict[str, Any]:
    return {"id": id, "name": name, "statusCategory": {"key": category}}


def test_a_required_field_without_an_answer_is_named_with_its_remedy(rig: Rig, connector: JiraConnector) -> None:
    key = rig.load(a_sample(status="open"))[0]
    version = connector.fetch(key).version
    asked = {
        "customfield_10099": {"required": True, "name": "Root cause", "schema": {"type": "option"}, "allowedValues": [{"value": "Bug"}]}
    }
    offering(rig, {"id": "41", "name": "Resolve", "to": to("Resolved", "5", "done"), "fields": asked})

    with pytest.raises(Rejected, match=r"'Root cause'.*transition_fields: \{ customfield_10099: VALUE \}.*one of Bug"):
        connector.update(key, {"status": Status.RESOLVED}, version=version)

    assert rig.effects() == []


def test_a_refusal_names_the_way_that_was_tried_and_where_the_issue_stands(rig: Rig, connector: JiraConnector) -> None:
    key = rig.load(a_sample(status="new"))[0]
    version = connector.fetch(key).version
    offering(rig, {"id": "11", "name": "Start", "to": to("In Progress", "3")})
    offering(rig)

    with pytest.raises(Rejected, match="tried Open → In Progress; it stands at In Progress now"):
        connector.update(key, {"status": Status.RESOLVED}, version=version)


def test_the_next_step_is_never_through_a_settled_status_and_prefers_work() -> None:
    offered = [
        {"id": "1", "to": to("Waiting for customer", "10")},
        {"id": "2", "to": to("Done", "11", "done")},
        {"id": "3", "to": to("Working", "12")},
        {"id": "4", "to": to("Backlog", "13", "new")},
    ]

    def step(wanted: Status, visited: set[str], names: Words = STATUS) -> str | None:
        found = onward(names, {"9": tuple(offered), **dict.fromkeys(visited, ())}, "9", wanted)
        return found["id"] if found else None

    assert step(Status.ON_HOLD, set()) == "3"
    assert step(Status.ON_HOLD, {"12"}) == "1"
    assert step(Status.ON_HOLD, {"10", "12", "13"}) is None
    assert step(Status.CLOSED, {"12"}) == "2"
    assert step(Status.PENDING, set()) == "1"
    assert step(Status.RESOLVED, set(), STATUS.extended({"Working": "resolved"})) == "3"  # one that is named, before one by category


@given(graph=st.lists(st.lists(st.integers(0, 7), max_size=4, unique=True), min_size=8, max_size=8), start=st.integers(0, 7))
def test_the_way_through_a_workflow_that_is_known_is_as_short_as_any(graph: list[list[int]], start: int) -> None:
    """Status 7 reads as resolved, all others as open; a breadth-first search of its own says how far it is."""
    words = Words({f"S{n}": "resolved" if n == 7 else "open" for n in range(8)})
    known = {str(n): tuple({"id": f"{n}-{m}", "to": to(f"S{m}", str(m))} for m in ends) for n, ends in enumerate(graph)}
    far = {start: 0}
    for _ in graph:
        far |= {m: far[n] + 1 for n in dict(far) for m in graph[n] if m not in far}

    here, taken = start, 0
    while here != 7 and (step := onward(words, known, str(here), Status.RESOLVED)):
        here, taken = int(step["to"]["id"]), taken + 1

    assert (here == 7, taken if here == 7 else None) == (7 in far, far.get(7))


def test_a_dead_end_is_left_again_and_shunned_by_the_next_issue() -> None:
    """Of two statuses the likelier one leads nowhere: the first issue walks in and back, the next one goes straight."""
    begin = ({"id": "1", "to": to("Working", "12")}, {"id": "2", "to": to("Waiting for customer", "10")})
    known: dict[str, Any] = {"9": begin}

    def step(here: str) -> str:
        found = onward(STATUS, known, here, Status.ON_HOLD)
        assert found is not None
        return str(found["id"])

    assert step("9") == "1"
    known["12"] = ({"id": "3", "to": to("Backlog", "9", "new")},)
    assert (step("12"), step("9")) == ("3", "2")
    known["10"] = ({"id": "4", "to": to("Pending", "14")},)
    assert (step("9"), step("10"), step("12")) == ("2", "4", "3")


def test_a_status_is_read_by_its_name_then_by_its_category() -> None:
    assert status_of(STATUS, to("Waiting for customer", "1")) is Status.PENDING
    assert status_of(STATUS, to("Anything at all", "1", "done")) is Status.RESOLVED
    assert status_of(STATUS, to("Archived", "1", "undefined")) is None
    assert status_of(STATUS.extended({"Archived": "closed"}), to("Archived", "1", "undefined")) is Status.CLOSED
    assert status_of(STATUS.extended({"Waiting for customer": "open"}), to("Waiting for customer", "1")) is Status.OPEN


def test_a_status_that_nobody_declared_is_named(rig: Rig, connector: JiraConnector) -> None:
    key = rig.load(a_sample(status="open"))[0]
    rig.rewrite({'"key":"indeterminate"': '"key":"undefined"', "In Progress": "Limbo"})

    ticket = connector.fetch(key)

    assert (ticket.status, ticket.unread) == (None, {"status": "Limbo"})


# Writes that meet others


class Meddling:
    """A sandbox in which somebody acts right after each of our edits."""

    def __init__(self, inner: JiraSandbox, deed: Deed) -> None:
        self._inner, self._deed, self.clock = inner, deed, inner.clock

    def answer(self, request: Request) -> Answer:
        answer = self._inner.answer(request)
        if request.method == "PUT":
            self._inner.people(self._deed)
        return answer


def test_an_edit_between_our_write_and_our_look_is_not_taken_for_seen(rig: Rig, connector: JiraConnector) -> None:
    key = rig.load(a_sample(tags=("mine",)))[0]
    ticket = connector.fetch(key)
    rig.later()
    assert rig.served is not None
    rig.served.sandbox = Meddling(rig.sandbox, Deed(kind="set", key=key, fields={"group": "vip-desk"}))  # type: ignore[assignment]

    receipt = connector.update(key, {"priority": Level.HIGH}, version=ticket.version, tags=TagChange(frozenset({"ours"})))

    assert receipt.version is None
    assert receipt.echo == {"priority": Level.HIGH, "tags": {"mine", "ours"}}


def test_a_limit_in_the_middle_of_a_write_is_in_doubt_and_not_nothing(rig: Rig, connector: JiraConnector) -> None:
    key = rig.load(a_sample(status="open"))[0]
    version = connector.fetch(key).version
    rig.fault("status", path="transitions", status=429, headers={"Retry-After": "3"})

    with pytest.raises(InDoubt, match="a part was written"):
        connector.update(key, {"status": "resolved", "priority": "high"}, version=version)

    assert connector.fetch(key).priority == Level.HIGH


def test_a_write_that_went_through_is_no_failure_when_the_look_after_it_fails(rig: Rig, connector: JiraConnector) -> None:
    key = rig.load(a_sample())[0]
    version = connector.fetch(key).version
    rig.fault("status", method="GET", path=f"issue/{key}$", skip=1, status=500)

    receipt = connector.update(key, {"priority": "high"}, version=version)

    assert receipt.version is None
    assert rig.sandbox.shown(key)["priority"] == "high"


def test_a_lost_creation_is_found_by_another_process_at_once_although_the_search_lags(rig: Rig, connector: JiraConnector) -> None:
    rig.load(a_sample())
    rig.fault("apply_then_drop", method="POST", path="issue$")
    with pytest.raises(InDoubt):
        connector.create(Draft(fields={"subject": "Made once"}, own={"issue_type": "Bug"}), mark=MARK)

    found = rig.connector().applied_create(MARK)

    assert found is not None
    assert [e.key for e in rig.effects()] == [found.key]
    assert rig.connector().applied_create("f" * 32) is None
    assert f"tg-{MARK[:8]}" in rig.sandbox.shown(str(found.key))["labels"]
    assert connector.fetch(str(found.key)).tags == frozenset()


def test_a_label_alone_is_no_proof(rig: Rig, connector: JiraConnector) -> None:
    rig.load(a_sample(tags=(f"tg-{MARK[:8]}",)))

    assert connector.applied_create(MARK) is None


def test_where_no_project_is_named_a_lost_creation_stays_in_doubt(rig: Rig) -> None:
    with pytest.raises(InDoubt, match="project:"):
        rig.connector(project=[]).applied_create(MARK)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"project": "WEB", "issue_type": "Bug"}, "add it to project:"),
        ({}, "issue_type"),
        ({"issue_type": "Bug", "shoe_size": "44"}, "shoe_size"),
    ],
)
def test_what_a_creation_lacks_is_said_before_anything_is_sent(rig: Rig, connector: JiraConnector, own: dict[str, str], said: str) -> None:
    with pytest.raises(Rejected, match=said):
        connector.create(Draft(fields={"subject": "Made"}, own=own), mark=MARK)

    assert sent(rig) == []


def test_a_creation_takes_its_type_status_and_own_fields(rig: Rig, connector: JiraConnector) -> None:
    wanted = {"subject": "Made", "type": "incident", "status": "open", "product": "api", "assignee": "max@example.com"}

    receipt = connector.create(Draft(fields=wanted, own={"Contract": "gold"}), mark=MARK)

    made = connector.fetch(str(receipt.key))
    assert (made.type, made.status, made.product) == ("incident", Status.OPEN, "api")
    assert receipt.echo == wanted
    assert rig.sandbox.tracker.issue(str(receipt.key)).state.own["customfield_10053"] == "gold"


# Comments


def test_a_note_is_internal_by_jiras_own_property_and_marked_by_ours(rig: Rig, connector: JiraConnector) -> None:
    key = rig.load(a_sample())[0]

    connector.comment(key, "For us only.", public=False, mark=MARK)

    ((path, body),) = sent(rig)
    assert path == f"issue/{key}/comment"
    assert {p["key"]: p["value"] for p in body["properties"]} == {
        "ticketgate.mark": {"mark": MARK},
        "sd.public.comment": {"internal": True},
    }
    assert [c["public"] for c in rig.sandbox.shown(key)["comments"]] == [False]


def test_a_comment_shown_to_one_group_only_is_not_public() -> None:
    assert reading.is_public({"jsdPublic": True})
    assert reading.is_public({})
    assert not reading.is_public({"jsdPublic": True, "visibility": {"type": "role", "value": "Administrators"}})
    assert not reading.is_public({"properties": [{"key": "sd.public.comment", "value": {"internal": True}}]})


def test_where_comments_come_without_properties_our_mark_is_asked_for_by_its_address(rig: Rig, connector: JiraConnector) -> None:
    key = rig.load(a_sample())[0]
    connector.comment(key, "Hello", public=True, mark=MARK)
    rig.rewrite({'"properties":': '"ignored":'})

    found = connector.applied_comment(key, "Hello", public=True, mark=MARK)

    assert found is not None
    assert connector.applied_comment(key, "Hello", public=True, mark="f" * 32) is None


def test_a_note_by_the_reporter_is_not_the_customers_word(rig: Rig, connector: JiraConnector) -> None:
    key = connector.create(Draft(fields={"subject": "Made by us"}, own={"issue_type": "Bug"}), mark=MARK).key
    connector.comment(str(key), "Internal.", public=False, mark=MARK)

    (comment,) = connector.comments(str(key))

    assert comment.role == "agent"


# People and fields


def test_an_assignee_is_found_by_address_or_exact_name_and_never_guessed(rig: Rig, connector: JiraConnector) -> None:
    key = rig.load(a_sample())[0]

    for said in ("lena@example.com", "Kenji Mori"):
        connector.update(key, {"assignee": said}, version=connector.fetch(key).version)
    assert rig.sandbox.shown(key)["assignee"] == "kenji@example.com"

    with pytest.raises(Rejected, match=r"no account .* 'e'; .*accounts:"):
        connector.update(key, {"assignee": "e"}, version=connector.fetch(key).version)


def test_a_hidden_address_is_found_by_the_settings_and_read_from_them(rig: Rig) -> None:
    sandbox = JiraSandbox(rig.clock, hidden=["lena@example.com"])
    rig.sandbox = rig.served.sandbox = sandbox  # type: ignore[union-attr]
    key = rig.load(a_sample())[0]
    lena = sandbox.tracker.accounts.known("lena@example.com")
    knowing = rig.connector(accounts={"lena@example.com": lena})

    knowing.update(key, {"assignee": "lena@example.com"}, version=knowing.fetch(key).version)

    assert knowing.fetch(key).assignee.email == "lena@example.com"  # type: ignore[union-attr]
    assert rig.connector().fetch(key).assignee.known_as == "Lena Vogt"  # type: ignore[union-attr]


def test_own_fields_are_found_by_name_and_written_as_their_schema_wants(rig: Rig) -> None:
    custom = (
        Custom("contract", "Contract"),
        Custom("seats", "Seats", "number"),
        Custom("renewal", "Renewal", "time"),
        Custom("regions", "Regions", "set"),
        Custom("impact_text", "Customer impact"),
    )
    key = rig.load(a_sample())[0]
    opened = JiraConnector.opened("here", JiraSettings(**rig.settings()), custom)
    rig.opened.append(opened)
    values: dict[str, Any] = {
        "custom.contract": "gold",
        "custom.seats": 12.5,
        "custom.renewal": datetime(2026, 5, 1, 13, 30, tzinfo=UTC),
        "custom.regions": frozenset({"emea", "apac"}),
        "custom.impact_text": "Two lines,\nof text.",
    }

    receipt = opened.update(key, values, version=opened.fetch(key).version)

    assert {f"custom.{k}": v for k, v in opened.fetch(key).custom.items()} == values
    assert receipt.echo == values
    changed = {c.field: c.after for c in opened.history(key)}
    assert (changed["custom.seats"], changed["custom.regions"]) == (12.5, frozenset({"emea", "apac"}))


def test_links_lead_to_the_site_where_the_interface_has_another_address(rig: Rig) -> None:
    key = rig.load(a_sample())[0]

    assert rig.connector(site="https://desk.example.com/").fetch(key).url == f"https://desk.example.com/browse/{key}"


def test_a_field_that_the_site_does_not_have_is_named(rig: Rig) -> None:
    with pytest.raises(Rejected, match="no field 'Team of teams'"):
        read(rig.connector(group_field="Team of teams"), LONG_AGO)


def test_the_field_called_group_is_the_group_where_none_is_named(rig: Rig) -> None:
    key = rig.load(a_sample(group="platform"))[0]

    assert rig.connector(group_field=None).fetch(key).group == "platform"


def test_history_reads_names_numbers_and_people(rig: Rig, connector: JiraConnector) -> None:
    key = rig.load(a_sample(status="new", tags=("vip",)))[0]
    for fields in ({"status": "pending"}, {"assignee": "max@example.com"}, {"group": "platform"}, {"tags": ["vip", "urgent"]}):
        rig.later()
        rig.people("set", key, **fields)

    told = [(c.field, c.before, c.after) for c in connector.history(key)]

    assert told == [
        ("status", "new", "pending"),
        ("assignee", None, "Max Berger"),
        ("group", None, "platform"),
        ("tags", frozenset({"vip"}), frozenset({"vip", "urgent"})),
    ]


# What Jira refuses


def failing(rig: Rig, connector: JiraConnector, **fault: Any) -> ConnectorError:
    key = rig.load(a_sample())[0]
    connector.fetch(key)
    rig.fault("status", **fault)
    with pytest.raises(ConnectorError) as raised:
        connector.fetch(key)
    return raised.value


def test_a_refusal_is_told_in_all_of_jiras_words(rig: Rig, connector: JiraConnector) -> None:
    error = failing(rig, connector, status=400, body={"errorMessages": ["First.", "Second."], "errors": {"priority": "It is frozen."}})

    assert isinstance(error, Rejected)
    assert "First.; Second.; priority: It is frozen." in str(error)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "-4"}, 0.0),
        ({"Retry-After": "1000000000"}, 3600.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_a_limit_names_its_reason_and_how_long_to_wait(
    rig: Rig, connector: JiraConnector, headers: dict[str, str], wait: float | None
) -> None:
    body = {"errorMessages": ["Rate limit exceeded."], "errors": {}}
    error = failing(rig, connector, status=429, headers={**headers, "RateLimit-Reason": "jira-burst-based"}, body=body)

    assert isinstance(error, Transient)
    assert error.retry_after == wait
    assert "jira-burst-based" in str(error)


@pytest.mark.parametrize("header", ["Retry-After", "X-RateLimit-Reset"])
def test_a_moment_to_wait_for_is_reckoned_from_the_answers_own_date(rig: Rig, connector: JiraConnector, header: str) -> None:
    then = rig.clock() + timedelta(seconds=60)
    said = format_datetime(then, usegmt=True) if header == "Retry-After" else then.isoformat()

    error = failing(rig, connector, status=429, headers={header: said})

    assert isinstance(error, Transient)
    assert error.retry_after == pytest.approx(60, abs=3)


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (401, {}, {"code": 401, "message": "Unauthorized; scope does not match"}, Unauthorized),
        (403, {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE"}, {"errorMessages": ["no"]}, Unauthorized),
        (403, {}, {"errorMessages": ["You do not have permission."]}, Rejected),
        (404, {}, {"errorMessages": ["Issue does not exist or you do not have permission to see it."]}, NotFound),
        (410, {}, {"errorMessages": ["The requested API has been removed."]}, Rejected),
    ],
    ids=str,
)
def test_a_refusal_means_what_the_caller_can_do(
    rig: Rig, connector: JiraConnector, status: int, headers: dict[str, str], body: Any, kind: type[ConnectorError]
) -> None:
    error = failing(rig, connector, status=status, headers=headers, body=body)

    assert type(error) is kind
    assert str(status) in str(error)


def test_a_bearer_token_signs_in_and_no_secret_is_ever_told(rig: Rig) -> None:
    token = rig.sandbox.sign_in()["token"]
    bearer, stranger = rig.connector(sign_in={"token": token}), rig.connector(sign_in={"token": "another-secret"})

    assert bearer.check_sign_in() == "ticketgate@example.com"
    with pytest.raises(Unauthorized) as refused:
        stranger.check_sign_in()
    assert not revealed([token, "another-secret"], refused.value, bearer, stranger, JiraSettings(**rig.settings(sign_in={"token": token})))


def test_a_dry_run_sends_no_write_at_all(rig: Rig) -> None:
    key = rig.load(a_sample(status="new"))[0]
    looking = rig.connector(read_only=True)
    version = looking.fetch(key).version
    looking.applied_create(MARK)

    for ask in (
        lambda: looking.update(key, {"status": "resolved"}, version=version),
        lambda: looking.update(key, {}, version=version, tags=TagChange(frozenset({"x"}))),
        lambda: looking.comment(key, "Hello", public=False, mark=MARK),
        lambda: looking.create(Draft(fields={"subject": "x"}, own={"issue_type": "Bug"}), mark=MARK),
    ):
        with pytest.raises(WriteRefused):
            ask()
    assert [path for path, _ in sent(rig)] == ["issue/bulkfetch"] * 2, "reads that go out as POST"


def test_jiras_limits_are_met_as_limits(rig: Rig) -> None:
    rig.sandbox = rig.served.sandbox = JiraSandbox(rig.clock, per_issue=1)  # type: ignore[union-attr]
    key, connector = rig.load(a_sample())[0], rig.connector()
    connector.comment(key, "One", public=True, mark=MARK)

    with pytest.raises(Transient, match="jira-per-issue-on-write") as refused:
        connector.comment(key, "Two", public=True, mark=MARK)

    assert refused.value.retry_after == 2.0  # type: ignore[attr-defined]
    rig.later()
    connector.comment(key, "Two", public=True, mark=MARK)


def test_keys_cannot_climb_out_of_their_place(rig: Rig, connector: JiraConnector) -> None:
    for key in ("../myself", "CORE-1/comment", "CORE-1?fields=x"):
        with pytest.raises(NotFound):
            connector.fetch(key)


# Records and settings, without a wire


def test_the_record_is_read_as_expected() -> None:
    said: Any = {"project": ["CORE"], "group_field": "customfield_10052", "sign_in": {"token": "none"}}
    custom = (Custom("product", "customfield_10050", "choice"), Custom("language", "customfield_10051", "choice"))
    connector = JiraConnector.opened("jira-core", JiraSettings(url="https://acme.atlassian.net/", **said), custom)
    expected = door.ticket(orjson.loads((CASSETTES / "expected.json").read_bytes()))

    assert connector._issues.ticket(orjson.loads((CASSETTES / "record.json").read_bytes())) == expected
    connector.close()


@pytest.mark.parametrize("words", [{"status": {"Done": "finished"}}, {"colour": {"Red": "urgent"}}])
def test_words_that_are_none_of_ours_are_refused_at_once(words: Any) -> None:
    with pytest.raises(ValidationError, match=r"is not a status|no words to declare"):
        JiraSettings(url="https://acme.atlassian.net", sign_in={"token": "none"}, words=words)  # type: ignore[arg-type]


@pytest.mark.parametrize("cursor", ["", "nonsense", "2026-03-02", "then/10001"])
def test_a_cursor_that_is_none_of_ours_is_expired(rig: Rig, connector: JiraConnector, cursor: str) -> None:
    with pytest.raises(CursorExpired):
        read(connector, Cursor(cursor))


def test_the_class_is_loaded_without_the_sdk() -> None:
    strangers = "{'jira', 'requests', 'httpx', 'pydantic_settings', 'connectors.transport', 'connectors.jira.session'}"
    code = f"import sys; from connectors import load; load('jira').abilities; print(sorted({strangers} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=CASSETTES.parents[1], timeout=60)

    assert done.stdout.strip() == "[]", done.stderr


# Documents

SAFE = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="￾￿") | st.just("\n"), max_size=200)


@given(SAFE)
def test_text_comes_back_from_the_document_that_it_became(text: str) -> None:
    document = adf.document(text)

    assert adf.text(document) == text
    assert is_document(document)
    assert plain(document) == text
    for node in [node for block in document["content"] for node in block["content"]]:
        node["marks"] = []
    assert adf.text(document) == text, "read node by node it says the same"


def test_any_document_reads_as_a_person_would() -> None:
    def paragraph(*nodes: Any) -> dict[str, Any]:
        return {"type": "paragraph", "content": list(nodes)}

    def words(text: str, **marks: Any) -> dict[str, Any]:
        return {"type": "text", "text": text, **marks}

    def media(name: str, kind: str = "media") -> dict[str, Any]:
        return {"type": kind, "attrs": {"type": "file", "id": "4478e39c", "collection": "", "alt": name}}

    link = {"marks": [{"type": "link", "attrs": {"href": "https://x.example"}}]}
    items = [{"type": "listItem", "content": [paragraph(words("one")), paragraph(words("more"))]}, {"type": "listItem"}]
    row = {"type": "tableRow", "content": [{"type": "tableCell", "content": [paragraph(words(t))]} for t in "ab"]}
    document = {
        "type": "doc",
        "content": [
            {"type": "heading", "attrs": {"level": 1}, "content": [words("Title")]},
            paragraph(words("see ", marks=[{"type": "strong"}]), words("here", **link), {"type": "emoji", "attrs": {"shortName": ":-)"}}),
            {"type": "orderedList", "content": items},
            {"type": "table", "content": [row, row]},
            {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "1"}}]},
            {"type": "mediaSingle", "content": [media("shot one.png")]},
            {"type": "mediaGroup", "content": [media("trace.log"), media("b.pdf")]},
            paragraph(words("inline "), media("in.gif", "mediaInline")),
            {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"type": "external", "url": "https://x.example/a.png?sig=no"}}]},
            paragraph(
                {"type": "date", "attrs": {"timestamp": "1772409600000"}}, {"type": "inlineCard", "attrs": {"url": "https://y.example"}}
            ),
            {"type": "somethingNew", "content": [paragraph(words("kept"))]},
        ],
    }

    assert adf.text(document) == (
        "Title\n\nsee here (https://x.example):-)\n\n1. one\n  more\n2. \n\na | b\na | b\n\n"
        "[image: without a name]\n\n[image: shot one.png]\n\n"
        "[file: trace.log]\n[file: b.pdf]\n\ninline [image: in.gif]\n\n[image: a.png]\n\n2026-03-02https://y.example\n\nkept"
    )


def test_hostile_and_overlong_texts_do_no_harm() -> None:
    deep: dict[str, Any] = {"type": "text", "text": "bottom"}
    for _ in range(5000):
        deep = {"type": "blockquote", "content": [deep]}

    assert adf.text({"type": "doc", "content": [deep]}) == ""
    assert adf.text(7) == ""
    assert adf.text({"type": ["doc"], "content": "text"}) == ""
    cut = adf.text(adf.document("x" * 40_000))
    assert len(cut) < 32_767
    assert cut.endswith("[cut: 8028 more characters]")
    assert adf.text(adf.document("a\x00b\r\nc")) == "ab\nc"


# What an issue was copied from


def test_a_clone_says_what_it_was_cloned_from_where_the_connection_asks_for_it(rig: Rig) -> None:
    (first,) = rig.load(a_sample())
    clone = rig.sandbox.people(Deed(kind="clone", key=first))
    rig.clock.advance(timedelta(minutes=10))
    asking, silent = rig.connector(origins=["Clones", "split from"]), rig.connector()

    found = {ticket.ref.key: ticket.split_from for page in asking.changed(LONG_AGO) for ticket in page.tickets}
    assert found == {first: None, clone: first}
    assert asking.fetch(clone).split_from == first
    assert silent.fetch(clone).split_from is None
    assert {ticket.split_from for page in silent.changed(LONG_AGO) for ticket in page.tickets} == {None}


def test_links_are_asked_for_only_where_an_origin_is_wanted(rig: Rig) -> None:
    rig.load(a_sample())
    for wanted in ([], ["clones"]):
        rig.served.exchanges.clear()  # type: ignore[union-attr]
        list(rig.connector(origins=wanted).changed(LONG_AGO))
        assert any("issuelinks" in str(e.request.query) + str(e.request.body) for e in rig.served.exchanges) == bool(wanted)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("links", "origin"),
    [
        ([], None),
        ([{"type": {"name": "Cloners", "inward": "is cloned by", "outward": "clones"}, "outwardIssue": {"key": "SUP-7"}}], "SUP-7"),
        ([{"type": {"name": "Cloners", "inward": "is cloned by", "outward": "clones"}, "inwardIssue": {"key": "SUP-7"}}], None),
        ([{"type": {"name": "Issue split", "inward": "split from", "outward": "split to"}, "inwardIssue": {"key": "SUP-8"}}], "SUP-8"),
        ([{"type": {"name": "Issue split", "inward": "split from", "outward": "split to"}, "outwardIssue": {"key": "SUP-8"}}], None),
        (
            [
                {"type": {"name": "Blocks", "inward": "is blocked by", "outward": "blocks"}, "outwardIssue": {"key": "SUP-1"}},
                {"type": {"name": "Cloners", "inward": "is cloned by", "outward": "clones"}, "outwardIssue": {"key": "SUP-2"}},
            ],
            "SUP-2",
        ),
    ],
)
def test_the_end_of_a_link_and_its_words_say_which_of_the_two_was_first(links: list[Any], origin: str | None) -> None:
    (row,) = origins(["clones", "split from"])
    assert row.convert is not None
    assert row.convert(links) == origin
