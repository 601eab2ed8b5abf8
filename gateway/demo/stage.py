"""What the demo plays on: a desk of its own, and the sandboxes in a process of their own, by the same clock."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from connectors.sandbox import Deed
from gateway.sandbox.judge import Judge

T = TypeVar("T")
SYSTEMS = {"zendesk": "zendesk-eu", "jira": "jira-core", "servicenow": "servicenow-it", "salesforce": "salesforce-crm"}
SAMPLE_PORTS = {"zendesk": 4101, "jira": 4102, "servicenow": 4103, "salesforce": 4104}


def sample_desk() -> Path:
    """The sample desk: `config/` of the repository, or the copy that an installed package brings along."""
    here = Path(__file__).parent.parent
    return here / "sample_desk" if (here / "sample_desk").is_dir() else here.parent / "config"


def desk_for_demo(folder: Path) -> Path:
    """A fresh copy of the sample desk in `folder`; what an earlier demo left there is thrown away."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sample_desk(), folder, ignore=shutil.ignore_patterns(".ticketgate", "README.md"))
    return folder


def moved_in(folder: Path, addresses: Mapping[str, str]) -> None:
    """Points the desk's connections at the sandboxes, and has them read every second: nobody waits half a minute in a demo."""
    path = folder / "ticketgate.yaml"
    text = path.read_text(encoding="utf-8").replace("poll: 30s", "poll: 1s")
    for system, port in SAMPLE_PORTS.items():
        text = text.replace(f"http://127.0.0.1:{port}", addresses[system])
    path.write_text(text, encoding="utf-8")


@contextmanager
def sandboxes(folder: Path, clock: str, seed: int) -> Iterator[dict[str, str]]:
    """The four sandboxes in a child process; hands out their addresses by system and ends them at the end."""
    command = [sys.executable, "-m", "gateway", "-C", str(folder), "--format", "json", "sandbox", "--port", "0", "--seed", str(seed)]
    child = subprocess.Popen(  # noqa: S603 - our own program; a session of its own, so that Ctrl-C ends the demo first and the judges can ask
        command,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "TICKETGATE_CLOCK": clock},
        start_new_session=True,
    )
    try:
        yield _addresses(child)
    finally:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(5)
        if child.stdout:
            child.stdout.close()


def _addresses(child: "subprocess.Popen[bytes]") -> dict[str, str]:
    """What the child says of itself, a line for each system. Raises `RuntimeError` when it ends before that."""
    found: dict[str, str] = {}
    while len(found) < len(SYSTEMS):
        said = child.stdout.readline() if child.stdout else b""
        if not said:
            raise RuntimeError("the sandboxes did not start; `ticketgate sandbox` says why")
        one = json.loads(said)
        if one["type"] == "sandbox":
            found[one["system"]] = one["via"]
    return found


@dataclass(frozen=True, slots=True)
class Judges:
    """The four sandboxes as people and judges see them: as they were at the last look."""

    by_system: Mapping[str, Judge]
    seen: dict[tuple[str, str], Any] = field(default_factory=dict)

    def look(self) -> None:
        """From now on they are shown as they are now."""
        self.seen.clear()

    def effects(self, system: str) -> list[dict[str, Any]]:
        return self._once((system, ""), lambda: [asdict(e) for e in self.by_system[system].effects()])

    def shown(self, system: str, key: str) -> dict[str, Any]:
        return self._once((system, key), lambda: self.by_system[system].shown(key))

    def _once(self, what: tuple[str, str], ask: Callable[[], T]) -> T:
        if what not in self.seen:
            self.seen[what] = ask()
        found: T = self.seen[what]
        return found

    def act(self, system: str, deed: Deed) -> str:
        self.look()
        return self.by_system[system].people(deed)

    def now(self) -> datetime:
        return self.by_system["zendesk"].now()

    def skip(self, by: timedelta) -> None:
        """Their clock skips so much: they are one process, and go by one."""
        self.by_system["zendesk"].skip(by)

    def close(self) -> None:
        for judge in self.by_system.values():
            judge.close()
