"""Ladders: which stages of a rule fell due, on which climb, and when the next one will."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.bundle import OnSla, OnWaiting, Rule, Span, StageSpec
from rules.calendar import Calendar
from rules.fields import newest_reply
from rules.history import stay_since, stood
from rules.observation import Kind, Observation
from rules.past import as_of
from rules.plan import key_of
from rules.promises import AROUND_THE_CLOCK, Promises
from rules.sla import SlaClock, Standing, measure
from rules.ticket import Change, Comment, Role, Status, TicketRef

_BLINK = timedelta(microseconds=1)
LATE = timedelta(minutes=15)  # what `catch_up: skip` still takes for punctual


@dataclass(frozen=True, slots=True)
class Rung:
    """A stage on one climb of a rule's ladder; `again` counts its repetitions."""

    ref: TicketRef
    rule: str
    spec: StageSpec
    climb: str
    due_at: datetime
    again: int = 0
    clock: SlaClock | None = None
    hours: Calendar | None = None  # the business hours that its messages mind

    @property
    def key(self) -> str:
        """The name of this stage on this climb for ever; a target that moves does not enter it."""
        return key_of(str(self.ref), self.rule, self.climb, self.spec.name, *([str(self.again)] if self.again else []))

    def not_before(self, now: datetime) -> datetime | None:
        """The next opening, when its messages mind the hours and it is closed now."""
        return self.hours.next_open(now) if self.hours is not None and not self.hours.is_open(now) else None

    @property
    def occasion(self) -> str:
        return f"{self.climb}/{self.spec.name}" + (f"+{self.again}" if self.again else "")


class Clocks:
    """The SLA clocks of one observation, each worked out when first asked for."""

    __slots__ = ("_observation", "_promises", "_rungs", "_standing")

    def __init__(self, observation: Observation, promises: Promises) -> None:
        self._observation, self._promises = observation, promises
        self._standing: Standing | None = None
        self._rungs: dict[str, tuple[Rung, ...]] = {}

    @property
    def moment(self) -> datetime:
        return self._observation.now

    @property
    def standing(self) -> Standing:
        if self._standing is None:
            self._standing = measure(self._promises, self._observation)
        return self._standing

    @property
    def measured(self) -> tuple[SlaClock, ...]:
        """All clocks, if any was asked for."""
        return self._standing.clocks if self._standing is not None else ()

    def clock(self, metric: str) -> SlaClock | None:
        """The newest instance of a metric. Raises `NeverOpen` where it cannot be worked out."""
        if metric in self.standing.failed:
            raise self.standing.failed[metric]
        return self.standing.clock(metric)

    def _clocks(self, trigger: OnSla) -> Iterator[SlaClock]:
        """What the ladder follows: of one policy the newest instance, of several that apply together each one's."""
        if self.clock(trigger.metric) is not None:
            yield from (c for c in self.standing.present if c.metric == trigger.metric and trigger.policy in (None, c.policy))

    def rungs(self, rule: Rule) -> tuple[Rung, ...]:
        """Every stage of the ladder whose moment is certain now, past or to come, by climb and in rising order."""
        if rule.id not in self._rungs:
            self._rungs[rule.id] = tuple(self._every_rung(rule))
        return self._rungs[rule.id]

    def _every_rung(self, rule: Rule) -> Iterator[Rung]:
        if self._observation.ticket.status == Status.CLOSED:
            return
        for trigger in rule.triggers:
            if isinstance(trigger, OnSla):
                yield from self._of_sla(rule, trigger)
            elif isinstance(trigger, OnWaiting):
                yield from self._of_waiting(rule, trigger)

    def changes_at(self, rule: Rule) -> Iterator[datetime]:
        """When the clocks that the ladder follows next change their state by time alone."""
        for trigger in rule.triggers:
            if isinstance(trigger, OnSla):
                yield from (clock.changes_at for clock in self._clocks(trigger) if clock.changes_at is not None)

    def _of_sla(self, rule: Rule, trigger: OnSla) -> Iterator[Rung]:
        for clock in self._clocks(trigger):
            if not clock.over:
                yield from self._of_clock(rule, clock)

    def _of_clock(self, rule: Rule, clock: SlaClock) -> Iterator[Rung]:
        for spec in rule.stages:
            if spec.at is not None:
                for again in range(_times(spec)):
                    due_at = clock.falls(spec.at, _every(spec) * again)
                    if due_at is not None:
                        yield self._rung(rule, spec, clock.climb, due_at, again, clock, clock.ruling.open_hours)

    def _of_waiting(self, rule: Rule, trigger: OnWaiting) -> Iterator[Rung]:
        since = _waiting_since(self._observation, trigger)
        if since is None:
            return
        named = self._promises.bundle.calendars.get(trigger.calendar or "")
        climb = f"waiting@{since.isoformat()}"
        for spec in rule.stages:
            if spec.after is not None:
                first = after(since, spec.after, named, named or self.standing.calendar)
                for again in range(_times(spec)):
                    due_at = (named or AROUND_THE_CLOCK).add(first, _every(spec) * again) if again else first
                    yield self._rung(rule, spec, climb, due_at, again, None, named or self.standing.calendar)

    def _rung(
        self, rule: Rule, spec: StageSpec, climb: str, due_at: datetime, again: int, clock: SlaClock | None, counts: Calendar
    ) -> Rung:
        hours = self._hours(counts) if spec.deliver == "business_hours" else None
        return Rung(self._observation.ref, rule.id, spec, climb, due_at, again, clock, hours)

    def _hours(self, counts: Calendar) -> Calendar:
        """Business hours for messages: those of the calendar that counts, or of the desk where that one never closes."""
        bundle = self._promises.bundle
        return bundle.calendars.get(bundle.desk.default_calendar or "", counts) if counts.always else counts


def before_each(observation: Observation) -> tuple[Observation, ...]:
    """The ticket as it stood just before each thing that is known to have happened since the first event of this pass, by time.

    A stage that fell due before something ended or held its clock does not get lost, however much came at once and however late: what
    is told late changes all that came after it. What happens at the very moment of a stage comes first.
    """
    news = [event.at for event in observation.events if event.kind not in (Kind.CREATED, Kind.MANUAL)]
    if not news:
        return ()
    known = (*(change.at for change in observation.changes), *(comment.at for comment in observation.comments))
    moments = sorted({*news, *(at for at in known if at >= min(news))})
    return tuple(as_of(observation, at - _BLINK) for at in moments if at > observation.ticket.created_at)


def chosen_to_run(rungs: list[Rung], catch_up: str, now: datetime) -> frozenset[str]:
    """The keys of those due stages that run; several stages due at once are what an outage leaves behind."""
    if catch_up == "all":
        return frozenset(rung.key for rung in rungs)
    if catch_up == "skip":
        return frozenset(rung.key for rung in rungs if now - rung.due_at <= LATE)
    return frozenset({climb: rung.key for rung in rungs for climb in (rung.climb,)}.values())


def _waiting_since(observation: Observation, trigger: OnWaiting) -> datetime | None:
    stay = stay_since(stood(observation, "status"), trigger.status)
    if stay is None or trigger.since == "status_change":
        return stay
    if trigger.since == "last_update":
        return _last_update(observation)
    customer, agent = newest_reply(observation, Role.CUSTOMER), newest_reply(observation, Role.AGENT)
    if trigger.since == "last_customer_reply":
        return customer.at if customer else observation.ticket.created_at
    if agent is None:
        return stay if customer is None else None
    return None if customer is not None and customer.at > agent.at else agent.at


def _last_update(observation: Observation) -> datetime:
    """The last thing that somebody other than ticketgate did; the system's stamp where nothing else is known."""
    known: list[Change | Comment] = [*observation.changes, *observation.comments]
    if not known:
        return observation.ticket.updated_at
    return max([observation.ticket.created_at, *(item.at for item in known if not item.ours)])


def after(since: datetime, span: Span, named: Calendar | None, business: Calendar) -> datetime:
    if span.business:
        day = business.add_days(since, span.days) if span.days else since
        return business.add(day, span.time) if span.time else day
    time = span.time + timedelta(days=span.days)
    return named.add(since, time) if named else since + time


def _times(spec: StageSpec) -> int:
    return 1 + (spec.repeat_times if spec.repeat_every else 0)


def _every(spec: StageSpec) -> timedelta:
    return spec.repeat_every or timedelta(0)


def follows_a_clock(rule: Rule) -> bool:
    return any(isinstance(trigger, OnSla | OnWaiting) for trigger in rule.triggers)
