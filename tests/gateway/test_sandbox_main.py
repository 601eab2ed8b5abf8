"""The four sandboxes in one process: full of samples, each at its own address, told apart from outside by a judge."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.jira.connector import JiraConnector
from connectors.sandbox import Deed, Sample
from gateway.cli.sandbox import write_secrets
from gateway.sandbox.judge import Judge
from gateway.sandbox.main import SYSTEMS, filled, loaded, run_sandboxes, sandbox_for
from gateway.sandbox.samples import samples
from tests.builders import NOW
from tests.rigs import Clock

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_sample_is_loaded_and_shown_as_it_was_written(system: str) -> None:
    sandbox = sandbox_for(system, Clock())
    wanted = samples(7, 60, sandbox.clock(), system)

    languages = filled(sandbox, 7, 60, sandbox.clock())

    assert list(languages.values()) == [s.language for s in wanted]
    assert sorted(languages) == sorted(sandbox.keys())
    for key, sample in zip(languages, wanted, strict=True):
        shown = sandbox.shown(key)
        assert (shown["subject"], shown["group"], shown["assignee"]) == (sample.subject, sample.group, sample.assignee)
        assert shown["status"] == sample.status


def test_a_system_without_a_sandbox_is_named() -> None:
    with pytest.raises(LookupError, match="no sandbox for 'pigeon'"):
        sandbox_for("pigeon", Clock())


class Running:
    """The sandboxes in a thread, as `ticketgate sandbox` runs them in its process."""

    def __init__(self) -> None:
        self._stop, self._up = threading.Event(), threading.Event()
        self.addresses: Mapping[str, str] = {}
        self._thread = threading.Thread(
            target=run_sandboxes, args=(Clock(NOW),), kwargs={"count": 6, "stop": self._stop, "ready": self._ready}
        )
        self._thread.start()
        assert self._up.wait(30)

    def _ready(self, addresses: Mapping[str, str]) -> None:
        self.addresses = addresses
        self._up.set()

    def end(self) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    one = Running()
    yield one
    one.end()


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_judge_sees_and_does_what_people_can(running: Running, system: str) -> None:
    with Judge(running.addresses[system]) as judge:
        before = judge.tickets()

        made = judge.people(Deed(kind="create", by="customer", sample=Sample(subject="Hello", body="Help!", created_at=NOW)))
        judge.people(Deed(kind="reply", key=made, text="We are on it."))

        assert len(before) == 6
        assert judge.tickets() == [*before, made]
        shown = judge.shown(made)
        assert shown["subject"] == "Hello"
        assert [(c["public"], c["text"], c["by"]) for c in shown["comments"]][-1] == (True, "We are on it.", "agent")
        assert judge.effects() == []
        assert judge.now() == NOW


def test_a_file_of_tickets_is_dealt_to_the_systems_in_turn(tmp_path: Path) -> None:
    sandboxes = {system: sandbox_for(system, Clock()) for system in SYSTEMS}
    rows = [{"subject": f"Ticket {n}", "priority": "P9" if n == 3 else "high", "product": "Garden hose"} for n in range(10)]
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))

    problems = loaded(path, sandboxes, NOW)

    shown = {sandbox.shown(key)["subject"] for sandbox in sandboxes.values() for key in list(sandbox.keys())}
    assert shown == {f"Ticket {n}" for n in range(10)}
    assert [len(sandbox.keys()) for sandbox in sandboxes.values()] == [3, 3, 2, 2]
    assert len(problems) == 1
    assert "P9" in problems[0]


PROGRAM = """
import json, sys
from datetime import UTC, datetime
from gateway.sandbox.main import run_sandboxes
run_sandboxes(lambda: datetime(2026, 3, 2, 12, 0, tzinfo=UTC), count=2, ready=lambda found: print(json.dumps(found), flush=True))
print("stopped in good order")
"""


@pytest.mark.slow
def test_the_command_serves_a_data_center_that_its_connector_reads_and_writes(tmp_path: Path) -> None:
    """As a process of its own, with a desk beside it that was last tried against the Cloud's sandbox."""
    (tmp_path / "ticketgate.yaml").write_text("version: 1\n")
    assert "jira" in write_secrets(tmp_path)
    (tmp_path / ".ticketgate/secrets/zendesk").write_text("a real one")
    asked = ["-C", str(tmp_path), "--format", "json", "sandbox", "--port", "0", "--deployment", "data_center"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-m", "gateway", *asked], env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [json.loads(process.stdout.readline()) for _ in range(len(SYSTEMS) + 1)]
            told = next(one for one in lines if one.get("system") == "jira")
            said = {name: told[name] for name in ("deployment", "url", "via", "sign_in")}
            connector = JiraConnector.opened("here", JiraConnector.Settings(**said, project=["CORE"]))
            ticket = next(connector.changed(datetime(2020, 1, 1, tzinfo=UTC))).tickets[0]
            connector.comment(ticket.ref.key, "Seen *here*.", public=False, mark="0" * 32)
            with Judge(told["via"]) as judge:
                assert [effect.kind for effect in judge.effects()] == ["note"]
            connector.close()
        finally:
            process.terminate()
    kept = {name: (tmp_path / ".ticketgate/secrets" / name).read_text() for name in ("jira", "zendesk")}
    assert kept == {"jira": told["sign_in"]["token"], "zendesk": "a real one"}
    assert ticket.url is not None
    assert ticket.url.startswith("https://jira.example.com/jira/browse/")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_tells_its_addresses_and_stops_in_good_order(number: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        with Judge(addresses["jira"]) as judge:
            assert len(judge.tickets()) == 2

        process.send_signal(number)
        out, err = process.communicate(timeout=20)

    assert (process.returncode, out.strip(), err) == (0, "stopped in good order", "")
