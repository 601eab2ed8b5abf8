"""The vendor's door: what does not fit is named by its field, and its text never repeated."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors import door
from rules.ticket import Level, Person, Status, Ticket, TicketRef

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
READ: dict[str, Any] = {
    "ref": TicketRef("desk", "1"),
    "subject": "Card declined",
    "status": "open",
    "created_at": NOW,
    "updated_at": "2026-03-02T09:30:00Z",
    "version": "1",
}


def test_words_become_ours_and_people_and_moments_pass() -> None:
    found = door.ticket({**READ, "priority": "high", "tags": ["a"], "requester": {"id": "7"}, "custom": {"due": NOW, "tier": "gold"}})

    assert found == Ticket(
        ref=TicketRef("desk", "1"),
        subject="Card declined",
        status=Status.OPEN,
        created_at=NOW,
        updated_at=NOW,
        version="1",
        priority=Level.HIGH,
        tags=frozenset({"a"}),
        requester=Person(id="7"),
        custom={"due": NOW, "tier": "gold"},
    )


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("subject", 17, "subject"),
        ("status", "hush", "status"),
        ("priority", {"hush": 1}, "priority"),
        ("tags", ["a", 3], "tags"),
        ("created_at", "hush", "created_at"),
        ("requester", {"id": 7}, "requester.id"),
        ("custom", {"tier": ["hush"]}, "custom.tier"),
    ],
)
def test_a_value_of_another_type_is_named_by_its_field_and_not_repeated(name: str, value: object, place: str) -> None:
    with pytest.raises(ValueError) as refused:
        door.ticket({**READ, name: value})

    assert str(refused.value).startswith(place)
    assert "hush" not in str(refused.value)


def test_a_field_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="created_at"):
        door.ticket({name: value for name, value in READ.items() if name != "created_at"})
