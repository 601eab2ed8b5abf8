"""What Zendesk accepts in a ticket that is sent to it, and how it says no."""

import re
from collections.abc import Mapping
from typing import Any

from connectors.zendesk.sandbox_desk import KINDS, STATUSES, Desk
from connectors.zendesk.sandbox_wire import invalid

PLAIN = {"status", "priority", "type", "subject", "group_id", "assignee_id", "requester_id", "organization_id", "tags", "custom_fields"}
PLAIN |= {"due_at", "external_id", "problem_id", "ticket_form_id", "brand_id", "custom_status_id"}
SPECIAL = {"comment", "description", "safe_update", "updated_stamp", "metadata", "requester", "assignee_email"}
CHOICES = {
    "status": (*STATUSES,),
    "priority": ("urgent", "high", "normal", "low", None),
    "type": ("problem", "incident", "question", "task", None),
}


def checked(desk: Desk, given: Mapping[str, Any], record: Mapping[str, Any] | None) -> tuple[dict[str, Any], list[str]]:
    """The fields to set and the keys that are ignored. Raises the 422 that Zendesk answers."""
    if record is not None and record["status"] == "closed":
        raise invalid("status", "Status: closed prevents ticket update")
    for key, allowed in CHOICES.items():
        if key in given and given[key] not in allowed:
            raise invalid(key, f"{key.title()}: {given[key]} is not a valid {key}")
    fields = {k: v for k, v in given.items() if k in PLAIN}
    if "tags" in fields:
        fields["tags"] = tags_of(fields["tags"])
    for held in fields.get("custom_fields") or ():
        if not _is_sound(held.get("value"), KINDS.get(held.get("id"), "")):
            raise invalid("base", f"{held['id']}: {held['value']} is not valid")
    _problem(desk, fields, record)
    _people(desk, given, fields)
    return fields, sorted(given.keys() - PLAIN - SPECIAL)


def _problem(desk: Desk, fields: dict[str, Any], record: Mapping[str, Any] | None) -> None:
    """Only an incident has one, and of any other ticket it is passed over; it must be a ticket of that type."""
    if fields.get("problem_id") is None:
        return
    if fields.get("type", (record or {}).get("type")) != "incident":
        del fields["problem_id"]
    elif desk.tickets.get(fields["problem_id"], {}).get("type") != "problem":
        raise invalid("problem_id", "Problem is invalid")


def _is_sound(value: Any, kind: str) -> bool:
    match kind:
        case "integer":
            return value is None or (isinstance(value, int) and not isinstance(value, bool))
        case "date":
            return value is None or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None)
        case "multiselect":
            return value is None or (isinstance(value, list) and all(isinstance(word, str) for word in value))
        case "checkbox":
            return value is None or isinstance(value, bool)
    return True


def _people(desk: Desk, given: Mapping[str, Any], fields: dict[str, Any]) -> None:
    """Groups must exist, assignees must be agents, a new requester is made from name and address."""
    if fields.get("group_id") is not None and fields["group_id"] not in desk.groups:
        raise invalid("group", "Group is invalid")
    if "assignee_email" in given:
        fields["assignee_id"] = next((u["id"] for u in desk.users.values() if u["email"] == given["assignee_email"]), -1)
    if fields.get("assignee_id") is not None and desk.users.get(fields["assignee_id"], {}).get("role") not in ("agent", "admin"):
        raise invalid("assignee", "Assignee is invalid")
    if isinstance(who := given.get("requester"), dict):
        fields["requester_id"] = desk.user(who["email"], who.get("name"))["id"]
    if fields.get("requester_id") is not None and fields["requester_id"] not in desk.users:
        raise invalid("requester", "Requester is invalid")


def tags_of(given: Any) -> list[str]:
    """Zendesk writes tags small, cuts them at blanks, and keeps each once."""
    return sorted({word for tag in given for word in str(tag).lower().split()})
