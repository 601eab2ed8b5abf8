"""What Jira can do, and what its connection may say: known without what speaks to it, and held together with it by tests."""

from connectors.base import Abilities
from connectors.jira.settings import JiraSettings as Settings

__all__ = ["ABILITIES", "Settings"]

READS = frozenset(
    {
        "assignee",
        "body",
        "created_at",
        "due_at",
        "group",
        "priority",
        "requester",
        "resolution",
        "status",
        "subject",
        "tags",
        "type",
        "updated_at",
        "url",
    }
)
WRITES = frozenset({"assignee", "body", "group", "priority", "status", "subject", "tags", "type"})
ABILITIES = Abilities(
    reads=READS,
    writes=WRITES,
    coupled={"status": frozenset({"resolution"})},
    replies=True,
    notes=True,
    creates=True,
    comments=True,
    history=True,
    attachments=True,
    attaches=frozenset({"public", "internal"}),
    pushes=True,
    links=frozenset({"problem", "duplicate", "parent"}),
    tells=frozenset({"moves"}),
    sweeps=True,
    knows=frozenset({"group", "user", "project", "field"}),
    slas=True,
    mentions=True,
    describes=True,
)
