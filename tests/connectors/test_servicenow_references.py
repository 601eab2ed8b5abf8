"""ServiceNow's references of an installation's own, by name: read with the ticket, written by the one record that is called so."""

from collections.abc import Iterator

import pytest

from connectors.base import Connector, Custom
from connectors.errors import Rejected
from connectors.servicenow.connector import ServiceNowConnector
from connectors.servicenow.settings import ServiceNowSettings
from gateway.field_map import mapped, proposal, unmapped
from gateway.sandbox.host import Served
from rules.plan import Draft
from tests.contract import MARK
from tests.over import a_bundle
from tests.rigs import Rig, a_sample, rigged

VENDOR = (Custom("vendor", "u_vendor.name"),)
RULES = """
version: 1
fields:
  vendor: { type: text, from: { here: u_vendor.name } }
rules:
  - { id: a, when: created, then: [{ tag: { add: [seen] } }] }
"""


@pytest.fixture(scope="module")
def system() -> str:
    return "servicenow"


@pytest.fixture
def rig(port: Served | None) -> Iterator[Rig]:
    with rigged("servicenow", port) as made:
        for name, key in (("Acme", "1"), ("Globex", "2"), ("Twin", "3"), ("Twin", "4")):
            made.sandbox.desk.tables["core_company"].put({"sys_id": key * 32, "name": name})
        yield made


def opened(rig: Rig, *custom: Custom) -> ServiceNowConnector:
    made = ServiceNowConnector.opened("here", ServiceNowSettings(**rig.settings()), custom or VENDOR)
    rig.opened.append(made)
    return made


def a_ticket(rig: Rig, connector: Connector) -> tuple[str, str]:
    (key,) = rig.load(a_sample())
    return key, connector.fetch(key).version


def kept(rig: Rig, key: str) -> str:
    return str(rig.sandbox.desk.incidents.records[key].get("u_vendor", ""))


def test_a_reference_is_written_read_and_emptied_by_name(rig: Rig) -> None:
    connector = opened(rig)
    key, version = a_ticket(rig, connector)
    receipt = connector.update(key, {"custom.vendor": "Acme"}, version=version)
    assert (kept(rig, key), receipt.echo["custom.vendor"]) == ("1" * 32, "Acme")
    assert connector.fetch(key).custom["vendor"] == "Acme"
    assert receipt.version is not None
    connector.update(key, {"custom.vendor": None}, version=receipt.version)
    assert (kept(rig, key), connector.fetch(key).custom) == ("", {})


def test_who_is_called_so_is_asked_once(rig: Rig) -> None:
    connector = opened(rig)
    key, version = a_ticket(rig, connector)
    for name in ("Acme", "Globex", "Acme", "Globex"):
        version = str(connector.update(key, {"custom.vendor": name}, version=version).version)
        rig.later()
    assert rig.served is not None
    asked = [e.request.path.rpartition("/")[2] for e in rig.served.exchanges]
    assert (asked.count("core_company"), asked.count("sys_dictionary")) == (2, 2)


@pytest.mark.parametrize(
    ("path", "name", "why"),
    [
        ("u_vendor.name", "Nobody", "there is no core_company with the name 'Nobody', for u_vendor.name"),
        ("u_vendor.name", "Twin", "there are several core_company with the name 'Twin', for u_vendor.name"),
        ("u_vendor.number", "C-1", "a core_company is named by u_vendor.name"),
        ("u_product.name", "Acme", "u_product is no reference of incident"),
        ("caller_id.name", "Max Berger", "write requester instead"),
    ],
)
def test_what_names_nothing_is_refused_by_its_name_and_nothing_is_written(rig: Rig, path: str, name: str, why: str) -> None:
    connector = opened(rig, Custom("vendor", path))
    key, version = a_ticket(rig, connector)
    with pytest.raises(Rejected, match=why):
        connector.update(key, {"custom.vendor": name}, version=version)
    assert rig.effects() == []


def test_a_new_ticket_names_its_references_as_a_field_or_in_the_systems_own_words(rig: Rig) -> None:
    connector = opened(rig)
    by_field = connector.create(Draft(fields={"subject": "A", "custom.vendor": "Acme"}), mark=MARK)
    by_word = connector.create(Draft(fields={"subject": "B"}, own={"u_vendor.name": "Globex"}), mark="f" * 32)
    assert [kept(rig, str(one.key)) for one in (by_field, by_word)] == ["1" * 32, "2" * 32]
    with pytest.raises(Rejected, match="several"):
        connector.create(Draft(fields={"subject": "C"}, own={"u_vendor.name": "Twin"}), mark="e" * 32)


def test_a_creation_that_is_repeated_makes_nothing_new(rig: Rig) -> None:
    connector = opened(rig)
    first = connector.create(Draft(fields={"subject": "A"}), mark=MARK)
    again = connector.create(Draft(fields={"subject": "A"}), mark=MARK)
    assert (again.key, len(rig.effects())) == (first.key, 1)


def test_a_reference_is_proposed_by_name_and_known_as_mapped_by_it_or_by_itself(rig: Rig) -> None:
    connector = opened(rig)
    fields = connector.fields()
    nothing = a_bundle({"here": "servicenow"}, {"here": connector}, RULES.replace("u_vendor.name", "u_beta"))
    assert proposal(nothing, "here", unmapped(nothing, "here", fields, frozenset())).new["vendor_2"]["from"] == {"here": "u_vendor.name"}
    for remote in ("u_vendor.name", "u_vendor"):
        bundle = a_bundle({"here": "servicenow"}, {"here": connector}, RULES.replace("u_vendor.name", remote))
        (found,) = mapped(bundle, "here", fields)
        assert found.there is not None
        assert found.there.id == "u_vendor"
        assert "u_vendor" not in {f.id for f in unmapped(bundle, "here", fields, frozenset())}
