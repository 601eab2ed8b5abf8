"""The Salesforce sandbox itself: its queries, pages and weaknesses are the vendor's, so that a connector cannot pass by luck."""

import contextlib
from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.salesforce.sandbox_org import id_of
from connectors.salesforce.sandbox_soql import Malformed, parsed, stamp
from connectors.sandbox import Answer, Deed, Request
from tests.rigs import START, Clock, a_sample

DATA = "/services/data/v62.0"


class Org:
    """A sandbox that is signed in to, asked without a socket."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.sandbox = SalesforceSandbox(self.clock)
        self.keys = self.sandbox.load(
            [
                a_sample("Apple", age=30, priority="high", group="platform", organization="Acme"),
                a_sample("banana", age=20, priority="low", tags=("vip",), assignee="lena@example.com"),
                a_sample("Cherry's", age=10, priority=None, email="bo@example.com", requester="Bo"),
            ]
        )
        form = b"grant_type=client_credentials&client_id=ticketgate&client_secret=salesforce-sandbox-only"
        token = self.sandbox.answer(Request(method="POST", path="/services/oauth2/token", body=form)).body["access_token"]
        self.signed = {"authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: bytes = b"", query: Mapping[str, str] | None = None, **headers: str) -> Answer:
        said = {**self.signed, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.sandbox.answer(Request(method=method, path=f"{DATA}/{path}", query=query or {}, headers=said, body=body))

    def query(self, soql: str, how: str = "query/", **headers: str) -> Answer:
        return self.ask("GET", how, query={"q": soql}, **headers)

    def subjects(self, where: str) -> list[str]:
        answer = self.query(f"SELECT Subject FROM Case {where}")
        assert answer.status == 200, answer.body
        return [r["Subject"] for r in answer.body["records"]]


@pytest.fixture
def org() -> Org:
    return Org()


@pytest.mark.parametrize(
    ("where", "subjects"),
    [
        ("", ["Apple", "banana", "Cherry's"]),
        ("WHERE Subject = 'APPLE'", ["Apple"]),
        ("WHERE Subject = 'Cherry\\'s'", ["Cherry's"]),
        ("WHERE Subject != 'apple'", ["banana", "Cherry's"]),
        ("WHERE Subject <> 'apple'", ["banana", "Cherry's"]),
        ("WHERE Subject LIKE '%an%'", ["banana"]),
        ("WHERE Subject LIKE '_pple'", ["Apple"]),
        ("WHERE NOT Subject LIKE 'a%'", ["banana", "Cherry's"]),
        ("WHERE Priority = null", ["Cherry's"]),
        ("WHERE Priority IN ('High', 'Low')", ["Apple", "banana"]),
        ("WHERE Priority NOT IN ('High', 'Low')", ["Cherry's"]),
        ("WHERE CreatedDate > 2026-03-02T11:40:00Z", ["Cherry's"]),
        ("WHERE CreatedDate >= 2026-03-02T11:40:00Z", ["banana", "Cherry's"]),
        ("WHERE CreatedDate >= 2026-03-02T12:40:00+01:00", ["banana", "Cherry's"]),
        ("WHERE CreatedDate < 2026-03-02T11:40:00Z", ["Apple"]),
        ("WHERE CreatedDate <= 2026-03-02T11:40:00Z", ["Apple", "banana"]),
        ("WHERE (Priority = 'High' OR Priority = 'Low') AND Subject LIKE 'b%'", ["banana"]),
        ("WHERE Owner.Name = 'platform'", ["Apple"]),
        ("WHERE Contact.Email = 'bo@example.com'", ["Cherry's"]),
        ("WHERE Account.Name = 'Acme' AND IsDeleted = false", ["Apple"]),
        ("ORDER BY Subject DESC", ["Cherry's", "banana", "Apple"]),
        ("ORDER BY Priority", ["Cherry's", "Apple", "banana"]),
        ("ORDER BY Priority NULLS LAST", ["Apple", "banana", "Cherry's"]),
        ("ORDER BY Priority DESC", ["banana", "Apple", "Cherry's"]),
        ("ORDER BY Priority DESC NULLS FIRST", ["Cherry's", "banana", "Apple"]),
        ("ORDER BY IsClosed, Subject DESC LIMIT 2", ["Cherry's", "banana"]),
        ("LIMIT 1 OFFSET 1", ["banana"]),
        ("LIMIT 0", []),
    ],
)
def test_queries_find_what_they_ask_for(org: Org, where: str, subjects: list[str]) -> None:
    assert org.subjects(where) == subjects


def test_a_query_can_go_on_behind_a_key(org: Org) -> None:
    place = "2026-03-02T11:40:00Z"
    behind = f"(CreatedDate > {place} OR (CreatedDate = {place} AND Id > '{{}}'))"

    assert org.subjects(f"WHERE {behind.format(org.keys[0])}") == ["banana", "Cherry's"]
    assert org.subjects(f"WHERE {behind.format(org.keys[1])}") == ["Cherry's"]


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("", "MALFORMED_QUERY"),
        ("SELECT FROM Case", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case WHERE Subject = ", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case WHERE Subject = 'open", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case WHERE Subject = 'a' AND Status = 'b' OR Status = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case; DROP", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case LIMIT x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case ORDER Subject", "MALFORMED_QUERY"),
        ("SELECT Id, FROM Case", "MALFORMED_QUERY"),
        ("SELECT Nothing FROM Case", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE Nothing = 'a'", "INVALID_FIELD"),
        ("SELECT Owner.Nothing FROM Case", "INVALID_FIELD"),
        ("SELECT Friend.Name FROM Case", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE Description = 'long text'", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE CreatedDate > '2026-03-02T11:40:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE Subject = 7", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT (SELECT Id FROM Nothings) FROM Case", "INVALID_TYPE"),
    ],
)
def test_a_query_that_salesforce_would_refuse_is_refused(org: Org, soql: str, code: str) -> None:
    answer = org.query(soql)

    assert (answer.status, [e["errorCode"] for e in answer.body]) == (400, [code])


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    for soql in (text, f"SELECT Id FROM Case {text}", f"SELECT Id FROM Case WHERE Subject = {text}"):
        with contextlib.suppress(Malformed):
            parsed(soql)


@given(st.integers(1, 50_000), st.integers(1, 50_000))
def test_ids_are_told_apart_and_stand_in_the_order_of_their_making(one: int, other: int) -> None:
    first, second = id_of("Case", one), id_of("Case", other)

    assert len(first) == len(second) == 18
    assert (first < second) == (one < other)
    assert first[:15].casefold() + first[15:] != second[:15].casefold() + second[15:] or one == other


def test_a_record_says_its_relations_and_children_as_salesforce_does(org: Org) -> None:
    org.sandbox.people(Deed(kind="note", key=org.keys[0], text="One."))
    org.clock.advance(timedelta(seconds=1))
    org.sandbox.people(Deed(kind="note", key=org.keys[0], text="Two."))
    children = "(SELECT CommentBody FROM CaseComments ORDER BY CreatedDate DESC LIMIT 1)"

    first, second, _ = org.query(f"SELECT Subject, Owner.Name, Owner.Type, Account.Name, {children} FROM Case").body["records"]

    url = f"{DATA}/sobjects/Group/"
    assert first["Owner"]["attributes"] | {"url": url} == {"type": "Name", "url": url}
    assert (first["Owner"]["Name"], first["Owner"]["Type"], second["Owner"]["Type"]) == ("platform", "Queue", "User")
    assert [c["CommentBody"] for c in first["CaseComments"]["records"]] == ["Two."]
    assert (second["CaseComments"], second["Account"]) == (None, None)


def test_pages_are_as_asked_for_within_salesforces_bounds_and_their_locators_run_out(org: Org) -> None:
    org.sandbox.load(a_sample(f"More {n}") for n in range(450))
    sizes = []
    page = org.query("SELECT Id FROM Case", sforce_query_options="batchSize=10").body
    while not page["done"]:
        sizes.append(len(page["records"]))
        locator = page["nextRecordsUrl"].removeprefix(f"{DATA}/")
        page = org.ask("GET", locator, sforce_query_options="batchSize=10").body
    assert [*sizes, len(page["records"])] == [200, 200, 53]
    assert page["totalSize"] == 453

    org.clock.advance(timedelta(hours=49))
    org.sandbox.door.life = timedelta(days=9)
    late = org.ask("GET", locator)

    assert (late.status, late.body[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_what_is_not_committed_is_stamped_but_not_seen(org: Org) -> None:
    org.sandbox.org.commit_delay = timedelta(minutes=3)
    org.sandbox.people(Deed(kind="set", key=org.keys[0], fields={"subject": "Apricot"}))
    born = stamp(START)

    before = org.query("SELECT Subject, SystemModstamp FROM Case LIMIT 1").body["records"][0]
    org.clock.advance(timedelta(minutes=3))
    after = org.query("SELECT Subject, SystemModstamp FROM Case LIMIT 1").body["records"][0]

    assert (before["Subject"], after["Subject"]) == ("Apple", "Apricot")
    assert before["SystemModstamp"] < born == after["SystemModstamp"]
    assert org.sandbox.shown(org.keys[0])["subject"] == "Apricot"


@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("Mon, 02 Mar 2026 12:00:00 GMT", 204),  # the very second of the change: Salesforce cannot tell
        ("Mon, 02 Mar 2026 11:59:59 GMT", 412),
        ("Tue, 03 Mar 2026 12:00:00 GMT", 204),
        ("yesterday", 400),
    ],
)
def test_if_unmodified_since_is_as_coarse_as_salesforces(org: Org, since: str, status: int) -> None:
    org.sandbox.people(Deed(kind="set", key=org.keys[0], fields={"priority": "urgent"}))

    assert org.ask("PATCH", f"sobjects/Case/{org.keys[0]}", b'{"Priority":"Low"}', if_unmodified_since=since).status == status
    assert len(org.sandbox.effects) == (1 if status == 204 else 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "JSON_PARSER_ERROR"),
        (b"[]", "JSON_PARSER_ERROR"),
        (b'{"Nothing":1}', "INVALID_FIELD"),
        (b'{"SystemModstamp":"2026-03-02T12:00:00Z"}', "INVALID_FIELD_FOR_INSERT_UPDATE"),
        (b'{"Status":"Odd"}', "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        (b'{"OwnerId":"00Gnobody"}', "INVALID_CROSS_REFERENCE_KEY"),
        (b'{"OwnerId":null}', "INVALID_CROSS_REFERENCE_KEY"),
        (b'{"Subject":"' + b"x" * 256 + b'"}', "STRING_TOO_LONG"),
    ],
)
def test_a_write_that_salesforce_would_refuse_is_refused_and_leaves_no_effect(org: Org, body: bytes, code: str) -> None:
    answer = org.ask("PATCH", f"sobjects/Case/{org.keys[0]}", body)

    assert (answer.status, answer.body[0]["errorCode"]) == (400, code)
    assert org.sandbox.effects == []


def test_comments_and_e_mails_do_not_touch_their_case(org: Org) -> None:
    stamps = "SELECT SystemModstamp FROM Case ORDER BY Id"
    before = org.query(stamps).body["records"]
    org.clock.advance(timedelta(hours=1))
    for key in org.keys:
        org.sandbox.people(Deed(kind="reply", key=key, by="customer", text="Hello?"))
        org.ask("POST", "sobjects/CaseComment/", b'{"ParentId":"' + key.encode() + b'","CommentBody":"Hi","IsPublished":true}')

    assert org.query(stamps).body["records"] == before


@pytest.mark.parametrize("path", ["query", "sobjects/Case", "nonsense", "sobjects/Nothing/1", "limits/x"])
def test_nothing_is_answered_without_a_token_and_no_path_raises(org: Org, path: str) -> None:
    stranger = org.sandbox.answer(Request(method="GET", path=f"{DATA}/{path}"))
    known = org.ask("GET", path)

    assert (stranger.status, stranger.body[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert known.status in (200, 400, 404)
    assert known.headers["Sforce-Limit-Info"].startswith("api-usage=")


def test_many_tickets_are_loaded_and_paged_in_seconds(org: Org) -> None:
    org.sandbox.load(a_sample(f"More {n}", age=n / 60) for n in range(20_000))
    place, seen = "2026-01-01T00:00:00Z", 0
    while True:
        rows = org.query(
            f"SELECT Id, SystemModstamp FROM Case WHERE SystemModstamp >= {place} ORDER BY SystemModstamp ASC, Id ASC LIMIT 2000"
        ).body["records"]
        seen += len(rows)
        if len(rows) < 2000:
            break
        place = rows[-1]["SystemModstamp"].replace(".000+0000", "Z")

    assert seen >= 20_003
