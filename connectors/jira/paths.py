"""Addresses under `/rest/api/VERSION/`."""

from urllib.parse import quote


def part(name: str) -> str:
    """One step of a path, whatever it holds."""
    return quote(name, safe="")


def issue(key: str, *rest: str) -> str:
    """The path of an issue or of something under it; a key can never climb out of its place."""
    return "/".join(("issue", part(key), *rest))


def create_meta(project: str) -> str:
    """The issue types that can be made in a project; below it, by a type's id, the fields of its screen."""
    return f"issue/createmeta/{part(project)}/issuetypes"
