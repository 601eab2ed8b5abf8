"""`ticketgate ticket REF`: one ticket in our words, as its system has it now."""

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.stored import ref_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.base import Connector
    from rules.ticket import Change, Comment, Ticket, TicketRef

T = TypeVar("T")
FIRST = ("status", "type", "priority", "group", "assignee", "requester", "tags", "product", "language", "channel")
LAST = ("created_at", "updated_at", "version", "url", "shown_as")
STEPS = 20
"""So many tickets one after another may have been merged or moved."""
APART = ("ref", "subject", "body", "custom", "unread")


def add_to(app: typer.Typer) -> None:
    app.command("ticket")(ticket)


def ticket(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The ticket: connection:key.")],
    history: Annotated[bool, typer.Option("--history", help="With its comments and changes, oldest first.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="The record as the system itself sends it, as JSON.")] = False,
) -> None:
    """Reads one ticket from its system and shows every field in our words; words that nobody declared are named."""
    from gateway.cli.connecting import connector

    chosen, name = options(context), ref_of(ref)
    with connector(chosen, name.connection) as there:
        if chosen.as_json:
            line(VERSION_LINE)
        if raw:
            _as_sent(chosen, _there(chosen, name, there.raw))
            return
        found = _there(chosen, name, there.fetch)
        comments, changes = _past(there, found.ref.key) if history else ((), ())
    if chosen.as_json:
        line(_as_json(found, comments, changes))
    else:
        _as_text(chosen, found, comments, changes, history=history)


def _there(chosen: Options, ref: "TicketRef", read: "Callable[[str], T]") -> "T":
    """What is read of a ticket, or of the one where it went; that is said. Ends with 8 for one that is no more."""
    from connectors.errors import NotFound
    from gateway.cli.gone import gone_on

    for _ in range(STEPS):
        try:
            return read(ref.key)
        except NotFound as error:
            ref = gone_on(chosen, ref, error)
    raise Ended(Code.NO_SUCH, f"{ref} went through more than {STEPS} other tickets.")


def _as_sent(chosen: Options, record: "Mapping[str, Any]") -> None:
    """Indented for people, on one line for programs."""
    import orjson

    if chosen.as_json:
        line({"type": "raw", "record": dict(record)})
    else:
        chosen.out().print(orjson.dumps(record, option=orjson.OPT_INDENT_2, default=str).decode())


def _past(there: "Connector", key: str) -> "tuple[tuple[Comment, ...], tuple[Change, ...]]":
    able = there.abilities
    return there.comments(key) if able.comments else (), there.history(key) if able.history else ()


def _values(found: "Ticket") -> dict[str, Any]:
    names = [name for name in found.__struct_fields__ if name not in (*FIRST, *LAST, *APART)]
    return {name: getattr(found, name) for name in (*FIRST, *names, *LAST)}


def _as_text(chosen: Options, found: "Ticket", comments: "tuple[Comment, ...]", changes: "tuple[Change, ...]", *, history: bool) -> None:
    from gateway.cli.render import headline, shown

    out = chosen.out()
    out.print(headline(found), style="bold")
    for name, value in _values(found).items():
        if name in FIRST or value not in (None, frozenset()):
            out.print(f"    {name:<12} {shown(value)}")
    for name, value in sorted(found.custom.items()):
        out.print(f"    custom.{name:<12} {shown(value)}")
    for name, word in found.unread.items():
        remedy = f"words: {{ {name}: {{ {word}: OURS }} }} under {found.ref.connection} in ticketgate.yaml"
        out.print(f"  ? {name:<12} the word '{word}' has no meaning here; declare it: {remedy}", style="yellow")
    if found.body:
        out.print(f"\n{found.body}")
    if history:
        past = [(c.at, _said(c)) for c in comments] + [(c.at, f"{c.field}: {shown(c.before)} → {shown(c.after)}") for c in changes]
        out.print()
        for at, text in sorted(past):
            out.print(f"    {at:%Y-%m-%d %H:%M:%S}Z  {text}")


def _said(comment: "Comment") -> str:
    author = comment.author.known_as if comment.author else None
    ours = ", ours" if comment.ours else ""
    return f"{'reply' if comment.public else 'note'} by {author or 'somebody'} ({comment.role}{ours}): {comment.text}"


def _as_json(found: "Ticket", comments: "tuple[Comment, ...]", changes: "tuple[Change, ...]") -> dict[str, Any]:
    from gateway.cli.render import plain

    return {
        "type": "ticket",
        "ref": str(found.ref),
        "ticket": {
            "subject": found.subject,
            "body": found.body,
            **{name: plain(value) for name, value in _values(found).items()},
            "custom": {name: plain(value) for name, value in found.custom.items()},
        },
        "unread": dict(found.unread),
        "comments": [
            {"id": c.id, "at": c.at, "public": c.public, "role": c.role, "author": plain(c.author), "ours": c.ours, "text": c.text}
            for c in comments
        ],
        "history": [{"field": c.field, "before": plain(c.before), "after": plain(c.after), "at": c.at, "ours": c.ours} for c in changes],
    }
