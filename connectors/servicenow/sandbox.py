"""A ServiceNow instance served locally: the Table API over incidents, with the product's real weaknesses.

Stamps are whole seconds, priority is computed, journals append and read back empty, a forbidden field is passed over in silence, a
page may be short because its records may not be read, and a request that takes too long answers 200 with half a result and an error.
"""

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, unquote

from connectors.sandbox import Answer, Clock, Deed, Request, Sample, Sandbox
from connectors.sandbox_tokens import Grants
from connectors.servicenow.incident_log import IncidentLog
from connectors.servicenow.sandbox_answers import fault, kept, paging, text
from connectors.servicenow.sandbox_attachments import Files
from connectors.servicenow.sandbox_desk import CLOSING, JOURNALS, PRIORITIES, STATES, Desk, Refused, text_of
from connectors.servicenow.sandbox_labels import TABLES as OF_LABELS
from connectors.servicenow.sandbox_labels import LabelDesk
from connectors.servicenow.sandbox_query import parsed
from connectors.servicenow.sandbox_render import Renderer
from connectors.servicenow.sandbox_tables import Table, stable_id

USER, PASSWORD = "ticketgate", "sandbox-servicenow-password"
CLIENT_ID, CLIENT_SECRET = "sandbox-servicenow-client", "sandbox-servicenow-secret"
API_KEY, REFRESH = "sandbox-servicenow-api-key", "sandbox-servicenow-refresh-0"
TOKEN_LIFE = 1800  # seconds
TABLE_API = "/api/now/table/"
WRITABLE = ("incident",)
THEIRS = {"subject": "short_description", "body": "description", "product": "u_product", "language": "u_language"}


class ServiceNowSandbox(Sandbox):
    """One instance. The weaknesses are switches: `hidden` records, `desk.locked` fields, `broken_off` pages, `hourly_limit`.

    `labels`: people there tag with the product's own labels instead of a field.
    """

    system: ClassVar[str] = "servicenow"

    def __init__(self, clock: Clock, *, matrix: Mapping[str, str] | None = None, fields: Iterable[str] = (), labels: bool = False) -> None:
        super().__init__(clock)
        self.desk = Desk(matrix, fields)
        self.labels, self._tags_are_labels = LabelDesk(self.desk.tables), labels
        self.files = Files(self.desk.tables, self.took_effect)
        self.us = self.desk.person("ticketgate@example.com", "Ticketgate")
        self.desk.tables["sys_user"].change(self.us, {"user_name": USER})
        role = self.desk.tables.named("sys_user_role", "role", "itil")
        self.desk.tables["sys_user_has_role"].put({"sys_id": stable_id("has_role", USER), "user": self.us, "role": role})
        self.hidden: set[str] = set()  # sys_ids that the integration user may not read: dropped after the limit is applied
        self.unreadable: set[str] = set()  # tables that the integration user may not read
        self.broken_off = 0  # so many of the next lists end with an error in a 200
        self.hourly_limit = 1_000_000
        self.log: IncidentLog | None = None
        self._render = Renderer(self.desk.tables, self.url())
        self.grants = Grants(clock, timedelta(seconds=TOKEN_LIFE), "sandbox-servicenow", REFRESH)
        self._hour: tuple[str, int] = ("", 0)

    @classmethod
    def sign_in(cls) -> dict[str, str]:
        return {"user": USER, "password": PASSWORD}

    @classmethod
    def oauth_sign_in(cls) -> dict[str, str]:
        """The other way in: client credentials; with `sign_in` beside them, the password grant."""
        return {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}

    @classmethod
    def url(cls) -> str:
        return "https://acme.service-now.com"

    def now(self) -> str:
        """The instance's moment: the log's where one is loaded, since its records live in its time."""
        return self.log.moment if self.log else text_of(self.clock())

    def forbidden(self, why: str) -> Answer:
        return fault(403, detail=f"Security constraints prevent access to the requested resource: {why}")

    def forget_cursors(self) -> None:
        self.broken_off += 1

    def expire_tokens(self) -> None:
        self.grants.expire()

    def answer(self, request: Request) -> Answer:
        if request.path == "/oauth_token.do":
            return self._token(request)
        if request.headers.get("x-sn-apikey") != API_KEY and not self._known(request.headers.get("authorization", "")):
            return fault(401, headers={"www-authenticate": 'BASIC realm="Service-now"'})
        limits = self._counted()
        if self._hour[1] > self.hourly_limit:
            wait = int(limits["x-ratelimit-reset"]) - int(self.clock().timestamp())
            return fault(429, headers={**limits, "retry-after": str(wait)})
        answer = self._routed(request)
        return Answer(status=answer.status, body=answer.body, headers={**limits, **answer.headers})

    def _counted(self) -> dict[str, str]:
        """Requests of a clock hour, as a rate limit rule counts them."""
        hour = self.clock().replace(minute=0, second=0, microsecond=0)
        self._hour = (hour.isoformat(), self._hour[1] + 1 if self._hour[0] == hour.isoformat() else 1)
        ends = int((hour + timedelta(hours=1)).timestamp())
        rule = stable_id("sys_rate_limit_rules", "Integration users")
        return {"x-ratelimit-limit": str(self.hourly_limit), "x-ratelimit-reset": str(ends), "x-ratelimit-rule": rule}

    def _known(self, authorization: str) -> bool:
        kind, _, value = authorization.partition(" ")
        if kind.casefold() == "bearer":
            return self.grants.holds(value)
        try:
            return kind.casefold() == "basic" and b64decode(value).decode() == f"{USER}:{PASSWORD}"
        except ValueError:
            return False

    def _token(self, request: Request) -> Answer:
        said = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        client = (said.get("client_id"), said.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        person = (said.get("username"), said.get("password")) == (USER, PASSWORD)
        by_refresh = said.get("grant_type") == "refresh_token"
        good = {"client_credentials": client, "password": client and person, "refresh_token": client}.get(said.get("grant_type", ""), False)
        given = self.grants.given(said.get("refresh_token", "") if by_refresh else None) if request.method == "POST" and good else None
        if given is None:
            return Answer(status=401, body={"error": "server_error", "error_description": "access_denied"})
        return Answer(body={**given, "scope": "useraccount", "token_type": "Bearer"})

    def _routed(self, request: Request) -> Answer:
        if (of_files := self.files.answer(request, USER, self.now())) is not None:
            return of_files
        name, _, key = request.path.removeprefix(TABLE_API).partition("/")
        table = self.desk.tables.get(name) if request.path.startswith(TABLE_API) else None
        if table is None:
            return fault(400, "Invalid table " + name[:80], "The table does not exist")
        if name in self.unreadable:
            return fault(403)
        key = unquote(key)
        match request.method, bool(key):
            case "GET", False:
                return self._listed(table, request)
            case "GET", True:
                return self._shown(table, key, request.query) if self._readable(table, key) else fault(404)
            case ("POST", False) | ("PATCH" | "PUT" | "DELETE", True):
                return self._written(table, key, request)
        return fault(405)

    def _readable(self, table: Table, key: str) -> bool:
        return key in table.records and key not in self.hidden

    def _listed(self, table: Table, request: Request) -> Answer:
        asked = request.query
        try:
            limit, offset = int(asked.get("sysparm_limit", "10000")), int(asked.get("sysparm_offset", "0"))
        except ValueError:
            limit = offset = -1
        if limit < 1 or offset < 0:
            return fault(400, "Invalid sysparm_limit or sysparm_offset", "Pagination needs whole numbers")
        counts = asked.get("sysparm_no_count") != "true"
        rows, total = self._found(table, asked.get("sysparm_query", ""), limit, offset, counts)
        readable = [row for row in rows if row["sys_id"] not in self.hidden]
        body: dict[str, Any] = {"result": self._render.records(table, readable, asked)}
        headers = paging(self.url(), request, limit, offset, total) if counts else {}
        return Answer(body=self._broken(body), headers=headers)

    def _found(self, table: Table, text: str, limit: int, offset: int, counts: bool) -> tuple[list[Mapping[str, str]], int]:
        tables = self.desk.tables
        said = {"javascript:gs.getUserName()": USER, "javascript:gs.getUserID()": self.us}
        query = parsed(text, lambda path: tables.knows(table, path), said)
        if self.log and table.name == "sys_audit":
            self.log.tell(query.only("documentkey") or ())
        getters: dict[str, Callable[[Mapping[str, str]], str]] = {}

        def get(record: Mapping[str, str], path: str) -> str:
            if path not in getters:
                getters[path] = tables.getter(table, path)
            return getters[path](record)

        among, ordered = table.among(query)
        fitting = (record for record in among if query.holds(record, get))
        if ordered and not counts:
            return list(islice(fitting, offset, offset + limit)), 0
        rows = list(fitting)
        if not ordered:
            for name, descending in reversed(query.order):
                rows.sort(key=lambda record: get(record, name) if tables.knows(table, name) else "", reverse=descending)
        return rows[offset : offset + limit], len(rows)

    def _broken(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.broken_off <= 0:
            return body
        self.broken_off -= 1
        error = {"message": "Transaction cancelled: maximum execution time exceeded", "detail": "maximum execution time exceeded"}
        return {"result": body["result"][: len(body["result"]) // 2], "error": error, "status": "failure"}

    def _shown(self, table: Table, key: str, asked: Mapping[str, str], status: int = 200) -> Answer:
        record = self._render.records(table, [table.records[key]], asked)[0]
        headers = {"location": f"{self.url()}{TABLE_API}{table.name}/{key}"} if status == 201 else {}
        return Answer(status=status, body={"result": record}, headers=headers)

    def _written(self, table: Table, key: str, request: Request) -> Answer:
        if table.name in OF_LABELS:
            return self._labelled(table, key, request)
        if table.name not in WRITABLE:
            return fault(403)
        if key and not self._readable(table, key):
            return fault(404)
        if request.method == "DELETE":
            self.desk.deleted(key, USER, self.now())
            return Answer(status=204)
        try:
            said = request.json()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            return fault(400, "Invalid body", "The body is not a JSON object")
        try:
            return self._applied(table, key, self._inputs(said, request.query), said, request.query)
        except Refused as error:
            return fault(403, *error.args)

    def _labelled(self, table: Table, key: str, request: Request) -> Answer:
        """Labels and their entries are made and deleted; nothing of ours changes one."""
        if request.method == "DELETE" and key in table.records:
            row = table.remove(key)
            self._tagged(row)
            return Answer(status=204)
        if request.method != "POST" or key:
            return fault(404 if request.method == "DELETE" else 405)
        try:
            made = self.labels.write(table.name, {name: text(value) for name, value in request.json().items()}, USER, self.now())
        except Refused as error:
            return fault(403, *error.args)
        except (ValueError, AttributeError):
            return fault(400, "Invalid body", "The body is not a JSON object")
        self._tagged(table.records[made])
        return self._shown(table, made, request.query, 201)

    def _tagged(self, row: Mapping[str, str]) -> None:
        if (key := row.get("table_key", "")) in self.desk.incidents.records:
            self.took_effect("update", key, fields={"tags": self.labels.of(key)})

    def _inputs(self, said: Mapping[str, Any], asked: Mapping[str, str]) -> dict[str, str]:
        """Values as text; with `sysparm_input_display_value` references by their names."""
        fields = {name: kept(name, text(value)) for name, value in said.items()}
        if asked.get("sysparm_input_display_value") != "true":
            return fields
        return {name: self._render.referred(name, value) for name, value in fields.items()}

    def _applied(self, table: Table, key: str, fields: Mapping[str, str], said: Mapping[str, Any], asked: Mapping[str, str]) -> Answer:
        if not key:
            key = self.desk.made(fields, USER, self.now())
            self.took_effect("create", key, subject=fields.get("short_description", ""))
            return self._shown(table, key, asked, 201)
        changed, entries = self.desk.write(key, fields, USER, self.now())
        if changed:
            self.took_effect("update", key, fields={name: value for name, value in said.items() if name not in JOURNALS})
        for entry in entries:
            row = self.desk.tables["sys_journal_field"].records[entry]
            self._commented("reply" if row["element"] == "comments" else "note", key, row)
        return self._shown(table, key, asked)

    def _commented(self, kind: Literal["reply", "note"], key: str, row: Mapping[str, str]) -> None:
        self.took_effect(kind, key, id=row["sys_id"], body=row["value"])

    def load(self, samples: Iterable[Sample]) -> list[str]:
        samples = list(samples)
        records = [self.desk.loaded(sample) for sample in samples]
        self.desk.incidents.put_all(records)
        if self._tags_are_labels:
            for sample, record in zip(samples, records, strict=True):
                self.labels.set(record["sys_id"], sample.tags, record["sys_created_by"], record["sys_created_on"])
        return [record["sys_id"] for record in records]

    def load_log(self, path: Path, as_of: datetime | Literal["first", "end"] = "end") -> IncidentLog:
        """A log of incidents, served as of a moment (UTC), at each incident's first event, or at its end; see `incident_log`."""
        self.log = IncidentLog(path, self.desk, as_of)
        return self.log

    def advance(self, moment: datetime) -> int:
        """Plays the loaded log on to a moment; returns the number of events. Raises `KeyError` when no log is loaded."""
        if self.log is None:
            raise KeyError("no log is loaded")
        return self.log.play_to(moment)

    def people(self, deed: Deed) -> str:
        if deed.kind == "create":
            if deed.sample is None:
                raise KeyError("a create needs a sample")
            return self.load([deed.sample])[0]
        key = deed.key or ""
        record = self.desk.incidents.records[key]
        caller = self.desk.user_name(record["caller_id"]) if record.get("caller_id") else "guest"
        by = caller if deed.by == "customer" else self.desk.user_name(stable_id("sys_user", "lena@example.com"))
        if deed.kind == "delete":
            self.desk.deleted(key, by, self.now())
        elif deed.kind == "attach":
            self.files.by_people(key, deed, by, self.now())
        elif self._tags_are_labels and deed.kind == "set" and {*deed.fields} == {"tags"}:
            self.labels.set(key, deed.fields["tags"], by, self.now())
        elif deed.kind in ("merge", "move", "clone"):
            raise ValueError(f"incidents have no {deed.kind} in ServiceNow")
        else:
            self.desk.write(key, self._deed(deed, record), by, self.now())
        return key

    def _deed(self, deed: Deed, record: Mapping[str, str]) -> dict[str, str]:
        if deed.kind != "set":
            return {"comments" if deed.kind == "reply" else "work_notes": deed.text}
        fields: dict[str, str] = {}
        for name, value in deed.fields.items():
            fields |= self._set(name, value, record)
        return fields

    def _set(self, name: str, value: Any, record: Mapping[str, str]) -> dict[str, str]:
        match name:
            case "status":
                state, reason = STATES[value]
                closing = {k: record.get(k) or v for k, v in CLOSING.items()} if state in ("6", "7") else {}
                return {"state": state, "hold_reason": reason, **closing}
            case "priority":
                return self.desk.levels(value)
            case "group":
                return {"assignment_group": self.desk.group(value) if value else ""}
            case "assignee":
                return {"assigned_to": self.desk.person(value, value) if value else ""}
            case "tags":
                return {"u_tags": ",".join(value)}
        return {THEIRS.get(name, name): str(value)}

    def shown(self, key: str) -> dict[str, Any]:
        record, tables = self.desk.incidents.records[key], self.desk.tables
        value = self.desk.value
        state = (value(record, "state"), value(record, "hold_reason"))
        group = tables["sys_user_group"].records.get(value(record, "assignment_group"), {})
        person = tables["sys_user"].records.get(value(record, "assigned_to"), {})
        priority = value(record, "priority")
        return {
            "number": record["number"],
            "subject": value(record, "short_description"),
            "body": value(record, "description"),
            "product": value(record, "u_product") or None,
            "language": value(record, "u_language") or None,
            "status": _status(*state),
            "priority": next((ours for ours, theirs in PRIORITIES.items() if theirs == priority), "low" if priority == "5" else None),
            "group": group.get("name"),
            "assignee": person.get("email") or None,
            "tags": self.labels.of(key) if self._tags_are_labels else sorted(filter(None, value(record, "u_tags").split(","))),
            "files": self.files.of(key),
            "comments": [self._comment(record, row) for row in self._journal(key)],
        }

    def _journal(self, key: str) -> list[Mapping[str, str]]:
        rows, _ = self._found(
            self.desk.tables["sys_journal_field"], f"element_id={key}^ORDERBYsys_created_on^ORDERBYsys_id", 10_000, 0, False
        )
        return rows

    def _comment(self, record: Mapping[str, str], row: Mapping[str, str]) -> dict[str, Any]:
        caller = self.desk.tables["sys_user"].records.get(record.get("caller_id", ""), {}).get("user_name")
        by = "api" if row["sys_created_by"] == USER else "customer" if row["sys_created_by"] == caller else "agent"
        return {"id": row["sys_id"], "public": row["element"] == "comments", "text": row["value"], "by": by}

    def keys(self) -> list[str]:
        records = self.desk.incidents.records
        return sorted(records, key=lambda key: (records[key].get("sys_created_on", ""), records[key]["number"]))


def _status(state: str, reason: str) -> str | None:
    if state == "3":
        return "pending" if reason == "1" else "on_hold"
    return next((ours for ours, theirs in STATES.items() if theirs[0] == state), "closed" if state == "8" else None)
