"""`ticketgate schema`: JSON Schema of a desk's files, so that an editor completes and checks while one writes."""

from typing import Annotated, Literal

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options


def add_to(app: typer.Typer) -> None:
    app.command("schema")(schema)


def schema(
    context: typer.Context,
    kind: Annotated[Literal["rules", "tests", "config"] | None, typer.Argument(metavar="[KIND]", help="rules, tests or config.")] = None,
    install: Annotated[
        bool,
        typer.Option("--install", help="Write it (without KIND: all of them) into the desk's .ticketgate/, with the desk's own names."),
    ] = False,
) -> None:
    """Prints JSON Schema (2020-12) of rule files, tests or ticketgate.yaml; --install lets an editor complete this desk's own names."""
    from gateway.schema.documents import document
    from gateway.schema.installing import as_text

    if install:
        _install(options(context), kind)
    else:
        typer.echo(as_text(document(kind or "rules")), nl=False)


def _install(chosen: Options, kind: str | None) -> None:
    from gateway.desk import load
    from gateway.schema.documents import KINDS
    from gateway.schema.installing import install as write

    loaded = load(chosen.desk, chosen.config)
    try:
        files = write(loaded, (kind,) if kind else KINDS)
    except OSError as error:
        raise Ended(Code.USAGE, f"{error.filename} cannot be written: {error.strerror}.") from None
    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": "schema", "folder": str(chosen.desk), "files": files})
    elif not chosen.quiet:
        typer.echo(f"Wrote {', '.join(files)} in {chosen.desk}. After new groups, lists or channels, say it again.")
