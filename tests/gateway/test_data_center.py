"""The command line over a Jira Data Center: what it lists and tries, what it proposes, and which mistake it names."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from connectors.jira.sandbox_data_center import URL, DataCenterSandbox
from connectors.sandbox import Deed, Sample
from gateway.clock import now
from gateway.sandbox.host import Served, in_thread
from gateway.sandbox.main import filled, sandbox_for
from tests.gateway.program import Desk, Program

RULES = """version: 1
rules:
  - id: route
    when: created
    if: { type: incident }
    then:
      - assign: { group: platform }
      - note: { text: "**Ours** now." }
"""


@pytest.fixture
def site() -> Iterator[Served]:
    sandbox = DataCenterSandbox(now)
    filled(sandbox, 1, 12, now())
    with in_thread(sandbox) as served:
        yield served["jira"]


def laid_out(folder: Path, site: Served, deployment: str = "data_center", url: str = URL) -> Desk:
    said = f"deployment: {deployment}, url: '{url}', via: '{site.address}', sign_in: {{ token: '${{secret:jira}}' }}"
    (folder / "ticketgate.yaml").write_text(
        f"version: 1\nconnections:\n  jira-inside: {{ system: jira, {said}, project: [CORE], group_field: customfield_10052 }}\n"
    )
    desk = Desk(folder)
    desk.write("rules/10-route.yaml", RULES)
    desk.write(".ticketgate/secrets/jira", site.sandbox.sign_in()["token"])
    return desk


def test_it_is_listed_tried_and_looked_into_like_any_other(program: Program, tmp_path: Path, site: Served) -> None:
    desk = laid_out(tmp_path, site)

    for asked, said in {
        "list": "jira-inside",
        "test": "signed in as ticketgate@example.com; tickets can be read",
        "abilities": "status",
    }.items():
        done = program("-C", desk, "connector", asked)
        assert (done.code, said in done.out) == (0, True), done.all
    doctor = program("-C", desk, "doctor")
    assert (doctor.code, "100 of 100 requests left" in doctor.out) == (0, True), doctor.all
    assert site.sandbox.sign_in()["token"] not in doctor.all
    assert not site.sandbox.effects


def test_its_own_fields_are_proposed_as_check_accepts_them(program: Program, tmp_path: Path, site: Served) -> None:
    desk = laid_out(tmp_path, site)

    proposed = program("-C", desk, "connector", "fields", "jira-inside")

    assert (proposed.code, proposed.err) == (0, "")
    assert yaml.safe_load(proposed.out)["fields"]["regions"] == {"type": "set", "from": {"jira-inside": "customfield_10056"}}
    desk.write("rules/11-proposed.yaml", proposed.out)
    assert program("-C", desk, "check", "--strict").code == 0


@pytest.mark.parametrize("command", [("doctor",), ("connector", "test")])
def test_the_other_deployment_is_named_with_the_way_out(program: Program, tmp_path: Path, site: Served, command: tuple[str, ...]) -> None:
    done = program("-C", laid_out(tmp_path, site, "cloud"), *command)

    assert done.code != 0
    assert "write deployment: data_center" in " ".join(done.all.split())


def test_a_cloud_site_called_a_data_center_is_named_too(program: Program, tmp_path: Path) -> None:
    with in_thread(sandbox_for("jira", now)) as served:
        done = program("-C", laid_out(tmp_path, served["jira"], url="https://tickets.acme.example"), "doctor")

    assert done.code != 0
    assert "this site is Jira Cloud" in " ".join(done.all.split())


def test_a_ticket_is_routed_and_gets_its_note_in_the_sites_own_markup(program: Program, tmp_path: Path, site: Served) -> None:
    desk = laid_out(tmp_path, site)
    assert program("-C", desk, "run", "--once").code == 0
    new = site.people(Deed(kind="create", by="customer", sample=Sample(subject="Down", body="All of it.", created_at=now())))
    site.sandbox.catch_up()

    done = program("-C", desk, "run", "--once")

    assert done.code == 0, done.all
    assert site.sandbox.shown(new)["group"] == "platform"
    assert [c["body"] for c in site.sandbox.tracker.issue(new).comments] == ["*Ours* now."]
    assert [c["public"] for c in site.sandbox.shown(new)["comments"]] == [False]
