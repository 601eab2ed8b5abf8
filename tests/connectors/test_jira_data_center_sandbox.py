"""The Data Center sandbox as a Data Center: nothing of Cloud's is there, and it is as strict about its own."""

from typing import Any

import orjson
import pytest

from connectors.jira.sandbox_data_center import URL, DataCenterSandbox
from connectors.jira.sandbox_sign_in import PAT
from connectors.sandbox import Answer, Deed, Request
from tests.rigs import Clock, a_sample

SIGNED = {"authorization": f"Bearer {PAT}"}
DOCUMENT = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Hello"}]}]}


class Site:
    def __init__(self, **how: Any) -> None:
        self.clock = Clock()
        self.box = DataCenterSandbox(self.clock, **how)

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] = SIGNED, **query: Any) -> Answer:
        sent = b"" if body is None else orjson.dumps(body)
        told = {name: str(value) for name, value in query.items()}
        return self.box.answer(Request(method=method, path=path, query=told, headers=headers, body=sent))

    def api(self, method: str, path: str, body: Any = None, **query: Any) -> Answer:
        return self.ask(method, f"/jira/rest/api/2/{path}", body, **query)


@pytest.fixture
def site() -> Site:
    made = Site()
    made.box.load([a_sample(f"Ticket {n}", assignee="lena@example.com") for n in range(3)])
    return made


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jira/rest/api/3/issue/CORE-1"),
        ("GET", "/jira/rest/api/3/search/jql"),
        ("GET", "/jira/rest/api/2/search/jql"),
        ("POST", "/jira/rest/api/2/search/approximate-count"),
        ("POST", "/jira/rest/api/2/issue/bulkfetch"),
        ("GET", "/jira/rest/api/2/issue/CORE-1/changelog"),
        ("GET", "/rest/api/2/issue/CORE-1"),
    ],
)
def test_what_is_clouds_own_is_not_there_and_neither_is_anything_beside_the_context_path(site: Site, method: str, path: str) -> None:
    assert site.ask(method, path, {}).status in (404, 405)


@pytest.mark.parametrize("header", [{}, {"authorization": "Basic dGlja2V0Z2F0ZTpzZWNyZXQ="}, {"authorization": "Bearer wrong"}])
def test_only_a_personal_access_token_comes_in_but_anybody_may_ask_which_jira_it_is(site: Site, header: dict[str, str]) -> None:
    assert site.ask("GET", "/jira/rest/api/2/myself", headers=header).status == 401

    told = site.ask("GET", "/jira/rest/api/2/serverInfo", headers=header)
    assert (told.status, told.body["deploymentType"], told.body["baseUrl"]) == (200, "Server", URL)


def test_people_are_named_by_user_name_and_an_account_id_is_refused(site: Site) -> None:
    lena = site.api("GET", "user/search", username="lena").body[0]
    assert {"key", "name", "emailAddress"} < set(lena)
    assert not {"accountId", "accountType"} & set(lena)

    assert site.api("PUT", "issue/CORE-1", {"fields": {"assignee": {"name": lena["name"]}}}).status == 204
    refused = site.api("PUT", "issue/CORE-1", {"fields": {"assignee": {"accountId": lena["key"]}}})
    assert (refused.status, "'name' property" in str(refused.body)) == (400, True)
    assert site.api("PUT", "issue/CORE-1", {"fields": {"assignee": {"name": lena["key"]}}}).status == 400
    assert site.api("GET", "user/search", query="lena").status == 400


def test_text_is_kept_as_it_was_written_and_a_document_is_no_text(site: Site) -> None:
    said = "h1. *Bold* {code}x{code} \\*no\\*"
    assert site.api("PUT", "issue/CORE-1", {"fields": {"description": said}}).status == 204
    assert site.api("POST", "issue/CORE-1/comment", {"body": said}).status == 201

    assert site.api("GET", "issue/CORE-1", fields="description").body["fields"]["description"] == said
    comments = site.api("GET", "issue/CORE-1/comment", expand="properties").body["comments"]
    assert (comments[0]["body"], "jsdPublic" in comments[0]) == (said, False)
    assert site.api("PUT", "issue/CORE-1", {"fields": {"description": DOCUMENT}}).status == 400
    assert site.api("POST", "issue/CORE-1/comment", {"body": DOCUMENT}).status == 400


def test_a_page_is_counted_and_cut_to_the_sites_own_cap() -> None:
    site = Site(most=2)
    keys = site.box.load([a_sample(f"Ticket {n}") for n in range(5)])

    first = site.api("GET", "search", jql="project = CORE ORDER BY updated ASC, key ASC", maxResults=500).body
    last = site.api("GET", "search", jql="project = CORE ORDER BY updated ASC, key ASC", startAt=4, maxResults=500).body

    assert (first["total"], first["maxResults"], [i["key"] for i in first["issues"]]) == (5, 2, keys[:2])
    assert (last["startAt"], [i["key"] for i in last["issues"]]) == (4, keys[4:])


def test_a_key_that_is_not_there_makes_a_query_invalid_unless_it_is_not_validated(site: Site) -> None:
    jql = 'key in ("CORE-1", "CORE-99")'

    assert site.api("GET", "search", jql=jql).status == 400
    assert [i["key"] for i in site.api("GET", "search", jql=jql, validateQuery="false").body["issues"]] == ["CORE-1"]


def test_history_comes_with_the_issue_and_names_no_ids_of_fields(site: Site) -> None:
    site.box.people(_set("CORE-1", priority="urgent"))

    told = site.api("GET", "issue/CORE-1", expand="changelog").body["changelog"]

    assert (told["total"], told["histories"][0]["items"][0]["toString"]) == (1, "Highest")
    assert "fieldId" not in told["histories"][0]["items"][0]


def test_addresses_are_the_sites_own(site: Site) -> None:
    whole = orjson.dumps(site.api("GET", "issue/CORE-1").body).decode()

    assert f"{URL}/rest/api/2/issue/" in whole
    assert "acme.atlassian.net" not in whole


def _set(key: str, **fields: Any) -> Deed:
    return Deed(kind="set", key=key, fields=fields)
