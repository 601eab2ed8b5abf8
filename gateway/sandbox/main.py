"""`ticketgate sandbox`: the four systems in one process, each behind its own port on loopback, full of sample tickets."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from connectors.sandbox import Clock, Sample, Sandbox
from gateway.clock import Skipping
from gateway.sandbox.files import is_incident_log, read_tickets
from gateway.sandbox.host import Served, bound, serve
from gateway.sandbox.samples import samples
from gateway.sandbox.switches import Shifted

SYSTEMS = ("zendesk", "jira", "servicenow", "salesforce")
TICKETS_EACH = 75
USUAL = "cloud"


def sandbox_for(system: str, clock: Clock) -> Sandbox:
    """A fresh, empty sandbox of a system. Raises `LookupError` where the system has none."""
    return sandbox_class(system)(Shifted(clock))


def sandbox_class(system: str, deployment: str = USUAL) -> type[Sandbox]:
    """The class that serves a system's protocol, or that of another deployment of it. Raises `LookupError` where the system has none."""
    name = f"connectors.{system}.sandbox" if deployment == USUAL else f"connectors.{system}.sandbox_{deployment}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        raise LookupError(f"there is no sandbox for '{system}'") from error
    for thing in vars(module).values():
        if isinstance(thing, type) and issubclass(thing, Sandbox) and thing.__module__ == name and thing.system == system:
            return thing
    raise LookupError(f"{name} has no sandbox of that system")


def deployed(system: str, jira: str) -> str:
    """How a system is served where Jira is served as `jira`: the others have one form."""
    return jira if system == "jira" else USUAL


def filled(sandbox: Sandbox, seed: int, count: int, now: datetime) -> dict[str, str]:
    """Loads sample tickets; returns their keys with each one's language, for `conversation`."""
    some = samples(seed, count, now, sandbox.system)
    return dict(zip(sandbox.load(some), (s.language for s in some), strict=True))


def shared_out(tickets: Sequence[Sample], systems: Sequence[str]) -> dict[str, list[Sample]]:
    """A file's tickets dealt to the systems in turn."""
    return {system: list(tickets[n :: len(systems)]) for n, system in enumerate(systems)}


def loaded(path: Path, sandboxes: Mapping[str, Sandbox], now: datetime) -> list[str]:
    """Loads a file: a log of incidents into the ServiceNow sandbox, any other in turn; returns what was left out and why."""
    if is_incident_log(path):
        log: Any = sandboxes["servicenow"]
        log.load_log(path, "first")  # at the end of the log every incident is closed, and rules have nothing to do
        return []
    tickets, problems = read_tickets(path, now)
    for system, some in shared_out(tickets, list(sandboxes)).items():
        sandboxes[system].load(some)
    return problems


def run_sandboxes(
    clock: Clock,
    *,
    ports: Mapping[str, int] | None = None,
    seed: int = 1,
    count: int = TICKETS_EACH,
    tickets: Path | None = None,
    deployment: str = USUAL,
    stop: threading.Event | None = None,
    ready: Callable[[Mapping[str, str]], None] = lambda addresses: None,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Serves until `stop` is set or, in the main thread, SIGINT or SIGTERM comes.

    `ports` by system, 0 or absent for any free one. `ready` gets the address of each system once all of them listen, `say` each problem of
    the file. `deployment` is which Jira. With `tickets` the sample tickets are left out. Raises `OSError` for a port in use and a file
    that cannot be read.
    """
    one_for_all = Skipping(clock)
    kinds = {system: sandbox_class(system, deployed(system, deployment)) for system in SYSTEMS}
    sandboxes = {system: kind(Shifted(one_for_all)) for system, kind in kinds.items()}
    with listening(sandboxes, ports or {}) as served:
        if tickets is not None:
            for problem in loaded(tickets, sandboxes, clock()):
                say(problem)
        else:
            for sandbox in sandboxes.values():
                filled(sandbox, seed, count, clock())
        ready({one.sandbox.system: one.address for one in served})
        asyncio.run(_until(served, stop))


@contextlib.contextmanager
def listening(sandboxes: Mapping[str, Sandbox], ports: Mapping[str, int]) -> Iterator[list[Served]]:
    """Each sandbox behind its own port; none is served yet, but clients may already connect and wait."""
    served: list[Served] = []
    try:
        for system, sandbox in sandboxes.items():
            one = Served(sandbox, bound(ports.get(system, 0)))
            served.append(one)
            one.listener.listen(128)
        yield served
    finally:
        for one in served:
            one.listener.close()


async def _until(served: list[Served], stop: threading.Event | None) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    with contextlib.suppress(ValueError, RuntimeError):  # only the main thread may listen to signals
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
    watching = asyncio.create_task(_watched(stop, ended)) if stop is not None else None
    await serve(served, ended)
    if watching is not None:
        await watching


async def _watched(stop: threading.Event, ended: asyncio.Event) -> None:
    while not (stop.is_set() or ended.is_set()):
        await asyncio.sleep(0.05)
    ended.set()
