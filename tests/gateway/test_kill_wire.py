"""The same over the wire: the command line's own process, killed around its calls on each system's sandbox.

Here the systems themselves answer whether something took effect, in the way each one can.
"""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from connectors.jira.sandbox import JiraSandbox
from connectors.jira.sandbox_data_center import DataCenterSandbox
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox import Deed, Sample, Sandbox
from connectors.servicenow.sandbox import ServiceNowSandbox
from connectors.zendesk.sandbox import ZendeskSandbox
from gateway import clock
from gateway.sandbox.host import Fault, Served, in_thread
from gateway.store import actions
from gateway.store.opening import opened
from tests.gateway.forked import ticketgate

pytestmark = pytest.mark.slow
POINTS = ("before-send", "after-send", "before-commit", "before-send:2", "after-send:2", "before-commit:2")
"""The update, then the reply, of one new ticket."""
LATE = 60.0  # a system may show a change late: for so many seconds it is asked before that counts as lost
SANDBOXES: tuple[type[Sandbox], ...] = (ZendeskSandbox, JiraSandbox, DataCenterSandbox, ServiceNowSandbox, SalesforceSandbox)
MORE: dict[type[Sandbox], str] = {DataCenterSandbox: "    deployment: data_center\n"}
"""What a connection says besides."""

RULES = """
version: 1
rules:
  - id: first-things
    when: created
    then:
      - tag: { add: [seen-by-us] }
      - reply: { text: "We have it." }
"""


@dataclass
class Desk:
    """A desk with one connection to a sandbox, and the processes that work on it."""

    folder: Path
    served: Served
    running: str

    def run(self, failpoint: str = "") -> int:
        secrets = {f"TICKETGATE_SECRET_{name.upper()}": value for name, value in self.served.sandbox.sign_in().items()}
        environment = {**secrets, "TICKETGATE_FAILPOINT": failpoint, "TICKETGATE_CLOCK": self.running}
        return ticketgate("-q", "-C", str(self.folder), "run", "--once", env=environment).wait()

    def effects(self) -> Counter[tuple[str, str]]:
        return Counter((e.kind, e.key) for e in self.served.sandbox.effects)


def laid_out(folder: Path, served: Served) -> None:
    sandbox = served.sandbox
    sign_in = "".join(f'      {name}: "${{secret:{name}}}"\n' for name in sandbox.sign_in())
    (folder / "rules").mkdir()
    (folder / "rules" / "10-all.yaml").write_text(RULES)
    (folder / "ticketgate.yaml").write_text(
        f"version: 1\nconnections:\n  desk:\n    system: {sandbox.system}\n    url: {sandbox.url()}\n    via: {served.address}\n"
        f"{MORE.get(type(sandbox), '')}    sign_in:\n{sign_in}"
    )


@pytest.fixture(params=SANDBOXES, ids=lambda kind: kind.__name__)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    running = clock.written(datetime(2026, 3, 2, 8, tzinfo=UTC), 120, time.time())
    sandbox = request.param(clock.from_text(running))
    with in_thread(sandbox) as served:
        laid_out(tmp_path, served[sandbox.system])
        yield Desk(tmp_path, served[sandbox.system], running)


def wrote(desk: Desk, subject: str) -> str:
    sandbox = desk.served.sandbox
    return sandbox.people(
        Deed(kind="create", by="customer", sample=Sample(subject=subject, body="It is broken.", created_at=sandbox.clock()))
    )


def test_killed_around_each_call_nothing_is_lost_and_no_reply_sent_twice(desk: Desk) -> None:
    assert desk.run() == 0, "the first read"
    keys = []
    for point in POINTS:
        keys.append(wrote(desk, f"Killed at {point}"))
        assert sooner_or_later(partial(_killed, desk, point)), f"it never came to {point}"
        assert sooner_or_later(partial(_finished, desk, keys[-1])), f"{point}: what was decided was not carried out"
    desk.run()
    _agree(desk, keys)


def test_answers_lost_on_the_way_are_asked_after(desk: Desk) -> None:
    assert desk.run() == 0
    key = wrote(desk, "Answers get lost")
    writes = r"^/(api/v2/tickets|rest/api/3/issue/|jira/rest/api/2/issue/|api/now|services/data)"
    desk.served.faults.append(Fault("apply_then_drop", method="POST|PUT|PATCH", path=writes, times=2))
    assert sooner_or_later(partial(_finished, desk, key))
    desk.run()
    _agree(desk, [key])


def sooner_or_later(happens: Callable[[], bool]) -> bool:
    end = time.monotonic() + LATE
    while not happens():
        if time.monotonic() > end:
            return False
    return True


def _killed(desk: Desk, point: str) -> bool:
    return desk.run(point) == -signal.SIGKILL


def _finished(desk: Desk, key: str) -> bool:
    desk.run()
    return desk.effects()["reply", key] >= 1


def _agree(desk: Desk, keys: list[str]) -> None:
    effects = desk.effects()
    assert {key: effects["reply", key] for key in keys} == dict.fromkeys(keys, 1)
    assert all(effects["update", key] >= 1 for key in keys), "every ticket has its field"
    store = opened(f"sqlite:///{desk.folder}/.ticketgate/desk.db")
    with store.reading() as db:
        states = Counter(str(row.state) for row in actions._rows(db))
    store.close()
    assert states == {"done": 2 * len(keys)}
