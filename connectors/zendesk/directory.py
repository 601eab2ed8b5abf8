"""Who is who in a Zendesk account: group names and agents to ids, and back. Remembers what it was told."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from connectors.errors import Rejected
from connectors.mapping import Record
from connectors.zendesk.reading import Beside

MANY = 100  # ids that show_many takes at once


class Asks(Protocol):
    """The reading half of a session."""

    def get(self, what: str, path: str, **query: str | int) -> Any: ...


class Directory:
    """Looks names up when a write or a history needs them; an unknown name is looked up anew, so a new group is found."""

    def __init__(self, connection: str, session: Asks) -> None:
        self._connection, self._session = connection, session
        self._groups: dict[str, int] = {}
        self._agents: dict[str, Record] = {}

    def group_id(self, name: str) -> int:
        """Raises `Rejected` when the account has no such group."""
        wanted = name.casefold()
        if wanted not in self._groups:
            self._groups = {g["name"].casefold(): g["id"] for g in self._pages("look up the groups", "groups", "groups")}
        if wanted not in self._groups:
            raise Rejected(self._connection, f"there is no group called '{name}'; make it in Zendesk or correct its name in the rule")
        return self._groups[wanted]

    def agent(self, who: str) -> Record:
        """The agent with this e-mail address or full name. Raises `Rejected` for none, and for several of one name."""
        wanted = who.casefold()
        if wanted not in self._agents:
            found = self._search(who)
            same = [u for u in found if u.get("role") in ("agent", "admin") and u.get("active", True)]
            if len(same) != 1:
                many = "several agents are" if same else "there is no agent"
                raise Rejected(self._connection, f"{many} called '{who}'; name the assignee by an agent's e-mail address")
            self._agents[wanted] = same[0]
        return self._agents[wanted]

    def person_id(self, email: str) -> int | None:
        """Whoever has this e-mail address, on either side."""
        found = self._search(email)
        return found[0]["id"] if found else None

    def _search(self, who: str) -> list[Record]:
        """Zendesk finds parts of names and addresses; what is meant is the whole."""
        answer = self._session.get(f"look up '{who}'", "users/search", query=who)
        key = "email" if "@" in who else "name"
        return [u for u in answer.get("users") or () if (u.get(key) or "").casefold() == who.casefold()]

    def completed(self, beside: Beside, people: Iterable[int], groups: Iterable[int]) -> Beside:
        """`beside` with the people and groups that did not come along."""
        missing = sorted({n for n in people if n > 0} - beside.users.keys())
        for at in range(0, len(missing), MANY):
            ids = ",".join(map(str, missing[at : at + MANY]))
            beside.know(self._session.get("look up people", "users/show_many", ids=ids))
        if set(groups) - beside.groups.keys():
            beside.know({"groups": list(self._pages("look up the groups", "groups", "groups"))})
        return beside

    def _pages(self, what: str, path: str, name: str) -> Iterator[Record]:
        yield from (record for page in pages(self._session, what, path) for record in page.get(name) or ())


def pages(session: Asks, what: str, path: str, **query: str | int) -> Iterator[Record]:
    """All pages of a list, by cursor; ends where a page says that there is no more, or does not move on."""
    after = ""
    while True:
        page = session.get(what, path, **{"page[size]": 100}, **query, **({"page[after]": after} if after else {}))
        yield page
        meta = page.get("meta") or {}
        if not meta.get("has_more") or meta.get("after_cursor") in (None, after):
            return
        after = meta["after_cursor"]
