"""`ticketgate rules`: what is loaded and how often it matched; a rule from shadow to live; a rule paused and resumed."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.choosing import rule_there
from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, agreed, line, options
from gateway.cli.person import who
from gateway.cli.stored import in_force, perhaps, store
from gateway.clock import now

if TYPE_CHECKING:
    from gateway.desk import Loaded
    from gateway.promoting import Edit
    from gateway.ruling import Known
    from gateway.store.opening import Store
    from rules.bundle import Bundle

STYLES = {"paused": "yellow", "shadow": "cyan", "disabled": "dim"}
rules = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    app.add_typer(rules, name="rules", help="What is loaded, how often each rule matched, and single rules promoted, paused, resumed.")


@rules.command("list")
def listed(
    context: typer.Context,
    unused: Annotated[
        str | None, typer.Option("--unused", metavar="30d", help="Only rules in force for so long that matched nothing in that time.")
    ] = None,
) -> None:
    """Every rule in force, in its order: mode, place, how often it matched, when last. Before the first run: the files on disk."""
    chosen = options(context)
    since = _ago(unused) if unused is not None else None
    with perhaps(chosen) as (kept, loaded):
        bundle = in_force(chosen, kept, loaded)
        found = _known(kept, bundle)
    wanted = [one for one in found if since is None or one.unused_since(since)]
    if chosen.as_json:
        line(VERSION_LINE)
        for one in wanted:
            line({"type": "rule", **_as_json(one)})
        line({"type": "summary", "bundle": bundle.hash, "rules": len(found), "shown": len(wanted)})
    else:
        _as_text(chosen, bundle, found, wanted)


def _as_text(chosen: Options, bundle: "Bundle", found: "list[Known]", wanted: "list[Known]") -> None:
    out = chosen.out()
    for one in wanted:
        mode = "paused" if one.paused else one.rule.mode
        out.print(_line(one, mode), style=STYLES.get(mode, ""))
    paused = sum(one.paused is not None for one in found)
    which = f"{len(found)} rules" if wanted == found else f"{len(wanted)} of {len(found)} rules"
    out.print(f"\n{which} of bundle {bundle.short}{f', {paused} paused' if paused else ''}.")


def _known(kept: Any, bundle: "Bundle") -> "list[Known]":
    from gateway.ruling import known

    if kept is None:
        return list(known(None, bundle))
    with kept.reading() as db:
        return list(known(db, bundle))


def _ago(text: str) -> datetime:
    """Ends with 2 for what is no duration."""
    from gateway.config import duration

    try:
        return now() - duration(text)
    except ValueError as error:
        raise Ended(Code.USAGE, f"--unused {text}: {error}") from None


def _line(one: "Known", mode: str) -> str:
    last = f"last {one.hits.last_at:%Y-%m-%d %H:%M}Z {one.hits.last_ref}" if one.hits and one.hits.last_at else "never matched"
    failed = f", failed {one.hits.failed}" if one.hits and one.hits.failed else ""
    return f"{one.rule.id:<36} {mode:<9} {one.matched:>7} {last}{failed}   {one.rule.place}"


def _as_json(one: "Known") -> dict[str, Any]:
    rule, hits, paused = one.rule, one.hits, one.paused
    return {
        "rule": rule.id,
        "name": rule.name,
        "owner": rule.owner,
        "mode": rule.mode,
        "file": rule.place.file,
        "line": rule.place.line,
        "hits": {name: getattr(hits, name) if hits else 0 for name in ("live", "shadow", "limited", "failed")},
        "since": hits.since if hits else None,
        "last_at": hits.last_at if hits else None,
        "last_ref": hits.last_ref if hits else None,
        "paused": {"reason": paused.reason, "by": paused.who, "at": paused.at} if paused else None,
    }


@rules.command()
def show(context: typer.Context, rule: Annotated[str, typer.Argument(metavar="ID", help="The rule.")]) -> None:
    """One rule as it is in force: its text, where it stands, how often it matched and on which ticket last."""
    from gateway.rule_texts import text_of

    chosen = options(context)
    with perhaps(chosen) as (kept, loaded):
        bundle = in_force(chosen, kept, loaded)
        rule_there(rule, bundle)
        (one,) = (known for known in _known(kept, bundle) if known.rule.id == rule)
        text = text_of(_sources(kept, bundle, loaded), one.rule)
    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": "rule", **_as_json(one), "description": one.rule.description, "text": text})
        return
    out, hits = chosen.out(), one.hits
    out.print(f"{one.rule.id}   {one.rule.mode}   {one.rule.place}", style="bold")
    if one.paused:
        out.print(f"paused since {one.paused.at:%Y-%m-%d %H:%M}Z by {one.paused.who}: {one.paused.reason}", style="yellow")
    if hits is None:
        out.print("never in force here")
    else:
        counts = f"{hits.live} times live, {hits.shadow} in shadow, {hits.limited} over a limit, {hits.failed} failed"
        last = f"; last {hits.last_at:%Y-%m-%d %H:%M:%S}Z on {hits.last_ref}" if hits.last_at else ""
        out.print(f"{counts}, in force since {hits.since:%Y-%m-%d}{last}")
    out.print(f"\n{text}")


def _sources(kept: Any, bundle: "Bundle", loaded: "Loaded") -> dict[str, str]:
    from gateway.store import bundles

    if kept is not None:
        with kept.reading() as db:
            found = bundles.sources(db, bundle.hash)
        if found is not None:
            return found
    return dict(loaded.sources)


@rules.command()
def promote(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(metavar="ID", help="A rule in shadow mode.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """From shadow to live: edits the `mode` line of the rule's file, and nothing else. Shows the difference and asks first."""
    from gateway.desk import load
    from gateway.promoting import NotPromoted, to_live

    chosen = options(context)
    loaded = load(chosen.desk, chosen.config)
    bundle = _fit(loaded)
    rule_there(rule, bundle)
    try:
        edit = to_live(bundle, loaded.sources, rule)
    except NotPromoted as error:
        raise Ended(Code.UNSAFE, str(error)) from None
    _proved(loaded, edit, rule)
    for text in edit.diff:
        chosen.out().print(text, style="green" if text.startswith("+") else "red" if text.startswith("-") else "dim")
    agreed(chosen, f"Write this to {edit.file}?", yes=yes)
    _written(loaded, edit)
    chosen.err().print(f"'{rule}' is live as soon as these files are in force; a running daemon takes them over by itself.")


def _fit(loaded: "Loaded") -> "Bundle":
    from gateway.desk import Unfit

    if loaded.bundle is None:
        raise Unfit(loaded)
    return loaded.bundle


def _proved(loaded: "Loaded", edit: "Edit", rule: str) -> None:
    """The edited files are read as they would be on disk: this rule is live then. Ends with 7 before anything is written."""
    from gateway.desk import from_texts

    after = from_texts(loaded.folder, {**loaded.sources, edit.file: edit.after}).bundle
    promoted = after.rule(rule) if after else None
    if promoted is None or promoted.mode != "live":
        raise Ended(Code.UNSAFE, f"The mode of '{rule}' could not be changed in {edit.file} by itself; change it by hand.")


def _written(loaded: "Loaded", edit: "Edit") -> None:
    """Whole or not at all; a file that somebody saved meanwhile is not overwritten. Ends with 7 then."""
    from gateway.whole_file import put

    path = loaded.folder / edit.file
    if path.read_bytes() != edit.before.encode("utf-8", "surrogateescape"):
        raise Ended(Code.UNSAFE, f"{path} was changed meanwhile; nothing was written. Do it again.")
    put(path, edit.after.encode("utf-8", "surrogateescape"))


@rules.command()
def pause(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(metavar="ID", help="The rule.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; `status` and the audit trail show it.")],
) -> None:
    """Stops one rule from the next pass on, until it is resumed. Its file stays as it is; a ladder's clocks go on."""
    from gateway.store import audits, pausing

    chosen = options(context)
    if not reason.strip():
        raise Ended(Code.USAGE, "--reason is empty; say why, for whoever finds the rule paused.")
    with store(chosen) as (kept, loaded):
        rule_there(rule, in_force(chosen, kept, loaded))
        with kept.writing() as db:
            pausing.pause(db, rule, reason.strip(), who(), now())
            audits.noted(db, now(), who(), "rule paused", f"{rule}: {reason.strip()}")
    chosen.err().print(f"'{rule}' is paused. To end it: {chosen.command(f'rules resume {rule}')}")


@rules.command()
def resume(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(metavar="ID", help="A paused rule.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; for the audit trail.")],
) -> None:
    """Lets a paused rule act again. Of stages that fell due meanwhile its `catch_up` decides, as after an outage."""
    from gateway.store import audits, pausing

    chosen = options(context)
    if not reason.strip():
        raise Ended(Code.USAGE, "--reason is empty; say why, for the audit trail.")
    with store(chosen) as (kept, loaded):
        with kept.writing() as db:
            was = pausing.resume(db, rule)
            if was:
                audits.noted(db, now(), who(), "rule resumed", f"{rule}: {reason.strip()}")
        if not was:
            with kept.reading() as db:
                there = ", ".join(sorted(pausing.names(db)))
            raise Ended(Code.NO_SUCH, f"'{rule}' is not paused; {f'these are: {there}' if there else 'no rule is'}.")
        _ring_again(kept, in_force(chosen, kept, loaded), rule)
    chosen.err().print(f"'{rule}' acts again from the next pass on.")


def _ring_again(kept: "Store", bundle: "Bundle", rule: str) -> None:
    """Alarms that rang while a ladder was paused ring again."""
    from gateway.cli.connecting import clock_of
    from gateway.gathering import Gatherer
    from gateway.rearming import rearmed
    from gateway.retrying import Patience
    from gateway.rulebook import Rulebook
    from rules.ladders import follows_a_clock

    resumed = bundle.rule(rule)
    if resumed is not None and follows_a_clock(resumed):
        clock = clock_of()
        rearmed(kept, Gatherer(kept, {}, clock, Patience()), Rulebook(bundle), clock, overdue=True)
