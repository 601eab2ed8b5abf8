"""The sandbox's files: taken as forms, listed with their issue, handed out here or, in the cloud, sent on to another host.

As weak as Jira: a name may be there twice, nothing tells a repetition, and the same bytes again are another file.
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from connectors.jira.sandbox_answers import fault
from connectors.jira.sandbox_flavour import media_id
from connectors.jira.sandbox_issues import Issue
from connectors.jira.sandbox_site import Json
from connectors.jira.sandbox_tracker import Tracker
from connectors.sandbox import Answer, Deed, Request
from connectors.sandbox_files import attached_by, detail_of, kept, parts_of

Handler: TypeAlias = Callable[..., Answer]
MEDIA = "api.media.atlassian.com"
LIMIT = 100 * 1024 * 1024  # bytes; an administrator's setting
MOST_AT_ONCE = 60
BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
NAMES = re.compile(r'(name|filename)="((?:[^"\\]|\\.)*)"')
TYPE = re.compile(r"(?im)^content-type:\s*(\S+)")


class NotAForm(Exception):
    """What came is no `multipart/form-data`."""


class Files:
    """The files of one site. `limit` is how large one may be, `enabled` whether anybody may attach any, `denied` what our user may not."""

    def __init__(self, tracker: Tracker, took_effect: Callable[..., None]) -> None:
        self._tracker, self.took_effect = tracker, took_effect
        self.limit, self.enabled = LIMIT, True
        self.denied: set[str] = set()
        self.sends_on = False

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Under the site's REST interface, as both deployments have them."""
        return [("GET", "attachment/meta", lambda r: self._meta()), ("POST", "issue/([^/]+)/attachments", self._added)]

    def content(self, request: Request, id: str) -> Answer:
        """`redirect=false`: the bytes come from here, unless the site `sends_on` all the same."""
        file = self.held(id)
        if file is None:
            return fault(404, f"The attachment with id '{id}' does not exist")
        if request.query.get("redirect") == "false" and not self.sends_on:
            return sent(file)
        return Answer(status=303, headers={"Location": f"https://{MEDIA}/file/{media_id(file)}/binary?token=signed&name=x"})

    def media(self, request: Request) -> Answer:
        """The host of files: its links are their own sign-in."""
        every = (file for issue in self._tracker.issues.values() for file in issue.state.files)
        named = next((file for file in every if request.path == f"/file/{media_id(file)}/binary" and not file["vanished"]), None)
        signed = request.query.get("token") == "signed" and not request.headers.keys() & {"authorization", "cookie"}
        return sent(named) if named is not None and signed else Answer(status=404 if signed else 403, body=b"")

    def held(self, id: str) -> Json | None:
        """None for one that is gone."""
        every = (file for issue in self._tracker.issues.values() for file in issue.state.files)
        return next((file for file in every if file["id"] == id and not file["vanished"]), None)

    def by_people(self, issue: Issue, deed: Deed, by: str) -> None:
        """A customer's is shown to customers, an agent's where it hangs on a reply."""
        file = attached_by(deed)
        made = self.keep(issue, file, by, public=file["public"])
        if deed.by != "customer" and file["public"]:
            self._tracker.say(issue, by, self._tracker.flavour.showing([made]), {}, files=[made["id"]])

    def keep(self, issue: Issue, file: Json, by: str, *, public: bool) -> Json:
        """In a project without customers whoever sees the issue sees its files."""
        desk = self._tracker.projects[issue.state.project].kind == "service_desk"
        return self._tracker.attach(issue, {**file, "public": public or not desk}, by)

    def refused(self, request: Request) -> Answer | None:
        """For what is no upload that a browser could not have been tricked into."""
        if request.headers.get("x-atlassian-token") not in ("no-check", "nocheck"):
            return Answer(status=403, body=b"XSRF check failed", headers={"Content-Type": "text/plain"})
        if "CREATE_ATTACHMENTS" in self.denied:
            return fault(403, "You do not have permission to create attachments for this issue.")
        return None if self.enabled else fault(404, "Attachments are disabled in the Jira settings.")

    def said(self, request: Request) -> list[Json]:
        """The files of a form. Raises `NotAForm`."""
        return [kept(name, content, type=kind) for name, kind, content in form(request)]

    def _added(self, request: Request, key: str) -> Answer:
        refusal = self.refused(request)
        if refusal is not None:
            return refusal
        issue, by = self._tracker.issue(key), self._tracker.accounts.api
        try:
            files = self.said(request)
        except NotAForm:
            return Answer(status=415, body=b"")
        if len(files) > MOST_AT_ONCE or any(file["size"] > self.limit for file in files):
            return fault(413, f"The file exceeds the maximum size of {self.limit} bytes")
        made = [self.keep(issue, file, by, public=False) for file in files]
        for file in made:
            self.took_effect("attach", issue.state.key, **detail_of(file))
        return Answer(body=[self._tracker.views.attachment(file) for file in made])

    def _meta(self) -> Answer:
        return Answer(body={"enabled": self.enabled, **({"uploadLimit": self.limit} if self.enabled else {})})


def sent(file: Json) -> Answer:
    return Answer(body=parts_of(file), headers={"content-type": file["served_as"] or file["type"]})


def form(request: Request) -> list[tuple[str, str, bytes]]:
    """Name, media type and content of each part called `file`."""
    kind = request.headers.get("content-type", "")
    boundary = BOUNDARY.search(kind)
    if not kind.startswith("multipart/form-data") or boundary is None:
        raise NotAForm
    parts = (b"\r\n" + request.body).split(b"\r\n--" + boundary[1].encode())[1:]
    if not parts or parts.pop().rstrip(b"\r\n") != b"--":
        raise NotAForm
    return [found for part in parts if (found := _part(part)) is not None]


def _part(part: bytes) -> tuple[str, str, bytes] | None:
    head, _, content = part.partition(b"\r\n\r\n")
    lines = head.decode("utf-8")
    named: dict[str, Any] = dict(NAMES.findall(lines))
    kind = TYPE.search(lines)
    return (named["filename"], kind[1] if kind else "application/octet-stream", content) if named.get("name") == "file" else None
