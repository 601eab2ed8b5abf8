"""Which writes to Salesforce surely show nothing to a customer: a case comment that is not published, a post and the link of a file
for internal users. A file that is not linked yet is seen by our user alone, but its form cannot be read: it is sent before."""

import re
from typing import Any

from connectors.secrecy import only

COMMENT = re.compile(r"/services/data/v\d+\.0/sobjects/CaseComment/?")
POST = re.compile(r"/services/data/v\d+\.0/sobjects/FeedItem/?")
ELEMENT = re.compile(r"/services/data/v\d+\.0/chatter/feed-elements/?")
"""The same post with those whom it mentions."""
LINK = re.compile(r"/services/data/v\d+\.0/sobjects/ContentDocumentLink/?")


def shows_nothing(method: str, path: str, body: Any) -> bool:
    """What may be seen in the customer's portal depends on this flag alone; an e-mail is seen by whoever gets it."""
    if method != "POST":
        return False
    if COMMENT.fullmatch(path):
        return only(body, "ParentId", "CommentBody", "IsPublished") and body.get("IsPublished") is False
    if POST.fullmatch(path):
        return only(body, "ParentId", "Body", "Visibility") and body.get("Visibility") == "InternalUsers"
    if ELEMENT.fullmatch(path):
        return only(body, "body", "feedElementType", "subjectId", "visibility") and body.get("visibility") == "InternalUsers"
    names = ("ContentDocumentId", "LinkedEntityId", "ShareType", "Visibility")
    return bool(LINK.fullmatch(path)) and only(body, *names) and body.get("Visibility") == "InternalUsers"
