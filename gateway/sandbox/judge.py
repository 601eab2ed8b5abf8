"""Asks a running sandbox what really happened, and acts in it as people do: for the demo's verdict and for tests that kill processes."""

from datetime import datetime, timedelta
from typing import Any, Self

import httpx

from connectors.sandbox import Deed, Effect
from gateway.sandbox.host import as_json


class Judge:
    """One sandbox, seen from outside by its address. Every method raises `httpx.HTTPError` when it does not answer."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=f"{address}/_sandbox/", timeout=10.0, trust_env=False)

    def effects(self) -> list[Effect]:
        """What took effect through the interface, in order."""
        return [Effect(**{**e, "at": datetime.fromisoformat(e["at"])}) for e in self._get("effects")]

    def tickets(self) -> list[str]:
        """The keys of all tickets, oldest first."""
        keys: list[str] = self._get("tickets")
        return keys

    def shown(self, key: str) -> dict[str, Any]:
        """The true state of a ticket, as `Sandbox.shown` has it."""
        state: dict[str, Any] = self._get(f"shown/{key}")
        return state

    def now(self) -> datetime:
        """The moment by the sandbox's clock."""
        return datetime.fromisoformat(self._get("now")["now"])

    def requests(self) -> int:
        """How many requests the vendor's interface has received."""
        return int(self._get("requests")["requests"])

    def people(self, deed: Deed) -> str:
        """Somebody acts in the vendor's own pages; returns the ticket's key."""
        return str(self._answered(self._http.post("people", json=as_json(deed)))["key"])

    def fault(self, **fault: Any) -> None:
        """Something goes wrong with the requests to come: the fields of `Fault`."""
        self._answered(self._http.post("faults", json=fault))

    def skip(self, by: timedelta) -> None:
        """The sandbox's clock skips so much, and that of all in its process."""
        self._answered(self._http.post("skip", json={"seconds": by.total_seconds()}))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _get(self, what: str) -> Any:
        return self._answered(self._http.get(what))

    @staticmethod
    def _answered(answer: httpx.Response) -> Any:
        answer.raise_for_status()
        return answer.json()
