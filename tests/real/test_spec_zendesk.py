"""Every message between our connector and the Zendesk sandbox, and every recorded answer, against Zendesk's own document."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox import Request
from connectors.zendesk.reading import Beside
from connectors.zendesk.sandbox import OAUTH_TOKEN, ZendeskSandbox
from connectors.zendesk.triggers import trigger_of
from gateway.clock import now
from tests.gateway.test_init_from import a_trigger
from tests.real import overrides_zendesk as ours
from tests.real.conversing import exchanged
from tests.real.files import content, every
from tests.real.messages import wrong_with
from tests.real.spec_check import Json, Override, SpecCheck

SYSTEM = "zendesk"
T = "https://acme.zendesk.com/api/v2/tickets/7.json"
TS = "https://acme.zendesk.com/api/v2/tickets.json"
UPLOADS = "https://acme.zendesk.com/api/v2/uploads.json"
EXPORT = "https://acme.zendesk.com/api/v2/incremental/tickets/cursor.json"

NOT_IN_THE_DOCUMENT = ("/oauth", "/webhooks", "/api/v2/any_channel")


def test_every_message_of_the_conversations_is_as_described(check: SpecCheck) -> None:
    exchanges = exchanged(SYSTEM)

    assert wrong_with(check, exchanges) == []
    asked = {check.found(e.request.method, e.url).name for e in exchanges if check.found(e.request.method, e.url)}  # type: ignore[union-attr]
    assert {"GET /api/v2/incremental/tickets/cursor", "PUT /api/v2/tickets/{ticket_id}", "POST /api/v2/tickets"} <= asked
    assert len(asked) >= 6


def test_the_triggers_of_our_sandbox_are_as_described(check: SpecCheck) -> None:
    sandbox = ZendeskSandbox(now)
    sandbox.desk.triggers.append(a_trigger("VIP", [["status", "is", "new"]], [["priority", "high"]], [["current_tags", "includes", "vip"]]))
    asked = Request(
        method="GET", path="/api/v2/triggers.json", query={"page[size]": "100"}, headers={"authorization": f"Bearer {OAUTH_TOKEN}"}
    )

    answer = sandbox.answer(asked)

    assert answer.status == 200
    assert len(answer.body["triggers"]) == 1
    assert [*check.answer("GET", "https://acme.zendesk.com/api/v2/triggers.json", 200, answer.body)] == []


@every("zendesk/recordings/zenpy/TestTriggers*.json")
def test_every_recorded_trigger_is_taken_over_or_named(path: Path) -> None:
    for one in content(path)["http_interactions"]:
        body = _json(one["response"]["body"]) or {}
        for record in body.get("triggers") or ([body["trigger"]] if "trigger" in body else []):
            found = trigger_of(record, Beside({}))
            assert found.acts or found.left, record["title"]


@every("zendesk/recordings/zenpy/*.json")
def test_every_recorded_answer_is_as_described(path: Path, check: SpecCheck) -> None:
    assert [w for one in content(path)["http_interactions"] for w in _wrong(check, one)] == []


def _wrong(check: SpecCheck, one: Json) -> Iterator[str]:
    method, url, answer = one["request"]["method"], one["request"]["uri"], one["response"]
    body = _json(answer["body"])
    if body is not None and not any(part in url for part in NOT_IN_THE_DOCUMENT):
        yield from check.answer(method, url, answer["status"]["code"], body)


def _json(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return None


# Each override is needed, and each refuses a damaged message


TICKET = {
    "id": 7,
    "status": "open",
    "priority": "high",
    "type": None,
    "subject": "Card declined",
    "requester_id": 3,
    "assignee_id": None,
    "tags": ["vip"],
    "created_at": "2026-03-02T09:16:31Z",
    "updated_at": "2026-03-02T09:16:31Z",
}
AUDIT = {"id": 1, "ticket_id": 7, "events": [{"id": 2, "type": "Change", "field_name": "tags", "value": ["vip"]}]}
USER = {"id": 3, "name": "Ana Lima", "role": "end-user", "email": "ana@example.com", "restricted_agent": False, "agent_only": None}


def answered(body: Any, *, method: str = "GET", url: str = T, status: int = 200) -> Callable[[SpecCheck], list[str]]:
    return lambda check: check.answer(method, url, status, body)


def asked(body: Any = None, *, method: str = "PUT", url: str = T) -> Callable[[SpecCheck], list[str]]:
    return lambda check: check.request(method, url, body)


def ticket(**changes: Any) -> Json:
    return {"ticket": {**TICKET, **changes}}


def without(name: str) -> Json:
    return {"ticket": {k: v for k, v in TICKET.items() if k != name}}


def trigger(value: Any, field: Any = "comment_is_public") -> Json:
    condition = {"field": field, "operator": "is", "value": value}
    return {"triggers": [{"title": "x", "actions": [], "conditions": {"all": [condition], "any": []}}]}


GOOD_AND_DAMAGED: list[tuple[Override, Any, Any]] = [
    (ours.anything_may_be_null, answered(ticket()), answered(ticket(assignee_id="5"))),
    (
        ours.an_exported_ticket_may_be_deleted,
        answered({"tickets": [{**TICKET, "status": "deleted"}], "after_cursor": "x", "end_of_stream": True}, url=EXPORT),
        answered({"tickets": [{**TICKET, "status": "gone"}], "after_cursor": "x", "end_of_stream": True}, url=EXPORT),
    ),
    (
        ours.a_job_tells_what_it_wants,
        answered({"job_status": {"id": "a", "results": {"count": 1}}}, url="/api/v2/job_statuses/a.json"),
        answered({"job_status": {"id": "a", "results": 7}}, url="/api/v2/job_statuses/a.json"),
    ),
    (
        ours.a_created_thing_is_a_201,
        answered({"macro": {"id": 1, "title": "x", "actions": []}}, method="POST", url="/api/v2/macros.json", status=201),
        answered({"macro": 7}, method="POST", url="/api/v2/macros.json", status=201),
    ),
    (
        ours.a_condition_may_be_a_boolean,
        answered(trigger(True), url="/api/v2/triggers.json"),
        answered(trigger(7, field=8), url="/api/v2/triggers.json"),
    ),
    (
        ours.a_user_has_an_id_a_name_and_a_role,
        answered({"user": USER}, url="/api/v2/users/me.json"),
        answered({"user": {"name": "Ana"}}, url="/api/v2/users/me.json"),
    ),
    (
        ours.an_audit_shows_lists_and_nothing,
        answered({"ticket": TICKET, "audit": AUDIT}, method="PUT"),
        answered({"ticket": TICKET, "audit": {**AUDIT, "events": [{"id": "two"}]}}, method="PUT"),
    ),
    (ours.a_refusal_says_why, answered({"error": "RecordNotFound"}, status=404), answered({"message": "?"}, status=404)),
    (ours.lists_are_paged, asked(method="GET", url=f"{TS}?page%5Bsize%5D=3"), asked(method="GET", url=f"{TS}?page_sise=3")),
    (
        ours.an_export_goes_on_from_a_cursor,
        asked(method="GET", url=f"{EXPORT}?cursor=abc"),
        asked(method="GET", url=f"{EXPORT}?start_time=monday"),
    ),
    (
        ours.a_ticket_is_written_in_known_words,
        asked({"ticket": {"custom_fields": [{"id": 1, "value": "api"}]}}),
        asked({"ticket": {"statuss": "open"}}),
    ),
    (ours.an_answer_holds_its_ticket, answered(ticket()), answered(without("updated_at"))),
    (
        ours.a_field_of_ones_own_holds_what_its_kind_holds,
        answered(ticket(custom_fields=[{"id": 1, "value": ["emea", "apac"]}])),
        answered(ticket(custom_fields=[{"id": 1, "value": {"emea": True}}])),
    ),
    (ours.an_upload_names_its_file, asked(method="POST", url=f"{UPLOADS}?filename=a.png"), asked(method="POST", url=UPLOADS)),
]


@pytest.mark.parametrize(
    "damaged",
    [
        ticket(status="Open"),
        ticket(id="7"),
        ticket(tags="a b"),
        ticket(priority="colossal"),
        ticket(assignee_id="5"),
        without("requester_id"),
        without("updated_at"),
        ticket(updated_at="yesterday"),
        {},
        {"tickets": []},
    ],
    ids=str,
)
def test_a_damaged_ticket_is_noticed(damaged: Json, check: SpecCheck) -> None:
    assert check.answer("GET", T, 200, copy.deepcopy({"ticket": TICKET})) == []
    assert check.answer("GET", T, 200, damaged) != []


# The keys of our answers are those of the recorded ones


def test_a_ticket_of_the_sandbox_has_the_recorded_keys(real: Path) -> None:
    recorded: set[str] = set()
    for path in sorted((real / "zendesk/recordings/zenpy").glob("*.json")):
        for one in content(path)["http_interactions"]:
            recorded |= _ticket_keys(_json(one["response"]["body"]))
    exchanges = [e for e in exchanged(SYSTEM) if e.answer is not None and isinstance(e.answer.body, dict)]

    served = set().union(*(_ticket_keys(e.answer.body) for e in exchanges if e.answer))

    assert served
    assert served - recorded == set()
    assert recorded - served - SELDOM == set()


SELDOM = {
    "deleted_ticket_form_id",
    "dates",
    "last_audits",
    "metric_set",
    "comment_count",
    "slas",
    "sharing_agreements",
    "generated_timestamp",
}
"""Recorded keys that the sandbox need not have: sideloads nobody asked for, and what only an export carries."""


def _ticket_keys(body: Json) -> set[str]:
    if not isinstance(body, dict):
        return set()
    found = [body.get("ticket"), *(body.get("tickets") or [])]
    return {key for one in found if isinstance(one, dict) and "requester_id" in one for key in one}
