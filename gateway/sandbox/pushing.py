"""The webhooks of a sandbox: what each vendor would send about a ticket, signed as it signs, and the ways in which they get lost.

Written apart from what reads them, so that one fault does not hide in both.
"""

import base64
import hashlib
import hmac
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import orjson

Headers: TypeAlias = Mapping[str, str]
Send: TypeAlias = Callable[[Headers, bytes], None]


@dataclass
class Webhooks:
    """Sends what happened to tickets, once it is told to `flush`. `duplicate` times more of each, `drop` of all (0 to 1), in any order.

    The same `seed` loses and shuffles the same ones.
    """

    system: str
    secret: str
    send: Send
    duplicate: int = 0
    drop: float = 0.0
    reorder: bool = False
    seed: int = 1
    dropped: int = 0
    _made: int = 0
    _waiting: list[tuple[Headers, bytes]] = field(default_factory=list)

    def about(self, key: str, at: datetime) -> None:
        """Something happened to this ticket."""
        self._made += 1
        made = MAKERS[self.system](key, at, self.secret, f"delivery-{self._made}")
        self._waiting += [made] * (1 + self.duplicate)

    def flush(self) -> int:
        """Sends what waits, but for what gets lost; how many."""
        dice = random.Random(self.seed + self._made)  # noqa: S311 - loses messages, guards nothing
        kept = [one for one in self._waiting if dice.random() >= self.drop]
        self.dropped += len(self._waiting) - len(kept)
        if self.reorder:
            dice.shuffle(kept)
        self._waiting = []
        for headers, body in kept:
            self.send(headers, body)
        return len(kept)


def _jira(key: str, at: datetime, secret: str, name: str) -> tuple[Headers, bytes]:
    said = {"timestamp": int(at.timestamp() * 1000), "webhookEvent": "jira:issue_updated", "issue": {"id": "10001", "key": key}}
    body = orjson.dumps(said)
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature": signature, "x-atlassian-webhook-identifier": name}, body


def _zendesk(key: str, at: datetime, secret: str, name: str) -> tuple[Headers, bytes]:
    stamp = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    body = orjson.dumps({"type": "zen:event-type:ticket.status_changed", "id": name, "time": stamp, "subject": f"zen:ticket:{key}"})
    prefix = "x-zendesk-webhook"
    signature = _mac(secret, stamp, body)
    return {f"{prefix}-signature": signature, f"{prefix}-signature-timestamp": stamp, f"{prefix}-invocation-id": name}, body


def _servicenow(key: str, at: datetime, secret: str, name: str) -> tuple[Headers, bytes]:
    return _by_our_contract({"event": "incident.updated", "sys_id": key}, at, secret, name)


def _salesforce(key: str, at: datetime, secret: str, name: str) -> tuple[Headers, bytes]:
    return _by_our_contract({"event": "case.updated", "id": key}, at, secret, name)


def _by_our_contract(said: Mapping[str, str], at: datetime, secret: str, name: str) -> tuple[Headers, bytes]:
    stamp, body = f"{at:%Y-%m-%dT%H:%M:%SZ}", orjson.dumps(said)
    signed = {"x-ticketgate-timestamp": stamp, "x-ticketgate-signature": _mac(secret, stamp, body)}
    return {**signed, "x-ticketgate-delivery": name}, body


def _mac(secret: str, stamp: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).digest()).decode()


MAKERS: Mapping[str, Callable[[str, datetime, str, str], tuple[Headers, bytes]]] = {
    "jira": _jira,
    "zendesk": _zendesk,
    "servicenow": _servicenow,
    "salesforce": _salesforce,
}
