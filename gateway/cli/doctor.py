"""`ticketgate doctor`: whether the desk can run: files, store, clock, and each connection with its sign-in."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.ending import Code, Ended, remedy
from gateway.cli.finding import Finding
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.clock import now

if TYPE_CHECKING:
    from connectors.base import Page
    from gateway.desk import Loaded


def add_to(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(
    context: typer.Context,
    connection: Annotated[str | None, typer.Option("--connection", metavar="NAME", help="Only this one.")] = None,
    online: Annotated[bool, typer.Option("--online/--offline", help="Whether to ask the systems themselves.")] = True,
    write_test: Annotated[
        bool,
        typer.Option(
            "--write-test", help="Besides makes a ticket of ours in each, writes a note and a field, reads both back, settles it."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the write test.")] = False,
) -> None:
    """Checks configuration, secrets, store and clock, then asks each system who we are there and reads one page.

    Writes nothing, but with --write-test, which asks first: to one ticket of its own in each system, that no rule looks at.
    """
    from gateway.cli.connecting import running_desk
    from gateway.cli.doctor_writing import agreed_to_write, written

    chosen = options(context)
    if write_test and not online:
        raise Ended(Code.USAGE, "--write-test asks the systems, so it does not go with --offline.")
    loaded = running_desk(chosen)
    if connection is not None and connection not in loaded.connections:
        raise Ended(Code.USAGE, f"There is no connection called '{connection}'; there are {', '.join(loaded.connections) or 'none'}.")
    names = [name for name in loaded.connections if connection in (None, name)]
    if write_test:
        agreed_to_write(chosen, names, yes=yes)
    if chosen.as_json:
        line(VERSION_LINE)
    good = [_told(chosen, finding) for finding in _findings(chosen, loaded, connection, online=online)]
    if write_test:
        good += [_told(chosen, finding) for finding in written(chosen, loaded, names)]
    raise Ended(Code.DONE if all(good) else Code.FINDINGS)


def _told(chosen: Options, found: Finding) -> bool:
    if chosen.as_json:
        line({"type": "finding", **found._asdict()})
    else:
        out = chosen.out()
        out.print(f"{'✓' if found.ok else '✗'} {found.what:<18} {found.said}", style="green" if found.ok else "red")
        if found.help:
            out.print(f"{'':<20} {found.help}")
    return found.ok


def _findings(chosen: Options, loaded: "Loaded", only: str | None, *, online: bool) -> Iterator[Finding]:
    from gateway.cli.choosing import counted

    rules = sum(len(s.rules) for s in loaded.bundle.rulesets) if loaded.bundle else 0
    yield Finding(True, "files", f"{counted({'files': len(loaded.sources), 'rules': rules})}, no mistakes; every secret was found")
    yield from _holidays(chosen, loaded)
    yield _store(loaded)
    at = now()
    yield Finding(at.year >= 2025, "clock", f"{at:%Y-%m-%d %H:%M:%S}Z", "" if at.year >= 2025 else "Set this machine's clock.")
    for name in loaded.connections:
        if only in (None, name):
            yield from _connection(chosen, loaded, name, online=online)


def _holidays(chosen: Options, loaded: "Loaded") -> Iterator[Finding]:
    """Where calendars stand on public holidays: whether their dates are frozen, and whether the installed package says otherwise."""
    from gateway.freezing import places

    for place in places(loaded.folder, loaded.sources):
        name, help = f"holidays {place.country} {place.region}".strip(), f"See {chosen.command('holidays')}."
        if place.missing:
            yield Finding(True, name, f"{len(place.missing)} years are not frozen: a newer package may move deadlines in them", help)
        elif place.differing:
            yield Finding(True, name, f"frozen; the installed package differs on {len(place.differing)} dates", help)
        elif place.asked:
            yield Finding(True, name, "frozen, as the installed package has them")


def _store(loaded: "Loaded") -> Finding:
    from gateway.desk import database
    from gateway.store.opening import WrongStore, opened

    if loaded.config is None:
        return Finding(False, "store", "the settings could not be read")
    url = database(loaded.folder, loaded.config)
    try:
        opened(url).close()
    except WrongStore as error:
        return Finding(False, "store", str(error))
    return Finding(True, "store", url.removeprefix("sqlite:///"))


def _connection(chosen: Options, loaded: "Loaded", name: str, *, online: bool) -> Iterator[Finding]:
    """Signed in as whom, and whether a page can be read; then what the system says of itself. The error's own words say what to do."""
    from connectors.errors import ConnectorError
    from gateway.cli.connecting import connector
    from gateway.cli.doctor_system import fallback, looked_at
    from gateway.needs import needs

    url, notices = loaded.connections[name].url, " ".join(f"{said}." for said in loaded.connections[name].notices())
    try:
        with connector(chosen, name, loaded) as there:
            if not online:
                yield Finding(True, name, f"{url}, not asked (--offline)", notices)
                return
            who = there.check_sign_in()
            page = next(iter(there.changed(now())), None)
            yield Finding(True, name, f"{url}, signed in as {who}{_unknown(page)}", notices)
            yield from fallback(there, name, loaded.connections[name])
            yield from looked_at(there, name, needs(loaded.bundle).get(name, {}) if loaded.bundle else {})
    except (ConnectorError, ImportError) as error:
        said = str(error).removeprefix(f"{name}: ").rstrip()
        yield Finding(False, name, f"{url}: {said}", remedy(error))


def _unknown(page: "Page | None") -> str:
    words = sorted({f"{field} '{word}'" for t in (page.tickets if page else ()) for field, word in t.unread.items()})
    return f"; words without a meaning here: {', '.join(words)}" if words else ""
