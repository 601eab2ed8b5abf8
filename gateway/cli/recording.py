"""`ticketgate test --record REF`: a rule test out of a real ticket, which passes when it is run."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line
from gateway.cli.stored import perhaps, ref_of
from gateway.clock import now

if TYPE_CHECKING:
    from gateway.recording import Recorded
    from gateway.store.opening import Store
    from rules.bundle import Bundle
    from rules.observation import Observation
    from rules.ticket import TicketRef


def recorded(chosen: Options, named: str, paths: Sequence[str]) -> None:
    """The last recorded look at the ticket, else the ticket as its system has it now, becomes a file below tests/recorded/."""
    from gateway.desk import Unfit
    from gateway.recording import NotRecordable
    from gateway.recording import recorded as record

    ref = ref_of(named)
    with perhaps(chosen) as (kept, loaded):
        if loaded.bundle is None:
            raise Unfit(loaded)
        observation, fired = _seen(kept, ref) or (_asked(chosen, ref, loaded.bundle), None)
        known = [text for name, text in loaded.sources.items() if name.startswith("rules/")]
        try:
            made = record(f"recorded from {ref}", observation, loaded.bundle, known, fired)
        except NotRecordable as error:
            raise Ended(Code.NOT_LOADED, f"{ref} makes no test: {error}") from None
    if not made.outcome.passed:
        raise Ended(Code.FINDINGS, f"The test of {ref} does not pass, so it was not written:\n{made.outcome.message}")
    path = _free(chosen, ref, paths)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(made.text)
    _told(chosen, path, made)


def _seen(kept: "Store | None", ref: "TicketRef") -> "tuple[Observation, frozenset[str]] | None":
    from gateway.store import passes

    if kept is None:
        return None
    with kept.reading() as db:
        found = passes.last(db, ref)
    return (found.observation, frozenset(f.rule for f in found.plan.fired if f.how == "live")) if found else None


def _asked(chosen: Options, ref: "TicketRef", bundle: "Bundle") -> "Observation":
    """A ticket of which no look is recorded, as if it had just come. Ends with 2 for one that is not there."""
    from connectors.errors import NotFound
    from gateway.cli.connecting import connector
    from gateway.gathering import just_come

    with connector(chosen, ref.connection) as there:
        try:
            ticket = there.fetch(ref.key)
        except NotFound:
            raise Ended(Code.USAGE, f"{ref.connection} has no ticket {ref.key}.") from None
        comments = there.comments(ref.key) if there.abilities.comments else ()
    return just_come(ticket, now(), by_hand=True, comments=comments)


def _free(chosen: Options, ref: "TicketRef", paths: Sequence[str]) -> Path:
    """The file that PATH names, else the first free name. Ends with 2 for a file that is there: what it says is not overwritten."""
    if len(paths) > 1:
        raise Ended(Code.USAGE, "--record writes one file; name one PATH, or none.")
    if paths:
        path = Path(paths[0])
        if not path.name.endswith((".test.yaml", ".test.yml")):
            raise Ended(Code.USAGE, f"{path}: a test's file ends in .test.yaml.")
        if path.exists():
            raise Ended(Code.USAGE, f"{path} is there already; name another file.")
        return path
    folder, stem = chosen.desk / "tests" / "recorded", re.sub(r"[^A-Za-z0-9-]+", "-", str(ref)).strip("-").lower()
    names = (f"{stem}{f'-{n}' if n else ''}.test.yaml" for n in range(1000))
    return next(folder / name for name in names if not (folder / name).exists())


def _told(chosen: Options, path: Path, made: "Recorded") -> None:
    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": "recorded", "file": str(path), "missing": sorted(made.missing), "beyond": sorted(made.beyond)})
    else:
        chosen.out().print(f"Written to {path}; it passes.")
    err = chosen.err()
    if made.missing:
        err.print(f"Fired then and not in the test: {', '.join(sorted(made.missing))}. The files may have changed since.", style="yellow")
    if made.beyond:
        err.print(f"Fires in the test and did not then: {', '.join(sorted(made.beyond))}.", style="yellow")
    err.print("Read it before you keep it: a name that stands in a free text and in no field is not recognized.")
