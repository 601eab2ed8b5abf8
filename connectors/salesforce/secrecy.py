"""Which writes to Salesforce surely show nothing to a customer: a case comment that is not published, a post for internal users."""

import re
from typing import Any

from connectors.secrecy import only

COMMENT = re.compile(r"/services/data/v\d+\.0/sobjects/CaseComment/?")
POST = re.compile(r"/services/data/v\d+\.0/sobjects/FeedItem/?")


def shows_nothing(method: str, path: str, body: Any) -> bool:
    """What may be seen in the customer's portal depends on this flag alone; an e-mail is seen by whoever gets it."""
    if method != "POST":
        return False
    if COMMENT.fullmatch(path):
        return only(body, "ParentId", "CommentBody", "IsPublished") and body.get("IsPublished") is False
    return bool(POST.fullmatch(path)) and only(body, "ParentId", "Body", "Visibility") and body.get("Visibility") == "InternalUsers"
