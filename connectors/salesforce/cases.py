"""One case by itself, whatever its shape: what reading it means. Pure."""

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct, to_builtins

from connectors import door
from connectors.base import Custom
from connectors.mapping import Record, key_of, reader
from connectors.salesforce.reading import ABOUT_REQUESTER, remotes, table_for
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import Shape
from connectors.salesforce.together import Together
from rules.ticket import Ticket, TicketRef

Case: TypeAlias = Record | Struct
"""As it came: decoded to the shape that we asked for, or, where it has another, to whatever it has."""


class Cases:
    """Reads cases of one connection. A version is `STAMP~DIGEST~NEWEST`, opaque to everybody else.

    The stamp (whole seconds) is what Salesforce's own guard compares. The digest tells two changes within one second apart, which
    the stamp cannot. `NEWEST` is the newest comment, e-mail and post, which do not always touch their case.
    """

    def __init__(self, connection: str, settings: SalesforceSettings, custom: Sequence[Custom]) -> None:
        self.table = table_for(settings, custom)
        self._connection, self._url, self._read = connection, settings.url, reader(self.table)
        self._shape = Shape(remotes(settings, custom), [settings.group_field] if settings.group_field else [], feed=settings.reads_feed)
        self.decoded, self.version = self._shape.decoded, self._shape.version
        self.together = Together(connection, settings, self.table, self._shape)
        self._about_requester = [row.name for row in self.table if row.name.startswith(ABOUT_REQUESTER)]

    def ticket(self, case: Case) -> Ticket:
        """Raises `ValueError` naming the field, never its text."""
        try:
            return self._read_whole(to_builtins(case) if isinstance(case, Struct) else case)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not shaped like a case ({type(error).__name__}: {str(error)[:80]})") from None

    def _read_whole(self, record: Record) -> Ticket:
        reading, key = self._read(record), key_of(record["Id"])
        values = {"subject": "", "status": None, **reading.values, "unread": reading.unread, "version": self.version(record)}
        for name in self._about_requester:
            if name in values:
                values["requester"] = {**(values.get("requester") or {}), name.removeprefix(ABOUT_REQUESTER): values.pop(name)}
        values["ref"] = TicketRef(self._connection, key)
        values["url"] = f"{self._url}/lightning/r/Case/{key}/view"
        own = [name for name in values if name.startswith("custom.")]
        if own:
            values["custom"] = {name.removeprefix("custom."): values.pop(name) for name in own}
        return door.ticket(values)


def guarded(version: str) -> str:
    """The part of a version that a stale write is told by: a comment in between changes no field."""
    return version.rpartition("~")[0]


def heard(version: str) -> str:
    """The part of a version that says which comments and e-mails were there."""
    return version.rpartition("~")[2]
