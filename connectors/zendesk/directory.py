"""Who is who in a Zendesk account: group names and agents to ids, and back. Remembers what it was told."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from connectors.base import FALLBACK, Thing
from connectors.errors import ConnectorError, Rejected
from connectors.mapping import Record
from connectors.zendesk.reading import Beside

MANY = 100  # ids that show_many takes at once


Query: TypeAlias = Mapping[str, str | int]
Meaning: TypeAlias = Callable[[int], ConnectorError | None]
Decoded: TypeAlias = Callable[[bytes], Any]
NOTHING: Query = MappingProxyType({})


class Asks(Protocol):
    """The reading half of a session."""

    def get(self, what: str, path: str, query: Query = ..., meaning: Meaning | None = ..., read: Decoded = ...) -> dict[str, Any]: ...


class Directory:
    """Looks names up when a write or a history needs them; a name that is not known is asked for anew, so a new group is found."""

    def __init__(self, connection: str, session: Asks) -> None:
        self._connection, self._session = connection, session
        self._groups: dict[str, int] = {}
        self._agents: dict[str, int] = {}
        self.known = Beside({})

    def group_id(self, name: str) -> int:
        """Raises `Rejected` when the account has no such group."""
        wanted = name.casefold()
        if wanted not in self._groups:
            self.known.know({"groups": self._all_groups()})
            self._groups = {name.casefold(): number for number, name in self.known.groups.items()}
        if wanted not in self._groups:
            raise Rejected(self._connection, f"there is no group called '{name}'; make it in Zendesk or correct its name in the rule")
        return self._groups[wanted]

    def agent_id(self, who: str) -> int:
        """The agent with this e-mail address or full name. Raises `Rejected` for none, and for several of one name."""
        wanted = who.casefold()
        if wanted not in self._agents:
            same = [u for u in self._search(who) if u.get("role") in ("agent", "admin") and u.get("active", True)]
            if len(same) != 1:
                many = "several agents are" if same else "there is no agent"
                raise Rejected(self._connection, f"{many} called '{who}'; name the assignee by an agent's e-mail address, or {FALLBACK}")
            self.known.know({"users": same})
            self._agents[wanted] = same[0]["id"]
        return self._agents[wanted]

    def members(self, group: str) -> tuple[str, ...]:
        """The agents of a group who work here, each by e-mail address, else name; nobody for a group that is not there."""
        what = f"look up the members of {group}"
        try:
            path = f"groups/{self.group_id(group)}/memberships"
        except Rejected:
            return ()
        ids = [str(row["user_id"]) for page in pages(self._session, what, path) for row in page.get("group_memberships") or ()]
        some = (",".join(ids[at : at + MANY]) for at in range(0, len(ids), MANY))
        users = [u for part in some for u in self._session.get(what, "users/show_many", {"ids": part}).get("users") or ()]
        return tuple(u.get("email") or u["name"] for u in users if u.get("active", True) and not u.get("suspended"))

    def has(self, kind: Thing, name: str) -> bool:
        """Whether a write or a map would find it. A field is named by its number; a key of the ticket itself is always there."""
        if kind == "field":
            return not name.isdigit() or int(name) in self._fields
        try:
            self.group_id(name) if kind == "group" else self.agent_id(name)
        except Rejected:
            return False
        return True

    @cached_property
    def ticket_fields(self) -> tuple[Record, ...]:
        """Asked for once."""
        listed = pages(self._session, "look up the ticket fields", "ticket_fields")
        return tuple(f for page in listed for f in page.get("ticket_fields") or ())

    @cached_property
    def _fields(self) -> frozenset[int]:
        return frozenset(int(f["id"]) for f in self.ticket_fields if f.get("active", True))

    def person_id(self, email: str) -> int | None:
        """Whoever has this e-mail address, on either side."""
        found = self._search(email)
        return found[0]["id"] if found else None

    def complete(self, beside: Beside, people: Iterable[int], groups: Iterable[int]) -> None:
        """Adds to `beside` the people and groups that did not come along."""
        missing = sorted({n for n in people if n > 0} - beside.users.keys())
        for at in range(0, len(missing), MANY):
            ids = ",".join(map(str, missing[at : at + MANY]))
            beside.know(self._session.get("look up people", "users/show_many", {"ids": ids}))
        if set(groups) - beside.groups.keys():
            beside.know({"groups": self._all_groups()})

    def _search(self, who: str) -> list[Record]:
        """Zendesk finds parts of names and addresses; what is meant is the whole."""
        answer = self._session.get("look up a person", "users/search", {"query": who})
        key = "email" if "@" in who else "name"
        return [u for u in answer.get("users") or () if (u.get(key) or "").casefold() == who.casefold()]

    def _all_groups(self) -> list[Record]:
        return [g for page in pages(self._session, "look up the groups", "groups") for g in page.get("groups") or ()]


def pages(session: Asks, what: str, path: str, query: Query = NOTHING) -> Iterator[Record]:
    """All pages of a list, by cursor; ends where a page says that there is no more, or does not move on."""
    after = ""
    while True:
        page = session.get(what, path, {"page[size]": 100, **query, **({"page[after]": after} if after else {})})
        yield page
        meta = page.get("meta") or {}
        if not meta.get("has_more") or meta.get("after_cursor") in (None, after):
            return
        after = meta["after_cursor"]
