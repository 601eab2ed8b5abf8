"""The files of cases: Salesforce Files by their links, those of the case's e-mails, and classic attachments; sent as Salesforce Files.

A file is stored first, seen by our user alone, and only then linked to the case, for the audience that it is meant for: a link that
says none, and so the one that `FirstPublishLocationId` makes, is for everybody in some organizations (article 000384243 of the help).
A customer sees what is linked for `AllUsers`, but only where there is a site to see it in; without one, what an agent uploads is linked
so by default, and would otherwise go to a partner as public. What came or left with an e-mail, the customer has.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from mimetypes import MimeTypes
from typing import TYPE_CHECKING

from connectors.errors import ConnectorError, NotFound, Rejected, Transient
from connectors.files import PART, Sink, Upload
from connectors.mapping import Record, moment
from connectors.salesforce.answers import made, reading
from connectors.salesforce.forms import Form
from connectors.salesforce.soql import quoted
from rules.plan import Receipt
from rules.ticket import Attachment, replace

if TYPE_CHECKING:
    from connectors.salesforce.session import Session
    from connectors.salesforce.settings import SalesforceSettings

LARGEST = 2 * 1024**3  # bytes of a ContentVersion: "Insert or Update Blob Data" of the REST API guide
AT_ONCE = 200  # ids in one query: a longer list would not fit into an address
BLOBS = {"068": ("ContentVersion", "VersionData"), "00P": ("Attachment", "Body")}
"""By the beginning of an id: what it is, and the field with its bytes."""
NOTE = "SNOTE"  # a text that is written in Salesforce itself, kept as a file
LATEST = "ContentDocument.LatestPublishedVersion."
VERSION = ("Id", "Title", "PathOnClient", "FileExtension", "FileType", "ContentLocation", "ContentSize", "Checksum", "CreatedDate")
LINKS = f"SELECT LinkedEntityId, Visibility, {', '.join(LATEST + name for name in (*VERSION, 'Description'))} FROM ContentDocumentLink"  # noqa: S608
CLASSIC = "SELECT Id, Name, ContentType, BodyLength, IsPrivate, CreatedDate, ParentId FROM Attachment"
SENT = "SELECT Id FROM EmailMessage WHERE Status != '5' AND ParentId = "  # but for drafts
OWN = "SELECT Id, ContentDocumentId, Checksum, Description FROM ContentVersion"
SITE = "SELECT Id FROM Network LIMIT 1"
KINDS = MimeTypes()  # as Python has them: what the machine's own list says differs from place to place
EVERYBODY, INTERNAL = "AllUsers", "InternalUsers"


class Linked(ConnectorError):
    """It is linked to the case already, from the first time."""


class Files:
    """Lists, reads and makes the files of one organization's cases. Raises what the session raises."""

    def __init__(self, connection: str, session: "Session", settings: "SalesforceSettings") -> None:
        self._connection, self._session, self._settings = connection, session, settings
        self._has_site = settings.site

    def of(self, what: str, case: str) -> tuple[Attachment, ...]:
        """Oldest first; one that hangs on the case and on an e-mail once."""
        mails = self._mails(what, case)
        links = list(self._rows(what, LINKS, "LinkedEntityId", (case, *mails)))
        classic = list(self._rows(what, CLASSIC, "ParentId", (case, *mails)))
        with reading(self._connection, what):
            found = [(attachment, row["LinkedEntityId"] in mails) for row in links if (attachment := _linked(row)) is not None]
            found += [(_classic(row), row["ParentId"] in mails) for row in classic]
        return tuple(sorted(self._seen(found).values(), key=lambda file: (file.at, file.id)))

    def _mails(self, what: str, case: str) -> frozenset[str]:
        if not self._settings.emails:
            return frozenset()
        rows = self._session.all(what, SENT + quoted(case))
        with reading(self._connection, what):
            return frozenset(str(row["Id"]) for row in rows)

    def _rows(self, what: str, select: str, field: str, ids: tuple[str, ...]) -> Iterator[Record]:
        for start in range(0, len(ids), AT_ONCE):
            some = ", ".join(map(quoted, ids[start : start + AT_ONCE]))
            yield from self._session.all(what, f"{select} WHERE {field} IN ({some})")

    def _seen(self, found: Iterable[tuple[Attachment, bool]]) -> dict[str, Attachment]:
        files: dict[str, Attachment] = {}
        for file, mailed in found:
            before = files.get(file.id)
            public = mailed or (file.public and self._site()) or (before is not None and before.public)
            files[file.id] = replace(file, public=public)
        return files

    def _site(self) -> bool:
        """Whether customers see anything at all; asked once. Without a site there is no such object."""
        if self._has_site is None:
            try:
                self._has_site = bool(self._session.all("ask whether there is a site", SITE))
            except Rejected:
                self._has_site = False
        return self._has_site

    def download(self, what: str, file: Attachment, into: Sink) -> None:
        """Raises `Rejected` for bytes that are not those of the file's checksum, once all have come."""
        if file.id[:3] not in BLOBS or not file.id.isalnum():
            raise NotFound(self._connection, f"{what}: that is not the Id of a file")
        (table, field), digest = BLOBS[file.id[:3]], hashlib.md5(usedforsecurity=False)

        def through(part: bytes) -> None:
            digest.update(part)
            into(part)

        is_page = (file.type or "").startswith("text/html")
        self._session.download(what, f"sobjects/{table}/{file.id}/{field}", through, pages=is_page)
        if file.checksum is not None and file.checksum != f"md5:{digest.hexdigest()}":
            raise Rejected(self._connection, f"{what}: what came is not what its checksum tells of")

    def attach(self, what: str, case: str, file: Upload, *, public: bool, mark: str) -> Receipt:
        """Stored, then linked. What we stored before and could not link, as its answer was lost, is not stored again."""
        if file.size > LARGEST:
            raise Rejected(self._connection, f"{what}: Salesforce takes files of up to 2 GB")
        checksum = _checksum(file)
        version = self._ours(what, checksum, mark) or self._stored(what, file, checksum, mark)
        try:
            self._link(what, case, version["ContentDocumentId"], EVERYBODY if public else INTERNAL)
        except (NotFound, Rejected):
            self._discard(version)
            raise
        return Receipt(id=str(version["Id"]))

    def _ours(self, what: str, checksum: str, mark: str) -> Record | None:
        """By its checksum, which can be asked for everywhere, and our mark in its description."""
        rows = self._session.all(what, f"{OWN} WHERE Checksum = {quoted(checksum)} AND IsLatest = true")
        with reading(self._connection, what):
            return next((row for row in rows if row["Description"] == _marked(mark)), None)

    def _stored(self, what: str, file: Upload, checksum: str, mark: str) -> Record:
        """Raises `Transient` where it did not arrive as it was sent; nobody has seen it then."""
        title = file.name.rpartition(".")[0] or file.name
        form = Form({"Title": title, "PathOnClient": file.name, "Description": _marked(mark)}, file, checksum)
        id = made(self._connection, what, self._session.ask(what, "POST", "sobjects/ContentVersion/", form=form))
        rows = self._session.all(what, f"{OWN} WHERE Id = {quoted(id)}")
        with reading(self._connection, what):
            version = rows[0]
            arrived = version["Checksum"] == checksum
        if not arrived:
            self._discard(version)
            raise Transient(self._connection, f"{what}: it did not arrive as it was sent; it was removed again, and nobody has seen it")
        return dict(version)

    def _link(self, what: str, case: str, document: str, seen: str) -> None:
        body = {"ContentDocumentId": document, "LinkedEntityId": case, "ShareType": "V", "Visibility": seen}
        with suppress(Linked), self._session.saying(public=seen == EVERYBODY):
            answer = self._session.ask(what, "POST", "sobjects/ContentDocumentLink/", body=body, meaning=self._not_linked)
            made(self._connection, what, answer)

    def _not_linked(self, status: int, code: str, said: str) -> ConnectorError | None:
        if code == "DUPLICATE_VALUE":
            return Linked(self._connection, said)
        return NotFound(self._connection, said) if code == "INVALID_CROSS_REFERENCE_KEY" else None

    def _discard(self, version: Record) -> None:
        with suppress(ConnectorError):  # what is left then is seen by our user alone
            self._session.ask("remove what we stored", "DELETE", f"sobjects/ContentDocument/{version['ContentDocumentId']}")


def _linked(row: Record) -> Attachment | None:
    """None for a text that is written in Salesforce itself; what lies elsewhere is withheld: its bytes are not here."""
    version = row["ContentDocument"]["LatestPublishedVersion"]
    if version["FileType"] == NOTE:
        return None
    name = _name(version)
    return Attachment(
        id=version["Id"],
        name=name,
        at=moment(version["CreatedDate"]),
        public=row["Visibility"] == EVERYBODY,
        size=None if version["ContentSize"] is None else int(version["ContentSize"]),
        type=KINDS.guess_type(name)[0],
        checksum=f"md5:{version['Checksum']}" if version["Checksum"] else None,
        withheld=None if version["ContentLocation"] == "S" else "it lies outside of Salesforce",
        ours=(version["Description"] or "").startswith("⟨tg:"),
    )


def _classic(row: Record) -> Attachment:
    return Attachment(
        id=row["Id"],
        name=row["Name"],
        at=moment(row["CreatedDate"]),
        public=row["IsPrivate"] is False,
        size=None if row["BodyLength"] is None else int(row["BodyLength"]),
        type=row["ContentType"] or KINDS.guess_type(row["Name"])[0],
    )


def _name(version: Record) -> str:
    """A title is what people call it, most often without the ending that its name had on the disk it came from."""
    title, ending = str(version["Title"]), version["FileExtension"]
    return f"{title}.{ending}" if ending and not title.casefold().endswith(f".{ending}".casefold()) else title


def _marked(mark: str) -> str:
    return f"⟨tg:{mark}⟩"


def _checksum(file: Upload) -> str:
    """MD5, by which Salesforce knows it; the file then stands at its beginning again."""
    digest = hashlib.md5(usedforsecurity=False)
    file.content.seek(0)
    while part := file.content.read(PART):
        digest.update(part)
    file.content.seek(0)
    return digest.hexdigest()
