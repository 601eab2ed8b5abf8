"""Many records at once are read as each by itself, whatever stands in them: that reading one is the specification."""

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import convert

from connectors.base import Custom
from connectors.columns import MALFORMED, MANY, Unusual, all_of
from connectors.jira import adf
from connectors.jira.connector import JiraConnector
from connectors.jira.issues import IssueReader
from connectors.jira.settings import JiraSettings
from connectors.jira.shape import known, plain
from connectors.jira.stamps import Stamps, in_utc
from connectors.mapping import declared, moment
from connectors.salesforce.cases import Cases
from connectors.salesforce.settings import SalesforceSettings
from connectors.servicenow import reading as servicenow
from connectors.servicenow.settings import ServiceNowSettings
from connectors.servicenow.shape import Shape, page_reader
from connectors.zendesk import reading as zendesk
from rules.ticket import Ticket

CASSETTES = Path(__file__).parent.parent.parent / "cassettes"
ODD: tuple[Any, ...] = (
    None,
    "",
    " ",
    "odd",
    0,
    7,
    3.5,
    True,
    [],
    ["a"],
    ["a", 3],
    {},
    {"name": "odd"},
    "2026-03-02T09:30:00Z",
    "2026-03-02T09:30:00+0100",
    10**12,
)


@dataclass(frozen=True)
class Reading:
    """One system's two ways, and a record as the system sends it."""

    together: Callable[[Sequence[Any]], list[Ticket]]
    alone: Callable[[Any], Ticket]
    record: Any


def recorded(system: str) -> Any:
    return orjson.loads((CASSETTES / system / "record.json").read_bytes())


def of_zendesk() -> Reading:
    answer = recorded("zendesk")
    own = [zendesk.custom_row(c) for c in (Custom("product", "360000000101", "choice"), Custom("brand", "brand_id", "number"))]
    table = declared((*(f for f in zendesk.TABLE if f.name != "product"), *own), {"status": {"odd": "open"}})
    beside = zendesk.Beside(answer)
    page, shape = zendesk.page_reader("desk", table, "https://acme.zendesk.com"), zendesk.shape_for(table)
    alone = zendesk.ticket_reader("desk", table, "https://acme.zendesk.com")

    def together(some: Sequence[Any]) -> list[Ticket]:
        return page(shape.decoded(orjson.dumps({"tickets": some}))["tickets"], beside)

    return Reading(together, lambda one: alone(one, beside), answer["ticket"])


def of_jira() -> Reading:
    return _of_jira(issues_of(), recorded("jira"))


def of_data_center() -> Reading:
    record = recorded("jira")
    record["fields"] |= {"description": "As *wiki* markup.", "assignee": None}
    record["fields"]["reporter"] = {"key": "JIRAUSER10100", "name": "ana", "displayName": "Ana", "emailAddress": "ana@example.com"}
    return _of_jira(issues_of(deployment="data_center", url="https://jira.acme.example"), record)


def issues_of(*more: Custom, **said: Any) -> IssueReader:
    always = {"url": "https://acme.atlassian.net/", "project": ["CORE"], "group_field": "customfield_10052", "sign_in": {"token": "none"}}
    custom = (Custom("product", "customfield_10050", "choice"), Custom("seats", "customfield_10051", "number"), *more)
    return JiraConnector.opened("core", JiraSettings(**{**always, **said}), custom)._issues


def _of_jira(issues: IssueReader, record: Any) -> Reading:
    record["fields"]["customfield_10051"] = 12

    def together(some: Sequence[Any]) -> list[Ticket]:
        return issues._together(issues.decoded(orjson.dumps({"issues": some}))["issues"])

    return Reading(together, issues.ticket, record)


def of_servicenow() -> Reading:
    sign_in: Any = {"client_id": "i", "client_secret": "s", "user": "u", "password": "p"}
    said = ServiceNowSettings(url="https://acme.service-now.com", sign_in=sign_in, tags_field="u_tags", words={"status": {"odd": "open"}})
    table = servicenow.table_for(said, (Custom("seats", "u_seats", "number"), Custom("product", "u_product")))
    record = {**recorded("servicenow")["result"], "u_seats": "12"}
    shape = Shape(table)
    page = page_reader("it", said, table, shape)

    def together(some: Sequence[Any]) -> list[Ticket]:
        return page(shape.decoded(orjson.dumps({"result": some}))["result"])

    return Reading(together, servicenow.ticket_reader("it", said, table), record)


def of_salesforce() -> Reading:
    sign_in: Any = {"client_id": "i", "client_secret": "s"}
    said = SalesforceSettings(url="https://acme.my.salesforce.com", sign_in=sign_in, group_field="Group__c")
    cases = Cases("crm", said, (Custom("product", "Product__c"), Custom("seats", "Seats__c", "number")))

    def together(some: Sequence[Any]) -> list[Ticket]:
        return cases.together(cases.decoded(orjson.dumps({"records": some, "done": True}))["records"])

    return Reading(together, cases.ticket, {**recorded("salesforce")["records"][0], "Seats__c": 12})


READINGS = {
    "zendesk": of_zendesk,
    "jira": of_jira,
    "jira-data-center": of_data_center,
    "servicenow": of_servicenow,
    "salesforce": of_salesforce,
}


@pytest.mark.parametrize("system", READINGS)
def test_an_ordinary_page_is_read_at_once_and_as_each_by_itself(system: str) -> None:
    reading = READINGS[system]()

    found = reading.together([deepcopy(reading.record), deepcopy(reading.record)])

    assert found == [reading.alone(deepcopy(reading.record))] * 2


@pytest.mark.parametrize("system", READINGS)
def test_an_empty_page_holds_no_tickets(system: str) -> None:
    assert READINGS[system]().together([]) == []


@pytest.mark.parametrize(("system", "key"), [("salesforce", "Id"), ("servicenow", "sys_id")])
def test_a_record_without_a_key_is_left_to_be_read_by_itself(system: str, key: str) -> None:
    reading = READINGS[system]()

    with pytest.raises(Unusual):
        reading.together([reading.record, {**reading.record, key: ""}])


def test_an_undeclared_word_does_not_slow_a_page_down() -> None:
    reading = of_zendesk()
    odd = {**reading.record, "status": "adrift", "type": "riddle"}

    (found,) = reading.together([odd])

    assert found.unread == {"status": "adrift", "type": "riddle"}
    assert found == reading.alone(odd)


def places(value: Any, here: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every key of a record, however deep."""
    found = [here] if here else []
    for key, inner in value.items() if isinstance(value, dict) else ():
        found += places(inner, (*here, key))
    return found


def changed(record: Any, place: tuple[str, ...], value: Any, *, missing: bool) -> Any:
    *way, last = place
    within = made = deepcopy(record)
    for key in way:
        within = within[key]
    if missing:
        del within[last]
    else:
        within[last] = value
    return made


def judged(alone: Callable[[Any], Ticket], record: Any) -> Ticket | str:
    try:
        return alone(record)
    except MALFORMED as error:
        return str(error)


@cache
def reading_of(system: str) -> Reading:
    return READINGS[system]()


@pytest.mark.parametrize("system", READINGS)
@settings(deadline=None)
@given(st.data())
def test_whatever_stands_in_a_record_it_is_read_as_by_itself(system: str, data: st.DataObject) -> None:
    reading = reading_of(system)
    odd = reading.record
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(odd)))
        odd = changed(odd, place, data.draw(st.sampled_from(ODD)), missing=data.draw(st.booleans()))
    page = [reading.record, odd, reading.record]

    tickets, lost = all_of(deepcopy(page), reading.together, reading.alone, lambda one, error: str(error))  # type: ignore[arg-type,return-value]

    expected = [judged(reading.alone, deepcopy(one)) for one in page]
    assert tickets == [one for one in expected if isinstance(one, Ticket)]
    assert lost == [one for one in expected if isinstance(one, str)]


RICH = {"type": "text", "text": "here", "marks": [{"type": "link", "attrs": {"href": "https://x.example"}}]}


@pytest.mark.parametrize("field", [None, "duedate", "reporter"])
def test_an_issue_of_a_page_that_is_read_by_itself_is_the_same(field: str | None) -> None:
    issues, record = issues_of(*([Custom("again", field)] if field else [])), recorded("jira")
    record["fields"]["customfield_10051"] = 12
    record["fields"]["description"]["content"].append({"type": "paragraph", "content": [RICH, {"type": "hardBreak"}, RICH]})
    (decoded,) = issues.decoded(orjson.dumps({"issues": [record], "isLast": True}))["issues"]

    assert known(decoded) == known(record) == (record["id"], record["fields"]["updated"])
    assert issues.ticket(plain(decoded)) == issues.ticket(record)
    found, lost = all_of([decoded], issues._together, lambda one: issues.ticket(plain(one)), lambda one, error: str(error))  # type: ignore[arg-type,return-value]
    assert (found, lost) == ([issues.ticket(record)], [])
    assert str(found[0].body).endswith("here (https://x.example)\nhere (https://x.example)")


PLAIN, MARKED = {"type": "text", "text": "plain"}, RICH


@given(st.lists(st.lists(st.sampled_from([PLAIN, MARKED, {"type": "hardBreak"}]), max_size=2), max_size=3))
def test_a_document_of_a_page_reads_as_one_by_itself(paragraphs: list[list[Any]]) -> None:
    document = {"type": "doc", "content": [{"type": "paragraph", "content": nodes} for nodes in paragraphs]}

    assert adf.text(convert(document, adf.Part)) == adf.text(document)


STAMP = st.builds("{}{}".format, st.datetimes(), st.sampled_from(["+0000", "-0400", "+0530", "+1400", "Z", "+00:00", "-0"])) | st.builds(
    lambda at, offset: f"{at.isoformat(timespec='milliseconds')}{offset}",
    st.datetimes(),
    st.sampled_from(["+0000", "-0400", "+0530", "-1200", "x0100", "00100"]),
)


@given(st.lists(STAMP, min_size=1, max_size=5))
def test_stamps_of_jira_are_read_as_each_by_itself(stamps: list[str]) -> None:
    quick = Stamps()
    for stamp in stamps:
        assert answered(quick.both, stamp) == answered(lambda one: (in_utc(one), moment(one)), stamp)


def answered(read: Callable[[str], Any], stamp: str) -> Any:
    try:
        return read(stamp)
    except (ValueError, OverflowError):
        return "not a moment"


def cases_with(*own: Custom) -> Cases:
    sign_in: Any = {"client_id": "i", "client_secret": "s"}
    return Cases("crm", SalesforceSettings(url="https://acme.my.salesforce.com", sign_in=sign_in, group_field="Group__c"), own)


def test_a_case_has_one_version_however_it_is_read_and_another_when_a_field_of_it_changes() -> None:
    own = [Custom(name, f"{name}__c") for name in ("Product", "Language", "Error_Code")]
    cases = cases_with(Custom("industry", "Account.Industry"), Custom("seats", "Seats__c", "number"), *own)
    record = recorded("salesforce")
    whole = record["records"][0]
    whole["Account"]["Industry"], whole["Seats__c"] = "Retail", 3
    (decoded,) = cases.decoded(orjson.dumps(record))["records"]

    (read,) = cases.together([decoded])

    assert read == cases.ticket(decoded) == cases.ticket(whole)
    assert (read.custom["industry"], read.custom["seats"]) == ("Retail", 3)
    for place in places(whole):
        if place[0] not in ("CaseComments", "EmailMessages") and "attributes" not in place:
            assert cases.version(changed(whole, place, "2026-01-01 other", missing=False)) != read.version, place


def test_the_version_of_a_case_is_what_earlier_releases_made_of_it() -> None:
    """Another one would make every case news with an upgrade. Written down from the release that first had it."""
    cases = cases_with(Custom("seats", "Seats__c", "number"), Custom("industry", "Account.Industry"))
    record = recorded("salesforce")
    whole = record["records"][0]
    whole |= {"Seats__c": 3.5, "Subject": 'Größe "x" \u2028 \x07 / \\ 🙂', "Account": {**whole["Account"], "Industry": "Retail"}}

    (read,) = cases.together(cases.decoded(orjson.dumps(record))["records"])

    assert read.version == cases.version(whole) == "2026-03-02T08:16:31Z~857901d5~-.02s5g0000000001AAA"


@pytest.mark.parametrize("field", ["Seats__c", "Account"])
def test_a_number_beyond_64_bits_or_a_compound_value_in_a_field_of_the_organization_is_no_reason_to_lose_a_page(field: str) -> None:
    cases = cases_with(Custom("seats", "Seats__c", "number"), Custom("address", "Account.BillingAddress"))
    record = recorded("salesforce")["records"][0]
    odd = {**record, field: 2**70 if field == "Seats__c" else {"Name": "Lima Trading", "BillingAddress": {"city": "Lima"}}}
    content = json.dumps({"records": [record, odd], "done": True}).encode()

    tickets, lost = all_of(cases.decoded(content)["records"], cases.together, cases.ticket, lambda one, error: str(error))  # type: ignore[arg-type,return-value]

    assert (tickets, lost) == ([cases.ticket(record), cases.ticket(cases.decoded(content)["records"][1])], [])


def test_who_owns_a_case_and_who_asked_are_read_of_a_page_as_of_each_case() -> None:
    sign_in: Any = {"client_id": "i", "client_secret": "s"}
    said = SalesforceSettings(url="https://acme.my.salesforce.com", sign_in=sign_in, group_field="Group__c", nobody=["Nobody"])
    cases, record = Cases("crm", said, ()), recorded("salesforce")["records"][0]
    people = [None, {"Name": "Lena", "Email": "lena@example.com"}, {"Name": "Nobody", "Email": None}, {"Name": None, "Email": ""}]
    owners = [
        {"OwnerId": id, "Owner": who, "Group__c": kept} for id in ("00G1", "0051", "0xx", None) for who in people for kept in (None, "EMEA")
    ]
    asking = [
        {"Contact": who, "Account": account, "SuppliedName": name, "SuppliedEmail": "s@example.com", "SuppliedCompany": company}
        for who in people
        for account in (None, {"Name": "Lima"}, {"Name": None})
        for name in (None, "Ana")
        for company in (None, "Acme")
    ]
    some = [record | one for one in (*owners, *asking)]

    assert cases.together(cases.decoded(orjson.dumps({"records": some, "done": True}))["records"]) == list(map(cases.ticket, some))


def test_an_odd_record_slows_down_only_those_that_are_read_with_it() -> None:
    asked: list[int] = []

    def together(some: Sequence[int]) -> list[Any]:
        if 0 in some:
            raise Unusual
        return list(some)

    tickets, lost = all_of([*range(3 * MANY)], together, lambda one: asked.append(one) or one, lambda one, error: str(error))  # type: ignore[arg-type,return-value,func-returns-value]

    assert (tickets, lost, asked) == ([*range(3 * MANY)], [], [*range(MANY)])


def test_a_page_of_another_shape_is_decoded_to_what_it_holds() -> None:
    said = {"records": [{"Id": 7}, "no case"], "done": "yes"}

    assert cases_with().decoded(orjson.dumps(said)) == said
