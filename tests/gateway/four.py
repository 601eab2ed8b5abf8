"""The sample desk before sandboxes of the four systems."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gateway.clock import now
from gateway.sandbox.host import Served, in_thread
from gateway.sandbox.main import SYSTEMS, filled, sandbox_for
from tests.gateway.program import ROOT, Desk

SAMPLE_DESK = {
    "zendesk": ("zendesk-eu", 4101),
    "jira": ("jira-core", 4102),
    "servicenow": ("servicenow-it", 4103),
    "salesforce": ("salesforce-crm", 4104),
}
WRITTEN = {"zendesk": "client_secret", "jira": "token", "servicenow": "password", "salesforce": "client_secret"}


@contextmanager
def four_sandboxes() -> Iterator[dict[str, Served]]:
    """Each with twelve tickets."""
    sandboxes = [sandbox_for(system, now) for system in SYSTEMS]
    for sandbox in sandboxes:
        filled(sandbox, 1, 12, now())
    with in_thread(*sandboxes) as served:
        yield served


def sample_desk(folder: Path, hosted: Mapping[str, Served]) -> Desk:
    """A copy of the sample desk that reaches them, with its secrets in files."""
    desk = Desk(Path(shutil.copytree(ROOT / "config", folder, ignore=shutil.ignore_patterns(".ticketgate"))))
    for system, (_, port) in SAMPLE_DESK.items():
        desk.swap("ticketgate.yaml", f"http://127.0.0.1:{port}", hosted[system].address)
        desk.write(f".ticketgate/secrets/{system}", hosted[system].sandbox.sign_in()[WRITTEN[system]])
    return desk


def secrets(hosted: Mapping[str, Served]) -> list[str]:
    return [served.sandbox.sign_in()[WRITTEN[system]] for system, served in hosted.items()]
