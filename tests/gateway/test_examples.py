"""What the README and the guide show is true: their commands run, in their order, and their YAML is read without a finding."""

import re
import shlex
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox import Sample
from gateway.clock import now
from gateway.sandbox.host import Served, in_thread
from gateway.sandbox.main import sandbox_for
from tests.gateway.program import ROOT, Desk, Program, a_process, ended, until

README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "config/README.md").read_text(encoding="utf-8")
ELSEWHERE = ("make demo", "make test", "pip install")  # tests of their own, or the reader's own machine


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    """The commands of the console examples, word by word, without their comments."""
    lines = [line.removeprefix("$ ") for block in blocks(text, "console") for line in block.splitlines() if line.startswith("$ ")]
    return [shlex.split(line, comments=True) for line in lines if not line.startswith(ELSEWHERE)]


@pytest.fixture
def zendesk() -> Iterator[Served]:
    sandbox = sandbox_for("zendesk", now)
    sandbox.load([Sample(subject="Card declined", body="Help.", created_at=now(), key="4711")])
    sandbox.load([Sample(subject=f"Ticket {n}", body="Help.", created_at=now()) for n in range(5)])
    with in_thread(sandbox) as served:
        yield served["zendesk"]


def adapted(folder: Path, zendesk: Served) -> None:
    """The new desk reaches a sandbox in place of a customer's own account, and its rules act."""
    desk = Desk(folder)
    desk.swap("ticketgate.yaml", "url: https://YOURS.zendesk.com", f"url: {zendesk.sandbox.url()}\n    via: {zendesk.address}")
    desk.write(".ticketgate/secrets/zendesk-main", zendesk.sandbox.sign_in()["client_secret"])


def run_for_a_while(args: list[str], zendesk: Served) -> int:
    """Until it has read something; its exit code when it is then asked to stop."""
    before, process = zendesk.requests, a_process(*args, cwd=Path.cwd())
    try:
        until(lambda: zendesk.requests > before, 60)  # one request may be all until the next poll: the sign-in is kept
        process.send_signal(signal.SIGTERM)
    finally:
        done = ended(process)
    return done.code


@pytest.mark.slow
def test_the_commands_of_the_readme_run_in_their_order(program: Program, zendesk: Served) -> None:
    shown = commands(README)
    assert [c[0] for c in shown] == ["ticketgate"] * len(shown)
    assert len(shown) >= 10
    for _, *args in shown:
        if args[0] == "init":
            assert program(*args).code == 0
            adapted(Path(args[1]), zendesk)
        elif args[-1] == "run":
            assert run_for_a_while(args, zendesk) == 143
        elif args[-2] in ("why", "sla"):
            done = program(*args)
            assert done.code in (0, 8)
            assert args[-1] in done.all
        else:
            answered = [*args, "--yes"] if {"apply", "backfill"} & set(args) else args
            done, lacks = program(*answered), args[-1] == "webhooks"  # a new desk listens nowhere yet, and is told what to write
            assert done.code == (1 if lacks else 0), (args, done)
            assert not lacks or "into ticketgate.yaml" in done.out


def test_the_commands_of_the_guide_run(program: Program, tmp_path: Path) -> None:
    sample = Path(shutil.copytree(ROOT / "config", tmp_path / "config", ignore=shutil.ignore_patterns(".ticketgate")))
    four = [sandbox_for(system, now) for system in ("zendesk", "jira", "servicenow", "salesforce")]
    with in_thread(*four) as served:
        for port, sandbox in enumerate(four, 4101):
            Desk(sample).swap("ticketgate.yaml", f"http://127.0.0.1:{port}", served[sandbox.system].address)
            secret = next(v for k, v in sandbox.sign_in().items() if k in ("client_secret", "token", "password"))
            Desk(sample).write(f".ticketgate/secrets/{sandbox.system}", secret)
        for _, *args in commands(GUIDE):
            assert program(*args).code == 0, args


def wrapped(fragment: str) -> tuple[str, str]:
    """A file of a desk in which the fragment stands, and where that file belongs."""
    if fragment.startswith("version:"):
        return "rules/99-example.yaml", fragment
    if fragment.startswith("tests:"):
        return "tests/example.test.yaml", "version: 1\n" + fragment
    if fragment.lstrip().startswith("- sync:"):
        return "rules/99-example.yaml", "version: 1\nrules:\n  - id: example\n    when: created\n    then:\n" + fragment
    if re.match(r"  [a-z-]+:\n    system:", fragment):
        settings = (ROOT / "config/ticketgate.yaml").read_text(encoding="utf-8")
        return "ticketgate.yaml", settings.replace("\nconnections:\n", f"\nconnections:\n{fragment}", 1)
    assert fragment.startswith("  - id:"), fragment
    return "rules/99-example.yaml", "version: 1\nrules:\n" + fragment


EXAMPLES = [*blocks(GUIDE, "yaml"), *blocks(README, "yaml")]


@pytest.mark.parametrize("fragment", EXAMPLES, ids=[f"{n}-{re.sub('[^a-z]+', '-', e)[:30]}" for n, e in enumerate(EXAMPLES)])
def test_every_yaml_example_is_read_without_an_error(program: Program, tmp_path: Path, fragment: str) -> None:
    sample = Path(shutil.copytree(ROOT / "config", tmp_path / "config", ignore=shutil.ignore_patterns(".ticketgate")))
    name, text = wrapped(fragment)
    if name.startswith("rules/"):  # beside the definitions alone: the sample's own rules have the same names
        for file in [p for p in (sample / "rules").glob("*.yaml") if not p.name.startswith("10-")]:
            file.unlink()
        shutil.rmtree(sample / "tests")
    Desk(sample).write(name, text)
    done = program("-C", sample, "check")
    assert done.code == 0, done.out
    if name.startswith("tests/"):
        assert program("-C", sample, "test", name).code == 0
