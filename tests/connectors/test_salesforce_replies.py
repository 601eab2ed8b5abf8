"""Case comments, posts in the feed and e-mails: each is read, a reply is written once in the way chosen, and a note stays internal."""

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import Connector
from connectors.errors import InDoubt, NotFound, Rejected
from connectors.salesforce.secrecy import shows_nothing
from connectors.salesforce.settings import SalesforceSettings
from connectors.transport import is_write
from rules.ticket import Role
from tests.rigs import Rig, a_sample, keys_of, read

MARK = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
WAYS = ("comment", "feed", "email")


@pytest.fixture(scope="module")
def system() -> str:
    return "salesforce"


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def a_case(rig: Rig) -> str:
    (key,) = rig.load(a_sample())
    return key


def seen(rig: Rig, key: str) -> list[str]:
    """What the customer can read."""
    return [c["text"] for c in rig.sandbox.shown(key)["comments"] if c["public"]]


def by_mail(rig: Rig) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rig.sandbox.saying.outbox
    return found


def test_a_reply_and_a_note_come_back_as_ours_with_their_ids(rig: Rig, way: str) -> None:
    connector, key = rig.connector(replies=way), a_case(rig)
    reply = connector.comment(key, "We are **on** it.", public=True, mark=MARK)
    rig.later()
    note = connector.comment(key, "Between us.", public=False, mark=OTHER)
    said = connector.comments(key)
    assert [(c.id, c.text, c.public, c.ours, c.role) for c in said] == [
        (reply.id, "We are on it.", True, True, Role.AGENT),
        (note.id, "Between us.", False, True, Role.AGENT),
    ]
    assert len(seen(rig, key)) == 1
    assert len(by_mail(rig)) == (way == "email")


def test_what_was_said_is_found_by_its_mark_and_nothing_else_is(rig: Rig, way: str) -> None:
    connector, key = rig.connector(replies=way), a_case(rig)
    made = connector.comment(key, "Once.", public=True, mark=MARK)
    assert connector.applied_comment(key, "Once.", public=True, mark=MARK) == made
    assert connector.applied_comment(key, "Once.", public=True, mark=OTHER) is None
    assert connector.applied_comment(key, "Once.", public=False, mark=MARK) is None


def test_a_reply_whose_answer_was_lost_is_found_before_it_is_repeated(rig: Rig, way: str) -> None:
    connector, key = rig.connector(replies=way), a_case(rig)
    rig.fault("apply_then_drop", method="POST", path="sobjects|actions")
    with pytest.raises(InDoubt):
        connector.comment(key, "Once.", public=True, mark=MARK)
    assert connector.applied_comment(key, "Once.", public=True, mark=MARK) is not None
    assert (len(seen(rig, key)), len(by_mail(rig))) == (1, way == "email")


def test_a_case_that_is_not_there_is_told(rig: Rig, way: str) -> None:
    connector = rig.connector(replies=way)
    with pytest.raises(NotFound):
        connector.comment("500000000000999AAA", "Hello?", public=True, mark=MARK)
    assert by_mail(rig) == []


# --- reading ---------------------------------------------------------------------------------------------------------


def test_posts_comments_and_e_mails_are_each_read_once_with_who_could_see_them(rig: Rig) -> None:
    """The feed tells comments and e-mails once more; they are not doubled."""
    connector, key = rig.connector(feed=True), _portal_case(rig)
    rig.people("reply", key, "A comment.", by="customer")
    rig.sandbox.feed = True
    rig.later()
    rig.people("reply", key, "A post.", by="customer")
    rig.later()
    rig.people("note", key, "An internal post.")
    rig.later()
    _mail(rig, key, incoming=True)
    rig.later()
    _mail(rig, key, incoming=False)
    assert [(c.text, c.public, c.role) for c in connector.comments(key)] == [
        ("A comment.", True, Role.CUSTOMER),
        ("A post.", True, Role.CUSTOMER),
        ("An internal post.", False, Role.AGENT),
        ("A mail.", True, Role.CUSTOMER),
        ("A mail.", True, Role.AGENT),
    ]


def _portal_case(rig: Rig) -> str:
    (key,) = rig.load(a_sample(channel="portal"))
    return key


def _mail(rig: Rig, key: str, *, incoming: bool) -> None:
    done = rig.sandbox.org.transaction(rig.sandbox.users.api)
    done.add("EmailMessage", ParentId=key, TextBody="A mail.", Incoming=incoming, FromAddress="a@example.com", FromName="A")
    rig.sandbox.org.store(done)


def test_a_post_is_news_by_its_own_stamp_where_the_feed_is_read_and_none_elsewhere(rig: Rig) -> None:
    with_feed, without = rig.connector(feed=True), rig.connector()
    key = _portal_case(rig)
    cursors = [read(one, rig.clock())[-1].cursor for one in (with_feed, without)]
    before = [one.fetch(key).version for one in (with_feed, without)]
    rig.later()
    rig.sandbox.feed = True
    rig.people("reply", key, "A post.", by="customer")
    assert (key in keys_of(read(with_feed, cursors[0])), key in keys_of(read(without, cursors[1]))) == (True, False)
    after = [one.fetch(key).version for one in (with_feed, without)]
    assert (after[0] != before[0], after[1] == before[1]) == (True, True)
    (page,) = [p for p in read(with_feed, cursors[0]) if keys_of([p]) == [key]][:1]
    assert page.tickets[0].version == after[0]


def test_a_cursor_of_an_earlier_release_goes_on_and_reads_posts_from_its_comments_on(rig: Rig) -> None:
    connector, key = rig.connector(feed=True), _portal_case(rig)
    cursor = read(connector, rig.clock())[-1].cursor
    old = cursor.rpartition(" ")[0]
    rig.later()
    rig.sandbox.feed = True
    rig.people("reply", key, "A post.", by="customer")
    assert key in keys_of(read(connector, type(cursor)(old)))


def test_an_incoming_mail_that_quotes_our_mark_is_the_customers(rig: Rig) -> None:
    connector, key = rig.connector(replies="email"), a_case(rig)
    done = rig.sandbox.org.transaction(rig.sandbox.users.api)
    done.add("EmailMessage", ParentId=key, TextBody=f"> On it.\n⟨tg:{MARK[:8]}⟩", Incoming=True, FromAddress="a@example.com")
    rig.sandbox.org.store(done)
    (said,) = connector.comments(key)
    assert (said.ours, said.role, said.public) == (False, Role.CUSTOMER, True)
    assert connector.applied_comment(key, "On it.", public=True, mark=MARK) is None


# --- e-mail ----------------------------------------------------------------------------------------------------------


def test_a_mail_goes_to_the_requester_from_the_address_named_and_is_logged(rig: Rig) -> None:
    connector, key = rig.connector(replies="email", reply_address="support@acme.example"), a_case(rig)
    connector.comment(key, "On it.", public=True, mark=MARK)
    (sent,) = by_mail(rig)
    assert (sent["emailAddresses"], sent["emailSubject"]) == ("ana@example.com", "Re: Card declined at checkout")
    assert (sent["senderType"], sent["senderAddress"]) == ("OrgWideEmailAddress", "support@acme.example")
    assert (sent["relatedRecordId"], sent["logEmailOnSend"]) == (key, True)


def test_a_mail_from_an_address_that_is_not_ours_is_refused(rig: Rig) -> None:
    connector, key = rig.connector(replies="email", reply_address="boss@acme.example"), a_case(rig)
    with pytest.raises(Rejected, match="organization-wide"):
        connector.comment(key, "On it.", public=True, mark=MARK)
    assert (by_mail(rig), seen(rig, key)) == ([], [])


def test_a_reply_by_mail_to_nobody_is_refused_with_a_way_out(rig: Rig) -> None:
    connector, key = rig.connector(replies="email"), a_case(rig)
    case = rig.sandbox.org.get("Case", key)
    case.update(ContactId=None, SuppliedEmail=None)
    with pytest.raises(Rejected, match="replies: comment"):
        connector.comment(key, "On it.", public=True, mark=MARK)
    assert by_mail(rig) == []


def test_a_mail_that_can_not_be_found_again_is_not_configured() -> None:
    known = {"url": "https://acme.my.salesforce.com", "sign_in": {"client_id": "a", "client_secret": "b"}}
    for wrong in ({"replies": "email", "marks": False}, {"replies": "email", "emails": False}, {"reply_address": "a@example.com"}):
        with pytest.raises(ValidationError):
            SalesforceSettings.model_validate({**known, **wrong})


# --- the guard -------------------------------------------------------------------------------------------------------

HERE = "/services/data/v62.0/"
POST = {"ParentId": "500", "Body": "Between us.", "Visibility": "InternalUsers"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("sobjects/FeedItem/", {**POST, "Visibility": "AllUsers"}),
        ("sobjects/FeedItem/", {"ParentId": "500", "Body": "Between us."}),  # by default for all
        ("sobjects/FeedItem/", {**POST, "NetworkScope": "AllNetworks"}),
        ("sobjects/FeedItem/", {**POST, "IsPublished": False}),
        ("sobjects/CaseComment/", POST),
        ("actions/standard/emailSimple", POST),
        ("actions/standard/emailSimple", {"inputs": [{"emailBody": "Between us."}]}),
        ("sobjects/EmailMessage/", POST),
    ],
)
def test_whatever_a_customer_could_see_does_not_pass_as_a_note(path: str, body: dict[str, Any]) -> None:
    assert not shows_nothing("POST", HERE + path, body)


def test_a_post_for_internal_users_passes() -> None:
    assert shows_nothing("POST", f"{HERE}sobjects/FeedItem/", POST)


def test_a_note_of_each_way_leaves_in_one_write_that_the_guard_lets_through(rig: Rig, way: str) -> None:
    connector, key = rig.connector(replies=way), a_case(rig)
    connector.comment(key, "Between us.", public=False, mark=MARK)
    assert rig.served is not None
    writes = [e.request for e in rig.served.exchanges if is_write(e.request.method, e.request.path) and "sobjects" in e.request.path]
    assert len(writes) == 1
    assert shows_nothing(writes[0].method, writes[0].path, writes[0].json())
    assert seen(rig, key) == []


def test_what_our_user_must_be_able_to_make_goes_by_what_replies_are(rig: Rig, way: str) -> None:
    connector: Connector = rig.connector(replies=way)
    serving = {one.name for one in connector.permissions() if one.serves("reply")}
    assert serving == {{"comment": "create CaseComment", "feed": "create FeedItem", "email": "create EmailMessage"}[way]}


def test_a_note_that_may_not_mention_somebody_goes_with_their_name(rig: Rig) -> None:
    """A mention that is refused, an organization without Chatter, a note that could not be found again, and a text that is too long."""
    key = a_case(rig)
    lena = rig.connector(replies="feed").mentionable("lena@example.com")
    body = f"[@Lena](mention:{lena}) look"

    def noted(text: str = body, who: str | None = lena, mark: str = MARK, **how: Any) -> Any:
        rig.connector(replies="feed", **how).comment(key, text, public=False, mark=mark, called=frozenset({str(who)}))
        return rig.effects()[-1].detail

    assert noted()["called"] == ["lena@example.com"]
    assert "called" not in noted(body.replace(str(lena), "005000000000999AAA"), "005000000000999AAA")
    assert "called" not in noted(marks=False)
    assert "called" not in noted(body + " word" * 3_000)
    rig.fault("status", path="chatter", status=403, body=[{"errorCode": "FUNCTIONALITY_NOT_ENABLED", "message": "Chatter"}])
    assert "called" not in noted()
    assert [e.kind for e in rig.effects()] == ["note"] * 5
    rig.fault("status", path="batch", status=404, body=[{"errorCode": "NOT_FOUND", "message": "Chatter"}])
    assert {c.mentions for c in rig.connector(replies="feed").comments(key)} == {()}
    assert [len(c.mentions) for c in rig.connector(replies="feed").comments(key)] == [1, 0, 0, 0, 0]
    assert rig.connector().mentionable("lena@example.com") is None
    rig.sandbox.org.segments.update({id: [{**one, "text": f"{one['text']}!"} for one in s] for id, s in rig.sandbox.org.segments.items()})
    assert {c.mentions for c in rig.connector(replies="feed").comments(key)} == {()}, "what is said elsewhere stands nowhere here"


def test_of_two_users_with_one_address_neither_is_mentioned(rig: Rig) -> None:
    org, lena = rig.sandbox.org, "lena@example.com"
    assert rig.connector(replies="feed").mentionable(lena) is not None
    done = org.transaction(rig.sandbox.users.api)
    done.add("User", Name=lena, Email=lena, IsActive=True, UserType="Standard")
    org.store(done)
    assert rig.connector(replies="feed").mentionable(lena) is None


@pytest.mark.parametrize("visibility", ["AllUsers", None, "internalusers"])
def test_a_post_in_segments_is_internal_only_where_it_says_so(visibility: str | None) -> None:
    said = {"body": {"messageSegments": []}, "feedElementType": "FeedItem", "subjectId": "500", "visibility": visibility}
    path = "/services/data/v62.0/chatter/feed-elements"
    assert shows_nothing("POST", path, {**said, "visibility": "InternalUsers"})
    assert not shows_nothing("POST", path, said)
    assert not shows_nothing("POST", path, {**said, "visibility": "InternalUsers", "capabilities": {}})
    assert not shows_nothing("POST", f"{path}/1", {**said, "visibility": "InternalUsers"})
