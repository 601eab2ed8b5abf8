"""The sandbox's Jira Service Management, as far as files go: requests, what their customers read, and files that wait for a comment.

An issue that was made by the platform's own interface has no request type and is no request: no customer sees it.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.jira.sandbox_attachments import Files, Handler, NotAForm
from connectors.jira.sandbox_issues import Issue
from connectors.jira.sandbox_site import API, URL, Json
from connectors.jira.sandbox_slas import DESK_API, date, page
from connectors.jira.sandbox_tracker import NoIssue, Tracker
from connectors.sandbox import Answer, Request
from connectors.sandbox_files import detail_of

FIRST_OF_A_COMMENT = 2  # files that a list of comments tells of each; the rest has an address of its own


class NoRequest(Exception):
    """There is no such request, or nobody may see it."""


class Requests:
    """The requests of the service desks."""

    def __init__(self, tracker: Tracker, files: Files) -> None:
        self._tracker, self._files = tracker, files
        self._waiting: dict[str, Json] = {}

    def routes(self) -> list[tuple[str, str, Handler]]:
        one = "servicedeskapi/request/([^/]+)"
        rows: list[tuple[str, str, Handler]] = [
            ("GET", one, self._shown),
            ("GET", f"{one}/comment", self._comments),
            ("GET", f"{one}/comment/([^/]+)/attachment", self._of_comment),
            ("POST", "servicedeskapi/servicedesk/([^/]+)/attachTemporaryFile", self._wait),
            ("POST", f"{one}/attachment", self._attach),
        ]
        return [(method, path, self._or_refused(handler)) for method, path, handler in rows]

    def _or_refused(self, handler: Handler) -> Handler:
        def answered(*asked: Any) -> Answer:
            try:
                return handler(*asked)
            except (NoRequest, NoIssue):
                return _fault(404, "The customer request does not exist or you do not have permission to view it.")

        return answered

    def _request(self, key: str) -> Issue:
        issue = self._tracker.issue(key)
        if not issue.requested or self._tracker.projects[issue.state.project].kind != "service_desk":
            raise NoRequest(key)
        return issue

    def _shown(self, request: Request, key: str) -> Answer:
        state = self._request(key).state
        ids = {"issueId": state.id, "issueKey": state.key, "requestTypeId": "25"}
        links = {"self": f"{DESK_API}/request/{state.id}", "jiraRest": f"{API}/issue/{state.id}"}
        desk = {"serviceDeskId": self._tracker.projects[state.project].id}
        return Answer(body={"_expands": ["comment", "attachment"], **ids, **desk, "_links": links})

    def _comments(self, request: Request, key: str) -> Answer:
        issue, query = self._request(key), request.query
        wanted = {True: query.get("public", "true") == "true", False: query.get("internal", "true") == "true"}
        rows = [c for c in issue.comments if wanted[self._tracker.views.is_public(issue.state, c)]]
        with_files = "attachment" in query.get("expand", "")
        return page(request, f"request/{issue.state.id}/comment", [self._comment(issue, c, with_files=with_files) for c in rows])

    def _comment(self, issue: Issue, said: Json, *, with_files: bool) -> Json:
        path = f"request/{issue.state.id}/comment/{said['id']}"
        told = {"id": said["id"], "body": "(wiki markup)", "public": self._tracker.views.is_public(issue.state, said)}
        shown = {"_expands": ["attachment", "renderedBody"], **told, "author": self._user(said["author"])}
        few = Request(method="GET", path="", query={"limit": str(FIRST_OF_A_COMMENT)})
        files = {"attachments": page(few, f"{path}/attachment", self._files_of(issue, said)).body} if with_files else {}
        return {**shown, "created": date(self._tracker.views, said["at"]), **files, "_links": {"self": f"{DESK_API}/{path}"}}

    def _of_comment(self, request: Request, key: str, id: str) -> Answer:
        issue = self._request(key)
        said = next((c for c in issue.comments if c["id"] == id), None)
        if said is None:
            raise NoRequest(id)
        return page(request, f"request/{issue.state.id}/comment/{id}/attachment", self._files_of(issue, said))

    def _files_of(self, issue: Issue, said: Json) -> list[Json]:
        return [self._file(file) for file in issue.state.files if file["id"] in said["files"]]

    def _file(self, file: Json) -> Json:
        told = {"filename": file["name"], "size": file["size"], "mimeType": file["type"], "author": self._user(file["by"])}
        content = f"{URL}/secure/attachment/{file['id']}/{quote(file['name'])}"
        links = {"self": content, "jiraRest": f"{API}/attachment/{file['id']}", "content": content}
        return {**told, "created": date(self._tracker.views, file["at"]), "_links": links}

    def _user(self, id: str) -> Json:
        view: Json = self._tracker.accounts.view(id) or {}
        links = {"self": view["self"], "jiraRest": view["self"], "avatarUrls": view["avatarUrls"]}
        known = ("accountId", "key", "name", "emailAddress", "displayName", "active", "timeZone")
        return {**{name: view[name] for name in known if name in view}, "_links": links}

    def _wait(self, request: Request, desk: str) -> Answer:
        if (refusal := self._files.refused(request)) is not None:
            return refusal
        if desk not in {p.id for p in self._tracker.projects.values() if p.kind == "service_desk"}:
            return _fault(404, "The service desk does not exist.")
        try:
            files = self._files.said(request)
        except NotAForm:
            return _fault(400, "The attachments are not valid.")
        if any(file["size"] > self._files.limit for file in files):
            return _fault(400, f"The attachment exceeds the maximum size of {self._files.limit} bytes.")
        told = []
        for file in files:
            id = f"temp{len(self._waiting) + 8186986881700442965}"
            self._waiting[id] = file
            told.append({"temporaryAttachmentId": id, "fileName": file["name"]})
        return Answer(status=201, body={"temporaryAttachments": told})

    def _attach(self, request: Request, key: str) -> Answer:
        issue, said, by = self._request(key), request.json(), self._tracker.accounts.api
        public, ids = said.get("public"), said.get("temporaryAttachmentIds")
        if not isinstance(public, bool) or not ids or not set(ids) <= self._waiting.keys():
            return _fault(400, "The temporary attachments are missing or have expired, or it is not said whether they are public.")
        made = [self._files.keep(issue, self._waiting.pop(id), by, public=public) for id in ids]
        internal: Mapping[str, Any] = {} if public else {"sd.public.comment": {"internal": True}}
        comment = self._tracker.say(issue, by, self._tracker.flavour.showing(made), dict(internal), files=[file["id"] for file in made])
        for file in made:
            self._files.took_effect("attach", issue.state.key, **detail_of(file))
        files = page(request, f"request/{key}/comment/{comment['id']}/attachment", [self._file(file) for file in made]).body
        return Answer(status=201, body={"comment": self._comment(issue, comment, with_files=False), "attachments": files})


def _fault(status: int, message: str) -> Answer:
    return Answer(status=status, body={"errorMessage": message, "i18nErrorMessage": {"i18nKey": "", "parameters": []}})
