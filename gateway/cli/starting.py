"""Which rules a daemon starts by: a pinned bundle, the files on disk, or the last good rules when those are not fit."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.ending import Code, Ended, in_words
from gateway.cli.options import Options
from gateway.cli.streams import printable

if TYPE_CHECKING:
    from gateway.assemble import Gateway
    from gateway.config import Config
    from gateway.desk import Loaded, Unfit
    from gateway.fitness import FailedTests
    from gateway.store.reloading import Standing, State


@dataclass(frozen=True, slots=True)
class Start:
    """The desk to run by, and what is to be said of the files on disk, which bore that stamp."""

    loaded: "Loaded"
    stamp: object
    state: "State" = "ok"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store knows of earlier runs."""

    standing: "Standing"
    pinned: "Loaded | None" = None
    last: "Loaded | None" = None


def to_start(chosen: Options) -> Start:
    """Everybody is told when it is not the files on disk. Raises `Unfit` or `FailedTests` when there is nothing else to run by."""
    from gateway.reloading import stamp_of

    stamp = stamp_of(chosen.desk, chosen.config_file)
    loaded, unfit = _on_disk(chosen)
    before = _kept(chosen, loaded.config)
    if before.pinned is not None:
        return _said(Start(before.pinned, stamp), f"The rules are pinned to {_short(before.pinned)}; the files on disk are not looked at.")
    if unfit is None:
        return _guarded(loaded, before) or Start(loaded, stamp)
    if before.last is None:
        raise unfit
    said = f"{unfit}\n\nThe files on disk are not fit to run. Starting on the last good rules instead."
    return _said(Start(before.last, stamp, "refused", in_words(unfit)), said)


def _guarded(loaded: "Loaded", before: Kept) -> Start | None:
    """Where a guard holds new rules against what was seen lately, they are news to the daemon that starts on those before."""
    last = before.last
    if loaded.config is None or loaded.config.reload is None or last is None or last.bundle is None or loaded.bundle is None:
        return None
    if last.bundle.hash == loaded.bundle.hash:
        return None
    return _said(Start(last, None), "The files on disk are others than the rules in force; `reload:` has them replayed first.")


def _said(start: Start, text: str) -> Start:
    sys.stderr.write(printable(text) + "\n")
    return start


def _short(loaded: "Loaded") -> str:
    return loaded.bundle.short if loaded.bundle else "none"


def _on_disk(chosen: Options) -> "tuple[Loaded, Unfit | FailedTests | None]":
    from gateway.desk import Unfit
    from gateway.fitness import FailedTests, fit
    from gateway.settings import running

    try:
        loaded = running(chosen.desk, chosen.config)
        fit(loaded)
    except Unfit as error:
        return error.loaded, error
    except FailedTests as error:
        return loaded, error
    return loaded, None


def _kept(chosen: Options, config: "Config | None") -> Kept:
    """What earlier runs left, with the secrets of today."""
    from gateway.desk import database
    from gateway.in_force import rebuilt, running
    from gateway.placeholders import Environment, secret_folders
    from gateway.store import reloading
    from gateway.store.opening import opened

    url = database(chosen.desk, config or _settled())
    if not Path(url.removeprefix("sqlite:///")).exists():
        return Kept(reloading.Standing())
    kept, resolve = opened(url), Environment(secret_folders(chosen.desk))
    with kept.reading() as db:
        standing = reloading.standing(db)
        pinned = rebuilt(db, chosen.desk, standing.pinned, resolve=resolve) if standing.pinned else None
        last = running(db, chosen.desk, resolve=resolve)
    kept.close()
    return Kept(standing, _readable(pinned), _readable(last))


def _readable(loaded: "Loaded | None") -> "Loaded | None":
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


@contextmanager
def unpinned(chosen: Options) -> "Iterator[Gateway]":
    """The whole house by the files on disk. Ends with 7 when other rules are pinned: what was put aside must not write by another door."""
    from gateway.cli.connecting import gateway
    from gateway.store import reloading

    with gateway(chosen, long=True) as found:
        with found.store.reading() as db:
            pinned = reloading.standing(db).pinned
        if pinned is not None and pinned != found.cycle.book.bundle.hash:
            draw = chosen.command("rollback --unpin")
            raise Ended(Code.UNSAFE, f"The rules are pinned to {pinned[:7]}, and the files on disk are others. To draw the pin: {draw}")
        yield found
