"""What the demo shows: people who act, every pass that did something and why, and at the end what was seen, decided and written."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.cli.render import happened, headline, lines
from gateway.demo.stage import SYSTEMS
from rules.plan import Plan
from rules.ticket import Ticket

if TYPE_CHECKING:
    from rich.console import Console


@dataclass
class Screen:
    """Lines on a terminal, from several threads. `looks` counts all passes, `passes`, by connection, those whose plan was not empty."""

    out: "Console"
    quiet: bool = False
    looks: int = 0
    shown_at: float = field(default_factory=time.monotonic)
    passes: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def title(self, text: str) -> None:
        with self.lock:
            self._line(f"\n{text}", style="bold")

    def said(self, at: str, text: str) -> None:
        """Somebody did something."""
        with self.lock:
            self._line(f"{at}  {text}", style="cyan")

    def waits(self, text: str) -> None:
        """Nothing is to be seen for a while, and this is why."""
        with self.lock:
            self._line(f"          ({text})", style="dim")

    def passed(self, ticket: Ticket, plan: Plan, outcome: object) -> None:
        """A pass over a ticket: what happened, and what was done about it by which rule."""
        with self.lock:
            self.looks += 1
            if not plan:
                return
            self.passes[plan.ref.connection] += 1
            self.actions[plan.ref.connection] += len(plan.actions)
            if self.quiet:
                return
            why = ", ".join(f"{f.rule} {f.stage or ''}".strip() for f in plan.fired if f.stage) or happened(plan)
            self._line(f"{plan.at:%H:%M:%S}  {headline(ticket, plan.redact)}   because: {why}", style="bold")
            for text in lines(plan):
                self._line("        " + text)

    def _line(self, text: str, style: str | None = None) -> None:
        self.shown_at = time.monotonic()
        self.out.print(text, style=style)

    def verdict(self, promises: Mapping[str, bool], *, ended: bool) -> None:
        """What was promised and what came of it; what had no time to happen is no failure where somebody pressed Ctrl-C."""
        missing = ("✗", "bold red") if ended else ("·  not yet:", "dim")
        with self.lock:
            self.out.print()
            for promise, kept in promises.items():
                sign, style = ("✓", "green") if kept else missing
                self.out.print(f"  {sign} {promise}", style=style)

    def table(self, seen: Mapping[str, int], effects: Mapping[str, list[dict[str, Any]]]) -> None:
        """Seen: tickets known. Decided: passes with something to do, and what they asked for. Written: what took effect there."""
        with self.lock:
            self.out.print(f"\n  {'':<16} {'seen':>6} {'decided':>16} {'written (by the sandbox’s own account)':>44}")
            for system, connection in SYSTEMS.items():
                kinds = Counter(str(e["kind"]) for e in effects[system])
                written = ", ".join(f"{n} {kind}" + ("s" if n != 1 else "") for kind, n in sorted(kinds.items())) or "nothing"
                written = written.replace("replys", "replies")
                decided = f"{self.passes[connection]} passes, {self.actions[connection]}"
                self.out.print(f"  {connection:<16} {seen.get(connection, 0):>6} {decided:>16} {written:>44}")


def program() -> str:
    """How the reader would call us: the path that was typed, where there is one."""
    called = Path(sys.argv[0])
    if called.name != "ticketgate":
        return "python -m gateway"
    try:
        return str(called.resolve().relative_to(Path.cwd()))
    except ValueError:
        return "ticketgate"
