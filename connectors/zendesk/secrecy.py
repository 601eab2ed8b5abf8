"""Which writes to Zendesk surely show nothing to a customer: an update that holds a private comment, and nothing besides."""

import re
from typing import Any

from connectors.secrecy import only

TICKET = re.compile(r"/api/v2/tickets/\d+\.json")


BESIDE = ("comment", "metadata", "safe_update", "updated_stamp")
"""What a comment is sent with: our mark and the guard."""


def shows_nothing(method: str, path: str, body: Any) -> bool:
    """A comment of which nothing is said is public here; who may not see a comment may not see its files."""
    if method != "PUT" or not TICKET.fullmatch(path) or not only(body, "ticket") or not only(body.get("ticket"), *BESIDE):
        return False
    comment = body["ticket"].get("comment")
    return only(comment, "html_body", "public", "uploads") and comment.get("public") is False
