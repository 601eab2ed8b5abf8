"""The store of a desk, for commands that only look into it: no secret is needed, no system is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.ending import Code, Ended
from gateway.cli.options import Options

if TYPE_CHECKING:
    from gateway.desk import Loaded
    from gateway.store.opening import Store
    from rules.ticket import TicketRef


@contextmanager
def store(chosen: Options, nothing: Code = Code.UNREACHABLE) -> "Iterator[tuple[Store, Loaded]]":
    """The open store, and what the files say. Ends with `nothing` when nothing was ever stored there."""
    from gateway.desk import Unfit, database, load
    from gateway.settings import with_environment
    from gateway.store.opening import opened

    loaded = load(chosen.desk, chosen.config, settle=with_environment)
    if loaded.config is None:
        raise Unfit(loaded)
    url = database(chosen.desk, loaded.config)
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not path.exists():
        raise Ended(nothing, f"Nothing is stored yet at {path}.\n`{chosen.command('run')}` or `{chosen.command('backfill')}` begin it.")
    found = opened(url)
    try:
        yield found, loaded
    finally:
        found.close()


def ref_of(text: str) -> "TicketRef":
    """The ticket that `connection:key` names. Ends with 2 for anything else."""
    from rules.ticket import TicketRef

    try:
        return TicketRef.parse(text)
    except ValueError as error:
        raise Ended(Code.USAGE, str(error)) from None
