"""What every connector promises about the links of its system: there once, never in the place of another, and found again."""

from contextlib import suppress

import pytest

from connectors.base import Connector
from connectors.errors import NotFound, Rejected, Unsupported, WriteRefused
from tests.contract import one
from tests.rigs import Rig, a_sample

RELATIONS = ("problem", "duplicate", "parent")


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_link_of_the_systems_own_is_made_once_and_found_again(rig: Rig, connector: Connector, relation: str) -> None:
    ticket, other = one(rig, connector, type="incident").ref.key, one(rig, connector, type="problem").ref.key
    if relation not in connector.abilities.links:
        with pytest.raises(Unsupported):
            connector.link(ticket, relation, other)
        with pytest.raises(Unsupported):
            connector.linked(ticket, relation, other)
        return
    assert not connector.linked(ticket, relation, other)
    rig.later()

    connector.link(ticket, relation, other)
    connector.link(ticket, relation, other)

    assert connector.linked(ticket, relation, other)
    assert not connector.linked(other, relation, ticket), "a link has a direction"
    assert len(rig.effects()) == 1


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_link_changes_nothing_else_of_the_ticket(rig: Rig, connector: Connector, relation: str) -> None:
    before, other = one(rig, connector, type="incident"), one(rig, connector, type="problem")
    if relation not in connector.abilities.links:
        pytest.skip("it has no such link")
    rig.later()

    connector.link(before.ref.key, relation, other.ref.key)

    after = connector.fetch(before.ref.key)
    touched = {name for name in before.__struct_fields__ if getattr(before, name) != getattr(after, name)}
    assert touched <= {"version", "updated_at"}


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_link_that_is_there_already_is_never_taken_away_for_another(rig: Rig, connector: Connector, relation: str) -> None:
    ticket = one(rig, connector, type="incident").ref.key
    first, second = (one(rig, connector, type="problem").ref.key for _ in range(2))
    if relation not in connector.abilities.links:
        pytest.skip("it has no such link")
    connector.link(ticket, relation, first)
    rig.later()

    with suppress(Rejected):  # a system may have room for both
        connector.link(ticket, relation, second)

    assert connector.linked(ticket, relation, first)


@pytest.mark.parametrize("relation", RELATIONS)
def test_nothing_is_linked_to_what_is_not_there_nor_by_who_only_reads(rig: Rig, connector: Connector, relation: str) -> None:
    ticket, other = one(rig, connector, type="incident").ref.key, one(rig, connector, type="problem").ref.key
    gone = rig.load(a_sample(type="problem"))[0]
    rig.people("delete", gone)
    if relation not in connector.abilities.links:
        pytest.skip("it has no such link")

    with pytest.raises((NotFound, Rejected)):
        connector.link(ticket, relation, gone)
    with pytest.raises(WriteRefused):
        rig.connector(read_only=True).link(ticket, relation, other)

    assert rig.effects() == []
