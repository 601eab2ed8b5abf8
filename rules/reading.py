"""Many fields of a ticket read at once: what lies in the ticket itself is fetched together, the rest one by one."""

from collections.abc import Callable, Iterable
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
        self._own = _together(["ref.connection" if name == "connection" else name for name in own])
        self._custom = tuple(name.removeprefix("custom.") for name in custom)
        self._person = _together([name.removeprefix(_PERSON) for name in person])
        self._nobody: tuple[Value, ...] = (None,) * len(person)
        self._rest = tuple(map(getter, rest))

    def __call__(self, look: "Look") -> tuple[Value, ...]:
        ticket = look.ticket
        found = self._own(ticket)
        if self._custom:
            found += tuple(map(ticket.custom.get, self._custom))
        if self._nobody:
            found += self._person(ticket.requester) if ticket.requester is not None else self._nobody
        if self._rest:
            found += tuple([get(look) for get in self._rest])
        return found


def _together(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if not names:
        return lambda thing: ()
    if len(names) == 1:
        get = attrgetter(names[0])
        return lambda thing: (get(thing),)
    return attrgetter(*names)
