"""The sandbox's files: uploads that wait for a comment under a token, and addresses that send on to the host where the bytes are.

A token serves once and runs out after an hour. The account's own address answers a download with 302 to another host, which sits behind
the same port under its own name and refuses whoever brings a sign-in along. `Deed`s of people hang their files on a comment as well.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from connectors.sandbox import Answer, Deed, Request
from connectors.sandbox_files import attached_by, detail_of, kept, parts_of
from connectors.zendesk.sandbox_desk import Desk
from connectors.zendesk.sandbox_wire import NOT_FOUND, invalid, refusal

ELSEWHERE = "p16.zdusercontent.com"
TOKEN_LIVES = timedelta(minutes=60)
PATH = re.compile(r"/attachments/token/([0-9a-f]{24})/?")
LOGIN = "/access/unauthenticated"


class Files:
    """The files of one account. `limit` is the most bytes of one; `private`: they are handed out to who is signed in alone."""

    def __init__(self, desk: Desk, took_effect: Callable[..., None], limit: int = 50 * 1024 * 1024) -> None:
        self.limit, self.private = limit, False
        self._desk, self._took_effect = desk, took_effect
        self._held: dict[int, dict[str, Any]] = {}
        self._waiting: dict[str, tuple[int, datetime]] = {}

    def of(self, key: str) -> list[dict[str, Any]]:
        """What judges see."""
        return [detail_of({**file, "id": str(file["id"])}) for file in self._held.values() if file["ticket"] == key]

    def by_people(self, key: str, deed: Deed) -> dict[str, Any]:
        """The comment that somebody says with a file."""
        file = self._put(attached_by(deed))
        file["ticket"] = key
        return {"body": deed.text, "public": file["public"], "attachments": [self._record(file)]}

    def uploaded(self, request: Request) -> Answer:
        if not request.query.get("filename"):
            raise invalid("filename", "filename is required")
        if len(request.body) > self.limit:
            raise refusal(413, "AttachmentTooLarge", f"The attachment exceeds {self.limit} bytes")
        kind = request.headers.get("content-type", "application/binary")
        file = self._put(kept(request.query["filename"], request.body, type=kind))
        token = _secret("upload", file["id"])
        self._waiting[token] = (file["id"], self._desk.clock())
        record = self._record(file)
        return Answer(status=201, body={"upload": {"token": token, "attachment": record, "attachments": [record]}})

    def named(self, tokens: Iterable[str]) -> list[dict[str, Any]]:
        """The uploads that a comment names; taken from those that wait only by `hung`. Raises a 422 for a token that serves no more."""
        found = []
        for token in tokens:
            id, at = self._waiting.get(token, (0, self._desk.clock() - TOKEN_LIVES))
            if self._desk.clock() - at >= TOKEN_LIVES:
                raise invalid("uploads", "Upload token is not valid: it was used or has expired")
            found.append(self._record(self._held[id]))
        return found

    def hung(self, key: str, tokens: Iterable[str], *, public: bool) -> None:
        """Each token has served, and its file belongs to the ticket."""
        for token in tokens:
            id, _ = self._waiting.pop(token)
            self._held[id].update(ticket=key, public=public)
            self._took_effect("attach", key, **detail_of({**self._held[id], "id": str(id)}))

    def shown(self, id: int) -> Answer:
        if id not in self._held:
            raise refusal(404, *NOT_FOUND)
        return Answer(body={"attachment": self._record(self._held[id])})

    def sent_on(self, request: Request, *, signed_in: bool) -> Answer | None:
        """What the account's own address says of a file; None for what is no file's address."""
        found = PATH.fullmatch(request.path)
        if found is None or request.method != "GET":
            return None
        file = next((f for f in self._held.values() if _secret("file", f["id"]) == found[1]), None)
        if file is None:
            raise refusal(404, *NOT_FOUND)
        if self.private and not signed_in:
            return Answer(status=302, headers={"location": f"{self._desk.url}{LOGIN}?return_to={quote(request.path)}"})
        signed = f"https://{ELSEWHERE}/attachment/1/{_secret('file', file['id'])}?token={_secret('link', file['id'])}"
        return Answer(status=302, headers={"location": signed})

    def elsewhere(self, request: Request) -> Answer:
        """The other host: its links are their own sign-in, and any other one beside them is refused."""
        if request.headers.keys() & {"authorization", "cookie"}:
            return Answer(status=400, body=b"Only one auth mechanism allowed", headers={"content-type": "text/plain"})
        named = (request.path.rpartition("/")[2], request.query.get("token", ""))
        file = next((f for f in self._held.values() if (_secret("file", f["id"]), _secret("link", f["id"])) == named), None)
        if file is None or file["vanished"]:
            return Answer(status=404, body=b"", headers={"content-type": "text/plain"})
        return Answer(body=parts_of(file), headers={"content-type": file["served_as"] or file["type"]})

    def _put(self, file: Mapping[str, Any]) -> dict[str, Any]:
        id = self._desk.next_id()
        self._held[id] = made = {**file, "id": id, "ticket": None}
        return made

    def _record(self, file: Mapping[str, Any]) -> dict[str, Any]:
        url, found = self._desk.url, "malware_found" if file["infected"] else "malware_not_found"
        flags = {"inline": False, "deleted": False, "malware_access_override": False, "malware_scan_result": found}
        told = {"file_name": file["name"], "content_type": file["type"], "size": file["declared"], "width": None, "height": None}
        at = f"{url}/attachments/token/{_secret('file', file['id'])}/?name={quote(file['name'])}"
        own = {"url": f"{url}/api/v2/attachments/{file['id']}.json", "id": file["id"], "content_url": at, "mapped_content_url": at}
        return {**own, **told, **flags, "thumbnails": []}


def _secret(of: str, id: int) -> str:
    return hashlib.sha256(f"{of}/{id}".encode()).hexdigest()[:24]
