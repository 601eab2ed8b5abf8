"""Addresses under `/rest/api/VERSION/`."""

from urllib.parse import quote


def issue(key: str, *rest: str) -> str:
    """The path of an issue or of something under it; a key can never climb out of its place."""
    return "/".join(("issue", quote(key, safe=""), *rest))


def create_meta(project: str) -> str:
    """The issue types that can be made in a project; below it, by a type's id, the fields of its screen."""
    return f"issue/createmeta/{quote(project, safe='')}/issuetypes"
