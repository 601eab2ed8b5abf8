"""`ticketgate run`: the daemon."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.ending import Code, Ended, in_words, worst
from gateway.cli.options import VERSION_LINE, Options, line, options

if TYPE_CHECKING:
    from gateway.assemble import Gateway
    from gateway.daemon import Summary
    from gateway.desk import Loaded
    from rules.bundle import Bundle


def add_to(app: typer.Typer) -> None:
    app.command("run")(run)


def run(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Read everything once, look at what is new, and end.")] = False,
) -> None:
    """Reads every connection at its interval and does what the rules ask for, until Ctrl-C or SIGTERM.

    Changed files are taken over as soon as they pass check; until then, and after a start with broken files, the last good rules stay.
    """
    from gateway.cli.connecting import gateway, last_good

    chosen = options(context)
    loaded = last_good(chosen)
    with gateway(chosen, loaded=loaded) as found:
        daemon = found.daemon(reloading(chosen, loaded, found))
        if not once:
            raise Ended(Code(daemon.run()))
        summary = daemon.once()
        resting = _resting(found, summary)
        _told(chosen, summary, resting)
    raise Ended(_code(summary, resting))


def reloading(chosen: Options, loaded: "Loaded", found: "Gateway") -> "Callable[[], Bundle | None]":
    """Asked every few seconds: new rules when the files changed and hold no error; what is wrong is logged once for each change."""
    seen = [_stamp(loaded.folder, chosen.config)]

    def reload() -> "Bundle | None":
        now = _stamp(loaded.folder, chosen.config)
        if now == seen[0]:
            return None
        seen[0] = now
        return _fresh(chosen, found)

    return reload


def _fresh(chosen: Options, found: "Gateway") -> "Bundle | None":
    """The rules on disk, kept in the store so that `why` can judge by them later; None when they are not fit to run."""
    import structlog

    from gateway.settings import running
    from gateway.store import bundles

    try:
        fresh = running(chosen.desk, chosen.config)
    except Exception as error:  # half-written files, mistakes, a folder that is gone: the last good rules stay
        structlog.get_logger().error("changed rules are not taken over; the last good ones stay in force", reason=in_words(error))
        return None
    if fresh.config != found.config:
        said = "connections, channels, database and brake of ticketgate.yaml changed; they are taken over by the next start"
        structlog.get_logger().warning(said)
    if fresh.bundle is not None:
        with found.store.writing() as db:
            bundles.keep(db, fresh.bundle.hash, fresh.sources, found.house.clock(), str(fresh.folder.absolute()))
    return fresh.bundle


def _stamp(folder: Path, config: Path | None) -> tuple[tuple[str, int, int], ...]:
    """What tells a changed folder: names, times and sizes of the files that are read."""
    from gateway.desk import READ

    found = []
    for path in (config or folder / "ticketgate.yaml", *(path for pattern in READ for path in sorted(folder.glob(pattern)))):
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append((path.as_posix(), stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _resting(found: "Gateway", summary: "Summary") -> dict[str, str]:
    """Connections that were not asked, because they rest since an earlier failure: why, and until when."""
    from gateway.store import connections

    with found.store.reading() as db:
        standing = [connections.standing(db, name) for name in summary.polled if name not in summary.errors]
    left = [s for s in standing if s.rests(found.house.wall())]
    return {s.connection: f"not asked: {s.error}; it rests until {s.paused_until:%H:%M:%S}Z" for s in left if s.paused_until}


def _code(summary: "Summary", resting: Mapping[str, str]) -> Code:
    """A connection that refused us or did not answer decides the code; the others did their work."""
    if summary.errors:
        return worst(list(summary.errors.values()))
    if resting:
        return Code.UNREACHABLE
    if any(d.parked or d.put_off for d in summary.drained.values()):
        return Code.PARTLY
    return Code.UNSAFE if any(d.held for d in summary.drained.values()) else Code.DONE


def _told(chosen: Options, summary: "Summary", resting: Mapping[str, str]) -> None:
    """A line for each connection, and below it what was wrong."""
    if chosen.as_json:
        line(VERSION_LINE)
    out = chosen.out()
    for name, polled in summary.polled.items():
        drained, error = summary.drained.get(name), summary.errors.get(name)
        looked = drained.looked if drained else 0
        wrong = in_words(error) if error else resting.get(name)
        if chosen.as_json:
            said = {"read": polled.read, "adopted": polled.adopted, "looked": looked, "unreadable": polled.spoilt, "gone": polled.gone}
            line({"type": "connection", "connection": name, **said, "error": wrong})
            continue
        out.print(f"{name:<18} {polled.read:,} read, {looked:,} looked at, {polled.adopted:,} adopted, {polled.spoilt:,} unreadable")
        for text in (wrong or "").splitlines():
            out.print(f"{'':<18} {text}", style="red")
