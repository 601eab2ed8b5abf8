"""`ticketgate approvals`: the questions that wait for a person, and their answers."""

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.stored import one_of, store, who

if TYPE_CHECKING:
    from gateway.desk import Loaded
    from gateway.store.approvals import Question, State

Id: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The question, by its id or the beginning of it.")]
Comment: TypeAlias = Annotated[str | None, typer.Option("--comment", metavar="TEXT", help="Why; kept with the answer.")]
By: TypeAlias = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who answers, as the channel's members name them; else the user of this machine.")
]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="The questions that wait for a person, and their answers.")
    group.command("list")(list_)
    group.command("approve")(approve)
    group.command("deny")(deny)
    app.add_typer(group, name="approvals")


def list_(
    context: typer.Context, all: Annotated[bool, typer.Option("--all", help="Those that have their answer as well.")] = False
) -> None:
    """The questions that wait for an answer, the oldest first."""
    from gateway.store import approvals

    chosen = options(context)
    with store(chosen) as (kept, _), kept.reading() as db:
        found = approvals.all_of(db, only_open=not all)
    if chosen.as_json:
        line(VERSION_LINE)
        for one in found:
            line({"type": "approval", **_as_json(one)})
        return
    for one in found:
        _shown(chosen, one)
    if not found:
        chosen.out().print("No question waits for an answer.")


def approve(context: typer.Context, id: Id, comment: Comment = None, by: By = None) -> None:
    """Says yes: what stands under approved: is done at the next look, within a second where the daemon runs."""
    from gateway.store.approvals import State

    _answered(options(context), id, State.APPROVED, who(by), comment)


def deny(context: typer.Context, id: Id, comment: Comment = None, by: By = None) -> None:
    """Says no: what stands under denied: is done at the next look, within a second where the daemon runs."""
    from gateway.store.approvals import State

    _answered(options(context), id, State.DENIED, who(by), comment)


def _answered(chosen: Options, id: str, state: "State", name: str, comment: str | None) -> None:
    """An answer comes once, in time, from somebody who was asked. Ends with 7 otherwise."""
    from gateway.cli.connecting import clock_of
    from gateway.clock import now as wall
    from gateway.questions import SIGNAL, refusal, settled_already
    from gateway.store import approvals, audits, inbox

    at = clock_of()()
    with store(chosen) as (kept, loaded):
        with kept.reading() as db:
            one = one_of("approval", id, approvals.found(db, id))
        if (why := refusal(one, name, _members(loaded, one.to))) is not None:
            raise Ended(Code.UNSAFE, f"Nothing was answered: {why}.")
        with kept.writing() as db:
            done = approvals.answered(db, one.id, state, at, by=name, comment=comment)
            if done:
                inbox.put_refs(db, [one.ref], wall(), SIGNAL)
                audits.noted(db, at, name, f"approval {state}", f"{one.id} {one.ref} {one.rule}")
            else:
                (one,) = approvals.found(db, one.id)
    if not done:
        raise Ended(Code.UNSAFE, f"Nothing was answered: {settled_already(one)}.")
    _told(chosen, one, state, name)


def _members(loaded: "Loaded", channel: str) -> tuple[str, ...] | None:
    channels = loaded.config.channels if loaded.config else {}
    return channels[channel].members if channel in channels else None


def _told(chosen: Options, one: "Question", state: "State", name: str) -> None:
    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": "approval", **_as_json(one), "state": state, "by": name})
        return
    out = chosen.out()
    out.print(f"Approval {one.id} about {one.ref} is {state} by {name}.", style="green")
    out.print(f"The daemon does what waited for it; without one: {chosen.command('run --once')}")


def _shown(chosen: Options, one: "Question") -> None:
    out = chosen.out()
    by = f" by {one.by}" if one.by else ""
    until = f"until {one.due_at:%Y-%m-%d %H:%M}Z" if one.state == "open" else f"{one.answered_at:%Y-%m-%d %H:%M}Z"
    out.print(
        f"{one.id}  {one.state + by:<14} {one.ref}  asks {one.ask} {until}   {one.rule}", style="bold" if one.state == "open" else "dim"
    )
    out.print(f"            {' '.join(one.question.split())}{f'   ({one.comment})' if one.comment else ''}")


def _as_json(one: "Question") -> dict[str, object]:
    said = {name: getattr(one, name) for name in ("id", "rule", "step", "ask", "to", "question", "state", "by", "comment", "handled")}
    return {**said, "ref": str(one.ref), **{name: getattr(one, name) for name in ("opened_at", "due_at", "answered_at")}}
