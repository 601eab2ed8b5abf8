"""The demo from beginning to end: stage, backfill, daemon, people, verdict."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import structlog

from connectors.sandbox import Deed
from gateway.clock import Skipping, from_text, starting
from gateway.demo.hours import LONGEST, Hours
from gateway.demo.screen import Screen, program
from gateway.demo.stage import SYSTEMS, Judges, desk_for_demo, moved_in, sandboxes
from gateway.demo.story import Story
from gateway.sandbox.judge import Judge
from gateway.sandbox.samples import conversation, samples

if TYPE_CHECKING:
    from gateway.assemble import Gateway
    from gateway.desk import Loaded

MORNING = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)  # a Monday, 9:30 in Berlin
LATEST = 60  # times that minutes were skipped, after which `--once` waits for nothing more: the story takes about 12
PATIENCE = 180.0  # seconds in which nothing moved at all, after which it gives up
SILENCE = 10.0  # seconds after which it says what it waits for


@dataclass(frozen=True, slots=True)
class Asked:
    """How the demo was started."""

    folder: Path
    once: bool
    seed: int


def play(asked: Asked, screen: Screen) -> bool:
    """Plays until the story is told (`once`) or somebody presses Ctrl-C; whether every part of the story happened."""
    clock = starting(MORNING, 1)
    folder = desk_for_demo(asked.folder)
    screen.title(
        f"Four ticket systems, served on this machine. For them and for us it is {MORNING:%A, %d %B %Y, %H:%M} UTC; "
        "minutes in which nothing happens are skipped."
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

    ours = Skipping(from_text(clock))
    with assembled(loaded, clock=ours, on_pass=screen.passed) as gateway:
        _backfill(gateway, screen)
        story, hours = Story(judges, ours), Hours(gateway.store, ours, judges.skip)
        hours.skip(LONGEST)  # what was just written is old enough to be believed when a page shows it
        ends = "It ends when the story is told." if asked.once else "Ctrl-C ends it."
        screen.title(f"The daemon watches now. People write, answer and mend; every line says which rule did what, and why. {ends}")
        with _daemon(gateway):
            _people(asked, screen, story, hours, judges)
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


def _people(asked: Asked, screen: Screen, story: Story, hours: Hours, judges: Judges) -> None:
    """The story and, beside it, ordinary traffic. Returns when all of it happened and `once` was said, or at Ctrl-C."""
    beside, moves = _traffic(asked.seed, judges), Moves()
    try:
        while not (asked.once and (hours.skips > LATEST or moves.none_for(PATIENCE))):
            if moves.seen((screen.looks, hours.skips, hours.waiting(), len(story.told))):
                judges.look()
                if asked.once and all(story.promises().values()):
                    return
            did = story.tell() or (next(beside) if hours.go_on() else None)
            if did is not None:
                hours.happened()
                screen.said(f"{story.now():%H:%M:%S}", did)
            if time.monotonic() - screen.shown_at > SILENCE:
                screen.waits(_waiting(story, hours))
            time.sleep(0.2)
    except KeyboardInterrupt:
        structlog.get_logger().debug("interrupted")


@dataclass(slots=True)
class Moves:
    """Notices whether anything moves."""

    last: object = None
    since: float = field(default_factory=time.monotonic)

    def seen(self, now: object) -> bool:
        """Whether something moved since the last time."""
        if now == self.last:
            return False
        self.last, self.since = now, time.monotonic()
        return True

    def none_for(self, seconds: float) -> bool:
        return time.monotonic() - self.since > seconds


def _waiting(story: Story, hours: Hours) -> str:
    """Why nothing is to be seen."""
    missing = next((promise for promise, kept in story.promises().items() if not kept), "nothing; people go on")
    waiting = hours.waiting()
    now = f"{waiting} tickets wait to be looked at" if waiting else f"it is {story.now():%H:%M}"
    return f"{now}; still to happen: {missing}"


def _traffic(seed: int, judges: Judges) -> Iterator[str]:
    """Ordinary days: new tickets, customers' answers, agents' changes, in all four systems in turn; each in words when it is done.

    People act on the tickets that are there now, so that nobody meddles with the story's.
    """
    keys = {system: _languages(seed, system, judge) for system, judge in judges.by_system.items()}
    streams = {system: conversation(seed, judges.now, keys[system], system=system) for system in SYSTEMS}
    return _acted(streams, judges)


def _acted(streams: Mapping[str, Iterator[Deed]], judges: Judges) -> Iterator[str]:
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

    judges.look()
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
