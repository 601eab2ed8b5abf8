"""`ticketgate diff`: the rules in force against the files, by what is written and by which tickets would end differently."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.stored import store

if TYPE_CHECKING:
    from datetime import timedelta

    from gateway.desk import Loaded
    from gateway.differing import Differing
    from gateway.replay import Changed, End, Otherwise, Replay
    from gateway.store.opening import Store
    from rules.bundle import Bundle

SIGNS = {"added": "+", "removed": "-", "changed": "~", "reordered": "↕"}
STYLES = {"added": "green", "removed": "red", "changed": "yellow", "reordered": "yellow"}


def add_to(app: typer.Typer) -> None:
    app.command("diff")(diff)


def diff(
    context: typer.Context,
    path: Annotated[Path | None, typer.Argument(metavar="[PATH]", help="Another desk's folder, or its rules/; else this desk.")] = None,
    replay: Annotated[
        str | None,
        typer.Option("--replay", metavar="DURATION", help="Judge the tickets of so long again, like 7d, and name those that differ."),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 10 when something differs; with --replay when a ticket would.")
    ] = False,
) -> None:
    """Holds the files on disk against the rules in force: what is written otherwise, and with --replay which tickets would end differently.

    Asks no system and writes nothing. Ends with 3 for files with mistakes, with 5 when no rules were ever in force.
    """
    from gateway.differing import differing

    chosen, span = options(context), _span(replay)
    with store(chosen) as (kept, here):
        before, after = _running(chosen, kept), _files(chosen, here, path)
        found = differing(before.sources, after.sources)
        again = _replayed(kept, before, after, span) if span is not None else None
    _shown(chosen, _bundle(before), _bundle(after), found, again)
    if exit_code and (again.changed if again is not None else found):
        raise typer.Exit(Code.PENDING)


def _span(text: str | None) -> "timedelta | None":
    from gateway.config import duration

    if text is None:
        return None
    try:
        return duration(text)
    except ValueError:
        raise Ended(Code.USAGE, f"--replay {text}: write a duration like 24h or 7d.") from None


def _running(chosen: Options, kept: "Store") -> "Loaded":
    """Ends with 5 when there is nothing to compare with, with 3 when this release cannot read it any more."""
    from gateway.desk import Unfit
    from gateway.in_force import running

    with kept.reading() as db:
        found = running(db, chosen.desk)
    if found is None:
        raise Ended(Code.UNREACHABLE, f"No rules were ever in force here; `{chosen.command('run')}` puts those on disk into force.")
    if found.bundle is None:
        raise Unfit(found)
    return found


def _files(chosen: Options, here: "Loaded", path: Path | None) -> "Loaded":
    from gateway.desk import Unfit, load
    from gateway.settings import with_environment

    if path is not None:
        if not path.is_dir():
            raise Ended(Code.USAGE, f"{path}: there is no such folder; name a desk's folder, or its rules/.")
        folder = path.parent if path.resolve().name == "rules" else path
        own = folder / "ticketgate.yaml"
        here = load(folder, own if own.exists() else chosen.config_file, settle=with_environment)
    if here.bundle is None:
        raise Unfit(here)
    return here


def _bundle(loaded: "Loaded") -> "Bundle":
    if loaded.bundle is None:
        raise ValueError("a desk with mistakes was let through")
    return loaded.bundle


def _replayed(kept: "Store", before: "Loaded", after: "Loaded", span: "timedelta") -> "Replay":
    from gateway.clock import now
    from gateway.replay import replay, rules_alone

    at = now()
    alone = rules_alone(dict(before.sources), dict(after.sources))
    return replay(kept, _bundle(before), _bundle(after), at - span, at, rules=alone)


# --- shown --------------------------------------------------------------------------------------------------------------


def _shown(chosen: Options, before: "Bundle", after: "Bundle", found: "tuple[Differing, ...]", again: "Replay | None") -> None:
    if chosen.as_json:
        _as_json(before, after, found, again)
        return
    out = chosen.out()
    if not found:
        out.print(f"The rules in force are those of the files ({before.short}).")
    else:
        out.print(f"In force {before.short}, the files {after.short}:")
    for one in found:
        out.print(f"  {SIGNS[one.what]} {one.kind} {one.name}   {one.place}", style=STYLES[one.what])
    if again is None:
        return
    for changed in again.changed:
        out.print(f"\n{changed.ref}  {_subject(changed)}")
        for thing in changed.things:
            out.print(f"    {thing.what:<10} {_said(thing.before)} → {_said(thing.after)}   {_rules(thing)}")
    count = len(again.changed)
    out.print(f"\n{again.judged:,} tickets judged again, {count:,} would end differently ({again.share:.1%}).")


def _subject(changed: "Changed") -> str:
    from rules.showing import shown_value

    return shown_value(changed.subject).replace("'", '"')


def _said(end: "End | None") -> str:
    return end.said if end is not None else "(nothing)"


def _rules(thing: "Otherwise") -> str:
    """The rule that no longer decides, and the one that does."""
    asked = [end for end in (thing.before, thing.after) if end is not None]
    return ", ".join(dict.fromkeys(f"{end.rule} {end.place}" for end in asked))


def _as_json(before: "Bundle", after: "Bundle", found: "tuple[Differing, ...]", again: "Replay | None") -> None:
    line(VERSION_LINE)
    for one in found:
        line({"type": "differing", "what": one.what, "kind": one.kind, "name": one.name, "file": one.place.file, "line": one.place.line})
    for changed in again.changed if again is not None else ():
        things = [{"what": t.what, "before": _end(t.before), "after": _end(t.after)} for t in changed.things]
        line({"type": "ticket", "ref": str(changed.ref), "things": things})
    total: dict[str, Any] = {"type": "summary", "from": before.hash, "to": after.hash, "differing": len(found)}
    if again is not None:
        total |= {"judged": again.judged, "changed": len(again.changed), "share": round(again.share, 4)}
    line(total)


def _end(end: "End | None") -> dict[str, str] | None:
    return None if end is None else {"value": end.said, "rule": end.rule, "place": end.place}
