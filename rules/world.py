"""The small world of a rule test: one ticket, what people do to it, and a clock that goes where the test says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from rules.bundle import Relation
from rules.coverage import Coverage
from rules.engine import Engine
from rules.events import events
from rules.literal import read_plain
from rules.look import Look
from rules.neighbours import Neighbours
from rules.observation import Event, Kind, Link, Observation
from rules.plan import (
    Action,
    AddComment,
    Agreement,
    Ask,
    Attach,
    CreateTicket,
    FieldChange,
    JoinTicket,
    Notify,
    Page,
    Plan,
    Update,
    Webhook,
)
from rules.questions import answers
from rules.reasons import reasons
from rules.ticket import Change, Comment, Person, Role, Status, Ticket, TicketRef, Value, replace
from rules.trial_values import Fields, Happening, Trial, TrialStep
from rules.trial_waiting import Waiting
from rules.working import person_named, with_value

_REPLIED = {"last_customer_reply_at": Role.CUSTOMER, "last_agent_reply_at": Role.AGENT}
_BLINK = timedelta(microseconds=1)
_SETS = frozenset({"tags", "watchers"})


@dataclass(slots=True)
class Happened:
    """What the rules did since it was last asked."""

    fired: list[tuple[str, str | None]] = field(default_factory=list)
    replies: list[AddComment] = field(default_factory=list)
    notes: list[AddComment] = field(default_factory=list)
    notified: list[Notify] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)  # whom a message was for, where nobody stood behind the name
    paged: list[Page] = field(default_factory=list)
    approvals: list[Ask] = field(default_factory=list)
    webhooks: list[Webhook] = field(default_factory=list)
    synced: list[str] = field(default_factory=list)
    changed: list[FieldChange] = field(default_factory=list)  # on the ticket itself
    linked: list[JoinTicket] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class World:
    """Made for one test. `go` takes one step; what rules do to the ticket is there at the next one."""

    def __init__(self, trial: Trial, engine: Engine, coverage: Coverage | None = None) -> None:
        self._engine, self._trial, self._coverage = engine, trial, coverage
        self._judged: list[tuple[Observation, str | None]] = []
        self.happened = Happened()
        self._said = 0
        self._changes: list[Change] = []
        self._comments: list[Comment] = []
        self._links: dict[TicketRef, Link] = {}
        self._done: set[str] = set()
        self._limits: dict[str, list[datetime]] = {}
        self._waiting = Waiting()
        self._events: tuple[Event, ...] = ()
        self.now = trial.now
        self._looked_at: datetime | None = None
        self._redact: frozenset[str] = frozenset()
        self._neighbours = Neighbours(tuple(other_ticket(trial, n, fields) for n, fields in enumerate(trial.others, 1)), engine.bundle)
        self.ticket, self._pending = self._begin()
        self._known = False

    # --- the past ------------------------------------------------------------------------------------------------------

    def _begin(self) -> tuple[Ticket, dict[str, Value]]:
        """The ticket as it stood before the first step, and those given fields that its history contradicts: they come with the step."""
        given, rows = dict(self._trial.fields), self._trial.history
        told = {name for row in rows for name in row.fields}
        first = {**given, **rows[0].fields} if rows else given
        ticket = _made(first, rows[0].at if rows else self._trial.now)
        for row in rows:
            self._replied(row.fields, row.at)
            ticket = self._past(ticket, row.fields, row.at)
        self._replied(given, None)
        return ticket, {name: value for name, value in given.items() if name in told}

    def _past(self, ticket: Ticket, fields: Fields, at: datetime) -> Ticket:
        after = replace(changed(ticket, fields), updated_at=at)
        happened = events(ticket, after, connected_at=ticket.created_at)
        self._changes += [event.change for event in happened if event.kind == Kind.CHANGED and event.change]
        return after

    def _replied(self, fields: Fields, at: datetime | None) -> None:
        """Replies that the given fields speak of."""
        for name, role in _REPLIED.items():
            moment = fields.get(name)
            if isinstance(moment, datetime):
                self._comments.append(self._comment(moment, role, public=True, fields={}))
        if at is not None and "comment.text" in fields:
            self._comments.append(self._comment(at, _role(fields, Role.CUSTOMER), public=_public(fields, True), fields=fields))

    # --- a step --------------------------------------------------------------------------------------------------------

    def go(self, step: TrialStep) -> None:
        """Let the clock run to the step, with what falls due on the way; then let happen what it says."""
        self.happened, self._judged = Happened(), []
        moment, news = self._trial.now + step.at, self._brings_news(step)
        if self._known and moment > self.now:
            until = moment - _BLINK if news else moment
            self._pass(until, self._waiting.over(until))
        if news or not self._known:
            found, rule = self._news(step, moment)
            self._known = True
            self._pass(moment, found, rule)

    def _brings_news(self, step: TrialStep) -> bool:
        return step.event is not None or bool(step.fields) or bool(self._pending)

    def look(self) -> Look:
        """The ticket as it stands now, for `expect.ticket`."""
        return self._engine.look(self._observation(self.now, self._events))

    def why(self, rule: str) -> list[str]:
        """What decided about a rule since the step before; the passes are judged again for it."""
        found = [reasons(self._engine.explain(observation, only=only), rule) for observation, only in self._judged]
        return list(dict.fromkeys(line for lines in found for line in lines)) or ["nothing was looked at"]

    def _pass(self, moment: datetime, found: tuple[Event, ...], rule: str | None = None) -> None:
        self.now, self._events = moment, found
        observation = self._observation(moment, found, rule)
        self._judged.append((observation, rule))
        if self._coverage is not None:
            self._coverage.add(self._engine.explain(observation, only=rule))
        self._take(self._engine.evaluate(observation, only=rule))

    def _observation(self, moment: datetime, found: tuple[Event, ...], rule: str | None = None) -> Observation:
        observation = Observation(
            ticket=self.ticket,
            now=moment,
            events=found,
            changes=tuple(self._changes),
            comments=tuple(self._comments),
            links=tuple(self._links.values()),
            done=frozenset(self._done),
            limits={key: tuple(moments) for key, moments in self._limits.items()},
            redact=self._redact,
            paging=self._waiting.paging,
            looked_at=self._looked_at,
        )
        questions = self._engine.questions(observation, only=rule)
        facts = answers(questions, self.ticket, self._engine.look(observation), self._neighbours)
        return replace(observation, facts=facts)

    # --- what people do ------------------------------------------------------------------------------------------------

    def _news(self, step: TrialStep, moment: datetime) -> tuple[tuple[Event, ...], str | None]:
        """The events of the step; for a manual one the rule that a person named."""
        fields, happening = {**self._pending, **step.fields}, step.event
        self._pending = {}
        if happening is not None and happening.outcome is not None:
            self.ticket = changed(self.ticket, fields)
            return (self._waiting.answered(happening.outcome, happening.by, moment),), None
        if happening is None:
            return self._told(self.ticket, changed(self.ticket, fields), (), moment), None
        if happening.rule is not None:
            self.ticket = changed(self.ticket, fields)
            return (Event(kind=Kind.MANUAL, at=moment, rule=happening.rule),), happening.rule
        if happening.on.kind == Kind.CREATED:
            return self._created(fields, moment), None
        before, after = self._least(happening, self.ticket, changed(self.ticket, fields))
        comments = tuple(self._spoken(happening.on.kind, {**self._trial.fields, **fields}, moment))
        return self._ensured(happening, self._told(before, after, comments, moment), moment), None

    def _created(self, fields: Fields, moment: datetime) -> tuple[Event, ...]:
        born = self._trial.fields.get("created_at", moment)
        created_at = born if isinstance(born, datetime) else moment
        self.ticket = replace(changed(self.ticket, fields), created_at=created_at, updated_at=created_at)
        return events(None, self.ticket, connected_at=created_at)

    def _told(self, before: Ticket, after: Ticket, comments: tuple[Comment, ...], moment: datetime) -> tuple[Event, ...]:
        after = replace(after, updated_at=moment)
        found = events(before, after, comments, connected_at=before.created_at)
        self._changes += [event.change for event in found if event.kind == Kind.CHANGED and event.change]
        self._comments += comments
        self.ticket = after
        return found

    def _least(self, happening: Happening, before: Ticket, after: Ticket) -> tuple[Ticket, Ticket]:
        """The least difference that makes the event true."""
        match happening.on.kind:
            case Kind.CHANGED if happening.on.field is not None:
                return self._least_change(happening, before, after)
            case Kind.RESOLVED | Kind.CLOSED as kind:
                return _settled(Status(str(kind)), before, after)
            case Kind.REOPENED:
                before = before if before.settled else replace(before, status=Status.RESOLVED)
                return before, after if not after.settled else replace(after, status=Status.OPEN)
            case _:
                return before, after

    def _least_change(self, happening: Happening, before: Ticket, after: Ticket) -> tuple[Ticket, Ticket]:
        name, was, to = str(happening.on.field), happening.on.was, happening.on.to
        if to:
            after = changed(after, {name: min(to)})
        if was or not self._known:
            before = changed(before, {name: min(was) if was else None})
        return before, after

    def _ensured(self, happening: Happening, found: tuple[Event, ...], moment: datetime) -> tuple[Event, ...]:
        """The events, with the one that the test names among them even where nothing differs."""
        on = happening.on
        if any(event.kind == on.kind and (on.field is None or (event.change and event.change.field == on.field)) for event in found):
            return found
        change = Change(field=on.field, before=None, after=min(on.to, default=None), at=moment) if on.field else None
        return (*found, Event(kind=on.kind, at=moment, change=change))

    def _spoken(self, kind: Kind, fields: Fields, moment: datetime) -> Iterator[Comment]:
        if kind == Kind.CUSTOMER_REPLIED:
            yield self._comment(moment, Role.CUSTOMER, public=True, fields=fields)
        elif kind == Kind.AGENT_REPLIED:
            yield self._comment(moment, Role.AGENT, public=True, fields=fields)
        elif kind == Kind.COMMENTED:
            role = _role(fields, Role.AGENT)
            yield self._comment(moment, role, public=_public(fields, role == Role.CUSTOMER), fields=fields)

    def _comment(self, at: datetime, role: Role, *, public: bool, fields: Fields) -> Comment:
        self._said += 1
        author = person_named(fields.get("comment.author")) or Person(name="The customer" if role == Role.CUSTOMER else "An agent")
        text = str(fields.get("comment.text") or "…")
        return Comment(id=f"said-{self._said}", at=at, text=text, public=public, role=role, author=author)

    # --- what rules do -------------------------------------------------------------------------------------------------

    def _take(self, plan: Plan) -> None:
        """The plan as carried out at once, everywhere, without a fault."""
        self.ticket = plan.leaves(self.ticket)
        self._done |= {stage.key for stage in plan.stages} | {action.key for action in plan.actions if not isinstance(action, Update)}
        for fired in plan.fired:
            if fired.how == "live":
                self.happened.fired.append((fired.rule, fired.stage))
            for key in fired.used:
                self._limits.setdefault(key, []).append(plan.at)
        self._redact, self._looked_at = plan.redact, plan.at
        self._neighbours.took_turns(plan.turns)
        self._waiting.looked(plan.events)
        for action in plan.actions:
            self._carry_out(action, plan.at)
        for agreement in plan.agreements:
            self._agree(agreement)
        self.happened.failures += [f"rule '{failure.rule}' ({failure.place}): {failure.reason}" for failure in plan.failures]
        self.happened.remarks += plan.notes
        self.happened.untold += plan.untold

    def _carry_out(self, action: Action, at: datetime) -> None:
        match action:
            case Update():
                self._update(action, at)
            case AddComment():
                self._add(action, at)
            case Attach():
                self.happened.synced.append(action.target.connection)
            case CreateTicket(relation=None):
                self._create(action, at)
            case CreateTicket():
                pass  # the joining that follows tells of it
            case JoinTicket():
                self._join(action)
            case _:
                self._to_people(action)

    def _to_people(self, action: Action) -> None:
        match action:
            case Notify(asks=None):
                self.happened.notified.append(action)
            case Page():
                self.happened.paged.append(action)
                self._waiting.pages.append(action)
            case Webhook():
                self.happened.webhooks.append(action)
            case Ask():
                self.happened.approvals.append(action)
                self._waiting.questions.append(action)

    def _update(self, update: Update, at: datetime) -> None:
        if update.target == self.ticket.ref:
            self.happened.changed += update.changes
            self._changes += [Change(field=c.field, before=c.before, after=c.after, at=at, ours=True) for c in update.changes]
            return
        link = self._links[update.target]
        self._links[update.target] = replace(link, partner=changed(link.partner, {c.field: c.after for c in update.changes}))
        self.happened.synced.append(update.target.connection)

    def _add(self, comment: AddComment, at: datetime) -> None:
        if comment.mirrors is not None:
            self.happened.synced.append(comment.target.connection)
        elif comment.target == self.ticket.ref:
            (self.happened.replies if comment.public else self.happened.notes).append(comment)
            made = Comment(id=comment.mark, at=at, text=read_plain(comment.body), public=comment.public, role=Role.BOT, ours=True)
            self._comments.append(made)

    def _join(self, join: JoinTicket) -> None:
        if join.native:  # says the same once more, to the system
            return
        other = join.to or TicketRef(join.ticket.connection, f"{join.relation}-made-here")
        self._neighbours.join(join.ticket, cast(Relation, join.relation), other)
        if join.ticket == self.ticket.ref:  # the earlier ones that go with it are not the ticket under test
            self.happened.linked.append(join)

    def _create(self, create: CreateTicket, at: datetime) -> None:
        ref = TicketRef(create.connection, "made-here")
        self._links[ref] = Link(partner=changed(_made({"ref": str(ref), "status": Status.NEW}, at), create.draft.fields))
        self.happened.synced.append(create.connection)

    def _agree(self, agreement: Agreement) -> None:
        ref = agreement.right if agreement.right.key else TicketRef(agreement.right.connection, "made-here")
        self._links[ref] = replace(self._links[ref], agreed=agreement.fields, mirrored=agreement.mirrored)


def changed(ticket: Ticket, fields: Fields) -> Ticket:
    """The ticket with these fields, by the names of conditions. Raises `ValueError` for a word that a field does not have."""
    person: dict[str, Any] = {}
    for name, value in fields.items():
        if name.startswith("requester."):
            person[name.removeprefix("requester.")] = _fit(name, value)
        elif name in ("created_at", "updated_at") and isinstance(value, datetime):
            ticket = replace(ticket, created_at=value) if name == "created_at" else replace(ticket, updated_at=value)
        elif not (name.startswith("comment.") or name in _REPLIED or name in ("connection", "ref", "created_at", "updated_at")):
            ticket = with_value(ticket, "body" if name == "text" else name, frozenset() if name in _SETS and value is None else value)
    return replace(ticket, requester=replace(ticket.requester or Person(), **person)) if person else ticket


def other_ticket(trial: Trial, number: int, fields: Fields) -> Ticket:
    """A further ticket in the desk: made at the test's `now`, in the same connection, unless it says otherwise."""
    first = {"connection": trial.fields.get("connection"), **fields}
    made = fields.get("created_at", trial.now)
    return _made({"ref": f"{first['connection'] or 'desk'}:other-{number}", **first}, made if isinstance(made, datetime) else trial.now)


def _made(fields: Mapping[str, Value], at: datetime) -> Ticket:
    ref = str(fields.get("ref") or f"{fields.get('connection') or 'desk'}:1")
    blank = Ticket(ref=TicketRef.parse(ref), subject="", status=None, created_at=at, updated_at=at, version="1")
    return changed(blank, fields)


def _settled(status: Status, before: Ticket, after: Ticket) -> tuple[Ticket, Ticket]:
    """From work to `status`; a ticket that is given as closed was resolved before."""
    if before.status == status or (status == Status.RESOLVED and before.settled):
        before = replace(before, status=Status.OPEN if status == Status.RESOLVED else Status.RESOLVED)
    return before, replace(after, status=status)


def _fit(name: str, value: Value) -> Value:
    if name == "requester.tags":
        return value or frozenset()
    return bool(value) if name == "requester.automated" else value


def _role(fields: Fields, default: Role) -> Role:
    role = fields.get("comment.role")
    return Role(str(role).casefold()) if role else default


def _public(fields: Fields, default: bool) -> bool:
    public = fields.get("comment.public")
    return public if isinstance(public, bool) else default
