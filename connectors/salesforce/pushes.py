"""What Salesforce tells us: its outbound messages, and what a flow or Apex sends by our contract.

An outbound message is SOAP with up to 100 records; it is not signed, so it must bear the organization's id and, in its address, the
secret (`?secret=...`). It is sent again for a day until it is acknowledged. By our contract: `{"event": "case.updated", "id": "500..."}`.
Source: Salesforce's "Outbound Messaging" pages.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connectors.pushes import (
    BY_US,
    OUR_HEADERS,
    Forged,
    Garbled,
    Heard,
    Hooks,
    Push,
    PushSettings,
    by_our_contract,
    decoded,
    delivery_of,
    verified_secret,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

CASE = re.compile(r"500[0-9A-Za-z]{15}")
NAMESPACE = "{http://soap.sforce.com/2005/09/outbound}"
ACKNOWLEDGED = (
    b'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)


def heard(push: Push, settings: PushSettings) -> Heard:
    """Raises `Forged` and `Garbled`."""
    if _is_xml(push):
        verified_secret(push, settings)
        return _outbound(push, settings.organization)
    return _said(push, by_our_contract(push, settings))


def told(push: Push) -> Heard:
    """Raises `Garbled`."""
    return _outbound(push, None) if _is_xml(push) else _said(push, decoded(push))


def hooks() -> Hooks:
    return Hooks(
        where="Setup, Flows: one that is triggered by Case (created or updated) with an HTTP callout; or Setup, Outbound Messages",
        events=("Case: created", "Case: updated"),
        signed_by=BY_US,
        headers=OUR_HEADERS,
        told=told,
        body='{"event": "case.updated", "id": "<the 18-character id>"}',
        notes=(
            "A flow that cannot sign, and every outbound message, sends the secret itself: by_secret: true under pushes:, and the address "
            "with ?secret=.",
            "An outbound message needs the field Id alone; organization: under pushes: names the organization that it must come from.",
        ),
    )


def _is_xml(push: Push) -> bool:
    return push.body.lstrip()[:1] == b"<"


def _said(push: Push, said: Mapping[str, Any]) -> Heard:
    key, delivery = str(said.get("id") or ""), delivery_of(push, "x-ticketgate-delivery")
    if CASE.fullmatch(key):
        return Heard(delivery=delivery, keys=(key,))
    if re.fullmatch(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?", key):
        return Heard(delivery=delivery, ignored=f"{key[:3]} is not the prefix of a case's 18-character id")
    raise Garbled("id is not a record's 18-character id")


def _outbound(push: Push, organization: str | None) -> Heard:
    message = _parsed(push.body).find(f".//{NAMESPACE}notifications")
    if message is None:
        raise Garbled("the XML holds no notifications")
    if organization is not None and message.findtext(f"{NAMESPACE}OrganizationId") != organization:
        raise Forged("the outbound message is another organization's")
    named = [_record(one) for one in message.iter(f"{NAMESPACE}Notification")]
    cases = tuple(dict.fromkeys(key for _, key in named if CASE.fullmatch(key)))
    delivery = ",".join(sorted(note for note, _ in named))[:200] or delivery_of(push)
    reason = None if cases else "the outbound message speaks of no case"
    return Heard(delivery=delivery, keys=cases, ignored=reason, answer=ACKNOWLEDGED)


def _parsed(body: bytes) -> "Element":
    """Entities and document types are refused, not followed. Paid for by those who are sent XML."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        parsed: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise Garbled("the body is not XML, or it holds what no outbound message does") from None
    return parsed


def _record(notification: "Element") -> tuple[str, str]:
    """The notification's id, and that of its record: the `Id` within `sObject`, whatever its namespace."""
    record = next((one for one in notification.iter() if one.tag.endswith("}sObject")), None)
    inside = next((one.text or "" for one in record if one.tag.endswith("}Id")), "") if record is not None else ""
    return notification.findtext(f"{NAMESPACE}Id") or "", inside
