"""How Zendesk says that a ticket was merged into another: a tag on the one that was closed, and the `via` of the update that closed it."""

import re
from typing import Any

from connectors.mapping import Record
from connectors.zendesk.shape import status_of, tags_of

TAG = "closed_by_merge"
NUMBER = re.compile(r"#(\d+)")


def is_merged(record: Any) -> bool:
    """Whether a ticket in any shape looks like one. Where an account took the tag away again, it is a closed ticket like any other."""
    return bool(status_of(record) == "closed" and TAG in (tags_of(record) or ()))


def merged_into(audit: Record) -> str | None:
    """The ticket that goes on, where this update is the merging: from its `via`, else from the number in the comment of the merge."""
    source = (audit.get("via") or {}).get("source") or {}
    if source.get("rel") != "merge":
        return None
    named = _ticket(source.get("to"))
    said = (e.get("body") or "" for e in audit.get("events") or () if e.get("type") == "Comment")
    return named or next((found[1] for body in said if (found := NUMBER.search(body))), None)


def _ticket(end: Any) -> str | None:
    number = end.get("ticket_id") if isinstance(end, dict) else None
    return str(number) if number else None
