"""Jira Data Center's REST v2 served locally: Cloud's site with another surface, as strict as the real one about what is not its own.

Source: Atlassian's Jira Data Center platform REST API reference (9.12) and "Using Personal Access Tokens". Nothing of v3 is here.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import orjson

from connectors.jira import sandbox_screens as screens
from connectors.jira.sandbox import A_PAGE, Handler, JiraSandbox
from connectors.jira.sandbox_answers import fault, flat, words
from connectors.jira.sandbox_attachments import sent
from connectors.jira.sandbox_flavour import DATA_CENTER, Flavour
from connectors.jira.sandbox_limits import Bucket
from connectors.jira.sandbox_sign_in import CAPTCHA, CONTEXT, PAT, InsideGate
from connectors.jira.sandbox_site import URL as CLOUD_URL
from connectors.jira.sandbox_site import Json, Project
from connectors.sandbox import Answer, Clock, Request
from rules.ticket import replace

SITE = "https://jira.example.com"
URL = f"{SITE}{CONTEXT}"
MOST = 1000  # issues on a page, whatever was asked for: jira.search.views.default.max
OWN_ADDRESS = re.compile(
    rb'("(?:self|iconUrl|base|content|jiraRest|[0-9]+x[0-9]+)":")' + re.escape(CLOUD_URL).encode() + rb"(/rest/api/)?3?"
)
ELSEWHERE = ("search/", "issue/bulkfetch", "issue/([^/]+)/changelog")  # Cloud's own
PERMISSIONS = ["ADD_COMMENTS", "ADMINISTER", "ASSIGN_ISSUES", "BROWSE_PROJECTS", "CREATE_ATTACHMENTS", "CREATE_ISSUES"]
PERMISSIONS += ["EDIT_ISSUES", "LINK_ISSUES", "TRANSITION_ISSUES", "WORK_ON_ISSUES"]  # whatever was asked for, all are told
SECURE = re.compile(r"/secure/attachment/([0-9]+)/[^/]+")
OPEN = f"{CONTEXT}/rest/api/2/serverInfo"
OF_CLOUD = frozenset({"isAvailable", "isGlobal", "isInitial", "isConditional", "looped", "hasScreen"})


class DataCenterSandbox(JiraSandbox):
    """One site behind a context path. `most` is what a page of a search holds at the most, `bucket` how many requests a minute allows."""

    flavour: ClassVar[Flavour] = DATA_CENTER
    version: ClassVar[str] = "2"

    def __init__(self, clock: Clock, *, most: int = MOST, bucket: int | None = None, hidden: Iterable[str] = (), **how: Any) -> None:
        super().__init__(clock, hidden=hidden, **how)
        self._most, self.limits, self.gate = most, Bucket(bucket), InsideGate(clock)
        self._moved_on = False

    @classmethod
    def sign_in(cls) -> dict[str, str]:
        return {"token": PAT}

    @classmethod
    def url(cls) -> str:
        return URL

    def forget_cursors(self) -> None:
        """There are no page tokens; the place that a reader counted up to is not the same any more, as when an issue before it moved on."""
        self._moved_on = True

    def answer(self, request: Request) -> Answer:
        if not request.path.startswith(f"{CONTEXT}/"):
            return Answer(status=404, body=b"<html>Not Found</html>", headers={"Content-Type": "text/html"})
        answer = super().answer(request)
        if answer.body is None or isinstance(answer.body, bytes | Iterator):
            return answer
        said = OWN_ADDRESS.sub(lambda found: found[1] + URL.encode() + (b"/rest/api/2" if found[2] else b""), orjson.dumps(answer.body))
        return replace(answer, body=orjson.loads(said))

    def _stranger(self, request: Request) -> Answer:
        if request.path == OPEN:
            return Answer(body=self._server())
        headers = {"WWW-Authenticate": 'OAuth realm="https%3A%2F%2Fjira.example.com%2Fjira"'}
        if isinstance(self.gate, InsideGate) and self.gate.captcha:
            headers = {"X-Seraph-LoginReason": "AUTHENTICATION_DENIED", "X-Authentication-Denied-Reason": CAPTCHA}
        said = "You are not authenticated. Authentication required to perform this operation."
        return fault(401, said, headers=headers)

    def _routed(self, request: Request) -> Answer:
        """Files are handed out where people open them, beside the interface."""
        found = SECURE.fullmatch(request.path)
        file = self.files.held(found[1]) if found and request.method == "GET" else None
        return sent(file) if file is not None else super()._routed(request)

    # the table of addresses

    def _of_files(self) -> list[tuple[str, str, Handler]]:
        return []

    def _of_before(self) -> list[tuple[str, str, Handler]]:
        return []

    def _of_issues(self) -> list[tuple[str, str, Handler]]:
        kept = [row for row in super()._of_issues() if not row[1].startswith(ELSEWHERE)]
        posted: Handler = lambda r: self._pages({k: flat(v) for k, v in r.json().items()})  # noqa: E731
        return [*kept, ("GET", "search", lambda r: self._pages(r.query)), ("POST", "search", posted)]

    def _of_site(self) -> list[tuple[str, str, Handler]]:
        own: dict[str, Handler] = {
            "user/search": self._found_users,
            "mypermissions": lambda r: screens.permissions(PERMISSIONS, self.denied),
            "issue/createmeta/([^/]+)/issuetypes": lambda r, key: self._of_project(key, _types),
        }
        return [(method, path, own.get(path, handler)) for method, path, handler in super()._of_site()]

    # reading

    def _pages(self, query: Any) -> Answer:
        """Counted pages. `maxResults` beyond the site's own cap is cut to it without a word."""
        jql, asked, now = query.get("jql", ""), words(query.get("fields", "")) or ["*navigable"], self.clock()
        strict = str(query.get("validateQuery", "true")).lower() != "false"
        knows = (lambda word: self.tracker.found(word) is not None) if strict else bool
        parsed = self._parsed(jql, step=self.flavour.step, knows=knows)
        start, size = max(int(query.get("startAt") or 0), 0), min(max(int(query.get("maxResults") or 0), 0), self._most)
        size = size if "maxResults" in query else min(A_PAGE, self._most)
        if start and self._moved_on:
            start, self._moved_on = start + 1, False
        states, total = self.tracker.index.slice(parsed, start, size, now)
        issues = [self.tracker.views.issue(state, asked) for state in states]
        return Answer(body={"expand": "schema,names", "startAt": start, "maxResults": size, "total": total, "issues": issues})

    def _get(self, request: Request, key: str) -> Answer:
        answer, history = super()._get(request, key), self.tracker.issue(key).history
        if "changelog" not in words(request.query.get("expand", "")):
            return answer
        told = {"startAt": 0, "maxResults": len(history), "total": len(history), "histories": history}
        return replace(answer, body={**answer.body, "changelog": told})

    def _transitions(self, request: Request, key: str) -> Answer:
        answer = super()._transitions(request, key)
        shown = [{name: value for name, value in step.items() if name not in OF_CLOUD} for step in answer.body["transitions"]]
        return replace(answer, body={**answer.body, "transitions": shown})

    def _screen(self, request: Request, key: str, kind: str) -> Answer:
        answer = super()._screen(request, key, kind)
        if answer.status != 200:
            return answer
        rows = [{name: value for name, value in row.items() if name != "key"} for row in answer.body["fields"]]
        return replace(answer, body=_counted(rows))

    def _found_users(self, request: Request) -> Answer:
        word = request.query.get("username")
        if not word:
            return fault(400, "The username query parameter was not provided.")
        most = int(request.query.get("maxResults") or A_PAGE)
        return Answer(body=self.tracker.accounts.search(word)[:most])

    def _user(self, request: Request) -> Answer:
        people = self.tracker.accounts
        id = request.query.get("key") or people.written(request.query.get("username", "")) or ""
        return Answer(body=people.view(id)) if id in people else fault(404, "The user does not exist.")

    def _server(self) -> Json:
        version = {"version": "9.12.15", "versionNumbers": [9, 12, 15], "deploymentType": "Server", "buildNumber": 9120015}
        return {**super()._server(), **version, "baseUrl": URL}


def _types(project: Project) -> Json:
    return _counted(screens.types(project)["issueTypes"])


def _counted(rows: list[Json]) -> Json:
    return {"maxResults": max(len(rows), A_PAGE), "startAt": 0, "total": len(rows), "isLast": True, "values": rows}
