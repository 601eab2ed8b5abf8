"""Addresses under `/rest/api/3/`."""

from urllib.parse import quote

SEARCH = "search/jql"


def issue(key: str, *rest: str) -> str:
    """The path of an issue or of something under it; a key can never climb out of its place."""
    return "/".join(("issue", quote(key, safe=""), *rest))
