"""The Jira sandbox as Jira: what it refuses, in which words, and the weaknesses that a connector must live with."""

import base64
from datetime import timedelta
from typing import Any

import orjson
import pytest

from connectors.jira.sandbox import JiraSandbox
from connectors.sandbox import Answer, Request
from tests.rigs import START, Clock, a_sample

SIGNED = {"authorization": "Basic " + base64.b64encode(":".join(JiraSandbox.sign_in().values()).encode()).decode()}


class Site:
    def __init__(self, **how: Any) -> None:
        self.clock = Clock()
        self.box = JiraSandbox(self.clock, **how)

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] = SIGNED, **query: Any) -> Answer:
        sent = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        told = {name: str(value) for name, value in query.items()}
        return self.box.answer(Request(method=method, path=f"/rest/api/3/{path}", query=told, headers=headers, body=sent))

    def search(self, jql: str, **query: Any) -> Any:
        return self.ask("GET", "search/jql", jql=jql, fields="summary,updated", **query).body

    def keys(self, jql: str, **query: Any) -> list[str]:
        return [issue["key"] for issue in self.search(jql, **query)["issues"]]


@pytest.fixture
def site() -> Site:
    return Site()


def test_nobody_gets_in_without_signing_in(site: Site) -> None:
    for headers in ({}, {"authorization": "Basic bm86bm8="}, {"authorization": "Bearer wrong"}):
        answer = site.ask("GET", "myself", headers=headers)
        assert answer.status == 401
        assert answer.body["errorMessages"]


def test_a_search_shows_a_write_only_after_its_lag_and_a_look_at_once(site: Site) -> None:
    (key,) = site.box.load([a_sample("Before")])
    site.ask("PUT", f"issue/{key}", {"fields": {"summary": "After"}})

    def found() -> str:
        return str(site.search("project = CORE")["issues"][0]["fields"]["summary"])

    assert (found(), site.ask("GET", f"issue/{key}", fields="summary").body["fields"]["summary"]) == ("Before", "After")
    site.clock.advance(timedelta(seconds=1.9))
    assert found() == "Before"
    site.clock.advance(timedelta(seconds=0.1))
    assert found() == "After"


@pytest.mark.parametrize(
    ("jql", "hits"),
    [
        ("updated >= '2026-03-02 06:00'", 1),  # 11:00 in UTC is 6:00 in New York
        ("updated >= '2026-03-02 06:01'", 0),
        ("updated >= '2026/03/02 06:00'", 1),
        (f"updated >= {int((START - timedelta(hours=1)).timestamp() * 1000)}", 1),
        (f"updated >= {int((START - timedelta(hours=1)).timestamp() * 1000) + 1}", 0),
        ("updated >= -61m", 1),
        ("updated >= -59m", 0),
        ("project = core AND labels = vip", 1),
        ('project in (CORE, "WEB") AND NOT labels = "vip"', 0),
        ("labels in (a, b) OR (key = CORE-1 AND status != Closed)", 1),
        ("assignee is EMPTY and created < -1h", 0),
        ("assignee is not EMPTY or created <= -1h", 1),
    ],
)
def test_jql_means_what_it_says(site: Site, jql: str, hits: int) -> None:
    site.box.load([a_sample(tags=("vip",))])

    assert len(site.keys(jql)) == hits


@pytest.mark.parametrize(
    ("jql", "said"),
    [
        ("", "Unbounded"),
        ("ORDER BY updated", "Unbounded"),
        ("shoe = 44", "Field 'shoe' does not exist"),
        ("project = NIX", "The value 'NIX' does not exist for the field 'project'."),
        ("updated >= 'yesterday'", "Date value 'yesterday'"),
        ("labels ~ x", "operator '~' is not supported"),
        ("project = CORE AND", "ends too early"),
        ("project = CORE key = 1", "Expecting either 'OR' or 'AND'"),
        ("project in (CORE", "Expecting ')'"),
        ("project = CORE ORDER BY shoe", "Not able to sort"),
        ("project = CORE ORDER BY " + ", ".join(["key"] * 8), "more than 7"),
        ("project = CORE &", "Expecting"),
    ],
)
def test_bad_jql_is_refused_in_jiras_shape(site: Site, jql: str, said: str) -> None:
    answer = site.ask("GET", "search/jql", jql=jql)

    assert answer.status == 400
    assert said in answer.body["errorMessages"][0]
    assert answer.body["errors"] == {}


def test_pages_follow_by_opaque_tokens_that_run_out(site: Site) -> None:
    keys = site.box.load([a_sample(f"Ticket {n}", age=60) for n in range(5)])
    jql = "project = CORE ORDER BY updated ASC, key ASC"
    first = site.search(jql, maxResults=2)
    second = site.search(jql, maxResults=2, nextPageToken=first["nextPageToken"])
    third = site.search(jql, maxResults=2, nextPageToken=second["nextPageToken"])

    assert [i["key"] for page in (first, second, third) for i in page["issues"]] == keys
    assert [page["isLast"] for page in (first, second, third)] == [False, False, True]
    assert "nextPageToken" not in third
    for token, query in ((first["nextPageToken"], "project = WEB"), ("made-up", jql), (first["nextPageToken"] + "x", jql)):
        assert site.ask("GET", "search/jql", jql=query, nextPageToken=token).status == 400
    site.clock.advance(timedelta(days=7, seconds=1))
    assert site.ask("GET", "search/jql", jql=jql, nextPageToken=first["nextPageToken"]).status == 400


def test_what_moves_on_between_pages_hides_nothing(site: Site) -> None:
    keys = site.box.load([a_sample(f"Ticket {n}", age=60 - n) for n in range(6)])
    jql = "project = CORE ORDER BY updated ASC, key ASC"
    first = site.search(jql, maxResults=2)
    site.ask("PUT", f"issue/{keys[0]}", {"fields": {"summary": "Moved"}})
    site.clock.advance(timedelta(seconds=3))

    rest = site.keys(jql, nextPageToken=first["nextPageToken"])

    assert rest == [*keys[2:], keys[0]]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PUT", "issue/CORE-1", {"fields": {"status": {"name": "Closed"}}}, "status"),
        ("PUT", "issue/CORE-1", {"fields": {"resolution": {"name": "Done"}}}, "resolution"),
        ("PUT", "issue/CORE-1", {"fields": {"description": "plain text"}}, "description"),
        ("PUT", "issue/CORE-1", {"fields": {"priority": {"name": "Sky-high"}}}, "priority"),
        ("PUT", "issue/CORE-1", {"fields": {"labels": ["two words"]}}, "labels"),
        ("PUT", "issue/CORE-1", {"update": {"labels": [{"add": "two words"}]}}, "labels"),
        ("PUT", "issue/CORE-1", {"fields": {"customfield_10052": {"value": "nobody"}}}, "customfield_10052"),
        ("PUT", "issue/CORE-1", {"fields": {"assignee": {"accountId": "nobody"}}}, "assignee"),
        ("PUT", "issue/CORE-1", {"fields": {"summary": "two\nlines"}}, "summary"),
        ("POST", "issue/CORE-1/comment", {"body": "plain text"}, "comment"),
        ("POST", "issue/CORE-1/comment", {"body": {"type": "doc", "version": 1, "content": [{"type": "text", "text": "x"}]}}, "comment"),
        ("POST", "issue", {"fields": {"project": {"key": "NIX"}, "issuetype": {"name": "Bug"}, "summary": "x"}}, "project"),
        ("POST", "issue", {"fields": {"project": {"key": "CORE"}, "issuetype": {"name": "Epic"}, "summary": "x"}}, "issuetype"),
        ("POST", "issue", {"fields": {"project": {"key": "CORE"}, "issuetype": {"name": "Bug"}}}, "summary"),
    ],
)
def test_what_jira_refuses_is_refused_by_field_and_changes_nothing(site: Site, method: str, path: str, body: Any, field: str) -> None:
    site.box.load([a_sample()])
    before = site.box.shown("CORE-1")

    answer = site.ask(method, path, body)

    assert (answer.status, list(answer.body["errors"])) == (400, [field])
    assert site.box.shown("CORE-1") == before
    assert site.box.effects == []
    assert site.box.keys() == ["CORE-1"]


def test_a_transition_is_only_what_the_workflow_offers_with_what_its_screen_wants(site: Site) -> None:
    site.box.load([a_sample(status="open")])

    def move(body: Any) -> int:
        return site.ask("POST", "issue/CORE-1/transitions", body).status

    assert move({"transition": {"id": "81"}}) == 400
    assert move({"transition": {"id": "41"}}) == 400
    assert move({"transition": {"id": "41"}, "fields": {"resolution": {"name": "Nix"}}}) == 400
    assert move({"transition": {"id": "41"}, "fields": {"resolution": {"name": "Done"}}}) == 204
    assert move({"transition": {"id": "91"}, "fields": {"resolution": {"name": "Done"}}}) == 400
    assert move({"transition": {"id": "91"}}) == 204
    shown = site.box.shown("CORE-1")
    assert (shown["native_status"], shown["resolution"]) == ("In Progress", None)
    assert len(site.box.effects) == 2


def test_two_writes_in_one_moment_bear_different_stamps(site: Site) -> None:
    site.box.load([a_sample()])
    stamps = []
    for n in range(3):
        site.ask("PUT", "issue/CORE-1", {"fields": {"summary": f"Version {n}"}})
        stamps.append(site.ask("GET", "issue/CORE-1", fields="updated").body["fields"]["updated"])

    assert stamps == ["2026-03-02T07:00:00.000-0500", "2026-03-02T07:00:00.001-0500", "2026-03-02T07:00:00.002-0500"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"text"', b'{"fields": 7}', b'{"update": {"labels": 7}}', b'{"transition": null}'])
@pytest.mark.parametrize(
    "path", ["PUT issue/CORE-1", "POST issue", "POST issue/CORE-1/transitions", "POST issue/CORE-1/comment", "POST search/jql"]
)
def test_nonsense_is_a_400_and_never_an_exception(site: Site, path: str, body: bytes) -> None:
    site.box.load([a_sample()])
    method, where = path.split()

    answer = site.ask(method, where, body)

    assert answer.status in (204, 400)
    assert site.box.shown("CORE-1")["subject"] == a_sample().subject


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "search", 410), ("GET", "nowhere", 404), ("PATCH", "issue/CORE-1", 405), ("GET", "issue/CORE-9", 404)],
)
def test_what_is_not_there_is_said(site: Site, method: str, path: str, status: int) -> None:
    assert site.ask(method, path).status == status


def test_limits_refuse_and_remember_who_would_not_wait() -> None:
    site = Site(burst=2)
    statuses = [site.ask("GET", "myself").status for _ in range(4)]

    assert statuses == [200, 200, 429, 429]
    assert len(site.box.limits.breaches) == 1
    refused = site.ask("GET", "myself")
    assert (refused.headers["Retry-After"], refused.headers["RateLimit-Reason"]) == ("1", "jira-burst-based")
    site.clock.advance(timedelta(seconds=1))
    assert site.ask("GET", "myself").status == 200


def test_headers_say_how_much_is_left(site: Site) -> None:
    assert {"X-RateLimit-Limit", "X-RateLimit-Remaining"} <= set(site.ask("GET", "myself").headers)
