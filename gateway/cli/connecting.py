"""Desks that are to run, and single connections of them, for the commands that ask a system."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.cli.choosing import there
from gateway.cli.ending import Code, Ended
from gateway.cli.options import Options
from gateway.cli.streams import printable

if TYPE_CHECKING:
    from connectors.base import Connector
    from gateway.assemble import Gateway
    from gateway.clock import Clock
    from gateway.config import Config
    from gateway.desk import Loaded, Unfit


def running_desk(chosen: Options, level: str = "warning") -> "Loaded":
    """The desk with its secrets, and the log set up so that none of them can be seen. Ends with 3 and every mistake."""
    from gateway.settings import running

    loaded = running(chosen.desk, chosen.config)
    _logging(chosen, loaded, level)
    return loaded


def _logging(chosen: Options, loaded: "Loaded", level: str) -> None:
    from gateway.logs import set_up

    level = "error" if chosen.quiet else "debug" if chosen.verbose else level
    set_up(as_json=chosen.as_json, level=level, secrets=loaded.secrets)


def last_good(chosen: Options) -> "Loaded":
    """The desk on disk; with mistakes in it, the one that was last in force, and everybody is told. Ends with 3 when there is none."""
    from gateway.desk import Unfit

    try:
        return running_desk(chosen, level="info")
    except Unfit as unfit:
        before = _before(chosen, unfit)
        if before is None:
            raise
        _logging(chosen, before, "info")
        sys.stderr.write(f"{printable(str(unfit))}\n\nThe files on disk are not fit to run. Starting on the last good rules instead.\n")
        return before


def _before(chosen: Options, unfit: "Unfit") -> "Loaded | None":
    """What the store keeps of the rules that were in force last."""
    from gateway.desk import database
    from gateway.in_force import running
    from gateway.placeholders import Environment, secret_folders
    from gateway.store.opening import opened

    url = database(chosen.desk, unfit.loaded.config or _settled())
    if not Path(url.removeprefix("sqlite:///")).exists():
        return None
    kept = opened(url)
    with kept.reading() as db:
        loaded = running(db, chosen.desk, resolve=Environment(secret_folders(chosen.desk)))
    kept.close()
    return loaded if loaded is not None and loaded.bundle is not None else None


def _settled() -> "Config":
    """The settings of a desk whose own cannot be read: the store lies where it lies without them."""
    from gateway.config import Config
    from gateway.config_file import FromOutside
    from gateway.settings import with_environment

    try:
        return with_environment({})
    except FromOutside:
        return Config()


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

    clock, loaded = clock_of(), loaded or running_desk(chosen)
    if not loaded.connections:
        raise Ended(Code.NOT_LOADED, f"{chosen.config_file} has no connections; config/README.md shows how one is written.")
    with assembled(loaded, read_only=read_only, clock=clock, **more) as found:
        yield found


@contextmanager
def connector(chosen: Options, name: str, loaded: "Loaded | None" = None) -> "Iterator[Connector]":
    """One connection, for reading. Ends with 8 when the desk has none of that name."""
    from gateway.assemble import connector_of

    loaded = loaded or running_desk(chosen)
    there(name, loaded.connections)
    found = connector_of(loaded, name, read_only=True)
    try:
        yield found
    finally:
        found.close()
