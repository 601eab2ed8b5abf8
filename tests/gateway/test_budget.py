"""One request budget for each connection: fed by what the systems say, shared by processes, a reserve kept for live work."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import load
from connectors.allowance import Allowance, allowance_of, closed_for, retry_after
from connectors.base import Connector
from connectors.errors import Transient
from connectors.shared import Shared
from connectors.zendesk.settings import ZendeskSettings
from gateway.budget import GOOD_FOR, LONGEST, StoredMeter
from gateway.store import budgets
from gateway.store.opening import opened
from gateway.store.schema_systems import budget
from tests.gateway.program import Desk, Program
from tests.rigs import a_sample, rigged, served

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DATE = "Mon, 02 Mar 2026 12:00:00 GMT"
NAMES = ("x-ratelimit-limit", "x-ratelimit-reset", "ratelimit", "ratelimit-limit", "ratelimit-reset", "date", "sforce-limit-info")
TIGHTER = {"ratelimit-limit": "100", "ratelimit-remaining": "7", "ratelimit-reset": "41"}


class Time:
    """The wall's and the steady clock in one; sleeping moves it."""

    def __init__(self) -> None:
        self.now, self.slept = NOW, 0.0

    def wall(self) -> datetime:
        return self.now

    def steady(self) -> float:
        return (self.now - NOW).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = f"sqlite:///{tmp_path_factory.mktemp('budget')}/desk.db"
    opened(made).close()
    return made


@pytest.fixture
def url(address: str) -> str:
    return emptied(address)


def emptied(address: str) -> str:
    store = opened(address)
    with store.writing() as db:
        db.execute(sa.delete(budget))
    store.close()
    return address


@contextmanager
def meter(url: str, time: Time, *, long: bool = False) -> Iterator[StoredMeter]:
    made = StoredMeter(url, "desk", long=long, wall=time.wall, steady=time.steady, sleep=time.sleep)
    yield made
    made.close()


def kept(url: str) -> budgets.Budget:
    store = opened(url)
    with store.reading() as db:
        found = budgets.of(db, "desk")
    store.close()
    return found


def asked(meter: StoredMeter, system: "System", many: int = 1, *, writing: bool = False) -> int:
    """So many requests, until one may not leave; how many left."""
    for n in range(many):
        try:
            meter.before(writing=writing)
        except Transient:
            return n
        meter.after(*system.answer())
    return many


class System:
    """A vendor that allows so many requests in a window, and says so."""

    def __init__(self, time: Time, limit: int, window: float = 60.0, *, tells: bool = True) -> None:
        self._time, self.limit, self._window, self._tells = time, limit, timedelta(seconds=window), tells
        self._begun, self.used, self.refused = time.now, 0, 0

    def answer(self) -> tuple[Allowance | None, float | None]:
        if self._time.now >= self._begun + self._window:
            self._begun, self.used = self._time.now, 0
        self.used += 1
        left, resets = self.limit - self.used, (self._begun + self._window - self._time.now).total_seconds()
        if left < 0:
            self.refused += 1
            return Allowance(self.limit, 0, resets), resets
        return Allowance(self.limit, left if self._tells else None, resets), None


# What the systems say


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, None),
        ({"x-rate-limit": "700", "x-rate-limit-remaining": "699"}, Allowance(700, 699, 60.0)),
        (TIGHTER, Allowance(100, 7, 41.0)),
        ({"x-rate-limit": "700", "x-rate-limit-remaining": "699"} | TIGHTER, Allowance(100, 7, 41.0)),
        ({"sforce-limit-info": "api-usage=4999/5000"}, Allowance(5000, 1, 900.0)),
        ({"sforce-limit-info": "per-app-api-usage=17/250(appName=x), api-usage=18/5000"}, Allowance(5000, 4982, 900.0)),
        ({"sforce-limit-info": "api-usage=5200/5000"}, Allowance(5000, 0, 900.0)),
        ({"x-ratelimit-limit": "1000", "x-ratelimit-reset": "1772454600", "date": DATE}, Allowance(1000, None, 1800.0)),
        ({"x-ratelimit-limit": "1000", "x-ratelimit-reset": "1772454600"}, None),  # without its own moment nothing can be reckoned
        ({"x-ratelimit-limit": "100", "x-ratelimit-remaining": "99"}, None),  # Jira's bursts are over within a second
        (
            {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-03-02T12:10:00Z", "date": DATE},
            Allowance(100, 0, 600.0),
        ),
        ({"x-ratelimit-limit": "50", "x-ratelimit-remaining": "9", "x-ratelimit-interval-seconds": "60"}, Allowance(50, 9, 60.0)),
        (
            {"ratelimit": '"jira-quota-tenant-based";r=200;t=1200', "ratelimit-policy": '"jira-quota-tenant-based";q=65000;w=3600'},
            Allowance(65000, 200, 1200.0),
        ),
        (
            {"beta-ratelimit": '"a";r=9;t=60, "b";r=1;t=30', "beta-ratelimit-policy": '"a";q=10;w=60, "b";q=100;w=60'},
            Allowance(100, 1, 30.0),
        ),
        ({"ratelimit": "nonsense", "x-rate-limit": "many", "sforce-limit-info": "?"}, None),
    ],
)
def test_what_each_system_s_headers_say_is_read_into_one_form(headers: Mapping[str, str], told: Allowance | None) -> None:
    assert allowance_of(headers) == told


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=20), max_size=4))
@settings(max_examples=50, deadline=None)
def test_no_header_whatever_it_holds_breaks_the_reading(headers: dict[str, str]) -> None:
    told = allowance_of(headers)

    assert told is None or (0.0 <= told.resets_in <= 3600.0 and (told.left or 0) >= 0)


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("1000000000", 3600.0),
        ("inf", 3600.0),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Mon, 02 Mar 2026 12:00:30 GMT", 30.0),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0.0),
        ("Tue, 02 Mar 2027 12:00:00 GMT", 3600.0),
        (None, None),
    ],
)
def test_retry_after_is_read_in_every_legal_form(said: str | None, wait: float | None) -> None:
    headers = {"date": DATE, **({"retry-after": said} if said is not None else {})}

    assert retry_after(said, DATE) == wait
    assert (closed_for(429, headers), closed_for(503, headers), closed_for(200, headers)) == (wait, wait, None)


def test_a_limit_on_one_issue_closes_that_issue_alone() -> None:
    assert closed_for(429, {"retry-after": "9", "ratelimit-reason": "jira-per-issue-on-write"}) is None


# What is done about it


def test_a_system_that_says_nothing_of_limits_is_asked_as_ever(url: str, time: Time) -> None:
    with meter(url, time) as asks:
        for _ in range(1000):
            asks.before(writing=False)
            asks.after(None, None)

    assert time.slept == 0.0


def test_a_refusal_closes_the_connection_for_all_processes_until_its_moment(url: str, time: Time) -> None:
    with meter(url, time) as mine, meter(url, time) as other:
        other.before(writing=False)
        mine.before(writing=False)
        mine.after(None, 30.0)

        with pytest.raises(Transient, match="12:00:30Z") as refused:
            mine.before(writing=True)
        time.sleep(GOOD_FOR)
        with pytest.raises(Transient):
            other.before(writing=False)
        time.sleep(29.0)

        assert refused.value.retry_after == 30.0
        mine.before(writing=True)
        other.before(writing=False)


def test_a_shorter_refusal_does_not_open_what_a_longer_one_closed(url: str, time: Time) -> None:
    with meter(url, time) as asks:
        asks.before(writing=False)
        asks.after(None, 60.0)
        asks.after(None, 5.0)
        time.sleep(30.0)

        with pytest.raises(Transient):
            asks.before(writing=False)


@pytest.mark.parametrize("tells", [True, False], ids=["the system counts", "we count"])
def test_no_request_is_refused_by_the_system_because_we_stop_before(url: str, time: Time, tells: bool) -> None:
    system = System(time, 40, tells=tells)
    with meter(url, time) as asks:
        first = asked(asks, system, 60)
        time.sleep(60.0)
        second = asked(asks, system, 60)

    assert system.refused == 0
    assert (first, second) == (40, 40)


def test_processes_share_one_budget(url: str, time: Time) -> None:
    system = System(time, 60)
    with meter(url, time) as daemon, meter(url, time) as command:
        sent = sum(asked(one, system) for _ in range(50) for one in (daemon, command))

    assert sent == system.used == 60
    assert system.refused == 0


def test_long_work_leaves_a_reserve_to_live_work_and_goes_on_when_the_window_is_over(url: str, time: Time) -> None:
    system = System(time, 100)
    with meter(url, time, long=True) as backfill, meter(url, time) as daemon:
        asked(backfill, system, 80)
        assert time.slept == 0.0
        live = asked(daemon, system, 15)
        asked(backfill, system)

    assert live == 15
    assert 0.0 < time.slept <= 60.0 + 5.0
    assert system.refused == 0


def test_long_work_that_would_wait_too_long_says_when_to_go_on(url: str, time: Time) -> None:
    system = System(time, 10, window=3600.0)
    with meter(url, time, long=True) as backfill:
        sent = asked(backfill, system, 20)
        with pytest.raises(Transient, match="kept for live work; the next may leave at 13:00:00Z"):
            backfill.before(writing=False)

    assert sent == 8
    assert time.slept < LONGEST


def test_a_write_of_long_work_waits_for_nothing_while_it_holds_its_ticket(url: str, time: Time) -> None:
    system = System(time, 10)
    with meter(url, time, long=True) as backfill:
        asked(backfill, system, 8)
        with pytest.raises(Transient):
            backfill.before(writing=True)

    assert time.slept == 0.0


def test_what_was_taken_and_not_asked_is_given_back(url: str, time: Time) -> None:
    system = System(time, 3600, window=3600.0, tells=False)
    for _ in range(10):
        with meter(url, time) as command:
            asked(command, system, 2)
        time.sleep(30.0)

    left = kept(url).left
    assert left is not None
    assert left >= 3600 - 2 * 10 - 2


TURNS = st.lists(st.tuples(st.sampled_from([0.0, 0.0, 0.5, 20.0, 70.0]), st.integers(1, 5), st.booleans()), max_size=12)


@given(turns=TURNS, limit=st.integers(1, 12), long=st.booleans())
@settings(max_examples=12, deadline=None)
def test_however_requests_and_moments_fall_the_system_never_has_to_refuse_one_process(
    address: str, turns: list[tuple[float, int, bool]], limit: int, long: bool
) -> None:
    time = Time()
    system = System(time, limit)
    with meter(emptied(address), time, long=long) as asks:
        for pause, many, writing in turns:
            time.sleep(pause)
            asked(asks, system, many, writing=writing)

    assert system.refused == 0


def test_a_clock_that_was_set_back_keeps_nobody_waiting_for_longer_than_a_window(url: str, time: Time) -> None:
    with meter(url, time) as asks:
        asks.before(writing=False)
        asks.after(Allowance(10, 0, 60.0), 60.0)
        time.now -= timedelta(days=1)

        asks.before(writing=False)

    assert time.slept <= 60.0


def test_where_there_is_no_store_none_is_begun(tmp_path: Path, time: Time) -> None:
    with meter(f"sqlite:///{tmp_path}/none.db", time) as asks:
        asks.before(writing=False)
        asks.after(Allowance(10, 0, 60.0), 60.0)

    assert not (tmp_path / "none.db").exists()


# Over the wire, and where people see it


def test_what_a_real_session_hears_is_what_all_processes_know(url: str, time: Time) -> None:
    with served("zendesk") as port, rigged("zendesk", port) as rig:
        rig.sandbox.window.limit = 5
        said = ZendeskSettings(**rig.settings())
        key = rig.load(a_sample())[0]

        def process() -> Connector:
            made = load("zendesk").opened("desk", said, shared=Shared(meter=StoredMeter(url, "desk")))
            rig.opened.append(made)
            return made

        first, second = process(), process()
        for _ in range(2):
            first.fetch(key)
        for _ in range(3):
            second.fetch(key)
        for one in (first, second, process()):
            with pytest.raises(Transient, match="no more requests for now") as refused:
                one.fetch(key)
            assert 0.0 < (refused.value.retry_after or 0.0) <= 60.0

        assert all(e.answer is None or e.answer.status != 429 for e in port.exchanges)  # type: ignore[union-attr]


def test_status_shows_a_connection_without_requests_as_paused_until_its_window_ends(program: Program, desk: Desk) -> None:
    desk.tickets(1)
    program("-C", desk, "run", "--once")
    store = opened(f"sqlite:///{desk.folder}/.ticketgate/desk.db")
    until = datetime.now(UTC) + timedelta(minutes=30)
    with store.writing() as db:
        name = db.execute(sa.text("select connection from cursor order by connection")).scalars().first()
        budgets.heard(db, str(name), Allowance(5000, 4000, 1800.0), datetime.now(UTC))

    assert "4,000 of 5,000 requests left" in program("-C", desk, "status").out
    with store.writing() as db:
        budgets.closed(db, str(name), until)
    store.close()
    done = program("-C", desk, "status")
    assert f"PAUSED until {until:%H:%M:%S}Z" in done.out
    said = next(one for one in program("-C", desk, "--format", "json", "status").lines[-1]["connections"] if one["connection"] == name)
    assert (said["state"], said["requests"]["left"]) == ("paused", 4000)
    assert datetime.fromisoformat(said["paused_until"]) == until
