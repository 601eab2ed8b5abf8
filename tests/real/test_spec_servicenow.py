"""Every message between our connector and the ServiceNow sandbox, against the Table API's document and two recorded answers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real import overrides_servicenow as ours
from tests.real.conversing import exchanged
from tests.real.files import content, every
from tests.real.messages import wrong_with
from tests.real.spec_check import Json, Override, SpecCheck

SYSTEM = "servicenow"
LIST = "/api/now/table/incident"
ONE = "/api/now/table/incident/a9e30c7dc61122760116894de7bcc7bd"
RECORD = {
    "sys_id": "a9e3",
    "number": "INC0010023",
    "caller_id": {"link": "https://x/y", "value": "68"},
    "sys_updated_on": "2026-03-02 09:16:31",
}


def test_every_message_of_the_conversations_is_as_described(check: SpecCheck) -> None:
    exchanges = exchanged(SYSTEM)

    assert wrong_with(check, exchanges) == []
    asked = {found.name for e in exchanges if (found := check.found(e.request.method, e.url))}
    assert "GET /api/now/table/{tableName}" in asked
    assert "PATCH /api/now/table/{tableName}/{sys_id}" in asked
    assert "POST /api/now/table/{tableName}" in asked


@every("servicenow/responses/*.json")
def test_a_recorded_answer_is_as_described(path: Path, check: SpecCheck) -> None:
    assert check.answer("GET", ONE, 200, content(path)) == []


def answered(body: Any, *, method: str = "GET", url: str = ONE, status: int = 200) -> Callable[[SpecCheck], list[str]]:
    return lambda check: check.answer(method, url, status, body)


def asked(body: Any, *, method: str = "PATCH", url: str = ONE) -> Callable[[SpecCheck], list[str]]:
    return lambda check: check.request(method, url, body)


REFUSAL = {"error": {"message": "No Record found", "detail": "Record doesn't exist"}, "status": "failure"}
GOOD_AND_DAMAGED: list[tuple[Override, Any, Any]] = [
    (ours.statuses_are_text, answered({"result": RECORD}), answered({"result": 7})),
    (ours.an_answer_holds_records_of_text, answered({"result": RECORD}), answered({"foo": 1})),
    (ours.a_refusal_says_why, answered(REFUSAL, status=404), answered({"error": "no"}, status=404)),
    (ours.a_body_is_a_record_of_text, asked({"priority": "2"}), asked({"priority": 2})),
]


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"result": None},
        {"result": {**RECORD, "priority": 2}},
        {"result": {**RECORD, "active": True}},
        {"result": {**RECORD, "closed_at": None}},
        {"result": {**RECORD, "caller_id": {"link": "https://x/y"}}},
        {"result": {**RECORD, "caller_id": {"value": "68", "name": "Ana"}}},
        {"result": {**RECORD, "sys_updated_on": "2026-03-02T09:16:31Z"}},
        {"results": [RECORD]},
    ],
    ids=lambda d: str(d)[-40:],
)
def test_a_damaged_record_is_noticed(damaged: Json, check: SpecCheck) -> None:
    assert check.answer("GET", ONE, 200, {"result": RECORD}) == []
    assert check.answer("GET", ONE, 200, damaged) != []


@pytest.mark.parametrize("query", ["sysparm_limit=ten", "sysparm_exclude_reference_link=False", "sysparm_feilds=number"])
def test_what_the_package_would_get_wrong_is_noticed(query: str, check: SpecCheck) -> None:
    assert check.request("GET", f"{LIST}?{query}") != []


def test_a_record_of_the_sandbox_has_the_recorded_keys(real: Path) -> None:
    recorded = {key for path in sorted((real / "servicenow/responses").glob("*.json")) for key in content(path)["result"]}

    served = {key for record in _incidents(exchanged(SYSTEM)) for key in record}

    assert "sys_updated_on" in served
    plain = {key for key in served if "." not in key and not key.startswith("u_")}  # asked for across a reference; this instance's own
    assert plain - recorded == set()


def _incidents(exchanges: list[Any]) -> Iterator[Json]:
    for exchange in exchanges:
        body = exchange.answer.body if exchange.answer else None
        if exchange.request.path.startswith(LIST) and isinstance(body, dict):
            found = body.get("result") or []
            yield from found if isinstance(found, list) else [found]
