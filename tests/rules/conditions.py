"""Conditions and tickets of every kind, out of few words, so that they often meet: for laws that hold whatever the rules."""

from datetime import timedelta
from typing import Any

import re2
from hypothesis import strategies as st

from rules.bundle import All, AnyOf, CalendarIs, Condition, FieldType, Named, NoneOf, Test
from rules.calendar import Calendar
from rules.conditions import OPERATORS
from rules.observation import Event, Kind, Observation
from rules.pii import Wanted
from rules.text import Needle, fold
from rules.ticket import Channel, Level, Person, Status, Ticket
from tests.builders import NOW, a_change, a_comment, a_ticket, an_event

OFFICE = Calendar(timezone="Europe/Berlin", weekly={day: ((540, 1020),) for day in range(5)})
WORDS = ("card", "Card", "declined", "cat5", "e-mail", "Größe", "refusée", "カード", "счёт", "++", "a_b", "ﬁle", "K", "x")
GAPS = ("\ud800", " ", "  ", "-", "\n", ", ", "", "_", "\u3000", "...")
PATTERNS = (
    *("card", r"\bcard\b", "card|cat5", r"\b(card|x)\b", r"c.t\d", "^card", "x$", r"(?:a|b)_b", "(card|)x", "cards?", "(card){2}", r"\w+@"),
    *(r"e\-mail", "größe", "[a-c]ard", "k", r"\bk|x\b", "", ".", r"card\b.{1,9}\bdeclined", "(?-i)Card", "(?-i)k", r"\Qcard\E", "(?i)x"),
)
TYPES: dict[str, FieldType] = {
    **dict.fromkeys(("subject", "body", "text", "product", "requester.organization", "custom.note", "comment.text"), "text"),
    **dict.fromkeys(("channel", "status", "connection", "system", "custom.plan", "comment.role", "sla.policy"), "choice"),
    **dict.fromkeys(("group", "assignee"), "reference"),
    **dict.fromkeys(("priority", "custom.tier"), "ordered_choice"),
    **dict.fromkeys(("tags", "requester.tags", "custom.regions"), "set"),
    **dict.fromkeys(("custom.seats", "custom.cost"), "number"),
    **dict.fromkeys(("created_at", "due_at", "custom.signed_at"), "time"),
    **dict.fromkeys(("requester.automated", "custom.beta", "comment.public"), "boolean"),
}

phrases = st.builds(lambda a, gap, b: a + gap + b, st.sampled_from(WORDS), st.sampled_from(GAPS), st.sampled_from((*WORDS, "", "")))
texts = st.lists(st.sampled_from((*WORDS, *GAPS)), max_size=8).map("".join) | st.text(max_size=6)
numbers = st.sampled_from((-1, 0, 1, 1.5, 2, 10, 10**20)) | st.floats(allow_nan=False, allow_infinity=False, width=16)
spans = st.sampled_from([timedelta(hours=n) for n in (-1, 0, 1, 2, 30)])
moments = spans.map(lambda span: NOW - span)


def pattern(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = text.startswith("(?-i)")
    return re2.compile(text.removeprefix("(?-i)"), options)


def _one(kind: FieldType) -> st.SearchStrategy[Any]:
    if kind == "boolean":
        return st.booleans()
    return {"number": numbers, "time": moments}.get(kind, phrases.map(fold))


def _value(kind: FieldType, operator: str) -> st.SearchStrategy[Any]:
    several = st.frozensets(_one(kind), max_size=3)
    if operator in ("empty", "changed"):
        return st.booleans()
    if operator in ("is", "is_not"):
        return _one(kind)
    if operator == "contains_pii":
        return st.just(Wanted(frozenset({"email"})))
    if operator == "matches":
        return st.sampled_from(PATTERNS).map(pattern)
    if operator in ("starts_with", "ends_with"):
        return phrases.map(Needle.start if operator == "starts_with" else Needle.end)
    if kind == "text" and operator.startswith("contains"):
        most = 1 if operator == "contains" else 3
        return st.lists(phrases.map(Needle.of), min_size=most == 1, max_size=most).map(tuple)
    if operator == "contains":
        return _one(kind).map(lambda one: frozenset({one}))
    ordered = _ordered(kind, operator)
    return several if ordered is None else ordered


def _ordered(kind: FieldType, operator: str) -> st.SearchStrategy[Any] | None:
    if operator in ("older_than", "newer_than"):
        return spans
    if operator in ("before", "after"):
        return moments
    if kind == "number" and operator == "between":
        return st.tuples(numbers, numbers).map(lambda pair: tuple(sorted(pair)))
    if kind == "number" and operator in ("above", "at_least", "below", "at_most"):
        return numbers
    return None


@st.composite
def tests_of_fields(draw: st.DrawFn) -> Test:
    field = draw(st.sampled_from(sorted(TYPES)))
    kind = TYPES[field]
    operator = draw(st.sampled_from([name for name in sorted(OPERATORS) if kind in OPERATORS[name]]))
    return Test(field, operator, draw(_value(kind, operator)), kind)


calendars = st.builds(CalendarIs, st.just("office"), st.sampled_from(("open", "closed", "holiday")))
conditions: st.SearchStrategy[Condition] = st.recursive(
    tests_of_fields() | tests_of_fields() | tests_of_fields() | calendars,
    lambda inner: (
        st.builds(lambda group, parts: group(tuple(parts)), st.sampled_from((All, All, AnyOf, NoneOf)), st.lists(inner, max_size=4))
        | st.builds(Named, st.just("name"), inner)
    ),
    max_leaves=10,
)

_NAIVE = NOW.replace(tzinfo=None)
_STRANGE = st.sampled_from((5, "many", "7", " ", True, 1.5, float("nan"), "nan", NOW, _NAIVE, frozenset({"x"}), frozenset()))
_CUSTOM: dict[str, st.SearchStrategy[Any]] = {
    "note": texts,
    "plan": phrases,
    "tier": st.sampled_from(("card", "x")),
    "regions": st.frozensets(phrases, max_size=3),
    "seats": numbers,
    "cost": numbers | numbers.map(str),
    "signed_at": moments,
    "beta": st.booleans(),
}


@st.composite
def tickets(draw: st.DrawFn) -> Ticket:
    strangely = draw(st.integers(0, 5)) == 0
    custom = {name: draw(st.none() | (values | _STRANGE if strangely else values)) for name, values in _CUSTOM.items()}
    person = st.builds(
        Person,
        name=st.none() | phrases,
        organization=st.none() | phrases,
        tags=st.frozensets(phrases, max_size=2),
        automated=st.booleans(),
    )
    return a_ticket(
        draw(st.sampled_from(("zendesk-eu:1", "jira-core:2"))),
        subject=draw(texts),
        body=draw(st.none() | texts),
        status=draw(st.sampled_from((None, *Status))),
        priority=draw(st.sampled_from((None, *Level))),
        channel=draw(st.sampled_from((None, *Channel))),
        product=draw(st.none() | phrases),
        group=draw(st.none() | phrases),
        requester=draw(st.none() | person),
        assignee=draw(st.none() | person),
        tags=draw(st.frozensets(phrases, max_size=4)),
        due_at=draw(st.none() | moments),
        custom=custom,
    )


def _event(kind: Kind) -> Event:
    if kind in (Kind.COMMENTED, Kind.CUSTOMER_REPLIED, Kind.AGENT_REPLIED):
        return an_event(kind, comment=a_comment("Card declined"))
    return an_event(kind, change=a_change("priority", Level.LOW, Level.HIGH)) if kind == Kind.CHANGED else an_event(kind)


_KINDS = (Kind.CREATED, Kind.UPDATED, Kind.CHANGED, Kind.COMMENTED, Kind.CUSTOMER_REPLIED)
observations = st.builds(
    lambda ticket, kinds, said: Observation(ticket=ticket, now=NOW, events=tuple(map(_event, kinds)), comments=tuple(said)),
    tickets(),
    st.lists(st.sampled_from(_KINDS), min_size=1, max_size=2, unique=True),
    st.lists(st.builds(a_comment, texts), max_size=2),
)
