"""The sandbox's Jira Service Management: which projects are service desks, and the SLAs of a request as an administrator set them up."""

from datetime import datetime
from typing import Any

from connectors.jira.sandbox_issues import Issue, Views, milliseconds
from connectors.jira.sandbox_site import URL, Json, Project
from connectors.sandbox import Answer, Request

DESK_API = f"{URL}/rest/servicedeskapi"


def sla(views: Views, name: str, *, over: list[Json], ongoing: Json | None = None) -> Json:
    """An SLA. A cycle has the moments `start`, `breach` (and `stop`), `breached` and perhaps `paused`; its goal is four hours."""
    shown: Json = {"id": str(10030 + len(name)), "name": name, "completedCycles": [_cycle(views, one) for one in over]}
    if ongoing is not None:
        within = {"paused": ongoing.get("paused", False), "withinCalendarHours": True}
        shown["ongoingCycle"] = {**_cycle(views, ongoing), **within}
    return shown


def _cycle(views: Views, one: Json) -> Json:
    moments = {f"{word}Time": date(views, one[word]) for word in ("start", "stop", "breach") if one.get(word)}
    goal = 4 * 3_600_000
    spent = milliseconds(one["stop"]) - milliseconds(one["start"]) if one.get("stop") else 0
    amounts = {"goalDuration": goal, "elapsedTime": spent, "remainingTime": goal - spent}
    return {**moments, "breached": one["breached"], **{name: _amount(ms) for name, ms in amounts.items()}}


def date(views: Views, at: datetime) -> Json:
    """A moment as Service Management tells it."""
    text = str(views.stamp(at))
    return {"iso8601": text[:19] + text[23:], "jira": text, "friendly": f"{at:%d/%b/%y %H:%M}", "epochMillis": milliseconds(at)}


def _amount(ms: int) -> Json:
    minutes = abs(ms) // 60_000
    return {"millis": ms, "friendly": f"{'-' if ms < 0 else ''}{minutes // 60}h {minutes % 60}m"}


def desks(request: Request, projects: dict[str, Project]) -> Answer:
    found = [
        {"id": project.id, "projectId": project.id, "projectName": project.name, "projectKey": project.key}
        for project in projects.values()
        if project.kind == "service_desk"
    ]
    return page(request, "servicedesk", found)


def slas(request: Request, issue: Issue, projects: dict[str, Project]) -> Answer:
    """Issues of other projects are no requests."""
    if projects[issue.state.project].kind != "service_desk":
        return Answer(status=404, body={"errorMessage": "The customer request does not exist.", "i18nErrorMessage": {}})
    return page(request, f"request/{issue.state.key}/sla", issue.slas)


def page(request: Request, path: str, rows: list[Any]) -> Answer:
    """A page of one of its lists."""
    start, limit = int(request.query.get("start", 0)), min(int(request.query.get("limit", 50)), 50)
    shown = rows[start : start + limit]
    here = {"base": DESK_API, "context": "", "self": f"{DESK_API}/{path}"}
    page = {"size": len(shown), "start": start, "limit": limit, "isLastPage": start + limit >= len(rows)}
    return Answer(body={"_expands": [], **page, "_links": here, "values": shown})
