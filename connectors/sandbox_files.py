"""The files of the sandboxes' tickets: what people attach, with what may be wrong with it, and how it is handed out part by part.

A file is a plain object that JSON can say: its content as text, or `zeros`, so that half a gigabyte costs nothing until it is sent.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from connectors.sandbox import Deed

Json: TypeAlias = dict[str, Any]
PART = 64 * 1024


def kept(name: str, content: bytes = b"", *, zeros: int = 0, type: str = "application/octet-stream", public: bool = True) -> Json:
    """A file as it is kept; `declared` is the size that lists say, `served_as` another media type at the download."""
    held: Json = {"name": name, "type": type, "public": public, "zeros": zeros, "content": base64.b64encode(content).decode()}
    size = zeros or len(content)
    return {**held, "size": size, "declared": size, "served_as": None, "vanished": False, "infected": False}


def attached_by(deed: Deed) -> Json:
    """What somebody attaches: `text` is the name; `fields` may hold `content`, `type`, `public`, and what is wrong with it.

    `zeros`: that many zero bytes instead; `declared`: a size that lists say (None: none); `vanished`: gone when it is downloaded;
    `served_as`: the media type of the answer; `infected`: malware was found in it.
    """
    said = dict(deed.fields)
    content = str(said.pop("content", "")).encode()
    file = kept(deed.text, content, zeros=int(said.pop("zeros", 0)), type=said.pop("type", "text/plain"), public=said.pop("public", True))
    wrong = said.keys() - {"declared", "vanished", "served_as", "infected"}
    if wrong:
        raise ValueError(f"a file has no {', '.join(sorted(wrong))}")
    return {**file, **said}


def parts_of(file: Mapping[str, Any]) -> Iterator[bytes]:
    """The bytes of a file, part by part."""
    if file["zeros"]:
        left = int(file["zeros"])
        while left > 0:
            yield bytes(min(PART, left))
            left -= PART
        return
    content = base64.b64decode(file["content"])
    for place in range(0, len(content), PART):
        yield content[place : place + PART]


def checksum(file: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for part in parts_of(file):
        digest.update(part)
    return digest.hexdigest()


def detail_of(file: Mapping[str, Any]) -> Json:
    """A file as judges and the ledger of effects see it; half a gigabyte of zeros is not added up for them."""
    said = {name: file.get(name) for name in ("id", "name", "size", "type", "public")}
    return {**said, "sha256": checksum(file) if file["size"] < 64 * 1024 * 1024 else None}
