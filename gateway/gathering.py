"""All that a rule may look at, put together: what the store knows, what is new at the vendor, and the partners as they are now."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import structlog

from connectors.base import Connector, NativeSla
from connectors.errors import ConnectorError, NotFound, Rejected
from gateway.answering import Answerer
from gateway.clock import Clock
from gateway.clock import now as wall_now
from gateway.overlay import overlaid
from gateway.retrying import Patience, not_while_it_rests
from gateway.rulebook import Rulebook
from gateway.store import (
    actions,
    aliases,
    approvals,
    connections,
    joins,
    links,
    lives,
    pages,
    passes,
    pausing,
    restrictions,
    tickets,
    unrecorded,
)
from gateway.store.actions import Row
from gateway.store.links import Pair
from gateway.store.opening import Store
from gateway.store.tickets import Past, Seen, change_id
from gateway.untold import ECHO, origin, untold
from rules.engine import Needs
from rules.events import events
from rules.observation import Event, Kind, Link, MergedIn, Observation, Origin
from rules.plan import AddComment, Update, file_name
from rules.ticket import Attachment, Change, Comment, Ticket, TicketRef, Value, replace
from rules.verbs_asking import paging_key
from rules.working import alike

OVERLAP = timedelta(minutes=10)
"""Comments may be stamped before they are shown: so far back they are asked for again, and known by their ids."""
H = TypeVar("H", Comment, Change)
BEGINNING = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
TOLD = ("elsewhere", "done", "limits", "paused", "redact", "paging", "looked_at", "merged_in", "origins")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """An observation, and what to remember of the looking once the look is recorded."""

    observation: Observation
    comments: tuple[Comment, ...] = ()
    changes: tuple[Change, ...] = ()
    echoed: tuple[str, ...] = ()
    heard: bool = False
    missing: tuple[tuple[TicketRef, str], ...] = ()  # partners that are no more, and what was said of them
    slas: tuple[NativeSla, ...] | None = None  # what the system itself says of its SLAs, where it was asked and answered


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the store has about a ticket, read in one view."""

    seen: Seen | None
    past: Past
    pairs: tuple[Pair, ...]
    done: frozenset[str]
    made: Mapping[str, AddComment]
    elsewhere: frozenset[str]
    updates: tuple[Row, ...]
    connected_at: datetime
    limits: Mapping[str, tuple[datetime, ...]]
    paused: frozenset[str]
    redact: frozenset[str]
    is_other: bool  # others are joined to it: one that was never seen was made for them
    paging: frozenset[str]
    answers: tuple[Event, ...]
    merged_in: tuple[MergedIn, ...]
    origins: tuple[Origin, ...]

    def before(self, now: Ticket) -> Ticket | None:
        """The ticket as we left it; None at first sight. One that we made ourselves stood as we drafted it."""
        if self.seen is not None and self.seen.ticket is not None:
            return self.seen.ticket
        mine = next((pair for pair in self.pairs if pair.made == now.ref), None)
        if mine is None:
            return now if self.is_other else None
        return overlaid(now, mine.agreed)

    @property
    def looked_at(self) -> datetime | None:
        return self.seen.seen_at if self.seen is not None and self.seen.looked else None

    @property
    def told(self) -> dict[str, Any]:
        """What an observation takes over as it is."""
        return {name: getattr(self, name) for name in TOLD}

    @property
    def heard(self) -> bool:
        """Whether its comments and history are known up to when it was last seen."""
        return self.seen is not None and self.seen.heard

    def since(self) -> tuple[datetime, datetime]:
        """From which moments on an unknown comment, and an unknown change, is news."""
        if self.seen is None or self.seen.ticket is None:
            return BEGINNING, BEGINNING
        last = self.seen.ticket.updated_at
        return (last - OVERLAP, last - OVERLAP) if self.seen.heard else (last, last)


class Gatherer:
    """Asks the store and the connectors; writes nothing anywhere."""

    def __init__(self, store: Store, connectors: Mapping[str, Connector], clock: Clock, patience: Patience, wall: Clock = wall_now) -> None:
        """`clock` is what rules see; pauses of a connection are the wall's time."""
        self._store, self._connectors, self._clock, self._patience, self._wall = store, connectors, clock, patience, wall
        self._answerer = Answerer(store, connectors, wall)

    def gathered(self, ticket: Ticket, book: Rulebook) -> Gathered:
        """Raises what reading from the connectors raises."""
        now = self._clock()
        known = self._known(ticket, book, now)
        adopted = known.before(ticket) is None and ticket.created_at < known.connected_at
        wanted = book.asks(ticket, adopted=adopted)
        asks = self._able(ticket, wanted, paging=bool(known.paging))
        comments, (changes, echoed), files = self._news(ticket, known, asks)
        happened = self._events(ticket, known, comments, changes, files)
        if not asks.history:
            changes = _changes_among(happened)
        partners, missing = self._partners(ticket, known, asks)
        observation = self._with_facts(
            book,
            ticket=ticket,
            now=now,
            events=happened,
            changes=self._whole_past(ticket.ref, (*known.past.changes, *changes), clocked=wanted.history),
            comments=_by_time((*known.past.comments, *comments)),
            links=partners,
            attachments=files,
            adopted=adopted,
            **known.told,
        )
        heard = known.heard or asks.comments or asks.history
        slas = self._native(ticket.ref) if asks.history and book.bundle.policies else None
        return Gathered(observation=observation, comments=comments, changes=changes, echoed=echoed, heard=heard, missing=missing, slas=slas)

    def _news(
        self, ticket: Ticket, known: _Known, asks: Needs
    ) -> tuple[tuple[Comment, ...], tuple[tuple[Change, ...], tuple[str, ...]], tuple[Attachment, ...]]:
        """Of its comments and its history what is not known yet, and its files."""
        comments = self._comments(ticket, known) if asks.comments else ()
        history = self._history(ticket, known) if asks.history else ((), ())
        return comments, history, self._own_files(ticket, known, asks)

    def _native(self, ref: TicketRef) -> tuple[NativeSla, ...] | None:
        """None where the system has no such clocks or does not answer: nothing waits for what it says of them."""
        there = self._connectors[ref.connection]
        if not there.abilities.slas:
            return None
        try:
            return there.native_slas(ref.key)
        except ConnectorError:
            return None

    def of_pass(self, observation: Observation, book: Rulebook) -> Gathered:
        """What is to be remembered of a look that an earlier process made. Rows of our own writes are found, and marked, again."""
        with self._store.reading() as db:
            seen = tickets.seen(db, observation.ref)
        asks = self._able(observation.ticket, book.asks(observation.ticket, adopted=observation.adopted))
        theirs = tuple(change for change in observation.changes if not change.ours)
        heard = asks.comments or asks.history or (seen is not None and seen.heard)
        return Gathered(observation=observation, comments=observation.comments, changes=theirs, heard=heard)

    def as_created(self, ticket: Ticket, book: Rulebook, *, only: str | None = None) -> Observation:
        """The ticket judged as if it had just come: what `plan` and `backfill` ask (language page, section 9.9).

        Its partners are read when it has any; comments and history only for them, or for a rule that is asked by name.
        """
        now = self._clock()
        known = self._known(ticket, book, now)
        asks = self._able(ticket, book.asks(ticket, adopted=False))
        told = only is not None or bool(known.pairs)
        comments = self._comments(ticket, replace(known, seen=None)) if told and asks.comments else ()
        changes, _ = self._history(ticket, known) if told and asks.history else ((), ())
        return self._asked(
            book,
            only,
            ticket,
            now,
            by_hand=only is not None,
            comments=_by_time((*known.past.comments, *comments)),
            changes=_by_time((*known.past.changes, *changes)),
            links=self._partners(ticket, known, asks)[0],
            attachments=self._own_files(ticket, known, asks),
            **known.told,
        )

    def remembered(self, ref: TicketRef, book: Rulebook) -> Gathered | None:
        """The ticket as it was last seen, without news, by what the store knows alone; None for one that was never looked at.

        `heard`: all that the rules want to know of its past is there.
        """
        with self._store.reading() as db:
            seen = tickets.seen(db, ref)
        if seen is None or seen.ticket is None:
            return None
        now, known = self._clock(), self._known(seen.ticket, book, self._clock())
        wants = book.asks(seen.ticket, adopted=seen.adopted)
        observation = Observation(
            ticket=seen.ticket,
            now=now,
            changes=self._whole_past(ref, known.past.changes, clocked=wants.history),
            comments=_by_time(known.past.comments),
            **known.told,
        )
        return Gathered(observation=observation, heard=known.heard or not (wants.comments or wants.history))

    def _with_facts(self, book: Rulebook, **known: Any) -> Observation:
        """The observation, with what the rules that may answer it want to know of other tickets."""
        observation = Observation(**known)
        return replace(observation, facts=self._answerer.facts(book.engine.questions(observation), observation, book))

    def _asked(self, book: Rulebook, only: str | None, ticket: Ticket, now: datetime, **known: Any) -> Observation:
        observation = just_come(ticket, now, **known)
        asked = book.engine.questions(observation, only=only)
        return replace(observation, facts=self._answerer.facts(asked, observation, book))

    def _events(
        self,
        ticket: Ticket,
        known: _Known,
        comments: tuple[Comment, ...],
        changes: tuple[Change, ...],
        files: tuple[Attachment, ...] = (),
    ) -> tuple[Event, ...]:
        """What is news of what was not known: of a ticket whose comments were never read, only what came after we last saw it."""
        spoken, changed = known.since()
        found = events(
            known.before(ticket),
            ticket,
            [c for c in comments if c.at > spoken],
            [c for c in changes if c.at > changed],
            connected_at=known.connected_at,
        )
        more = (*known.answers, *(_of_files(ticket.ref, files, known, spoken) if known.before(ticket) is not None else ()))
        return tuple(sorted((*found, *more), key=lambda event: event.at)) if more else found

    def _able(self, ticket: Ticket, asks: Needs, *, paging: bool = False) -> Needs:
        """What the rules want, as far as the system can tell it. `paging`: an agent's reply would end a page."""
        can = self._connectors[ticket.ref.connection].abilities
        return replace(asks, comments=(asks.comments or paging) and can.comments, history=asks.history and can.history)

    def _known(self, ticket: Ticket, book: Rulebook, now: datetime) -> _Known:
        ref = ticket.ref
        with self._store.reading() as db:
            pairs = links.of_ticket(db, ref)
            return _Known(
                seen=tickets.seen(db, ref),
                past=tickets.past(db, ref),
                pairs=pairs,
                done=actions.keys_done(db, ref.connection, [ref.key]).get(ref.key, frozenset()) | passes.stages(db, ref),
                made=actions.comments_made(db, ref),
                elsewhere=links.elsewhere(db, ref, pairs),
                updates=tuple(actions.not_echoed(db, ref, now - ECHO)),
                connected_at=connections.standing(db, ref.connection).connected_at or NEVER,
                limits=passes.uses(db, book.limits(ticket), now),
                paused=pausing.names(db),
                redact=restrictions.kinds_of(db, [ref, *(pair.partner_of(ref) for pair in pairs)]),
                is_other=joins.is_other(db, ref),
                paging=frozenset(paging_key(one.rule, one.to) for one in pages.open_about(db, ref)),
                answers=approvals.events(db, ref),
                merged_in=aliases.merged_in(db, ref),
                origins=tuple(map(origin, lives.origins(db, ticket))),
            )

    def _comments(self, ticket: Ticket, known: _Known) -> tuple[Comment, ...]:
        """Those that the store does not have yet; ours are known by their receipts where no mark says so.

        All of them where none is known: the rules may have asked for the history alone until now.
        """
        last = known.seen.ticket if known.seen and known.heard and known.past.comments else None
        since = last.updated_at - OVERLAP if last else None
        there = self._connectors[ticket.ref.connection]
        said = self._patience(lambda: there.comments(ticket.ref.key, since))
        ids = {c.id for c in known.past.comments}
        return _our_comments((c for c in said if c.id not in ids), known.made)

    def _history(self, ticket: Ticket, known: _Known) -> tuple[tuple[Change, ...], tuple[str, ...]]:
        """Changes that the store does not have yet, with ours marked, and the keys of our writes that were among them."""
        there = self._connectors[ticket.ref.connection]
        rows = self._patience(lambda: there.history(ticket.ref.key))
        ids = {change_id(c) for c in known.past.changes}
        return with_ours([c for c in rows if change_id(c) not in ids], known.updates)

    def _whole_past(self, ref: TicketRef, told: tuple[Change, ...], *, clocked: bool) -> tuple[Change, ...]:
        """All changes by time; for clocks with those of ours that no history tells, or not yet."""
        if not clocked:
            return _by_time(told)
        with self._store.reading() as db:
            return _by_time((*told, *untold(unrecorded.updates(db, ref), told)))

    def _own_files(self, ticket: Ticket, known: _Known, asks: Needs) -> tuple[Attachment, ...]:
        """Of a ticket that has a partner; of others nobody wants to know."""
        return self._files(ticket.ref) if asks.attachments and known.pairs else ()

    def _files(self, ref: TicketRef) -> tuple[Attachment, ...]:
        """Those of a ticket, ours known by their receipts. A system that lets us see none has none: the rest of the ticket goes on."""
        there = self._connectors[ref.connection]
        if not there.abilities.attachments:
            return ()
        try:
            found = self._patience(lambda: there.attachments(ref.key))
        except (Rejected, NotFound) as error:
            structlog.get_logger().warning("files not seen", ref=str(ref), reason=str(error))
            return ()
        with self._store.reading() as db:
            made = actions.files_made(db, ref)
        return tuple(replace(file, ours=True, copies=made[file.id].origin) if file.id in made else file for file in found)

    def _partners(self, ticket: Ticket, known: _Known, asks: Needs) -> tuple[tuple[Link, ...], tuple[tuple[TicketRef, str], ...]]:
        """The pairs as rules see them, and the partners that are no more. A connection taken out or stopped is left out."""
        found, missing = [], []
        for pair in known.pairs if asks.links else ():
            ref = pair.partner_of(ticket.ref)
            try:
                link = self._link(pair, ref, files=asks.attachments)
            except NotFound as error:
                missing.append((ref, str(error)))
            else:
                found += [link] if link is not None else []
        return tuple(found), tuple(missing)

    def _link(self, pair: Pair, ref: TicketRef, *, files: bool) -> Link | None:
        with self._store.reading() as db:
            standing, made = connections.standing(db, ref.connection), actions.comments_made(db, ref)
        there = self._connectors.get(ref.connection)
        if there is None or standing.state == "stopped":
            return None
        not_while_it_rests(standing, self._wall())
        partner = self._patience(lambda: there.fetch(ref.key))
        said = self._patience(lambda: there.comments(ref.key)) if there.abilities.comments else ()
        found = self._files(ref) if files else ()
        return Link(partner=partner, agreed=pair.agreed, comments=_our_comments(said, made), mirrored=pair.mirrored, attachments=found)


def _of_files(ref: TicketRef, files: Iterable[Attachment], known: _Known, since: datetime) -> Iterator[Event]:
    """A file that somebody attached is an update of the ticket, of which no field of ours tells."""
    settled = frozenset(name for pair in known.pairs for name in pair.mirrored)
    for file in files:
        if not file.ours and file.at > since and file_name(ref, file.id) not in settled:
            yield Event(kind=Kind.UPDATED, at=file.at)


def _changes_among(happened: Iterable[Event]) -> tuple[Change, ...]:
    return tuple(e.change for e in happened if e.kind is Kind.CHANGED and e.change is not None)


def _by_time(happened: Iterable[H]) -> tuple[H, ...]:
    return tuple(sorted(happened, key=lambda one: one.at))


def _our_comments(said: Iterable[Comment], made: Mapping[str, AddComment]) -> tuple[Comment, ...]:
    return tuple(replace(c, ours=True, speaks_for=made[c.id].speaks_for, copies=made[c.id].mirrors) if c.id in made else c for c in said)


def with_ours(changes: Iterable[Change], updates: Iterable[Row]) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """The changes with those that we wrote marked, each write matched once, and the keys of the writes that were found."""
    wrote = [(row.key, name, value) for row in updates for name, value in _written(row).items()]
    marked, found = [], []
    for change in changes:
        mine = None if change.ours else next((w for w in wrote if w[1] == change.field and alike(w[1], w[2], change.after)), None)
        if mine is not None:
            wrote.remove(mine)
            found.append(mine[0])
        marked.append(replace(change, ours=True) if mine is not None else change)
    return tuple(marked), tuple(dict.fromkeys(found))


def _written(row: Row) -> dict[str, Value]:
    fields = {c.field: c.after for c in row.action.changes} if isinstance(row.action, Update) else {}
    return {**fields, **(row.receipt.echo if row.receipt else {})}


def just_come(ticket: Ticket, now: datetime, *, by_hand: bool = False, **known: Any) -> Observation:
    """An observation whose one event is `created`. Ladders are passed over unless a rule is asked by name."""
    created = Event(kind=Kind.CREATED, at=ticket.created_at)
    return Observation(ticket=ticket, now=now, events=(created,), adopted=not by_hand, **known)
