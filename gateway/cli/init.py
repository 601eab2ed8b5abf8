"""`ticketgate init`: five questions, and a small working desk with tests."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import options

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
        raise Ended(Code.USAGE, f"There is no system called '{connector}' to begin with; there are {', '.join(SIGN_IN)}.")
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
    secret = answers.connection.upper().replace("-", "_")
    typer.echo(
        f"Wrote {len(files)} files to {folder}. What to do next:\n"
        f"  1. export TICKETGATE_SECRET_{secret}=...       the secret of {answers.connection}\n"
        f"  2. ticketgate -C {folder} check                what is wrong in the files\n"
        f"  3. ticketgate -C {folder} test                 the rules, tried without any system\n"
        f"  4. ticketgate -C {folder} doctor               whether {answers.url} can be reached\n"
        f"  5. ticketgate -C {folder} plan --since 24h     what the rules would do; reads only\n"
        "The rules are in shadow mode: change `mode: shadow` to `live` in the rule file when you like what `plan` shows."
    )


def _unasked(system: str) -> Answers:
    return Answers(system, f"{system}-main", ADDRESS[system], "triage", "Europe/Berlin")


def _asked(connector: str) -> Answers:
    """Each question has an answer to begin with; the Enter key takes it."""
    first = typer.prompt("1/5  Which system? zendesk, jira, servicenow, salesforce", default=connector or "zendesk", err=True)
    if first not in SIGN_IN:
        raise Ended(Code.USAGE, f"There is no system called '{first}' to begin with; there are {', '.join(SIGN_IN)}.")
    start = _unasked(first)
    return Answers(
        system=first,
        connection=typer.prompt("2/5  A short name for it (small letters, digits, hyphens)", default=start.connection, err=True),
        url=typer.prompt("3/5  Its address", default=start.url, err=True),
        group=typer.prompt("4/5  The group that gets what no rule routes", default=start.group, err=True),
        timezone=typer.prompt("5/5  The time zone your desk works in", default=start.timezone, err=True),
    )


def desk(answers: Answers) -> dict[str, str]:
    """The files of a small desk: path to text."""
    secret = answers.connection
    return {
        "ticketgate.yaml": f"""version: 1
database: sqlite:///.ticketgate/desk.db
default_language: en
default_calendar: office

connections:
  {answers.connection}:
    system: {answers.system}
    url: {answers.url}
    sign_in: {SIGN_IN[answers.system].replace("NAME", secret)}
    poll: 60s

channels:
  duty-manager: {{ url: "file:.ticketgate/outbox/duty-manager.jsonl" }}   # or any apprise address, as a secret
""",
        "rules/10-definitions.yaml": f"""version: 1

calendars:
  office:
    timezone: {answers.timezone}
    open: {{ mon-fri: "09:00-17:00" }}

sla_policies:
  standard:
    applies_to: {{ requester.automated: false }}
    calendar: office
    pause_in: [pending, on_hold]
    targets:
      urgent: {{ first_response: 30m }}
      high: {{ first_response: 1h }}
      normal: {{ first_response: 4h }}
      low: {{ first_response: 1d }}
""",
        "rules/30-routing.yaml": f"""version: 1
ruleset: {{ title: Routing, pick: first, mode: shadow }}   # shadow: judged and recorded, nothing is written

rules:
  - id: to-{_slug(answers.group)}
    name: What nobody has yet goes to {answers.group}
    when: created
    if:
      status: {{ not_one_of: [resolved, closed] }}
      group: {{ empty: true }}
    then:
      - assign: {{ group: {answers.group} }}
""",
        "rules/40-escalation.yaml": """version: 1
ruleset: { title: Escalation, mode: shadow }

rules:
  - id: first-response-ladder
    name: Warn before a first response is late, and say so when it is
    when: { sla: first_response }
    stages:
      - at: 75%
        then:
          - notify: { to: duty-manager, text: "{{ ticket.ref }} should be answered soon" }
      - at: breach
        then:
          - notify: { to: duty-manager, template: first-response-late }
""",
        "templates/first-response-late/en.md": "The first response to {{ ticket.ref }} is late: {{ ticket.subject }}\n",
        "tests/routing.test.yaml": f"""version: 1
suite: Routing
defaults:
  now: 2026-03-02T10:00:00+01:00
  ticket: {{ connection: {answers.connection}, status: new, priority: normal, requester: {{ name: Ana, automated: false }} }}

tests:
  - name: the rule is in shadow mode, so a new ticket is left alone
    event: created
    expect: {{ fired: none, replies: none }}
""",
        ".gitignore": ".ticketgate/\n",
    }


def _slug(text: str) -> str:
    return "-".join("".join(c if c.isalnum() and c.isascii() else " " for c in text.lower()).split()) or "everything"
