"""What ServiceNow can do, and what its connection may say: known without what speaks to it, and held together with it by tests."""

from connectors.base import Abilities
from connectors.servicenow.settings import ServiceNowSettings as Settings

__all__ = ["ABILITIES", "Settings"]

READS = frozenset(
    {
        "assignee",
        "body",
        "channel",
        "created_at",
        "due_at",
        "group",
        "impact",
        "priority",
        "requester",
        "resolution",
        "shown_as",
        "status",
        "subject",
        "tags",
        "type",
        "updated_at",
        "urgency",
        "url",
        "watchers",
    }
)
WRITES = frozenset({"assignee", "body", "due_at", "group", "impact", "priority", "resolution", "status", "subject", "tags", "urgency"})
ABILITIES = Abilities(
    reads=READS,
    writes=WRITES,
    coupled={
        "priority": frozenset({"impact", "urgency"}),
        "impact": frozenset({"priority"}),
        "urgency": frozenset({"priority"}),
        "status": frozenset({"resolution"}),
        "resolution": frozenset({"status"}),
        "group": frozenset({"assignee"}),
    },
    replies=True,
    notes=True,
    creates=True,
    comments=True,
    history=True,
    attachments=True,
    attaches=frozenset({"public"}),
    pushes=True,
    members=True,
    links=frozenset({"parent"}),
    tells=frozenset({"deletions"}),
    sweeps=True,
    knows=frozenset({"group", "user", "field"}),
    slas=True,
    describes=True,
    guards=False,
)
