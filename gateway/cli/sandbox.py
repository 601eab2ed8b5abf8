"""`ticketgate sandbox`: the four systems, served on this machine, to try a desk against."""

import errno
from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options

FIRST_PORT = 4101  # zendesk; then jira, servicenow, salesforce: where the sample desk looks for them
SECRET = ("client_secret", "token", "password")


class Deployment(StrEnum):
    """Which Jira is served."""

    CLOUD = "cloud"
    DATA_CENTER = "data_center"


def add_to(app: typer.Typer) -> None:
    app.command("sandbox")(sandbox)


def sandbox(
    context: typer.Context,
    tickets: Annotated[
        Path | None, typer.Option("--tickets", metavar="FILE", help="CSV or JSONL (also .gz) instead of made-up tickets.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65532, help="The first of four ports; 0 takes any that are free.")] = FIRST_PORT,
    seed: Annotated[int, typer.Option("--seed", help="Other numbers make other tickets.")] = 1,
    deployment: Annotated[
        Deployment, typer.Option("--deployment", help="Which Jira: as a connection's deployment: says it.")
    ] = Deployment.CLOUD,
) -> None:
    """Serves sandboxes of Zendesk, Jira, ServiceNow and Salesforce on loopback until Ctrl-C. Sign-in is required, as at the vendors."""
    from gateway.cli.connecting import clock_of
    from gateway.sandbox.main import SYSTEMS, run_sandboxes

    chosen = options(context)
    if tickets is not None and not tickets.is_file():
        raise Ended(Code.USAGE, f"There is no file {tickets}.")
    ports = {system: port + n if port else 0 for n, system in enumerate(SYSTEMS)}
    try:
        ready = partial(_ready, chosen, deployment)
        run_sandboxes(clock_of(), ports=ports, seed=seed, tickets=tickets, deployment=deployment, ready=ready, say=_say)
    except UnicodeDecodeError:
        raise Ended(Code.USAGE, f"{tickets} is not UTF-8 text; save it as CSV or JSONL in UTF-8.") from None
    except ValueError as error:
        raise Ended(Code.USAGE, f"--tickets {error}.") from None
    except OSError as error:
        raise Ended(Code.USAGE, _why(error, tickets)) from None


def _why(error: OSError, tickets: Path | None) -> str:
    """A port that is taken, or a file that cannot be read: the one has a number for it, the other a name."""
    if error.errno in (errno.EADDRINUSE, errno.EACCES) and not error.filename:
        return f"The sandboxes could not start: {error.strerror}. Other ports: ticketgate sandbox --port 4201"
    return f"{tickets} cannot be read: {error.strerror or error}."


def _say(problem: str) -> None:
    typer.echo(problem, err=True)


def _ready(chosen: Options, deployment: Deployment, addresses: Mapping[str, str]) -> None:
    """Says where everything is, and how to sign in."""
    from gateway.sandbox.main import deployed, sandbox_class

    if chosen.as_json:
        line(VERSION_LINE)
    for system, address in addresses.items():
        kind = sandbox_class(system, deployed(system, deployment))
        which = {"deployment": deployment.value} if system == "jira" else {}
        said = {"system": system, **which, "via": address, "url": kind.url(), "sign_in": kind.sign_in()}
        if chosen.as_json:
            line({"type": "sandbox", **said})
        else:
            more = f"   deployment: {deployment.value}" if which else ""
            typer.echo(f"{system:<11} via: {address}   url: {kind.url()}   sign_in: {kind.sign_in()}{more}")
    folder = _desk(chosen)
    if folder is not None:
        written = write_secrets(folder, deployment)
        if written and not chosen.as_json:
            typer.echo(
                f"Wrote the sandboxes' secrets ({', '.join(written)}) to {folder / '.ticketgate/secrets'}; they open nothing else.",
                err=True,
            )
    if not chosen.as_json:
        typer.echo("Ctrl-C ends them, and forgets everything.", err=True)


def _desk(chosen: Options) -> Path | None:
    try:
        return chosen.desk
    except Ended:
        return None


def write_secrets(desk: Path, deployment: str = Deployment.CLOUD) -> list[str]:
    """Puts the sandboxes' secrets where the desk looks for secrets; returns the names written.

    A secret that is there stays, unless it is that of the same system's other sandbox, which opens nothing else.
    """
    from gateway.sandbox.main import SYSTEMS, deployed, sandbox_class

    folder = desk / ".ticketgate" / "secrets"
    written = []
    for system in SYSTEMS:
        forms = [*Deployment] if system == "jira" else [Deployment.CLOUD]
        secrets = {form: secret_of(sandbox_class(system, form).sign_in()) for form in forms}
        path, wanted = folder / system, secrets[Deployment(deployed(system, deployment))]
        if path.exists() and path.read_text(encoding="utf-8") not in {*secrets.values()} - {wanted}:
            continue
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(wanted, encoding="utf-8")
        written.append(system)
    return written


def secret_of(sign_in: Mapping[str, str]) -> str:
    """The one value of a `sign_in` that is a secret."""
    return next(sign_in[name] for name in SECRET if name in sign_in)
