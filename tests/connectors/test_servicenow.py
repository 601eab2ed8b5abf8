"""ServiceNow's own quirks, through pysnow's session over a real socket."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors import door
from connectors.base import Custom, Spoilt
from connectors.errors import CursorExpired, InDoubt, NotFound, Rejected, Transient, Unauthorized, Unreadable, WriteRefused
from connectors.sandbox import Answer, Request
from connectors.servicenow.connector import ServiceNowConnector
from connectors.servicenow.query import after, escaped
from connectors.servicenow.reading import asked_for, table_for, ticket_reader
from connectors.servicenow.sandbox import CLIENT_SECRET, PASSWORD, ServiceNowSandbox
from connectors.servicenow.sandbox_query import parsed
from connectors.servicenow.session import refused
from connectors.servicenow.settings import ServiceNowSettings
from connectors.servicenow.writing import Writer
from rules.plan import Draft, TagChange
from rules.ticket import Level, Role, Status
from tests.contract import LONG_AGO, MARK, one
from tests.rigs import Rig, a_sample, keys_of, read

CASSETTES = Path(__file__).parents[2] / "cassettes" / "servicenow"
FIELDS = (Custom("product", "u_product", "choice"), Custom("language", "u_language", "choice"))


@pytest.fixture(scope="module")
def system() -> str:
    return "servicenow"


@pytest.fixture
def connector(rig: Rig) -> Any:
    return rig.connector()


def settings(**more: Any) -> ServiceNowSettings:
    return ServiceNowSettings(**{"url": "https://acme.service-now.com", "sign_in": ServiceNowSandbox.sign_in(), **more})


def asked(rig: Rig, method: str = "GET", path: str = "") -> list[Request]:
    assert rig.served is not None
    return [e.request for e in rig.served.exchanges if e.request.method == method and path in e.request.path]


class Meddling:
    """Somebody acts at the very moment at which a request arrives."""

    def __init__(self, rig: Rig, method: str, deed: Callable[[], Any]) -> None:
        self._inner, self._method, self._deed = rig.sandbox, method, deed
        rig.served.sandbox = self  # type: ignore[union-attr, assignment]

    def answer(self, request: Request) -> Answer:
        if request.method == self._method:
            self._deed()
        answer: Answer = self._inner.answer(request)
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


# Reading


def test_the_record_is_read_as_expected() -> None:
    record = json.loads((CASSETTES / "record.json").read_text())["result"]
    expected = door.ticket(orjson.loads((CASSETTES / "expected.json").read_bytes()))

    own = settings()

    assert ticket_reader("servicenow-it", own, table_for(own, FIELDS))(record) == expected
    assert list(record) == asked_for(own, FIELDS).split(",")


def test_a_second_with_many_changes_is_read_once_each_across_pages(rig: Rig) -> None:
    keys = rig.load(*(a_sample(f"Before {n}", age=90) for n in range(5)), *(a_sample(f"Tie {n}", age=61) for n in range(40)), a_sample())

    pages = read(rig.connector(page_size=7), LONG_AGO)

    assert Counter(keys_of(pages)) == Counter(keys)
    assert [len(page.tickets) for page in pages] == [7] * 6 + [4, 0]


def test_records_that_may_not_be_read_shorten_a_page_and_do_not_end_the_reading(rig: Rig) -> None:
    keys = rig.load(*(a_sample(f"Ticket {n}", age=100 - n) for n in range(30)))
    rig.sandbox.hidden = set(keys[2:9])

    pages = read(rig.connector(page_size=10), LONG_AGO)

    assert [len(page.tickets) for page in pages] == [3, 10, 10, 0]
    assert set(keys_of(pages)) == set(keys) - rig.sandbox.hidden


def test_a_result_that_was_broken_off_is_no_page_and_the_next_one_is_smaller(rig: Rig) -> None:
    keys = rig.load(*(a_sample(f"Ticket {n}", age=300 - n) for n in range(150)))
    reading = rig.connector(page_size=100)
    rig.sandbox.broken_off = 1

    with pytest.raises(Transient, match="maximum execution time"):
        read(reading, LONG_AGO)
    pages = read(reading, LONG_AGO)

    assert Counter(keys_of(pages)) == Counter(keys)
    assert [r.query["sysparm_limit"] for r in asked(rig, path="incident")] == ["100", "50", "100", "100"]


def test_what_was_stamped_before_the_last_watermark_and_appeared_later_is_still_seen(rig: Rig, connector: Any) -> None:
    rig.load(a_sample("Seen", age=10))
    cursor = read(connector, LONG_AGO)[-1].cursor
    late = rig.load(a_sample("Committed late", age=10 + 4 / 60))

    assert late[0] in keys_of(read(connector, cursor))


def test_the_next_poll_begins_where_this_one_began_not_where_it_ended(rig: Rig) -> None:
    """While it ran, records were stamped that its pages had already passed."""
    rig.load(*(a_sample(f"Ticket {n}", age=-60 * 24 * 365 * 40 - n) for n in range(6)))  # stamped after the Date of any answer

    pages = read(rig.connector(page_size=2), LONG_AGO)

    at = [page.cursor.split("|")[0] for page in pages]
    assert at[0] < at[1] < at[2] == at[-2]
    assert at[-1] == at[0]


def test_deletions_that_take_too_long_do_not_hold_up_the_reading(rig: Rig, connector: Any) -> None:
    keys = rig.load(*(a_sample(f"Ticket {n}") for n in range(3)))
    cursor = read(connector, LONG_AGO)[-1].cursor
    rig.people("delete", keys[1])
    rig.fault("status", path="sys_audit_delete", status=500)

    pages = read(connector, cursor)

    assert pages[-1].last
    assert (pages[-1].gone, read(connector, pages[-1].cursor)[-1].gone) == ((), (keys[1],))


def test_deletions_come_with_the_last_page_once(rig: Rig, connector: Any) -> None:
    keys = rig.load(*(a_sample(f"Ticket {n}") for n in range(3)))
    cursor = read(connector, LONG_AGO)[-1].cursor
    rig.people("delete", keys[1])

    pages = read(connector, cursor)

    assert pages[-1].gone == (keys[1],)
    assert read(connector, pages[-1].cursor)[-1].gone == ()
    with pytest.raises(NotFound):
        connector.fetch(keys[1])


def test_deletions_that_may_not_be_read_are_asked_for_once(rig: Rig, connector: Any) -> None:
    rig.sandbox.unreadable.add("sys_audit_delete")

    assert [read(connector, LONG_AGO)[-1].gone for _ in range(3)] == [(), (), ()]
    assert len(asked(rig, path="sys_audit_delete")) == 1


def test_an_unknown_state_is_named_and_never_guessed(rig: Rig, connector: Any) -> None:
    key = rig.load(a_sample())[0]
    rig.sandbox.desk.incidents.change(key, {"state": "-100"})

    ticket = connector.fetch(key)

    assert ticket.status is None
    assert ticket.unread == {"status": "-100"}
    assert rig.connector(words={"status": {"-100": "pending"}}).fetch(key).status == Status.PENDING


@pytest.mark.parametrize(("reason", "status"), [("1", Status.PENDING), ("3", Status.ON_HOLD), ("5", Status.ON_HOLD), ("", Status.ON_HOLD)])
def test_on_hold_is_told_by_its_reason(rig: Rig, connector: Any, reason: str, status: Status) -> None:
    key = rig.load(a_sample(status="on_hold"))[0]
    rig.sandbox.desk.incidents.change(key, {"hold_reason": reason})

    assert connector.fetch(key).status == status


def test_an_installation_names_a_reason_of_its_own(rig: Rig) -> None:
    key = rig.load(a_sample(status="on_hold"))[0]
    rig.sandbox.desk.incidents.change(key, {"hold_reason": "5"})

    assert rig.connector(words={"status": {"3/5": "pending"}}).fetch(key).status == Status.PENDING


def test_a_record_of_another_shape_is_parked_alone(rig: Rig, connector: Any) -> None:
    keys = rig.load(*(a_sample(f"Ticket {n}", age=60 - n) for n in range(3)))
    rig.rewrite({'"short_description":"Ticket 1"': '"short_description":7'})

    pages = read(connector, LONG_AGO)

    assert keys_of(pages) == [keys[0], keys[2]]
    assert pages[0].spoilt == (Spoilt(keys[1], "short_description is not text, as every value of the Table API is"),)


def test_pages_that_do_not_go_on_are_an_error_and_no_loop(rig: Rig, connector: Any) -> None:
    rig.load(a_sample())
    rig.rewrite({'"sys_updated_on":"2026-03-02': '"sys_updated_on":"2026-03-02', "sys_id": "sys_ident"})

    with pytest.raises(Unreadable, match="do not go on"):
        read(connector, LONG_AGO)


def test_a_cursor_of_somebody_else_is_refused(connector: Any) -> None:
    with pytest.raises(CursorExpired):
        read(connector, "eyJhIjoxfQ==")  # type: ignore[arg-type]


def test_a_query_of_the_installation_narrows_every_page(rig: Rig) -> None:
    rig.load(*(a_sample(f"Ticket {n}", age=61, product="api" if n % 3 else "billing") for n in range(20)))

    pages = read(rig.connector(page_size=3, query="u_product=billing"), LONG_AGO)

    assert {t.subject for page in pages for t in page.tickets} == {f"Ticket {n}" for n in range(0, 20, 3)}


# Signing in


def test_client_credentials_and_the_password_grant(rig: Rig) -> None:
    for more in ({}, rig.sandbox.sign_in()):
        assert rig.connector(sign_in={**rig.sandbox.oauth_sign_in(), **more}).check_sign_in() == "ticketgate"
    grants = [dict(p.split("=") for p in r.body.decode().split("&"))["grant_type"] for r in asked(rig, "POST", "oauth_token.do")]
    assert grants == ["client_credentials", "password"]


def test_a_token_that_ran_out_is_fetched_anew_once_and_the_write_is_made_once(rig: Rig) -> None:
    signed_in = rig.connector(sign_in=rig.sandbox.oauth_sign_in())
    ticket = one(rig, signed_in)
    rig.sandbox.expire_tokens()

    signed_in.comment(ticket.ref.key, "Hello", public=True, mark=MARK)

    assert len(asked(rig, "POST", "oauth_token.do")) == 2
    assert [e.kind for e in rig.effects()] == ["reply"]


def test_a_wrong_secret_is_unauthorized_after_one_try(rig: Rig) -> None:
    stranger = rig.connector(sign_in={**rig.sandbox.oauth_sign_in(), "client_secret": "wrong-and-secret"})

    with pytest.raises(Unauthorized) as refused:
        stranger.fetch("0" * 32)

    assert len(asked(rig, "POST", "oauth_token.do")) == 1
    assert "wrong-and-secret" not in f"{refused.value}{stranger!r}{vars(stranger)}"


def test_secrets_stand_in_no_settings_and_no_error(rig: Rig) -> None:
    both = {**ServiceNowSandbox.sign_in(), **ServiceNowSandbox.oauth_sign_in()}

    told = f"{settings(sign_in=both)!r}{settings(sign_in=both)}{settings(sign_in=both).model_dump()}"

    assert PASSWORD not in told
    assert CLIENT_SECRET not in told


@pytest.mark.parametrize(
    "wrong",
    [
        {"sign_in": {"user": "ticketgate"}},
        {"sign_in": {}},
        {"sign_in": {"client_id": "a"}},
        {"url": "https://acme.service-now.com/nav_to.do"},
        {"url": "http://acme.service-now.com"},
        {"query": "active=true^ORDERBYnumber"},
        {"query": "active=true^NQactive=false"},
        {"priority_matrix": {"1": "1"}},
        {"table": "incident?x="},
        {"pages": 10},
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_a_redirect_to_a_page_for_people_is_a_lost_sign_in(rig: Rig, connector: Any) -> None:
    rig.fault("status", status=302, headers={"location": "https://login.example.com/sso"})

    with pytest.raises(Unauthorized, match=r"login\.example\.com"):
        connector.fetch("0" * 32)


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "90"},
        {"retry-after": "Mon, 02 Mar 2026 12:01:30 GMT", "date": "Mon, 02 Mar 2026 12:00:00 GMT"},
        {"x-ratelimit-reset": "1772452890", "date": "Mon, 02 Mar 2026 12:00:00 GMT"},
    ],
    ids=["seconds", "a date", "the limit's reset"],
)
def test_a_limit_waits_as_long_as_the_system_says_in_any_of_its_ways(headers: dict[str, str]) -> None:
    answer = requests.Response()
    answer.status_code, answer._content = 429, b'{"error": {"message": "slow", "detail": "down"}, "status": "failure"}'
    answer.headers.update(headers)

    limited = refused("here", "reading", answer, writing=True)

    assert isinstance(limited, Transient)
    assert limited.retry_after == 90.0
    assert limited.message == "reading: 429 slow: down"


def test_the_sandbox_limits_by_the_hour(rig: Rig, connector: Any) -> None:
    rig.sandbox.hourly_limit = 3
    key = rig.load(a_sample())[0]
    for _ in range(3):
        connector.fetch(key)

    with pytest.raises(Transient) as limited:
        connector.fetch(key)

    assert limited.value.retry_after == 3600.0
    rig.later(timedelta(hours=1))
    connector.fetch(key)


# Writing


def test_only_what_changes_is_sent_and_nothing_that_the_document_does_not_describe(rig: Rig, connector: Any) -> None:
    ticket = one(rig, connector, priority="normal", status="new")

    connector.update(ticket.ref.key, {"priority": Level.LOW, "status": Status.OPEN}, version=ticket.version)

    (sent,) = asked(rig, "PATCH")
    assert sent.json() == {"state": "2", "urgency": "3"}
    assert set(sent.query) == {"sysparm_fields"}
    assert not [r for r in asked(rig) if {"True", "False"} & set(r.query.values())]


@pytest.mark.parametrize(
    ("now", "wanted", "pair"),
    [
        (("2", "2"), Level.URGENT, {"impact": "1", "urgency": "1"}),
        (("1", "2"), Level.URGENT, {"urgency": "1"}),
        (("2", "2"), Level.HIGH, {"urgency": "1"}),
        (("3", "3"), Level.NORMAL, {"urgency": "1"}),
        (("1", "1"), Level.LOW, {"impact": "2", "urgency": "3"}),
        (("2", "3"), Level.LOW, {}),
    ],
)
def test_priority_is_reached_by_the_least_change_of_impact_and_urgency(now: tuple[str, str], wanted: Level, pair: dict[str, str]) -> None:
    own = settings()
    priority = own.priority_matrix[",".join(now)]
    record = {"impact": now[0], "urgency": now[1], "priority": priority}

    assert Writer(own, table_for(own), lambda *_: "").body(record, {"priority": wanted}) == pair


def test_a_priority_that_its_pair_does_not_explain_is_made_by_another_pair() -> None:
    """As in a log with a lookup of its own: the same pair once more would compute nothing anew."""
    own = settings()
    record = {"impact": "3", "urgency": "3", "priority": "1"}

    assert Writer(own, table_for(own), lambda *_: "").body(record, {"priority": Level.LOW}) == {"urgency": "2"}


@given(i=st.sampled_from("123"), u=st.sampled_from("123"), wanted=st.sampled_from(list(Level)))
def test_whatever_stood_there_the_pair_makes_the_priority(i: str, u: str, wanted: Level) -> None:
    own = settings()
    table = table_for(own)
    record = {"impact": i, "urgency": u, "priority": own.priority_matrix[f"{i},{u}"]}

    after_ = record | Writer(own, table, lambda *_: "").body(record, {"priority": wanted})

    made = own.priority_matrix[f"{after_['impact']},{after_['urgency']}"]
    words = next(f.words for f in table if f.name == "priority")
    assert words is not None
    assert words.read(made) == wanted


def test_a_priority_that_contradicts_an_impact_is_refused(rig: Rig, connector: Any) -> None:
    ticket = one(rig, connector)

    with pytest.raises(Rejected, match="no pair of impact and urgency"):
        connector.update(ticket.ref.key, {"priority": Level.URGENT, "impact": Level.LOW}, version=ticket.version)
    receipt = connector.update(ticket.ref.key, {"priority": Level.NORMAL, "impact": Level.LOW}, version=ticket.version)

    assert (receipt.echo["impact"], receipt.echo["urgency"]) == (Level.LOW, Level.HIGH)


def test_an_instance_with_another_lookup_is_found_out_and_can_be_told(rig: Rig, connector: Any) -> None:
    rig.sandbox.desk.matrix["1,1"] = "2"
    rig.sandbox.desk.matrix["1,2"] = "1"
    ticket = one(rig, connector)

    with pytest.raises(Rejected, match="priority_matrix"):
        connector.update(ticket.ref.key, {"priority": Level.URGENT}, version=ticket.version)
    told = rig.connector(priority_matrix={"1,1": "2", "1,2": "1"})
    told.update(ticket.ref.key, {"priority": Level.URGENT}, version=told.fetch(ticket.ref.key).version)

    assert rig.sandbox.shown(ticket.ref.key)["priority"] == "urgent"


def test_a_field_that_is_passed_over_in_silence_is_named(rig: Rig, connector: Any) -> None:
    rig.sandbox.desk.locked = {"u_tags", "assignment_group"}
    ticket = one(rig, connector)

    with pytest.raises(Rejected, match="did not take assignment_group, u_tags"):
        connector.update(
            ticket.ref.key, {"group": "vip-desk", "status": Status.OPEN}, version=ticket.version, tags=TagChange(frozenset({"x"}))
        )


def test_resolving_fills_in_what_the_data_policy_wants_and_keeps_what_is_there(rig: Rig, connector: Any) -> None:
    first, second = (one(rig, connector, subject=s) for s in ("First", "Second"))
    rig.sandbox.desk.incidents.change(second.ref.key, {"close_code": "Duplicate", "close_notes": "See the other one."})

    connector.update(first.ref.key, {"status": Status.RESOLVED}, version=first.version)
    connector.update(second.ref.key, {"status": Status.RESOLVED}, version=second.version)

    records = rig.sandbox.desk.incidents.records
    assert records[first.ref.key]["close_notes"] == "Resolved by ticketgate."
    assert (records[second.ref.key]["close_code"], records[second.ref.key]["close_notes"]) == ("Duplicate", "See the other one.")


def test_what_a_data_policy_forbids_is_rejected_in_its_words(rig: Rig) -> None:
    unset = rig.connector(close_notes="")
    ticket = one(rig, unset)

    with pytest.raises(Rejected, match="Resolution notes"):
        unset.update(ticket.ref.key, {"status": Status.RESOLVED}, version=ticket.version)
    assert rig.effects() == []


def test_closed_as_canceled_is_a_state_of_its_own(rig: Rig, connector: Any) -> None:
    ticket = one(rig, connector)

    receipt = connector.update(ticket.ref.key, {"status": Status.CLOSED, "resolution": "canceled"}, version=ticket.version)

    assert rig.sandbox.desk.incidents.records[ticket.ref.key]["state"] == "8"
    assert (receipt.echo["status"], receipt.echo["resolution"]) == (Status.CLOSED, "canceled")


def test_somebody_who_writes_in_between_leaves_the_receipt_without_a_version(rig: Rig, connector: Any) -> None:
    ticket = one(rig, connector)
    Meddling(rig, "PATCH", lambda: rig.people("set", ticket.ref.key, subject="Changed meanwhile"))

    receipt = connector.update(ticket.ref.key, {"status": Status.OPEN}, version=ticket.version)

    assert receipt.version is None
    assert connector.fetch(ticket.ref.key).subject == "Changed meanwhile"


@pytest.mark.parametrize("name", ["x^ORname=vip-desk", "x^NQname=vip-desk", "vip-desk^ORDERBYname", "^"])
def test_a_name_cannot_break_out_of_its_query(rig: Rig, connector: Any, name: str) -> None:
    ticket = one(rig, connector)

    with pytest.raises(Rejected, match="there is no active sys_user_group"):
        connector.update(ticket.ref.key, {"group": name}, version=ticket.version)
    rig.sandbox.desk.group(name)
    connector.update(ticket.ref.key, {"group": name}, version=ticket.version)

    assert rig.sandbox.shown(ticket.ref.key)["group"] == name


def test_a_name_is_never_run_as_a_script(rig: Rig, connector: Any) -> None:
    ticket = one(rig, connector)

    with pytest.raises(Rejected, match="run as a script"):
        connector.update(ticket.ref.key, {"assignee": "javascript:gs.getUserName()"}, version=ticket.version)
    assert not asked(rig, path="sys_user")


def test_two_people_of_one_name_are_not_guessed_between(rig: Rig, connector: Any) -> None:
    ticket = one(rig, connector)
    for address in ("a@example.com", "b@example.com"):
        rig.sandbox.desk.person(address, "Kim Lee")

    with pytest.raises(Rejected, match="several"):
        connector.update(ticket.ref.key, {"assignee": "Kim Lee"}, version=ticket.version)
    connector.update(ticket.ref.key, {"assignee": "b@example.com"}, version=ticket.version)

    assert rig.sandbox.shown(ticket.ref.key)["assignee"] == "b@example.com"


def test_a_tag_with_a_comma_is_refused(rig: Rig, connector: Any) -> None:
    ticket = one(rig, connector)

    with pytest.raises(Rejected, match="comma"):
        connector.update(ticket.ref.key, {}, version=ticket.version, tags=TagChange(frozenset({"a,b"})))


def test_a_key_never_leaves_its_place_in_the_address(rig: Rig, connector: Any) -> None:
    with pytest.raises(NotFound):
        connector.fetch("../sys_user/x?sysparm_fields=user_password")
    assert {r.path.rpartition("/")[0] for r in asked(rig)} <= {"/api/now/table/incident", "/api/now/table/incident/../sys_user"}
    assert asked(rig)[-1].query.get("sysparm_fields") != "user_password"


def test_read_only_refuses_writes_below_the_sdk(rig: Rig) -> None:
    looking = rig.connector(read_only=True, sign_in=rig.sandbox.oauth_sign_in())
    ticket = one(rig, looking)

    with pytest.raises(WriteRefused):
        looking.comment(ticket.ref.key, "Hello", public=True, mark=MARK)
    assert not asked(rig, "PATCH")


# The journal and the audit


def test_the_mark_is_the_last_line_and_nobody_else_reads_it(rig: Rig, connector: Any) -> None:
    ticket = one(rig, connector)

    receipt = connector.comment(ticket.ref.key, "We are on it.\n", public=False, mark=MARK)

    (shown,) = rig.sandbox.shown(ticket.ref.key)["comments"]
    assert shown == {"id": receipt.id, "public": False, "text": f"We are on it.\n⟨tg:{MARK[:8]}⟩", "by": "api"}
    assert asked(rig, "PATCH")[0].json().keys() == {"work_notes"}
    assert connector.comments(ticket.ref.key)[0].text == "We are on it."


@pytest.mark.parametrize("lost", ["the write", "the journal"])
def test_a_comment_whose_answer_was_lost_is_in_doubt_and_found_by_its_mark(rig: Rig, connector: Any, lost: str) -> None:
    ticket = one(rig, connector)
    where = {"method": "PATCH"} if lost == "the write" else {"path": "sys_journal_field"}
    rig.fault("apply_then_drop", **where)

    with pytest.raises(InDoubt):
        connector.comment(ticket.ref.key, "We are on it.", public=True, mark=MARK)

    found = connector.applied_comment(ticket.ref.key, "We are on it.", public=True, mark=MARK)
    assert found is not None
    assert found.id == rig.sandbox.shown(ticket.ref.key)["comments"][0]["id"]
    assert connector.applied_comment(ticket.ref.key, "We are on it.", public=False, mark=MARK) is None
    assert [e.kind for e in rig.effects()] == ["reply"]


def test_a_comment_that_an_access_rule_dropped_is_rejected(rig: Rig, connector: Any) -> None:
    rig.sandbox.desk.locked = {"comments"}
    ticket = one(rig, connector)

    with pytest.raises(Rejected, match="does not stand in the journal"):
        connector.comment(ticket.ref.key, "Hello", public=True, mark=MARK)


def test_a_mark_that_a_customer_copied_does_not_make_the_words_ours(rig: Rig, connector: Any) -> None:
    ticket = one(rig, connector)
    rig.people("reply", ticket.ref.key, f"It fails again.\n⟨tg:{MARK[:8]}⟩", by="customer")

    (comment,) = connector.comments(ticket.ref.key)

    assert (comment.role, comment.ours) == (Role.CUSTOMER, False)
    assert comment.author is not None
    assert comment.author.email == "ana@example.com"


def test_a_ticket_whose_answer_was_lost_is_found_by_its_correlation(rig: Rig, connector: Any) -> None:
    rig.fault("apply_then_drop", method="POST")

    with pytest.raises(InDoubt):
        connector.create(Draft(fields={"subject": "Made by us", "type": "incident"}), mark=MARK)

    found = connector.applied_create(MARK)
    assert found is not None
    assert [(e.kind, e.key) for e in rig.effects()] == [("create", found.key)]


def test_a_ticket_of_another_type_is_not_made_in_this_table(rig: Rig, connector: Any) -> None:
    with pytest.raises(Rejected, match="'type' cannot be written"):
        connector.create(Draft(fields={"subject": "Made by us", "type": "bug"}), mark=MARK)


def test_history_reads_state_and_reason_as_one_and_names_groups_and_people(rig: Rig, connector: Any) -> None:
    key = rig.load(a_sample(status="new", group="billing-emea"))[0]
    for fields in ({"status": "on_hold"}, {"status": "pending"}, {"status": "open", "group": "vip-desk", "assignee": "max@example.com"}):
        rig.later(timedelta(minutes=1))
        rig.people("set", key, **fields)

    changes = [(c.field, c.before, c.after) for c in connector.history(key)]

    assert changes == [
        ("status", "new", "on_hold"),
        ("status", "on_hold", "pending"),
        ("status", "pending", "open"),
        ("group", "billing-emea", "vip-desk"),
        ("assignee", None, "max@example.com"),
    ]


# Queries


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("active=true", "125"),
        ("active=true^priorityIN1,2", "12"),
        ("priority=1^ORpriority=3^active=true", "15"),
        ("priority=1^NQnumber=3", "13"),
        ("short_descriptionLIKEPRINTER", "1"),
        ("short_description=a^^b", "2"),
        ("short_description=a^b", "3"),
        ("assignment_group.name=vip-desk", "5"),
        ("assignment_groupISEMPTY", "1234"),
        ("sys_mod_count>9", "4"),
        ("no_such_field=7^priority!=1", "2345"),
        ("ORDERBYDESCpriority^ORDERBYDESCnumber", "54321"),
        (after("sys_updated_on", "2026-03-02 08:00:02", "b"), "345"),
        (after("sys_updated_on", "2026-03-02 08:00:02", "", "active=true"), "25"),
    ],
)
def test_the_sandbox_reads_encoded_queries_as_the_product_does(query: str, numbers: str) -> None:
    sandbox = ServiceNowSandbox(lambda: a_sample().created_at)
    group = sandbox.desk.group("vip-desk")
    rows: list[dict[str, str]] = [
        {"priority": "1", "short_description": "A printer", "sys_updated_on": "2026-03-02 08:00:01", "sys_id": "a"},
        {"priority": "2", "short_description": "a^b", "sys_updated_on": "2026-03-02 08:00:02", "sys_id": "b"},
        {"priority": "2", "active": "false", "short_description": "a", "sys_updated_on": "2026-03-02 08:00:02", "sys_id": "c"},
        {"priority": "3", "active": "false", "sys_mod_count": "10", "sys_updated_on": "2026-03-02 08:00:03", "sys_id": "d"},
        {"priority": "3", "assignment_group": group, "sys_mod_count": "9", "sys_updated_on": "2026-03-02 08:00:04", "sys_id": "e"},
    ]
    sandbox.desk.incidents.put_all({"number": str(n), **row} for n, row in enumerate(rows, 1))

    found, _ = sandbox._found(sandbox.desk.incidents, query, 10, 0, False)

    assert "".join(row["number"] for row in found) == numbers


@given(st.text(st.sampled_from("^abORNQ=,javscript:"), max_size=20))
def test_an_escaped_value_stays_one_value(value: str) -> None:
    assume(not value.casefold().startswith("javascript:"))
    query = parsed(f"name={escaped(value)}^ORDERBYname", lambda field: field == "name", {})

    assert [(t.field, t.operator, t.value) for clause in query.clauses for group in clause for t in group] == [("name", "=", value)]
    assert query.order == (("name", False),)


# The sandbox's answers


def ask(sandbox: ServiceNowSandbox, path: str, method: str = "GET", body: Any = None, **query: str) -> Answer:
    headers = {"authorization": "Basic dGlja2V0Z2F0ZTpzYW5kYm94LXNlcnZpY2Vub3ctcGFzc3dvcmQ="}
    data = json.dumps(body).encode() if body is not None else b""
    return sandbox.answer(Request(method=method, path=f"/api/now/table/{path}", query=query, headers=headers, body=data))


def test_references_and_choices_come_in_the_forms_that_were_asked_for() -> None:
    sandbox = ServiceNowSandbox(lambda: a_sample().created_at)
    key = sandbox.load([a_sample(group="vip-desk", priority="high")])[0]
    group = sandbox.desk.group("vip-desk")
    link = f"https://acme.service-now.com/api/now/table/sys_user_group/{group}"
    fields = {"sysparm_fields": "priority,assignment_group,assignment_group.name,assigned_to,nonsense"}

    def shown(**query: str) -> Any:
        return ask(sandbox, f"incident/{key}", **fields, **query).body["result"]

    plain = {"priority": "2", "assignment_group.name": "vip-desk", "assigned_to": ""}
    assert shown() == {**plain, "assignment_group": {"link": link, "value": group}}
    assert shown(sysparm_exclude_reference_link="true") == {**plain, "assignment_group": group}
    assert shown(sysparm_display_value="true")["assignment_group"] == {"display_value": "vip-desk", "link": link}
    assert shown(sysparm_display_value="all")["priority"] == {"display_value": "2 - High", "value": "2"}
    assert shown(sysparm_display_value="all")["assignment_group"] == {"display_value": "vip-desk", "value": group, "link": link}


def test_pages_by_offset_are_counted_and_linked() -> None:
    sandbox = ServiceNowSandbox(lambda: a_sample().created_at)
    sandbox.load([a_sample(f"Ticket {n}") for n in range(25)])

    answer = ask(sandbox, "incident", sysparm_limit="10", sysparm_offset="10", sysparm_fields="number")

    assert [row["number"] for row in answer.body["result"]] == [f"INC{10011 + n:07}" for n in range(10)]
    assert answer.headers["x-total-count"] == "25"
    assert [part.rpartition("=")[2] for part in answer.headers["link"].split(",")] == ['"first"', '"next"', '"prev"', '"last"']
    assert ask(sandbox, "incident", sysparm_limit="0").status == 400


def test_a_direct_priority_is_overwritten_and_journals_read_back_empty() -> None:
    sandbox = ServiceNowSandbox(lambda: a_sample().created_at)
    key = sandbox.load([a_sample(priority="low")])[0]

    answer = ask(sandbox, f"incident/{key}", "PATCH", {"priority": "1", "comments": "Hello", "sys_mod_count": "99"})

    record = answer.body["result"]
    assert (record["priority"], record["comments"], record["sys_mod_count"]) == ("4", "", "1")
    assert all(isinstance(v, str) or set(v) == {"link", "value"} for v in record.values())
    assert [e.kind for e in sandbox.effects] == ["reply"]


@pytest.mark.parametrize(
    ("path", "method", "body", "status"),
    [
        ("incident/none", "GET", None, 404),
        ("incident/none", "PATCH", {}, 404),
        ("no_such_table", "GET", None, 400),
        ("incident", "POST", ["no object"], 400),
        ("incident", "DELETE", None, 405),
        ("sys_user", "POST", {}, 403),
    ],
)
def test_refusals_have_the_products_shape(path: str, method: str, body: Any, status: int) -> None:
    answer = ask(ServiceNowSandbox(lambda: a_sample().created_at), path, method, body)

    assert answer.status == status
    assert answer.body.keys() == {"error", "status"}
    assert answer.body["error"].keys() == {"message", "detail"}


def test_a_connector_opened_by_hand_names_itself(rig: Rig) -> None:
    own = settings(via=rig.served.address)  # type: ignore[union-attr]
    made = ServiceNowConnector.opened("servicenow-it", own, FIELDS)
    rig.opened.append(made)

    assert made.fetch(rig.load(a_sample(product="api"))[0]).ref.connection == "servicenow-it"
