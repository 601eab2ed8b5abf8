"""Issues, comments and changes as Jira itself sent them, read through the Jira connector's mapping: unknown words are named, never guessed.

The webhook bodies hold whole issues of Jira Cloud, Server and old Server; some hold an issue of which only a few fields were sent,
which is no ticket and is refused by the name of what is missing.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.columns import MALFORMED
from connectors.jira import reading
from connectors.jira.cloud import CLOUD
from connectors.jira.connector import JiraConnector
from connectors.jira.issues import NEEDED, why
from connectors.jira.sandbox import JiraSandbox
from connectors.jira.settings import JiraSettings
from rules.ticket import Level, Role, Status, Type
from tests.real.files import content, every

WORDS = {"type": {"Story": "task", "Improvement": "request"}, "priority": {"Major": "high"}}
LEFT_OUT = {"summary": "(not sent)", "created": "2019-02-15T19:01:52.971-0800", "updated": "2019-02-15T19:01:52.971-0800"}


def connector(**more: Any) -> JiraConnector:
    sign_in: Any = JiraSandbox.sign_in()
    return JiraConnector.opened("recorded", JiraSettings(url="https://acme.atlassian.net", sign_in=sign_in, **more))


def issues(body: Any) -> Iterator[dict[str, Any]]:
    """Every issue of a body, however deep it lies."""
    if isinstance(body, dict):
        if isinstance(body.get("fields"), dict) and "key" in body:
            yield body
        for inner in body.values():
            yield from issues(inner)
    elif isinstance(body, list):
        for inner in body:
            yield from issues(inner)


def whole(issue: dict[str, Any]) -> bool:
    """Whether all that makes a ticket was sent."""
    return all(issue["fields"].get(name) for name in LEFT_OUT)


@every("jira/webhooks/*.json")
def test_every_issue_of_a_webhook_is_read(path: Path) -> None:
    assert _read_all(content(path)) or not list(issues(content(path)))


@every("jira/responses/*.json")
def test_every_issue_of_an_answer_is_read(path: Path) -> None:
    assert _read_all(content(path)) == len(list(issues(content(path))))


def _read_all(body: Any) -> int:
    """Reads every issue; one that is not whole once as it came, and once with what was left out. How many there were."""
    with_words, without = connector(words=WORDS), connector()
    found = list(issues(body))
    for issue in found:
        if not whole(issue):
            _refused_by_name(without, issue)
        completed = {**issue, "fields": {**LEFT_OUT, **issue["fields"]}}
        _is_read(without, completed)
        assert with_words._issues.ticket(completed).unread == {}
    with_words.close()
    without.close()
    return len(found)


def _refused_by_name(it: JiraConnector, issue: dict[str, Any]) -> None:
    with pytest.raises(MALFORMED) as refused:
        it._issues.ticket(issue)
    assert why(refused.value) in {f"it has no {name}" for name in NEEDED}


def _is_read(it: JiraConnector, issue: dict[str, Any]) -> None:
    ticket, said = it._issues.ticket(issue), issue["fields"]
    assert (ticket.ref.key, ticket.subject) == (issue["key"], said["summary"])
    assert ticket.created_at.utcoffset() == ticket.updated_at.utcoffset() == timedelta(0)
    assert ticket.tags == frozenset(said.get("labels") or ())
    assert (ticket.assignee is None) == (said.get("assignee") is None)
    assert (ticket.requester is None) == (said.get("reporter") is None)
    assert bool(ticket.body) == bool(said.get("description"))
    for name, meanings in {"status": Status, "priority": Level, "type": Type}.items():
        word = (said.get({"type": "issuetype"}.get(name, name)) or {}).get("name")
        ours = getattr(ticket, name)
        assert ours is None or ours in set(meanings)
        assert ticket.unread.get(name) == (word if ours is None else None), f"{name} '{word}' was guessed or not named"


def test_a_word_that_was_guessed_would_be_noticed() -> None:
    """The check itself: the words that it needs are not among those that the connector knows by itself."""
    it = connector()
    fields = {"summary": "x", "created": "2019-02-15T19:01:52.971-0800", "updated": "2019-02-15T19:01:52.971-0800"}
    issue = {"id": "1", "key": "A-1", "fields": {**fields, "status": {"name": "Odd"}, "issuetype": {"name": "Story"}}}

    ticket = it._issues.ticket(issue)
    it.close()

    assert (ticket.status, ticket.type) == (None, None)
    assert ticket.unread == {"status": "Odd", "type": "Story"}


@every("jira/webhooks/*.json")
def test_every_recorded_comment_is_read(path: Path) -> None:
    for said in comments(content(path)):
        comment = reading.comment(said, {}, {}, CLOUD)
        assert comment.id == str(said["id"])
        assert comment.text.strip()
        assert comment.at.utcoffset() == timedelta(0)
        assert comment.role in set(Role)
        assert not comment.ours


def comments(body: Any) -> Iterator[dict[str, Any]]:
    """Every comment of a body: it has an author, a text and a moment."""
    if isinstance(body, dict):
        if {"id", "author", "body", "created"} <= body.keys():
            yield body
        for inner in body.values():
            yield from comments(inner)
    elif isinstance(body, list):
        for inner in body:
            yield from comments(inner)
