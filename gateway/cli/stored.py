"""The store of a desk, for commands that only look into it: no secret is needed, no system is asked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gateway.cli.ending import Code, Ended
from gateway.cli.options import Options

if TYPE_CHECKING:
    from gateway.desk import Loaded
    from gateway.store.opening import Store
    from rules.bundle import Bundle
    from rules.ticket import TicketRef

T = TypeVar("T")


@contextmanager
def store(chosen: Options, nothing: Code = Code.UNREACHABLE) -> "Iterator[tuple[Store, Loaded]]":
    """The open store, and what the files say. Ends with `nothing` when nothing was ever stored there."""
    with perhaps(chosen) as (found, loaded):
        if found is None:
            begin = f"`{chosen.command('run')}` or `{chosen.command('backfill')}` begin it."
            raise Ended(nothing, f"Nothing is stored yet at {_path(chosen, loaded)}.\n{begin}")
        yield found, loaded


@contextmanager
def perhaps(chosen: Options) -> "Iterator[tuple[Store | None, Loaded]]":
    """The same for who can do without a store: None where nothing was ever stored."""
    from gateway.desk import Unfit, database, load
    from gateway.settings import with_environment
    from gateway.store.opening import opened

    loaded = load(chosen.desk, chosen.config, settle=with_environment)
    if loaded.config is None:
        raise Unfit(loaded)
    if not _path(chosen, loaded).exists():
        yield None, loaded
        return
    found = opened(database(chosen.desk, loaded.config))
    try:
        yield found, loaded
    finally:
        found.close()


def address(chosen: Options) -> str:
    """Where the database is. Of the files only ticketgate.yaml need be right; ends with 3 where it is not."""
    from gateway.desk import Unfit, database, load
    from gateway.settings import with_environment

    loaded = load(chosen.desk, chosen.config, settle=with_environment)
    if loaded.config is None:
        raise Unfit(loaded)
    return database(chosen.desk, loaded.config)


def _path(chosen: Options, loaded: "Loaded") -> Path:
    from gateway.desk import database

    if loaded.config is None:
        raise ValueError("a desk whose settings cannot be read has no store")
    return Path(database(chosen.desk, loaded.config).removeprefix("sqlite:///"))


def in_force(chosen: Options, kept: "Store | None", loaded: "Loaded") -> "Bundle":
    """The rules that the daemon judges by; before its first start those on disk. Ends with 3 for mistakes."""
    from gateway.desk import Unfit
    from gateway.in_force import running

    found = None
    if kept is not None:
        with kept.reading() as db:
            found = running(db, chosen.desk)
    found = found or loaded
    if found.bundle is None:
        raise Unfit(found)
    return found.bundle


def ref_of(text: str) -> "TicketRef":
    """The ticket that `connection:key` names. Ends with 2 for anything else."""
    from rules.ticket import TicketRef

    try:
        return TicketRef.parse(text)
    except ValueError as error:
        raise Ended(Code.USAGE, str(error)) from None


def one_of(kind: str, id: str, found: "Sequence[T]") -> "T":
    """The one that an id, or the beginning of one, names. Ends with 8 for none, and with 2 for several."""
    if not found:
        raise Ended(Code.NO_SUCH, f"There is no {kind} {id}; `ticketgate {kind}s list --all` shows them.")
    if len(found) > 1:
        raise Ended(Code.USAGE, f"{len(found)} {kind}s begin with {id}; write more of it.")
    return found[0]


def who(by: str | None) -> str:
    """Who does something by hand: as they say, else the user of this machine."""
    from getpass import getuser

    return by or getuser()
