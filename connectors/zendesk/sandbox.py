"""Zendesk's Support API on loopback, as one function over `Desk`, with its real weaknesses.

It withholds the last minute of an export, keeps deleted tickets in it, honours `safe_update` to the second, remembers an
Idempotency-Key for an hour and for creation only, finds nothing newer than a minute by search, and never reopens what is closed.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from connectors.sandbox import AGENTS, GROUPS, Answer, Clock, Deed, Request, Sample, Sandbox
from connectors.sandbox_tokens import Grants
from connectors.zendesk.sandbox_attachments import ELSEWHERE, Files
from connectors.zendesk.sandbox_desk import VIA_API, Desk, text_of
from connectors.zendesk.sandbox_people import acted, loaded, shown
from connectors.zendesk.sandbox_rules import checked, tags_of
from connectors.zendesk.sandbox_slas import beside
from connectors.zendesk.sandbox_wire import (
    EXPIRED,
    NOT_FOUND,
    NOT_SIGNED_IN,
    STALE,
    Refusal,
    Window,
    Windows,
    coded,
    listed,
    place_of,
    refusal,
)

CLIENT = ("ticketgate", "zendesk-sandbox-secret")
REFRESH = "zendesk-sandbox-refresh-0"
OAUTH_TOKEN, EMAIL, API_TOKEN = "zendesk-sandbox-oauth", "ticketgate@example.com", "zendesk-sandbox-token"  # of a sandbox
WITHHELD, KEPT = 60, timedelta(hours=1)
NOT_FIELDS = frozenset({"comment", "safe_update", "updated_stamp", "metadata"})
ANONYMOUS = {"user": {"id": None, "name": "Anonymous user", "email": "invalid@example.com", "role": "end-user"}}


class ZendeskSandbox(Sandbox):
    """One account. `export_limit` and `limit` are requests a minute, `update_limit` updates of one ticket in ten minutes."""

    system: ClassVar[str] = "zendesk"
    can = frozenset({"merge"})

    def __init__(self, clock: Clock, *, export_limit: int = 10_000, limit: int = 1_000_000, update_limit: int = 10_000) -> None:
        super().__init__(clock)
        self.desk = Desk(clock, self.url())
        self.files = Files(self.desk, self.took_effect)
        self.export_window, self.window = Window(export_limit, 60), Window(limit, 60)
        self.update_windows = Windows(update_limit, 600)
        self.grants = Grants(clock, timedelta(days=2), "zendesk-sandbox", REFRESH)
        self.cursors_forgotten = False  # a switch: no cursor is known until the next read from a start_time
        self.search_lag = timedelta(minutes=1)
        self._created: dict[str, tuple[datetime, bytes, Any]] = {}
        self._me = self.desk.user(EMAIL, "Ticketgate", "admin")["id"]
        for name, email in AGENTS:
            self.desk.user(email, name, "agent")
        for name in GROUPS:
            self.desk.group(name)

    @classmethod
    def url(cls) -> str:
        return "https://acme.zendesk.com"

    @classmethod
    def sign_in(cls) -> dict[str, str]:
        return {"client_id": CLIENT[0], "client_secret": CLIENT[1]}

    def load(self, samples: Iterable[Sample]) -> list[str]:
        return [loaded(self.desk, sample) for sample in samples]

    def people(self, deed: Deed) -> str:
        return acted(self.desk, deed, self.files.by_people)

    def shown(self, key: str) -> dict[str, Any]:
        return {**shown(self.desk, key), "files": self.files.of(key)}

    def keys(self) -> list[str]:
        return [str(number) for number in self.desk.tickets]

    def forbidden(self, why: str) -> Answer:
        return refusal(403, "Forbidden", f"You do not have access to this page: {why}").answer

    def forget_cursors(self) -> None:
        self.cursors_forgotten = True

    def expire_tokens(self) -> None:
        """Every access token given out so far is refused from now on."""
        self.grants.expire()

    def answer(self, request: Request) -> Answer:
        try:
            answer = self._answered(request)
        except Refusal as refused:
            answer = refused.answer
        except (ValueError, KeyError, TypeError, AttributeError):
            answer = refusal(400, "InvalidRequest", "the request could not be read").answer
        return Answer(status=answer.status, body=answer.body, headers={**self.window.headers(self.clock()), **answer.headers})

    def _answered(self, request: Request) -> Answer:
        if request.headers.get("host") == ELSEWHERE:
            return self.files.elsewhere(request)
        if (sent_on := self.files.sent_on(request, signed_in=self._is_signed_in(request))) is not None:
            return sent_on
        path = request.path.removesuffix(".json")
        if (request.method, path) == ("POST", "/oauth/tokens"):
            return self._token(request)
        self._sign_in(request, path)
        self.window.take(self.clock())
        for method, pattern, handler in ROUTES:
            found = re.fullmatch(pattern, path.removeprefix("/api/v2/"))
            if found and method == request.method:
                return handler(self, request, *map(int, found.groups()))
        raise refusal(404, *NOT_FOUND)

    def _token(self, request: Request) -> Answer:
        asked = request.json()
        if (asked.get("client_id"), asked.get("client_secret")) != CLIENT:
            said = {"error": "invalid_client", "error_description": "Client authentication failed due to unknown client."}
            raise Refusal(401, said)
        refresh = str(asked.get("refresh_token", "")) if asked.get("grant_type") == "refresh_token" else None
        given = self.grants.given(refresh) if refresh is not None or asked.get("grant_type") == "client_credentials" else None
        if given is None:
            raise Refusal(400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
        return Answer(body={**given, "token_type": "bearer", "scope": asked.get("scope", "read")})

    def _sign_in(self, request: Request, path: str) -> None:
        """A wrong token is an anonymous user to /users/me (as recorded), and 401 elsewhere."""
        if self._is_signed_in(request):
            return
        if path == "/api/v2/users/me":
            raise Refusal(200, ANONYMOUS)
        raise Refusal(401, EXPIRED if request.headers.get("authorization", "").startswith("Bearer ") else NOT_SIGNED_IN)

    def _is_signed_in(self, request: Request) -> bool:
        way, _, secret = request.headers.get("authorization", "").partition(" ")
        if way == "Bearer":
            return secret == OAUTH_TOKEN or self.grants.holds(secret)
        return way == "Basic" and _basic(secret) == f"{EMAIL}/token:{API_TOKEN}"

    def _export(self, request: Request) -> Answer:
        now = self.clock()
        self.export_window.take(now)
        upto = int(now.timestamp()) - WITHHELD
        if "cursor" in request.query and self.cursors_forgotten:
            raise refusal(400, "InvalidCursor", "the cursor is not valid")
        self.cursors_forgotten = False
        size = min(1000, max(1, int(request.query.get("per_page", "1000"))))
        rows, end = self._rows(place_of(request.query, upto), upto, size)
        after = coded(f"{rows[-1][0]}.0||{rows[-1][1]}|") if rows else request.query.get("cursor")
        tickets = [{**self.desk.tickets[number], "generated_timestamp": stamp} for stamp, number in rows]
        if request.query.get("exclude_deleted") == "true":
            tickets = [t for t in tickets if t["status"] != "deleted"]
        url = f"{self.url()}/api/v2/incremental/tickets/cursor.json?cursor={after}&per_page={size}" if after else None
        place = {"after_url": url, "before_url": None, "after_cursor": after, "before_cursor": None, "end_of_stream": end}
        return Answer(body={"tickets": tickets, **self._beside(request, tickets), **place})

    def _rows(self, place: tuple[int, int], upto: int, size: int) -> tuple[list[tuple[int, int]], bool]:
        """What the export shows after a place, and whether that is all that is not withheld."""
        first, last = self.desk.after(place), self.desk.after((upto - 1, 1 << 62))
        return self.desk.stream[first : min(first + size, last)], first + size >= last

    def _beside(self, request: Request, tickets: list[dict[str, Any]]) -> dict[str, Any]:
        """The side-loads asked for by `include`."""
        asked, desk = request.query.get("include", "").split(","), self.desk
        people = {t[k] for t in tickets for k in ("requester_id", "submitter_id", "assignee_id", "author_id") if t.get(k)}
        out: dict[str, Any] = {}
        if "users" in asked:
            out["users"] = [desk.users[n] for n in sorted(people)]
        if "groups" in asked:
            out["groups"] = [desk.groups[n] for n in sorted({t["group_id"] for t in tickets if t.get("group_id")})]
        if "organizations" in asked:
            out["organizations"] = [
                desk.organizations[n] for n in sorted({t["organization_id"] for t in tickets if t.get("organization_id")})
            ]
        return out

    def _show(self, request: Request, number: int) -> Answer:
        record = dict(self._there(number))
        slas = beside(self.desk, number, request.query.get("include", "").split(","))
        return Answer(body={"ticket": {**record, **slas}, **self._beside(request, [record])})

    def _list(self, request: Request) -> Answer:
        wanted = request.query.get("external_id")
        there = [t for t in self.desk.tickets.values() if t["status"] != "deleted" and wanted in (None, t["external_id"])]
        page = listed(request, f"{self.url()}/api/v2/tickets.json", "tickets", there)
        return Answer(body={**page, **self._beside(request, page["tickets"])})

    def _there(self, number: int) -> dict[str, Any]:
        record = self.desk.tickets.get(number)
        if record is None or record["status"] == "deleted":
            raise refusal(404, *NOT_FOUND)
        return record

    def _update(self, request: Request, number: int) -> Answer:
        record, given = self._there(number), request.json()["ticket"]
        fields, ignored = checked(self.desk, given, record)
        self._guard(record, given)
        self.update_windows.take(str(number), self.clock())
        comment, tokens = given.get("comment"), (given.get("comment") or {}).get("uploads") or []
        if tokens:
            comment = {**comment, "attachments": self.files.named(tokens)}
        audit = self.desk.change(number, fields, self._me, VIA_API, comment=comment, metadata=given.get("metadata"))
        if sent := {k: v for k, v in given.items() if k not in NOT_FIELDS}:
            self.took_effect("update", str(number), fields=sent)
        if comment:
            self._said(number, audit, comment)
            self.files.hung(str(number), tokens, public=comment.get("public", True))
        return Answer(body={"ticket": dict(record), "audit": audit}, headers=_warned(ignored))

    def _said(self, number: int, audit: Mapping[str, Any], comment: Mapping[str, Any]) -> None:
        said = next(e for e in audit["events"] if e["type"] == "Comment")
        self.took_effect("reply" if said["public"] else "note", str(number), id=str(said["id"]), body=said["body"])

    def _guard(self, record: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        """Compares whole seconds, like the real one: two changes in one second are one to it."""
        if given.get("safe_update") in (True, "true") and given.get("updated_stamp") != record["updated_at"]:
            raise refusal(409, "UpdateConflict", STALE)

    def _create(self, request: Request) -> Answer:
        key = request.headers.get("idempotency-key")
        if key and (known := self._remembered(key, request.body)) is not None:
            return Answer(status=201, body=known, headers={"x-idempotency-lookup": "hit"})
        given = request.json()["ticket"]
        fields, ignored = checked(self.desk, given, None)
        said = given.get("comment") or {}
        page = said.get("html_body")
        body = text_of(page) if page else said.get("body") or given.get("description")
        if not body:
            raise refusal(422, "RecordInvalid", "Record validation errors", details=BLANK)
        public = said.get("public", True)
        number = self._made(
            given.get("via_followup_source_id"), fields, body, public=public, html_body=page, metadata=given.get("metadata")
        )
        self.took_effect("create", str(number), subject=fields.get("subject"))
        answer = {"ticket": dict(self.desk.tickets[number]), "audit": self.desk.audits(number)[0]}
        if key:
            self._created[key] = (self.clock(), request.body, answer)
        location = {"location": f"{self.url()}/api/v2/tickets/{number}.json"}
        return Answer(
            status=201, body=answer, headers={**location, **_warned(ignored), **({"x-idempotency-lookup": "miss"} if key else {})}
        )

    def _made(self, source: Any, fields: dict[str, Any], body: str, **more: Any) -> int:
        """`via_followup_source_id` works with closed tickets only, whose tags the new one then has, and does nothing else."""
        closed = self.desk.tickets.get(source) if isinstance(source, int) else None
        if closed is None or closed["status"] != "closed":
            return self.desk.make(fields, body, self._me, VIA_API, **more)
        return self.desk.follow_up(closed, {"tags": list(closed["tags"]), **fields}, body, self._me, "api", **more)

    def _remembered(self, key: str, body: bytes) -> Any:
        """The answer given within the last hour to the same request under the same key."""
        at, before, answer = self._created.get(key, (None, b"", None))
        if at is None or self.clock() - at > KEPT:
            return None
        if before != body:
            raise refusal(400, "IdempotentRequestError", "Request parameters don't match the given idempotency key")
        return answer

    def _delete(self, request: Request, number: int) -> Answer:
        self._there(number)
        self.desk.delete(number)
        self.took_effect("update", str(number), fields={"status": "deleted"})
        return Answer(status=204)

    def _tags(self, request: Request, number: int) -> Answer:
        """GET shows, POST sets, PUT adds, DELETE removes."""
        record = self._there(number)
        if request.method == "GET":
            return Answer(body={"tags": record["tags"]})
        given = request.json()
        self._guard(record, given)
        now, named = record["tags"], tags_of(given["tags"])
        after = {"POST": named, "PUT": sorted({*now, *named}), "DELETE": [t for t in now if t not in named]}[request.method]
        fields, _ = checked(self.desk, {"tags": after}, record)
        self.desk.change(number, fields, self._me, VIA_API)
        self.took_effect("update", str(number), fields={"tags": after})
        status = {"POST": 201, "PUT": 200, "DELETE": 204}[request.method]
        return Answer(status=status, body={"tags": after} if status != 204 else None)

    def _history(self, request: Request, number: int, *, name: str) -> Answer:
        """A ticket's audits or its comments, oldest first."""
        self._there(number)
        records = self.desk.audits(number) if name == "audits" else self.desk.comments(number)
        page = listed(request, f"{self.url()}/api/v2/tickets/{number}/{name}.json", name, records)
        return Answer(body={**page, **self._beside(request, page[name])})

    def _me_shown(self, request: Request) -> Answer:
        return Answer(body={"user": self.desk.users[self._me]})

    def _one(self, request: Request, number: int, *, kind: str) -> Answer:
        found = getattr(self.desk, f"{kind}s").get(number)
        if found is None:
            raise refusal(404, *NOT_FOUND)
        return Answer(body={kind: found})

    def _all(self, request: Request, *, kind: str) -> Answer:
        return Answer(body=listed(request, f"{self.url()}/api/v2/{kind}.json", kind, list(getattr(self.desk, kind).values())))

    def _members(self, request: Request, number: int) -> Answer:
        """Who belongs to a group."""
        if number not in self.desk.groups:
            raise refusal(404, *NOT_FOUND)
        url = f"{self.url()}/api/v2/groups/{number}/memberships.json"
        return Answer(body=listed(request, url, "group_memberships", self.desk.memberships(number)))

    def _triggers(self, request: Request) -> Answer:
        """By position; `active` chooses."""
        wanted = {"true": (True,), "false": (False,)}.get(request.query.get("active", ""), (True, False))
        found = sorted((t for t in self.desk.triggers if t["active"] in wanted), key=lambda t: int(t["position"]))
        return Answer(body=listed(request, f"{self.url()}/api/v2/triggers.json", "triggers", found))

    def _many(self, request: Request, *, kind: str) -> Answer:
        """By ids; those that do not exist are left out, as Zendesk does."""
        ids = [int(n) for n in request.query.get("ids", "").split(",") if n]
        if len(ids) > 100:
            raise refusal(400, "TooManyValues", "Parameter ids cannot specify more than 100 values")
        held = getattr(self.desk, kind)
        return Answer(body=listed(Request(method="GET", path=""), "", kind, [held[n] for n in ids if n in held]))

    def _find_users(self, request: Request) -> Answer:
        """By a part of the name or of the address."""
        wanted = request.query.get("query", "").casefold()
        found = [
            u for u in self.desk.users.values() if wanted and (wanted in u["name"].casefold() or wanted in (u["email"] or "").casefold())
        ]
        return Answer(body=listed(request, f"{self.url()}/api/v2/users/search.json", "users", found))

    def _search(self, request: Request) -> Answer:
        """At most a thousand results."""
        found = self._searched(request)
        if (int(request.query.get("page", "1")) - 1) * 100 >= 1000:
            raise refusal(422, "invalid", "Invalid search: Search Response Limits exceeded")
        return Answer(body={**listed(request, f"{self.url()}/api/v2/search.json", "results", found), "facets": None})

    def _searched(self, request: Request) -> list[dict[str, Any]]:
        """Tickets by `external_id:`, `status:`, `updated>=` or words of the subject; the index is a minute behind."""
        words = [w for w in request.query["query"].split() if w != "type:ticket"]
        upto = (self.clock() - self.search_lag).timestamp()
        there = [t for t in self.desk.tickets.values() if t["status"] != "deleted" and self.desk.generated[t["id"]] <= upto]
        return [{**t, "result_type": "ticket"} for t in there if all(_fits(t, word) for word in words)]


def _fits(ticket: Mapping[str, Any], word: str) -> bool:
    if word.startswith("updated>="):
        return bool(ticket["updated_at"] >= word.removeprefix("updated>="))
    key, colon, value = word.partition(":")
    return str(ticket.get(key)) == value if colon else word.casefold() in (ticket["subject"] or "").casefold()


def _basic(secret: str) -> str:
    try:
        return base64.b64decode(secret, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _warned(ignored: list[str]) -> dict[str, str]:
    """Zendesk ignores what it does not know, and says so only here."""
    return {"x-zendesk-api-warn": f"{{:unpermitted_keys=>{ignored}}}"} if ignored else {}


BLANK = {"base": [{"description": "Description: cannot be blank", "error": "BlankValue"}]}
Handler = Callable[..., Answer]
S = ZendeskSandbox
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", r"uploads", lambda sandbox, request: sandbox.files.uploaded(request)),
    ("GET", r"attachments/(\d+)", lambda sandbox, request, number: sandbox.files.shown(number)),
    ("GET", r"incremental/tickets/cursor", S._export),
    ("GET", r"tickets", S._list),
    ("POST", r"tickets", S._create),
    ("GET", r"tickets/(\d+)", S._show),
    ("PUT", r"tickets/(\d+)", S._update),
    ("DELETE", r"tickets/(\d+)", S._delete),
    *((method, r"tickets/(\d+)/tags", S._tags) for method in ("GET", "POST", "PUT", "DELETE")),
    ("GET", r"tickets/(\d+)/comments", partial(S._history, name="comments")),
    ("GET", r"tickets/(\d+)/audits", partial(S._history, name="audits")),
    ("GET", r"tickets/show_many", partial(S._many, kind="tickets")),
    ("GET", r"users/me", S._me_shown),
    ("GET", r"triggers", S._triggers),
    ("GET", r"groups/(\d+)/memberships", S._members),
    ("GET", r"users/search", S._find_users),
    ("GET", r"search", S._search),
    ("GET", r"search/count", lambda sandbox, request: Answer(body={"count": len(sandbox._searched(request))})),
    *(("GET", kind, partial(S._all, kind=kind)) for kind in ("users", "groups", "organizations", "ticket_fields")),
    *(("GET", f"{kind}/show_many", partial(S._many, kind=kind)) for kind in ("users", "organizations")),
    *(("GET", rf"{kind}s/(\d+)", partial(S._one, kind=kind)) for kind in ("user", "group", "organization")),
)
