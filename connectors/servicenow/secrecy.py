"""Which writes to ServiceNow surely show nothing to a customer: an entry in the journal of work notes, and nothing besides."""

import re
from typing import Any

from connectors.secrecy import only

RECORD = re.compile(r"/api/now/table/[a-z][a-z0-9_]*/[^/]+")


def shows_nothing(method: str, path: str, body: Any) -> bool:
    """The record's other journal, and every field beside it, may be on a page of the customer's."""
    return method == "PATCH" and bool(RECORD.fullmatch(path)) and only(body, "work_notes") and isinstance(body.get("work_notes"), str)
