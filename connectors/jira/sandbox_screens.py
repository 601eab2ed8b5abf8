"""What the sandbox says of a project: its issue types, their statuses, and the screens on which an issue is made or moved."""

from collections.abc import Container, Iterable

from connectors.jira.sandbox_site import API, ISSUE_TYPES, RESOLUTIONS, STATUSES, Json, OwnField, Project, Step
from connectors.sandbox import Answer

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
    """What every issue needs, then the site's own fields, with what a select offers."""
    schema = {"type": "string", "system": "summary"}
    summary: Json = {"required": True, "schema": schema, "name": "Summary", "key": "summary", "fieldId": "summary", "operations": ["set"]}
    return _page("fields", [summary, *map(_shown, own)])


def permissions(asked: list[str], denied: Container[str]) -> Answer:
    """Of our user, those that were asked for."""
    if not asked:
        return Answer(status=400, body={"errorMessages": ["The 'permissions' query parameter is required."], "errors": {}})
    numbered = enumerate(asked, 10)
    rows = {
        name: {"id": str(n), "key": name, "name": name.replace("_", " ").title(), "type": "PROJECT", "havePermission": name not in denied}
        for n, name in numbered
    }
    return Answer(body={"permissions": rows})


def _shown(field: OwnField) -> Json:
    named = {"name": field.name, "key": field.id, "fieldId": field.id}
    shown: Json = {"required": False, "schema": field.schema, **named, "operations": ["set"]}
    if field.options is None:
        return shown
    numbered = enumerate(sorted(field.options), 10100)
    return {**shown, "allowedValues": [{"self": f"{API}/customFieldOption/{n}", "value": word, "id": str(n)} for n, word in numbered]}


def transition(step: Step, *, with_fields: bool) -> Json:
    flags = {"isGlobal": False, "isInitial": False, "isAvailable": True, "isConditional": False, "looped": False}
    shown = {"id": step.id, "name": step.name, "to": STATUSES[step.to], "hasScreen": step.resolution, **flags}
    asked = {
        "resolution": {
            "required": True,
            "schema": {"type": "resolution", "system": "resolution"},
            "name": "Resolution",
            "key": "resolution",
            "hasDefaultValue": False,
            "operations": ["set"],
            "allowedValues": list(RESOLUTIONS.values()),
        }
    }
    return {**shown, "fields": asked if step.resolution else {}} if with_fields else shown


def _page(name: str, rows: list[Json]) -> Json:
    return {"startAt": 0, "maxResults": max(len(rows), A_PAGE), "total": len(rows), name: rows}
