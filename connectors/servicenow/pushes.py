"""What a business rule or a flow of a ServiceNow instance tells us, by our contract: the product has no webhooks of its own.

It posts `{"event": "incident.updated", "sys_id": "..."}` with the headers `X-Ticketgate-Timestamp` and `X-Ticketgate-Signature`, or
where it cannot sign with `X-Ticketgate-Secret`. Business rules do not repeat what failed, so polls go on.
"""

import re
from collections.abc import Mapping
from typing import Any

from connectors.pushes import BY_US, OUR_HEADERS, Garbled, Heard, Hooks, Push, PushSettings, by_our_contract, decoded, delivery_of

SYS_ID = re.compile(r"[0-9a-f]{32}")


def hooks(table: str) -> Hooks:
    return Hooks(
        where=f"System Definition, Business Rules: one on {table}, after insert, update and delete, that posts with RESTMessageV2",
        events=("insert", "update", "delete"),
        signed_by=BY_US,
        headers=OUR_HEADERS,
        told=lambda push: _said(push, decoded(push), table),
        body=f'{{"event": "{table}.updated", "sys_id": "<current.getUniqueValue()>"}}',
        notes=("An instance that cannot sign says by_secret: true under pushes: and sends the secret in X-Ticketgate-Secret.",),
    )


def heard(push: Push, settings: PushSettings, table: str) -> Heard:
    """Raises `Forged` and `Garbled`."""
    return _said(push, by_our_contract(push, settings), table)


def _said(push: Push, said: Mapping[str, Any], table: str) -> Heard:
    event, key = str(said.get("event") or ""), str(said.get("sys_id") or "")
    delivery = delivery_of(push, "x-ticketgate-delivery")
    if event.partition(".")[0] not in ("", table):
        return Heard(delivery=delivery, ignored=f"'{event[:60]}' is not about the table {table}")
    if not SYS_ID.fullmatch(key):
        raise Garbled("sys_id is not 32 hex digits; send current.getUniqueValue()")
    return Heard(delivery=delivery, keys=(key,))
