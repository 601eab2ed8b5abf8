"""What the Zendesk sandbox holds: people, groups, tickets, their audits, and the order in which an export shows them."""

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape, unescape
from itertools import count
from typing import Any

from connectors.sandbox import Clock, members_of

STATUSES = {"new": 1, "open": 2, "pending": 3, "hold": 4, "solved": 5, "closed": 6}  # and the number of each one's custom status
CUSTOM_STATUS = 360000000200
PRODUCT, LANGUAGE, ERROR_CODE, TIER = 360000000101, 360000000102, 360000000103, 360000000104
SEATS, START, REGIONS, BETA = 360000000105, 360000000106, 360000000107, 360000000108
OWN_FIELDS = {
    **{PRODUCT: "Product", LANGUAGE: "Language", ERROR_CODE: "Error code", TIER: "Contract tier"},
    **{SEATS: "Seats", START: "Start", REGIONS: "Regions", BETA: "Beta"},
}
"""The account's own ticket fields."""

KINDS = {SEATS: "integer", START: "date", REGIONS: "multiselect", BETA: "checkbox"}
CHOICES = {TIER: ("bronze", "silver", "gold", "platinum", "partner"), REGIONS: ("apac", "emea", "latam")}
FORM, BRAND = 360000000901, 360000000902

TICKET: Mapping[str, Any] = {
    "url": "", "id": 0, "external_id": None, "via": None, "created_at": "", "updated_at": "", "type": None, "subject": None,
    "raw_subject": None, "description": None, "priority": None, "status": "new", "recipient": None, "requester_id": None,
    "submitter_id": None, "assignee_id": None, "organization_id": None, "group_id": None, "collaborator_ids": [], "follower_ids": [],
    "email_cc_ids": [], "forum_topic_id": None, "problem_id": None, "has_incidents": False, "is_public": True, "due_at": None,
    "tags": [], "custom_fields": [], "satisfaction_rating": None, "sharing_agreement_ids": [], "custom_status_id": None, "fields": [],
    "followup_ids": [], "ticket_form_id": FORM, "brand_id": BRAND, "allow_channelback": False, "allow_attachments": True,
    "from_messaging_channel": False,
}  # fmt: skip

USER: Mapping[str, Any] = {
    "id": 0, "url": "", "name": "", "email": None, "created_at": "", "updated_at": "", "time_zone": "UTC", "iana_time_zone": "Etc/UTC",
    "phone": None, "shared_phone_number": None, "photo": None, "locale_id": 1, "locale": "en-US", "organization_id": None,
    "role": "end-user", "verified": True, "external_id": None, "tags": [], "alias": None, "active": True, "shared": False,
    "shared_agent": False, "last_login_at": None, "two_factor_auth_enabled": None, "signature": None, "details": None, "notes": None,
    "role_type": None, "custom_role_id": None, "moderator": False, "ticket_restriction": "requested", "only_private_comments": False,
    "restricted_agent": True, "suspended": False, "default_group_id": None, "report_csv": False, "user_fields": {},
}  # fmt: skip


def via(channel: str, **source: Any) -> dict[str, Any]:
    return {"channel": channel, "source": {"from": source.get("sender", {}), "to": source.get("to", {}), "rel": source.get("rel")}}


VIA_API, VIA_WEB = via("api"), via("web")


class Desk:
    """One account's records, changed only through here: every change leaves an audit and a place in the export."""

    def __init__(self, clock: Clock, url: str) -> None:
        self.clock, self.url = clock, url
        self.tickets: dict[int, dict[str, Any]] = {}
        self.users: dict[int, dict[str, Any]] = {}
        self.groups: dict[int, dict[str, Any]] = {}
        self.organizations: dict[int, dict[str, Any]] = {}
        self.ticket_fields = {number: _ticket_field(number, title, url) for number, title in OWN_FIELDS.items()}
        self.stream: list[tuple[int, int]] = []  # (generated_timestamp, ticket), in the order of an export
        self.generated: dict[int, int] = {}
        self.slas: dict[int, dict[str, Any]] = {}  # by ticket, as `sandbox_slas.py` keeps them
        self._audits: dict[int, list[Any]] = {}
        self.triggers: list[dict[str, Any]] = []
        self._ids, self._numbers = count(900000000001), count(1)
        self._by_email: dict[str, int] = {}
        self._by_name: dict[tuple[str, str], int] = {}

    def next_id(self) -> int:
        return next(self._ids)

    def now(self) -> str:
        return stamp(self.clock())

    def user(self, email: str, name: str | None = None, role: str = "end-user", **more: Any) -> dict[str, Any]:
        """The user with this address, made when there is none."""
        known = self._by_email.get(email.casefold())
        if known is not None:
            return self.users[known]
        number = next(self._ids)
        at, url = self.now(), f"{self.url}/api/v2/users/{number}.json"
        own = {"id": number, "url": url, "name": name or email.partition("@")[0], "email": email, "created_at": at, "updated_at": at}
        agent = {"ticket_restriction": None, "restricted_agent": False, "moderator": True} if role != "end-user" else {}
        self.users[number] = {**USER, **own, "role": role, **agent, **more}
        self._by_email[email.casefold()] = number
        return self.users[number]

    def group(self, name: str) -> dict[str, Any]:
        """The group with this name, made when there is none."""
        return self._named("groups", self.groups, name, {"is_public": True, "description": "", "default": False, "deleted": False})

    def memberships(self, group: int) -> list[dict[str, Any]]:
        here, at = members_of(self.groups[group]["name"]), self.groups[group]["created_at"]
        rows = ({"id": group * 100 + n, "user_id": user} for n, (user, one) in enumerate(self.users.items()) if one["email"] in here)
        url = f"{self.url}/api/v2/group_memberships"
        more = {"group_id": group, "default": False, "created_at": at, "updated_at": at}
        return [{"url": f"{url}/{row['id']}.json", **row, **more} for row in rows]

    def organization(self, name: str) -> dict[str, Any]:
        """The organization with this name, made when there is none."""
        more: dict[str, Any] = {"shared_tickets": False, "shared_comments": False, "external_id": None, "domain_names": [], "details": None}
        return self._named(
            "organizations", self.organizations, name, {**more, "notes": None, "group_id": None, "tags": [], "organization_fields": {}}
        )

    def _named(self, kind: str, held: dict[int, dict[str, Any]], name: str, more: Mapping[str, Any]) -> dict[str, Any]:
        number = self._by_name.get((kind, name.casefold()))
        if number is None:
            number, at = next(self._ids), self.now()
            self._by_name[kind, name.casefold()] = number
            url = f"{self.url}/api/v2/{kind}/{number}.json"
            held[number] = {"url": url, "id": number, "name": name, **more, "created_at": at, "updated_at": at}
        return held[number]

    def follow_up(self, closed: dict[str, Any], fields: Mapping[str, Any], body: str, author: int, channel: str, **more: Any) -> int:
        """A new ticket about what a closed one was about; each of the two names the other."""
        sender = {"ticket_id": closed["id"], "subject": closed["subject"], "channel": (closed["via"] or {}).get("channel")}
        number = self.make(fields, body, author, via(channel, sender=sender, rel="follow_up"), **more)
        closed["followup_ids"] = [*closed["followup_ids"], number]
        return number

    def make(self, fields: Mapping[str, Any], body: str, author: int, way: Mapping[str, Any], *, at: str | None = None, **more: Any) -> int:
        """A new ticket and its number; `metadata`, `public`, `number` and `updated_at` where they matter."""
        number, at = more.get("number") or self._free_number(), at or self.now()
        first = {"id": number, "url": f"{self.url}/api/v2/tickets/{number}.json", "via": way, "created_at": at}
        said = {"raw_subject": fields.get("subject"), "description": body, "submitter_id": author, "is_public": more.get("public", True)}
        record = {**TICKET, **first, "updated_at": more.get("updated_at") or at, **said, **fields}
        record["requester_id"] = record["requester_id"] or author
        if record["assignee_id"] and record["status"] == "new":
            record["status"] = "open"
        record["custom_status_id"] = STATUSES[record["status"]] + CUSTOM_STATUS
        self.tickets[number] = record
        created = tuple((k, record[k]) for k in CREATED if record[k] is not None)
        self._audits[number] = [(self._block(len(created) + 2), author, at, way, body, created, more)]
        self._show(number, record["updated_at"])
        return int(number)

    def _free_number(self) -> int:
        return next(n for n in self._numbers if n not in self.tickets)

    def _block(self, size: int) -> int:
        """The first of `size` ids in a row."""
        first = next(self._ids)
        for _ in range(size - 1):
            next(self._ids)
        return first

    def change(self, number: int, fields: Mapping[str, Any], author: int, way: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Sets `fields`, says `comment`, and returns the audit. What does not differ changes nothing, not even the stamp."""
        record, at = self.tickets[number], self.now()
        audit: dict[str, Any] = {"id": next(self._ids), "ticket_id": number, "created_at": at, "author_id": author}
        events = [self._said(more["comment"], author, audit["id"])] if more.get("comment") else []
        events += [e for key, value in self._coupled(record, fields).items() for e in self._set(record, key, value)]
        audit |= {"metadata": metadata(more.get("metadata")), "events": events, "via": way}
        record["raw_subject"] = record["subject"]
        if events:
            self._born(number)
            self._audits[number].append(audit)
            record["updated_at"] = at
            self._show(number, at)
        return audit

    def _coupled(self, record: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
        """What Zendesk changes along: a new ticket that somebody gets is open, and a status has its custom status."""
        out = dict(fields)
        if out.get("assignee_id") and out.get("status", record["status"]) == "new":
            out["status"] = "open"
        if "status" in out and out["status"] in STATUSES:
            out["custom_status_id"] = STATUSES[out["status"]] + CUSTOM_STATUS
        return out

    def _set(self, record: dict[str, Any], key: str, value: Any) -> Iterator[dict[str, Any]]:
        """One event for each value that differs."""
        if key == "custom_fields":
            yield from self._set_custom(record, value)
        elif record.get(key) != value:
            yield self._event("Change", key, value, record.get(key))
            record[key] = value

    def _set_custom(self, record: dict[str, Any], given: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        held = {f["id"]: f["value"] for f in record["custom_fields"]}
        for field in given:
            if held.get(field["id"]) != field["value"]:
                yield self._event("Change", str(field["id"]), field["value"], held.get(field["id"]))
                held[field["id"]] = field["value"]
        record["custom_fields"] = record["fields"] = [{"id": k, "value": v} for k, v in held.items()]

    def _event(self, kind: str, key: str, value: Any, before: Any) -> dict[str, Any]:
        said = {"id": next(self._ids), "type": kind, "value": plain(key, value), "field_name": key}
        return {**said, "previous_value": plain(key, before)}

    def _said(self, comment: Mapping[str, Any], author: int, audit: int) -> dict[str, Any]:
        return _comment(next(self._ids), comment.get("author_id") or author, comment, comment.get("public", True), audit)

    def system_change(self, number: int, **fields: Any) -> None:
        """As a merge or an automation's side effect does: the content and the export move on, `updated_at` stays."""
        self.tickets[number].update(fields)
        self._show(number, self.now())

    def delete(self, number: int) -> None:
        self.tickets[number].update(status="deleted", updated_at=self.now())
        self._show(number, self.now())

    def _show(self, number: int, at: str) -> None:
        """The ticket's place in the export is where it last moved to."""
        if number in self.generated:
            del self.stream[bisect_left(self.stream, (self.generated[number], number))]
        self.generated[number] = int(datetime.fromisoformat(at).timestamp())
        insort(self.stream, (self.generated[number], number))

    def after(self, place: tuple[int, int]) -> int:
        """The index in the stream of what comes after a place."""
        return bisect_right(self.stream, place)

    def audits(self, number: int) -> list[dict[str, Any]]:
        self._born(number)
        return self._audits[number]

    def _born(self, number: int) -> None:
        """The first audit is made when somebody looks: most of fifty thousand never are."""
        held = self._audits[number]
        if isinstance(held[0], tuple):
            held[0] = _first_audit(number, *held[0])

    def comments(self, number: int) -> list[dict[str, Any]]:
        """As the list of comments has them; the first is the description."""
        return [
            {**{k: v for k, v in e.items() if k != "audit_id"}, "audit_id": a["id"], "via": a["via"], "created_at": a["created_at"]}
            | {"metadata": a["metadata"]}
            for a in self.audits(number)
            for e in a["events"]
            if e["type"] == "Comment"
        ]


def _ticket_field(number: int, title: str, url: str) -> dict[str, Any]:
    flags = dict.fromkeys(("required", "collapsed_for_agents", "visible_in_portal", "editable_in_portal", "required_in_portal"), False)
    named = dict.fromkeys(("title", "raw_title", "title_in_portal", "raw_title_in_portal"), title)
    kept = {"active": True, "removable": True, "position": number % 1000, "tag": None, "description": "", "agent_description": None}
    words = enumerate(CHOICES.get(number, ()), number + 1)
    options = [{"id": n, "name": word, "raw_name": word, "value": word, "default": False} for n, word in words]
    kind: dict[str, Any] = {
        "type": KINDS.get(number, "tagger" if options else "text"),
        **({"custom_field_options": options} if options else {}),
    }
    return {"url": f"{url}/api/v2/ticket_fields/{number}.json", "id": number, **kind, **named, **flags, **kept}


CREATED = ("subject", "requester_id", "assignee_id", "priority", "type", "status", "organization_id", "group_id", "tags", "brand_id")


def _first_audit(
    number: int, first: int, author: int, at: str, way: Any, body: str, created: tuple[tuple[str, Any], ...], more: Mapping[str, Any]
) -> dict[str, Any]:
    events: list[dict[str, Any]] = [
        _comment(first + 1, author, {"body": body, "html_body": more.get("html_body")}, more.get("public", True), first)
    ]
    events += [{"id": first + 2 + n, "type": "Create", "value": plain(k, v), "field_name": k} for n, (k, v) in enumerate(created)]
    head = {"id": first, "ticket_id": number, "created_at": at, "author_id": author, "metadata": metadata(more.get("metadata"))}
    return {**head, "events": events, "via": way}


def _comment(number: int, author: int, given: Mapping[str, Any], public: bool, audit: int) -> dict[str, Any]:
    """`html_body` wins over `body`; of either, the other one is made."""
    body, page = given.get("body") or "", given.get("html_body")
    if page:
        body = text_of(page)
    else:
        page = "".join(f'<p dir="auto">{escape(part)}</p>' for part in body.split("\n\n"))
    said = {"body": body, "html_body": f'<div class="zd-comment" dir="auto">{page}</div>', "plain_body": body}
    return {
        "id": number,
        "type": "Comment",
        "author_id": author,
        **said,
        "public": public,
        "attachments": given.get("attachments") or [],
        "audit_id": audit,
    }


def text_of(page: str) -> str:
    """What a browser would show of it; written apart from the connector's reader, so that one fault does not hide in both."""
    page = re.sub(r"</p>\s*</li>", "</li>", page)
    flat = re.sub(r"<(/p|/h\d|/pre|/blockquote|/table|/ul|/ol)>\s*", "\n\n", re.sub(r"(?s)(?<!\n)\n(?=<)", "", page))
    for pattern, said in ((r"<br\s*/?>|</li>|</tr>", "\n"), (r"</t[hd]>", " "), (r"<li>", "* "), (r"<[^>]*>", "")):
        flat = re.sub(pattern, said, flat)
    return re.sub(r"\n{3,}", "\n\n", unescape(flat)).strip()


def metadata(custom: Any) -> dict[str, Any]:
    return {"system": {}, "custom": custom if isinstance(custom, dict) else {}}


def plain(key: str, value: Any) -> Any:
    """How an audit says a value: numbers of people and groups as text."""
    return str(value) if key.endswith("_id") and value is not None else value


def stamp(moment: datetime) -> str:
    """Zendesk stamps whole seconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
