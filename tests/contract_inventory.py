"""What every connector promises about what its system says of itself: fields, permissions, clock and limits."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from connectors.base import Connector
from connectors.errors import Unsupported
from tests.rigs import CUSTOM, Rig

CHOICES = {"jira": "customfield_10052", "servicenow": "u_product", "zendesk": "360000000104", "salesforce": "Priority"}
"""A field that takes certain words only."""

REVOKED: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "jira": ("reply", lambda site: site.denied.add("ADD_COMMENTS")),
    "servicenow": ("reply", lambda site: site.desk.tables["sys_user_has_role"].records.clear()),
    "zendesk": ("reply", lambda site: site.desk.users[site._me].update(only_private_comments=True)),
    "salesforce": ("set priority", lambda site: site.frozen.add("Priority")),
}
"""A use, and how an administrator takes from our user what it needs."""


@pytest.fixture
def telling(connector: Connector) -> Connector:
    if not connector.abilities.describes:
        for ask in (connector.fields, connector.permissions, connector.pulse):
            with pytest.raises(Unsupported):
                ask()
        pytest.skip("this system says nothing of itself")
    return connector


def test_the_systems_fields_are_told_with_their_types_and_words(rig: Rig, telling: Connector) -> None:
    fields = {f.id: f for f in telling.fields()}

    for custom in CUSTOM[rig.system]:
        assert fields[custom.remote].own
        assert fields[custom.remote].type in ("text", "choice")
        assert fields[custom.remote].label.casefold().startswith(custom.name)
    words = fields[CHOICES[rig.system]].values
    assert len(words) > 2
    assert fields[CHOICES[rig.system]].type == "choice"
    assert any(not f.own for f in fields.values()) or rig.system == "zendesk"
    assert all(f.kind and f.label for f in fields.values())


def test_what_nobody_makes_a_ticket_without_is_told(rig: Rig, telling: Connector) -> None:
    required = {f.id for f in telling.fields() if f.required}

    assert required == {"jira": {"summary"}, "servicenow": {"short_description"}, "zendesk": set(), "salesforce": set()}[rig.system]


def test_a_user_that_may_do_everything_lacks_nothing(telling: Connector) -> None:
    permissions = telling.permissions()

    assert all(p.granted for p in permissions), [p.name for p in permissions if not p.granted]
    for use in ("reply", "note", "history", "set priority", "set status", "create"):
        assert any(p.serves(use) for p in permissions), use


def test_a_permission_that_is_missing_is_named_with_what_needs_it(rig: Rig, telling: Connector) -> None:
    use, revoke = REVOKED[rig.system]
    revoke(rig.sandbox)

    missing = [p for p in telling.permissions() if not p.granted]

    assert missing
    assert all(p.serves(use) for p in missing)
    assert not any(p.serves("read") for p in missing)


def test_the_systems_clock_and_limit_come_with_its_answers(rig: Rig, telling: Connector) -> None:
    telling.check_sign_in()

    pulse = telling.pulse()

    assert pulse.at is not None
    if rig.system in ("zendesk", "salesforce"):  # Jira tells of seconds, and ServiceNow's hour is by the rig's clock
        assert pulse.allowance is not None
        assert pulse.allowance.left
