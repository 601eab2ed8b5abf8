"""The demo from beginning to end: stage, backfill, daemon, people, verdict."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import structlog

from connectors.sandbox import Deed
from gateway.clock import from_text, starting
from gateway.demo.screen import Screen, program
from gateway.demo.stage import SYSTEMS, Judges, desk_for_demo, moved_in, sandboxes
from gateway.demo.story import Story
from gateway.sandbox.judge import Judge
from gateway.sandbox.samples import conversation, samples

if TYPE_CHECKING:
    from gateway.assemble import Gateway
    from gateway.desk import Loaded

SPEED = 60.0  # a minute of the desk is a second of the wall
MORNING = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)  # a Monday, 9:30 in Berlin
LONGEST = 42.0  # seconds of the wall that `--once` waits for what has not happened, on a machine that keeps up
LOOKS = 80  # times it looks in any case: on a busy machine a look takes longer, and so does what it waits for
PATIENCE = 120.0  # seconds of the wall after which it gives up on any machine
SLOWLY = 2.5  # seconds between what people do beside the story


@dataclass(frozen=True, slots=True)
class Asked:
    """How the demo was started."""

    folder: Path
    once: bool
    seed: int


def play(asked: Asked, screen: Screen) -> bool:
    """Plays until the story is told (`once`) or somebody presses Ctrl-C; whether every part of the story happened."""
    clock = starting(MORNING, SPEED)
    folder = desk_for_demo(asked.folder)
    screen.title(
        "Four ticket systems, served on this machine. Their clock, and ours, run 60 times as fast as the wall's: a minute is a second."
    )
    with sandboxes(folder, clock, asked.seed) as addresses:
        moved_in(folder, addresses)
        for system, address in addresses.items():
            screen.said(f"{SYSTEMS[system]:<16}", f"{system} sandbox at {address}")
        judges = Judges({system: Judge(address) for system, address in addresses.items()})
        try:
            return _played(asked, screen, _desk(folder), judges, clock)
        finally:
            judges.close()


def _desk(folder: Path) -> "Loaded":
    from gateway.logs import set_up
    from gateway.settings import running

    loaded = running(folder)
    set_up(as_json=False, level="critical", secrets=loaded.secrets)
    return loaded


def _played(asked: Asked, screen: Screen, loaded: "Loaded", judges: Judges, clock: str) -> bool:
    from gateway.assemble import assembled

    ticking = from_text(clock)
    with assembled(loaded, clock=ticking, on_pass=screen.passed) as gateway:
        _backfill(gateway, screen)
        story = Story(judges, ticking)
        ends = "It ends when the story is told." if asked.once else "Ctrl-C ends it."
        screen.title(f"The daemon watches now. People write, answer and mend; every line says which rule did what, and why. {ends}")
        with _daemon(gateway):
            _people(asked, screen, story, judges)
        return _ended(asked, screen, story, judges, gateway)


def _backfill(gateway: "Gateway", screen: Screen) -> None:
    """What is there already: judged as if it had just come, with no replies to customers."""
    from gateway.cli.choosing import counted
    from gateway.judging import Asked as Which

    screen.title("Backfill: the tickets that are there already, against every rule; customers get no replies for these.")
    screen.quiet = True
    began = time.monotonic()
    counts = gateway.backfill.go_on(gateway.backfill.begin(Which(connections=tuple(gateway.connectors))))
    screen.quiet = False
    skipped = counts.skipped.total()
    screen.said(
        f"{time.monotonic() - began:.1f} s",
        f"{counts.seen} seen = {counts.changed} changed + {counts.unchanged} unchanged + {skipped} skipped + {counts.failed} failed + "
        f"{counts.pending} pending; asked for: {counted(counts.actions)}",
    )


@contextmanager
def _daemon(gateway: "Gateway") -> Iterator[None]:
    """The daemon in a thread of its own, stopped in good order."""
    daemon = gateway.daemon()
    thread = threading.Thread(target=daemon.run, name="daemon")
    thread.start()
    try:
        yield
    finally:
        daemon.stop()
        thread.join()


def _people(asked: Asked, screen: Screen, story: Story, judges: Judges) -> None:
    """The story and, beside it, ordinary traffic. Returns when all of it happened and `once` was said, or at Ctrl-C."""
    beside = _traffic(asked.seed, judges)
    began, looks, next_beside = time.monotonic(), 0, time.monotonic() + SLOWLY
    try:
        while not (asked.once and (_too_long(time.monotonic() - began, looks) or all(story.promises().values()))):
            looks += 1
            did = story.tell()
            if did is None and time.monotonic() > next_beside:
                did, next_beside = next(beside), time.monotonic() + SLOWLY
            if did is not None:
                screen.said(f"{story.now():%H:%M:%S}", did)
            time.sleep(0.3)
    except KeyboardInterrupt:
        structlog.get_logger().debug("interrupted")


def _too_long(seconds: float, looks: int) -> bool:
    return seconds > PATIENCE or (seconds > LONGEST and looks >= LOOKS)


def _traffic(seed: int, judges: Judges) -> Iterator[str]:
    """Ordinary days: new tickets, customers' answers, agents' changes, in all four systems in turn; each in words when it is done."""
    keys = {system: _languages(seed, system, judge) for system, judge in judges.by_system.items()}
    streams = {system: conversation(seed, judges.now, keys[system], system=system) for system in SYSTEMS}
    while True:
        for system, stream in streams.items():
            deed = next(stream)
            try:
                key = judges.act(system, deed)
            except httpx.HTTPStatusError:  # the vendor does not let people do that, like answering in a closed ticket
                continue
            yield f"{_in_words(deed)} {SYSTEMS[system]}:{key}"


def _languages(seed: int, system: str, judge: Judge) -> dict[str, str]:
    """The sandbox's tickets with the language of each, oldest first as both are."""
    keys = judge.tickets()
    return dict(zip(keys, (s.language for s in samples(seed, len(keys), judge.now(), system)), strict=True))


def _in_words(deed: Deed) -> str:
    match deed.kind:
        case "create":
            return "A customer writes:"
        case "reply":
            return "A customer answers on" if deed.by == "customer" else "An agent answers on"
        case "note":
            return "An agent leaves a note on"
        case "set":
            return "An agent sets " + ", ".join(f"{k} to {v}" for k, v in deed.fields.items()) + " on"
        case _:
            return "Somebody deletes"


def _ended(asked: Asked, screen: Screen, story: Story, judges: Judges, gateway: "Gateway") -> bool:
    """The verdict, by what the sandboxes say took effect; the figures; two commands to go on with."""
    from gateway.store import tickets

    promises = story.promises()
    screen.title("What had to happen, judged by what took effect in the four systems:")
    screen.verdict(promises, ended=asked.once)
    with gateway.store.reading() as db:
        seen = tickets.counts(db)
    screen.table(seen, {system: judges.effects(system) for system in SYSTEMS})
    key, late = story.keys.get("export", "1"), story.keys.get("silence", "1")
    screen.title("Worth typing next (the demo's desk stays in this folder):")
    screen.out.print(f"  {program()} -C {asked.folder} why zendesk-eu:{key}")
    screen.out.print(
        f"  {program()} -C {asked.folder} sla zendesk-eu:{late} --at {story.now():%Y-%m-%dT%H:%M:%SZ}    # the sum of the breached deadline"
    )
    screen.out.print(f"  {program()} -C {asked.folder} status")
    return all(promises.values())
