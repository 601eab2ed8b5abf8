"""What the sandbox says of a project: its issue types, their statuses, and the screen on which an issue is made."""

from collections.abc import Iterable

from connectors.jira.sandbox_site import API, ISSUE_TYPES, STATUSES, Json, OwnField, Project

A_PAGE = 50


def project(found: Project) -> Json:
    return {"expand": "description,lead", **found.view(), "issueTypes": [ISSUE_TYPES[name] for name in found.types]}


def workflow(found: Project) -> list[Json]:
    statuses = [STATUSES[name] for name in found.workflow]
    short = [{part: ISSUE_TYPES[name][part] for part in ("self", "id", "name", "subtask")} for name in found.types]
    return [{**kind, "statuses": statuses} for kind in short]


def types(found: Project) -> Json:
    return _page("issueTypes", [ISSUE_TYPES[name] for name in found.types])


def has_type(found: Project, id: str) -> bool:
    return id in {ISSUE_TYPES[name]["id"] for name in found.types}


def screen(own: Iterable[OwnField]) -> Json:
    """The site's own fields, with what a select offers."""
    return _page("fields", list(map(_shown, own)))


def _shown(field: OwnField) -> Json:
    named = {"name": field.name, "key": field.id, "fieldId": field.id}
    shown: Json = {"required": False, "schema": field.schema, **named, "operations": ["set"]}
    if field.options is None:
        return shown
    numbered = enumerate(sorted(field.options), 10100)
    return {**shown, "allowedValues": [{"self": f"{API}/customFieldOption/{n}", "value": word, "id": str(n)} for n, word in numbered]}


def _page(name: str, rows: list[Json]) -> Json:
    return {"startAt": 0, "maxResults": max(len(rows), A_PAGE), "total": len(rows), name: rows}
