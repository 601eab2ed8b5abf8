"""What a business rule or a flow of a ServiceNow instance tells us, by our contract: the product has no webhooks of its own.

It posts `{"event": "incident.updated", "sys_id": "..."}` with the headers `X-Ticketgate-Timestamp` and `X-Ticketgate-Signature`, or
where it cannot sign with `X-Ticketgate-Secret`. Business rules do not repeat what failed, so polls go on.
"""

import re

from connectors.pushes import Garbled, Heard, Push, PushSettings, by_our_contract, delivery_of

SYS_ID = re.compile(r"[0-9a-f]{32}")


def heard(push: Push, settings: PushSettings, table: str) -> Heard:
    """Raises `Forged` and `Garbled`."""
    said = by_our_contract(push, settings)
    event, key = str(said.get("event") or ""), str(said.get("sys_id") or "")
    delivery = delivery_of(push, "x-ticketgate-delivery")
    if event.partition(".")[0] not in ("", table):
        return Heard(delivery=delivery, ignored=f"'{event[:60]}' is not about the table {table}")
    if not SYS_ID.fullmatch(key):
        raise Garbled("sys_id is not 32 hex digits; send current.getUniqueValue()")
    return Heard(delivery=delivery, keys=(key,))
