"""What is peculiar to a Jira Data Center, through the SDK's session: places in a moving list, user names, wiki markup, its own refusals."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.allowance import Allowance, allowance_of
from connectors.base import Connector, Custom
from connectors.errors import Rejected, Transient, Unauthorized, Unreadable
from connectors.jira import data_center, reading, wiki
from connectors.jira.connector import JiraConnector
from connectors.jira.sandbox_data_center import URL, DataCenterSandbox
from connectors.jira.sandbox_flavour import unescaped
from connectors.jira.sandbox_sign_in import PAT
from connectors.jira.settings import JiraSettings
from connectors.pushes import Push
from connectors.sandbox import Answer, Request
from connectors.text.limits import Limit, cleaned
from rules.plan import Draft
from rules.ticket import Role, replace
from tests.costs import growth
from tests.rigs import START, Rig, a_sample, keys_of, read, rigged, served, some_samples

MARK = "0123456789abcdef0123456789abcdef"
ROW = "jira-data-center"
LONG_AGO = START - timedelta(days=30)
SECRET = "canary-4711"
ANA, LENA = "ana.example", "lena.example"


@pytest.fixture(scope="module")
def system() -> str:
    return ROW


@pytest.fixture
def connector(rig: Rig) -> Connector:
    return rig.connector()


def asked(rig: Rig, *endings: str) -> list[Request]:
    """The requests so far, of addresses that end so."""
    assert rig.served is not None
    return [e.request for e in rig.served.exchanges if e.request.path.endswith(endings or ("",))]


def behind(rig: Rig, **how: Any) -> Rig:
    """The same rig before another site of its kind."""
    rig.sandbox = DataCenterSandbox(rig.clock, **how)
    rig.served.sandbox = rig.sandbox  # type: ignore[union-attr]
    return rig


# Where it is


def test_every_request_goes_to_v2_behind_the_context_path_with_the_token_as_bearer(rig: Rig, connector: Connector) -> None:
    key = rig.load(a_sample())[0]
    ticket = connector.fetch(key)
    read(connector, LONG_AGO)
    connector.update(key, {"assignee": "lena@example.com", "status": "resolved"}, version=ticket.version)
    connector.comment(key, "Hello", public=True, mark=MARK)
    connector.history(key), connector.permissions(), connector.fields(), connector.native_slas(key)

    paths = [request.path for request in asked(rig)]
    assert [p for p in paths if not p.startswith(("/jira/rest/api/2/", "/jira/rest/servicedeskapi/"))] == []
    assert {request.headers["authorization"] for request in asked(rig)} == {f"Bearer {PAT}"}
    assert ticket.url == f"{URL}/browse/{key}"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"url": "https://acme.atlassian.net"}, "leave deployment out"),
        ({"cloud_id": "abc"}, "no cloud_id"),
        ({"sign_in": {"email": "a@example.com", "token": "x"}}, "personal access token"),
        ({"deployment": "server"}, "data_center"),
        ({"deployment": "cloud", "page_size": 500}, "100 issues at once"),
        ({"page_size": 1001}, "1000"),
    ],
)
def test_a_connection_that_cannot_be_is_refused_with_a_way_out(said: dict[str, Any], why: str) -> None:
    good = {"url": URL, "deployment": "data_center", "sign_in": {"token": "x"}, "page_size": 1000}
    assert JiraSettings(**good).api == URL  # type: ignore[arg-type]

    with pytest.raises(ValidationError, match=why):
        JiraSettings(**{**good, "page_size": 100, **said})  # type: ignore[arg-type]


def test_a_data_center_that_is_called_cloud_is_named_with_the_way_out(rig: Rig) -> None:
    for way in ({"token": PAT}, {"email": "a@example.com", "token": "x"}):
        with pytest.raises(Rejected, match=r"a Jira Data Center, version 9\.12\.15; write deployment: data_center"):
            rig.connector(deployment="cloud", sign_in=way).check_sign_in()


def test_a_cloud_site_that_is_called_a_data_center_is_named_with_the_way_out() -> None:
    with served("jira") as port, rigged("jira", port) as rig:
        mistaken = rig.connector(deployment="data_center", url="https://jira.acme.example", sign_in={"token": "wrong"})
        with pytest.raises(Rejected, match=r"this site is Jira Cloud, version .*; leave deployment: data_center out"):
            mistaken.check_sign_in()


def test_a_good_sign_in_costs_one_request_and_is_told_by_its_address(rig: Rig, connector: Connector) -> None:
    assert connector.check_sign_in() == "ticketgate@example.com"
    assert [request.path for request in asked(rig)] == ["/jira/rest/api/2/myself"]


def test_an_address_without_the_context_path_is_named(rig: Rig) -> None:
    with pytest.raises(Rejected, match=r"no Jira at this url; write its base URL .* with the context path"):
        rig.connector(url="https://jira.example.com").check_sign_in()


def test_a_wanted_captcha_is_named(rig: Rig, connector: Connector) -> None:
    rig.sandbox.gate.captcha = True

    with pytest.raises(Unauthorized, match="sign-in by hand first: CAPTCHA_CHALLENGE"):
        connector.check_sign_in()


def test_an_empty_bucket_is_waited_for_as_long_as_it_says(rig: Rig) -> None:
    rig.load(a_sample())
    connector = behind(rig, bucket=3).connector()
    for _ in range(3):
        connector.check_sign_in()
    rig.later(timedelta(seconds=18))

    with pytest.raises(Transient, match="429") as wait:
        connector.check_sign_in()
    assert wait.value.retry_after == 42

    rig.later(timedelta(seconds=42))
    assert connector.check_sign_in()


def test_what_the_bucket_still_holds_is_read_from_every_answer(rig: Rig, connector: Connector) -> None:
    bucket = rig.sandbox.limits
    assert allowance_of({**bucket.headers(), "Date": "Mon, 02 Mar 2026 12:00:00 GMT"}) == Allowance(100, 100, 60.0)


# Reading a list that moves


def watched(rig: Rig) -> list[tuple[str, int]]:
    """The moment from which each page was asked, and its place."""
    return [(r.query["jql"].partition("updated >= ")[2].split()[0], int(r.query["startAt"])) for r in asked(rig, "/search")]


def test_a_second_that_fills_many_pages_is_counted_through_and_nothing_is_doubled(rig: Rig) -> None:
    keys = rig.load(*(a_sample(f"Ticket {n}", age=60) for n in range(23)), a_sample("Later", age=30))

    pages = read(rig.connector(page_size=5), LONG_AGO)

    assert keys_of(pages) == keys
    assert [at for _, at in watched(rig)][:4] == [0, 0, 4, 8]


def test_pages_go_on_by_the_watermark_and_not_by_their_place(rig: Rig) -> None:
    keys = rig.load(*(a_sample(f"Ticket {n}", age=60 - n) for n in range(9)))

    assert keys_of(read(rig.connector(page_size=4), LONG_AGO)) == keys
    assert {at for _, at in watched(rig)} == {0}


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_site_that_gives_less_than_was_asked_for_loses_nothing(rig: Rig, most: int) -> None:
    behind(rig, most=most)
    keys = rig.load(*(a_sample(f"Ticket {n}", age=60 if n < 5 else 50 - n) for n in range(9)))

    assert keys_of(read(rig.connector(page_size=100), LONG_AGO)) == keys


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("leave", [(0,), (0, 1), (1, 2, 3), (0, 11), (2, 5, 6, 7)], ids=str)
def test_issues_that_move_on_while_their_second_is_read_hide_no_other(rig: Rig, leave: tuple[int, ...], size: int) -> None:
    """Fault row F31: the list closes up behind them, so that the next page would begin too late."""
    keys = rig.load(*(a_sample(f"Ticket {n}", age=60) for n in range(12)))
    pages = rig.connector(page_size=size).changed(LONG_AGO)
    seen = keys_of([next(pages), next(pages)])
    before = len([n for n in leave if keys[n] in seen])

    for n in leave:
        rig.people("set", keys[n], priority="urgent")
    rig.sandbox.catch_up()
    seen += keys_of(pages)

    assert set(seen) == set(keys)
    assert len(seen) == len(keys) + before


def test_within_a_second_the_order_is_that_of_the_keys_and_nothing_is_lost_or_doubled(rig: Rig) -> None:
    moments = [START - timedelta(minutes=60) + timedelta(milliseconds=ms) for ms in (900, 100, 500, 300, 700, 200, 1100, 1000)]
    keys = rig.load(*(replace(a_sample(f"Ticket {n}"), created_at=at) for n, at in enumerate(moments)))

    pages = read(rig.connector(page_size=3), moments[0] - timedelta(milliseconds=50))

    assert keys_of(pages) == keys
    assert {int(moment) % 1000 for moment, _ in watched(rig)} == {0}, "the index knows no moment within a second"


def test_a_search_that_gives_another_order_each_time_is_given_up(rig: Rig) -> None:
    rig.load(*(a_sample(f"Ticket {n}", age=60) for n in range(12)))
    inner = rig.sandbox.answer

    def shuffled(request: Request) -> Answer:
        rig.sandbox.forget_cursors()
        answer: Answer = inner(request)
        return answer

    rig.sandbox.answer = shuffled

    with pytest.raises(Transient, match="another order each time"):
        read(rig.connector(page_size=4), LONG_AGO)


@pytest.mark.parametrize("body", [{"issues": []}, {"issues": [], "total": 3}, {"issues": 7, "total": 1}, {"total": 1}], ids=str)
def test_a_page_that_is_none_is_unreadable_and_not_the_end(rig: Rig, connector: Connector, body: Any) -> None:
    connector.check_sign_in()
    rig.fault("status", path="search", times=9, status=200, body=body)

    with pytest.raises(Unreadable):
        read(connector, LONG_AGO)


def test_issues_without_a_stamp_are_parked_and_the_reading_goes_on() -> None:
    place = data_center._Place(START)
    odd: list[Any] = [{"id": "1"}, {"id": "2", "fields": {"updated": "yesterday"}}, 7]

    assert place.holds(odd)
    assert place.fresh(odd) == odd
    place.advance(odd)

    assert (place.at, place.since) == (2, START)
    assert place.fresh(odd) == []


def test_who_is_there_is_asked_in_one_search_and_the_missing_one_by_one(rig: Rig, connector: Connector) -> None:
    keys = rig.load(*some_samples(4))
    rig.people("delete", keys[1])
    moved = rig.people("move", keys[2], into="WEB")
    rig.sandbox.catch_up()

    assert connector.present([*keys, 'CORE-1") OR project = "WEB']) == {keys[0]: keys[0], keys[2]: moved, keys[3]: keys[3]}
    assert len(asked(rig, "/search")) == 1


def test_a_creation_that_no_search_shows_yet_is_found_by_the_keys_that_follow(rig: Rig, connector: Connector) -> None:
    rig.load(*some_samples(3))
    made = connector.create(Draft(fields={"subject": "New"}, own={"project": "CORE", "issue_type": "Bug"}), mark=MARK)

    found = connector.applied_create(MARK)

    assert found is not None
    assert (found.id, found.key) == (made.id, made.key)
    assert connector.applied_create("f" * 32) is None
    assert not asked(rig, "bulkfetch")


def test_the_count_is_the_total_of_an_empty_page(rig: Rig, connector: Connector) -> None:
    rig.load(*some_samples(7))

    assert connector.count(LONG_AGO) == 7
    assert asked(rig, "/search")[-1].query["maxResults"] == "0"


# People


def test_people_are_read_by_their_lasting_key_and_written_by_their_user_name(rig: Rig, connector: Connector) -> None:
    key = rig.load(a_sample(email="ana@example.com"))[0]
    ticket = connector.fetch(key)
    assert ticket.requester is not None
    assert (str(ticket.requester.id)[:8], ticket.requester.email, ticket.requester.automated) == ("JIRAUSER", "ana@example.com", False)

    receipt = connector.update(key, {"assignee": "Lena Vogt"}, version=ticket.version)

    assert orjson.loads(asked(rig, f"issue/{key}")[-2].body) == {"fields": {"assignee": {"name": LENA}}}
    assert receipt.echo["assignee"] == "lena@example.com"
    assert rig.sandbox.shown(key)["assignee"] == "lena@example.com"


def test_a_user_name_is_a_name_to_write_and_nobodys_is_refused_with_where_to_write_it(rig: Rig, connector: Connector) -> None:
    key = rig.load(a_sample())[0]

    connector.update(key, {"assignee": LENA}, version=connector.fetch(key).version)

    assert rig.sandbox.shown(key)["assignee"] == "lena@example.com"
    with pytest.raises(Rejected, match=r"no account is known as 'nobody'; write it under accounts: \{ nobody: USER-NAME \}"):
        connector.update(key, {"assignee": "nobody"}, version=connector.fetch(key).version)


def test_a_hidden_address_comes_from_the_accounts_by_user_name(rig: Rig) -> None:
    key = behind(rig, hidden=["ana@example.com"]).load(a_sample(email="ana@example.com"))[0]

    plain, told = rig.connector().fetch(key), rig.connector(accounts={"ana@example.com": ANA}).fetch(key)

    assert plain.requester is not None
    assert told.requester is not None
    assert (plain.requester.email, told.requester.email) == (None, "ana@example.com")


def test_a_person_in_a_field_of_the_sites_own_is_read_by_e_mail_and_written_by_user_name(rig: Rig) -> None:
    connector = rig.sandbox and JiraConnector.opened("here", JiraSettings(**rig.settings()), (Custom("manager", "customfield_10059"),))
    rig.opened.append(connector)
    key = rig.load(a_sample())[0]

    connector.update(key, {"custom.manager": "lena@example.com"}, version=connector.fetch(key).version)

    assert connector.fetch(key).custom["manager"] == "lena@example.com"


def test_a_reply_of_the_reporter_is_the_customers_and_an_internal_comment_is_known_by_its_property(rig: Rig, connector: Connector) -> None:
    key = rig.load(a_sample(assignee="lena@example.com"))[0]
    rig.people("reply", key, "It still fails.", by="customer")
    rig.people("note", key, "Ask billing.")
    connector.comment(key, "Between us.", public=False, mark=MARK)

    said = connector.comments(key)

    assert [(c.text, c.public, c.role, c.ours) for c in said] == [
        ("It still fails.", True, Role.CUSTOMER, False),
        ("Ask billing.", False, Role.AGENT, False),
        ("Between us.", False, Role.AGENT, True),
    ]


# History


def test_a_field_of_the_sites_own_is_known_in_the_history_by_its_name(rig: Rig, connector: Connector) -> None:
    key = rig.load(a_sample(product="Checkout", status="open"))[0]
    rig.people("set", key, product="Mobile", group="billing-emea", assignee="max@example.com")
    rig.people("set", key, status="resolved")

    told = {change.field: (change.before, change.after) for change in connector.history(key)}

    assert told["product"] == ("Checkout", "Mobile")
    assert told["group"] == (None, "billing-emea")
    assert told["assignee"] == (None, "Max Berger")
    assert told["status"] == ("open", "resolved")


def test_a_field_that_is_called_like_one_of_jiras_is_not_taken_for_it() -> None:
    followed = {"status": ("status", reading.shown), "custom:status": ("custom.status", reading.shown)}
    items = [{"field": "status", "fieldtype": kind, "fromString": "a", "toString": "b"} for kind in ("jira", "custom")]
    entry = {"created": "2026-03-02T12:00:00.000+0000", "items": items}

    found = reading.changes([entry], followed, data_center.DATA_CENTER.people, {})

    assert [change.field for change in found] == ["status", "custom.status"]


# Text

SIGNS = list("ab1 .,\n-*_#|{}[]!\\&;92hbqcodeamp~^+?:/é\u00a0")


@settings(deadline=None, max_examples=400)
@given(text=st.text(alphabet=st.sampled_from(SIGNS), max_size=40) | st.text(max_size=40))
def test_a_fields_text_reads_back_letter_by_letter_and_is_seen_so_by_others(text: str) -> None:
    clean = limits_cleaned(text)

    kept = wiki.markup(text)

    assert wiki.text(kept) == clean
    assert unescaped(kept) == clean or "\\\\" in kept, "a reader that knows nothing but escapes says the same"


def limits_cleaned(text: str) -> str:
    return cleaned(text.replace("\r\n", "\n").replace("\r", "\n"), wiki.TEXT)


def test_text_without_signs_is_kept_as_it_is() -> None:
    said = "The card-reader fails (see https://example.com/a_b?c=1#d-e).\n- one\n- two\nWhy? 5 > 3, a_b, well-known!"

    assert wiki.markup(said) == said
    assert wiki.text(said.replace("\n", "\r\n")) == said


def test_what_is_nothing_as_markdown_goes_by_its_letters() -> None:
    assert wiki.rich("-", Limit(32_000)) == "-", "Jira refuses an empty comment"


def test_markup_is_read_down_to_what_people_see() -> None:
    said = "h2. Steps\r\n# Open *it*\r\n# Press {{Go}}\r\n\r\n{code:java}\r\na = b;\r\n{code}\r\nsee [the page|https://example.com]"

    assert wiki.text(said) == "Steps\n\n1. Open it\n2. Press Go\n\na = b;\n\nsee the page (https://example.com)"
    assert wiki.text(None) == wiki.text({"type": "doc"}) == ""


def test_what_grows_by_its_escapes_is_still_within_the_limit() -> None:
    for said in ("a* " * 15_000, "a *b* " * 9_000, "x" * 40_000):
        assert len(wiki.markup(said)) <= 32_000
        made = wiki.rich(said, Limit(32_000))
        assert len(made) <= 32_767
        assert "more characters]" in wiki.text(made)


@pytest.mark.parametrize("part", ["[~", "[a", "{code:x}", "{quote}", "\\*", "* a\n", "[a|http:", "!a.b", "_*-", "{{a"])
def test_a_hostile_text_takes_no_long_time(part: str) -> None:
    def read_and_written(length: int) -> None:
        wiki.text(part * (length // len(part)) + "*b*")
        wiki.markup(part * (length // len(part)))

    assert growth(read_and_written, 4_000) < 10, "it grows with the square of the text"


def test_a_description_is_set_and_read_as_text(rig: Rig, connector: Connector) -> None:
    key = rig.load(a_sample())[0]
    said = "Not *bold*, no {code}, h1. nothing\n\nC:\\temp\\new  [x]"

    receipt = connector.update(key, {"body": said}, version=connector.fetch(key).version)

    assert receipt.echo["body"] == said == connector.fetch(key).body
    assert "\\*bold\\*" in connector.raw(key)["fields"]["description"]


# Webhooks


@pytest.mark.parametrize(
    ("event", "body", "keys"),
    [
        ("jira:issue_updated", {"user": {"name": LENA, "key": "JIRAUSER10100"}, "issue": {"id": "10001", "key": "CORE-1"}}, ("CORE-1",)),
        ("comment_created", {"comment": {"self": f"{URL}/rest/api/2/issue/10001/comment/1", "author": {"name": LENA}}}, ()),
    ],
)
def test_a_push_of_its_own_gives_the_key_where_it_names_one(rig: Rig, event: str, body: dict[str, Any], keys: tuple[str, ...]) -> None:
    connector = rig.connector(pushes={"secret": SECRET, "by_secret": True})
    said = orjson.dumps({"timestamp": int(rig.clock().timestamp() * 1000), "webhookEvent": event, **body})

    heard = connector.heard(Push({}, said, rig.clock(), {"secret": SECRET}))

    assert heard.keys == keys
    assert bool(heard.ignored) is not bool(keys)
