"""`ticketgate init`: five questions, and a small working desk with tests."""

import re
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.placeholders import variable_of

SMALL_DESK = Path(__file__).parent.parent / "small_desk"
SIGN_IN = {
    "zendesk": '{ client_id: ticketgate, client_secret: "${secret:NAME}" }',
    "jira": '{ email: you@example.com, token: "${secret:NAME}" }',
    "servicenow": '{ user: ticketgate, password: "${secret:NAME}" }',
    "salesforce": '{ client_id: ticketgate, client_secret: "${secret:NAME}" }',
}
OTHER_WAYS = {
    "zendesk": "or with refresh_token beside them, where a person authorized the OAuth client; API tokens stop on 2027-04-30",
    "jira": "by cloud_id: a scoped token, or { client_id, client_secret, refresh_token }; or deployment: data_center and { token }",
    "servicenow": "or { api_key }; or { client_id, client_secret }, with user and password or refresh_token beside them",
    "salesforce": "or { username, client_id, private_key }: JWT bearer",
}
ADDRESS = {
    "zendesk": "https://YOURS.zendesk.com",
    "jira": "https://YOURS.atlassian.net",
    "servicenow": "https://YOURS.service-now.com",
    "salesforce": "https://YOURS.my.salesforce.com",
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What the five questions are about."""

    system: str
    connection: str
    url: str
    group: str
    timezone: str


def add_to(app: typer.Typer) -> None:
    app.command("init")(init)


def init(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Where the desk is to be; my-desk without it.")] = None,
    connector: Annotated[
        str, typer.Option("--connector", metavar="NAME", help="The system: zendesk, jira, servicenow or salesforce.")
    ] = "",
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="CONNECTION", help="Of a desk that is there: take over this Zendesk's active triggers as shadow rules."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
) -> None:
    """Asks five questions and writes a small working desk with tests. Its rules start in shadow mode: they act on nothing.

    With --from CONNECTION it writes into the desk that is there (DIR, else as for any other command) one more file of shadow rules.
    """
    chosen = options(context)
    if source is not None:
        from gateway.cli.init_from import taken_over

        taken_over(replace(chosen, project=folder or chosen.project), source, force=force)
        return
    _begun(chosen, folder or Path("my-desk"), connector, force=force)


def _begun(chosen: Options, folder: Path, connector: str, *, force: bool) -> None:
    if connector and connector not in SIGN_IN:
        raise _unknown(connector)
    if folder.exists() and not folder.is_dir():
        raise Ended(Code.USAGE, f"{folder} is a file; name a folder that is there, or is to be made.")
    can_ask = sys.stdin.isatty() and not chosen.no_input
    answers = _asked(connector) if can_ask else _unasked(connector or "zendesk")
    files = desk(answers)
    there = [name for name in files if (folder / name).exists()]
    if there and not force:
        raise Ended(Code.UNSAFE, f"{folder / there[0]} is already there; nothing was written. Say --force to write over it.")
    _write(folder, files)
    _complete(folder)
    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": "desk", "folder": str(folder), "connection": answers.connection, "files": sorted(files)})
    else:
        typer.echo(_next(folder, answers, len(files)))


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Ends with 2 for a folder that cannot be written to."""
    from gateway.whole_file import named

    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with named(path):
                path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Ended(Code.USAGE, f"{error.filename} cannot be written: {error.strerror}. Name another folder.") from None


def _complete(folder: Path) -> None:
    """The schemas that the new files name in their first lines, so that an editor completes from the start."""
    from gateway.desk import load
    from gateway.schema.installing import install

    install(load(folder))


def _next(folder: Path, answers: Answers, count: int) -> str:
    name = shlex.quote(str(folder))
    own = [("edit ticketgate.yaml", f"your own address in the place of {answers.url}")] if "YOURS" in answers.url else []
    steps = (
        *own,
        (f"ticketgate -C {name} secret set {answers.connection}", f"or export {variable_of(answers.connection)}=..."),
        (f"ticketgate -C {name} check", "what is wrong in the files"),
        (f"ticketgate -C {name} test", "the rules, tried without any system"),
        (f"ticketgate -C {name} doctor", f"whether {answers.url} can be reached"),
        (f"ticketgate -C {name} plan --since 24h", "what the rules would do; reads only"),
    )
    wide = max(len(command) for command, _ in steps)
    numbered = "\n".join(f"  {n}. {command:<{wide}}   {why}" for n, (command, why) in enumerate(steps, 1))
    return (
        f"Wrote {count} files to {folder}. What to do next:\n{numbered}\n"
        "The rules are in shadow mode: change `mode: shadow` to `live` in a rule file when you like what `plan` shows."
    )


def _unknown(system: str) -> Ended:
    return Ended(Code.USAGE, f"There is no system called '{system}' to begin with; there are {', '.join(SIGN_IN)}.")


def _unasked(system: str) -> Answers:
    return Answers(system, f"{system}-main", ADDRESS[system], "triage", "Europe/Berlin")


def _asked(connector: str) -> Answers:
    """Each question has an answer to begin with, which the Enter key takes; one that cannot be used is asked again."""
    first = _answer("1/5  Which system? zendesk, jira, servicenow, salesforce", connector or "zendesk", _system)
    start = _unasked(first)
    return Answers(
        system=first,
        connection=_answer("2/5  A short name for it (small letters, digits, hyphens)", start.connection, _name),
        url=_answer("3/5  Its address", start.url, _address),
        group=_answer("4/5  The group that gets what no rule routes", start.group, _group),
        timezone=_answer("5/5  The time zone your desk works in", start.timezone, _zone),
    )


def _answer(question: str, default: str, check: Callable[[str], str]) -> str:
    answer: str = typer.prompt(question, default=default, err=True, value_proc=check)
    return answer


def _system(text: str) -> str:
    if text not in SIGN_IN:
        raise typer.BadParameter(f"there is no '{text}' to begin with; there are {', '.join(SIGN_IN)}")
    return text


def _name(text: str) -> str:
    from gateway.config import SLUG

    if not re.fullmatch(SLUG, text):
        raise typer.BadParameter("small letters, digits and hyphens, beginning with a letter")
    return text


def _address(text: str) -> str:
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:\d+)?/?", text):
        raise typer.BadParameter("an address like https://acme.zendesk.com, with nothing behind it")
    return text


def _group(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise typer.BadParameter("the name of a group")
    return text.strip()


def _zone(text: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise typer.BadParameter("a zone like Europe/Berlin or UTC") from None
    return text


def desk(answers: Answers) -> dict[str, str]:
    """The files of a small desk: path to text. They lie in `gateway/small_desk`, with the answers' places marked."""
    secret = SIGN_IN[answers.system].replace("NAME", answers.connection)
    marks = {"CONNECTION": answers.connection, "SYSTEM": answers.system, "URL": answers.url}
    marks["GROUP"] = answers.group.replace("\\", "\\\\").replace('"', '\\"')  # it stands in double quotes
    marks |= {"TIMEZONE": answers.timezone, "SIGN_IN": secret, "OTHER_WAYS": OTHER_WAYS[answers.system]}
    files = {path.relative_to(SMALL_DESK).as_posix(): path.read_text(encoding="utf-8") for path in sorted(SMALL_DESK.rglob("*.*"))}
    for mark, value in marks.items():
        files = {name: text.replace(f"@{mark}@", value) for name, text in files.items()}
    from gateway.schema.installing import EDITOR, editor_settings

    return {**{name: _headed(name, text) for name, text in files.items()}, ".gitignore": ".ticketgate/\n", EDITOR: editor_settings()}


def _headed(name: str, text: str) -> str:
    """A YAML file with the line that tells an editor which schema it follows."""
    from gateway.schema.installing import path_of

    if not name.endswith(".yaml"):
        return text
    kind = {"rules": "rules", "tests": "tests"}.get(name.partition("/")[0], "config")
    return f"# yaml-language-server: $schema={'../' * name.count('/')}{path_of(kind)}\n{text}"
