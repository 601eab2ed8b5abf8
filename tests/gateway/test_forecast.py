"""When long work ends, as its progress says it."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.forecast import AFTER, Forecast
from tests.gateway.program import Desk, Program

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("forecast", "done", "now", "said"),
    [
        (Forecast(48_000), 12_000, 30.0, " of about 48,000; ends about 12:01Z (in 2 min)"),
        (Forecast(48_000), 12_000, 600.0, " of about 48,000; ends about 12:30Z (in 30 min)"),
        (Forecast(48_000), 1_000, 600.0, " of about 48,000; ends about 19:50Z (in 7 h 50 min)"),
        (Forecast(48_000, before=40_000, began=100.0), 44_000, 140.0, " of about 48,000; ends about 12:00Z (in 40 s)"),
        (Forecast(48_000), 100, AFTER / 2, " of about 48,000"),
        (Forecast(None), 12_000, 30.0, ""),
        (Forecast(10), 12, 30.0, "; ends about 12:00Z (in 0 s)"),
    ],
)
def test_a_forecast_is_said_as_far_as_it_can_be_told(forecast: Forecast, done: int, now: float, said: str) -> None:
    assert forecast.said(done, now, NOON) == said


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.floats(0, 10**6))
def test_work_that_goes_on_as_before_ends_when_it_was_said_to(total: int, done: int, took: float) -> None:
    left = Forecast(total).left(done, took)

    if left is not None and done < total:
        assert took / done == pytest.approx((took + left) / total)
    assert left is None or left >= 0


def test_a_backfill_says_as_json_how_much_there_is(program: Program, desk: Desk) -> None:
    desk.tickets(3)
    desk.tickets(2, "other")

    done = program("-C", desk, "--format", "json", "backfill", "--yes")

    said = [orjson.loads(line) for line in done.err.splitlines() if '"progress"' in line]
    assert [(one["what"], one["done"], one["total"], one["ends_at"]) for one in said] == [("backfill backfill-1", 3, 5, None)]
    assert done.lines[-1]["type"] == "summary"
