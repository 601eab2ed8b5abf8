"""Messages to people: by apprise, or as lines of JSON into a file or onto the log for tests and the demo.

A notification cannot be asked after: nobody can tell whether a chat room has it. So one that was being sent when the process
ended is reported in the queue as in doubt, and never sent again by itself.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import orjson
from pydantic import SecretStr

from connectors.errors import Rejected
from gateway.clock import Clock
from gateway.config import PEOPLE
from rules.plan import Call, Notify


class Sends(Protocol):
    """What the ledger wants of a notifier."""

    def send(self, message: Notify) -> None: ...

    def call(self, call: Call) -> None: ...


class Notifier:
    """Knows the channels of a desk and the addresses of who is on call. `base` is the folder to which `file:` addresses are relative."""

    def __init__(self, channels: Mapping[str, SecretStr], base: Path, clock: Clock, on_call: Mapping[str, SecretStr] | None = None) -> None:
        self._channels, self._base, self._clock, self._on_call = channels, base, clock, on_call or {}

    def send(self, message: Notify) -> None:
        """Raises `Rejected` where there is no such channel or it took nothing."""
        self._deliver(self._address(message.to), message)

    def call(self, call: Call) -> None:
        """One call of a page. Raises `Rejected` where nobody can be reached so."""
        known = self._on_call.get(call.to)
        if known is None and "@" not in call.to:
            raise Rejected("page", f"'{call.to}' has no address any more; look at on_call: in ticketgate.yaml")
        self._deliver(known.get_secret_value() if known else self._address(call.to), call)

    def _deliver(self, url: str, message: Notify | Call) -> None:
        if url.startswith("file:"):
            self._append(self._base / url.removeprefix("file:"), message)
        elif url.startswith("log:"):
            import structlog  # not paid for by those who only ask for the class

            structlog.get_logger().info("notification", to=message.to, about=str(message.about), rule=message.rule)
        else:
            _apprise(url, message)

    def _address(self, to: str) -> str:
        """The channel's URL; for a person that of `people`, with the address as its receiver."""
        if to in self._channels:
            return self._channels[to].get_secret_value()
        if "@" not in to:
            raise Rejected("notify", f"there is no channel called '{to}'; add it under channels: in ticketgate.yaml")
        if PEOPLE not in self._channels:
            raise Rejected("notify", "nobody can be reached by e-mail: add a channel called 'people' under channels: in ticketgate.yaml")
        url = self._channels[PEOPLE].get_secret_value()
        if url.startswith(("file:", "log:")):
            return url
        return f"{url}{'&' if '?' in url else '?'}to={quote(to)}"

    def _append(self, path: Path, message: Notify | Call) -> None:
        """One line, written at once, so that two processes do not mix theirs."""
        path.parent.mkdir(parents=True, exist_ok=True)
        said = {"at": self._clock(), "to": message.to, "about": str(message.about), "text": message.text, "rule": message.rule}
        with path.open("ab", buffering=0) as file:
            file.write(orjson.dumps({**said, "key": message.key}) + b"\n")


def _apprise(url: str, message: Notify | Call) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what its many services import; nothing of ours
        from apprise import Apprise

        sender = Apprise()
        known = sender.add(url)
    if not known:
        raise Rejected("notify", f"the address of '{message.to}' is not one that apprise knows")
    if not sender.notify(body=message.text, title=f"{message.about} ({message.rule})"):
        raise Rejected("notify", f"'{message.to}' did not take the message")
