"""A backfill of many tickets with 100 rules, against a bare loop that fetches the same pages and drops them.

The rules look at every ticket and match none that is not as they want it already, so no ticket is written: a write costs the
vendor's answer, which no floor has. The floor asks exactly the requests that the backfill asked.

The goal of three times the floor is held to for all four.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from gateway.sandbox.main import sandbox_class
from tests.benchmarks.figures import PYTHON, ROOT, Figure, run

TICKETS = 50_000
ROUNDS = 3
SYSTEMS = ("zendesk", "jira", "servicenow", "salesforce")
GOAL = 3.0
WORDS = {"salesforce": {"status": {"Waiting on Customer": "pending"}}}
"""An organization's own words, so that every ticket is judged."""
SECRET = ("client_secret", "token", "password")


def figures() -> Iterator[Figure]:
    for system in SYSTEMS:
        with served(system) as sandbox, tempfile.TemporaryDirectory() as folder:
            yield from _of(system, sandbox, Path(folder))


def _of(system: str, sandbox: "Sandbox", folder: Path) -> Iterator[Figure]:
    """The best of a few rounds of each, in turn."""
    backfills, floors = [], []
    for n in range(ROUNDS):
        desk = a_desk(folder / str(n), system, sandbox.address)
        sandbox.asks("forget")
        backfills.append(orjson.loads(run(PYTHON, "-m", "tests.benchmarks.backfilling", str(desk)).out))
        pages = folder / "pages.json"
        pages.write_bytes(sandbox.asks("requests"))
        floors.append(float(run(PYTHON, "-m", "tests.benchmarks.floor", sandbox.address, str(pages)).out))
    best = min(backfills, key=lambda b: b["cpu"])
    if best["counts"]["seen"] != TICKETS or best["counts"]["unchanged"] != TICKETS:
        raise RuntimeError(f"the backfill should see {TICKETS} tickets and change none: {best['counts']}")
    name = f"{system}: {TICKETS:,} tickets, 100 rules"
    yield Figure(f"{name}: CPU", best["cpu"], "s", min(floors), goal=GOAL, remark=f"{best['cpu'] / TICKETS * 1e6:.0f} µs a ticket")
    early = min((m for seen, m in best["memory"].items() if int(seen) >= 10_000), default=0.0)
    yield Figure(f"{name}: largest memory", best["peak"], "MB", limit=200)
    yield Figure(f"{name}: memory at the end against 10,000", list(best["memory"].values())[-1], "MB", early, goal=1.1)


class Sandbox:
    """A sandbox in a process of its own."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self._child = child
        self.address = self._line().decode()

    def asks(self, what: str) -> bytes:
        assert self._child.stdin is not None
        self._child.stdin.write(what.encode() + b"\n")
        self._child.stdin.flush()
        return self._line()

    def _line(self) -> bytes:
        assert self._child.stdout is not None
        return self._child.stdout.readline().strip()


@contextmanager
def served(system: str) -> Iterator[Sandbox]:
    command = [PYTHON, "-m", "tests.benchmarks.served", system, str(TICKETS)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            yield Sandbox(child)
        finally:
            child.terminate()


def a_desk(folder: Path, system: str, address: str) -> Path:
    """One connection and 100 rules in three sets, none of which wants anything else than what is there."""
    kind = sandbox_class(system)
    sign_in = {k: f"${{secret:{system}}}" if k in SECRET else v for k, v in kind.sign_in().items()}
    secret = next(v for k, v in kind.sign_in().items() if k in SECRET)
    (folder / "rules").mkdir(parents=True)
    (folder / ".ticketgate" / "secrets").mkdir(parents=True)
    (folder / ".ticketgate" / "secrets" / system).write_text(secret)
    connection = {"system": system, "url": kind.url(), "via": address, "sign_in": sign_in, "words": WORDS.get(system, {})}
    config = {"version": 1, "connections": {"it": connection}}
    (folder / "ticketgate.yaml").write_bytes(orjson.dumps(config))  # JSON is YAML
    for n, rules in enumerate((_by_subject(), _by_group(), _by_tag())):
        (folder / "rules" / f"{n}0-rules.yaml").write_bytes(orjson.dumps({"version": 1, "rules": rules}))
    return folder


def _by_subject() -> list[object]:
    """Text: words that no subject holds."""
    return [
        {
            "id": f"subject-{n}",
            "when": "created",
            "if": {"subject": {"contains_any": [f"zebra{n}", f"quagga{n}"]}},
            "then": [{"set": {"priority": "high"}}],
        }
        for n in range(34)
    ]


def _by_group() -> list[object]:
    return [
        {
            "id": f"group-{n}",
            "when": "created",
            "if": {"group": f"team-{n}", "priority": {"at_least": "high"}},
            "then": [{"tag": {"add": [f"t{n}"]}}],
        }
        for n in range(33)
    ]


def _by_tag() -> list[object]:
    """Several tests each; the status holds for most tickets, the tag for none."""
    return [
        {
            "id": f"tag-{n}",
            "when": "created",
            "if": {"status": {"not_one_of": ["closed"]}, "any": [{"tags": f"mark-{n}"}, {"requester.organization": f"Org {n}"}]},
            "then": [{"assign": {"group": "triage"}}],
        }
        for n in range(33)
    ]
