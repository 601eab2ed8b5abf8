"""`ticketgate connector`: what each connection can do, whether it answers, and how its fields and ours belong together."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.webhooks import BASE, Base, Header, Test, base_of, described, tried

if TYPE_CHECKING:
    from connectors.base import Abilities
    from connectors.inventory import RemoteField
    from gateway.desk import Loaded
    from gateway.field_map import Mapped, Proposal

Name = Annotated[str | None, typer.Argument(metavar="CONNECTION", help="Only this one, as ticketgate.yaml names it.")]
CAN = ("replies", "notes", "creates", "comments", "attachments", "history", "pushes", "members", "slas", "guards", "describes")
NAMED = ("attaches", "links", "tells")
SEVERAL = 6  # words of a list that a line for people shows


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="The connections: what each can do, whether it answers, how its fields map.")
    group.command("list")(list_)
    group.command("test")(try_)
    group.command("fields")(fields)
    group.command("abilities")(abilities)
    group.command("webhooks")(webhooks)
    app.add_typer(group, name="connector")


def list_(context: typer.Context) -> None:
    """The connections of the desk: system, address, and how many fields each reads and writes. Asks nobody."""
    chosen, loaded, names = _desk(context, None, asking=False)
    for name in names:
        system, can = _system(loaded, name), _can(loaded, name)
        said = {"connection": name, "system": system, "url": loaded.connections[name].url}
        counts = {"reads": len(can.reads), "writes": len(can.writes)}
        if chosen.as_json:
            line({"type": "connection", **said, **counts})
        else:
            chosen.out().print(f"{name:<20} {system:<12} {said['url']}  reads {counts['reads']} fields, writes {counts['writes']}")
    if not names and not chosen.as_json:
        chosen.out().print(f"{chosen.config_file} has no connections.")


def abilities(context: typer.Context, connection: Name = None) -> None:
    """What can be read, written and done there, as `check` holds rules against it. Asks nobody."""
    chosen, loaded, names = _desk(context, connection, asking=False)
    for name in names:
        can = _can(loaded, name)
        coupled = {field: sorted(others) for field, others in sorted(can.coupled.items())}
        lists = {
            "reads": sorted(can.reads),
            "writes": sorted(can.writes),
            "coupled": coupled,
            **{word: sorted(getattr(can, word)) for word in NAMED},
        }
        if chosen.as_json:
            can_do = {word: getattr(can, word) for word in CAN}
            said: dict[str, Any] = {"connection": name, "system": _system(loaded, name)}
            line({"type": "abilities", **said, **lists, **can_do})
            continue
        out = chosen.out()
        out.print(f"{name} ({_system(loaded, name)})")
        out.print(f"  reads   {', '.join(sorted(can.reads))}")
        out.print(f"  writes  {', '.join(sorted(can.writes))}")
        for field, others in coupled.items():
            out.print(f"          {field} may change {', '.join(others)} with it")
        out.print(f"  can     {', '.join(word for word in CAN if getattr(can, word)) or 'nothing else'}")
        out.print(f"  cannot  {', '.join(word for word in CAN if not getattr(can, word)) or '-'}")
        for word in NAMED:
            out.print(f"  {word:<7} {', '.join(sorted(getattr(can, word))) or '-'}")


def try_(context: typer.Context, connection: Name = None) -> None:
    """Signs in, says as whom, and reads one page; writes nothing. Ends with 4 where the system refuses us, with 5 where it is silent."""
    from connectors.errors import ConnectorError
    from gateway.cli.ending import code_of
    from gateway.clock import now

    chosen, loaded, names = _desk(context, connection)
    worst = Code.DONE
    for name in names:
        try:
            who = _tried(chosen, loaded, name, now())
        except (ConnectorError, ImportError) as error:
            worst = max(worst, code_of(error) or Code.UNREACHABLE)
            _say(chosen, name, ok=False, said=str(error).removeprefix(f"{name}: ").rstrip())
        else:
            _say(chosen, name, ok=True, said=f"signed in as {who}; tickets can be read")
    raise Ended(worst)


def _tried(chosen: Options, loaded: "Loaded", name: str, now: Any) -> str:
    from gateway.cli.connecting import connector

    with connector(chosen, name, loaded) as there:
        who = there.check_sign_in()
        next(iter(there.changed(now)), None)
    return who


def _say(chosen: Options, name: str, *, ok: bool, said: str) -> None:
    if chosen.as_json:
        line({"type": "tested", "connection": name, "ok": ok, "said": said})
    else:
        chosen.out().print(f"{'✓' if ok else '✗'} {name:<20} {said}", style="green" if ok else "red", markup=False)


def fields(context: typer.Context, connection: Name = None) -> None:
    """How the system's fields and ours belong together, what it requires of a new ticket, and what to write into a rule file for the rest.

    The system itself is asked; nothing is written. Ends with 1 where a field that the desk maps is not there, or has words unknown here.
    """
    from gateway.field_map import joined

    chosen, loaded, names = _desk(context, connection)
    found = [_fields_of(chosen, loaded, name) for name in names]
    if not chosen.as_json and loaded.bundle is not None:
        for text in _written(joined(loaded.bundle, [proposal for _, proposal in found if proposal])):
            chosen.out().print(text, markup=False, soft_wrap=True)
    raise Ended(Code.DONE if all(good for good, _ in found) else Code.FINDINGS)


def _fields_of(chosen: Options, loaded: "Loaded", name: str) -> "tuple[bool, Proposal | None]":
    """Whether all that is mapped is there, and what to write for the rest."""
    from gateway import field_map
    from gateway.cli.connecting import connector

    if not _can(loaded, name).describes or loaded.bundle is None:
        _say_untold(chosen, name)
        return True, None
    with connector(chosen, name, loaded) as there:
        found = there.fields()
    own = frozenset(said for _, kind, said in loaded.connections[name].named() if kind == "field")
    known = list(field_map.mapped(loaded.bundle, name, found))
    free = field_map.unmapped(loaded.bundle, name, found, own)
    proposal = field_map.proposal(loaded.bundle, name, free)
    required = [f for f in found if f.required]
    (_as_json if chosen.as_json else _for_people)(chosen, name, known, free, required, proposal)
    return all(one.there is not None and not one.unknown for one in known), proposal


def _say_untold(chosen: Options, name: str) -> None:
    if chosen.as_json:
        line({"type": "fields", "connection": name, "told": False})
    else:
        chosen.out().print(f"# {name}: this system cannot be asked for its fields", markup=False, soft_wrap=True)


def _as_json(
    _: Options, name: str, known: "list[Mapped]", free: "list[RemoteField]", required: "list[RemoteField]", proposal: "Proposal"
) -> None:
    for one in known:
        said = {"field": one.ours.name, "remote": one.remote, "there": one.there is not None, "unknown_values": one.unknown}
        line({"type": "mapped", "connection": name, **said})
    for kind, some in (("unmapped", free), ("required", required)):
        for field in some:
            said = asdict(field)
            line({"connection": name, **said, "type": kind, "holds": said["type"]})
    line({"type": "proposal", "connection": name, "fields": proposal.new, "joining": proposal.joining})


def _for_people(
    chosen: Options, name: str, known: "list[Mapped]", free: "list[RemoteField]", required: "list[RemoteField]", _: "Proposal"
) -> None:
    """The YAML, which comes last and for all connections at once, is all that is not behind a #: the answer is a file under rules/."""
    for text in _lines(name, known, free, required):
        chosen.out().print(f"# {text}", markup=False, soft_wrap=True)


def _lines(name: str, known: "list[Mapped]", free: "list[RemoteField]", required: "list[RemoteField]") -> Iterator[str]:
    yield f"{name}: {len(known)} fields mapped, {len(free)} of its own not"
    for one in known:
        there = f"{one.there.label} ({one.there.kind})" if one.there else "NOT THERE: correct its from:, or let our user see it"
        yield f"{one.ours.name:<18} = {one.remote}, {there}"
        if one.unknown:
            yield f"{'':<18}   words that values: does not name: {_some(one.unknown)}"
    for field in required:
        yield f"{'required':<18}   {field.id}, {field.label}: nobody makes a ticket there without it"
    for field in free:
        if field.type is None:
            yield f"{'not mappable':<18}   {field.id}, {field.label}: a {field.kind} holds nothing that rules compare"


def _written(proposal: "Proposal") -> Iterator[str]:
    from gateway.topics.lookup import as_yaml

    for name, remote in proposal.joining.items():
        yield f"# add to from: of {name}: {as_yaml(remote)}"
    if proposal.new:
        yield "version: 1"
        yield as_yaml({"fields": {name: dict(said) for name, said in proposal.new.items()}})


def _some(words: tuple[str, ...]) -> str:
    more = len(words) - SEVERAL
    return ", ".join(words[:SEVERAL]) + (f" and {more} more" if more > 0 else "")


def webhooks(context: typer.Context, connection: Name = None, base: Base = BASE, test: Test = None, header: Header = None) -> None:
    """What to set up in each system so that it tells of changes at once: address, events, body and proof. Asks and registers nothing.

    Ends with 1 where the desk lacks something for it, and of a body (--test) where nobody can tell which ticket it speaks of.
    """
    from gateway.cli.connecting import connector

    chosen, loaded, names = _desk(context, connection, asking=bool(header))
    names = [name for name in names if _can(loaded, name).pushes]
    if test is not None and len(names) != 1:
        raise Ended(Code.USAGE, "--test needs one connection that takes webhooks: ticketgate connector webhooks CONNECTION --test FILE")
    worst = Code.DONE
    for name in names:
        with connector(chosen, name, loaded) as there:
            hooks = there.hooks()
            if test is not None:
                raise Ended(tried(chosen, there, hooks, test, header or []))
            worst = max(worst, Code.DONE if described(chosen, loaded, name, hooks, base_of(base)) else Code.FINDINGS)
    raise Ended(worst)


def _desk(context: typer.Context, connection: str | None, *, asking: bool = True) -> tuple[Options, "Loaded", list[str]]:
    """The desk, and which of its connections are meant. Without `asking` no secret is needed: nobody is spoken to."""
    from gateway.cli.choosing import there
    from gateway.cli.connecting import running_desk

    chosen = options(context)
    loaded = running_desk(chosen, reading=True, asking=asking)
    if connection is not None:
        there(connection, loaded.connections)
    if chosen.as_json:
        line(VERSION_LINE)
    return chosen, loaded, [connection] if connection is not None else list(loaded.connections)


def _system(loaded: "Loaded", name: str) -> str:
    systems: Mapping[str, str] = loaded.desk.connections
    return systems[name]


def _can(loaded: "Loaded", name: str) -> "Abilities":
    from connectors import known

    return known(_system(loaded, name)).abilities
