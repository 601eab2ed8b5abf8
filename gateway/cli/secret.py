"""`ticketgate secret`: the secrets that `ticketgate.yaml` names. Their values are taken in, and never shown."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options

if TYPE_CHECKING:
    from gateway.placeholders import Environment

Name = Annotated[str, typer.Argument(metavar="NAME", help="As in ${secret:NAME}.")]
STRICT = {"allow_extra_args": True, "ignore_unknown_options": True}  # or the usage error would repeat what may be the secret


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="The secrets that ticketgate.yaml names: taken in, listed by name, never shown.")
    group.command("set", context_settings=STRICT)(set_)
    group.command("list")(list_)
    group.command("remove")(remove)
    app.add_typer(group, name="secret")


def set_(
    context: typer.Context,
    name: Name,
    stdin: Annotated[bool, typer.Option("--stdin", help="Take it from standard input, several lines too, instead of asking.")] = False,
) -> None:
    """Writes a secret into the desk's secrets folder, readable for you alone. It is asked for, and not shown while you type."""
    from gateway.secret_files import write

    chosen = options(context)
    _checked(name)
    if context.args:
        said = "`secret set` takes a NAME and --stdin, nothing more, and does not repeat the rest here: it may be the secret."
        raise Ended(Code.USAGE, f"{said}\nA secret on the command line stays in the shell's history; if it was one, change it.")
    folder = _folders(chosen)[0]
    value = _from_stdin() if stdin else _asked(chosen, name)
    path = write(folder, name, value, ours=folder.parent.name == ".ticketgate")
    _told(chosen, "set", name, f"The secret '{name}' is in {path}.", path)
    _overruled(chosen, name, path)


def list_(context: typer.Context) -> None:
    """Every secret that ticketgate.yaml names or a folder holds: where it comes from, and which are missing."""
    chosen = options(context)
    found = [_row(chosen, name, used=used) for name, used in _names(chosen).items()]
    if chosen.as_json:
        line(VERSION_LINE)
        for row in found:
            line({"type": "secret", **row})
        return
    out = chosen.out()
    for row in found:
        good = row["state"] == "ok"
        use = "" if row["used"] else "   (ticketgate.yaml does not name it)"
        out.print(f"{row['name']:<24} {row['source'] if good else row['said']}{use}", style="" if good else "red")
    missing = [row["name"] for row in found if row["state"] != "ok" and row["used"]]
    if missing:
        out.print(f"\n{len(missing)} to be given: {chosen.command(f'secret set {missing[0]}')}", style="yellow")
    if not found:
        out.print("ticketgate.yaml names no secrets, and there are none.")


def remove(context: typer.Context, name: Name) -> None:
    """Takes a secret's file away from the desk's secrets folder. Variables of the environment stay as they are."""
    chosen = options(context)
    _checked(name)
    path = _folders(chosen)[0] / name
    try:
        path.unlink()
    except FileNotFoundError:
        raise Ended(Code.NO_SUCH, f"There is no secret '{name}' in {path.parent}; `{chosen.command('secret list')}` shows them.") from None
    _told(chosen, "remove", name, f"The secret '{name}' is gone from {path.parent}.", path)
    _overruled(chosen, name, path)


def _checked(name: str) -> None:
    from gateway.secret_files import NAME

    if not NAME.fullmatch(name):
        said = "A secret's name is made of letters, digits, hyphens, dots and underscores, and does not begin with a dot."
        raise Ended(Code.USAGE, f"{said} The one that was given is not repeated: it may be the secret itself.")


def _folders(chosen: Options) -> tuple[Path, ...]:
    from gateway.placeholders import secret_folders

    return secret_folders(chosen.desk)


def _environment(chosen: Options) -> "Environment":
    from gateway.placeholders import Environment

    return Environment(_folders(chosen))


def _from_stdin() -> str:
    try:
        text = sys.stdin.buffer.read().decode("utf-8").strip()
    except UnicodeDecodeError:
        raise Ended(Code.USAGE, "What came over standard input is not UTF-8 text. Nothing was written.") from None
    return _something(text)


def _asked(chosen: Options, name: str) -> str:
    if chosen.no_input or not sys.stdin.isatty():
        raise Ended(Code.USAGE, "Nobody can be asked here. Give it over standard input: ... | ticketgate secret set NAME --stdin")
    text: str = typer.prompt(f"The secret '{name}' (not shown)", default="", show_default=False, hide_input=True, err=True)
    return _something(text.strip())


def _something(text: str) -> str:
    if not text:
        raise Ended(Code.USAGE, "A secret cannot be empty. Nothing was written.")
    return text


def _told(chosen: Options, deed: str, name: str, said: str, path: Path) -> None:
    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": "secret", "deed": deed, "name": name, "file": str(path)})
    else:
        chosen.out().print(said)


def _overruled(chosen: Options, name: str, path: Path) -> None:
    """Somewhere else is looked first, or still."""
    source = _environment(chosen).source(name)
    if source is not None and source != path:
        chosen.err().print(f"It is taken from {source}, which goes on to hold.", style="yellow")


def _names(chosen: Options) -> dict[str, bool]:
    """Every name, and whether ticketgate.yaml uses it: those that it uses first, in its order."""
    from gateway.desk import load
    from gateway.placeholders import PLACEHOLDER, untouched
    from gateway.secret_files import names

    found: dict[str, bool] = {}

    def seen(text: str) -> str:
        found.update({name: True for kind, name in PLACEHOLDER.findall(text) if kind == "secret"})
        return untouched(text)

    load(chosen.desk, chosen.config, resolve=seen)
    for folder in _folders(chosen):
        for name in names(folder):
            found.setdefault(name, False)
    return found


def _row(chosen: Options, name: str, *, used: bool) -> dict[str, str | bool | None]:
    """Without its value: whether it can be had, and from where."""
    from gateway.placeholders import Missing

    environment = _environment(chosen)
    try:
        source = environment.source(name)
        environment.secret(name)
    except Missing as error:
        state = "missing" if f"no secret called '{name}'" in str(error) else "unusable"
        return {"name": name, "state": state, "source": None, "used": used, "said": f"{state}: {error}; {error.remedy}"}
    return {"name": name, "state": "ok", "source": str(source), "used": used, "said": ""}
