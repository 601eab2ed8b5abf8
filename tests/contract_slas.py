"""What every connector promises of its system's own SLA clocks: they are read as they stand there, one by one, and none is made up."""

import contextlib
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from connectors.base import Connector
from connectors.errors import ConnectorError, Unsupported
from connectors.jira import sandbox_slas as jira
from connectors.zendesk import sandbox_slas as zendesk
from tests.rigs import START, Rig, a_sample

BEGAN, DUE, ANSWERED = START - timedelta(hours=5), START - timedelta(hours=4), START - timedelta(hours=3, minutes=30)
LATEST = START + timedelta(hours=3)


def keep_in_jira(rig: Rig, key: str) -> None:
    views, issue = rig.sandbox.tracker.views, rig.sandbox.tracker.issue(key)
    answered = {"start": BEGAN, "breach": DUE, "stop": ANSWERED, "breached": True}
    held = {"start": BEGAN, "breach": LATEST, "breached": False, "paused": True}
    issue.slas += [
        jira.sla(views, "Time to first response", over=[answered]),
        jira.sla(views, "Time to resolution", over=[], ongoing=held),
    ]


def keep_in_servicenow(rig: Rig, key: str) -> None:
    tables = rig.sandbox.desk.tables
    rows = [
        ("Priority 2 response (1 h)", {"stage": "completed", "has_breached": "true", "planned_end_time": DUE, "end_time": ANSWERED}),
        ("Priority 2 resolution", {"stage": "paused", "has_breached": "false", "planned_end_time": LATEST}),
    ]
    for n, (name, row) in enumerate(rows):
        said = {k: v if isinstance(v, str) else f"{v:%Y-%m-%d %H:%M:%S}" for k, v in {**row, "start_time": BEGAN}.items()}
        tables["task_sla"].put({"sys_id": f"{n}" * 32, "task": key, "sla": tables.named("contract_sla", "sla", name), **said})


def keep_in_zendesk(rig: Rig, key: str) -> None:
    replied = [("activate", BEGAN), ("apply_sla", BEGAN), ("breach", DUE), ("fulfill", ANSWERED), ("update_status", ANSWERED)]
    held = [("activate", BEGAN), ("apply_sla", BEGAN), ("pause", ANSWERED)]
    zendesk.keep(rig.sandbox.desk, int(key), "reply_time", replied)
    zendesk.keep(rig.sandbox.desk, int(key), "resolution_time", held, due=LATEST)
    measured_only = [("activate", BEGAN), ("pause", ANSWERED)]  # and promised by nobody
    zendesk.keep(rig.sandbox.desk, int(key), "agent_work_time", measured_only)


def keep_in_salesforce(rig: Rig, key: str) -> None:
    org = rig.sandbox.org
    done = org.transaction(rig.sandbox.users.api, BEGAN)
    rows = [
        ("First Response", {"TargetDate": DUE, "CompletionDate": ANSWERED, "IsCompleted": True, "IsViolated": True}),
        ("Resolution Time", {"TargetDate": LATEST, "CompletionDate": None, "IsCompleted": False, "IsViolated": False}),
    ]
    for name, row in rows:
        kind = done.add("MilestoneType", Name=name)
        said = {k: f"{v:%Y-%m-%dT%H:%M:%S.000+0000}" if hasattr(v, "hour") else v for k, v in {**row, "StartDate": BEGAN}.items()}
        done.add("CaseMilestone", CaseId=key, MilestoneTypeId=kind["Id"], **said)
    done.change("Case", org.get("Case", key), {"IsStopped": True})
    org.store(done)


KEPT: Mapping[str, Callable[[Rig, str], None]] = {
    "jira": keep_in_jira,
    "servicenow": keep_in_servicenow,
    "zendesk": keep_in_zendesk,
    "salesforce": keep_in_salesforce,
}
"""How each system comes to two SLAs: a first response that was late, and a resolution that is held up."""


@pytest.fixture
def with_slas(rig: Rig, connector: Connector) -> str:
    """A ticket of a system that keeps such clocks."""
    if not connector.abilities.slas:
        pytest.skip("this system keeps no SLA clocks")
    (key,) = rig.load(a_sample(age=300))
    KEPT[rig.system](rig, key)
    return key


def test_the_systems_own_sla_clocks_are_read_as_they_stand(with_slas: str, connector: Connector) -> None:
    first, second = connector.native_slas(with_slas)

    assert (first.metric, first.state, first.breached) == ("first_response", "ended", True)
    assert (first.started_at, first.due_at, first.stopped_at) == (BEGAN, DUE, ANSWERED)
    assert (second.metric, second.state, second.breached) == ("resolution", "paused", False)
    assert (second.started_at, second.due_at, second.stopped_at) == (BEGAN, LATEST, None)


def test_a_ticket_that_its_system_promises_nothing_of_has_no_sla_clocks(rig: Rig, connector: Connector) -> None:
    (key,) = rig.load(a_sample())

    if connector.abilities.slas:
        assert connector.native_slas(key) == ()
    else:
        with pytest.raises(Unsupported):
            connector.native_slas(key)


def test_sla_clocks_that_we_may_not_read_keep_nobody_from_the_ticket(with_slas: str, rig: Rig, connector: Connector) -> None:
    connector.check_sign_in()
    rig.fault("status", status=403, times=9)

    with contextlib.suppress(ConnectorError):  # which error it is is the system's own; the gateway goes on without the verdict
        assert connector.native_slas(with_slas) == ()

    assert rig.served is not None
    rig.served.faults.clear()
    assert connector.fetch(with_slas).ref.key == with_slas
