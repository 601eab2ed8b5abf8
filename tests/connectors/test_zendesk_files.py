"""Zendesk's files over the wire: sent on to another host without our sign-in, uploaded for a token, shown by a comment under our mark."""

from datetime import timedelta

import pytest

from connectors.base import Connector
from connectors.errors import InDoubt, NotFound, Rejected, Transient
from connectors.files import Upload
from connectors.sandbox import Request
from connectors.zendesk.attachments import LARGEST
from connectors.zendesk.sandbox_attachments import ELSEWHERE
from gateway.sandbox.host import Exchange
from tests.contract import MARK, one
from tests.contract_attachments import bytes_of, put, upload
from tests.rigs import Rig


@pytest.fixture(scope="module")
def system() -> str:
    return "zendesk"


def sent(rig: Rig, method: str, part: str) -> list[Request]:
    exchanges: list[Exchange] = list(rig.served.exchanges) if rig.served else []
    return [e.request for e in exchanges if e.request.method == method and part in e.request.path]


def attached(connector: Connector, key: str, *, public: bool = True, content: bytes = b"whole") -> str:
    return str(connector.attach(key, upload(content), public=public, mark=MARK).id)


def test_a_file_comes_from_the_other_host_which_sees_no_sign_in_of_ours(rig: Rig) -> None:
    """Security row S04; and the account's own address is asked as who we are, for it may hand out nothing to others."""
    rig.sandbox.files.private = True
    connector = rig.connector()
    key = one(rig, connector).ref.key
    put(rig, key)
    (file,) = connector.attachments(key)

    assert bytes_of(connector, key, file) == b"pixels"

    (there,) = sent(rig, "GET", "/attachment/1/")
    assert there.headers["host"] == ELSEWHERE
    assert {"authorization", "cookie"} & there.headers.keys() == set()
    (here,) = sent(rig, "GET", "/attachments/token/")
    assert (here.headers["host"], here.headers["authorization"][:7]) == ("acme.zendesk.com", "Bearer ")


@pytest.mark.parametrize("host", ["support.acme.com", "evil.example.net"])
def test_whatever_host_a_files_address_names_our_sign_in_goes_to_our_own_alone(rig: Rig, host: str) -> None:
    connector = rig.connector()
    key = one(rig, connector).ref.key
    put(rig, key)
    (file,) = connector.attachments(key)

    rig.rewrite({"https://acme.zendesk.com/attachments/": f"https://{host}/attachments/"})
    assert bytes_of(connector, key, file) == b"pixels"
    rig.rewrite({"https://acme.zendesk.com/attachments/": f"https://{host}/files/"})
    with pytest.raises(Rejected, match=rf"content_hosts: \['{host}'\]"):
        bytes_of(connector, key, file)
    assert {r.headers["host"] for r in sent(rig, "GET", "/attachment")} == {"acme.zendesk.com", ELSEWHERE}


def test_a_download_that_is_cut_may_be_tried_again(rig: Rig) -> None:
    connector = rig.connector()
    key = one(rig, connector).ref.key
    put(rig, key, content="pixels" * 10_000)
    (file,) = connector.attachments(key)
    for how in ({"kind": "truncate"}, {"kind": "status", "status": 503}, {"kind": "apply_then_drop"}):
        rig.fault(path="/attachment/1/", **how)
        with pytest.raises(Transient):
            bytes_of(connector, key, file)
    assert len(bytes_of(connector, key, file)) == 60_000


def test_a_file_with_malware_is_listed_as_withheld_and_one_that_was_deleted_is_not_listed(rig: Rig) -> None:
    connector = rig.connector()
    key = one(rig, connector).ref.key
    put(rig, key, "bad.exe", infected=True)
    (file,) = connector.attachments(key)
    assert file.withheld == "malware was found in it"
    with pytest.raises(Rejected, match="malware"):
        bytes_of(connector, key, file)

    rig.rewrite({'"malware_access_override":false': '"malware_access_override":true'})
    assert connector.attachments(key)[0].withheld is None
    rig.rewrite({'"deleted":false': '"deleted":true'})
    assert connector.attachments(key) == ()
    with pytest.raises(NotFound):
        bytes_of(connector, key, file)


def test_a_file_goes_up_as_it_is_and_is_shown_by_one_comment_under_mark_and_guard(rig: Rig) -> None:
    connector = rig.connector()
    key = one(rig, connector).ref.key
    rig.later()
    id = connector.attach(
        key, Upload(name="a b&c <i>.pdf", type="application/pdf", size=5, content=upload(b"%PDF-").content), public=False, mark=MARK
    ).id

    (up,) = sent(rig, "POST", "/uploads.json")
    assert (up.body, up.headers["content-type"], up.headers["content-length"]) == (b"%PDF-", "application/pdf", "5")
    assert up.query == {"filename": "a b&c <i>.pdf"}
    (said,) = [r.json()["ticket"] for r in sent(rig, "PUT", f"/tickets/{key}.json")]
    assert (said["metadata"], said["safe_update"], said["comment"]["public"]) == ({"ticketgate": MARK}, True, False)
    (file,) = connector.attachments(key)
    assert (file.id, file.ours, file.public) == (id, True, False)
    (shown,) = rig.sandbox.shown(key)["comments"]
    assert (shown["text"], shown["public"]) == ("a b&c <i>.pdf", False)


def test_an_upload_that_is_lost_shows_nothing_and_a_lost_comment_is_found_by_its_mark(rig: Rig) -> None:
    connector = rig.connector()
    key = one(rig, connector).ref.key
    rig.later()
    for how in ({"kind": "apply_then_drop"}, {"kind": "status", "status": 500}):
        rig.fault(method="POST", path="/uploads", **how)
        with pytest.raises(Transient):
            attached(connector, key)
    assert rig.sandbox.shown(key)["comments"] == []

    rig.fault("apply_then_drop", method="PUT")
    with pytest.raises(InDoubt):
        attached(connector, key)
    found = connector.applied_comment(key, "trace é.bin", public=True, mark=MARK)
    (shown,) = rig.sandbox.shown(key)["comments"]
    assert found is not None
    assert found.id == shown["id"]


def test_a_comment_that_came_already_is_not_said_twice_when_the_guard_refuses_the_second(rig: Rig) -> None:
    """A copy of the request took effect, and its answer is a 409 to us."""
    connector = rig.connector()
    key = one(rig, connector).ref.key
    rig.later()
    before = attached(connector, key)
    rig.fault("status", method="PUT", status=409, body={"error": "UpdateConflict"})

    assert attached(connector, key) == before
    assert len(rig.sandbox.shown(key)["files"]) == 1


def test_what_is_too_large_is_refused_before_and_by_zendesk(rig: Rig) -> None:
    connector = rig.connector()
    key = one(rig, connector).ref.key
    big = Upload(name="a", type="text/plain", size=LARGEST + 1, content=upload().content)
    with pytest.raises(Rejected, match="at most"):
        connector.attach(key, big, public=True, mark=MARK)
    assert sent(rig, "POST", "/uploads") == []

    rig.sandbox.files.limit = 3
    with pytest.raises(Rejected, match="413"):
        attached(connector, key)


def test_a_token_serves_once_within_its_hour(rig: Rig) -> None:
    """The sandbox's own weakness."""
    files = rig.sandbox.files
    token = files.uploaded(Request(method="POST", path="", query={"filename": "a"}, body=b"x")).body["upload"]["token"]
    assert len(files.named([token])) == 1
    rig.clock.advance(timedelta(minutes=60))
    connector = rig.connector()
    key = one(rig, connector).ref.key
    path, said = f"/api/v2/tickets/{key}.json", b'{"ticket":{"comment":{"body":"x","uploads":["%b"]}}}'
    headers = {"authorization": f"Bearer {rig.sandbox.grants.given(None)['access_token']}"}
    assert rig.sandbox.answer(Request(method="PUT", path=path, headers=headers, body=said % token.encode())).status == 422
    fresh = files.uploaded(Request(method="POST", path="", query={"filename": "a"}, body=b"x")).body["upload"]["token"]
    twice = [rig.sandbox.answer(Request(method="PUT", path=path, headers=headers, body=said % fresh.encode())).status for _ in range(2)]
    assert twice == [200, 422]


def test_a_note_with_a_file_that_became_a_reply_does_not_leave(rig: Rig) -> None:
    """A light agent's public comment becomes a note, and says so; the other way round nothing leaves at all."""
    connector = rig.connector()
    key = one(rig, connector).ref.key
    rig.later()
    rig.rewrite({'"public":true': '"public":false'})
    with pytest.raises(Rejected, match="made a note of it"):
        attached(connector, key, public=True)


def test_a_token_of_ours_that_ran_out_is_renewed_and_the_file_sent_from_its_beginning(rig: Rig) -> None:
    connector = rig.connector()
    key = one(rig, connector).ref.key
    rig.later()
    rig.sandbox.expire_tokens()
    attached(connector, key)
    rig.sandbox.files.private = True
    (file,) = connector.attachments(key)
    assert bytes_of(connector, key, file) == b"whole"
