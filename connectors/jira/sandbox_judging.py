"""An issue of the sandbox as judges see it: its true state, in our words."""

import re
from typing import Any

from connectors.jira.sandbox_issues import Issue, State
from connectors.jira.sandbox_site import GROUP_FIELD, LANGUAGE_FIELD, OUR_PRIORITY, OUR_STATUS, PRODUCT_FIELD, Json
from connectors.jira.sandbox_tracker import Tracker
from connectors.sandbox_files import detail_of


def shown(tracker: Tracker, issue: Issue) -> dict[str, Any]:
    """See `Sandbox.shown`."""
    state, flavour = issue.state, tracker.flavour
    return {
        "status": OUR_STATUS[state.status],
        "priority": OUR_PRIORITY.get(state.priority or ""),
        "group": state.own.get(GROUP_FIELD),
        "assignee": tracker.accounts[state.assignee].email if state.assignee else None,
        "tags": [label for label in state.labels if not re.fullmatch("tg-[0-9a-f]{8}", label)],
        "labels": list(state.labels),
        "subject": state.summary,
        "body": flavour.plain(state.description) if state.description else "",
        **{name: state.own.get(id) for name, id in (("product", PRODUCT_FIELD), ("language", LANGUAGE_FIELD))},
        "resolution": state.resolution,
        "native_status": state.status,
        "comments": [_judged(tracker, state, said) for said in issue.comments],
        "files": [detail_of(file) for file in state.files],
    }


def _judged(tracker: Tracker, state: State, said: Json) -> Json:
    public, author = tracker.views.is_public(state, said), said["author"]
    customer = author == state.reporter or tracker.accounts[author].kind == "customer"
    by = "api" if author == tracker.accounts.api else "customer" if customer else "agent"
    return {"id": said["id"], "public": public, "text": tracker.flavour.plain(said["body"]), "by": by}
