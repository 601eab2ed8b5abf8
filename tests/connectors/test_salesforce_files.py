"""Salesforce's files over the wire: stored unseen and then linked, once whatever was lost, and public only where a customer can see."""

import hashlib
from io import BytesIO

import orjson
import pytest

from connectors.errors import InDoubt, NotFound, Rejected, Transient
from connectors.files import Upload
from connectors.salesforce.forms import Form
from connectors.salesforce.secrecy import shows_nothing
from tests.contract import MARK, OTHER_MARK, one
from tests.contract_attachments import bytes_of, put, upload
from tests.rigs import Rig

LINK = "/services/data/v62.0/sobjects/ContentDocumentLink/"


@pytest.fixture(scope="module")
def system() -> str:
    return "salesforce"


@pytest.fixture
def key(rig: Rig) -> str:
    return one(rig, rig.connector()).ref.key


def shown(rig: Rig, key: str) -> list[tuple[str, bool, str]]:
    return [(file["name"], file["public"], file["sha256"]) for file in rig.sandbox.shown(key)["files"]]


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_stored_for_nobody_and_then_linked_for_whom_it_is_meant(rig: Rig, key: str) -> None:
    rig.connector().attach(key, upload(b"between us", 'a b".pdf'), public=False, mark=MARK)

    assert rig.served is not None
    stored, linked = [e.request for e in rig.served.exchanges if e.request.method == "POST" and "/sobjects/Content" in e.request.path]
    assert stored.headers["content-length"] == str(len(stored.body))
    assert b"FirstPublishLocationId" not in stored.body
    assert key.encode() not in stored.body
    assert linked.json()["Visibility"] == "InternalUsers"
    assert shown(rig, key) == [('a b".pdf', False, sha(b"between us"))]


def test_who_may_not_make_files_is_told_beforehand_and_refused(rig: Rig, key: str) -> None:
    connector = rig.connector()
    rig.sandbox.files.denied.add("ContentVersion")

    told = {p.name: p.granted for p in connector.permissions() if p.serves("attach") or p.serves("files")}
    assert told == {
        "query ContentDocumentLink": True,
        "query ContentVersion": True,
        "create ContentVersion": False,
        "create ContentDocumentLink": True,
    }
    with pytest.raises(Rejected, match="ContentVersion does not support create"):
        connector.attach(key, upload(b"x"), public=True, mark=MARK)


def test_what_would_be_seen_by_customers_is_no_link_that_an_internal_file_may_have() -> None:
    said = {"ContentDocumentId": "069", "LinkedEntityId": "500", "ShareType": "V", "Visibility": "InternalUsers"}
    assert shows_nothing("POST", LINK, said)
    for other in ({"Visibility": "AllUsers"}, {"Visibility": "SharedUsers"}, {"Visibility": None}, {"More": 1}):
        assert not shows_nothing("POST", LINK, {**said, **other})
    assert not shows_nothing("POST", LINK, {name: said[name] for name in said if name != "Visibility"})
    assert not shows_nothing("POST", LINK.replace("DocumentLink", "Version"), {"FirstPublishLocationId": "500"})


@pytest.mark.parametrize(("path", "attached"), [("ContentVersion", 0), ("ContentDocumentLink", 1)])
def test_an_upload_whose_answer_was_lost_is_found_and_not_sent_again(rig: Rig, key: str, path: str, attached: int) -> None:
    connector = rig.connector()
    rig.fault("apply_then_drop", method="POST", path=path)
    with pytest.raises(InDoubt):
        connector.attach(key, upload(b"once"), public=True, mark=MARK)
    assert len(shown(rig, key)) == attached

    receipt = connector.attach(key, upload(b"once"), public=True, mark=MARK)

    (file,) = connector.attachments(key)
    assert (file.id, file.ours) == (receipt.id, True)
    assert len(rig.sandbox.org.all("ContentVersion")) == 1

    connector.attach(key, upload(b"once"), public=True, mark=OTHER_MARK)  # asked for by another: it is another file
    assert len(connector.attachments(key)) == 2


def test_what_arrives_cut_short_is_never_seen_and_may_be_sent_again(rig: Rig, key: str) -> None:
    connector = rig.connector()
    rig.sandbox.files.spoils = True
    with pytest.raises(Transient, match="nobody has seen it"):
        connector.attach(key, upload(b"whole"), public=True, mark=MARK)
    assert shown(rig, key) == []
    assert all(row["IsDeleted"] for row in rig.sandbox.org.all("ContentDocument"))

    rig.sandbox.files.spoils = False
    connector.attach(key, upload(b"whole"), public=True, mark=MARK)
    assert shown(rig, key) == [("trace é.bin", True, sha(b"whole"))]


def test_a_file_for_a_case_that_is_no_more_and_one_that_has_no_room_leave_nothing_behind(rig: Rig, key: str) -> None:
    connector = rig.connector()
    rig.sandbox.files.room = 3
    with pytest.raises(Rejected, match="STORAGE_LIMIT_EXCEEDED"):
        connector.attach(key, upload(b"more"), public=True, mark=MARK)
    huge = Upload(name="a", type="text/plain", size=3 * 1024**3, content=BytesIO())
    with pytest.raises(Rejected, match="up to 2 GB"):
        connector.attach(key, huge, public=True, mark=MARK)
    assert rig.sandbox.org.all("ContentVersion") == []

    rig.people("delete", key)
    with pytest.raises(NotFound):
        connector.attach(key, upload(b"abc"), public=True, mark=MARK)
    assert all(row["IsDeleted"] for row in rig.sandbox.org.all("ContentVersion"))


def test_a_download_that_is_cut_or_not_what_its_checksum_tells_is_no_file(rig: Rig, key: str) -> None:
    connector = rig.connector()
    put(rig, key)
    (file,) = connector.attachments(key)
    rig.fault("truncate", path="VersionData")
    with pytest.raises(Transient):
        bytes_of(connector, key, file)
    rig.fault("status", status=200, path="VersionData", body={"not": "pixels"})
    with pytest.raises(Rejected, match="checksum"):
        bytes_of(connector, key, file)
    assert bytes_of(connector, key, file) == b"pixels"


def test_a_form_is_read_whole_or_piece_by_piece_as_any_file() -> None:
    form = Form({"Title": "a"}, upload(b"whole"), "border")
    pieces = b"".join(form)
    form.rewind()
    assert (form.read(), form.read(), len(pieces)) == (pieces, b"", len(form))
    assert pieces.endswith(b"whole\r\n--border--\r\n")


def test_a_token_that_ran_out_between_is_renewed_and_the_file_sent_from_its_beginning(rig: Rig, key: str) -> None:
    connector = rig.connector()
    rig.fault("status", status=401, path="ContentVersion", body=[{"errorCode": "INVALID_SESSION_ID", "message": "expired"}])
    connector.attach(key, upload(b"whole"), public=True, mark=MARK)
    assert shown(rig, key) == [("trace é.bin", True, sha(b"whole"))]


def test_files_of_e_mails_and_classic_attachments_are_listed_once_each(rig: Rig, key: str) -> None:
    rig.people("reply", key, "See the log.", by="customer")
    (mail,) = rig.sandbox.org.of_parent("EmailMessage", key)
    rig.sandbox.files.classic(key, "old.txt", b"classic")
    rig.sandbox.files.classic(key, "private.txt", b"mine", private=True)
    rig.sandbox.files.classic(mail["Id"], "mailed.log", b"it burns")

    files = rig.connector().attachments(key)

    assert sorted((f.name, f.public) for f in files) == [("mailed.log", True), ("old.txt", True), ("private.txt", False)]
    assert bytes_of(rig.connector(), key, next(f for f in files if f.name == "mailed.log")) == b"it burns"
    assert {f.name for f in rig.connector(site=False).attachments(key) if f.public} == {"mailed.log"}
    assert {f.name for f in rig.connector(emails=False).attachments(key)} == {"old.txt", "private.txt"}


@pytest.mark.parametrize(("said", "public"), [({}, False), ({"site": True}, True)])
def test_without_a_site_nothing_was_ever_shown_to_a_customer_but_by_e_mail(rig: Rig, key: str, said: dict[str, bool], public: bool) -> None:
    """There an agent's upload is linked for all users by default."""
    rig.sandbox.files.site = False
    put(rig, key, "salaries.xls")
    connector = rig.connector(**said)
    assert [file.public for file in connector.attachments(key)] == [public]
    assert rig.served is not None
    asked = [e for e in rig.served.exchanges if "Network" in orjson.dumps(dict(e.request.query)).decode()]
    connector.attachments(key)
    assert len([e for e in rig.served.exchanges if "Network" in orjson.dumps(dict(e.request.query)).decode()]) == len(asked) <= 1
