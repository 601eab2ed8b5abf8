"""`ticketgate explain`: what a code, field, operator, verb, event or key means, with an example."""

from collections.abc import Iterator
from textwrap import indent
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options

if TYPE_CHECKING:
    from gateway.topics.lookup import Library
    from gateway.topics.topic import Code as Found
    from gateway.topics.topic import Topic


def add_to(app: typer.Typer) -> None:
    app.command("explain")(explain)


def explain(
    context: typer.Context,
    topic: Annotated[
        str, typer.Argument(metavar="[TOPIC]", help="A code, field, operator, verb, event or key; or: fields, operators, verbs, events ...")
    ] = "",
    listed: Annotated[bool, typer.Option("--list", help="Every topic there is.")] = False,
) -> None:
    """Says what a word in a desk's files or a code of check means, with an example. In a desk, also how each connection fills a field."""
    from gateway.topics.lookup import GROUPS

    chosen = options(context)
    if not topic and not listed:
        raise Ended(Code.USAGE, "Explain what? Name a code, field, operator, verb, event or key; --list shows all.")
    library = _library(chosen)
    if listed or topic in GROUPS:
        _list(chosen, library, [topic] if topic in GROUPS else list(GROUPS))
        return
    found = library.about(topic)
    if not found:
        meant = library.meant(topic)
        hint = f"Did you mean '{meant}'?" if meant else "ticketgate explain --list shows all."
        raise Ended(Code.NO_SUCH, f"There is nothing called '{topic}'. {hint}")
    if chosen.as_json:
        line(VERSION_LINE)
        for one in found:
            line({"type": "topic", **_as_json(one)})
    else:
        typer.echo("\n\n".join("\n".join(_told(one)) for one in found))


def _library(chosen: Options) -> "Library":
    """With the desk's own fields and connections, where there is a desk; its mistakes are no matter here."""
    from gateway.desk import load
    from gateway.topics.lookup import Library

    try:
        folder = chosen.desk
    except Ended:
        if chosen.project or chosen.config:
            raise
        return Library()
    loaded = load(folder, chosen.config)
    return Library(loaded.desk, loaded.bundle.fields if loaded.bundle else None)


def _list(chosen: Options, library: "Library", groups: list[str]) -> None:
    names = library.names()
    if chosen.as_json:
        line(VERSION_LINE)
        for group in groups:
            line({"type": "topics", "group": group, "names": names[group]})
        return
    for number, group in enumerate(groups):
        typer.echo(("\n" if number else "") + group)
        typer.echo("\n".join(_lines(library, group, names[group])))


def _lines(library: "Library", group: str, names: list[str]) -> Iterator[str]:
    from gateway.topics.codes import CODES

    meanings = {code.code: code.title for code in CODES.values()} if group == "codes" else _meanings(library, group)
    wide = max(map(len, names), default=0)
    for name in names:
        yield f"  {name:<{wide}}   {meanings.get(name, '')}".rstrip()


def _meanings(library: "Library", group: str) -> dict[str, str]:
    from gateway.topics.lookup import GROUPS

    return {topic.name: topic.meaning for topic in library.topics() if topic.kind == GROUPS[group]}


def _told(one: "Found | Topic") -> Iterator[str]:
    from gateway.topics.topic import Topic

    if isinstance(one, Topic):
        yield from _topic(one)
        return
    yield f"{one.code}   {one.title}   ({one.level})"
    yield f"\n{one.cause}\n{one.remedy}"
    if one.wrong:
        yield f"\nWrong:\n{indent(_short(one.wrong), '    ')}"
        yield f"\nRight:\n{indent(_short(one.right), '    ')}"


def _short(text: str, longest: int = 100) -> str:
    return "\n".join(line if len(line) <= longest else f"{line[: longest - 1]}…" for line in text.rstrip().splitlines())


def _topic(topic: "Topic") -> Iterator[str]:
    yield f"{topic.name}   ({'a key' if topic.kind == 'key' else f'an {topic.kind}' if topic.kind[0] in 'aeo' else f'a {topic.kind}'})"
    yield f"\n{topic.meaning}"
    wide = max((len(label) for label, _ in topic.facts), default=0)
    if topic.facts:
        yield "\n" + "\n".join(f"  {label:<{wide}}   {text}" for label, text in topic.facts)
    for label, example in topic.examples:
        yield f"\nExample, {label}:\n{indent(example, '    ')}"


def _as_json(one: "Found | Topic") -> dict[str, Any]:
    from dataclasses import asdict

    from gateway.topics.topic import Topic

    if not isinstance(one, Topic):
        return {"kind": "code", "name": one.code, **{k: v for k, v in asdict(one).items() if k not in ("code", "file")}}
    return {**asdict(one), "facts": dict(one.facts), "examples": dict(one.examples)}
