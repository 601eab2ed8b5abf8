"""What Salesforce can do, and what its connection may say: known without what speaks to it, and held together with it by tests."""

from connectors.base import Abilities
from connectors.salesforce.settings import SalesforceSettings as Settings

__all__ = ["ABILITIES", "Settings"]

READS = frozenset(
    {
        "assignee",
        "body",
        "channel",
        "created_at",
        "group",
        "priority",
        "requester",
        "shown_as",
        "status",
        "subject",
        "tags",
        "type",
        "updated_at",
        "url",
    }
)
WRITES = frozenset({"assignee", "body", "channel", "group", "priority", "status", "subject", "tags", "type"})
ABILITIES = Abilities(
    reads=READS,
    writes=WRITES,
    coupled={"group": frozenset({"assignee"}), "assignee": frozenset({"group"})},
    replies=True,
    notes=True,
    creates=True,
    comments=True,
    history=True,
    attachments=True,
    attaches=frozenset({"public", "internal"}),
    pushes=True,
    members=True,
    links=frozenset({"parent", "problem"}),
    tells=frozenset({"deletions", "merges"}),
    knows=frozenset({"group", "user", "field"}),
    slas=True,
    describes=True,
    mentions=True,
    guards=True,
)
