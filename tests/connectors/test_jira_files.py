"""Jira's files over the wire: to whom they show, how they are sent, and what may go wrong between."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from tempfile import TemporaryFile

import pytest

from connectors.base import Connector
from connectors.errors import InDoubt, NotFound, Rejected, Transient, Unauthorized
from connectors.files import Upload
from connectors.jira.sandbox_sign_in import APP, CLOUD_ID
from connectors.jira.secrecy import shows_nothing
from connectors.sandbox import Deed
from tests.contract import MARK, one
from tests.contract_attachments import bytes_of, put, upload
from tests.rigs import Rig, a_sample, rigged, served

SPOILT = {"status": 500, "times": 1}


@pytest.fixture(scope="module", params=["jira", "jira-data-center"])
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connector(rig: Rig) -> Connector:
    return rig.connector(project=["CORE", "WEB"])


def by_agent(rig: Rig, key: str, name: str, *, public: bool) -> None:
    rig.later()
    rig.sandbox.people(Deed(kind="attach", key=key, text=name, fields={"content": name, "type": "image/png", "public": public}))


def seen(connector: Connector, key: str) -> dict[str, bool]:
    return {file.name: file.public for file in connector.attachments(key)}


def test_in_a_service_desk_customers_see_their_own_files_and_those_of_public_comments(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key
    put(rig, key, "theirs.png")
    by_agent(rig, key, "inside.png", public=False)
    by_agent(rig, key, "answer.png", public=True)

    assert seen(connector, key) == {"theirs.png": True, "inside.png": False, "answer.png": True}


def test_a_picture_in_a_comment_is_named_as_the_file_that_it_is(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key
    by_agent(rig, key, "error-é.png", public=True)

    (said,), (file,) = connector.comments(key), connector.attachments(key)

    assert (said.text, said.public) == (f"[image: {file.name}]", True)


def test_all_files_of_one_comment_are_seen(rig: Rig, connector: Connector) -> None:
    """A list of comments tells the first few only."""
    key = one(rig, connector).ref.key
    issue, tracker = rig.sandbox.tracker.issue(key), rig.sandbox.tracker
    for n in range(5):
        by_agent(rig, key, f"{n}.png", public=False)
    tracker.say(issue, tracker.accounts.api, tracker.flavour.showing(issue.state.files), {}, [f["id"] for f in issue.state.files])

    assert seen(connector, key) == {f"{n}.png": True for n in range(5)}


def test_where_the_desk_tells_nothing_only_the_customers_own_files_are_theirs(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key
    put(rig, key, "theirs.png")
    by_agent(rig, key, "answer.png", public=True)
    rig.fault("status", path="servicedeskapi", status=403, times=9)

    assert seen(connector, key) == {"theirs.png": True, "answer.png": False}


def test_in_another_project_a_file_is_everybodys_unless_only_an_internal_comment_shows_it(rig: Rig, connector: Connector) -> None:
    (key,) = rig.load(a_sample(key="WEB-7"))
    tracker, issue = rig.sandbox.tracker, rig.sandbox.tracker.issue(key)
    for name in ("plain.png", "hidden.png", "both.png"):
        by_agent(rig, key, name, public=False)
    by_name = {file["name"]: file for file in issue.state.files}
    inside, shown = {"sd.public.comment": {"internal": True}}, tracker.flavour.showing
    tracker.say(issue, tracker.accounts.api, shown([by_name["hidden.png"], by_name["both.png"]]), inside)
    tracker.say(issue, tracker.accounts.api, shown([by_name["both.png"]]), {})

    assert seen(connector, key) == {"plain.png": True, "hidden.png": False, "both.png": True}


def test_a_public_file_comes_on_a_comment_that_is_known_as_ours(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key

    connector.attach(key, upload(), public=True, mark=MARK)

    (said,) = connector.comments(key)
    assert (said.public, said.ours) == (True, True)


def test_an_internal_file_makes_no_comment_and_asks_the_desk_nothing(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key
    assert rig.served is not None
    rig.served.exchanges.clear()

    connector.attach(key, upload(), public=False, mark=MARK)

    assert connector.comments(key) == ()
    assert not [e for e in rig.served.exchanges if "servicedeskapi" in e.request.path]


def test_what_goes_to_an_issue_that_is_no_request_makes_no_comment(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key
    rig.sandbox.tracker.issue(key).requested = False

    connector.attach(key, upload(), public=True, mark=MARK)

    assert seen(connector, key) == {"trace é.bin": False}
    assert connector.comments(key) == ()


def test_the_guard_lets_a_file_through_to_the_issue_alone() -> None:
    assert shows_nothing("POST", "/rest/api/3/issue/CORE-1/attachments", None)
    assert shows_nothing("POST", "/jira/rest/api/2/issue/CORE-1/attachments", None)
    assert not shows_nothing("POST", "/rest/servicedeskapi/request/CORE-1/attachment", {"public": False})
    assert not shows_nothing("POST", "/rest/servicedeskapi/servicedesk/1/attachTemporaryFile", None)
    assert not shows_nothing("PUT", "/rest/api/3/issue/CORE-1/attachments", None)


def test_a_form_has_the_name_the_real_type_and_the_header_against_forgery(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key
    file = replace(upload(b"%PDF-1.7", 'a "b" &c é.pdf'), type="application/pdf")
    connector.attach(key, file, public=False, mark=MARK)

    assert rig.served is not None
    (sent,) = [e.request for e in rig.served.exchanges if e.request.path.endswith("/attachments")]
    assert sent.headers["x-atlassian-token"] == "no-check"
    assert int(sent.headers["content-length"]) == len(sent.body)
    assert b"Content-Type: application/pdf" in sent.body
    assert b"%PDF-1.7" in sent.body
    (there,) = connector.attachments(key)
    assert (there.name, there.type) == ("a %22b%22 &c é.pdf", "application/pdf")


def test_what_the_site_does_not_take_is_refused_before_it_is_sent(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key
    rig.sandbox.files.limit = 100
    with pytest.raises(Rejected, match="100 at the most"):
        connector.attach(key, upload(), public=False, mark=MARK)
    rig.sandbox.files.enabled = False
    with pytest.raises(Rejected, match="switched off"):
        connector.attach(key, upload(b"x"), public=False, mark=MARK)
    assert rig.effects() == []


def test_a_limit_that_is_told_only_when_it_is_hit_is_a_refusal(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key
    rig.fault("status", path="/attachments", status=413, body={"errorMessages": ["The file exceeds"], "errors": {}})
    with pytest.raises(Rejected, match="413 The file exceeds"):
        connector.attach(key, upload(), public=False, mark=MARK)


@pytest.mark.parametrize("public", [True, False])
def test_an_upload_that_broke_off_is_a_doubt_and_the_file_is_found_by_its_content(rig: Rig, connector: Connector, public: bool) -> None:
    key = one(rig, connector).ref.key
    rig.fault("apply_then_drop", method="POST", path="/attachments?$")

    with pytest.raises(InDoubt):
        connector.attach(key, upload(), public=public, mark=MARK)

    (file,) = connector.attachments(key)
    assert hashlib.sha256(bytes_of(connector, key, file)).digest() == hashlib.sha256(upload().content.read()).digest()


def test_a_file_that_is_there_is_said_to_be_there_whatever_becomes_of_its_comments_mark(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key
    rig.fault("status", method="PUT", **SPOILT)

    receipt = connector.attach(key, upload(), public=True, mark=MARK)

    assert [file.id for file in connector.attachments(key)] == [receipt.id]


def test_a_download_that_breaks_off_may_be_tried_again(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key
    put(rig, key)
    (file,) = connector.attachments(key)
    where = "attachment/content|secure/attachment"
    rig.fault("status", path=where, **SPOILT)
    with pytest.raises(Transient):
        bytes_of(connector, key, file)
    rig.fault("truncate", path=where)
    with pytest.raises(Transient):
        bytes_of(connector, key, file)
    assert bytes_of(connector, key, file) == b"pixels"


def test_a_redirect_to_anywhere_is_not_followed(rig: Rig, connector: Connector) -> None:
    """The cloud's file is refused alone; a Data Center sends to its sign-in page."""
    key = one(rig, connector).ref.key
    put(rig, key)
    (file,) = connector.attachments(key)
    away = {"location": "http://169.254.169.254/"}
    rig.fault("status", status=303, headers=away, path="attachment/content|secure/attachment", times=1)
    with pytest.raises(Rejected if rig.row == "jira" else Unauthorized, match=r"169\.254\.169\.254"):
        bytes_of(connector, key, file)


def test_who_may_not_attach_is_told_beforehand_and_refused(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key
    assert {p.name: p.granted for p in connector.permissions() if p.serves("attach")} == {"CREATE_ATTACHMENTS": True}
    rig.sandbox.denied.add("CREATE_ATTACHMENTS")

    assert {p.name: p.granted for p in connector.permissions() if p.serves("attach")} == {"CREATE_ATTACHMENTS": False}
    with pytest.raises(Rejected, match="permission to create attachments"):
        connector.attach(key, upload(), public=False, mark=MARK)


def test_where_the_cloud_sends_on_all_the_same_the_file_is_fetched_there_without_a_sign_in() -> None:
    with served("jira") as port, rigged("jira", port) as rig:
        connector = rig.connector()
        key = one(rig, connector).ref.key
        put(rig, key)
        (file,) = connector.attachments(key)
        rig.sandbox.files.sends_on = True
        assert bytes_of(connector, key, file) == b"pixels"
        here, there = [exchange.request for exchange in port.exchanges][-2:]

    assert ("authorization" in here.headers, here.query) == (True, {"redirect": "false"})
    assert there.headers["host"] == "api.media.atlassian.com"
    assert {"authorization", "cookie"} & there.headers.keys() == set()


@pytest.fixture
def atlassian() -> Iterator[Rig]:
    with served("jira") as port, rigged("jira", port) as rig:
        yield rig


def test_a_token_that_ran_out_between_is_renewed_and_the_file_sent_from_its_beginning(atlassian: Rig) -> None:
    connector = atlassian.connector(sign_in=APP, cloud_id=CLOUD_ID)
    key = one(atlassian, connector).ref.key
    atlassian.fault("status", status=401, method="POST", path="/attachments", times=1)

    with TemporaryFile() as content:
        content.write(b"whole")
        content.seek(0)
        connector.attach(key, Upload(name="a.txt", type="text/plain", size=5, content=content), public=False, mark=MARK)

    (file,) = connector.attachments(key)
    assert bytes_of(connector, key, file) == b"whole"


def test_the_sandbox_is_as_weak_as_jira(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key
    first = connector.attach(key, upload(b"same"), public=False, mark=MARK)
    again = connector.attach(key, upload(b"same"), public=False, mark=MARK)
    assert first.id != again.id
    rig.sandbox.files.held(first.id)["vanished"] = True
    with pytest.raises(NotFound):
        bytes_of(connector, key, connector.attachments(key)[0])
