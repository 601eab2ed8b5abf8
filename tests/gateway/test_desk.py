"""A desk's folder, read whole: mistakes in `ticketgate.yaml` have places and remedies, and no secret stands in a file."""

import shutil
from pathlib import Path

import pytest

from gateway.desk import Loaded, Unfit, load
from gateway.settings import running
from gateway.whole_file import named

SAMPLE = Path(__file__).parent.parent.parent / "config"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A copy of the sample desk that a test may spoil."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "desk", ignore=shutil.ignore_patterns(".ticketgate")))


def spoilt(desk: Path, file: str, good: str, bad: str) -> Loaded:
    path = desk / file
    text = path.read_text(encoding="utf-8")
    assert good in text
    path.write_text(text.replace(good, bad, 1), encoding="utf-8")
    return load(desk)


BRAKE = (SAMPLE / "ticketgate.yaml").read_text(encoding="utf-8").partition("\nbrake:")[0].count("\n") + 2
"""The line of the sample desk's `brake`."""


def test_the_sample_desk_has_no_finding() -> None:
    loaded = load(SAMPLE)
    assert loaded.problems == ()
    assert loaded.bundle is not None


@pytest.mark.parametrize(
    ("good", "bad", "code", "line", "says"),
    [
        ("default_language: en", "defaultlanguage: en", "TG201", 5, "there is no key called 'defaultlanguage'"),
        ("poll: 30s", "poll: often", "TG205", 14, "'poll' cannot be read"),
        ("poll: 30s", "poll: 99999999999d", "TG205", 14, "a hundred years at most"),
        ("poll: 30s", "read_timeout: 0", "TG205", 14, "greater than 0"),
        ("poll: 30s", "total_timeout: 1e400", "TG205", 14, "less than or equal"),
        ("poll: 30s", "content_hosts: ['https://files.acme.com']", "TG205", 14, "'content_hosts' cannot be read: it should be a host such"),
        ("via: http://127.0.0.1:4101", "via: http://evil.example.com", "TG205", 12, "a real system stands under url"),
        ("project: [CORE]", "project: [CORE, help]", "TG205", 20, "'project' cannot be read: a project is named by its key"),
        ("url: https://acme.atlassian.net", "url: acme.atlassian.net", "TG205", 17, "url is the site's whole address"),
        ("system: zendesk", "system: zendeks", "TG302", 10, "there is no system called 'zendeks'"),
        ("    url: https://acme.zendesk.com\n", "", "TG206", 10, "'url' is missing"),
        ('client_secret: "${secret:zendesk}"', "client_secret: hunter2hunter2", "TG305", 13, "a secret stands in the file"),
        ("Blocked: on_hold", "Blocked: onhold", "TG211", 23, "'onhold' is not a status"),
        ("brake: { tickets: 500 }", "brake: { tickets: many }", "TG205", BRAKE, "'tickets' cannot be read"),
        ("brake:", "packs: {}\nbrake:", "TG201", BRAKE, "there is no key called 'packs'"),
    ],
)
def test_a_mistake_in_the_settings_has_its_place_and_a_remedy(desk: Path, good: str, bad: str, code: str, line: int, says: str) -> None:
    loaded = spoilt(desk, "ticketgate.yaml", good, bad)
    found = [p for p in loaded.problems if p.level == "error"]
    assert [(p.code, p.place.line) for p in found] == [(code, line)]
    assert says in found[0].message
    assert found[0].help
    assert "hunter2" not in str(found)


def test_an_error_of_the_disk_names_the_file_that_was_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full") as raised, named(tmp_path / "a.yaml"):
        raise OSError(28, "full")
    assert raised.value.filename == str(tmp_path / "a.yaml")


def test_check_needs_no_secret_but_running_does(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZENDESK", "JIRA", "SERVICENOW"):
        monkeypatch.setenv(f"TICKETGATE_SECRET_{name}", "canary-1234")
    assert load(desk).bundle is not None
    with pytest.raises(Unfit) as unfit:
        running(desk)
    assert "there is no secret called 'salesforce'" in str(unfit.value)
    assert "TICKETGATE_SECRET_SALESFORCE" in str(unfit.value)
    assert "canary" not in str(unfit.value)


def test_a_secret_comes_from_a_file_and_shows_nowhere(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = desk / ".ticketgate" / "secrets"
    folder.mkdir(parents=True)
    for name in ("zendesk", "jira", "servicenow", "salesforce"):
        (folder / name).write_text("canary-1234\n")
    loaded = running(desk)
    assert loaded.secrets == {"canary-1234"}
    assert "canary" not in repr(loaded) + repr(loaded.connections) + repr(loaded.config)


def test_the_environment_wins_over_the_file(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZENDESK", "JIRA", "SERVICENOW", "SALESFORCE"):
        monkeypatch.setenv(f"TICKETGATE_SECRET_{name}", "canary-1234")
    monkeypatch.setenv("TICKETGATE_BRAKE__TICKETS", "7")
    monkeypatch.setenv("TICKETGATE_CONNECTIONS", '{"zendesk-eu": {"poll": "5s"}}')
    config = running(desk).config
    assert config is not None
    assert config.brake.tickets == 7
    assert config.connections["zendesk-eu"].poll.total_seconds() == 5
    assert config.connections["zendesk-eu"].system == "zendesk"


def test_bytes_that_are_no_text_are_reported_and_do_not_hide_the_rest(desk: Path) -> None:
    (desk / "rules" / "95-broken.yaml").write_bytes(b"version: 1\nrules: [\xff\xfe]\n")
    loaded = spoilt(desk, "rules/30-routing.yaml", "pick: first", "pikc: first")
    codes = {p.code for p in loaded.problems}
    assert {"TG106", "TG201"} <= codes
