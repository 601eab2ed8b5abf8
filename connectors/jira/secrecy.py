"""Which writes to Jira surely show nothing to a customer: an internal comment, a file on the issue itself, and nothing besides."""

import re
from typing import Any

from connectors.secrecy import only

ISSUE = r"(/ex/jira/[^/]+/rest/api/3|(/(?!\.+/)[\w.~-]+)*/rest/api/[23])/issue/[^/]+"
COMMENT, FILES = re.compile(f"{ISSUE}/comment/?"), re.compile(f"{ISSUE}/attachments/?")
"""At the site, at Atlassian's address for it, and behind the context path of a Data Center."""
INTERNAL = {"key": "sd.public.comment", "value": {"internal": True}}


def shows_nothing(method: str, path: str, body: Any) -> bool:
    """Jira Service Management shows a comment to the customer unless this very property says otherwise, once.

    A file that is attached to the issue shows on no comment, whatever it holds.
    """
    if method == "POST" and FILES.fullmatch(path):
        return True
    if method != "POST" or not COMMENT.fullmatch(path) or not only(body, "body", "properties"):
        return False
    properties = body.get("properties")
    if not isinstance(properties, list) or not all(only(one, "key", "value") for one in properties):
        return False
    about = [one for one in properties if one.get("key") == INTERNAL["key"]]
    return len(about) == 1 and about[0] == INTERNAL and about[0]["value"]["internal"] is True
