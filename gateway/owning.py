"""Who a person named in a rule, or of a partner's ticket, is in the system that is written to; and who gets the ticket where nobody is."""

from collections.abc import Mapping
from typing import TypeAlias

from connectors.base import Connector, ConnectorSettings
from rules.plan import Draft, FieldChange, Update
from rules.ticket import Value, replace
from rules.working import alike

Notes: TypeAlias = tuple[str, ...]


class Owners:
    """By the `people` and the `fallback_assignee` of each connection. Only reads; raises what reading raises."""

    def __init__(self, connectors: Mapping[str, Connector], settings: Mapping[str, ConnectorSettings]) -> None:
        self._connectors, self._settings = connectors, settings

    def of_update(self, update: Update) -> tuple[Update, Notes]:
        """The update as it is to be sent, and what `why` says of it; without the assignee where whoever gets the ticket has it already."""
        wanted = next((change for change in update.changes if change.field == "assignee"), None)
        if wanted is None:
            return update, ()
        value, notes = self._found(update.target.connection, wanted.after)
        if value == wanted.after:
            return update, ()
        others = tuple(change for change in update.changes if change is not wanted)
        return replace(update, changes=(*others, *_needed(wanted, value))), notes

    def of_draft(self, connection: str, draft: Draft) -> tuple[Draft, Notes]:
        """The same of a ticket that is made."""
        if "assignee" not in draft.fields:
            return draft, ()
        value, notes = self._found(connection, draft.fields["assignee"])
        return replace(draft, fields={**draft.fields, "assignee": value}), notes

    def _found(self, connection: str, wanted: Value) -> tuple[Value, Notes]:
        """Whom to write; a connection without a fallback refuses somebody who is not there by itself, and is asked nothing before."""
        settings = self._settings.get(connection)
        if settings is None or not isinstance(wanted, str):
            return wanted, ()
        there, fallback = settings.person(wanted), settings.fallback_assignee
        if fallback is None or self._knows(connection, there):
            return there, ()
        asked = f"'{wanted}'" if there == wanted else f"'{wanted}', who is '{there}' there"
        return fallback, (f"{connection} has no active user {asked}; its fallback_assignee '{fallback}' has the ticket",)

    def _knows(self, connection: str, name: str) -> bool:
        there = self._connectors[connection]
        return "user" not in there.abilities.knows or name in there.known("user", [name])


def _needed(wanted: FieldChange, value: Value) -> tuple[FieldChange, ...]:
    """Nothing where that is written already: to ask for it again at each look would never end."""
    return () if alike(wanted.field, wanted.before, value) else (replace(wanted, after=value),)
