"""The ticking clock: jobs come round whatever somebody does to the machine's clock, and none makes up for what it missed."""

import threading
import time
from datetime import datetime, timedelta
from types import FrameType

from gateway.clock import now
from gateway.ticking import EPOCH, Watch, _Ticks, each, ticking

HOUR = timedelta(hours=1)


class Set:
    """The wall's clock, which somebody sets."""

    def __init__(self, by: timedelta) -> None:
        self.by = by

    def __call__(self) -> datetime:
        return now() + self.by


def until(what: "list[float]", count: int, seconds: float = 8.0) -> bool:
    end = time.monotonic() + seconds
    while len(what) < count and time.monotonic() < end:
        time.sleep(0.05)
    return len(what) >= count


def test_a_job_goes_on_when_the_clock_is_put_back_by_an_hour() -> None:
    """Fault row F36. The job is timed by a clock that is an hour ahead; then it is set right, as the machine's own may be."""
    ran: list[float] = []
    wall, stop = Set(HOUR), threading.Event()
    with ticking({"tick": each(0.4, lambda: ran.append(time.monotonic()))}, stop, Watch(wall)):
        time.sleep(0.5)
        before = len(ran)
        wall.by = timedelta(0)
        assert until(ran, before + 4), "it stood still"
    gaps = [later - at for at, later in zip(ran[before:], ran[before + 1 :], strict=False)]
    assert all(gap > 0.2 for gap in gaps), "it did not make up for an hour"


def test_a_watch_tells_a_clock_that_was_set_from_one_that_is_corrected_and_from_a_machine_that_slept() -> None:
    wall, steady = [EPOCH], [0.0]
    watch = Watch(lambda: wall[0], lambda: steady[0])

    def goes_on(wall_by: timedelta, steady_by: timedelta) -> timedelta:
        wall[0] += wall_by
        steady[0] += steady_by.total_seconds()
        return watch.jumped()

    second = timedelta(seconds=1)
    assert goes_on(second, second) == timedelta(0)
    assert goes_on(second + HOUR, second) == HOUR
    assert goes_on(second - HOUR, second) == -HOUR
    assert goes_on(8 * HOUR, 8 * HOUR) == timedelta(0), "asleep: both went on"
    assert goes_on(1.5 * second, second) == timedelta(0), "corrected little by little"


def test_a_job_that_takes_longer_than_its_interval_is_begun_again_and_not_twice_at_once() -> None:
    at_work: list[int] = [0, 0]

    def work() -> None:
        at_work[0] += 1
        at_work[1] = max(at_work)
        time.sleep(0.15)
        at_work[0] -= 1

    stop = threading.Event()
    with ticking({"slow": each(0.05, work)}, stop):
        time.sleep(0.8)
    assert at_work[1] == 1


def test_a_job_that_wants_to_be_asked_again_at_once_is_not_lost_on_a_slow_machine() -> None:
    """The thread that ran it stands still right after it said so, as threads of a busy machine do."""

    def stand_still(frame: FrameType, event: str, _: object) -> None:
        if event == "return" and frame.f_code is _Ticks._run.__code__:
            time.sleep(0.05)

    ran: list[float] = []
    threading.setprofile(stand_still)
    try:
        with ticking({"tick": lambda: ran.append(0.0) or 0.0}, threading.Event()):
            assert until(ran, 5), "it was never run again"
    finally:
        threading.setprofile(None)


def test_no_job_waits_until_others_are_through() -> None:
    """As many systems may be slow at once as there are: leases are renewed all the same."""
    ran: list[float] = []
    go_on = threading.Event()
    slow = {f"poll-{n}": each(9.0, go_on.wait) for n in range(30)}
    with ticking({**slow, "leases": each(0.01, lambda: ran.append(0.0))}, threading.Event()):
        assert until(ran, 3)
        go_on.set()
