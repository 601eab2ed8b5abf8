"""A field of an installation's own, of every kind that a system has, is written as its kind wants it and read as it was written."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import pytest

from connectors import load
from connectors.base import Connector, Custom
from connectors.memory import MemoryConnector
from tests.contract import one
from tests.rigs import Rig

Type: TypeAlias = Literal["text", "set", "number", "time", "boolean"]
DAY, MOMENT = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 1, 13, 30, tzinfo=UTC)
VALUES: Mapping[str, tuple[Type, tuple[Any, ...]]] = {
    "seats": ("number", (12, 0)),
    "start": ("time", (DAY,)),
    "renewal": ("time", (MOMENT,)),
    "regions": ("set", (frozenset({"emea", "apac"}), frozenset({"latam"}))),
    "beta": ("boolean", (True, False)),
    "manager": ("text", ("lena@example.com", "kenji@example.com")),
}
"""What is written into each, one after another; `start` is a field of days where the system has such."""

PLACES: Mapping[str, Mapping[str, str]] = {
    "jira": {
        **{"seats": "customfield_10054", "start": "customfield_10058", "renewal": "customfield_10055", "regions": "customfield_10056"},
        **{"beta": "customfield_10060", "manager": "customfield_10059"},
    },
    "servicenow": {name: f"u_{name}" for name in ("seats", "start", "renewal", "regions", "beta")},
    "zendesk": {"seats": "360000000105", "start": "360000000106", "regions": "360000000107", "beta": "360000000108"},
    "salesforce": {name: f"{name.title()}__c" for name in ("seats", "start", "renewal", "regions", "beta")},
    "memory": {name: f"u_{name}" for name in VALUES},
}


def with_fields(rig: Rig) -> Connector:
    custom = tuple(Custom(name, remote, VALUES[name][0]) for name, remote in PLACES[rig.system].items())
    if rig.served is None:
        return MemoryConnector("here", rig.sandbox, custom=custom)
    cls = load(rig.system)
    rig.opened.append(cls.opened("here", cls.Settings(**rig.settings()), custom))
    return rig.opened[-1]


@pytest.mark.parametrize("name", VALUES)
def test_a_field_of_each_kind_survives_the_round_trip(rig: Rig, name: str) -> None:
    if name not in PLACES[rig.system]:
        pytest.skip("this system has no such kind of field")
    connector = with_fields(rig)
    ticket = one(rig, connector)
    for value in VALUES[name][1]:
        rig.later()

        receipt = connector.update(ticket.ref.key, {f"custom.{name}": value}, version=connector.fetch(ticket.ref.key).version)

        now = connector.fetch(ticket.ref.key)
        assert now.custom.get(name) == value
        assert type(now.custom[name]) is type(value) or isinstance(value, int)
        assert receipt.echo[f"custom.{name}"] == value
        assert receipt.version in (None, now.version)
    rig.later()
    connector.update(ticket.ref.key, {f"custom.{name}": None}, version=connector.fetch(ticket.ref.key).version)
    assert connector.fetch(ticket.ref.key).custom.get(name) in (None, False)


def test_several_fields_go_out_in_one_write(rig: Rig) -> None:
    connector = with_fields(rig)
    ticket = one(rig, connector)
    wanted = {f"custom.{name}": VALUES[name][1][0] for name in PLACES[rig.system]}

    connector.update(ticket.ref.key, wanted, version=ticket.version)

    now = connector.fetch(ticket.ref.key)
    assert {f"custom.{name}": value for name, value in now.custom.items()} == wanted
    assert [effect.kind for effect in rig.effects()] == ["update"]
