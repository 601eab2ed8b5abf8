"""What people do in Zendesk's own pages, and what a judge sees there."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from connectors.sandbox import Deed, Sample
from connectors.zendesk.sandbox_desk import LANGUAGE, PRODUCT, STATUSES, TIER, VIA_WEB, Desk, stamp, via
from connectors.zendesk.sandbox_rules import tags_of

Filed: TypeAlias = Callable[[str, Deed], Mapping[str, Any]]
THEIRS = {"on_hold": "hold", "resolved": "solved"}  # our words for a status, where Zendesk's differ
OURS = {theirs: ours for ours, theirs in THEIRS.items()}
TYPES = ("question", "incident", "problem", "task")  # bug, request and change have no word there
CHANNELS = {"email": "email", "web": "web", "portal": "help_center", "chat": "native_messaging", "phone": "voice", "social": "twitter"}
MERGED = "closed_by_merge"
REOPENED = ("pending", "hold", "solved")


def loaded(desk: Desk, sample: Sample) -> str:
    """A ticket as if the customer had made it at the sample's `created_at`; its key."""
    customer = desk.user(sample.email, sample.requester, **_background(desk, sample))
    fields = {
        "subject": sample.subject,
        "raw_subject": sample.subject,
        "type": sample.type if sample.type in TYPES else None,
        "status": THEIRS.get(sample.status, sample.status),
        "priority": sample.priority,
        "group_id": desk.group(sample.group)["id"] if sample.group else None,
        "assignee_id": desk.user(sample.assignee, role="agent")["id"] if sample.assignee else None,
        "organization_id": customer["organization_id"],
        "tags": tags_of(sample.tags),
    }
    own = {PRODUCT: sample.product, LANGUAGE: sample.language, TIER: sample.tier}
    fields["custom_fields"] = fields["fields"] = [{"id": number, "value": value} for number, value in own.items()]
    way = via(CHANNELS.get(sample.channel, "api"))
    times = {"at": stamp(sample.created_at), "updated_at": stamp(sample.updated_at or sample.created_at)}
    number = int(sample.key) if sample.key and sample.key.isdigit() else None
    return str(desk.make(fields, sample.body, customer["id"], way, number=number, **times))


def _background(desk: Desk, sample: Sample) -> dict[str, Any]:
    organization = desk.organization(sample.organization)["id"] if sample.organization else None
    return {"organization_id": organization, "locale": sample.language}


def acted(desk: Desk, deed: Deed, filed: Filed) -> str:
    """Somebody acts; `filed` keeps a file and gives the comment that it hangs on. Raises `KeyError`.

    In a closed ticket nothing can be done any more: a customer's reply makes a follow-up.
    """
    if deed.kind == "create":
        if deed.sample is None:
            raise ValueError("a deed that creates needs a sample")
        return loaded(desk, deed.sample)
    record = _there(desk, deed.key or "")
    if record["status"] == "deleted":
        raise KeyError(deed.key)
    if record["status"] == "closed":
        return _follow_up(desk, record, deed) if deed.kind == "reply" and deed.by == "customer" else str(record["id"])
    _done(desk, deed, record, filed)
    return str(record["id"])


def _done(desk: Desk, deed: Deed, record: dict[str, Any], filed: Filed) -> None:
    match deed.kind:
        case "delete":
            desk.delete(record["id"])
        case "merge":
            _merge(desk, record, _there(desk, deed.into), deed)
        case "set":
            desk.change(record["id"], _fields(desk, deed), _author(desk, deed, record), VIA_WEB)
        case "move" | "clone":
            raise ValueError(f"tickets have no {deed.kind} in Zendesk")
        case "attach":
            _say(desk, deed, record, filed(str(record["id"]), deed))
        case _:
            _say(desk, deed, record, {"body": deed.text, "public": deed.kind == "reply"})


def _merge(desk: Desk, record: dict[str, Any], into: dict[str, Any], deed: Deed) -> None:
    """The one is closed with the tag by which merged tickets are known, the other told; both updates say so in their `via`."""
    by, number, other = _author(desk, deed, record), record["id"], into["id"]
    to, sender = {"ticket_id": other, "subject": into["subject"]}, {"ticket_id": number, "subject": record["subject"]}
    said = {"body": f'This request was closed and merged into request #{other} "{into["subject"]}".', "public": False}
    closed = {"status": "closed", "tags": sorted({*record["tags"], MERGED})}
    desk.change(number, closed, by, {"channel": "web", "source": {"from": {}, "to": to, "rel": "merge"}}, comment=said)
    told = {"body": f'Request #{number} "{record["subject"]}" was closed and merged into this request.', "public": False}
    desk.change(other, {}, by, {"channel": "web", "source": {"from": sender, "to": {}, "rel": "merge"}}, comment=told)


def _there(desk: Desk, key: str) -> dict[str, Any]:
    """Raises `KeyError` where there is no such ticket."""
    if not key.isdecimal() or int(key) not in desk.tickets:
        raise KeyError(key)
    return desk.tickets[int(key)]


def _follow_up(desk: Desk, record: dict[str, Any], deed: Deed) -> str:
    kept = {k: record[k] for k in ("subject", "priority", "type", "group_id", "organization_id", "tags", "custom_fields", "fields")}
    return str(desk.follow_up(record, kept, deed.text, record["requester_id"], "email"))


def _say(desk: Desk, deed: Deed, record: dict[str, Any], comment: Mapping[str, Any]) -> None:
    """A customer's reply opens what waits for it or was solved."""
    reopened = deed.by == "customer" and record["status"] in REOPENED
    way = via("email") if deed.by == "customer" else VIA_WEB
    desk.change(record["id"], {"status": "open"} if reopened else {}, _author(desk, deed, record), way, comment=comment)


def _author(desk: Desk, deed: Deed, record: dict[str, Any]) -> int:
    if deed.by == "customer":
        return int(record["requester_id"])
    return int(record["assignee_id"] or next(n for n, u in desk.users.items() if u["role"] == "agent"))


def _fields(desk: Desk, deed: Deed) -> dict[str, Any]:
    """A deed's fields, in our words, as Zendesk has them."""
    out: dict[str, Any] = {}
    for name, value in deed.fields.items():
        match name:
            case "status":
                out["status"] = THEIRS.get(value, value)
            case "group":
                out["group_id"] = desk.group(value)["id"] if value else None
            case "assignee":
                out["assignee_id"] = desk.user(value, role="agent")["id"] if value else None
            case "tags":
                out["tags"] = tags_of(value)
            case "product" | "language":
                number = {"product": PRODUCT, "language": LANGUAGE}[name]
                out["custom_fields"] = [*out.get("custom_fields", []), {"id": number, "value": value}]
            case _:
                out[name] = value
    if out.get("status", "new") not in STATUSES:
        raise ValueError(f"'{out['status']}' is no status here")
    return out


def shown(desk: Desk, key: str) -> dict[str, Any]:
    """The ticket as it truly is, for judges. Raises `KeyError`."""
    record = _there(desk, key)
    assignee, group = desk.users.get(record["assignee_id"] or 0), desk.groups.get(record["group_id"] or 0)
    own = {field["id"]: field["value"] for field in record["custom_fields"]}
    return {
        "status": OURS.get(record["status"], record["status"]),
        "priority": record["priority"],
        "type": record["type"],
        "group": group["name"] if group else None,
        "assignee": assignee["email"] if assignee else None,
        "tags": list(record["tags"]),
        "subject": record["subject"],
        "body": record["description"],
        "product": own.get(PRODUCT),
        "language": own.get(LANGUAGE),
        "requester": desk.users[record["requester_id"]]["email"],
        "comments": [_shown(desk, c) for c in desk.comments(record["id"])[1:]],
    }


def _shown(desk: Desk, comment: dict[str, Any]) -> dict[str, Any]:
    by = "api" if comment["via"]["channel"] == "api" else _side(desk, comment["author_id"])
    return {"id": str(comment["id"]), "public": comment["public"], "text": comment["body"], "by": by}


def _side(desk: Desk, user: int) -> str:
    return "customer" if desk.users[user]["role"] == "end-user" else "agent"
