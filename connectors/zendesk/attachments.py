"""The files of Zendesk's tickets: each hangs on a comment, and whoever may see the comment may see them.

https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/: a file is uploaded for a token, which a comment names
in `uploads`; the token serves once and runs out. Only the comment is a write that anybody sees: it goes under our mark and its guard.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connectors.base import Connector
from connectors.errors import NotFound, Rejected
from connectors.files import Sink, Upload
from connectors.mapping import Record, moment
from connectors.text import html, plain
from connectors.zendesk.reading import Beside, mark_of
from connectors.zendesk.writing import comment_in, part, reading
from rules.plan import Receipt
from rules.ticket import Attachment

if TYPE_CHECKING:
    from connectors.zendesk.session import Session

LARGEST = 50 * 1024 * 1024
"""Bytes of a file that Zendesk takes: unverified, no page of its interface names it (README)."""


class WithFiles(Connector):
    """The part of the connector that has to do with files."""

    _session: "Session"

    def attachments(self, key: str) -> tuple[Attachment, ...]:
        what = f"list the files of ticket {key}"
        records = self._all(what, f"tickets/{self._number(key)}/comments", "comments", "users", Beside({}))
        with reading(self.connection, what):
            return tuple(_attachment(file, c) for c in records for file in c.get("attachments") or () if not file.get("deleted"))

    def download(self, key: str, file: Attachment, into: Sink) -> None:
        """Asked for anew, because its address holds a token that may have run out since the file was listed."""
        what = f"download a file of ticket {key}"
        answer = self._session.get(what, f"attachments/{self._number(file.id)}")
        with reading(self.connection, what):
            found = part(answer, "attachment")
            at, gone, withheld = str(found["content_url"]), found.get("deleted"), _withheld(found)
        if gone:
            raise NotFound(self.connection, f"{what}: it was deleted")
        if withheld is not None:
            raise Rejected(self.connection, f"{what}: {withheld}")
        self._session.download(what, at, into, pages=(file.type or "").startswith("text/html"))

    def attach(self, key: str, file: Upload, *, public: bool, mark: str) -> Receipt:
        """On a comment of its own that says no more than the file's name, public or not as the file is, under the guard of `comment`."""
        what, number = f"attach a file to ticket {key}", self._number(key)
        if file.size > LARGEST:
            raise Rejected(self.connection, f"{what}: it has {file.size} bytes, and Zendesk takes at most {LARGEST}")
        uploaded = self._session.upload(what, "uploads", {"filename": file.name}, file)
        with reading(self.connection, what):
            token = str(part(uploaded, "upload")["token"])
        said = {"html_body": html.write(plain.read(file.name)), "public": public, "uploads": [token]}
        audit, version = self._spoken(what, number, said, mark)
        with reading(self.connection, what, written=True):
            self._as_meant(what, audit, public=public)
            return Receipt(id=str(comment_in(audit)["attachments"][0]["id"]), version=version)

    @abstractmethod
    def _number(self, key: str) -> int:
        """Raises `NotFound` for what is none."""

    @abstractmethod
    def _all(self, what: str, path: str, name: str, include: str, beside: Beside) -> list[Record]:
        """All records of a list, oldest first."""

    @abstractmethod
    def _spoken(self, what: str, number: int, comment: Mapping[str, Any], mark: str) -> tuple[Record, str | None]:
        """Says a comment under its guard: the audit that brought it, and the version after it where that is known."""

    @abstractmethod
    def _as_meant(self, what: str, audit: Record, *, public: bool) -> str:
        """The id of the comment; raises `Rejected` where it is not for whom it was meant."""


def _attachment(record: Record, comment: Record) -> Attachment:
    return Attachment(
        id=str(int(record["id"])),
        name=str(record["file_name"]),
        at=moment(comment["created_at"]),
        public=comment["public"] is True,
        size=record.get("size"),
        type=record.get("content_type") or None,
        withheld=_withheld(record),
        ours=bool(mark_of(comment)),
    )


def _withheld(record: Mapping[str, Any]) -> str | None:
    """Zendesk hands out nothing that its scanner found, unless an administrator overruled that for the file."""
    found = record.get("malware_scan_result") == "malware_found" and not record.get("malware_access_override")
    return "malware was found in it" if found else None
