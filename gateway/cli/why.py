"""`ticketgate why REF`: for every rule, whether it acted on a ticket, and which test decided."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gateway.cli.choosing import rule_there, there
from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.stored import ref_of, store

if TYPE_CHECKING:
    from gateway.desk import Loaded
    from gateway.store.actions import Row
    from gateway.store.opening import Store
    from gateway.store.passes import Pass
    from rules.ticket import TicketRef


def add_to(app: typer.Typer) -> None:
    app.command("why")(why)


def why(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The ticket: connection:key.")],
    pass_id: Annotated[str | None, typer.Option("--pass", metavar="ID", help="An earlier pass over it, by its id.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="ID", help="Only this rule.")] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", metavar="PATH", help="Judge by the files of this desk, not those in force.")
    ] = None,
    only: Annotated[Literal["matched", "failed"] | None, typer.Option("--only", help="Rules that matched, or that did not.")] = None,
) -> None:
    """Reads the record of the last pass over a ticket: what was seen, each rule with the test that decided, what was written."""
    from gateway.cli.explaining import Answer, as_json
    from gateway.desk import Unfit
    from gateway.store import passes
    from rules.engine import Engine

    chosen, ticket = options(context), ref_of(ref)
    with store(chosen, Code.NO_SUCH) as (kept, here):
        _known(ticket, here)
        ticket = _goes_on(chosen, kept, ticket)
        found = _pass(chosen, kept, ticket, pass_id)
        loaded = _rules(chosen, kept, found, rules)
        if loaded.bundle is None:
            raise Unfit(loaded)
        if rule is not None:
            rule_there(rule, loaded.bundle)
        told = Engine(loaded.bundle).explain(found.observation, replies=found.run is None)
        rows = _rows(kept, found) if rules is None else []
        with kept.reading() as db:
            beside = passes.brief(db, ticket)
    judged_by = "recorded" if rules is None else f"files in {loaded.folder}"
    said = as_json(Answer(found=found, told=told, rows=rows, passes=beside, judged_by=judged_by), rule, only)
    _shown(chosen, said)


def _shown(chosen: Options, said: dict[str, Any]) -> None:
    from gateway.cli.explaining import lines

    if chosen.as_json:
        line(said)
        return
    out = chosen.out()
    for text, style in lines(said):
        out.print(text, style=style)


def _goes_on(chosen: Options, kept: "Store", ref: "TicketRef") -> "TicketRef":
    """The ticket itself, or the one where it goes on; what became of it is said first."""
    from gateway.cli.gone import told, way

    if chosen.as_json:
        line(VERSION_LINE)
    steps = way(kept, ref)
    for step in steps:
        told(chosen, step)
    return next((step.into for step in reversed(steps) if step.into is not None), ref)


def _known(ref: "TicketRef", here: "Loaded") -> None:
    """Ends with 8 for a connection that the desk does not have, unless its settings cannot be read."""
    if here.config and here.config.connections:
        there(ref.connection, here.config.connections)


def _pass(chosen: Options, kept: "Store", ref: "TicketRef", pass_id: str | None) -> "Pass":
    """The pass asked for. Ends with 8 and says what is known instead."""
    from gateway.store import parked, passes, tickets

    with kept.reading() as db:
        found = passes.last(db, ref, pass_id)
        if found is not None:
            return found
        seen = tickets.seen(db, ref)
        waiting = [p.reason for p in parked.all_of(db) if (p.connection, p.key) == (ref.connection, ref.key)]
    if waiting:
        raise Ended(Code.NO_SUCH, f"{ref} was not judged: {waiting[0]}")
    if pass_id:
        raise Ended(Code.NO_SUCH, f"{ref} has no pass {pass_id}; without --pass the last one is shown.")
    if seen is None:
        raise Ended(Code.NO_SUCH, f"{ref} was never seen. `{chosen.command('status')}` says how far its connection was read.")
    how = (
        "adopted: it was made before its connection was first read, so nothing counted as news"
        if seen.adopted
        else "seen, and nothing was new"
    )
    raise Ended(Code.NO_SUCH, f"{ref} was {how}.\nWhat the rules would do about it: {chosen.command(f'plan --ticket {ref}')}")


def _rules(chosen: Options, kept: "Store", found: "Pass", rules: Path | None) -> "Loaded":
    """The files that decided, as the store keeps them; or those of another desk."""
    from gateway.desk import load
    from gateway.in_force import rebuilt

    if rules is not None:
        if not rules.is_dir():
            raise Ended(Code.USAGE, f"--rules {rules}: there is no such folder; name a desk's folder, or its rules/.")
        folder = rules.parent if rules.resolve().name == "rules" else rules
        own = folder / "ticketgate.yaml"
        return load(folder, own if own.exists() else chosen.config_file)
    with kept.reading() as db:
        judged = rebuilt(db, chosen.desk, found.bundle)
    if judged is None:
        raise Ended(
            Code.NOT_LOADED,
            f"The rules {found.bundle[:7]} that decided are not in the store. Judge by those on disk: --rules {chosen.desk}",
        )
    return judged


def _rows(kept: "Store", found: "Pass") -> "list[Row]":
    from gateway.store import actions

    with kept.reading() as db:
        return actions.of_pass(db, found.id)
