"""What systems push to us: believed only with a proof, and read for nothing but which ticket it speaks of."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

import connectors.jira.pushes as jira
import connectors.salesforce.pushes as salesforce
import connectors.servicenow.pushes as servicenow
import connectors.zendesk.pushes as zendesk
from connectors.pushes import Forged, Garbled, Heard, Push, PushSettings, signed
from rules.ticket import replace

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SECRET = "canary-4711"
SETTINGS = PushSettings(secret=SecretStr(SECRET), previous=SecretStr("the-old-one"))
MS = int(NOW.timestamp() * 1000)


def by_jira(body: bytes, secret: str = SECRET, at: datetime = NOW) -> dict[str, str]:
    return {
        "x-hub-signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        "x-atlassian-webhook-identifier": "d-1",
    }


def by_zendesk(body: bytes, secret: str = SECRET, at: datetime = NOW) -> dict[str, str]:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    mac = hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).digest()
    signature = base64.b64encode(mac).decode()
    name = "x-zendesk-webhook"
    return {f"{name}-signature": signature, f"{name}-signature-timestamp": stamp, f"{name}-invocation-id": "d-1"}


def by_us(body: bytes, secret: str = SECRET, at: datetime = NOW) -> dict[str, str]:
    return dict(signed(secret, body, at)) | {"x-ticketgate-delivery": "d-1"}


@dataclass(frozen=True)
class Sender:
    """A system that pushes: how it signs, a body about one ticket, and that ticket's key."""

    heard: Callable[[Push, PushSettings], Heard]
    headers: Callable[..., dict[str, str]]
    body: Mapping[str, Any]
    key: str

    def push(self, *, secret: str = SECRET, at: datetime = NOW, **more: Any) -> Push:
        body = json.dumps({**self.body, **more}).encode()
        return Push(self.headers(body, secret, at), body, NOW)


SENDERS = {
    "jira": Sender(jira.heard, by_jira, {"timestamp": MS, "webhookEvent": "jira:issue_updated", "issue": {"key": "CORE-1"}}, "CORE-1"),
    "zendesk": Sender(zendesk.heard, by_zendesk, {"type": "zen:event-type:ticket.status_changed", "subject": "zen:ticket:35436"}, "35436"),
    "servicenow": Sender(
        partial(servicenow.heard, table="incident"), by_us, {"event": "incident.updated", "sys_id": "0a" * 16, "number": "INC1"}, "0a" * 16
    ),
    "salesforce": Sender(salesforce.heard, by_us, {"event": "case.updated", "id": "5003000000D8cuIAAR"}, "5003000000D8cuIAAR"),
}
EVERY = pytest.mark.parametrize("sender", SENDERS.values(), ids=SENDERS)


@EVERY
@pytest.mark.parametrize("secret", [SECRET, "the-old-one"])
def test_a_push_that_proves_itself_gives_its_ticket_and_its_own_name(sender: Sender, secret: str):
    heard = sender.heard(sender.push(secret=secret), SETTINGS)

    assert (heard.keys, heard.delivery) == ((sender.key,), "d-1")


@EVERY
@given(data=st.data())
def test_one_changed_byte_is_a_forgery(sender: Sender, data: st.DataObject):
    push = sender.push()
    at = data.draw(st.integers(0, len(push.body) - 1))
    changed = push.body[:at] + bytes([push.body[at] ^ data.draw(st.integers(1, 255))]) + push.body[at + 1 :]

    with pytest.raises(Forged):
        sender.heard(replace(push, body=changed), SETTINGS)


@EVERY
def test_without_a_signature_with_half_of_one_and_with_another_secret_it_is_a_forgery(sender: Sender):
    push = sender.push()
    halves = {name: value[: len(value) // 2] if "signature" in name else value for name, value in push.headers.items()}

    for forged in (replace(push, headers={}), replace(push, headers=halves), sender.push(secret="another")):
        with pytest.raises(Forged):
            sender.heard(forged, SETTINGS)


@EVERY
def test_the_same_json_written_anew_is_a_forgery(sender: Sender):
    push = sender.push()

    with pytest.raises(Forged):
        sender.heard(replace(push, body=json.dumps(json.loads(push.body), indent=1).encode()), SETTINGS)


@pytest.mark.parametrize("name", ["zendesk", "servicenow", "salesforce"])
@pytest.mark.parametrize(("minutes", "good"), [(4.9, True), (-4.9, True), (5.1, False), (-5.1, False)])
def test_a_signed_stamp_counts_for_five_minutes(name: str, minutes: float, good: bool):
    push = SENDERS[name].push(at=NOW - timedelta(minutes=minutes))

    if good:
        assert SENDERS[name].heard(push, SETTINGS).keys
    else:
        with pytest.raises(Forged, match="from our clock"):
            SENDERS[name].heard(push, SETTINGS)


def test_jira_may_be_half_an_hour_late_but_not_two_hours():
    sender = SENDERS["jira"]

    assert sender.heard(sender.push(timestamp=MS - 30 * 60_000), SETTINGS).keys
    with pytest.raises(Forged):
        sender.heard(sender.push(timestamp=MS - 120 * 60_000), SETTINGS)


@EVERY
def test_where_nothing_can_be_signed_the_secret_itself_is_the_proof(sender: Sender):
    settings = PushSettings(secret=SecretStr(SECRET), by_secret=True)
    push = replace(sender.push(), headers={})

    assert sender.heard(replace(push, headers={"x-ticketgate-secret": SECRET}), settings).keys == (sender.key,)
    assert sender.heard(replace(push, query={"secret": SECRET}), settings).keys == (sender.key,)
    with pytest.raises(Forged):
        sender.heard(replace(push, query={"secret": SECRET + "x"}), settings)
    with pytest.raises(Forged):
        sender.heard(push, settings)


@EVERY
@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | st.just(b"[" * 100_000) | st.just(b'{"a": NaN}'))
def test_whatever_a_trusted_sender_sends_is_read_or_garbled_and_nothing_else(sender: Sender, body: bytes):
    push = Push(sender.headers(body, SECRET, NOW), body, NOW)

    try:
        heard = sender.heard(push, SETTINGS)
    except (Garbled, Forged):  # XML without the secret, of Salesforce
        return
    assert heard.keys or heard.ignored


IGNORED = {
    "jira": [({"webhookEvent": "user_created", "issue": None}, True), ({"webhookEvent": "moon_landed", "issue": None}, False)],
    "zendesk": [
        ({"type": "zen:event-type:user.created", "subject": "zen:user:1"}, True),
        ({"type": "zen:event-type:ticket.created", "subject": "zen:moon:1"}, False),
    ],
    "servicenow": [({"event": "change_request.updated"}, True)],
    "salesforce": [({"event": "contact.updated", "id": "0033000000D8cuIAAR"}, True)],
}


@pytest.mark.parametrize(("name", "said", "known"), [(name, *case) for name, cases in IGNORED.items() for case in cases])
def test_what_is_known_and_of_no_use_is_told_apart_from_what_is_not_known(name: str, said: dict[str, Any], known: bool):
    heard = SENDERS[name].heard(SENDERS[name].push(**said), SETTINGS)

    assert heard.keys == ()
    assert heard.ignored
    assert heard.known is known


def test_a_zendesk_trigger_needs_only_the_ticket_id():
    body, empty = b'{"ticket_id": "4711"}', b'{"hello": 1}'

    assert zendesk.heard(Push(by_zendesk(body), body, NOW), SETTINGS).keys == ("4711",)
    with pytest.raises(Garbled, match="ticket_id"):
        zendesk.heard(Push(by_zendesk(empty), empty, NOW), SETTINGS)


OUTBOUND = b"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>
<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>00D30000000abcdEAA</OrganizationId>
<ActionId>04k</ActionId><SessionId xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>
<Notification><Id>04l300000000001AAA</Id><sObject xsi:type="sf:Case" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><sf:Id>5003000000D8cuIAAR</sf:Id></sObject></Notification>
<Notification><Id>04l300000000002AAA</Id><sObject xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
<sf:Id>5003000000D8cuJAAR</sf:Id></sObject></Notification>
</notifications></soapenv:Body></soapenv:Envelope>"""


def outbound(body: bytes = OUTBOUND, secret: str = SECRET, organization: str | None = "00D30000000abcdEAA") -> Heard:
    settings = PushSettings(secret=SecretStr(SECRET), organization=organization)
    return salesforce.heard(Push({}, body, NOW, {"secret": secret}), settings)


def test_an_outbound_message_gives_all_its_cases_and_is_acknowledged():
    heard = outbound()

    assert heard.keys == ("5003000000D8cuIAAR", "5003000000D8cuJAAR")
    assert b"<Ack>true</Ack>" in heard.answer
    assert heard.delivery == outbound().delivery


def test_an_outbound_message_of_another_organization_or_without_the_secret_is_a_forgery():
    with pytest.raises(Forged):
        outbound(organization="00D30000000otherAAA")
    with pytest.raises(Forged):
        outbound(secret="")


@pytest.mark.parametrize(
    "evil",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>',
        b"<a>" * 50_000,
        b"<",
    ],
)
def test_xml_that_would_do_something_is_refused(evil: bytes):
    with pytest.raises(Garbled):
        outbound(evil)


def test_no_secret_shows_in_what_is_said_of_a_push():
    push = Push({"x": "y"}, b"customer text", NOW, {"secret": SECRET})

    assert SECRET not in repr(push) + repr(SETTINGS)
    assert "customer text" not in repr(push)
