"""`ticketgate db`: the database's schema brought up to date, how it stands, and a copy of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options

if TYPE_CHECKING:
    from gateway.store.keeping import Standing


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="The desk's database: its schema brought up to date, how it stands, and a copy of it.")
    group.command("status")(status)
    group.command("upgrade")(upgrade)
    group.command("backup")(backup)
    app.add_typer(group, name="db")


def status(context: typer.Context) -> None:
    """Where it is, how large, of which schema, and whether it is whole. Changes nothing; ends with 1 when something is to be done."""
    from gateway.store.schema import SCHEMA

    chosen = options(context)
    found = _standing(chosen)
    _told(chosen, "database", **_facts(found), current=SCHEMA)
    if not chosen.as_json:
        chosen.out().print(f"{found.path}   {_size(found.size)}, schema {found.schema or 'none yet'} (this release: {SCHEMA})")
        chosen.out().print(_what_to_do(chosen, found), style="green" if found.well else "yellow" if found.behind else "red")
    raise Ended(Code.DONE if found.well else Code.FINDINGS)


def upgrade(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")] = False,
) -> None:
    """Brings the schema to this release's, all of it or nothing, once a copy was made beside it. So does every command that needs it."""
    from gateway.store.keeping import before_upgrade
    from gateway.store.opening import opened, steps

    chosen = options(context)
    before = _standing(chosen)
    if not before.behind and not before.well:
        raise Ended(Code.UNREACHABLE, _what_to_do(chosen, before))
    missing = steps(before.schema) if before.behind else []
    copy = before_upgrade(before.path, before.schema) if missing and before.schema else None
    if missing and not dry_run:
        opened(f"sqlite:///{before.path}").close()
    done = [{"schema": schema, "brings": brings} for schema, brings in missing]
    _told(chosen, "upgrade", before=before.schema, steps=done, copy=str(copy) if copy else None, dry_run=dry_run)
    if not chosen.as_json:
        for schema, brings in missing:
            chosen.out().print(f"  {schema}  {brings}")
        kept = f"The database as it was {'would be' if dry_run else 'is'} in {copy}." if copy else ""
        chosen.out().print(kept or ("" if missing else "It is up to date."))


def backup(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Else beside the database, with the moment in its name.")] = None,
) -> None:
    """A copy that is whole, checked and readable for you alone, also while a daemon works. Nothing is written over."""
    from gateway.clock import now
    from gateway.store.keeping import copied

    chosen = options(context)
    found = _standing(chosen)
    if found.wrong:
        raise Ended(Code.UNREACHABLE, _what_to_do(chosen, found))
    if file is not None and file.exists():
        raise Ended(Code.UNSAFE, f"{file} is there already, and a backup writes over nothing; name another file.")
    made = copied(found.path, file or found.path.with_name(f"{found.path.stem}-{now():%Y%m%d-%H%M%S}.backup{found.path.suffix}"))
    _told(chosen, "backup", file=str(made), size=made.stat().st_size)
    if not chosen.as_json:
        chosen.out().print(f"{made}   {_size(made.stat().st_size)}")


def _standing(chosen: Options) -> "Standing":
    """Ends with 5 when there is no database yet, with 3 when ticketgate.yaml cannot be read."""
    from gateway.cli.stored import address
    from gateway.store.keeping import standing
    from gateway.store.opening import path_of

    path = path_of(address(chosen))
    try:
        return standing(path)
    except FileNotFoundError:
        raise Ended(Code.UNREACHABLE, f"There is no database yet at {path}; `{chosen.command('run')}` makes it.") from None


def _what_to_do(chosen: Options, found: "Standing") -> str:
    if found.wrong:
        return f"The database {found.path} is damaged ({found.wrong}): restore it from a backup, or move it away."
    if found.newer:
        return f"It was written by a newer release (schema {found.schema}): install that release."
    return (
        f"It is behind: {chosen.command('db upgrade')} makes a copy and brings it up to date."
        if found.behind
        else "It is whole and up to date."
    )


def _facts(found: "Standing") -> dict[str, Any]:
    return {"file": str(found.path), "size": found.size, "schema": found.schema, "well": found.well, "wrong": found.wrong or None}


def _size(size: int) -> str:
    return f"{size / 1_048_576:.1f} MiB"


def _told(chosen: Options, kind: str, **said: Any) -> None:
    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": kind, **said})
