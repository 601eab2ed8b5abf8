"""`ticketgate template`: which templates there are, and how each reads in every language before anybody gets it."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.stored import ref_of

if TYPE_CHECKING:
    from gateway.rendering import Preview
    from rules.bundle import Bundle
    from rules.ticket import Ticket


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Which templates there are, and how each reads before anybody gets it.")
    group.command("list")(list_)
    group.command("render")(render)
    app.add_typer(group, name="template")


def list_(context: typer.Context) -> None:
    """Every template: its languages, and the rules that say it."""
    from gateway.rendering import users

    chosen = options(context)
    bundle = _bundle(chosen)
    if chosen.as_json:
        line(VERSION_LINE)
    for name, languages in sorted(bundle.templates.items()):
        by = [rule.id for rule in users(bundle, name)]
        if chosen.as_json:
            line({"type": "template", "name": name, "languages": sorted(languages), "rules": by})
        else:
            chosen.out().print(f"{name:<26} {', '.join(sorted(languages)):<24} {', '.join(by) or 'no rule says it'}")


def render(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The template: its folder's name.")],
    ticket: Annotated[str | None, typer.Option("--ticket", metavar="REF", help="With this ticket; else with one that is made up.")] = None,
    language: Annotated[str | None, typer.Option("--language", metavar="CODE", help="Only in this language.")] = None,
) -> None:
    """How a template reads, in every language it has. Ends with 1 when it cannot be filled, or a value is missing. Writes nothing."""
    from gateway.clock import now
    from gateway.rendering import previews

    chosen = options(context)
    bundle = _bundle(chosen)
    if name not in bundle.templates:
        raise Ended(Code.NO_SUCH, f"There is no template called '{name}'; there are {', '.join(sorted(bundle.templates)) or 'none'}.")
    found = list(previews(bundle, name, _ticket(chosen, ticket) if ticket else None, now(), language))
    if not found:
        raise Ended(Code.NO_SUCH, f"'{name}' is not there in '{language}'; there is {', '.join(sorted(bundle.templates[name]))}.")
    if chosen.as_json:
        line(VERSION_LINE)
    for preview in found:
        _told(chosen, preview)
    raise Ended(Code.FINDINGS if any(one.wrong or one.empty for one in found) else Code.DONE)


def _told(chosen: Options, preview: "Preview") -> None:
    if chosen.as_json:
        said = {"name": preview.name, "language": preview.language, "text": preview.text, "empty": list(preview.empty)}
        line({"type": "preview", **said, "wrong": preview.wrong or None})
        return
    out = chosen.out()
    out.print(f"--- {preview.name} ({preview.language})", style="bold")
    if preview.wrong:
        out.print(f"cannot be filled: {preview.wrong}", style="red")
    else:
        out.print(preview.text)
    if preview.empty:
        out.print(f"--- empty for this ticket, and no default: {', '.join(preview.empty)}", style="yellow")


def _bundle(chosen: Options) -> "Bundle":
    """The files on disk; ends with 3 for mistakes."""
    from gateway.desk import Unfit, load

    loaded = load(chosen.desk, chosen.config)
    if loaded.bundle is None:
        raise Unfit(loaded)
    return loaded.bundle


def _ticket(chosen: Options, ref: str) -> "Ticket":
    from connectors.errors import NotFound
    from gateway.cli.connecting import connector

    wanted = ref_of(ref)
    with connector(chosen, wanted.connection) as there:
        try:
            return there.fetch(wanted.key)
        except NotFound:
            raise Ended(Code.NO_SUCH, f"{wanted.connection} has no ticket {wanted.key}.") from None
