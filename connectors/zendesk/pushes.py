"""Zendesk's webhooks: which ticket they speak of.

Two kinds: subscriptions to events come in Zendesk's own envelope; what a trigger or an automation sends is the administrator's
template, which needs no more than `{"ticket_id": "{{ticket.id}}"}`. Both are signed over stamp and body.
Source: Zendesk's "Verifying webhook authenticity" and "Event schema" pages.
"""

import re
from collections.abc import Mapping
from typing import Any

from connectors.pushes import Garbled, Heard, Hooks, Push, PushSettings, decoded, delivery_of, part, verified_base64, verified_secret

SUBJECT = re.compile(r"zen:ticket:(\d+)")
NUMBER = re.compile(r"[1-9]\d{0,18}")
OF_OTHERS = re.compile(r"zen:event-type:(?:user|organization|article|community_post|agent|messaging|omnichannel|custom_object|schedule)\b")


TEMPLATE = '{"ticket_id": "{{ticket.id}}"}'


def hooks() -> Hooks:
    return Hooks(
        where="Admin Center, Apps and integrations, Webhooks",
        events=("Zendesk events: all ticket events", "or, to choose, a trigger or an automation that notifies the webhook"),
        signed_by="Base64 of HMAC-SHA256 with the signing secret, over X-Zendesk-Webhook-Signature-Timestamp followed by the body",
        headers=("X-Zendesk-Webhook-Signature", "X-Zendesk-Webhook-Signature-Timestamp"),
        told=told,
        body=TEMPLATE,
        notes=("Zendesk makes the signing secret: show it on the webhook's page and take it over. Only a trigger needs the body.",),
    )


def heard(push: Push, settings: PushSettings) -> Heard:
    """Raises `Forged` and `Garbled`."""
    if settings.by_secret:
        verified_secret(push, settings)
    else:
        verified_base64(push, settings, "x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp")
    return told(push)


def told(push: Push) -> Heard:
    """Raises `Garbled`."""
    said, delivery = decoded(push), delivery_of(push, "x-zendesk-webhook-invocation-id")
    return _of_an_event(delivery, str(said["type"]), said) if "type" in said else _of_a_template(delivery, said)


def _of_an_event(delivery: str, event: str, said: Mapping[str, Any]) -> Heard:
    named = SUBJECT.fullmatch(str(said.get("subject")))
    key = named[1] if named else str(part(said, "detail", "id"))
    if event.startswith("zen:event-type:ticket.") and NUMBER.fullmatch(key):
        return Heard(delivery=delivery, keys=(key,))
    if OF_OTHERS.match(event):
        return Heard(delivery=delivery, ignored=f"{event} is not about a ticket")
    return Heard(delivery=delivery, ignored=f"'{event[:60]}' is an event that we do not know", known=False)


def _of_a_template(delivery: str, said: Mapping[str, Any]) -> Heard:
    key = said.get("ticket_id", part(said, "ticket", "id"))
    if NUMBER.fullmatch(str(key)):
        return Heard(delivery=delivery, keys=(str(key),))
    raise Garbled('the trigger\'s body holds no ticket_id; write {"ticket_id": "{{ticket.id}}"} there')
