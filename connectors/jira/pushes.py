"""Jira's webhooks: which issue they speak of.

Jira signs the body (`X-Hub-Signature`) where the webhook was made with a secret; its own pages can set no header, so there the secret
may stand in the address. A delivery may come half an hour late, so the window is an hour, by the stamp inside the signed body.
Source: Atlassian's "Webhooks" page; bodies of Cloud, Server and old Server differ, and all give their key the same way.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.pushes import (
    Garbled,
    Heard,
    Hooks,
    Push,
    PushSettings,
    decoded,
    delivery_of,
    in_window,
    part,
    verified_hex,
    verified_secret,
)

LATE = timedelta(hours=1)
KEY = re.compile(r"[A-Z][A-Z0-9_]*-\d+")
OF_ISSUES = re.compile(r"(?:jira:issue_|comment_|attachment_|worklog_|issue_property_|jira:worklog_)")
OF_OTHERS = re.compile(
    r"(?:issuelink_|user_|project_|jira:version_|board_|sprint_|option_|filter_|form_|permissionscheme_|issuetype_|"
    r"jira_expression_|field_|screen|app_|mute_|component_)"
)


def hooks() -> Hooks:
    return Hooks(
        where="Settings, System, WebHooks (as an administrator of the site)",
        events=("Issue: created, updated, deleted", "Comment: created, updated, deleted", "Attachment: created, deleted"),
        signed_by="hex HMAC-SHA256 of the body with the secret, behind sha256=",
        headers=("X-Hub-Signature",),
        told=told,
        notes=(
            "Write the secret into the webhook's own field for it; limit it by JQL to the projects that are read.",
            "A site that has no such field sends the secret itself: by_secret: true under pushes:, and the address with ?secret=.",
        ),
    )


def heard(push: Push, settings: PushSettings) -> Heard:
    """Raises `Forged` and `Garbled`."""
    verified_secret(push, settings) if settings.by_secret else verified_hex(push, settings, "x-hub-signature")
    said = decoded(push)
    if "timestamp" in said:
        in_window(str(said["timestamp"])[:-3], push.at, "timestamp", LATE)
    return _said(push, said)


def told(push: Push) -> Heard:
    """Raises `Garbled`."""
    return _said(push, decoded(push))


def _said(push: Push, said: Mapping[str, Any]) -> Heard:
    delivery, event = delivery_of(push, "x-atlassian-webhook-identifier"), said.get("webhookEvent")
    if not isinstance(event, str):
        raise Garbled("there is no webhookEvent in the body")
    return _heard(delivery, event, said)


def _heard(delivery: str, event: str, said: Mapping[str, Any]) -> Heard:
    key = part(said, "issue", "key")
    if isinstance(key, str) and KEY.fullmatch(key):
        return Heard(delivery=delivery, keys=(key,))
    if OF_ISSUES.match(event):
        return Heard(delivery=delivery, ignored=f"{event} names no issue, as Jira Server's do; the next poll sees it")
    if OF_OTHERS.match(event):
        return Heard(delivery=delivery, ignored=f"{event} is not about an issue")
    return Heard(delivery=delivery, ignored=f"'{event[:60]}' is an event that we do not know", known=False)
