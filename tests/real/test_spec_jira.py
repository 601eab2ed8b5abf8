"""Every message between our connector and the Jira sandbox, and what was recorded of real Jiras, against Jira's own document."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import MARK
from tests.contract_attachments import upload
from tests.contract_slas import keep_in_jira
from tests.real import overrides_jira as ours
from tests.real.conversing import exchanged
from tests.real.files import content, every
from tests.real.messages import complaints, wrong_with
from tests.real.spec_check import Json, Override, SpecCheck, document_in
from tests.rigs import a_sample, rigged, served

SYSTEM = "jira"
ISSUE = "/rest/api/3/issue/CORE-1"
SEARCH = "/rest/api/3/search/jql"
COMMENTS = "/rest/api/3/issue/CORE-1/comment"
STAMP = "2026-03-02T09:16:31.456+0100"
DOC = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "hi"}]}]}


def test_every_message_of_the_conversations_is_as_described(check: SpecCheck) -> None:
    exchanges = exchanged(SYSTEM)

    assert wrong_with(check, exchanges) == []
    asked = {found.name for e in exchanges if (found := check.found(e.request.method, e.url))}
    assert any("search/jql" in name for name in asked)
    assert "POST /rest/api/3/issue/{issueIdOrKey}/transitions" in asked
    assert "POST /rest/api/3/issue/{issueIdOrKey}/comment" in asked
    assert len(asked) >= 6


def test_the_sandbox_speaks_of_slas_as_jira_service_management_does(real: Path) -> None:
    desks = SpecCheck(document_in(real / "jira/spec", "service-management*.json"), (), suffix="")

    with served(SYSTEM) as port, rigged(SYSTEM, port) as rig:
        (key,) = rig.load(a_sample(age=300))
        keep_in_jira(rig, key)
        assert len(rig.connector().native_slas(key)) == 2
        asked = [e for e in port.exchanges if "/servicedeskapi/" in e.request.path]  # type: ignore[union-attr]

    assert [e.request.path.rpartition("/")[2] for e in asked] == ["servicedesk", "sla"]
    assert [c for e in asked for c in complaints(desks, e)] == []
    damaged = {**asked[1].answer.body, "values": [{"name": "Time to resolution", "ongoingCycles": []}]}  # type: ignore[union-attr]
    assert desks.answer("GET", asked[1].url, 200, damaged) != []


def test_the_sandbox_speaks_of_files_as_both_documents_do(real: Path, check: SpecCheck) -> None:
    desks = SpecCheck(document_in(real / "jira/spec", "service-management*.json"), (), suffix="")

    with served(SYSTEM) as port, rigged(SYSTEM, port) as rig:
        (key,) = rig.load(a_sample(age=300))
        connector = rig.connector()
        connector.attach(key, upload(), public=True, mark=MARK)
        connector.attach(key, upload(), public=False, mark=MARK)
        for file in connector.attachments(key):
            connector.download(key, file, lambda part: None)
        asked = [e for e in port.exchanges]  # type: ignore[union-attr]

    ours = [e for e in asked if "/servicedeskapi/" in e.request.path and not e.request.path.endswith("attachTemporaryFile")]
    assert {e.request.path.rpartition("/")[2] for e in ours} == {key, "attachment", "comment"}
    assert [c for e in ours for c in complaints(desks, e)] == []
    assert wrong_with(check, asked) == []
    assert desks.answer("GET", ours[-1].url, 200, {**ours[-1].answer.body, "values": [{"public": "yes"}]}) != []  # type: ignore[union-attr]
    assert check.sends("POST", f"{ISSUE}/attachments", "application/octet-stream") != []


ANSWERS = {
    "all_statuses": "/rest/api/3/status",
    "all_priorities": "/rest/api/3/priority",
    "all_resolutions": "/rest/api/3/resolution",
    "all_fields": "/rest/api/3/field",
    "all_statuscategories": "/rest/api/3/statuscategory",
    "favourite_filters": "/rest/api/3/filter/favourite",
}
"""Recorded answers by file name, and where they were asked; the others belong to other interfaces or older shapes."""


@every("jira/responses/*.json")
def test_a_recorded_answer_is_as_described(path: Path, check: SpecCheck) -> None:
    if path.stem not in ANSWERS:
        pytest.skip("not an answer of an operation in this document, or of an older shape")

    assert check.answer("GET", ANSWERS[path.stem], 200, content(path)) == []


@every("jira/webhooks/*.json")
def test_the_issue_of_a_recorded_webhook_is_an_issue(path: Path, check: SpecCheck) -> None:
    body = content(path)
    issue = body.get("issue")
    if issue is None or "self" not in issue:
        pytest.skip("this webhook carries no issue")
    issue["fields"] = {k: v for k, v in issue["fields"].items() if k not in ("description", "comment")}  # version 2 has plain text there

    assert check.answer("GET", ISSUE, 200, issue) == []


@every("jira/webhooks/*.json")
def test_the_changes_of_a_recorded_webhook_are_changes(path: Path, check: SpecCheck) -> None:
    log = content(path).get("changelog")
    if log is None:
        pytest.skip("this webhook carries no changes")
    page = {"values": [{"id": str(log["id"]), "items": log["items"]}], "isLast": True, "maxResults": 1, "startAt": 0, "total": 1}

    assert check.answer("GET", f"{ISSUE}/changelog", 200, page) == []


# Each override is needed, and each refuses a damaged message


def answered(body: Any, *, method: str = "GET", url: str = ISSUE, status: int = 200) -> Callable[[SpecCheck], list[str]]:
    return lambda check: check.answer(method, url, status, body)


def asked(body: Any, *, method: str = "PUT", url: str = ISSUE) -> Callable[[SpecCheck], list[str]]:
    return lambda check: check.request(method, url, body)


STATUS = {"self": "https://acme.atlassian.net/rest/api/3/status/1", "id": "1", "name": "To Do"}


def issue(**fields: Any) -> Json:
    known = {"summary": "Card declined", "status": STATUS, "created": STAMP, "updated": STAMP, "description": DOC, "assignee": None}
    return {"id": "1", "key": "CORE-1", "self": "https://acme.atlassian.net/rest/api/3/issue/1", "fields": {**known, **fields}}


def change(**item: Any) -> Json:
    return {"values": [{"id": "1", "created": STAMP, "items": [{"field": "assignee", "from": None, "to": "a1", **item}]}], "isLast": True}


GOOD_AND_DAMAGED: list[tuple[Override, Any, Any]] = [
    (ours.no_content_means_none, answered(None, method="PUT", status=204), answered({"ok": True}, method="PUT", status=204)),
    (
        ours.a_refusal_says_why,
        answered({"errorMessages": ["slow down"], "errors": {}}, status=429),
        answered({"error": "slow down"}, status=429),
    ),
    (
        ours.nobody_can_be_assigned,
        asked({"accountId": None}, url=f"{ISSUE}/assignee"),
        asked({"name": "lena"}, url=f"{ISSUE}/assignee"),
    ),
    (
        ours.a_change_may_come_from_nothing,
        answered(change(), url=f"{ISSUE}/changelog"),
        answered(change(**{"from": 7}), url=f"{ISSUE}/changelog"),
    ),
    (ours.an_issue_has_typed_fields, answered(issue()), answered(issue(status=7))),
    (
        ours.text_is_a_document,
        asked({"body": DOC}, method="POST", url=COMMENTS),
        asked({"body": "plain text"}, method="POST", url=COMMENTS),
    ),
    (
        ours.a_page_says_whether_it_is_the_last,
        answered({"issues": [issue()], "isLast": True}, method="POST", url=SEARCH),
        answered({"isLast": True}, method="POST", url=SEARCH),
    ),
]


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {**issue(), "id": 1},
        {k: v for k, v in issue().items() if k != "key"},
        {**issue(), "keyy": "CORE-1"},
        issue(created="2026-03-02 09:16:31"),
        issue(updated="yesterday"),
        issue(description="plain text"),
        issue(labels="a b"),
        issue(summary=None),
        issue(assignee="lena"),
    ],
    ids=lambda d: str(d)[:40],
)
def test_a_damaged_issue_is_noticed(damaged: Json, check: SpecCheck) -> None:
    assert check.answer("GET", ISSUE, 200, damaged) != []


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("POST", f"{ISSUE}/transitions", {"transition": {"id": 31}}),
        ("POST", SEARCH, {"jql": "project = CORE", "nextPageToken": None}),
        ("PUT", ISSUE, {"fields": {"description": "plain text"}}),
        ("GET", f"{ISSUE}?fileds=summary", None),
        ("PUT", "/rest/api/latest/issue/CORE-1/assignee", {"accountId": "a"}),
    ],
    ids=["a number for an id", "a null token", "plain text", "an unknown query", "a path in no document"],
)
def test_what_the_package_would_get_wrong_is_noticed(method: str, url: str, body: Json, check: SpecCheck) -> None:
    assert check.request(method, url, body) != []


# The keys of our answers are those of the recorded ones


def test_an_issue_of_the_sandbox_has_recorded_keys(real: Path) -> None:
    recorded: dict[str, set[str]] = {"issue": set(), "fields": set(), "status": set(), "person": set(), "priority": set()}
    for path in sorted((real / "jira/webhooks").glob("*.json")):
        _note(recorded, content(path).get("issue"))
    served: dict[str, set[str]] = {name: set() for name in recorded}

    for found in _issues(exchanged(SYSTEM)):
        _note(served, found)

    assert served["fields"]
    custom = {key for key in served["fields"] if key.startswith("customfield_")}
    beyond = {name: served[name] - recorded[name] for name in recorded}
    beyond["fields"] -= custom
    assert {name: keys - MORE_TODAY.get(name, set()) for name, keys in beyond.items()} == {name: set() for name in recorded}


MORE_TODAY = {
    "issue": {"expand"},
    "person": {"accountType", "accountId", "emailAddress", "timeZone"},
    "status": {"statusCategory"},
}
"""Keys that Jira Cloud gives today and that the recorded webhooks, some of them older, do not have."""


def _note(seen: dict[str, set[str]], one: Json) -> None:
    if not isinstance(one, dict):
        return
    fields = one.get("fields") or {}
    seen["issue"] |= one.keys()
    seen["fields"] |= fields.keys()
    for name, kind in {"status": "status", "priority": "priority", "assignee": "person", "reporter": "person"}.items():
        seen[kind] |= (fields.get(name) or {}).keys()


def _issues(exchanges: list[Any]) -> Iterator[Json]:
    for exchange in exchanges:
        body = exchange.answer.body if exchange.answer else None
        if isinstance(body, dict) and "fields" in body and "key" in body:
            yield body
        elif isinstance(body, dict):
            yield from body.get("issues") or []
