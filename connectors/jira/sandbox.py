"""Jira Cloud's REST v3 served locally: a stateful site whose search lags behind its writes and reads dates in the account's zone."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, ClassVar, TypeAlias
from zoneinfo import ZoneInfo

from connectors.jira import sandbox_judging, sandbox_slas
from connectors.jira import sandbox_screens as screens
from connectors.jira.sandbox_answers import fault, flat, property_of, put_property, words
from connectors.jira.sandbox_attachments import MEDIA, Files
from connectors.jira.sandbox_edits import LONGEST_TEXT, TOO_LONG, Refused, answered
from connectors.jira.sandbox_flavour import CLOUD, Flavour
from connectors.jira.sandbox_issues import Issue
from connectors.jira.sandbox_jql import JqlError, Query, parse
from connectors.jira.sandbox_limits import Limits
from connectors.jira.sandbox_requests import Requests
from connectors.jira.sandbox_search import TokenError
from connectors.jira.sandbox_sign_in import Gate
from connectors.jira.sandbox_site import (
    ACCOUNT,
    API,
    ISSUE_TYPES,
    LINK_TYPES,
    PRIORITIES,
    RESOLUTIONS,
    STATUSES,
    URL,
    Json,
    Project,
    field_list,
)
from connectors.jira.sandbox_tracker import NoIssue, Tracker
from connectors.sandbox import Answer, Clock, Deed, Request, Sample, Sandbox
from rules.ticket import replace

Handler: TypeAlias = Callable[..., Answer]
ACCOUNT_ZONE = "America/New_York"  # of the account that signs in: its quoted JQL dates and its stamps are in it, never in UTC
OPEN = "/rest/api/2/serverInfo"  # for anybody
WRITES = frozenset({"POST", "PUT", "DELETE"})
PROPERTY = "([^/]+)/properties/([^/]+)"
A_PAGE, MOST_ON_A_PAGE, MOST_IDS = 50, 100, 5000


class JiraSandbox(Sandbox):
    """One site. `lag` is how many seconds of its clock a search stays behind the writes; reading an issue never lags.

    `burst` and `per_issue` switch Jira's limits on: requests of a method in a second, writes to one issue in two seconds.
    `hidden` are the e-mail addresses that their owners' privacy keeps from the interface.
    """

    system = "jira"
    can = frozenset({"move"})
    flavour: ClassVar[Flavour] = CLOUD
    version: ClassVar[str] = "3"

    def __init__(
        self,
        clock: Clock,
        *,
        lag: float = 2.0,
        account_zone: str = ACCOUNT_ZONE,
        burst: int | None = None,
        per_issue: int | None = None,
        hidden: Iterable[str] = (),
    ) -> None:
        super().__init__(clock)
        self._zone, self.limits = ZoneInfo(account_zone), Limits(burst, per_issue)
        self.gate = Gate(clock)
        self.tracker = Tracker(clock, self._zone, timedelta(seconds=lag), hidden, self.flavour)
        self.files = Files(self.tracker, self.took_effect)
        self.denied = self.files.denied  # permissions that our user does not have, such as ADD_COMMENTS
        self._routes = [(method, re.compile(f"/rest/{path}/?"), handler) for method, path, handler in self._table()]

    @classmethod
    def sign_in(cls) -> dict[str, str]:
        return {"email": ACCOUNT["email"], "token": ACCOUNT["token"]}

    @classmethod
    def url(cls) -> str:
        return URL

    def forbidden(self, why: str) -> Answer:
        return fault(403, f"You do not have the permission to do this: {why}.")

    def forget_cursors(self) -> None:
        """All page tokens handed out so far run out, as they do after seven days."""
        self.tracker.index.generation += 1

    def catch_up(self) -> None:
        """The search sees all writes now, however recent."""
        self.tracker.index.settle(self.clock(), all=True)

    # the wire

    def answer(self, request: Request) -> Answer:
        limited = self.limits.refused(request, self.clock())
        if limited is not None:
            return limited
        answer = self._answered(request)
        return replace(answer, headers={**self.limits.headers(), **answer.headers})

    def _answered(self, request: Request) -> Answer:
        if request.headers.get("host") == MEDIA:
            return self.files.media(request)
        token = self.gate.token(request)
        if token is not None:
            return token
        admitted = self.gate.admitted(request)
        if admitted is None:
            return self._stranger(request)
        try:
            return self._routed(admitted)
        except Refused as refused:
            return Answer(status=400, body={"errorMessages": [], "errors": refused.errors})
        except (JqlError, TokenError) as error:
            return fault(400, str(error))
        except NoIssue:
            return fault(404, "Issue does not exist or you do not have permission to see it.")
        except (ValueError, TypeError, AttributeError, KeyError):
            return fault(400, "There was an error parsing JSON. Check that your request body is valid.")

    def _stranger(self, request: Request) -> Answer:
        """For somebody who is not signed in."""
        if request.path == OPEN:
            return Answer(body=self._server())
        said = "Client must be authenticated to access this resource."
        return fault(401, said, headers={"WWW-Authenticate": 'OAuth realm="https%3A%2F%2Facme.atlassian.net"'})

    def _routed(self, request: Request) -> Answer:
        hits = [(method, handler, hit) for method, path, handler in self._routes if (hit := path.fullmatch(request.path))]
        for method, handler, hit in hits:
            if method == request.method:
                return handler(request, *hit.groups())
        return fault(405 if hits else 404, "Method Not Allowed" if hits else "There is nothing at this address.")

    def _table(self) -> list[tuple[str, str, Handler]]:
        site = [*self._of_issues(), *self._of_writes(), *self._of_site(), *self.files.routes(), *self._of_files()]
        return [*((method, f"api/{self.version}/{path}", handler) for method, path, handler in site), *self._of_desks(), *self._of_before()]

    def _of_before(self) -> list[tuple[str, str, Handler]]:
        """What there was once, and what there still is."""
        gone = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API."
        before: list[tuple[str, str, Handler]] = [(method, "api/[23]/search", lambda r: fault(410, gone)) for method in ("GET", "POST")]
        return [*before, ("GET", OPEN.removeprefix("/rest/"), lambda r: Answer(body=self._server()))]

    def _of_issues(self) -> list[tuple[str, str, Handler]]:
        one = "issue/([^/]+)"
        return [
            ("GET", "search/jql", lambda r: self._search(r.query)),
            ("POST", "search/jql", lambda r: self._search({k: flat(v) for k, v in r.json().items()})),
            ("POST", "search/approximate-count", lambda r: Answer(body={"count": self.tracker.index.count(self._parsed(r.json()["jql"]))})),
            ("POST", "issue/bulkfetch", self._bulk),
            ("GET", one, self._get),
            ("GET", f"{one}/transitions", self._transitions),
            ("GET", f"{one}/comment", self._comments),
            ("GET", f"{one}/changelog", self._changelog),
            ("GET", f"{one}/properties/([^/]+)", lambda r, key, name: property_of(self.tracker.issue(key).properties, name)),
            ("GET", f"comment/{PROPERTY}", lambda r, id, name: property_of(self.tracker.comment(id)["properties"], name)),
        ]

    def _of_writes(self) -> list[tuple[str, str, Handler]]:
        one = "issue/([^/]+)"
        return [
            ("POST", "issue", self._create),
            ("POST", "issueLink", self._link),
            ("PUT", one, self._put),
            ("DELETE", one, lambda r, key: self._delete(key)),
            ("POST", f"{one}/transitions", self._transition),
            ("PUT", f"{one}/assignee", self._assign),
            ("POST", f"{one}/comment", self._comment),
            ("PUT", f"{one}/properties/([^/]+)", lambda r, key, name: put_property(r, self.tracker.issue(key).properties, name)),
            (
                "PUT",
                "comment/([^/]+)/properties/([^/]+)",
                lambda r, id, name: put_property(r, self.tracker.comment(id)["properties"], name),
            ),
        ]

    def _of_site(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "user/search", lambda r: Answer(body=self.tracker.accounts.search(r.query.get("query", "")))),
            ("GET", "user", self._user),
            ("GET", "myself", lambda r: Answer(body=self.tracker.accounts.view(self.tracker.accounts.api))),
            ("GET", "mypermissions", lambda r: screens.permissions(words(r.query.get("permissions", "")), self.denied)),
            ("GET", "serverInfo", lambda r: Answer(body=self._server())),
            ("GET", "field", lambda r: Answer(body=field_list(self.tracker.own.values()))),
            ("GET", "status", lambda r: Answer(body=list(STATUSES.values()))),
            ("GET", "priority", lambda r: Answer(body=list(PRIORITIES.values()))),
            ("GET", "resolution", lambda r: Answer(body=list(RESOLUTIONS.values()))),
            ("GET", "project/([^/]+)", lambda r, key: self._of_project(key, screens.project)),
            ("GET", "project/([^/]+)/statuses", lambda r, key: self._of_project(key, screens.workflow)),
            ("GET", "issue/createmeta/([^/]+)/issuetypes", lambda r, key: self._of_project(key, screens.types)),
            ("GET", "issue/createmeta/([^/]+)/issuetypes/([^/]+)", self._screen),
        ]

    def _of_files(self) -> list[tuple[str, str, Handler]]:
        return [("GET", "attachment/content/([^/]+)", self.files.content)]

    def _of_desks(self) -> list[tuple[str, str, Handler]]:
        tracker, api = self.tracker, "servicedeskapi"
        return [
            *Requests(tracker, self.files).routes(),
            ("GET", f"{api}/servicedesk", lambda r: sandbox_slas.desks(r, tracker.projects)),
            ("GET", f"{api}/request/([^/]+)/sla", lambda r, key: sandbox_slas.slas(r, tracker.issue(key), tracker.projects)),
        ]

    # reading

    def _search(self, query: Mapping[str, str]) -> Answer:
        now, jql, asked = self.clock(), query.get("jql", ""), words(query.get("fields", ""))
        parsed = self._parsed(jql)
        most = MOST_IDS if asked in ([], ["id"], ["key"]) else MOST_ON_A_PAGE
        size = min(max(int(query.get("maxResults") or A_PAGE), 1), most)
        states, token = self.tracker.index.page(parsed, jql, query.get("nextPageToken"), size, now)
        properties = words(query.get("properties", ""))
        issues = [self._with(self.tracker.views.issue(s, asked), s.id, properties) for s in states]
        return Answer(body={"issues": issues, **({"nextPageToken": token} if token else {}), "isLast": token is None})

    def _parsed(self, jql: str, **how: Any) -> Query:
        return parse(jql, zone=self._zone, now=self.clock(), projects=frozenset(self.tracker.projects), **how)

    def _with(self, view: Json, id: str, names: list[str]) -> Json:
        """The issue with the properties that were asked for; search knows them at once where it knows the issue."""
        held = self.tracker.issues[id].properties if id in self.tracker.issues else {}
        return {**view, "properties": {n: held[n] for n in names if n in held}} if names else view

    def _get(self, request: Request, key: str) -> Answer:
        issue = self.tracker.issue(key)
        view = self.tracker.views.issue(issue.state, words(request.query.get("fields", "*all")))
        properties = words(request.query.get("properties", ""))
        return Answer(body=self._with(view, issue.state.id, properties))

    def _bulk(self, request: Request) -> Answer:
        said = request.json()
        found = [issue for key in said["issueIdsOrKeys"] if (issue := self.tracker.found(str(key))) is not None]
        fields, properties = said.get("fields") or ["*all"], said.get("properties") or []
        issues = [self._with(self.tracker.views.issue(i.state, fields), i.state.id, properties) for i in found]
        return Answer(body={"issues": issues, "issueErrors": []})

    def _transitions(self, request: Request, key: str) -> Answer:
        with_fields = "transitions.fields" in request.query.get("expand", "")
        shown = [screens.transition(step, with_fields=with_fields) for step in self.tracker.steps(self.tracker.issue(key).state)]
        return Answer(body={"expand": "transitions", "transitions": shown})

    def _comments(self, request: Request, key: str) -> Answer:
        issue, query = self.tracker.issue(key), request.query
        rows = list(reversed(issue.comments)) if query.get("orderBy") == "-created" else issue.comments
        start, size = int(query.get("startAt", 0)), min(int(query.get("maxResults", MOST_ON_A_PAGE)), MOST_ON_A_PAGE)
        expand = "properties" in query.get("expand", "")
        shown = [self.tracker.views.comment(issue.state, c, properties=expand) for c in rows[start : start + size]]
        return Answer(body={"startAt": start, "maxResults": size, "total": len(rows), "comments": shown})

    def _changelog(self, request: Request, key: str) -> Answer:
        rows, start = self.tracker.issue(key).history, int(request.query.get("startAt", 0))
        size = min(int(request.query.get("maxResults", MOST_ON_A_PAGE)), MOST_ON_A_PAGE)
        here, last = f"{API}/issue/{key}/changelog?maxResults={size}&startAt=", start + size >= len(rows)
        page = {"self": f"{here}{start}", "maxResults": size, "startAt": start, "total": len(rows), "isLast": last}
        following = {} if last else {"nextPage": f"{here}{start + size}"}
        return Answer(body={**page, **following, "values": rows[start : start + size]})

    def _user(self, request: Request) -> Answer:
        id = request.query.get("accountId", "")
        return Answer(body=self.tracker.accounts.view(id)) if id in self.tracker.accounts else fault(404, "Specified user does not exist.")

    def _of_project(self, key: str, shown: Callable[[Project], Any]) -> Answer:
        project = self.tracker.project(key)
        if project is None:
            return fault(404, f"No project could be found with key '{key}'.")
        return Answer(body=shown(project))

    def _screen(self, request: Request, key: str, kind: str) -> Answer:
        project = self.tracker.project(key)
        if project is None or not screens.has_type(project, kind):
            return fault(404, f"No issue type could be found with id '{kind}'.")
        return Answer(body=screens.screen(self.tracker.own.values()))

    def _server(self) -> Json:
        now = self.tracker.views.stamp(self.clock())
        version = {"version": "1001.0.0-SNAPSHOT", "versionNumbers": [1001, 0, 0], "deploymentType": "Cloud", "buildNumber": 100285}
        return {"baseUrl": URL, **version, "buildDate": now, "serverTime": now, "scmInfo": "sandbox", "serverTitle": "Jira"}

    # writing

    def _put(self, request: Request, key: str) -> Answer:
        issue, body = self.tracker.issue(key), request.json()
        self._edit(issue, body)
        if request.query.get("returnIssue") == "true":
            return Answer(body=self.tracker.views.issue(issue.state, ["*all"]))
        return Answer(status=204)

    def _assign(self, request: Request, key: str) -> Answer:
        issue, body = self.tracker.issue(key), {"fields": {"assignee": request.json()}}
        self._edit(issue, body)
        return Answer(status=204)

    def _edit(self, issue: Issue, body: Json) -> None:
        project = self.tracker.projects[issue.state.project]
        self.tracker.change(issue, self.tracker.desk.edited(issue.state, body, project), self.tracker.accounts.api)
        self.took_effect("update", issue.state.key, fields=body)

    def _transition(self, request: Request, key: str) -> Answer:
        issue, body = self.tracker.issue(key), request.json()
        wanted = str(body["transition"]["id"])
        step = next((s for s in self.tracker.steps(issue.state) if s.id == wanted), None)
        if step is None:
            return fault(400, f"It seems that you have tried to perform a workflow operation ({wanted}) that is not valid.")
        self.tracker.change(issue, replace(issue.state, status=step.to, resolution=answered(step, body)), self.tracker.accounts.api)
        self.took_effect("update", issue.state.key, fields=body)
        return Answer(status=204)

    def _create(self, request: Request) -> Answer:
        body = request.json()
        fields = {name: value for name, value in body.get("fields", {}).items() if name not in ("project", "issuetype")}
        project, kind = self._place(body.get("fields", {}))
        if "summary" not in fields:
            raise Refused(summary="You must specify a summary of the issue.")
        state = self.tracker.desk.edited(self.tracker.fresh(project, kind, "-"), {"fields": fields, "update": body.get("update")}, project)
        issue = self.tracker.add(replace(state, updated=state.created))
        issue.requested = False
        issue.properties = {p["key"]: p["value"] for p in body.get("properties", [])}
        self.took_effect("create", state.key, subject=state.summary)
        return Answer(status=201, body={"id": state.id, "key": state.key, "self": f"{API}/issue/{state.id}"})

    def _comment(self, request: Request, key: str) -> Answer:
        issue, body = self.tracker.issue(key), request.json()
        if not self.flavour.is_text(body.get("body")) or not body["body"]:
            raise Refused(comment="Comment body is not valid!")
        if self.flavour.size(body["body"]) > LONGEST_TEXT:
            raise Refused(comment=TOO_LONG)
        properties = {p["key"]: p["value"] for p in body.get("properties", [])}
        said = self.tracker.say(issue, self.tracker.accounts.api, body["body"], properties)
        shown = self.tracker.views.comment(issue.state, said)
        kind = "reply" if self.tracker.views.is_public(issue.state, said) else "note"
        read, called = self.flavour.plain(body["body"]), self.tracker.called(body["body"])
        self.took_effect(kind, issue.state.key, id=said["id"], body=read, **({"called": called} if called else {}))  # type: ignore[arg-type]
        return Answer(status=201, body=shown)

    def _link(self, request: Request) -> Answer:
        said = request.json()
        first, second = (self.tracker.issue(str(said[end].get("key") or said[end].get("id"))) for end in ("inwardIssue", "outwardIssue"))
        if said["type"].get("name") not in LINK_TYPES:
            return fault(404, f"No issue link type with name '{said['type'].get('name')}' found.")
        if self.tracker.link(said["type"]["name"], first, second):
            self.took_effect("update", first.state.key, fields=said)
        return Answer(status=201)

    def _delete(self, key: str) -> Answer:
        self.tracker.delete(self.tracker.issue(key))
        return Answer(status=204)

    def _place(self, fields: Json) -> tuple[Project, str]:
        """The project and issue type of a creation."""
        said = fields.get("project") or {}
        project = self.tracker.project(str(said.get("key") or said.get("id")))
        if project is None:
            raise Refused(project="valid project is required")
        wanted = fields.get("issuetype") or {}
        kind = next((t for t in project.types if wanted.get("name") == t or wanted.get("id") == ISSUE_TYPES[t]["id"]), None)
        if kind is None:
            raise Refused(issuetype="Specify a valid issue type")
        return project, kind

    # people and judges

    def load(self, samples: Iterable[Sample]) -> list[str]:
        """Issues of CORE, unless a sample's own key names another project. The search knows them at once."""
        keys = [self.tracker.load(s).state.key for s in samples]
        self.catch_up()
        return keys

    def people(self, deed: Deed) -> str:
        if deed.kind == "attach":
            issue = self.tracker.issue(deed.key or "")
            self.files.by_people(issue, deed, self.tracker.who(issue, deed))
            return issue.state.key
        return self.tracker.act(deed)

    def shown(self, key: str) -> dict[str, Any]:
        """Beside the words of the base class, `labels` as they are (`tags` leaves out the one that marks what we made), and `files`."""
        return sandbox_judging.shown(self.tracker, self.tracker.issue(key))

    def keys(self) -> list[str]:
        return [i.state.key for i in sorted(self.tracker.issues.values(), key=lambda i: (i.state.created, i.state.number))]
