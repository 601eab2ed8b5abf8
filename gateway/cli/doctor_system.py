"""What `doctor` finds out about one system beyond the sign-in: its clock, what is left of its limit, and what our user may do there."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from connectors.errors import ConnectorError, NotFound, Rejected
from gateway.cli.ending import remedy
from gateway.cli.finding import Finding
from gateway.clock import now

if TYPE_CHECKING:
    from connectors.allowance import Allowance
    from connectors.base import Connector, ConnectorSettings
    from connectors.inventory import Permission
    from gateway.needs import Needed

FAR = timedelta(minutes=5)  # a signed webhook or token of a clock that is further off is refused
EVERY = frozenset({"read"})


def looked_at(there: "Connector", name: str, needed: "Needed") -> Iterator[Finding]:
    """Nothing of a system that says nothing of itself. Only reads."""
    if not there.abilities.describes:
        return
    pulse = there.pulse()
    if pulse.at is not None:
        yield _clock(name, now() - pulse.at)
    if pulse.allowance is not None:
        yield Finding(True, name, f"limit: {_left(pulse.allowance)}")
    try:
        found = there.permissions()
    except (Rejected, NotFound) as error:
        yield Finding(True, name, f"permissions could not be told: {error.message}")
    except ConnectorError as error:
        yield Finding(False, name, f"permissions: {error.message}", remedy(error))
    else:
        yield from _permissions(name, found, needed)


def fallback(there: "Connector", name: str, settings: "ConnectorSettings") -> Iterator[Finding]:
    """Whether whoever gets the tickets of people whom the system does not have is there. Only reads."""
    who = settings.fallback_assignee
    if who is None or "user" not in there.abilities.knows:
        return
    if who in there.known("user", [who]):
        yield Finding(True, name, f"fallback_assignee: {who} is there")
    else:
        help = "Name somebody there who gets the tickets of people whom that system does not have."
        yield Finding(False, name, f"fallback_assignee: there is no active user '{who}'", help)


def _left(allowed: "Allowance") -> str:
    if allowed.left is None:
        return f"{allowed.limit} requests, which start anew in {allowed.resets_in / 60:.0f} minutes"
    return f"{allowed.left} of {allowed.limit} requests left"


def _clock(name: str, behind: timedelta) -> Finding:
    """Answers name whole seconds."""
    seconds = behind.total_seconds()
    if abs(behind) < FAR:
        return Finding(True, name, f"clock: within {max(1, round(abs(seconds)))} s of ours")
    which = "behind" if seconds > 0 else "ahead of"
    said = f"clock: {round(abs(seconds) / 60)} minutes {which} ours"
    return Finding(False, name, said, "Set this machine's clock by NTP; if it is right, tell whoever keeps that system.")


def _permissions(name: str, found: "tuple[Permission, ...]", needed: "Needed") -> Iterator[Finding]:
    lacking = False
    for one in found:
        uses = sorted(use for use in needed if one.serves(use))
        if one.granted or not uses:
            continue
        lacking = True
        rules = sorted({rule for use in uses for rule in needed[use]})
        wanted = f" (rules {', '.join(rules)})" if rules else ""
        said = f"permissions: {one.name} is missing, which {', '.join(uses)} needs{wanted}"
        yield Finding(False, name, said, "Give it to the user of this connection, or change those rules.")
    if not lacking:
        yield Finding(True, name, f"permissions: all that the rules need ({', '.join(sorted(set(needed) - EVERY)) or 'reading'})")
