"""`doctor --write-test`: what came of writing to a ticket of our own in each system."""

import secrets
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gateway.cli.ending import remedy
from gateway.cli.finding import Finding
from gateway.cli.options import Options, agreed

if TYPE_CHECKING:
    from gateway.assemble import Gateway
    from gateway.desk import Loaded
    from gateway.write_test import Step

REFUSED = "Give the user of this connection what that needs, or change what the system asks for there; then try again."


def agreed_to_write(chosen: Options, names: Sequence[str], *, yes: bool) -> None:
    """Ends with 7 when nobody agrees."""
    what = "It gets an internal note and a changed subject and is settled; no customer is written to, and no rule looks at it."
    agreed(chosen, f"Make a test ticket in {', '.join(names) or 'no system'}? {what}", yes=yes)


def written(chosen: Options, loaded: "Loaded", names: Sequence[str]) -> Iterator[Finding]:
    """Every step in every system; one that fails stops no other system."""
    from gateway.cli.connecting import gateway

    if not names:
        return
    with gateway(chosen, loaded=loaded) as found:
        for name in names:
            yield from _steps(found, name)


def _steps(found: "Gateway", name: str) -> Iterator[Finding]:
    from gateway.cli.stored import who
    from gateway.write_test import WriteTest

    system, bundle = found.config.connections[name].system, found.cycle.book.bundle.hash
    test = WriteTest(found.house, name, system, bundle, who(None), secrets.token_hex(4))
    for step in test.steps():
        yield Finding(step.ok, name, f"write test: {step.said}", _help(step))


def _help(step: "Step") -> str:
    if step.ok:
        return ""
    return (remedy(step.error) if step.error is not None else "") or REFUSED
