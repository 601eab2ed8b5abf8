"""A file on its way as Salesforce takes it: what is known of it, then its bytes, in one request of two parts.

"Insert or Update Blob Data" of the REST API guide names the parts. It is read piece by piece as it is sent, and its length is known.
"""

from collections.abc import Iterator, Mapping
from io import BytesIO

import orjson

from connectors.files import PART, Upload


class Form:
    """What `requests` sends as a body of known length. `border` must not stand in the file: its own checksum does not."""

    def __init__(self, known: Mapping[str, str], file: Upload, border: str) -> None:
        self.type = f'multipart/form-data; boundary="{border}"'
        told = b'Content-Disposition: form-data; name="entity_content"\r\nContent-Type: application/json\r\n\r\n' + orjson.dumps(known)
        kind = f'Content-Disposition: form-data; name="VersionData"; filename="file"\r\nContent-Type: {file.type}\r\n\r\n'.encode()
        line = f"--{border}".encode()
        head, tail = line + b"\r\n" + told + b"\r\n" + line + b"\r\n" + kind, b"\r\n" + line + b"--\r\n"
        self._parts = (BytesIO(head), file.content, BytesIO(tail))
        self._length = len(head) + file.size + len(tail)
        self.rewind()

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while part := self.read(PART):
            yield part

    def rewind(self) -> None:
        """To the beginning, before it is sent anew."""
        for part in self._parts:
            part.seek(0)

    def read(self, size: int = -1) -> bytes:
        """Up to so many bytes, without a size all that are left; none at the end."""
        if size < 0:
            return b"".join(part.read() for part in self._parts)
        return next((some for part in self._parts if (some := part.read(size))), b"")
