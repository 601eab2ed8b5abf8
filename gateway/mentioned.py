"""Whom the mentions of a copied note mean in the system that it goes to. Nobody is called who is not surely meant."""

from collections.abc import Mapping
from typing import TypeAlias

import structlog

from connectors.base import Connector, ConnectorSettings
from connectors.errors import ConnectorError
from rules.plan import AddComment
from rules.ticket import Mention, TicketRef

Ids: TypeAlias = Mapping[str, str]
"""By the id with which the source mentions somebody, the one with which the target does."""


class Mentioned:
    """In the system that a note comes from people are known by id, in any other by their e-mail address and its `people`.

    Only reads, never fails: of whom it cannot say who they are the name alone goes along. Each connector remembers whom it found.
    """

    def __init__(self, connectors: Mapping[str, Connector], settings: Mapping[str, ConnectorSettings]) -> None:
        self._connectors, self._settings = connectors, settings

    def of(self, note: AddComment) -> tuple[Ids, tuple[str, ...]]:
        """Those who can be mentioned, and what `why` says of the others. Nobody in a reply, and in what is no copy."""
        source, target = _source(note), note.target.connection
        if note.public or not note.mentions or source is None or not self._connectors[target].abilities.mentions:
            return {}, ()
        named = {one.id: one for one in note.mentions}
        found = {id: there for id in named if (there := self._there(source, target, id)) is not None}
        return found, tuple(_unknown(one, target) for id, one in named.items() if id not in found)

    def _there(self, source: str, target: str, id: str) -> str | None:
        if self._same(source, target):
            return id
        try:
            return self._found(source, target, id)
        except ConnectorError as error:
            structlog.get_logger().warning("mention not looked up", connection=error.connection, reason=str(error))
            return None

    def _found(self, source: str, target: str, id: str) -> str | None:
        here = self._connectors.get(source)
        person = here.person(id) if here is not None else None
        if person is None or not person.email:
            return None
        settings = self._settings.get(target)
        return self._connectors[target].mentionable(settings.person(person.email) if settings is not None else person.email)

    def _same(self, one: str, other: str) -> bool:
        """Whether two connections lead to one site, where an id means the same person."""
        here, there = self._settings.get(one), self._settings.get(other)
        if one == other:
            return True
        return here is not None and there is not None and type(here) is type(there) and (here.url, here.via) == (there.url, there.via)


def _source(note: AddComment) -> str | None:
    """The connection whose comment it copies."""
    return TicketRef.parse(note.mirrors.rpartition("#")[0]).connection if note.mirrors is not None else None


def _unknown(mention: Mention, target: str) -> str:
    return f"{mention.text} is a name only: who that is in {target} cannot be told, by e-mail address or its people:"
