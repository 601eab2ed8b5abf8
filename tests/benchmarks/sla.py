"""Working time and clocks: an amount added or elapsed over 30 business days, and all clocks of 100,000 open tickets."""

import gc
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from rules.bundle import Bundle, Span
from rules.calendar import Calendar
from rules.metrics import is_word, short_form
from rules.observation import Observation
from rules.promises import Promises
from rules.sla import measure
from rules.ticket import Change, Comment, Level, Role, Status, Ticket, TicketRef, Type
from tests.benchmarks.figures import Figure

TICKETS = 100_000
OFFICE = Calendar("Europe/Berlin", {day: ((9 * 60, 17 * 60),) for day in range(5)})
START = datetime(2024, 3, 1, 8, 30, tzinfo=UTC)
END = datetime(2024, 4, 12, 7, 30, tzinfo=UTC)
H = timedelta(hours=1)


def figures() -> Iterator[Figure]:
    """Each figure is CPU time, the best of several runs."""
    if OFFICE.add(START, 240 * H) != END or OFFICE.elapsed(START, END) != 240 * H:
        raise RuntimeError("30 business days over the change of clocks came out wrong")
    yield Figure("add 30 business days", _each(lambda: OFFICE.add(START, 240 * H)), "us", limit=2)
    yield Figure("elapsed over 30 business days", _each(lambda: OFFICE.elapsed(START, END)), "us", limit=2)
    clocks, seconds = _all_clocks()
    yield Figure("all clocks of 100,000 open tickets", seconds, "s", limit=5, remark=f"{clocks:,} clocks of two policies")


def _each(work: Callable[[], object], times: int = 50_000) -> float:
    return min(_seconds(work, times) for _ in range(5)) / times * 1e6


def _seconds(work: Callable[[], object], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        work()
    return time.process_time() - began


def _all_clocks() -> tuple[int, float]:
    """A tenth of the tickets, ten times over: so many at once would measure the memory."""
    promises, some = _promises(), [_a_ticket(n) for n in range(TICKETS // 10)]
    found = sum(len(measure(promises, seen).clocks) for seen in some)
    gc.disable()
    began = time.process_time()
    for _ in range(10):
        for seen in some:
            measure(promises, seen)
    spent = time.process_time() - began
    gc.enable()
    return found * 10, spent


def _promises() -> Promises:
    """The shape of the sample desk's: two policies, four priorities, first response and resolution, pauses."""
    urgent = {"urgent": {"first_response": Span(time=H / 4), "resolution": Span(time=4 * H)}}
    all_of_them = {
        "urgent": {"first_response": Span(time=H / 2), "resolution": Span(time=8 * H)},
        "high": {"first_response": Span(time=H), "resolution": Span(days=1)},
        "normal": {"first_response": Span(time=4 * H), "resolution": Span(days=3)},
        "low": {"first_response": Span(days=1), "resolution": Span(days=10)},
    }
    first = short_form("critical", urgent, applies_to=is_word("type", "incident"), calendar="always")
    rest = short_form("standard", all_of_them, calendar="office", pause_in=frozenset({"pending", "on_hold"}))
    return Promises.of(Bundle(hash="", policies=(first, rest), calendars={"office": OFFICE, "always": Calendar(always=True)}))


def _a_ticket(n: int) -> Observation:
    """An open ticket of the last month: taken up, half of them answered, a third of them once in pending."""
    random = Random(n)
    created = END - timedelta(minutes=random.randrange(60 * 24 * 30))
    rows = [(Status.NEW, Status.OPEN, 20)]
    if n % 3 == 0:
        rows += [(Status.OPEN, Status.PENDING, 90), (Status.PENDING, Status.OPEN, 240)]
    changes = tuple(Change(field="status", before=a, after=b, at=created + timedelta(minutes=m)) for a, b, m in rows)
    said = Comment(id="1", at=created + timedelta(minutes=45), text="We are looking into it.", public=True, role=Role.AGENT)
    ticket = Ticket(
        ref=TicketRef("zendesk-eu", str(n)),
        subject="It does not work",
        status=Status.OPEN,
        type=random.choice([Type.INCIDENT, Type.QUESTION, Type.REQUEST]),
        priority=random.choice([*Level]),
        created_at=created,
        updated_at=created + timedelta(minutes=300),
        version="1",
    )
    return Observation(ticket=ticket, now=END, changes=changes, comments=(said,) if n % 2 else ())
