"""`ticketgate init`: five questions, and a small working desk with tests."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import options

SMALL_DESK = Path(__file__).parent.parent / "small_desk"
SIGN_IN = {
    "zendesk": '{ client_id: ticketgate, client_secret: "${secret:NAME}" }',
    "jira": '{ email: you@example.com, token: "${secret:NAME}" }',
    "servicenow": '{ user: ticketgate, password: "${secret:NAME}" }',
    "salesforce": '{ client_id: ticketgate, client_secret: "${secret:NAME}" }',
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
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where the desk is to be.")] = Path("my-desk"),
    connector: Annotated[
        str, typer.Option("--connector", metavar="NAME", help="The system: zendesk, jira, servicenow or salesforce.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
) -> None:
    """Asks five questions and writes a small working desk with tests. Its rules start in shadow mode: they act on nothing."""
    chosen = options(context)
    if connector and connector not in SIGN_IN:
        raise _unknown(connector)
    can_ask = sys.stdin.isatty() and not chosen.no_input
    answers = _asked(connector) if can_ask else _unasked(connector or "zendesk")
    files = desk(answers)
    there = [name for name in files if (folder / name).exists()]
    if there and not force:
        raise Ended(Code.UNSAFE, f"{folder / there[0]} is already there; nothing was written. Say --force to write over it.")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    typer.echo(_next(folder, answers, len(files)))


def _next(folder: Path, answers: Answers, count: int) -> str:
    secret = answers.connection.upper().replace("-", "_")
    return (
        f"Wrote {count} files to {folder}. What to do next:\n"
        f"  1. export TICKETGATE_SECRET_{secret}=...       the secret of {answers.connection}\n"
        f"  2. ticketgate -C {folder} check                what is wrong in the files\n"
        f"  3. ticketgate -C {folder} test                 the rules, tried without any system\n"
        f"  4. ticketgate -C {folder} doctor               whether {answers.url} can be reached\n"
        f"  5. ticketgate -C {folder} plan --since 24h     what the rules would do; reads only\n"
        "The rules are in shadow mode: change `mode: shadow` to `live` in a rule file when you like what `plan` shows."
    )


def _unknown(system: str) -> Ended:
    return Ended(Code.USAGE, f"There is no system called '{system}' to begin with; there are {', '.join(SIGN_IN)}.")


def _unasked(system: str) -> Answers:
    return Answers(system, f"{system}-main", ADDRESS[system], "triage", "Europe/Berlin")


def _asked(connector: str) -> Answers:
    """Each question has an answer to begin with; the Enter key takes it."""
    first = typer.prompt("1/5  Which system? zendesk, jira, servicenow, salesforce", default=connector or "zendesk", err=True)
    if first not in SIGN_IN:
        raise _unknown(first)
    start = _unasked(first)
    return Answers(
        system=first,
        connection=typer.prompt("2/5  A short name for it (small letters, digits, hyphens)", default=start.connection, err=True),
        url=typer.prompt("3/5  Its address", default=start.url, err=True),
        group=typer.prompt("4/5  The group that gets what no rule routes", default=start.group, err=True),
        timezone=typer.prompt("5/5  The time zone your desk works in", default=start.timezone, err=True),
    )


def desk(answers: Answers) -> dict[str, str]:
    """The files of a small desk: path to text. They lie in `gateway/small_desk`, with the answers' places marked."""
    secret = SIGN_IN[answers.system].replace("NAME", answers.connection)
    marks = {"CONNECTION": answers.connection, "SYSTEM": answers.system, "URL": answers.url, "GROUP": answers.group}
    marks |= {"TIMEZONE": answers.timezone, "SIGN_IN": secret}
    files = {path.relative_to(SMALL_DESK).as_posix(): path.read_text(encoding="utf-8") for path in sorted(SMALL_DESK.rglob("*.*"))}
    for mark, value in marks.items():
        files = {name: text.replace(f"@{mark}@", value) for name, text in files.items()}
    return {**files, ".gitignore": ".ticketgate/\n"}
