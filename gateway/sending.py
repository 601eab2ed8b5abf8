"""One action as one call on a connector, and the question whether it took effect."""

from collections.abc import Mapping
from typing import assert_never

from connectors.base import Connector
from connectors.errors import NotFound, Rejected
from gateway.notify import Sends
from rules.plan import Action, AddComment, CreateTicket, Notify, Receipt, Update
from rules.ticket import Ticket, TicketRef
from rules.working import alike, value_of


class Unanswerable(Exception):
    """Nobody can say whether it took effect; the message tells a person where to look."""


class Sender:
    """Carries single actions to where they belong. Raises what the connectors raise."""

    def __init__(self, connectors: Mapping[str, Connector], notifier: Sends) -> None:
        self._connectors, self._notifier = connectors, notifier

    def send(self, what: Action) -> Receipt:
        """Does it, once; the receipt."""
        match what:
            case Update():
                return self._at(what.target.connection).update(what.target.key, what.fields, version=what.version, tags=what.tags)
            case AddComment():
                return self._at(what.target.connection).comment(what.target.key, what.body, public=what.public, mark=what.mark)
            case CreateTicket():
                return self._at(what.connection).create(what.draft, mark=what.mark)
            case Notify():
                self._notifier.send(what)
                return Receipt()
        assert_never(what)

    def found(self, what: Action) -> Receipt | None:
        """Its receipt if it took effect, None if it surely did not. Raises `Unanswerable` where neither can be known."""
        match what:
            case Update():
                return self._looked(what)
            case AddComment():
                at = self._at(what.target.connection)
                return at.applied_comment(what.target.key, what.body, public=what.public, mark=what.mark)
            case CreateTicket():
                return self._at(what.connection).applied_create(what.mark)
            case Notify():
                raise Unanswerable(f"it may have reached '{what.asked_for}'; look there, then send it again or let it go")
        assert_never(what)

    def shown(self, ref: TicketRef) -> Ticket:
        """The ticket as it is now."""
        return self._at(ref.connection).fetch(ref.key)

    def _looked(self, what: Update) -> Receipt | None:
        """An update is settled by looking: the fields are there, or they are not."""
        try:
            there = self._at(what.target.connection).fetch(what.target.key)
        except NotFound:
            return None
        return Receipt() if stands(what, there) else None

    def _at(self, connection: str) -> Connector:
        if connection not in self._connectors:
            raise Rejected(connection, "there is no such connection any more; the rules name one that ticketgate.yaml does not have")
        return self._connectors[connection]


def stands(update: Update, ticket: Ticket) -> bool:
    """Whether the ticket is as the update wanted it."""
    tags = update.tags
    there = tags.add <= ticket.tags and not (tags.remove & ticket.tags)
    return there and all(alike(name, value_of(ticket, name), value) for name, value in update.fields.items())
