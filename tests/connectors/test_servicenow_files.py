"""ServiceNow's files over the wire: bytes as they are, under their real type, with memory flat, and to nobody else."""

from tempfile import TemporaryFile

import pytest

from connectors.errors import Transient, Unauthorized
from connectors.files import Upload
from tests.contract import MARK, one
from tests.contract_attachments import bytes_of, put, upload
from tests.rigs import Rig


@pytest.fixture(scope="module")
def system() -> str:
    return "servicenow"


def test_an_upload_is_the_bytes_themselves_with_length_and_real_type(rig: Rig) -> None:
    connector = rig.connector()
    key = one(rig, connector).ref.key
    with TemporaryFile() as content:
        content.write(b"%PDF-1.7")
        content.seek(0)
        connector.attach(key, Upload(name="a b&c.pdf", type="application/pdf", size=8, content=content), public=True, mark=MARK)

    assert rig.served is not None
    (sent,) = [e.request for e in rig.served.exchanges if e.request.method == "POST"]
    assert (sent.body, sent.headers["content-type"], sent.headers["content-length"]) == (b"%PDF-1.7", "application/pdf", "8")
    assert sent.query["file_name"] == "a b&c.pdf"


def test_a_broken_download_may_be_tried_again_and_a_redirect_is_followed_nowhere(rig: Rig) -> None:
    connector = rig.connector()
    key = one(rig, connector).ref.key
    put(rig, key)
    (file,) = connector.attachments(key)
    rig.fault("status", status=500, path="/file", times=1)
    with pytest.raises(Transient):
        bytes_of(connector, key, file)
    rig.fault("status", status=302, headers={"location": "http://169.254.169.254/"}, path="/file", times=1)
    with pytest.raises(Unauthorized):
        bytes_of(connector, key, file)
    assert bytes_of(connector, key, file) == b"pixels"


def test_a_token_that_ran_out_between_is_renewed_and_the_file_sent_from_its_beginning(rig: Rig) -> None:
    connector = rig.connector(sign_in=rig.sandbox.oauth_sign_in())
    key = one(rig, connector).ref.key
    rig.sandbox.expire_tokens()

    connector.attach(key, upload(b"whole"), public=True, mark=MARK)

    (file,) = connector.attachments(key)
    assert bytes_of(connector, key, file) == b"whole"
