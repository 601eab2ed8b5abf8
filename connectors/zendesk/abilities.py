"""What Zendesk can do, and what its connection may say: known without what speaks to it, and held together with it by tests."""

from connectors.base import Abilities
from connectors.zendesk.settings import ZendeskSettings as Settings

__all__ = ["ABILITIES", "Settings"]

READS = frozenset(
    {
        "assignee",
        "body",
        "channel",
        "created_at",
        "due_at",
        "group",
        "priority",
        "requester",
        "split_from",
        "status",
        "subject",
        "tags",
        "type",
        "updated_at",
        "url",
    }
)
WRITES = frozenset({"assignee", "group", "priority", "status", "subject", "tags", "type"})
ABILITIES = Abilities(
    reads=READS,
    writes=WRITES,
    coupled={"assignee": frozenset({"status", "group"}), "group": frozenset({"assignee"})},
    replies=True,
    notes=True,
    creates=True,
    comments=True,
    history=True,
    attachments=True,
    attaches=frozenset({"public", "internal"}),
    pushes=True,
    members=True,
    links=frozenset({"problem"}),
    tells=frozenset({"deletions", "merges"}),
    knows=frozenset({"group", "user", "field"}),
    slas=True,
    describes=True,
    guards=True,
)
