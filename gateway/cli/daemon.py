"""`ticketgate run`: the daemon."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.ending import Code, Ended
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
            code = daemon.run()
            raise Ended(Code(code))
        summary = daemon.once()
        _told(chosen, summary)
    raise Ended(_code(summary))


def reloading(chosen: Options, loaded: "Loaded", found: "Gateway") -> "Callable[[], Bundle | None]":
    """Asked every few seconds: new rules when the files changed and hold no error; what is wrong is logged once for each change."""
    seen = [_stamp(loaded.folder)]

    def reload() -> "Bundle | None":
        now = _stamp(loaded.folder)
        if now == seen[0]:
            return None
        seen[0] = now
        return _fresh(chosen, found)

    return reload


def _fresh(chosen: Options, found: "Gateway") -> "Bundle | None":
    """The rules on disk, kept in the store so that `why` can judge by them later; None when they are not fit to run."""
    import structlog

    from gateway.settings import running
    from gateway.store import passes

    try:
        fresh = running(chosen.desk, chosen.config)
    except Exception as error:  # half-written files, mistakes, a folder that is gone: the last good rules stay
        structlog.get_logger().error("changed rules are not taken over; the last good ones stay in force", reason=str(error))
        return None
    if fresh.bundle is not None:
        with found.store.writing() as db:
            passes.in_force(db, fresh.bundle.hash, fresh.sources, found.house.clock())
    return fresh.bundle


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells a changed folder: names, times and sizes of the files that are read."""
    from gateway.desk import READ

    found = []
    for pattern in ("ticketgate.yaml", *READ):
        for path in sorted(folder.glob(pattern)):
            try:
                stat = path.stat()
            except OSError:
                continue
            found.append((path.as_posix(), stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _code(summary: "Summary") -> Code:
    """A connection that refused us or did not answer decides the code; the others did their work."""
    names = {type(error).__name__ for error in summary.errors.values()}
    if "Unauthorized" in names:
        return Code.REFUSED_BY_REMOTE
    if names:
        return Code.UNREACHABLE
    if any(d.parked or d.put_off for d in summary.drained.values()):
        return Code.PARTLY
    return Code.UNSAFE if any(d.held for d in summary.drained.values()) else Code.DONE


def _told(chosen: Options, summary: "Summary") -> None:
    """A line for each connection."""
    if chosen.as_json:
        line(VERSION_LINE)
    out = chosen.out()
    for name, polled in summary.polled.items():
        drained, error = summary.drained.get(name), summary.errors.get(name)
        looked = drained.looked if drained else 0
        if chosen.as_json:
            said = {"read": polled.read, "adopted": polled.adopted, "looked": looked, "unreadable": polled.spoilt, "gone": polled.gone}
            line({"type": "connection", "connection": name, **said, "error": str(error) if error else None})
        else:
            out.print(f"{name:<18} {polled.read:,} read, {looked:,} looked at, {polled.adopted:,} adopted, {polled.spoilt:,} unreadable")
            if error:
                out.print(f"{'':<18} {error}", style="red")
