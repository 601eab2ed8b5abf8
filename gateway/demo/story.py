"""What people do in the demo, when, and what must have come of it, judged from what the sandboxes say took effect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from connectors.sandbox import Deed, Sample

ENGINEERING = "The CSV export stops with error 500"
OUTAGE_CASE = "Card payments fail for every customer since 10 o'clock"
OUTAGE_INCIDENT = "Payment terminal gateway is down"
JAPANESE = "ログインできません"
SILENCE = "Nobody can open the order screen"
VIP = "Our contract renewal needs a new invoice address"
CAUSE = "We found the cause: the export runs out of memory on long lists."
MENDED = "It is mended and rolled out; please try again."
THANKS = "Thank you, the export works again."


class World(Protocol):
    """The four sandboxes as a judge and as people see them."""

    def effects(self, system: str) -> list[dict[str, Any]]: ...

    def shown(self, system: str, key: str) -> dict[str, Any]: ...

    def act(self, system: str, deed: Deed) -> str: ...


@dataclass
class Story:
    """The scripted part. `tell` is called over and over; each part happens as soon as what it waits for has happened."""

    world: World
    now: Callable[[], datetime]
    keys: dict[str, str] = field(default_factory=dict)  # part of the story: key of its ticket
    told: set[str] = field(default_factory=set)

    def tell(self) -> str | None:
        """The next thing somebody does, in words; None when everybody waits."""
        for name, waits_for, act in self._parts():
            if name not in self.told and waits_for():
                self.told.add(name)
                return act()
        return None

    def _parts(self) -> list[tuple[str, Callable[[], object], Callable[[], str]]]:
        return [
            ("export", lambda: True, self._export_breaks),
            ("silence", lambda: True, self._silence),
            ("case", lambda: True, self._case),
            ("incident", lambda: True, self._incident),
            ("japanese", lambda: True, self._japanese),
            ("vip", lambda: True, self._vip),
            ("cause", self.issue, self._cause_found),
            ("mended", lambda: "cause" in self.told and self._mirrored(CAUSE), self._mended),
            ("thanks", lambda: "mended" in self.told and self._mirrored(MENDED), self._thanks),
        ]

    def issue(self) -> str | None:
        """The key of the Jira issue that the Zendesk ticket became."""
        made = [e for e in self.world.effects("jira") if e["kind"] == "create" and ENGINEERING in str(e["detail"])]
        return str(made[0]["key"]) if made else None

    def _mirrored(self, text: str) -> bool:
        return any(e["kind"] == "reply" and text in str(e["detail"]) for e in self.world.effects("zendesk"))

    def _new(self, part: str, system: str, subject: str, body: str, **said: Any) -> str:
        sample = Sample(subject=subject, body=body, created_at=self.now(), **said)
        self.keys[part] = self.world.act(system, Deed(kind="create", by="customer", sample=sample))
        return f"{said.get('requester', 'Ana Lima')} writes to {system}: {subject}"

    def _export_breaks(self) -> str:
        return self._new(
            "export",
            "zendesk",
            ENGINEERING,
            "Since this morning the export of our order list ends with an error page after a minute.",
            requester="Paul Meyer",
            email="paul.meyer@example.org",
            type="incident",
            priority="normal",
            product="api",
            tags=("engineering",),
        )

    def _silence(self) -> str:
        return self._new(
            "silence",
            "zendesk",
            SILENCE,
            "The whole shift stands still. Please call back.",
            requester="Rosa Blum",
            email="rosa.blum@example.org",
            type="incident",
            priority="urgent",
            product="login",
            channel="phone",
        )

    def _case(self) -> str:
        return self._new(
            "case",
            "salesforce",
            OUTAGE_CASE,
            "Every card is declined, in all our shops.",
            requester="Tom Hill",
            email="tom.hill@example.org",
            type="incident",
            priority="urgent",
            product="payments",
        )

    def _incident(self) -> str:
        return self._new(
            "incident",
            "servicenow",
            OUTAGE_INCIDENT,
            "Terminals in three countries cannot reach the gateway.",
            requester="Ida Berg",
            email="ida.berg@example.org",
            type="incident",
            priority="urgent",
            product="payments",
        )

    def _japanese(self) -> str:
        return self._new(
            "japanese",
            "zendesk",
            JAPANESE,
            "朝から誰もログインできません。至急ご確認ください。",
            requester="森 健",
            email="mori.ken@example.jp",
            type="incident",
            priority="high",
            product="login",
            language="ja",
        )

    def _vip(self) -> str:
        return self._new(
            "vip",
            "salesforce",
            VIP,
            "Please use our new address from next month on.",
            requester="Lisa Wong",
            email="lisa.wong@contoso.example",
            organization="Contoso",
            type="question",
            priority="normal",
            product="billing",
        )

    def _cause_found(self) -> str:
        key = self.issue() or ""
        self.world.act("jira", Deed(kind="set", key=key, by="agent", fields={"status": "open"}))
        self.world.act("jira", Deed(kind="reply", key=key, by="agent", text=CAUSE))
        return f"An engineer takes {key} and writes: {CAUSE}"

    def _mended(self) -> str:
        key = self.issue() or ""
        self.world.act("jira", Deed(kind="reply", key=key, by="agent", text=MENDED))
        self.world.act("jira", Deed(kind="set", key=key, by="agent", fields={"status": "resolved"}))
        return f"The engineer resolves {key}: {MENDED}"

    def _thanks(self) -> str:
        self.world.act("zendesk", Deed(kind="reply", key=self.keys["export"], by="customer", text=THANKS))
        return f"Paul Meyer answers in Zendesk: {THANKS}"

    # --- what must have come of it

    def promises(self) -> Mapping[str, bool]:
        """Each part of the story in a sentence, and whether it happened."""
        return {
            "the Zendesk ticket became one Jira issue": self._created_once(),
            "the status that engineering set came back to Zendesk": self._status_came_back(),
            "engineering's public comments came back to the customer, each once": self._comments_came_back(),
            "the customer's answer reached engineering, once": self._said("jira", self.issue(), THANKS) == 1,
            "a Salesforce case was routed to payments-oncall": self._routed("salesforce", "case"),
            "a ServiceNow incident was routed to payments-oncall by the same rule": self._routed("servicenow", "incident"),
            "a clock warned at 75 % of its target": "sla-risk" in self._tags("silence"),
            "the clock breached, and its ticket was tagged and noted": self._breached(),
            "a customer in Japan was answered in Japanese, once": self._said("zendesk", self.keys.get("japanese"), "受け付け") == 1,
            "a VIP's case was raised to high": bool(self._field("salesforce", "vip", "priority") == "high"),
        }

    def _created_once(self) -> bool:
        return len([e for e in self.world.effects("jira") if e["kind"] == "create" and ENGINEERING in str(e["detail"])]) == 1

    def _status_came_back(self) -> bool:
        return bool(self._field("zendesk", "export", "status") == "resolved")

    def _comments_came_back(self) -> bool:
        key = self.keys.get("export")
        return self._said("zendesk", key, CAUSE) == 1 and self._said("zendesk", key, MENDED) == 1

    def _said(self, system: str, key: str | None, text: str) -> int:
        """How often a public reply with this text took effect on that ticket through the interface."""
        found = (e for e in self.world.effects(system) if e["kind"] == "reply" and e["key"] == key)
        return sum(text in str(e["detail"].get("body", "")) for e in found)

    def _routed(self, system: str, part: str) -> bool:
        return self._field(system, part, "group") == "payments-oncall" and "payments-outage" in self._tags(part, system)

    def _breached(self) -> bool:
        noted = [e for e in self.world.effects("zendesk") if e["kind"] == "note" and e["key"] == self.keys.get("silence")]
        return "sla-breached" in self._tags("silence") and len(noted) == 1

    def _tags(self, part: str, system: str = "zendesk") -> list[str]:
        return list(self._field(system, part, "tags") or ())

    def _field(self, system: str, part: str, name: str) -> Any:
        key = self.keys.get(part)
        return self.world.shown(system, key).get(name) if key else None
