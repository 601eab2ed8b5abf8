"""One action as one call on a connector, and the question whether it took effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, assert_never

from connectors.base import Connector, ConnectorSettings
from connectors.errors import NotFound, Rejected
from connectors.text import document, markdown, mentions, pictures, plain
from gateway.mentioned import Ids, Mentioned
from gateway.notify import Sends
from gateway.owning import Notes, Owners
from rules.plan import Action, AddComment, Ask, Attach, Call, CreateTicket, Draft, JoinTicket, Notify, Page, Receipt, Update, Webhook
from rules.ticket import Mention, Ticket, TicketRef, replace
from rules.working import alike, value_of

NONE: Mapping[str, ConnectorSettings] = MappingProxyType({})
NOBODY: Ids = MappingProxyType({})


class Posts(Protocol):
    """What the ledger wants of whoever sends requests to endpoints."""

    def post(self, what: Webhook) -> Receipt: ...

    def repeats(self, name: str) -> bool: ...


class Carries(Protocol):
    """What carries a file from one system to another, once."""

    def carry(self, what: Attach) -> Receipt: ...

    def found(self, what: Attach) -> Receipt | None: ...


class Unanswerable(Exception):
    """Nobody can say whether it took effect; the message tells a person where to look."""


@dataclass(frozen=True, slots=True)
class _Note:
    on: TicketRef
    body: str
    mark: str


class Sender:
    """Carries single actions to where they belong. Raises what the connectors raise."""

    def __init__(
        self,
        connectors: Mapping[str, Connector],
        notifier: Sends,
        poster: Posts,
        settings: Mapping[str, ConnectorSettings] = NONE,
        carrier: Carries | None = None,
    ) -> None:
        self._connectors, self._notifier, self._poster, self._carrier = connectors, notifier, poster, carrier
        self._owners, self._mentioned = Owners(connectors, settings), Mentioned(connectors, settings)

    def send(self, what: Action) -> Receipt:
        """Does it, once; the receipt."""
        match what:
            case Update():
                return self._updated(what)
            case AddComment():
                return self._commented(what)
            case Attach():
                return self._carries(what).carry(what)
            case CreateTicket():
                draft, notes = self._owners.of_draft(what.connection, _drafted(what))
                return _with(self._at(what.connection).create(draft, mark=what.mark), notes)
            case JoinTicket():
                return self._joined(what)
            case Notify() | Page() | Call() | Ask() | Webhook():
                return self._told(what)
        assert_never(what)

    def _updated(self, asked: Update) -> Receipt:
        """Nothing leaves where all that is left to write is there."""
        at = self._at(asked.target.connection)
        what, notes = self._owners.of_update(asked)
        if not what.changes:
            return Receipt(version=what.version, echo={c.field: c.before for c in asked.changes}, notes=notes)
        return _with(at.update(what.target.key, what.fields, version=what.version, tags=what.tags), notes)

    def _commented(self, what: AddComment) -> Receipt:
        """Whoever is mentioned is looked up only now, and only for a note."""
        there = self._at(what.target.connection)
        called, notes = self._mentioned.of(what)
        who = {"called": frozenset(called.values())} if called else {}
        return _with(there.comment(what.target.key, _said(what, called), public=what.public, mark=what.mark, **who), notes)

    def _told(self, what: Notify | Page | Call | Ask | Webhook) -> Receipt:
        """To people and programs. Of a page and a question nothing leaves: the ledger opens them when it calls them done."""
        match what:
            case Notify():
                self._notifier.send(what)
            case Call():
                self._notifier.call(what)
            case Webhook():
                return self._poster.post(what)
        return Receipt()

    def found(self, what: Action) -> Receipt | None:
        """Its receipt if it took effect, None if it surely did not. Raises `Unanswerable` where neither can be known."""
        match what:
            case Update():
                return self._looked(what)
            case AddComment():
                at = self._at(what.target.connection)
                return at.applied_comment(what.target.key, _said(what), public=what.public, mark=what.mark)
            case Attach():
                return self._carries(what).found(what)
            case CreateTicket():
                return self._at(what.connection).applied_create(what.mark)
            case JoinTicket():
                return Receipt() if self._is_joined(what) else None
            case Notify() | Page() | Call() | Ask() | Webhook():
                self._untold(what)
                return None
        assert_never(what)

    def _untold(self, what: Notify | Page | Call | Ask | Webhook) -> None:
        """Raises `Unanswerable` where it may have reached somebody; a receiver that knows a repetition may be told again."""
        match what:
            case Notify():
                raise Unanswerable(f"it may have reached '{what.asked_for}'; look there, then send it again or let it go")
            case Call():
                raise Unanswerable(f"'{what.to}' may have been called; the next in the chain is called when their time is over")
            case Webhook() if not self._poster.repeats(what.to):
                raise Unanswerable(f"it may have reached endpoint '{what.to}', which is not told twice (on_doubt: park); look there")

    def shown(self, ref: TicketRef) -> Ticket:
        """The ticket as it is now."""
        return self._at(ref.connection).fetch(ref.key)

    def _joined(self, join: JoinTicket) -> Receipt:
        """A note on either side that names the other, for no system's own links reach beyond it. Each is written once.

        One that is `native` is that link, and has no notes.
        """
        if join.native:
            return self._at(join.ticket.connection).link(join.ticket.key, join.relation, _other(join).key)
        for note in self._notes(join):
            if not self._noted(note):
                self._at(note.on.connection).comment(note.on.key, note.body, public=False, mark=note.mark)
        return Receipt()

    def _is_joined(self, join: JoinTicket) -> bool:
        if join.native:
            return self._at(join.ticket.connection).linked(join.ticket.key, join.relation, _other(join).key)
        return all(self._noted(note) for note in self._notes(join))

    def _noted(self, note: "_Note") -> bool:
        return self._at(note.on.connection).applied_comment(note.on.key, note.body, public=False, mark=note.mark) is not None

    def _notes(self, join: JoinTicket) -> list["_Note"]:
        """Those that can be written; where a system knows no notes, what the store remembers must do."""
        to = _other(join)
        here, there = join.marks
        said = {"problem": "Its problem is", "duplicate": "It is a duplicate of", "parent": "Its parent is"}[join.relation]
        asked = {"problem": "This is the problem of", "duplicate": "A duplicate of this is", "parent": "This is the parent of"}[
            join.relation
        ]
        notes = (_Note(join.ticket, f"{said} {to}.", here), _Note(to, f"{asked} {join.ticket}.", there))
        return [note for note in notes if self._at(note.on.connection).abilities.notes]

    def _carries(self, what: Attach) -> Carries:
        for ref in (what.source, what.target):
            self._at(ref.connection)
        if self._carrier is None:
            raise Rejected(what.target.connection, "files are carried only by a process that has a store")
        return self._carrier

    def _looked(self, what: Update) -> Receipt | None:
        """An update is settled by looking: the fields are there, or they are not."""
        try:
            there = self._at(what.target.connection).fetch(what.target.key)
        except NotFound:
            return None
        sent, notes = self._owners.of_update(what)
        echo = {} if sent is what else {"assignee": value_of(there, "assignee")}
        return Receipt(echo=echo, notes=notes) if stands(sent, there) else None

    def _at(self, connection: str) -> Connector:
        if connection not in self._connectors:
            raise Rejected(connection, "there is no such connection any more; the rules name one that ticketgate.yaml does not have")
        return self._connectors[connection]


def _other(join: JoinTicket) -> TicketRef:
    """What it is joined to. Raises `Rejected` where that was never made."""
    if join.to is None:
        raise Rejected(join.ticket.connection, "it is not known what to join it to")
    return join.to


def _with(receipt: Receipt, notes: Notes) -> Receipt:
    return replace(receipt, notes=(*receipt.notes, *notes)) if notes else receipt


def _said(what: AddComment, called: Ids = NOBODY) -> str:
    """As Markdown. A copy of somebody's comment is plain text: its stars and brackets arrive as they were written, its pictures by name,
    and of those whom it mentions `called` by their ids there, the others by name."""
    return what.body if what.mirrors is None else _copied(what.body, [one for one in what.mentions if one.id in called], called)


def _drafted(what: CreateTicket) -> Draft:
    """A partner's text is that of the ticket it is made for, and as plain as a copied comment; what `link` makes is written by its rule."""
    body = what.draft.fields.get("body")
    if what.relation is not None or not isinstance(body, str):
        return what.draft
    return replace(what.draft, fields={**what.draft.fields, "body": _copied(body)})


def _copied(text: str, calling: Sequence[Mention] = (), called: Ids = NOBODY) -> str:
    held = mentions.holding(text, calling) if calling else text
    found = {n: document.Mention(called[one.id], one.text.removeprefix("@")) for n, one in enumerate(calling)}
    return markdown.write(mentions.freed(plain.read(pictures.by_name(held)), found))


def stands(update: Update, ticket: Ticket) -> bool:
    """Whether the ticket is as the update wanted it."""
    tags = update.tags
    there = tags.add <= ticket.tags and not (tags.remove & ticket.tags)
    return there and all(alike(name, value_of(ticket, name), value) for name, value in update.fields.items())
