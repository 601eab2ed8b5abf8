"""What every connector promises about files: listed with their audience, handed out in parts, attached once and whole, never outwards."""

import hashlib
import tracemalloc
from io import BytesIO
from typing import Any

import pytest

from connectors.base import Connector
from connectors.errors import InDoubt, NotFound, Rejected, Unsupported, WriteRefused
from connectors.files import Upload
from connectors.sandbox import Deed
from rules.ticket import Attachment
from tests.contract import MARK, one
from tests.rigs import Rig

CONTENT = bytes(range(256)) * 1024  # 256 KB
MANY = 48 * 1024 * 1024


class Stop(Exception):
    """The sink wants no more."""


def upload(content: bytes = CONTENT, name: str = "trace é.bin") -> Upload:
    return Upload(name=name, type="application/octet-stream", size=len(content), content=BytesIO(content))


def put(rig: Rig, key: str, name: str = "shot.png", **fields: Any) -> None:
    rig.later()
    deed = Deed(kind="attach", key=key, by="customer", text=name, fields={"content": "pixels", "type": "image/png", **fields})
    (rig.served or rig.sandbox).people(deed)


def bytes_of(connector: Connector, key: str, file: Attachment) -> bytes:
    parts: list[bytes] = []
    connector.download(key, file, parts.append)
    return b"".join(parts)


def without(connector: Connector) -> bool:
    return not connector.abilities.attachments


def test_who_has_no_files_says_so(rig: Rig, connector: Connector) -> None:
    if not without(connector):
        return
    file = Attachment(id="1", name="a", at=rig.clock(), public=True)
    with pytest.raises(Unsupported):
        connector.attachments("1")
    with pytest.raises(Unsupported):
        connector.download("1", file, lambda part: None)
    with pytest.raises(Unsupported):
        connector.attach("1", upload(), public=True, mark=MARK)


def test_a_file_is_listed_and_its_bytes_come(rig: Rig, connector: Connector) -> None:
    if without(connector):
        pytest.skip("it has no files")
    key = one(rig, connector).ref.key
    put(rig, key)

    (file,) = connector.attachments(key)

    assert (file.name, file.size, (file.type or "").partition(";")[0], file.ours) == ("shot.png", 6, "image/png", False)
    assert file.at.utcoffset() is not None
    assert bytes_of(connector, key, file) == b"pixels"
    assert rig.effects() == []


@pytest.mark.parametrize("public", [True, False])
def test_what_is_attached_arrives_whole_under_its_name_for_whom_it_is_meant(rig: Rig, connector: Connector, public: bool) -> None:
    if without(connector):
        pytest.skip("it has no files")
    key = one(rig, connector).ref.key
    rig.later()
    if ("public" if public else "internal") not in connector.abilities.attaches:
        with pytest.raises(Rejected):
            connector.attach(key, upload(), public=public, mark=MARK)
        assert rig.effects() == []
        return

    receipt = connector.attach(key, upload(), public=public, mark=MARK)

    (file,) = connector.attachments(key)
    assert (file.id, file.name, file.size, file.public) == (receipt.id, "trace é.bin", len(CONTENT), public)
    assert bytes_of(connector, key, file) == CONTENT
    (effect,) = [e for e in rig.effects() if e.kind == "attach"]
    assert effect.detail["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert effect.detail["public"] is public


def test_a_download_ends_when_the_sink_wants_no_more(rig: Rig, connector: Connector) -> None:
    """Fault row F65, the connector's part."""
    if without(connector):
        pytest.skip("it has no files")
    key = one(rig, connector).ref.key
    put(rig, key, "dump.bin", content="", zeros=500 * 1024 * 1024, declared=None)
    (file,) = connector.attachments(key)
    taken = 0

    def into(part: bytes) -> None:
        nonlocal taken
        taken += len(part)
        if taken > 1024 * 1024:
            raise Stop

    with pytest.raises(Stop):
        connector.download(key, file, into)
    assert taken < 2 * 1024 * 1024
    assert connector.fetch(key), "the connection is good for the next request"


def test_many_megabytes_come_with_memory_flat(rig: Rig, connector: Connector) -> None:
    if without(connector):
        pytest.skip("it has no files")
    key = one(rig, connector).ref.key
    put(rig, key, "dump.bin", content="", zeros=MANY)
    (file,) = connector.attachments(key)
    if rig.served:
        rig.served.keep_exchanges = False
    size = 0

    def into(part: bytes) -> None:
        nonlocal size
        size += len(part)

    tracemalloc.start()
    try:
        connector.download(key, file, into)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == MANY
    assert peak < MANY / 4


def test_a_vanished_file_is_not_found_and_a_page_for_people_is_no_file(rig: Rig, connector: Connector) -> None:
    """Fault row F65, the connector's part."""
    if without(connector):
        pytest.skip("it has no files")
    key = one(rig, connector).ref.key
    put(rig, key, "gone.png", vanished=True)
    put(rig, key, "page.png", served_as="text/html; charset=utf-8")
    gone, page = connector.attachments(key)

    with pytest.raises(NotFound):
        bytes_of(connector, key, gone)
    with pytest.raises(Rejected):
        bytes_of(connector, key, page)


def test_who_only_reads_attaches_nothing(rig: Rig, connector: Connector) -> None:
    if without(connector):
        pytest.skip("it has no files")
    key = one(rig, connector).ref.key
    with pytest.raises(WriteRefused):
        rig.connector(read_only=True).attach(key, upload(), public=True, mark=MARK)
    assert rig.effects() == []


def test_a_lost_answer_to_an_upload_is_a_doubt(rig: Rig, connector: Connector) -> None:
    if without(connector) or rig.served is None:
        pytest.skip("nothing can be lost")
    key = one(rig, connector).ref.key
    rig.fault("apply_then_drop", method="PUT" if rig.system == "zendesk" else "POST")  # there the comment shows the file, not the upload
    with pytest.raises(InDoubt):
        connector.attach(key, upload(), public=True, mark=MARK)
