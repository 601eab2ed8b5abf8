"""One measured figure, its floor from the same run, and the goal it is held to."""

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` and `floor` in the same unit; `goal` bounds their ratio, or `limit` the value itself."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    goal: float | None = None
    limit: float | None = None
    remark: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None

    @property
    def met(self) -> bool:
        if self.goal is not None and self.ratio is not None and self.ratio > self.goal:
            return False
        return self.limit is None or self.value <= self.limit

    def __str__(self) -> str:
        parts = [f"{self.name:<58} {self.value:10.3f} {self.unit:<5}"]
        if self.floor and self.ratio is not None:
            parts.append(f"floor {self.floor:.3f}, ratio {self.ratio:.2f}")
        if self.goal is not None:
            parts.append(f"goal <= {self.goal:g}x")
        if self.limit is not None:
            parts.append(f"goal <= {self.limit:g} {self.unit}")
        if self.goal is not None or self.limit is not None:
            parts.append("met" if self.met else "MISSED")
        return "  ".join([*parts, self.remark]).rstrip()


@dataclass(frozen=True, slots=True)
class Cost:
    """What a finished process cost: seconds of CPU and of wall, and its largest memory in MB."""

    cpu: float
    wall: float
    memory: float
    out: str


def run(*command: str, env: dict[str, str] | None = None) -> Cost:
    """Runs a command to its end. Raises `RuntimeError` with what it said when it fails."""
    mine = {name: said for name, said in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # else each run compiles every file anew
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=ROOT, env={**mine, **(env or {})}, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, time.monotonic() - began, after.ru_maxrss / 1024, done.stdout)


def best(times: int, *command: str) -> Cost:
    """The quickest of several runs: the machine's noise only ever adds."""
    return min((run(*command) for _ in range(times)), key=lambda c: c.wall)


PYTHON = sys.executable
