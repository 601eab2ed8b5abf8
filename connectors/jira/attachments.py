"""The files of Jira's issues: listed with the issue, read as bytes, sent as forms; in a service desk to those who may see them.

A file that is attached to an issue of a service desk is seen by its agents alone; customers see it once it hangs on a public comment
(Jira Service Management's "Attach temporary file" and "Create attachment"). So a public file goes by such a comment of its own, an internal
one to the issue and nowhere else. An issue that is no request has no customers: what goes to it is for those who see the issue.
"""

import contextlib
from typing import TYPE_CHECKING

from connectors.base import Connector
from connectors.columns import MALFORMED
from connectors.errors import ConnectorError, InDoubt, Rejected, Unreadable
from connectors.files import Sink, Upload
from connectors.jira import desk, paths, reading
from connectors.jira.audience import audience, id_of, is_desk
from connectors.mapping import Record, moment
from rules.plan import Receipt
from rules.ticket import Attachment

if TYPE_CHECKING:
    from connectors.jira.session import JiraSession
    from connectors.jira.site import Site


class WithFiles(Connector):
    """The part of the connector that has to do with files."""

    _session: "JiraSession"
    _site: "Site"

    def attachments(self, key: str) -> tuple[Attachment, ...]:
        """Asks for the issue's comments besides, where it has files: they tell who sees which."""
        what = f"listing the files of {key}"
        fields = self._site.issue(what, key, "attachment,project,reporter")["fields"]
        rows = self._site.records(what, fields.get("attachment") or [])
        try:
            sees = audience(self._site, what, key, fields) if rows else bool
            found = [_attachment(row, public=sees(row)) for row in rows]
        except MALFORMED as error:
            raise Unreadable(self.connection, f"{what}: a file is not as documented ({type(error).__name__})") from None
        return tuple(sorted(found, key=lambda file: (file.at, len(file.id), file.id)))

    def download(self, key: str, file: Attachment, into: Sink) -> None:
        what, at = f"downloading a file of {key}", self._site.dialect.content(file)
        is_page = (file.type or "").startswith("text/html")
        self._session.download(what, at.path, into, at.params, at.base, pages=is_page)

    def attach(self, key: str, file: Upload, *, public: bool, mark: str) -> Receipt:
        """Without a guard: a file is added beside the fields, whatever the version. A public one on a request comes with a comment.

        The mark is a property of that comment, so that nobody takes it for somebody's word; a file itself bears none, and is found again
        by its content.
        """
        what = f"attaching a file to {key}"
        self._must_fit(what, file)
        of = self._request(what, key) if public else None
        try:
            return Receipt(id=self._sent(what, key, file, public=public) if of is None else self._shown(what, key, of, file, mark))
        except MALFORMED:
            raise InDoubt(self.connection, f"{what}: the answer names no file") from None

    def _must_fit(self, what: str, file: Upload) -> None:
        """Asked each time: it costs little beside a file, and an administrator may change it."""
        told = self._session.get(what, "attachment/meta")
        allowed = told if isinstance(told, dict) else {}
        if allowed.get("enabled") is False:
            raise Rejected(self.connection, f"{what}: attachments are switched off on this site")
        limit = allowed.get("uploadLimit")
        if isinstance(limit, int) and file.size > limit:
            raise Rejected(
                self.connection,
                f"{what}: it has {file.size} bytes, the site takes {limit} at the most; its administrator may raise that",
            )

    def _request(self, what: str, key: str) -> Record | None:
        """The issue as a customer's request; None for one that is none, or that this interface does not let us see."""
        if not is_desk(self._site.issue(what, key, "project")["fields"].get("project")):
            return None
        try:
            found = self._session.ask(what, "GET", desk.request(key), base=desk.API)
        except desk.NOT_OURS:
            return None
        return found if isinstance(found, dict) and found.get("serviceDeskId") else None

    def _sent(self, what: str, key: str, file: Upload, *, public: bool) -> str:
        with self._session.saying(public=public):
            return str(self._session.upload(what, paths.issue(key, "attachments"), file)[0]["id"])

    def _shown(self, what: str, key: str, of: Record, file: Upload, mark: str) -> str:
        """On a public comment of its own. Nothing is attached until the comment is made; a file that waits for one is forgotten."""
        held = self._session.upload(what, f"servicedesk/{paths.part(str(of['serviceDeskId']))}/attachTemporaryFile", file, desk.API)
        waits = [str(held["temporaryAttachments"][0]["temporaryAttachmentId"])]
        body = {"temporaryAttachmentIds": waits, "public": True}
        made = self._session.ask(what, "POST", desk.request(key, "attachment"), body=body, base=desk.API)
        with contextlib.suppress(ConnectorError, *MALFORMED):  # the file is there, whatever becomes of the comment's mark
            property = f"comment/{paths.part(str(made['comment']['id']))}/properties/{reading.MARK}"
            self._session.ask(what, "PUT", property, body={"mark": mark})
        found = id_of(made["attachments"]["values"][0])
        if found is None:
            raise InDoubt(self.connection, f"{what}: the answer names no file")
        return found


def _attachment(row: Record, *, public: bool) -> Attachment:
    size = row.get("size")
    return Attachment(
        id=str(row["id"]),
        name=str(row["filename"]),
        at=moment(row["created"]),
        public=public,
        size=None if size is None else int(size),
        type=row.get("mimeType") or None,
    )
