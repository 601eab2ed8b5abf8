"""Salesforce's own answers, as others recorded them, against the sandbox's and our reading of them.

There is no description document of this interface, so the keys of recorded answers are the only measure: the sandbox's are the same,
but for those listed below, each with its reason. What no recording covers is in `connectors/salesforce/README.md`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import ConnectorError, NotFound, Rejected, Unauthorized, Unreadable
from connectors.mapping import moment
from connectors.salesforce.answers import made
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.salesforce.settings import SalesforceSettings
from connectors.sandbox import Deed, Request
from gateway.sandbox.host import Fault, Served, in_thread
from tests.real.files import content, every
from tests.rigs import Clock, a_sample, some_samples

NOT_SERVED = {  # kinds of recorded answers, and why the sandbox has none
    "aggregate": "the sandbox groups and sums nothing: the connector asks for no aggregate",
    "recent": "the sandbox keeps no list of what a person looked at: the connector does not ask for it",
}
ONLY_OURS = {"error": {"fields"}}  # Salesforce lists the fields at fault where a write is refused; the recorded refusals are of reads
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000")


IN_LISTS = {"errorCode": "error", "version": "versions", "attributes": "recent"}
IN_OBJECTS = {
    "access_token": "token",
    "error_description": "no token",
    "sobjects": "objects",
    "fields": "describe",
    "records": "page",
    "success": "made",
    "attributes": "record",
}


def shape(body: Any) -> str:
    """What a recorded answer is; `?` for one of which nothing here knows what it is."""
    first = body[0] if isinstance(body, list) and body else body
    known = IN_LISTS if isinstance(body, list) else IN_OBJECTS
    found = next((name for key, name in known.items() if isinstance(first, dict) and key in first), "?")
    if found == "page" and (body["records"] or [{}])[0].get("attributes", {}).get("type") == "AggregateResult":
        return "aggregate"
    return found


def recorded(*kinds: str) -> Any:
    """A parametrize mark over the recorded answers of these kinds, by the name `path`."""
    mark = every("salesforce/responses/*.json")
    none = pytest.param(None, marks=pytest.mark.skip(reason=f"no recorded {' or '.join(kinds)}"), id="none")
    mine = [p for p in mark.args[1] if p.values[0] is None or shape(content(p.values[0])) in kinds]
    return pytest.mark.parametrize("path", mine or [none])


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    sandbox = SalesforceSandbox(Clock())
    keys = sandbox.load([a_sample(organization="Acme", tags=("vip", "checkout")), *some_samples(3)])
    sandbox.people(Deed(kind="reply", key=keys[0], by="customer", text="Hello?"))
    with in_thread(sandbox) as hosted:
        yield hosted["salesforce"]


@pytest.fixture
def connector(served: Served) -> Iterator[SalesforceConnector]:
    served.faults.clear()
    sign_in: Any = SalesforceSandbox.sign_in()
    settings = SalesforceSettings(url=SalesforceSandbox.url(), via=served.address, sign_in=sign_in)
    made = SalesforceConnector.opened("recorded", settings)
    yield made
    made.close()


def ours(served: Served, connector: SalesforceConnector, kind: str, body: Any) -> Any:
    """The sandbox's answer of that kind."""
    ask, key = connector._session.ask, served.sandbox.keys()[0]
    match kind:
        case "token" | "no token":
            secret = SalesforceSandbox.sign_in()["client_secret"] if kind == "token" else "wrong"
            form = f"grant_type=client_credentials&client_id=ticketgate&client_secret={secret}".encode()
            return served.sandbox.answer(Request(method="POST", path="/services/oauth2/token", body=form)).body
        case "error":
            return served.sandbox.answer(Request(method="GET", path="/services/data/v62.0/query/")).body
        case "versions":
            return connector._session._http.get(f"{SalesforceSandbox.url()}/services/data/", headers=signed(connector)).json()
        case "objects":
            return ask("list the objects", "GET", "sobjects")
        case "describe":
            return ask("describe", "GET", "sobjects/Case/describe")
        case "page":
            size, children = (200, "(SELECT Id FROM EmailMessages)") if body["done"] else (1, "Subject")
            served.sandbox.pages.most = size  # type: ignore[attr-defined]
            found = ask("query", "GET", "query/", params={"q": f"SELECT Id, CreatedDate, Owner.Name, {children} FROM Case"})
            served.sandbox.pages.most = 2000  # type: ignore[attr-defined]
            return found
        case "made":
            return ask("create", "POST", "sobjects/Case/", body={"Subject": "Made"})
        case "record":
            return ask("read", "GET", f"sobjects/Case/{key}")
    raise AssertionError(f"the sandbox serves no '{kind}'")


def signed(connector: SalesforceConnector) -> dict[str, str]:
    return {"Authorization": f"Bearer {connector._session._signed_in().session_id}"}


@every("salesforce/responses/*.json")
def test_every_recorded_answer_is_of_a_kind_that_is_known(path: Path) -> None:
    assert shape(content(path)) != "?", f"{path.name}: nothing here knows what this answer is"


@recorded(*{"error", "versions", *IN_OBJECTS.values()} - NOT_SERVED.keys())
def test_the_sandboxs_keys_are_those_of_the_recorded_answer(path: Path, served: Served, connector: SalesforceConnector) -> None:
    body = content(path)
    kind = shape(body)

    theirs, mine = list(levels(kind, body)), dict(levels(kind, ours(served, connector, kind, body)))

    for level, keys in theirs:
        assert mine[level] - ONLY_OURS.get(kind, set()) == keys, f"{path.name}: {level}"


def levels(kind: str, body: Any) -> Iterator[tuple[str, set[str]]]:
    """The keys at each level that every answer of the kind has in common: an object's own fields are its own."""
    first = body[0] if isinstance(body, list) else body
    if kind != "record":
        yield kind, set(first)
    for name in ("sobjects", "fields"):
        if first.get(name) and isinstance(first[name][0], dict):
            yield f"one of {name}", set(first[name][0])
            picked = next((f["picklistValues"][0] for f in first[name] if f.get("picklistValues")), None)
            if picked:
                yield "a picklist's value", set(picked)
    for record in [first] if kind == "record" else first.get("records", []):
        yield from of_record(record)


def of_record(record: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    yield "attributes", set(record["attributes"])
    for value in record.values():
        if isinstance(value, dict) and "records" in value:
            yield "children", set(value)
        elif isinstance(value, dict) and "attributes" in value:
            yield "attributes of a relation", set(value["attributes"])


@recorded("error", "no token")
def test_every_recorded_refusal_becomes_an_error_that_names_it(path: Path, served: Served, connector: SalesforceConnector) -> None:
    body, key = content(path), served.sandbox.keys()[0]
    code = body["error"] if isinstance(body, dict) else body[0]["errorCode"]
    status, error = meant(code)
    where = "oauth2/token" if shape(body) == "no token" else "query"
    served.faults.append(Fault(kind="status", path=where, status=status, body=body, times=2))

    with pytest.raises(ConnectorError) as raised:
        connector.fetch(key)

    assert type(raised.value) is error
    assert code in str(raised.value)


def meant(code: str) -> tuple[int, type[ConnectorError]]:
    """The status under which Salesforce sends a code, and what it means to us."""
    known: dict[str, tuple[int, type[ConnectorError]]] = {
        "INVALID_SESSION_ID": (401, Unauthorized),
        "NOT_FOUND": (404, NotFound),
        "invalid_grant": (400, Unauthorized),
    }
    return known.get(code, (400, Rejected))


@recorded("page", "aggregate", "record", "recent")
def test_every_recorded_record_is_read_or_named_and_never_guessed(path: Path, served: Served, connector: SalesforceConnector) -> None:
    body = content(path)
    records = body if isinstance(body, list) else body.get("records", [body])

    refused: dict[str, str] = {}
    for record in records:
        try:
            ticket = connector._cases.ticket(dict(record))
        except ValueError as error:
            refused[str(error)] = record["attributes"]["type"]
        else:
            unknown = {n for n in ("status", "priority", "type", "channel") if _held(record, n) and not getattr(ticket, n)}
            assert (ticket.ref.key, ticket.unread.keys()) == (record["Id"], unknown)

    assert all(re.search(r"Id|created_at|SystemModstamp", reason) and kind != "Case" for reason, kind in refused.items())


def _held(record: dict[str, Any], name: str) -> Any:
    return record.get({"channel": "Origin"}.get(name, name.capitalize()))


@recorded("page", "aggregate")
def test_every_recorded_page_moves_the_cursor_only_where_its_records_are_cases(
    path: Path, served: Served, connector: SalesforceConnector
) -> None:
    body = content(path)
    served.faults.append(Fault(kind="status", path="queryAll", status=200, body=body, times=1))
    cases = all(r["attributes"]["type"] == "Case" for r in body["records"])
    read: list[Any] = []

    try:
        read += connector.changed(moment("2026-01-01T00:00:00Z"))
    except Unreadable:
        assert not cases
    assert not [t for page in read for t in page.tickets] or cases


@recorded("page", "record")
def test_recorded_moments_are_written_as_the_sandbox_writes_them(path: Path, served: Served) -> None:
    stamps = [text for text in texts(content(path)) if re.match(r"\d{4}-\d\d-\d\dT", text)]

    assert all(STAMP.fullmatch(text) and moment(text) for text in stamps)
    case = served.sandbox.org.all("Case")[0]  # type: ignore[attr-defined]
    assert STAMP.fullmatch(case["SystemModstamp"])


def texts(body: Any) -> Iterator[str]:
    if isinstance(body, str):
        yield body
    for inner in body.values() if isinstance(body, dict) else body if isinstance(body, list) else ():
        yield from texts(inner)


@recorded("made")
def test_recorded_answers_to_a_write_say_what_was_made(path: Path) -> None:
    body = content(path)

    assert made("here", "create", body) == body["id"]


def test_a_key_that_the_sandbox_lost_would_be_noticed(served: Served, connector: SalesforceConnector) -> None:
    """The check itself: a damaged answer of the sandbox has other keys."""
    good = ours(served, connector, "page", {"done": True})
    damaged = {**good, "totalsize": good["totalSize"]}
    del damaged["totalSize"]

    assert dict(levels("page", good)) != dict(levels("page", damaged))
    assert {level for level, _ in levels("page", good)} >= {"page", "attributes", "attributes of a relation"}
