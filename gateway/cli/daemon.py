"""`ticketgate run`: the daemon."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.ending import Code, Ended, in_words, worst
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.serving import door, server

if TYPE_CHECKING:
    from gateway.assemble import Gateway
    from gateway.cli.starting import Start
    from gateway.clock import Clock
    from gateway.config import Config
    from gateway.daemon import Summary
    from gateway.desk import Loaded
    from gateway.reloading import Reloader
    from gateway.store.opening import Store
    from rules.bundle import Bundle


def add_to(app: typer.Typer) -> None:
    app.command("run")(run)


def run(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Read everything once, look at what is new, and end.")] = False,
    no_server: Annotated[bool, typer.Option("--no-server", help="Take in no webhooks, whatever `server` says.")] = False,
    host: Annotated[str | None, typer.Option("--host", help="Where to take in webhooks, instead of `server.host`.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="At which port, instead of `server.port`.", min=0, max=65_535)] = None,
    drain: Annotated[
        str, typer.Option("--drain", metavar="30s", help="How long a stop waits for what is in hand; the next start carries on the rest.")
    ] = "30s",
) -> None:
    """Reads every connection at its interval and does what the rules ask for, until Ctrl-C or SIGTERM.

    With `server` in ticketgate.yaml, or with --host or --port, it takes in the systems' webhooks at /webhooks/CONNECTION besides.

    Changed files are taken over as soon as they pass check and their own tests; until then, and after a start with such files, the last
    good rules stay.
    """
    from gateway.cli.choosing import lasting
    from gateway.cli.connecting import gateway, logging
    from gateway.cli.starting import to_start

    chosen, longest = options(context), lasting("--drain", drain)
    start = to_start(chosen)
    logging(chosen, start.loaded, "info")
    with gateway(chosen, loaded=start.loaded) as found:
        daemon = found.daemon(reloader(chosen, found, start))
        if not once:
            with door(found, daemon, None if no_server else server(found.config, host, port)):
                raise Ended(Code(daemon.run(longest)))
        summary = daemon.once()
        resting = _resting(found, summary)
        _told(chosen, summary, resting)
    raise Ended(_code(summary, resting))


def reloader(chosen: Options, found: "Gateway", start: "Start") -> "Reloader":
    """New rules when the files changed and are fit, or when a person asks; what is wrong is logged once for each change."""
    import structlog

    from gateway.reloading import Reloader
    from gateway.settings import running
    from gateway.store import reloading

    def read() -> "Loaded":
        fresh = running(chosen.desk, chosen.config)
        if fresh.config != found.config:
            said = "connections, channels, database and brake of ticketgate.yaml changed; they are taken over by the next start"
            structlog.get_logger().warning(said)
        return fresh

    with found.store.writing() as db:
        reloading.answered(db, start.state, start.reason, None, found.house.clock())
    guard = guard_of(found.store, found.config, found.house.clock)
    return Reloader(found.store, (chosen.desk, chosen.config_file), read, found.house.clock, in_words, guard=guard, seen=start.stamp)


def guard_of(store: "Store", config: "Config", clock: "Clock") -> "Callable[[Bundle], str]":
    """What `reload:` of the settings wants of new rules; nothing where it is not written."""
    from gateway.guarding import reason
    from gateway.reloading import nothing_to_say

    guard = config.reload
    return (lambda bundle: reason(store, bundle, clock(), guard.replay, guard.stop_if_changed)) if guard else nothing_to_say


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
