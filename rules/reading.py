"""Many fields of a ticket read at once, and of a page of tickets field by field: what lies in the ticket itself, and the rest."""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from rules.fields import FIELDS, getter
from rules.ticket import Ticket, Value

if TYPE_CHECKING:
    from rules.look import Look

_PERSON = "requester."
_OWN = frozenset(name for name in FIELDS if "." not in name) & frozenset(Ticket.__annotations__) - {"ref", "assignee"}


class Reader:
    """`names` in the order in which calling it gives their values: as they stand in the ticket, empty or not."""

    def __init__(self, names: Iterable[str]) -> None:
        names = list(names)
        own = [name for name in names if name in _OWN or name == "connection"]
        custom = [name for name in names if name.startswith("custom.")]
        person = [name for name in names if name.startswith(_PERSON)]
        rest = [name for name in names if name not in {*own, *custom, *person}]
        self.names: tuple[str, ...] = (*own, *custom, *person, *rest)
        self._own = ["ref.connection" if name == "connection" else name for name in own]
        self._custom = tuple(name.removeprefix("custom.") for name in custom)
        self._person = [name.removeprefix(_PERSON) for name in person]
        self._nobody: tuple[Value, ...] = (None,) * len(person)
        self._rest = tuple(map(getter, rest))
        self._of_ticket, self._of_person = _together(self._own), _together(self._person)

    def __call__(self, look: "Look") -> tuple[Value, ...]:
        ticket = look.ticket
        found = self._of_ticket(ticket)
        if self._custom:
            found += tuple(map(ticket.custom.get, self._custom))
        if self._nobody:
            found += self._of_person(ticket.requester) if ticket.requester is not None else self._nobody
        if self._rest:
            found += tuple([get(look) for get in self._rest])
        return found

    def columns(self, look: "Look", tickets: Sequence[Ticket]) -> list[list[Value]]:
        """For each name the values of all tickets: far quicker than ticket by ticket."""
        found: list[list[Value]] = [list(map(attrgetter(name), tickets)) for name in self._own]
        if self._custom:
            customs = [ticket.custom for ticket in tickets]
            found += [[custom.get(name) for custom in customs] for name in self._custom]
        if self._person:
            people = [ticket.requester for ticket in tickets]
            found += [[getattr(person, name, None) for person in people] for name in self._person]
        return found + [[get(look.shows(ticket)) for ticket in tickets] for get in self._rest]


def _together(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if not names:
        return lambda thing: ()
    if len(names) == 1:
        get = attrgetter(names[0])
        return lambda thing: (get(thing),)
    return attrgetter(*names)
