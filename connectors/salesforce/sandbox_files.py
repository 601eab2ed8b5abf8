"""The sandbox's files: documents with their versions, the links that say who sees each, classic attachments, and their bytes.

A link that says no audience is for everybody where the organization has no site, and internal where it has one, as the vendor's article
000384243 tells; so is the one that `FirstPublishLocationId` makes.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from connectors.salesforce.sandbox_org import Org, Record, Transaction
from connectors.salesforce.sandbox_people import People
from connectors.salesforce.sandbox_refusals import Refused, no_column
from connectors.sandbox import Answer, Deed, Request
from connectors.sandbox_files import attached_by, detail_of, kept, parts_of

TABLES = frozenset({"ContentVersion", "ContentDocument", "ContentDocumentLink", "Attachment"})
BLOBS = {"ContentVersion": "VersionData", "Attachment": "Body"}
OF_VERSION = frozenset({"Title", "PathOnClient", "Description", "FirstPublishLocationId", "ContentDocumentId"})
OF_LINK = frozenset({"ContentDocumentId", "LinkedEntityId", "ShareType", "Visibility"})
AUDIENCES = ("AllUsers", "InternalUsers", "SharedUsers")


class Files:
    """`site`: there is one in which customers see their cases. `room` is how many bytes the organization may still store; None: enough.

    `spoils`: what arrives is stored cut short. `denied` are the objects that our user may not make.
    """

    def __init__(self, org: Org, users: People, took_effect: Callable[..., None]) -> None:
        self._org, self._users, self._took_effect = org, users, took_effect
        self._held: dict[str, dict[str, Any]] = {}
        self.site = True
        start = org.transaction(users.api)
        start.add("Network", Name="Help", Status="Live")
        org.store(start)
        self.room: int | None = None
        self.spoils = False
        self.denied: set[str] = set()

    def of(self, key: str) -> list[dict[str, Any]]:
        """What judges see of a case's files, oldest first."""
        links = [link for link in self._org.of_parent("ContentDocumentLink", key) if not link["IsDeleted"]]
        found = [{**self._file_of(link), "public": link["Visibility"] == "AllUsers"} for link in links]
        return [detail_of(file) for file in (*found, *(self._held[row["Id"]] for row in self._org.of_parent("Attachment", key)))]

    def by_people(self, done: Transaction, parent: str, deed: Deed, by: str) -> None:
        """Somebody attaches a file to a case or to an e-mail of it."""
        file = attached_by(deed)
        version = self._version(done, file, {"Title": deed.text.rpartition(".")[0] or deed.text, "PathOnClient": deed.text}, by)
        self._link(done, version, parent, "AllUsers" if file["public"] else "InternalUsers")

    def classic(self, parent: str, name: str, content: bytes, *, private: bool = False, type: str = "text/plain") -> str:
        """An attachment of the old kind; returns its id."""
        done = self._org.transaction(self._users.agent("lena@example.com"))
        said = {"Name": name, "ContentType": type, "BodyLength": len(content), "IsPrivate": private}
        row = done.add("Attachment", ParentId=parent, **said)
        self._held[row["Id"]] = {**kept(name, content, type=type, public=not private), "id": row["Id"]}
        self._org.store(done)
        return str(row["Id"])

    def answer(self, request: Request, table: str, more: list[str]) -> Answer | None:
        """None for what is no request for files."""
        if request.method == "POST" and table in self.denied:
            raise Refused(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {table} does not support create", [])
        match request.method, table, more:
            case "POST", "ContentVersion", []:
                return self._uploaded(request)
            case "POST", "ContentDocumentLink", []:
                return self._linked(_object(request.body))
            case "GET", _, [id, blob] if BLOBS.get(table) == blob:
                return self._downloaded(id)
            case "DELETE", "ContentDocument", [id]:
                return self._deleted(id)
        return None

    def _uploaded(self, request: Request) -> Answer:
        said, content, kind = _form(request)
        if unknown := said.keys() - OF_VERSION:
            raise no_column(unknown.pop(), "ContentVersion")
        if not said.get("PathOnClient"):
            raise Refused(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [PathOnClient]", ["PathOnClient"])
        if self.room is not None and len(content) > self.room:
            raise Refused(400, "STORAGE_LIMIT_EXCEEDED", "file storage limit exceeded")
        file = kept(str(said["PathOnClient"]), content[:-1] if self.spoils else content, type=kind)
        done = self._org.transaction(self._users.api)
        version = self._version(done, file, said, self._users.api)
        if said.get("FirstPublishLocationId"):
            self._link(done, version, said["FirstPublishLocationId"], None)
        self._org.store(done)
        return _made(version["Id"])

    def _version(self, done: Transaction, file: Mapping[str, Any], said: Mapping[str, Any], by: str) -> Record:
        """A new document with its first version, owned by `by`."""
        ending = file["name"].rpartition(".")[2] if "." in file["name"] else ""
        title = said.get("Title") or file["name"]
        document = done.add("ContentDocument", Title=title, FileExtension=ending, FileType=ending.upper() or "UNKNOWN")
        checksum = _md5(file)
        known = {"FileExtension": ending, "FileType": ending.upper() or "UNKNOWN", "ContentLocation": "S", "Checksum": checksum}
        about = {**known, "ContentSize": file["declared"], "IsLatest": True, **said, "Title": title}
        version = done.add("ContentVersion", **{**about, "ContentDocumentId": document["Id"]})
        document["LatestPublishedVersionId"] = version["Id"]
        for row in (document, version):
            row.update(CreatedById=by, LastModifiedById=by)
        self._held[version["Id"]] = {**file, "id": version["Id"]}
        return version

    def _link(self, done: Transaction, version: Record, to: str, seen: str | None) -> Record:
        by_default = "InternalUsers" if self.site else "AllUsers"
        said = {"ContentDocumentId": version["ContentDocumentId"], "LinkedEntityId": to, "ShareType": "V"}
        return done.add("ContentDocumentLink", **said, Visibility=seen or by_default)

    def _linked(self, said: dict[str, Any]) -> Answer:
        if unknown := said.keys() - OF_LINK:
            raise no_column(unknown.pop(), "ContentDocumentLink")
        if said.get("Visibility", "AllUsers") not in AUDIENCES:
            message = f"Visibility: bad value for restricted picklist field: {said['Visibility']}"
            raise Refused(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, ["Visibility"])
        document, case = self._org.get("ContentDocument", said.get("ContentDocumentId")), self._org.get("Case", said.get("LinkedEntityId"))
        if document is None or document["IsDeleted"] or case is None or case["IsDeleted"]:
            raise Refused(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        self._once(document["Id"], case["Id"])
        done = self._org.transaction(self._users.api)
        version = self._latest(document)
        link = self._link(done, version, case["Id"], said.get("Visibility"))
        self._org.store(done)
        seen = {**self._held[version["Id"]], "public": link["Visibility"] == "AllUsers"}
        self._took_effect("attach", str(case["Id"]), **detail_of(seen))
        return _made(link["Id"])

    def _once(self, document: str, case: str) -> None:
        links = self._org.of_parent("ContentDocumentLink", case)
        if any(link["ContentDocumentId"] == document and not link["IsDeleted"] for link in links):
            message = f"Document ID: {document[:15]} is already linked with the entity with ID: {case[:15]}"
            raise Refused(400, "DUPLICATE_VALUE", message, [])

    def _downloaded(self, id: str) -> Answer:
        file = self._held.get(id)
        if file is None or file["vanished"]:
            raise Refused(404, "NOT_FOUND", "The requested resource does not exist")
        return Answer(body=parts_of(file), headers={"content-type": file["served_as"] or "application/octet-stream"})

    def _deleted(self, id: str) -> Answer:
        """The document goes with all its versions and links."""
        document = self._org.get("ContentDocument", id)
        if document is None or document["IsDeleted"]:
            raise Refused(404, "ENTITY_IS_DELETED", "entity is deleted", [])
        done = self._org.transaction(self._users.api)
        for table in ("ContentVersion", "ContentDocumentLink"):
            for row in self._org.all(table):
                if row["ContentDocumentId"] == id:
                    done.change(table, row, {"IsDeleted": True})
        done.change("ContentDocument", document, {"IsDeleted": True})
        self._org.store(done)
        return Answer(status=204)

    def _latest(self, document: Record) -> Record:
        return self._org.truly("ContentVersion", document["LatestPublishedVersionId"])

    def _file_of(self, link: Record) -> dict[str, Any]:
        return self._held[self._latest(self._org.truly("ContentDocument", link["ContentDocumentId"]))["Id"]]


def _made(id: str) -> Answer:
    return Answer(status=201, body={"id": id, "errors": [], "success": True})


def _md5(file: Mapping[str, Any]) -> str | None:
    """Not of half a gigabyte of zeros: nobody asks for it."""
    if file["size"] > 64 * 1024 * 1024:
        return None
    return hashlib.md5(b"".join(parts_of(file)), usedforsecurity=False).hexdigest()


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except ValueError:
        raise Refused(400, "JSON_PARSER_ERROR", "Unexpected end of input") from None
    if not isinstance(found, dict):
        raise Refused(400, "JSON_PARSER_ERROR", "The HTTP entity body is required, and must be an object")
    return found


def _form(request: Request) -> tuple[dict[str, Any], bytes, str]:
    """The fields, the bytes and their media type of a request in two parts, as `entity_content` and `VersionData`."""
    found = re.search(r'boundary="?([^";]+)"?', request.headers.get("content-type", ""))
    between = request.body.split(b"\r\n--" + found[1].encode()) if found else []
    parts = {}
    for part in between[:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name, kind = re.search(rb'name="(\w+)"', head), re.search(rb"(?i)content-type: *([^\r\n]+)", head)
        parts[name[1].decode() if name else ""] = (content, kind[1].decode() if kind else "")
    if not {"entity_content", "VersionData"} <= parts.keys() or not between[-1].startswith(b"--"):
        raise Refused(400, "INVALID_MULTIPART_REQUEST", "Multipart request must include entity_content and VersionData")
    return _object(parts["entity_content"][0]), *parts["VersionData"]
