"""Desks that are to run, and single connections of them, for the commands that ask a system."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gateway.cli.choosing import there
from gateway.cli.ending import Code, Ended
from gateway.cli.options import Options

if TYPE_CHECKING:
    from connectors.base import Connector
    from gateway.assemble import Gateway
    from gateway.clock import Clock
    from gateway.desk import Loaded


def running_desk(chosen: Options, level: str = "warning", *, reading: bool = False, asking: bool = True) -> "Loaded":
    """The desk with its secrets (those of the systems alone for who only reads, none for who asks nobody), and the log that shows none.

    Ends with 3 and every mistake.
    """
    from gateway.settings import running

    loaded = running(chosen.desk, chosen.config, reading=reading, asking=asking)
    logging(chosen, loaded, level)
    return loaded


def logging(chosen: Options, loaded: "Loaded", level: str) -> None:
    """The log of a command about this desk, without its secrets."""
    from gateway.logs import set_up

    level = "error" if chosen.quiet else "debug" if chosen.verbose else level
    set_up(as_json=chosen.as_json, level=level, secrets=loaded.secrets)


def clock_of() -> "Clock":
    """The clock that `TICKETGATE_CLOCK` names, the real one without it. Ends with 3 for one that cannot be read."""
    from gateway.clock import from_text

    try:
        return from_text(os.environ.get("TICKETGATE_CLOCK"))
    except ValueError as error:
        raise Ended(Code.NOT_LOADED, f"TICKETGATE_CLOCK: {error}") from None


@contextmanager
def gateway(chosen: Options, *, loaded: "Loaded | None" = None, read_only: bool = False, **more: Any) -> "Iterator[Gateway]":
    """The whole house, put together. Ends with 3 for a desk without connections: there is nothing to read."""
    from gateway.assemble import assembled

    clock, loaded = clock_of(), loaded or running_desk(chosen, reading=read_only)
    if not loaded.connections:
        raise Ended(Code.NOT_LOADED, f"{chosen.config_file} has no connections; config/README.md shows how one is written.")
    with assembled(loaded, read_only=read_only, clock=clock, **more) as found:
        yield found


@contextmanager
def connector(chosen: Options, name: str, loaded: "Loaded | None" = None) -> "Iterator[Connector]":
    """One connection, for reading. Ends with 8 when the desk has none of that name."""
    from gateway.assemble import connector_of

    loaded = loaded or running_desk(chosen, reading=True)
    there(name, loaded.connections)
    found = connector_of(loaded, name, read_only=True)
    try:
        yield found
    finally:
        found.close()
