"""Bundles for the engine's tests: a rule file as an administrator writes it, read by the real reader."""

from textwrap import dedent
from typing import Any

from rules.bundle import Bundle, Desk
from rules.reader import parse

CONNECTIONS = {"zendesk-eu": "zendesk", "jira-core": "jira", "servicenow-it": "servicenow"}
FIELDS = frozenset(
    ("subject", "body", "status", "type", "priority", "severity", "impact", "urgency", "product", "language", "group", "assignee", "tags")
)


def a_desk(**more: Any) -> Desk:
    everywhere = frozenset(CONNECTIONS)
    known: dict[str, Any] = {
        "connections": CONNECTIONS,
        "channels": frozenset({"chat", "bosses"}),
        "groups": {"billing": "lead@example.com"},
        "reads": dict.fromkeys(
            CONNECTIONS,
            FIELDS
            | {
                "channel",
                "comment.public",
                "comment.role",
                "comment.text",
                "error_code",
                "requester.email",
                "requester.automated",
                "requester.tags",
                "split_from",
            },
        ),
        "writes": dict.fromkeys(CONNECTIONS, FIELDS),
        "replies": everywhere,
        "notes": everywhere,
        "creates": everywhere,
        **more,
    }
    return Desk(**known)


def a_bundle(*files: str, desk: Desk | None = None, templates: dict[str, str] | None = None, allow: str = "") -> Bundle:
    """Each file is the text of one rule file without its version; `templates` maps `ack/en` to a text."""
    allowed = f"# ticketgate: allow {allow} because the engine is asked here, not the check\n" if allow else ""
    texts = {f"rules/{n}0-file.yaml": f"{allowed}version: 1\n{dedent(text)}" for n, text in enumerate(files, 1)}
    texts |= {f"templates/{name}.md": text for name, text in (templates or {}).items()}
    return parse(texts, desk or a_desk(), lambda country, region, years: frozenset())
