"""`ticketgate pages`: who is being called out, and that somebody has it in hand."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.stored import one_of, store, who

if TYPE_CHECKING:
    from gateway.store.pages import Paging


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Who is being called out about which ticket, and acknowledging it.")
    group.command("list")(list_)
    group.command("ack")(ack)
    app.add_typer(group, name="pages")


def list_(context: typer.Context, all: Annotated[bool, typer.Option("--all", help="Those that have ended as well.")] = False) -> None:
    """The pages that wait for somebody, the oldest first."""
    from gateway.store import pages

    chosen = options(context)
    with store(chosen) as (kept, _), kept.reading() as db:
        found = pages.all_of(db, only_open=not all)
    if chosen.as_json:
        line(VERSION_LINE)
        for one in found:
            line({"type": "page", **_as_json(one)})
        return
    for one in found:
        _shown(chosen, one)
    if not found:
        chosen.out().print("Nobody is being called out.")


def ack(
    context: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="The page, by its id or the beginning of it.")],
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who has it in hand; else the user of this machine.")] = None,
) -> None:
    """Says that somebody has it in hand: nobody else is called."""
    from gateway.cli.connecting import clock_of
    from gateway.store import audits, pages

    chosen, name = options(context), who(by)
    now = clock_of()()
    with store(chosen) as (kept, _):
        with kept.reading() as db:
            one = one_of("page", id, pages.found(db, id))
        with kept.writing() as db:
            done = pages.ended(db, one.id, pages.State.ACKNOWLEDGED, now, by=name, why="acknowledged")
            if done:
                audits.noted(db, now, name, "page acknowledged", f"{one.id} {one.ref} {one.to}")
    if not done:
        raise Ended(Code.UNSAFE, f"Page {one.id} is {one.state} already{f', by {one.by}' if one.by else ''}: {one.why}.")
    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": "page", **_as_json(one), "state": "acknowledged", "by": name})
    else:
        chosen.out().print(f"Page {one.id} about {one.ref} is acknowledged by {name}: nobody else is called.", style="green")


def _shown(chosen: Options, one: "Paging") -> None:
    out = chosen.out()
    told = f"{one.made} calls" if one.made != 1 else "1 call"
    following = f", the next at {one.next_at:%Y-%m-%d %H:%M:%S}Z" if one.next_at and one.state == "open" else ""
    ended = f" by {one.by}" if one.by else ""
    style = {"open": "bold yellow", "unanswered": "bold red"}.get(one.state, "dim")
    out.print(f"{one.id}  {one.state + ended:<14} {one.ref}  {one.to}, {one.urgency} urgency   {one.rule}", style=style)
    out.print(f"            opened {one.opened_at:%Y-%m-%d %H:%M:%S}Z, {told}{following}{f'; {one.why}' if one.why else ''}")


def _as_json(one: "Paging") -> dict[str, object]:
    """Without the text, which may hold a customer's words."""
    said = {name: getattr(one, name) for name in ("id", "rule", "to", "urgency", "state", "made", "by", "why")}
    moments = {name: getattr(one, name) for name in ("opened_at", "next_at", "ended_at")}
    return {**said, "ref": str(one.ref), "calls": said.pop("made"), **moments}
