"""Which writes to Salesforce surely show nothing to a customer: a case comment that is not published, and nothing besides."""

import re
from typing import Any

from connectors.secrecy import only

COMMENT = re.compile(r"/services/data/v\d+\.0/sobjects/CaseComment/?")


def shows_nothing(method: str, path: str, body: Any) -> bool:
    """What may be seen in the customer's portal depends on this flag alone."""
    return (
        method == "POST"
        and bool(COMMENT.fullmatch(path))
        and only(body, "ParentId", "CommentBody", "IsPublished")
        and body.get("IsPublished") is False
    )
