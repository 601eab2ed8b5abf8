"""What the fault rows are told with: a whole gateway over a system that fails on request, and what its store and the system say of it."""

from typing import Any

from connectors.pushes import Push
from gateway.sandbox.host import Served
from gateway.sandbox.pushing import Webhooks
from gateway.store import connections
from gateway.store.connections import Standing
from gateway.webhooks import Hearing
from rules.ticket import Level
from tests.over import NAME, Over
from tests.rigs import Rig

SECRET = "canary-4711"


def there(rig: Rig) -> Served:
    assert rig.served is not None
    return rig.served


def standing(desk: Over, name: str = NAME) -> Standing:
    with desk.gateway.store.reading() as db:
        return connections.standing(db, name)


def urgent(desk: Over, *keys: str) -> list[str]:
    """Which of these the store has seen as urgent."""
    found = {key: desk.seen(key) for key in keys}
    return [key for key, seen in found.items() if seen is not None and seen.ticket is not None and seen.ticket.priority == Level.URGENT]


def noted(rig: Rig) -> list[str]:
    """The tickets that got a note of ours, in that order."""
    return [effect.key for effect in rig.effects() if effect.kind == "note"]


def at(key: str) -> str:
    """A pattern for the addresses of one ticket."""
    return rf"/{key}([./]|$)"


def hide(rig: Rig, key: str) -> None:
    """From now on the interface does not have the ticket; Salesforce says so by finding nothing."""
    if rig.system == "salesforce":
        rig.fault("status", method="GET", path="/query", status=200, times=99, body={"totalSize": 0, "done": True, "records": []})
    else:
        rig.fault("status", method="GET", path=at(key), status=404, times=99)


def hears(desk: Over, **how: Any) -> Webhooks:
    """What the system pushes from now on is heard."""
    hearing = Hearing(desk.gateway.store, {NAME: desk.connector}, desk.rig.clock)

    def send(headers: Any, body: bytes) -> None:
        assert hearing.hear(NAME, Push(dict(headers), body, desk.rig.clock())).status < 300

    webhooks = Webhooks(desk.rig.system, SECRET, send, **how)
    there(desk.rig).webhooks = webhooks
    return webhooks
