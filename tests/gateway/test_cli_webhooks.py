"""`connector webhooks`: what to set up in each system, and which ticket a recorded body speaks of."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Connector
from connectors.pushes import signed
from gateway.cli.ending import Code
from gateway.sandbox.host import Served
from tests.connectors.test_pushes import SENDERS
from tests.gateway.four import SAMPLE_DESK
from tests.gateway.program import Desk, Program

SECRET = "canary-of-the-hook"
NAMES = {system: name for system, (name, _) in SAMPLE_DESK.items()}
OF_NO_USE = {
    "jira": ({"webhookEvent": "project_created"}, 0, "not about an issue"),
    "zendesk": ({"type": "zen:event-type:moon.risen"}, 1, "do not know"),
    "servicenow": ({"event": "problem.updated", "sys_id": "0a" * 16}, 0, "not about the table incident"),
    "salesforce": ({"id": "001000000000001AAA"}, 0, "not the prefix of a case"),
}


@pytest.fixture
def desk(four: Desk) -> Desk:
    """The sample desk, whose connections take webhooks and whose daemon listens."""
    text = (four.folder / "ticketgate.yaml").read_text()
    for name in NAMES.values():
        text = text.replace(f"  {name}:\n", f'  {name}:\n    pushes: {{ secret: "${{secret:hook}}" }}\n')
    four.write("ticketgate.yaml", text + "\nserver: { port: 0 }\n")
    four.write(".ticketgate/secrets/hook", SECRET)
    return four


def asked(program: Program, desk: Desk, *more: Any) -> tuple[int, list[dict[str, Any]], str]:
    done = program("-C", desk, "--format", "json", "connector", "webhooks", *more)
    return done.code, [one for one in done.lines if one.get("type") in ("webhooks", "heard")], done.all


def test_each_connection_is_told_its_address_its_events_and_its_proof(program: Program, desk: Desk) -> None:
    code, told, said = asked(program, desk, "--base", "https://hooks.example.com/")

    assert code == Code.DONE
    assert {one["connection"]: one["address"] for one in told} == {n: f"https://hooks.example.com/webhooks/{n}" for n in NAMES.values()}
    assert all(one["events"] and one["where"] and one["headers"] and not one["missing"] for one in told)
    assert SECRET not in said
    people = program("-C", desk, "connector", "webhooks", NAMES["zendesk"]).out
    assert '{"ticket_id": "{{ticket.id}}"}' in people
    assert "X-Zendesk-Webhook-Signature" in people


def test_what_the_desk_lacks_is_named(program: Program, four: Desk) -> None:
    code, told, _ = asked(program, four, NAMES["jira"])

    assert code == Code.FINDINGS
    assert [one.split(":")[0] for one in told[0]["missing"]] == ["write pushes", "write server"]


def test_a_secret_that_nobody_gave_yet_is_named_and_hides_nothing(program: Program, desk: Desk) -> None:
    (desk.folder / ".ticketgate" / "secrets" / "hook").unlink()
    code, told, _ = asked(program, desk, NAMES["jira"])
    assert (code, len(told[0]["missing"]), "secret list" in told[0]["missing"][0]) == (Code.FINDINGS, 1, True)


@pytest.mark.parametrize("system", NAMES)
def test_a_recorded_body_gives_its_key_or_a_reason(program: Program, desk: Desk, system: str, tmp_path: Path) -> None:
    """Without its headers nobody proved anything, and it says so."""
    file, (odd, code, reason) = tmp_path / "body.json", OF_NO_USE[system]
    file.write_text(json.dumps({**SENDERS[system].body, "timestamp": 1}))
    assert asked(program, desk, NAMES[system], "--test", file)[:2] == (
        0,
        [{"type": "heard", "connection": NAMES[system], "keys": [SENDERS[system].key], "reason": None, "proved": False}],
    )

    file.write_text(json.dumps(odd))
    ended, told, _ = asked(program, desk, NAMES[system], "--test", file)
    assert (ended, told[0]["keys"]) == (code, [])
    assert reason in told[0]["reason"]


def test_a_body_with_its_headers_is_held_against_the_secret(program: Program, desk: Desk, tmp_path: Path) -> None:
    file, name = tmp_path / "body.json", NAMES["servicenow"]
    file.write_text(json.dumps(SENDERS["servicenow"].body))
    for secret, ended in ((SECRET, Code.DONE), ("another", Code.FINDINGS)):
        headers = [part for h, v in signed(secret, file.read_bytes(), datetime.now(UTC)) for part in ("--header", f"{h}: {v}")]
        code, told, _ = asked(program, desk, name, "--test", file, *headers)
        assert (code, told[0]["proved"], bool(told[0]["keys"])) == (ended, secret == SECRET, secret == SECRET)
    assert "signature" in told[0]["reason"]


def test_the_proof_that_is_described_is_the_one_that_is_believed(hosted: dict[str, Served], program: Program, desk: Desk) -> None:
    """Signed here by what the guide says of Zendesk, header by header, and by nothing else."""
    _, told, _ = asked(program, desk, NAMES["zendesk"])
    header, stamp_header = told[0]["headers"]
    body, stamp = json.dumps(SENDERS["zendesk"].body).encode(), datetime.now(UTC).isoformat()
    mac = base64.b64encode(hmac.new(SECRET.encode(), stamp.encode() + body, hashlib.sha256).digest()).decode()
    file = desk.folder / "body.json"
    file.write_bytes(body)

    code, heard, _ = asked(
        program, desk, NAMES["zendesk"], "--test", file, "--header", f"{header}: {mac}", "--header", f"{stamp_header}: {stamp}"
    )

    assert (code, heard[0]["keys"], heard[0]["proved"]) == (0, ["35436"], True)


@pytest.mark.parametrize(
    "more",
    [["--base", "hooks"], ["--test", "nowhere.json"], [NAMES["jira"], "--test", "nowhere.json"]],
    ids=["no address", "no connection", "no file"],
)
def test_what_cannot_be_meant_is_refused(program: Program, desk: Desk, more: list[str]) -> None:
    assert asked(program, desk, *more)[0] == Code.USAGE


def test_every_connector_that_takes_webhooks_says_how(hosted: dict[str, Served]) -> None:
    from connectors import BUILT_IN, known, load

    for system in BUILT_IN:
        assert not known(system).abilities.pushes or load(system).hooks is not Connector.hooks
