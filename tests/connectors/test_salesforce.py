"""What is peculiar to Salesforce, through simple-salesforce's session over a real socket: stamps before the commit, the guard and its
second, tokens, owners, comments that leave their case alone, marks."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors import door
from connectors.base import Cursor, Custom
from connectors.errors import CursorExpired, InDoubt, NotFound, Rejected, Stale, Transient, Unauthorized, Unreadable
from connectors.salesforce.cases import Cases
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.salesforce.sandbox_people import NOBODY
from connectors.salesforce.sandbox_soql import parsed
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.soql import Mark, quoted
from connectors.sandbox import Answer, Request
from rules.plan import Draft, TagChange
from rules.ticket import Level, Role, Status
from tests.rigs import START, Rig, a_sample, keys_of, read, revealed, some_samples

MARK = "0123456789abcdef0123456789abcdef"
LONG_AGO = START - timedelta(days=30)
CASSETTES = Path(__file__).parents[2] / "cassettes" / "salesforce"
SECRET = SalesforceSandbox.sign_in()["client_secret"]


@pytest.fixture(scope="module")
def system() -> str:
    return "salesforce"


@pytest.fixture
def connector(rig: Rig) -> SalesforceConnector:
    return rig.connector()  # type: ignore[return-value]


def meanwhile(rig: Rig, method: str, before: Callable[[], Any] | None = None, after: Callable[[], Any] | None = None) -> None:
    """Something happens once, just before or just after the next request with this method."""
    inner, todo = rig.sandbox, {"before": before, "after": after}

    class Meddled:
        def answer(self, request: Request) -> Answer:
            mine = request.method == method and "/oauth2/" not in request.path
            if mine and (do := todo.pop("before", None)):
                do()
            answer = inner.answer(request)
            if mine and (do := todo.pop("after", None)):
                do()
            return answer

        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

    assert rig.served is not None
    rig.served.sandbox = Meddled()  # type: ignore[assignment]


def requests(rig: Rig) -> list[Request]:
    assert rig.served is not None
    return [e.request for e in rig.served.exchanges]


def watched(rig: Rig) -> Rig:
    assert rig.served is not None
    rig.served.keep_exchanges = True
    rig.served.exchanges.clear()
    return rig


def queries(rig: Rig, of: str) -> list[str]:
    return [r.query["q"] for r in requests(rig) if f"FROM {of} " in r.query.get("q", "")]


# reading


def test_a_server_that_gives_smaller_pages_and_forgets_its_locators_loses_nothing(rig: Rig) -> None:
    keys = rig.load(*some_samples(30))
    rig.sandbox.pages.most = 3
    rig.sandbox.pages.life = timedelta(seconds=-1)

    assert sorted(keys_of(read(rig.connector(page_size=10), LONG_AGO))) == sorted(keys)


def test_cases_of_one_second_across_pages_come_once_each(rig: Rig) -> None:
    keys = rig.load(*[a_sample(f"Ticket {n}", age=61) for n in range(12)])

    pages = read(rig.connector(page_size=4), LONG_AGO)

    assert keys_of(pages) == sorted(keys)


def test_what_is_committed_after_its_stamp_is_not_lost(rig: Rig, connector: SalesforceConnector) -> None:
    late, soon = rig.load(a_sample("Late"), a_sample("Soon"))
    cursor = read(connector, LONG_AGO)[-1].cursor
    rig.sandbox.org.commit_delay = timedelta(minutes=4)
    rig.people("set", late, priority="urgent")
    rig.sandbox.org.commit_delay = timedelta(0)
    rig.later(timedelta(minutes=3))
    rig.people("set", soon, priority="urgent")
    pages = read(connector, cursor)  # sees only the younger of the two, and its cursor is beyond the stamp of the other
    assert [t.ref.key for p in pages for t in p.tickets if t.priority == Level.URGENT] == [soon]

    rig.later(timedelta(minutes=2))
    seen = [t for p in read(connector, pages[-1].cursor) for t in p.tickets]

    assert {t.ref.key for t in seen if t.priority == Level.URGENT} == {late, soon}


def test_a_transaction_longer_than_the_overlap_is_what_the_setting_is_for(rig: Rig) -> None:
    key, other = rig.load(a_sample("Slow"), a_sample("Other"))
    short, long = rig.connector(overlap=1), rig.connector(overlap=600)
    cursor = read(short, LONG_AGO)[-1].cursor
    rig.sandbox.org.commit_delay = timedelta(minutes=5)
    rig.people("set", key, priority="urgent")
    rig.sandbox.org.commit_delay = timedelta(0)
    rig.later(timedelta(minutes=4))
    rig.people("set", other, priority="low")
    cursor = read(short, cursor)[-1].cursor
    rig.later(timedelta(minutes=2))

    assert key not in keys_of(read(short, cursor))
    assert key in keys_of(read(long, cursor))


@pytest.mark.parametrize(("kind", "by"), [("note", "agent"), ("reply", "agent"), ("reply", "customer")])
@pytest.mark.parametrize("channel", ["email", "web"])
def test_a_comment_that_leaves_its_case_alone_is_news(rig: Rig, connector: SalesforceConnector, kind: str, by: str, channel: str) -> None:
    key, *_ = rig.load(a_sample(age=60 * 24, channel=channel), *some_samples(3))
    before, cursor = connector.fetch(key), read(connector, LONG_AGO)[-1].cursor
    rig.later(timedelta(hours=3))
    rig.people(kind, key, "It still fails.", by=by)

    seen = {t.ref.key: t for p in read(connector, cursor) for t in p.tickets}

    assert seen[key].updated_at == before.updated_at
    assert seen[key].version != before.version
    assert seen[key] == connector.fetch(key)


def test_a_comment_in_the_bin_is_no_news_and_a_page_and_a_look_agree(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample(channel="web"))[0]
    before = connector.fetch(key)
    rig.people("note", key, "A slip of the pen.")
    done = rig.sandbox.org.transaction(rig.sandbox.users.api)
    done.change("CaseComment", rig.sandbox.org.all("CaseComment")[0], {"IsDeleted": True})
    rig.sandbox.org.store(done)

    (page,) = (t for p in read(connector, LONG_AGO) for t in p.tickets)

    assert page == connector.fetch(key) == before


def test_an_e_mail_of_no_case_disturbs_nothing(rig: Rig, connector: SalesforceConnector) -> None:
    keys = rig.load(*some_samples(2))
    cursor = read(connector, LONG_AGO)[-1].cursor
    done = rig.sandbox.org.transaction(rig.sandbox.users.api)
    done.add("EmailMessage", TextBody="To nobody in particular.", Incoming=True)
    rig.sandbox.org.store(done)

    assert set(keys_of(read(connector, cursor))) <= set(keys)


def test_a_comment_committed_late_is_news_too(rig: Rig, connector: SalesforceConnector) -> None:
    one, other = rig.load(a_sample(age=60 * 24, channel="web"), a_sample(age=60 * 24, channel="web"))
    cursor = read(connector, LONG_AGO)[-1].cursor
    rig.later(timedelta(hours=3))
    rig.sandbox.org.commit_delay = timedelta(minutes=4)
    rig.people("reply", one, "Slow transaction.")
    rig.sandbox.org.commit_delay = timedelta(0)
    rig.later(timedelta(minutes=3))
    rig.people("reply", other, "Quick one.")
    cursor = read(connector, cursor)[-1].cursor
    rig.later(timedelta(minutes=2))

    assert one in keys_of(read(connector, cursor))


def test_a_first_reading_fetches_no_case_twice_and_an_old_one_with_a_new_comment_too(rig: Rig, connector: SalesforceConnector) -> None:
    old, *young = rig.load(a_sample("Old", age=60 * 24 * 9, channel="web"), *some_samples(5, channel="web"))
    for key in (old, *young):
        rig.people("reply", key, "Hello?", by="customer")

    keys = keys_of(read(connector, START - timedelta(days=2)))

    assert sorted(keys) == sorted([old, *young])


def test_a_quiet_connection_is_asked_three_times_and_then_rests(rig: Rig, connector: SalesforceConnector) -> None:
    keys = rig.load(*some_samples(4, channel="web"))
    rig.people("reply", keys[0], "Hello?", by="customer")
    rig.later(timedelta(hours=1))
    rig.people("set", keys[1], priority="low")
    cursor = read(connector, LONG_AGO)[-1].cursor
    rig.later(timedelta(hours=1))
    watched(rig)

    pages = read(connector, cursor)

    assert pages[-1].cursor == cursor
    assert len(requests(rig)) - len(queries(rig, "Case")) == 2


def test_without_email_to_case_nothing_asks_for_e_mails(rig: Rig) -> None:
    key, connector = rig.load(a_sample())[0], rig.connector(emails=False)
    watched(rig)

    read(connector, LONG_AGO)
    connector.comments(key)

    assert not [r for r in requests(rig) if "EmailMessage" in r.query.get("q", "")]


def test_deleted_cases_are_named(rig: Rig, connector: SalesforceConnector) -> None:
    keys = rig.load(*some_samples(3))
    cursor = read(connector, LONG_AGO)[-1].cursor
    rig.later()
    rig.people("delete", keys[1])

    pages = read(connector, cursor)

    assert [key for p in pages for key in p.gone] == [keys[1]]
    assert keys[1] not in keys_of(pages)


def test_two_changes_within_a_second_have_two_versions(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]
    versions = []
    for priority in ("high", "urgent"):
        rig.people("set", key, priority=priority)
        versions.append(connector.fetch(key).version)

    assert versions[0] != versions[1]
    assert versions[0].partition("~")[0] == versions[1].partition("~")[0]


@given(st.lists(st.datetimes(min_value=START.replace(tzinfo=None) - timedelta(days=900)), min_size=4, max_size=4))
def test_a_cursor_says_what_it_was_told(moments: list[Any]) -> None:
    mark = Mark(*(m.replace(tzinfo=START.tzinfo, microsecond=0) for m in moments))

    assert Mark.read("here", mark.text) == mark


@pytest.mark.parametrize("text", ["", "sf1", "sf1 a b c", "sf2 2026-03-02T08:16:31Z 2026-03-02T08:16:31Z 2026-03-02T08:16:31Z", "x y z w"])
def test_a_strangers_cursor_is_refused(text: str) -> None:
    with pytest.raises(CursorExpired):
        Mark.read("here", text)


# the guard


def test_an_edit_between_our_look_and_our_write_is_refused_by_salesforce(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]
    ticket = connector.fetch(key)
    rig.later()
    meanwhile(rig, "PATCH", before=lambda: rig.people("set", key, priority="high"))

    with pytest.raises(Stale, match="412"):
        connector.update(key, {"priority": Level.LOW}, version=ticket.version)

    assert rig.sandbox.shown(key)["priority"] == "high"


def test_an_edit_within_the_second_of_our_look_is_caught_by_its_content(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]
    rig.people("set", key, priority="high")
    ticket = connector.fetch(key)
    rig.people("set", key, priority="urgent")  # in the same second: Salesforce's own guard cannot tell

    with pytest.raises(Stale):
        connector.update(key, {"priority": Level.LOW}, version=ticket.version)

    assert rig.effects() == []


def test_the_guard_goes_out_again_with_a_new_token(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]
    ticket = connector.fetch(key)
    rig.later()

    def expired_and_edited() -> None:
        rig.sandbox.door.expire()
        rig.people("set", key, priority="high")

    meanwhile(rig, "PATCH", before=expired_and_edited)
    watched(rig)

    with pytest.raises(Stale):
        connector.update(key, {"priority": Level.LOW}, version=ticket.version)

    guards = [r.headers.get("if-unmodified-since") for r in requests(rig) if r.method == "PATCH"]
    assert len(guards) == 2
    assert guards[0] == guards[1] == "Mon, 02 Mar 2026 11:00:00 GMT"
    assert rig.effects() == []


def test_a_customers_word_in_between_is_no_conflict_and_stays_news(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]
    ticket = connector.fetch(key)
    rig.later()
    rig.people("reply", key, "One more thing.", by="customer")

    receipt = connector.update(key, {"priority": Level.LOW}, version=ticket.version)

    assert receipt.version is not None
    assert receipt.version != connector.fetch(key).version


def test_an_edit_right_after_ours_cannot_hide_behind_our_receipt(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]
    ticket = connector.fetch(key)
    rig.later()
    meanwhile(rig, "PATCH", after=lambda: rig.people("set", key, priority="high", subject="Changed by somebody else"))

    receipt = connector.update(key, {"priority": Level.LOW}, version=ticket.version)

    assert receipt.version is None
    assert receipt.echo == {"priority": Level.LOW}


def test_a_write_is_done_although_it_could_not_be_read_back(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]
    ticket = connector.fetch(key)
    connector.update(key, {"priority": Level.HIGH}, version=ticket.version)
    ticket = connector.fetch(key)
    meanwhile(rig, "PATCH", after=lambda: rig.fault("status", method="GET", status=500))

    receipt = connector.update(key, {"priority": Level.LOW}, version=ticket.version)

    assert (receipt.version, receipt.echo) == (None, {"priority": Level.LOW})
    assert rig.sandbox.shown(key)["priority"] == "low"


def test_what_is_already_so_is_not_written(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample(priority="high", tags=("vip",)))[0]
    ticket = connector.fetch(key)

    receipt = connector.update(key, {"priority": Level.HIGH}, version=ticket.version, tags=TagChange(frozenset({"vip"})))

    assert receipt.version == ticket.version
    assert receipt.echo == {"priority": Level.HIGH, "tags": frozenset({"vip"})}
    assert rig.effects() == []


def test_a_locked_row_is_asked_for_again(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]
    ticket = connector.fetch(key)
    rig.sandbox.org.commit_delay = timedelta(minutes=1)
    rig.people("set", key, priority="high")

    with pytest.raises(Transient, match="UNABLE_TO_LOCK_ROW"):
        connector.update(key, {"priority": Level.LOW}, version=ticket.version)


# words, owners, tags


def test_a_word_that_the_picklist_does_not_have_is_not_written(rig: Rig) -> None:
    key, connector = rig.load(a_sample())[0], rig.connector(words={"status": {"Parked": "on_hold"}})
    ticket = connector.fetch(key)

    with pytest.raises(Rejected, match=r"status 'Parked' is not in this organization \(Closed, Escalated, New"):
        connector.update(key, {"status": Status.ON_HOLD}, version=ticket.version)

    assert rig.effects() == []


def test_a_case_of_the_default_owner_is_nobodys(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample(group=None, assignee=None))[0]
    ticket = connector.fetch(key)
    assert (ticket.group, ticket.assignee) == (None, None)

    taken = connector.update(key, {"assignee": "lena@example.com"}, version=ticket.version)
    left = connector.update(key, {"assignee": None}, version=str(taken.version))

    assert taken.echo == {"assignee": "lena@example.com", "group": None}
    assert left.echo == {"assignee": None, "group": None}
    assert rig.sandbox.org.name_of(rig.sandbox.org.get("Case", key)["OwnerId"]) == NOBODY


def test_without_a_field_for_it_the_group_is_gone_when_a_person_takes_the_case(rig: Rig) -> None:
    key, connector = rig.load(a_sample(group="billing-emea"))[0], rig.connector(group_field=None)
    ticket = connector.fetch(key)
    assert ticket.group == "billing-emea"

    receipt = connector.update(key, {"assignee": "lena@example.com"}, version=ticket.version)

    assert receipt.echo == {"assignee": "lena@example.com", "group": None}


def test_with_a_field_for_it_the_group_stays_and_gets_the_case_back(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]
    first = connector.update(key, {"group": "platform"}, version=connector.fetch(key).version)

    taken = connector.update(key, {"assignee": "lena@example.com"}, version=str(first.version))
    back = connector.update(key, {"assignee": None}, version=str(taken.version))

    assert taken.echo == {"assignee": "lena@example.com", "group": "platform"}
    assert back.echo == {"assignee": None, "group": "platform"}
    assert rig.sandbox.org.name_of(rig.sandbox.org.get("Case", key)["OwnerId"]) == "platform"


@pytest.mark.parametrize("who", ["x' OR Name != '", "x\\", "\\' OR Id != '", "nobody@example.com' OR Email != '"])
def test_a_name_cannot_break_out_of_a_query(rig: Rig, connector: SalesforceConnector, who: str) -> None:
    key = rig.load(a_sample())[0]
    version = connector.fetch(key).version

    for fields in ({"assignee": who}, {"group": who}):
        with pytest.raises(Rejected, match="there is no"):
            connector.update(key, fields, version=version)

    assert rig.effects() == []


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_any_text_comes_out_of_a_query_as_it_went_in(text: str) -> None:
    where = parsed(f"SELECT Id FROM Case WHERE Subject = {quoted(text)}").where

    assert where.values[0].value == text  # type: ignore[union-attr]


def test_two_users_with_one_address_are_no_choice(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]
    twins = rig.sandbox.org.transaction(rig.sandbox.users.api)
    twins.add("User", Name="Lena Two", Email="lena@example.com", Username="lena2@example.com", UserType="Standard", IsActive=True)
    rig.sandbox.org.store(twins)

    with pytest.raises(Rejected, match=r"more than one user 'lena@example\.com'"):
        connector.update(key, {"assignee": "lena@example.com"}, version=connector.fetch(key).version)


@pytest.mark.parametrize("key", ["", "4711", "500", "500/../User/005", "5005g0000000001AA'", "0015g0000000001AAA"])
def test_what_is_no_id_of_a_case_is_not_found_and_not_asked_for(rig: Rig, connector: SalesforceConnector, key: str) -> None:
    connector.check_sign_in()
    watched(rig)

    for ask in (connector.fetch, connector.comments, connector.history):
        with pytest.raises(NotFound):
            ask(key)

    assert requests(rig) == []


@pytest.mark.parametrize("remote", ["Product__c FROM User", "a b", "(SELECT Id FROM Contacts)", ""])
def test_a_field_that_is_no_name_is_refused_before_anything_is_asked(rig: Rig, remote: str) -> None:
    settings = SalesforceSettings(**rig.settings())

    with pytest.raises(Rejected, match="API name"):
        SalesforceConnector.opened("here", settings, (Custom("product", remote),))


def test_a_field_that_the_organization_does_not_have_is_named_with_the_remedy(rig: Rig) -> None:
    with pytest.raises(Rejected, match=r"No such column 'Labels__c'.*tags_field"):
        read(rig.connector(tags_field="Labels__c"), LONG_AGO)


# comments and marks


def test_our_mark_is_a_last_line_that_readers_of_the_ticket_never_see(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]

    connector.comment(key, "We are on it.\n", public=True, mark=MARK)

    assert rig.effects()[0].detail["body"] == "We are on it.\n\n⟨tg:01234567⟩"
    assert [(c.text, c.ours) for c in connector.comments(key)] == [("We are on it.", True)]


def test_without_marks_our_comment_is_found_by_its_text_and_our_user(rig: Rig) -> None:
    key, connector = rig.load(a_sample(channel="web"))[0], rig.connector(marks=False)
    rig.people("reply", key, "We are on it.")
    asked = {"public": True, "mark": MARK}
    assert connector.applied_comment(key, "We are on it.", **asked) is None
    rig.fault("apply_then_drop", method="POST", path="CaseComment")

    with pytest.raises(InDoubt):
        connector.comment(key, "We are on it.", **asked)

    assert connector.applied_comment(key, "We are on it.", **asked) is not None
    assert rig.effects()[0].detail["body"] == "We are on it."


def test_a_customer_who_copies_our_mark_is_still_a_customer(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample(channel="portal"))[0]
    rig.people("reply", key, "Please close it.\n\n⟨tg:01234567⟩", by="customer")

    assert [(c.ours, c.role) for c in connector.comments(key)] == [(False, Role.CUSTOMER)]


def test_an_automatic_answer_is_known_by_its_headers(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]
    done = rig.sandbox.org.transaction(rig.sandbox.users.api)
    for headers in ("Auto-Submitted: auto-replied", "Auto-Submitted: no", None):
        done.add("EmailMessage", ParentId=key, TextBody="I am away.", FromAddress="ana@example.com", Incoming=True, Headers=headers)
    rig.sandbox.org.store(done)

    comments = connector.comments(key)

    assert [(c.role, c.author.automated) for c in comments if c.author] == [
        (Role.BOT, True),
        (Role.CUSTOMER, False),
        (Role.CUSTOMER, False),
    ]


def test_a_description_that_is_too_long_is_refused_with_salesforces_words(rig: Rig, connector: SalesforceConnector) -> None:
    ticket = connector.fetch(rig.load(a_sample())[0])

    with pytest.raises(Rejected, match="STRING_TOO_LONG"):
        connector.update(ticket.ref.key, {"body": "x" * 32_001}, version=ticket.version)


def test_a_case_made_twice_is_one_case(rig: Rig, connector: SalesforceConnector) -> None:
    draft = Draft(fields={"subject": "Made once", "requester": "bo@example.com"})

    first, second = connector.create(draft, mark=MARK), connector.create(draft, mark=MARK)

    assert first.key == second.key
    assert rig.sandbox.keys() == [first.key]
    made = connector.fetch(str(first.key))
    assert made.requester is not None
    assert made.requester.email == "bo@example.com"


def test_two_cases_with_one_key_are_nobodys_choice(rig: Rig, connector: SalesforceConnector) -> None:
    keys = rig.load(a_sample(), a_sample())
    done = rig.sandbox.org.transaction(rig.sandbox.users.api)
    for key in keys:
        done.change("Case", rig.sandbox.org.get("Case", key), {"Ticketgate_Key__c": MARK})
    rig.sandbox.org.store(done)

    with pytest.raises(Rejected, match="300"):
        connector.create(Draft(fields={"subject": "Which?"}), mark=MARK)


def test_who_had_the_case_is_told_by_name(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]
    for fields in ({"group": "platform"}, {"assignee": "lena@example.com"}, {"priority": "high"}):
        rig.later()
        rig.people("set", key, **fields)

    assert [(c.field, c.before, c.after) for c in connector.history(key)] == [
        ("group", None, "platform"),
        ("group", "platform", None),
        ("assignee", None, "Lena Vogt"),
        ("priority", "normal", "high"),
    ]


# signing in


def test_a_token_that_runs_out_between_pages_is_fetched_once_and_no_page_is_lost(rig: Rig) -> None:
    keys = rig.load(*some_samples(12))
    seen = []

    for page in rig.connector(page_size=4).changed(LONG_AGO):
        seen += [t.ref.key for t in page.tickets]
        rig.sandbox.door.expire()

    assert sorted(seen) == sorted(keys)
    assert rig.sandbox.door.issued == 4  # the first, and one for each page after the first


def test_a_token_that_is_never_taken_is_not_fetched_again_and_again(rig: Rig, connector: SalesforceConnector) -> None:
    rig.sandbox.door.life = timedelta(seconds=-1)

    with pytest.raises(Unauthorized, match="INVALID_SESSION_ID"):
        connector.fetch(rig.load(a_sample())[0])

    assert rig.sandbox.door.issued == 2


@pytest.mark.parametrize("body", [b"", b"<html>", {"message": "no"}, [], [7], "no", [{"errorCode": 7}], None], ids=str)
def test_a_401_of_any_shape_is_unauthorized(rig: Rig, connector: SalesforceConnector, body: Any) -> None:
    key = rig.load(a_sample())[0]
    rig.fault("status", method="GET", status=401, body=body, times=9)

    with pytest.raises(Unauthorized):
        connector.fetch(key)


def test_jwt_bearer_signs_in_and_a_wrong_key_does_not(rig: Rig) -> None:
    keys = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]
    pems = [
        k.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode() for k in keys
    ]
    public = keys[0].public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    rig.sandbox.door.public_key = public.decode()
    good, bad, junk = (
        rig.connector(sign_in={"username": "ticketgate@acme.example", "client_id": "ticketgate", "private_key": pem})
        for pem in (*pems, "not a key")
    )

    assert good.check_sign_in() == "ticketgate@acme.example"
    for refused, why in ((bad, "invalid_grant"), (junk, "PEM")):
        with pytest.raises(Unauthorized, match=why) as raised:
            refused.check_sign_in()
        assert not revealed([*pems, "not a key"], raised.value, refused)


@pytest.mark.parametrize(
    ("status", "headers", "error", "wait"),
    [
        (400, {}, Unauthorized, None),
        (401, {}, Unauthorized, None),
        (429, {"Retry-After": "9"}, Transient, 9.0),
        (503, {}, Transient, None),
    ],
)
def test_a_refused_sign_in_is_told_by_what_can_be_done(rig: Rig, status: int, headers: Any, error: Any, wait: float | None) -> None:
    rig.fault("status", path="oauth2/token", status=status, headers=headers, body={"error": "e", "error_description": SECRET})

    with pytest.raises(error) as raised:
        rig.connector().comment("5005g0000000001AAA", "Hello", public=True, mark=MARK)

    assert getattr(raised.value, "retry_after", None) == wait
    assert not revealed([SECRET], raised.value)


@pytest.mark.parametrize("body", [b"<html>", b"{", {}, {"access_token": ""}, {"access_token": 7}, []], ids=str)
def test_a_token_answer_of_another_shape_opens_nothing(rig: Rig, body: Any) -> None:
    rig.fault("status", path="oauth2/token", status=200, body=body)

    with pytest.raises((Unreadable, Transient)):
        rig.connector().check_sign_in()


@pytest.mark.parametrize(
    "sign_in",
    [
        {"username": "a@b.example", "password": "hunter2-secret", "security_token": "tok-secret"},
        {"username": "a@b.example", "password": "hunter2-secret", "client_id": "x", "client_secret": "tok-secret"},
        {"client_id": "x"},
        {"client_id": "x", "client_secret": "tok-secret", "private_key": "tok-secret"},
        {"client_id": "x", "username": "a@b.example"},
    ],
)
def test_sign_ins_that_cannot_work_are_refused_with_those_that_can(sign_in: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        SalesforceSettings(url="https://acme.my.salesforce.com", sign_in=sign_in)  # type: ignore[arg-type]

    assert "client_id and client_secret" in str(refused.value)
    assert ("SOAP" in str(refused.value)) == ("password" in sign_in)
    assert "secret'" not in str(refused.value).replace("client_secret'", "")


@pytest.mark.parametrize(
    "url", ["http://acme.my.salesforce.com", "https://login.salesforce.com", "https://acme.my.salesforce.com/x", "acme"]
)
def test_an_address_that_is_no_my_domain_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match=r"https://acme\.my\.salesforce\.com"):
        SalesforceSettings(url=url, sign_in=SalesforceSandbox.sign_in())  # type: ignore[arg-type]


def test_the_secret_is_in_no_repr(rig: Rig, connector: SalesforceConnector) -> None:
    connector.check_sign_in()

    assert not revealed([SECRET], SalesforceSettings(**rig.settings()), connector, connector._session)


# limits and refusals


@pytest.mark.parametrize(
    ("message", "wait"),
    [("TotalRequests Limit exceeded.", 900.0), ("ConcurrentRequests (Concurrent API Requests) Limit exceeded.", 20.0)],
)
def test_no_more_calls_today_is_a_long_wait_and_too_many_at_once_a_short_one(rig: Rig, message: str, wait: float) -> None:
    connector, key = rig.connector(), rig.load(a_sample())[0]
    rig.fault("status", method="GET", status=403, body=[{"message": message, "errorCode": "REQUEST_LIMIT_EXCEEDED"}])

    with pytest.raises(Transient) as refused:
        connector.fetch(key)

    assert refused.value.retry_after == wait


def test_the_sandbox_itself_stops_at_its_daily_limit_and_goes_on_a_day_later(rig: Rig, connector: SalesforceConnector) -> None:
    key = rig.load(a_sample())[0]
    rig.sandbox.daily_limit = 3
    for _ in range(3):
        connector.fetch(key)

    with pytest.raises(Transient, match="REQUEST_LIMIT_EXCEEDED"):
        connector.fetch(key)

    rig.later(timedelta(hours=25))
    assert connector.fetch(key).ref.key == key


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "MALFORMED_QUERY", Rejected),
        (403, "INSUFFICIENT_ACCESS", Rejected),
        (403, "API_DISABLED_FOR_ORG", Unauthorized),
        (404, "NOT_FOUND", NotFound),
        (404, "ENTITY_IS_DELETED", NotFound),
        (503, "SERVER_UNAVAILABLE", Transient),
        (400, "UNABLE_TO_LOCK_ROW", Transient),
    ],
)
def test_salesforces_codes_become_what_can_be_done(rig: Rig, status: int, code: str, error: type[Exception]) -> None:
    connector, key = rig.connector(), rig.load(a_sample())[0]
    rig.fault("status", method="GET", status=status, body=[{"message": "why", "errorCode": code, "fields": []}])

    with pytest.raises(error, match=f"{code}"):
        connector.fetch(key)


# what it costs, and what it reads


def test_a_recorded_case_is_read_as_expected() -> None:
    record: dict[str, Any] = json.loads((CASSETTES / "record.json").read_text())["records"][0]
    expected = door.ticket(orjson.loads((CASSETTES / "expected.json").read_bytes()))
    own = (("product", "Product__c"), ("language", "Language__c"), ("error_code", "Error_Code__c"), ("account", "Account.Name"))
    sign_in: Any = SalesforceSandbox.sign_in()
    settings = SalesforceSettings(url=SalesforceSandbox.url(), sign_in=sign_in, group_field="Group__c")

    ticket = Cases("salesforce-crm", settings, tuple(Custom(name, remote) for name, remote in own)).ticket(record)

    assert ticket == expected


def test_an_installations_fields_go_where_they_belong() -> None:
    sign_in: Any = SalesforceSandbox.sign_in()
    settings = SalesforceSettings(url=SalesforceSandbox.url(), sign_in=sign_in)
    kinds = (
        ("regions", "Regions__c", "set"),
        ("score", "Score__c", "number"),
        ("go_live", "Go_Live__c", "time"),
        ("vip", "Vip__c", "boolean"),
    )
    own = (*(Custom(*k) for k in kinds), Custom("requester.tags", "Contact.Tags__c", "set"))  # type: ignore[arg-type]
    record = json.loads((CASSETTES / "record.json").read_text())["records"][0]
    record |= {"Regions__c": "emea;apac", "Score__c": 7, "Go_Live__c": "2026-04-01T00:00:00.000+0000", "Vip__c": True}
    record["Contact"]["Tags__c"] = "vip; loyal"

    ticket = Cases("here", settings, own).ticket(record)

    assert ticket.custom == {
        "regions": frozenset({"emea", "apac"}),
        "score": 7.0,
        "go_live": START.replace(month=4, day=1, hour=0),
        "vip": True,
    }
    assert ticket.requester is not None
    assert ticket.requester.tags == {"vip", "loyal"}


def test_the_connector_loads_neither_its_sdk_nor_requests() -> None:
    code = "import sys, connectors.salesforce.connector; print([m for m in ('requests', 'simple_salesforce', 'jwt') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert said.stdout.strip() == "[]"


def test_an_old_cursor_may_be_any_text_of_ours(connector: SalesforceConnector) -> None:
    assert read(connector, Cursor(Mark.at(START).text))[-1].last
