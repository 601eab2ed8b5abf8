"""`ticketgate sla at-risk` and `sla simulate`: what breaches next, and what compliance would have been."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.choosing import moment
from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, OwnFormat, line, options
from gateway.cli.sla import group
from gateway.cli.stored import in_force, store
from gateway.clock import now

if TYPE_CHECKING:
    from gateway.reports.ahead import Ahead, AtRisk, Kept, Replayed
    from rules.bundle import Bundle

LONGEST = 50
"""So many tickets are listed for people; JSON has all."""


def add_to(app: typer.Typer) -> None:
    group.command("at-risk")(at_risk)
    group.command("simulate")(simulate)


def at_risk(
    context: typer.Context,
    within: Annotated[str, typer.Option("--within", metavar="2h", help="How far to look ahead.")] = "2h",
    own: OwnFormat = None,
) -> None:
    """Lists the promises that are broken next, the nearest first. It reads the store and asks no system."""
    from gateway.config import duration
    from gateway.reports.ahead import at_risk as found_at_risk
    from gateway.store.lives import all_known
    from rules.engine import Engine

    chosen = options(context, own)
    try:
        ahead = duration(within)
    except ValueError as error:
        raise Ended(Code.USAGE, f"--within {within}: {error}.") from None
    with store(chosen) as (kept, loaded):
        engine = Engine(in_force(chosen, kept, loaded))
        with kept.reading() as db:
            found = found_at_risk(all_known(db), engine, now(), ahead)
    if chosen.as_json:
        line(VERSION_LINE)
        for risk in found.found:
            line({"type": "at_risk", **_as_json(risk)})
        line({"type": "summary", "at_risk": len(found.found), "late": found.late, "unknown": found.unknown})
    else:
        _listed(chosen, found, within)


def _as_json(risk: "AtRisk") -> dict[str, object]:
    clock, ticket = risk.clock, risk.ticket
    promise = {"metric": clock.metric, "policy": clock.policy, "due_at": clock.due_at, "remaining": clock.remaining.total_seconds()}
    who = ticket.assignee.known_as if ticket.assignee else None
    return {"ref": str(ticket.ref), **promise, "priority": ticket.priority, "group": ticket.group, "assignee": who}


def _listed(chosen: Options, found: "Ahead", within: str) -> None:
    from gateway.cli.render import headline
    from gateway.reports.showing import amount

    out, at = chosen.out(), now()
    for risk in found.found:
        due = risk.clock.due_at or at
        who = risk.ticket.assignee.known_as if risk.ticket.assignee else "nobody"
        out.print(f"{due:%Y-%m-%d %H:%M:%S}Z  in {amount(due - at):<9} {risk.clock.metric:<16} {headline(risk.ticket)}")
        out.print(f"    {risk.clock.policy}, {risk.ticket.priority or 'no priority'}, {risk.ticket.group or 'no group'}, {who}")
    out.print(f"{len(found.found):,} promises are broken within {within} unless something happens.")
    out.print(f"{found.late:,} are broken and still owed.")
    if found.unknown:
        out.print(f"Of {found.unknown:,} open tickets the history was never read, so nothing can be said of them.")


def simulate(
    context: typer.Context,
    since: Annotated[str, typer.Option("--since", metavar="WHEN", help="Tickets made since: 90d ago, or a moment.")] = "90d",
    rules: Annotated[Path | None, typer.Option("--rules", metavar="PATH", help="The files of this desk, not our own.")] = None,
    own: OwnFormat = None,
) -> None:
    """Works out the promises to stored tickets under the policies on disk, and compares them with those in force.

    It says what compliance would have been, by group and priority, and which tickets differ. Nothing is written anywhere.
    """
    from gateway.reports.ahead import replayed
    from gateway.store.lives import all_known
    from rules.engine import Engine

    chosen, at = options(context, own), now()
    start = moment("--since", since, at) or at - timedelta(days=90)
    with store(chosen) as (kept, loaded):
        present, other = Engine(in_force(chosen, kept, loaded)), Engine(_on_disk(chosen, rules))
        with kept.reading() as db:
            found, unknown = replayed(all_known(db), present, other, start, at)
    if chosen.as_json:
        _simulated_json(found, unknown)
    else:
        _simulated(chosen, found, unknown)


def _on_disk(chosen: Options, rules: Path | None) -> "Bundle":
    """Ends with 2 for no folder, with 3 for files with mistakes."""
    from gateway.desk import Unfit, load
    from gateway.settings import with_environment

    if rules is not None and not rules.is_dir():
        raise Ended(Code.USAGE, f"--rules {rules}: there is no such folder; name a desk's folder, or its rules/.")
    folder = chosen.desk if rules is None else rules.parent if rules.resolve().name == "rules" else rules
    loaded = load(folder, chosen.config if rules is None else None, settle=with_environment)
    if loaded.bundle is None:
        raise Unfit(loaded)
    return loaded.bundle


def _simulated_json(found: "list[Replayed]", unknown: int) -> None:
    from gateway.reports.ahead import kept

    line(VERSION_LINE)
    for field in ("group", "priority"):
        for row in kept(found, field):
            was, would = ({"met": met, "of": of} for met, of in (row.was, row.would))
            line({"type": "compliance", "by": field, "name": row.name, "metric": row.metric, "was": was, "would": would})
    differ = [(one, list(one.differs)) for one in found]
    for one, differences in differ:
        for metric, present, other in differences:
            line({"type": "difference", "ref": str(one.ticket.ref), "metric": metric, "was": present, "would": other})
    line({"type": "summary", "tickets": len(found), "differ": sum(bool(some) for _, some in differ), "unknown": unknown})


def _simulated(chosen: Options, found: "list[Replayed]", unknown: int) -> None:
    from gateway.cli.render import headline
    from gateway.reports.ahead import kept

    out = chosen.out()
    out.print(f"{'':<28} {'metric':<18} {'in force':>18} {'on disk':>18}")
    seen = set()
    for row in (row for field in ("group", "priority") for row in kept(found, field)):
        if (row.name, row.metric) not in seen:
            seen.add((row.name, row.metric))
            out.print(_compliance(row))
    differ = [one for one in found if any(one.differs)]
    for one in differ[:LONGEST]:
        out.print(headline(one.ticket))
        for metric, was, would in one.differs:
            out.print(f"    {metric:<16} {was} → {would}")
    if len(differ) > LONGEST:
        out.print(f"... and {len(differ) - LONGEST:,} more; --format json has them all.")
    out.print(f"{len(found):,} tickets, {len(differ):,} differ.")
    if unknown:
        out.print(f"Of {unknown:,} more the history was never read, so nothing can be said of them.")


def _compliance(row: "Kept") -> str:
    said = (f"{met:,}/{of:,} {met / of:7.1%}" if of else "-" for met, of in (row.was, row.would))
    was, would = said
    return f"{row.name:<28} {row.metric:<18} {was:>18} {would:>18}"
