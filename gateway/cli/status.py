"""`ticketgate status`: what waits, how far each connection was read, what needs a person."""

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import status_rules
from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.stored import store
from gateway.clock import now

if TYPE_CHECKING:
    import sqlalchemy as sa

    from gateway.desk import Loaded
    from gateway.store.budgets import Budget
    from gateway.store.connections import Standing
    from gateway.store.opening import Store


def add_to(app: typer.Typer) -> None:
    app.command("status")(status)


def status(
    context: typer.Context,
    wait: Annotated[str, typer.Option("--wait", metavar="30s", help="Wait up to so long for the inbox to be empty.")] = "0s",
) -> None:
    """How far each connection was read, what waits, what failed or is in doubt, and which rules are in force.

    Ends with 1 when anything is unhealthy.
    """
    from gateway.cli.choosing import lasting

    chosen = options(context)
    patience = lasting("--wait", wait)
    with store(chosen) as (kept, loaded):
        found = _gathered(kept, loaded)
        end = time.monotonic() + patience
        while found["waiting"] and time.monotonic() < end:
            time.sleep(0.5)
            found = _gathered(kept, loaded)
    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": "status", **found})
    else:
        _as_text(chosen, found)
    raise Ended(Code.DONE if found["healthy"] else Code.FINDINGS)


def _gathered(kept: "Store", loaded: "Loaded") -> dict[str, Any]:
    from gateway.store import actions, approvals, budgets, connections, halts, inbox, links, pages, runs, tickets

    with kept.reading() as db:
        depth = inbox.depth(db)
        standing = [s for s in connections.all_of(db) if loaded.config is None or s.connection in loaded.config.connections]
        queue, rules, requests, at = _queue(db), status_rules.gathered(db, loaded), budgets.all_of(db), now()
        shown = [_connection(s, depth.get(s.connection, 0), requests.get(s.connection), at) for s in standing]
        return {
            "healthy": not queue and status_rules.healthy(rules) and all(one["state"] == "ok" for one in shown),
            **rules,
            "connections": shown,
            "tickets": tickets.counts(db),
            "waiting": sum(depth.values()),
            "links": links.count(db),
            "actions": actions.counts(db),
            "next_alarm": tickets.next_alarm(db),
            "paused": [str(one) for one in halts.all_of(db)],
            "pages": len(pages.all_of(db)),
            "approvals": len(approvals.all_of(db)),
            "queue": queue,
            "runs": [{"id": r.id, "kind": r.kind, "state": r.state, "counts": dict(r.counts)} for r in runs.newest(db, 3)],
        }


def _connection(standing: "Standing", waiting: int, budget: "Budget | None", at: datetime) -> dict[str, Any]:
    """A connection that is well, and whose system allows no request for now, is paused as well."""
    until = budget.rests_until(at) if budget else None
    known = budget if budget and budget.known(at) else None
    paused = standing.state == "ok" and until is not None
    return {
        "connection": standing.connection,
        "state": "paused" if paused else standing.state,
        "polled_at": standing.polled_at,
        "read_up_to": standing.watermark,
        "paused_until": until if paused else standing.paused_until,
        "error": "the system allows no more requests for now" if paused else standing.error,
        "requests": {"limit": known.limit, "left": max(known.left or 0, 0), "resets_at": known.resets_at} if known else None,
        "waiting": waiting,
    }


def _queue(db: "sa.Connection") -> list[dict[str, str]]:
    """What needs a person: tickets that cannot be judged, pages that nobody answered, actions that failed or are in doubt."""
    from gateway.store import actions, pages, parked

    asked = [{"ref": str(p.ref), "kind": "page", "reason": f"{p.to}: {p.why}", "key": p.id} for p in pages.all_of(db) if p.why]
    items = [{"ref": f"{p.connection}:{p.key}", "kind": p.kind, "reason": p.reason} for p in parked.all_of(db)]
    return (
        items + asked + [{"ref": str(r.ref), "kind": str(r.state), "reason": r.reason or "", "key": r.key} for r in actions.for_person(db)]
    )


def _as_text(chosen: Options, found: dict[str, Any]) -> None:
    out = chosen.out()
    at = now()
    for one in found["connections"]:
        out.print(f"{one['connection']:<18} {_standing(one, at)}", style="" if one["state"] == "ok" else "bold red")
        if one["error"]:
            out.print(f"{'':<18} {one['error']}", style="red")
    tickets = sum(found["tickets"].values())
    done = found["actions"]
    out.print(f"\n{tickets:,} tickets known, {found['waiting']} waiting to be looked at, {found['links']} linked pairs.")
    out.print("Written: " + (", ".join(f"{n:,} {state}" for state, n in sorted(done.items())) or "nothing yet") + ".")
    if found["next_alarm"]:
        out.print(f"The next clock rings at {found['next_alarm']:%Y-%m-%d %H:%M:%S}Z.")
    if found["pages"] or found["approvals"]:
        out.print(f"Waiting for somebody: {found['pages']} pages (`pages list`), {found['approvals']} approvals (`approvals list`).")
    for text in found["paused"]:
        out.print(f"PAUSED: {text}.", style="bold red")
    for text, style in status_rules.lines(found):
        out.print(text, style=style)
    for run in found["runs"]:
        go_on = f"   to go on: {chosen.command('backfill --resume ' + run['id'])}" if run["kind"] == "backfill" else ""
        out.print(f"{run['kind']} {run['id']}: {run['state']}{go_on if run['state'] != 'done' else ''}")
    _needs_a_person(chosen, found["queue"])


def _needs_a_person(chosen: Options, queue: list[dict[str, str]]) -> None:
    out = chosen.out()
    if queue:
        out.print(f"\n{len(queue)} need a person:", style="bold yellow")
    for item in queue[:20]:
        out.print(f"  {item['ref']:<26} {item['kind']:<10} {item['reason']}", style="yellow")
    if len(queue) > 20:
        out.print(f"  and {len(queue) - 20} more; all of them: {chosen.command('--format json status')}")


def _standing(one: dict[str, Any], now: datetime) -> str:
    read = f"read up to {one['read_up_to']:%Y-%m-%d %H:%M:%S}Z" if one["read_up_to"] else "not read yet"
    waiting = f", {one['waiting']} waiting" if one["waiting"] else ""
    if one["state"] == "paused" and one["paused_until"]:
        left = max(0, int((one["paused_until"] - now).total_seconds()))
        return f"PAUSED until {one['paused_until']:%H:%M:%S}Z ({left} s){waiting}; {read}"
    requests = f"; {one['requests']['left']:,} of {one['requests']['limit']:,} requests left" if one["requests"] else ""
    return f"{'OK' if one['state'] == 'ok' else str(one['state']).upper()}   {read}{waiting}{requests}"
