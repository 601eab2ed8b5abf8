"""The real command line, in this process or in one of its own, over a desk whose systems lie in files beside it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import orjson
import pytest

from connectors.base import Cursor, Page
from connectors.errors import Unauthorized
from connectors.memory import MemoryConnector
from connectors.memory_system import MemorySystem
from connectors.sandbox import Deed, Sample
from gateway.cli.app import app, ended_with
from gateway.clock import now
from rules.ticket import Ticket

ROOT = Path(__file__).parents[2]
CONFIG = """version: 1
connections:
  desk: { system: memory, url: "memory://FOLDER/desk.json", page_size: 5, poll: 1s }
  other: { system: memory, url: "memory://FOLDER/other.json", page_size: 5, poll: 1s }
channels:
  leads: { url: "file:.ticketgate/leads.jsonl" }
"""
RULES = """version: 1
rules:
  - id: route
    when: created
    if: { type: incident, group: { empty: true } }
    then:
      - assign: { group: tier-1 }
      - tag: { add: [routed] }
  - id: acknowledge
    when: created
    if: { type: incident }
    then:
      - reply: { text: "We have it." }
    limits: { per_ticket: 1 per 1h }
"""
TESTS = """version: 1
tests:
  - name: an incident goes to the first line
    now: 2026-03-02T10:00:00+01:00
    ticket: { connection: desk, type: incident }
    event: created
    expect: { fired: [route, acknowledge], ticket: { group: tier-1 } }
"""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as `--format json` promises it: the version first, and an object on every line."""
        said = [orjson.loads(line) for line in self.out.splitlines()]
        assert said[0] == {"type": "version", "format": "1.0"}
        assert all(isinstance(one, dict) and one["type"] for one in said)
        return said[1:]

    @property
    def all(self) -> str:
        return self.out + self.err


class Program:
    """Runs commands in this process, as `main` does."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        for name in [n for n in os.environ if n.startswith("TICKETGATE_")]:
            monkeypatch.delenv(name)

    def __call__(self, *args: object) -> Done:
        self._capsys.readouterr()
        code = ended_with(app, [str(one) for one in args])
        done = Done(int(code), *self._capsys.readouterr())
        assert "Traceback" not in done.all
        return done


@dataclass(frozen=True)
class Desk:
    """A desk's folder and the systems that it reads."""

    folder: Path

    def __str__(self) -> str:
        return str(self.folder)

    def system(self, name: str = "desk") -> MemorySystem:
        return MemorySystem(self.folder / f"{name}.json", clock=now)

    def tickets(self, count: int, name: str = "desk", **fields: Any) -> list[str]:
        """Tickets that are there already, made a day ago."""
        known = {"created_at": now() - timedelta(days=1), **fields}
        some = [Sample(subject=f"Ticket {n}", body="Help.", **known) for n in range(count)]
        return self.system(name).load(some)

    def customer_writes(self, subject: str, name: str = "desk", **fields: Any) -> str:
        return self.system(name).people(
            Deed(kind="create", by="customer", sample=Sample(subject=subject, body="Help.", created_at=now(), **fields))
        )

    def effects(self, name: str = "desk", kind: str | None = None) -> list[Any]:
        return [e for e in self.system(name).effects if kind in (None, e.kind)]

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def swap(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def texts(self) -> str:
        """Everything that lies in the folder, as one text, but for the secrets' own files."""
        files = [p for p in self.folder.rglob("*") if p.is_file() and "secrets" not in p.parts]
        return "\n".join(p.read_bytes().decode("utf-8", "replace") for p in files)


def a_desk(folder: Path) -> Desk:
    desk = Desk(folder)
    desk.write("ticketgate.yaml", CONFIG.replace("FOLDER", folder.as_posix()))
    desk.write("rules/10-all.yaml", RULES)
    desk.write("tests/all.test.yaml", TESTS)
    for name in ("desk", "other"):
        desk.system(name).load([])
    return desk


class Odd(MemoryConnector):
    """A connector of an administrator's own, with a mistake in it."""

    def changed(self, since: Any) -> Iterator[Page]:
        raise RuntimeError("canary-in-a-message")
        yield Page((), Cursor(""))


class Refusing(MemoryConnector):
    """A system that lets nobody in."""

    def fetch(self, key: str) -> Ticket:
        raise Unauthorized(self.connection, "canary says no")


def a_process(*args: object, **more: Any) -> "subprocess.Popen[str]":
    """The program as a process of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TICKETGATE_")} | {"PYTHONPATH": str(ROOT)}
    environment |= more.pop("env", {})
    command = [sys.executable, "-m", "gateway", *map(str, args)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    return subprocess.Popen(command, env=environment, text=True, encoding="utf-8", **pipes)


def ended(process: "subprocess.Popen[str]", seconds: float = 60) -> Done:
    """Waits for its end."""
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in (out or "") + (err or "")
    return Done(process.returncode, out or "", err or "")


@contextmanager
def in_background(*args: object, log: IO[str], **more: Any) -> Iterator["subprocess.Popen[str]"]:
    """A daemon for the length of a test; what it says goes to `log`."""
    process = a_process(*args, stdout=log, stderr=log, **more)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(what: Callable[[], object], seconds: float = 30.0) -> None:
    """Waits for something to become true."""
    import time

    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
