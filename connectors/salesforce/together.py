"""A page of decoded cases read at once, as `cases.py` reads each by itself. Pure."""

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

from connectors.columns import MALFORMED, Columns, Decoded, Unusual
from connectors.mapping import Kept, Table
from connectors.salesforce.reading import ABOUT_REQUESTER, QUEUE, USER
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import Shape
from rules.ticket import Person, Ticket, TicketRef

ABOUT = ("Contact", "Account", "ContactId", "SuppliedName", "SuppliedEmail", "SuppliedCompany")


class Together:
    """Reads many decoded cases; `Unusual` where one of them must be read by itself.

    The same few own most cases: who an owner is is worked out once.
    """

    def __init__(self, connection: str, settings: SalesforceSettings, table: Table, shape: Shape) -> None:
        self._connection, self._url, self._shape = connection, settings.url, shape
        apart = [row.name for row in table if callable(row.reads)]
        self._able = {*apart} == {"requester", "group", "assignee"} and not any(row.name.startswith(ABOUT_REQUESTER) for row in table)
        self._columns = Columns(table, apart)
        self._nobody, self._group_field = frozenset(settings.nobody), settings.group_field
        self._owners = Kept(self._owner)

    def __call__(self, cases: Sequence[Any]) -> list[Ticket]:
        if not self._able or not all(map(self._shape.is_it, cases)):
            raise Unusual
        if not cases:
            return []
        decoded = Decoded(cases)
        if "" in decoded.fields["Id"]:
            raise Unusual
        try:
            apart = self._apart(decoded)
        except MALFORMED:
            raise Unusual from None
        return self._columns.tickets(decoded, apart, [{} for _ in cases])

    def _apart(self, decoded: Decoded) -> Mapping[str, Sequence[Any]]:
        """What no row of the table tells by itself."""
        fields, keys = decoded.fields, decoded.fields["Id"]
        kept = fields[self._group_field] if self._group_field else repeat(None, len(keys))
        owners = list(map(self._owners.__getitem__, zip(fields["OwnerId"], fields["Owner"], kept, strict=True)))
        return {
            "ref": [TicketRef(self._connection, key) for key in keys],
            "version": self._shape.versions(decoded),
            "url": [f"{self._url}/lightning/r/Case/{key}/view" for key in keys],
            "requester": list(map(_requester, *(fields[name] for name in ABOUT))),
            "group": [group for group, _ in owners],
            "assignee": [assignee for _, assignee in owners],
        }

    def _owner(self, said: tuple[Any, Any, Any]) -> tuple[str | None, Person | None]:
        """The group and the assignee, as `reading._owned` tells them; `kept` is the group that stands beside the owner."""
        id, owner, kept = said[0] or "", said[1], said[2]
        name = owner.Name if owner else None
        if id.startswith(QUEUE):
            return (None if name in self._nobody else name or None), None
        if not id.startswith(USER) or name in self._nobody:
            return kept or None, None
        return kept or None, Person(id=id, name=name, email=owner.Email if owner else None)


def _requester(contact: Any, account: Any, id: Any, name: Any, email: Any, company: Any) -> Person | None:
    """`reading._requester` of a decoded case, of which these are the fields of `ABOUT`."""
    if contact is not None:
        name, email = contact.Name or name, contact.Email or email
    if not (name or email):
        return None
    return Person(id=id, name=name or None, email=email or None, organization=(account and account.Name) or company or None)
