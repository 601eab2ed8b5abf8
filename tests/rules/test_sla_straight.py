"""The straight way to a ticket's clocks gives what the walk gives: over random policies with every switch, pasts and moments."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.bundle import ALWAYS, All, Bundle, NoneOf, On, Span
from rules.bundle import Test as Asked
from rules.calendar import Calendar
from rules.metrics import BUILT_IN, is_one_of, is_word
from rules.observation import Kind, Observation
from rules.opening import Week
from rules.policy import ClockSpec, FromField, Mark, Policy, Switches, Target
from rules.promises import Promises
from rules.sla import METRICS, Standing, measure, walked
from rules.straight import ruled
from rules.ticket import Change, Comment, Level, Person, Role, Status, Type
from rules.ticket import replace as changed
from tests.benchmarks import sla as benchmark
from tests.builders import a_ticket

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
M = timedelta(minutes=1)
H = 60 * M
OFFICE = {day: ((9 * 60, 17 * 60),) for day in range(5)}
VERSIONS = ((date.min, Week(weekly=OFFICE)), (date(2026, 3, 4), Week(weekly={day: ((6 * 60, 12 * 60),) for day in range(6)})))
CALENDARS = {
    "office": Calendar("Europe/Berlin", OFFICE),
    "nights": Calendar("America/New_York", {day: ((22 * 60, 6 * 60),) for day in range(7)}),
    "always": Calendar(always=True),
    "versions": Calendar.of("UTC", VERSIONS),
    "ends": Calendar(overrides={MONDAY.date(): ((9 * 60, 11 * 60),)}),
}
OLDER = Asked("created_at", "older_than", 5 * H, "time", "created_at older_than 5h")
PUBLIC = Asked("comment.public", "is", True, "boolean", "comment.public true")
CONDITIONS = st.sampled_from(
    [
        *(ALWAYS, is_word("status", "pending"), is_one_of("status", frozenset({"new", "open", "on_hold"})), is_word("priority", "urgent")),
        *(is_word("group", "a"), is_word("type", "incident"), NoneOf((is_word("requester.email", "vip@example.com"),)), OLDER),
        *(All((is_word("status", "open"), is_word("priority", "normal"))), Asked("tags", "contains", frozenset({"x"}), "set", "tags x")),
        is_word("custom.tier", "gold"),
    ]
)
BY_STATUS = st.sampled_from([None, is_word("status", "pending"), is_one_of("status", frozenset({"pending", "on_hold"}))])
KINDS = (Kind.CREATED, Kind.RESOLVED, Kind.CLOSED, Kind.REOPENED, Kind.COMMENTED, Kind.CUSTOMER_REPLIED, Kind.AGENT_REPLIED, Kind.CHANGED)
EVENTS = st.lists(st.sampled_from([*map(On, KINDS), On(Kind.CHANGED, "status", to=frozenset({"open"}))]), min_size=1, max_size=2)
MARKS = st.builds(lambda on, holds: Mark(tuple(on), holds), EVENTS | st.just([]), CONDITIONS) | EVENTS.map(lambda on: Mark(tuple(on)))
SPANS = st.sampled_from([Span(time=30 * M), Span(time=4 * H), Span(days=1, business=True), Span(days=2, time=H, business=True)])
DECIDES = st.just(ALWAYS) | st.just(is_word("priority", "normal")) | CONDITIONS
TARGETS = st.builds(Target, SPANS | st.none(), DECIDES, st.sampled_from(["business", "calendar"]), st.sampled_from([None, None, 960]))


@st.composite
def switches(draw: Any) -> Switches:
    return Switches(
        deadline_boundary=draw(st.sampled_from(["close", "next_open"])),
        calendar_change=draw(st.sampled_from(["from_change", "retroactive"])),
        breach_memory=draw(st.sampled_from(["sticky", "recompute"])),
        counts_as_reply=draw(st.sampled_from([None, PUBLIC])),
        on_target_change=draw(st.sampled_from(["carry", "restart", "new_instance"])),
        carry_pauses=draw(st.booleans()),
        on_reopen=draw(st.sampled_from(["resume", "restart", "new_instance", "ignore"])),
        reopen_window=draw(st.sampled_from([None, 3 * H])),
        on_unmatch=draw(st.sampled_from(["cancel", "keep"])),
        agent_initiated=draw(st.sampled_from(["skip", "normal"])),
        max_backdate=draw(st.sampled_from([None, 2 * H])),
    )


@st.composite
def clocks(draw: Any, name: str) -> ClockSpec:
    """Mostly a built-in one with other pauses and targets, sometimes with all that the complete form allows."""
    spec = changed(BUILT_IN[name], pause=draw(BY_STATUS), targets=tuple(draw(st.lists(TARGETS, min_size=1, max_size=2))))
    if draw(st.booleans()):
        spec = changed(spec, switches=draw(switches()))
    odd: dict[str, st.SearchStrategy[Any]] = {
        **dict.fromkeys(("start", "stop"), st.lists(MARKS, min_size=1, max_size=2).map(tuple)),
        **dict.fromkeys(("reset", "cancel"), MARKS.map(lambda mark: (mark,))),
        **dict.fromkeys(("run_while", "pause", "resume"), CONDITIONS),
        "repeat": st.sampled_from(["none", "independent", "sequential"]),
        "retroactive": st.just("due_at"),
    }
    if draw(st.integers(0, 3)):
        return spec
    for part in draw(st.lists(st.sampled_from(sorted(odd)), min_size=1, max_size=2, unique=True)):
        spec = changed(spec, **{part: draw(odd[part])})
    return spec


@st.composite
def policies(draw: Any) -> Policy:
    names = draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=3, unique=True))
    return Policy(
        name=draw(st.sampled_from(["a", "b", "c"])),
        applies_to=draw(st.sampled_from([st.just(ALWAYS), st.just(ALWAYS), CONDITIONS]).flatmap(lambda some: some)),
        match=draw(st.sampled_from(["first", "first", "all"])),
        calendar=draw(st.sampled_from([*CALENDARS])),
        calendar_from=draw(st.sampled_from([(), (), (FromField("custom.calendar"),)])),
        clocks={name: draw(clocks(name)) for name in names},
    )


MINUTES = st.integers(0, 60 * 24 * 4)
FIELDS: dict[str, list[Any]] = {
    "priority": [Level.LOW, Level.NORMAL, Level.URGENT, None],
    "group": ["a", "b", None],
    "subject": ["one", "two"],
    "resolution": ["fixed", "Merged"],
    "tags": [frozenset({"x"}), frozenset({"closed_by_merge"})],
    "custom.calendar": ["office", "nights"],
    "requester.email": ["vip@example.com", "ana@example.com"],
}


@st.composite
def comments(draw: Any) -> tuple[Comment, ...]:
    authors = st.sampled_from([None, Person(name="Lena"), Person(name="bot", automated=True)])
    roles = st.sampled_from([*Role])
    made = st.builds(
        lambda at, **more: Comment(id="1", at=MONDAY + at * M, text="", **more),
        MINUTES | st.sampled_from([0, 0, -5, 60]),
        public=st.sampled_from([True, True, False]),
        role=roles,
        author=authors,
        ours=st.sampled_from([False, False, True]),
        speaks_for=st.none() | roles,
    )
    return tuple(draw(st.lists(made, max_size=3)))


@st.composite
def changes(draw: Any, status: Any) -> list[Change]:
    """A chain of statuses, sometimes with a gap, at moments that may be the same or before the creation, and some other fields."""
    moments = sorted(draw(st.lists(st.integers(0, 4000) | st.sampled_from([60, 120]), max_size=4)))
    rows, before = [], status
    for at in moments:
        after = draw(st.sampled_from([word for word in (*Status, Status.OPEN, Status.RESOLVED) if word != before]))
        rows.append(Change(field="status", before=before, after=after, at=MONDAY + at * M))
        before = after
    for name in draw(st.just([]) | st.just(["subject"]) | st.lists(st.sampled_from(sorted(FIELDS)), max_size=2)):
        at, ours = draw(MINUTES | st.sampled_from([60, -10])), draw(st.booleans())
        rows.append(
            Change(
                field=name,
                before=draw(st.sampled_from(FIELDS[name])),
                after=draw(st.sampled_from(FIELDS[name])),
                at=MONDAY + at * M,
                ours=ours,
            )
        )
    return rows


@st.composite
def observations(draw: Any) -> Observation:
    first = draw(st.sampled_from([Status.NEW, Status.NEW, Status.OPEN, Status.OPEN, None, Status.CLOSED]))
    rows = draw(changes(first))
    told = [row.after for row in rows if row.field == "status"]
    status = draw(st.sampled_from([*([told[-1]] * 6 if told else [first] * 6), Status.OPEN]))
    rows = draw(st.sampled_from([sorted(rows, key=lambda row: row.at)] * 4 + [rows]))
    now = MONDAY + draw(st.sampled_from([4001, 4800, 60 * 24 * 6, 3000, 60])) * M
    last = {row.field: row.after for row in rows}
    custom = {"tier": draw(st.sampled_from([None, "gold"])), "calendar": last.get("custom.calendar")}
    ticket = a_ticket(
        created_at=MONDAY,
        updated_at=max([MONDAY, *(row.at for row in rows)]),
        status=status,
        priority=last.get("priority", Level.NORMAL),
        type=draw(st.sampled_from([None, Type.INCIDENT])),
        group=last.get("group", "a"),
        tags=last.get("tags", draw(st.sampled_from([frozenset(), frozenset({"closed_by_merge"})]))),
        resolution=last.get("resolution"),
        requester=Person(email=str(last.get("requester.email", "ana@example.com"))),
        due_at=draw(st.sampled_from([None, MONDAY - 3 * H])),
        custom=custom,
    )
    return Observation(ticket=ticket, now=now, changes=tuple(rows), comments=draw(comments()))


def told(found: Standing) -> object:
    """Everything about it; rulings and failures by what they say."""
    clocks = [
        *(
            (c.policy, c.metric, c.state, c.instance, c.started_at, c.due_at, c.stopped_at, c.elapsed, c.amount, c.run)
            for c in found.clocks
        ),
        *((c.ruling.target, c.ruling.calendar, c.judged_since, c.superseded, c.breaches, c.ended, c.changes_at) for c in found.clocks),
    ]
    return clocks, found.policies, found.uncovered, found.doubts, found.calendar, {name: str(why) for name, why in found.failed.items()}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(policies(), min_size=1, max_size=2), st.lists(observations(), min_size=1, max_size=4))
def test_the_straight_way_gives_what_the_walk_gives(some: list[Policy], seen: list[Observation]):
    promises = Promises.of(Bundle(hash="", policies=tuple(some), calendars=CALENDARS))  # one for all: what it remembers must hold
    for one in seen:
        assert told(measure(promises, one)) == told(walked(promises, one))


NOTE = Asked("comment.public", "is", False, "boolean", "comment.public false")
ANY_CUSTOMER = Asked("comment.role", "is", "customer", "text", "comment.role customer")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.sampled_from(["first_response", "next_response", "periodic_update"]),
    st.sampled_from([PUBLIC, NOTE, ANY_CUSTOMER, ALWAYS]),
    st.sampled_from(["skip", "normal"]),
    st.lists(observations(), min_size=2, max_size=4),
)
def test_what_counts_as_a_reply_counts_so_on_the_straight_way(metric: str, counts: Any, agents: Any, seen: list[Observation]):
    spec = changed(BUILT_IN[metric], targets=(Target(Span(time=4 * H)),), switches=Switches(counts_as_reply=counts, agent_initiated=agents))
    policy = Policy(name="a", calendar="office", clocks={metric: spec})
    promises = Promises.of(Bundle(hash="", policies=(policy,), calendars=CALENDARS))
    for one in seen:
        assert told(measure(promises, one)) == told(walked(promises, one))


def test_a_note_that_counts_as_a_reply_stops_a_clock_and_a_reply_that_does_not_leaves_it():
    """The difference that the straight way must not lose, once by hand."""
    spec = changed(BUILT_IN["first_response"], targets=(Target(Span(time=4 * H)),), switches=Switches(counts_as_reply=NOTE))
    promises = Promises.of(
        Bundle(hash="", policies=(Policy(name="a", calendar="always", clocks={"first_response": spec}),), calendars=CALENDARS)
    )
    said = [
        Comment(id=str(n), at=MONDAY + at * H, text="", public=public, role=Role.AGENT)
        for n, (at, public) in enumerate([(1, True), (2, False)])
    ]
    seen = Observation(ticket=a_ticket(created_at=MONDAY), now=MONDAY + 3 * H, comments=tuple(said))
    clock = measure(promises, seen).clock("first_response")
    assert clock is not None
    assert (clock.state, clock.stopped_at) == ("met", MONDAY + 2 * H)


def test_most_tickets_go_the_straight_way():
    """The tickets of the benchmark: taken up, answered, some of them in pending for a time."""
    promises = benchmark._promises()
    for n in range(200):
        seen = benchmark._a_ticket(n)
        found = ruled(promises, seen)
        assert found is not None
        assert all(way is not None and way.climbs(seen, found[1]) is not None for way in found[0].ways)
        assert told(measure(promises, seen)) == told(walked(promises, seen))


def test_a_changed_priority_that_decides_the_target_is_walked():
    row = Change(field="priority", before=Level.LOW, after=Level.URGENT, at=MONDAY + H)
    seen = Observation(ticket=a_ticket(created_at=MONDAY, priority=Level.URGENT), now=MONDAY + 2 * H, changes=(row,))
    assert ruled(benchmark._promises(), seen) is None
