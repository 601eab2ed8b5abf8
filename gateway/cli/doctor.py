"""`ticketgate doctor`: whether the desk can run: files, store, clock, and each connection with its sign-in."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.clock import now

if TYPE_CHECKING:
    from gateway.desk import Loaded


def add_to(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(
    context: typer.Context,
    connection: Annotated[str | None, typer.Option("--connection", metavar="NAME", help="Only this one.")] = None,
    online: Annotated[bool, typer.Option("--online/--offline", help="Whether to ask the systems themselves.")] = True,
) -> None:
    """Checks configuration, secrets, store and clock, then asks each system who we are there and reads one page. Writes to no ticket."""
    from gateway.cli.connecting import running_desk

    chosen = options(context)
    loaded = running_desk(chosen)
    if connection and connection not in loaded.connections:
        raise Ended(Code.USAGE, f"There is no connection called '{connection}'; there are {', '.join(loaded.connections)}.")
    findings = list(_findings(chosen, loaded, connection, online=online))
    if chosen.as_json:
        line(VERSION_LINE)
    for good, what, said in findings:
        if chosen.as_json:
            line({"type": "finding", "ok": good, "what": what, "said": said})
        else:
            chosen.out().print(f"{'✓' if good else '✗'} {what:<18} {said}", style="green" if good else "red")
    raise Ended(Code.DONE if all(good for good, _, _ in findings) else Code.FINDINGS)


def _findings(chosen: Options, loaded: "Loaded", only: str | None, *, online: bool) -> Iterator[tuple[bool, str, str]]:
    rules = sum(len(s.rules) for s in loaded.bundle.rulesets) if loaded.bundle else 0
    yield True, "files", f"{len(loaded.sources)} files, {rules} rules, no mistakes; every secret was found"
    yield _store(loaded)
    at = now()
    yield at.year >= 2025, "clock", f"{at:%Y-%m-%d %H:%M:%S}Z"
    for name in loaded.connections:
        if only in (None, name):
            yield _connection(chosen, loaded, name, online=online)


def _store(loaded: "Loaded") -> tuple[bool, str, str]:
    from gateway.desk import database
    from gateway.store.opening import WrongStore, opened

    if loaded.config is None:
        return False, "store", "the settings could not be read"
    url = database(loaded.folder, loaded.config)
    try:
        opened(url).close()
    except WrongStore as error:
        return False, "store", str(error)
    return True, "store", url.removeprefix("sqlite:///")


def _connection(chosen: Options, loaded: "Loaded", name: str, *, online: bool) -> tuple[bool, str, str]:
    """Signed in as whom, and whether a page can be read. The error's own words say what to do."""
    from connectors.errors import ConnectorError
    from gateway.cli.connecting import connector

    url = loaded.connections[name].url
    try:
        with connector(chosen, name, loaded) as there:
            if not online:
                return True, name, f"{url}, not asked (--offline)"
            who = there.check_sign_in()
            page = next(iter(there.changed(now())), None)
    except (ConnectorError, ImportError) as error:
        return False, name, f"{url}: {error}"
    unknown = sorted({f"{field} '{word}'" for t in (page.tickets if page else ()) for field, word in t.unread.items()})
    words = f"; words without a meaning here: {', '.join(unknown)}" if unknown else ""
    return True, name, f"{url}, signed in as {who}{words}"
