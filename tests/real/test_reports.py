"""Reports over a real log of incidents that was backfilled: they say what the log itself says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Custom
from gateway.assemble import Gateway
from gateway.config import FiguresConfig
from gateway.reports.asking import Desk, reported
from gateway.reports.report import Report
from tests.real.test_incident_log import LOGS, backfilled, gateway_over, served

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not LOGS, reason="TICKETGATE_REAL_DATA names no folder with incident logs")]
FIELDS = """
fields:
  opened_at: { type: time, from: { log: opened_at } }
  resolved_at: { type: time, from: { log: resolved_at } }
  made_sla: { type: boolean, from: { log: made_sla } }
"""
FIGURES = FiguresConfig.model_validate({"opened_at": "custom.opened_at", "resolved_at": "custom.resolved_at", "sla_met": "custom.made_sla"})


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    path = next(path for path in LOGS if "sample" not in path.name)
    custom = (*(Custom(name, name, "time") for name in ("opened_at", "resolved_at")), Custom("made_sla", "made_sla", "boolean"))
    with served(path, "end", custom) as one, gateway_over(one, tmp_path_factory.mktemp("log"), FIELDS) as (gateway, hands):
        assert backfilled(gateway, hands).failed == 0
        yield gateway


def report(gateway: Gateway, name: str, by: str | None = None) -> Report:
    desk = Desk(gateway.cycle.book.bundle, FIGURES)
    asked = desk.asked(datetime(2015, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), by)
    with gateway.store.reading() as db:
        return reported(name, desk, asked, db)


def rows(report: Report) -> list[dict[str, Any]]:
    return [dict(zip([c.name for c in report.columns], row, strict=True)) for row in report.rows]


def test_the_share_that_met_its_sla_is_the_log_s_own(gateway: Gateway) -> None:
    (row,) = rows(report(gateway, "sla"))
    assert (row["says"], row["met"], row["met"] + row["breached"]) == ("its system", 15_803, 24_918)
    assert row["compliance"] == pytest.approx(15_803 / 24_918)


def test_the_median_time_to_resolve_is_that_of_the_incidents_that_have_one(gateway: Gateway) -> None:
    found = report(gateway, "resolution")
    row = rows(found)[0]
    assert (row["count"], row["median"]) == (23_362, timedelta(hours=22.1))
    assert found.excluded == (("settled, and nobody can tell when", 24_918 - 23_362),)


@pytest.mark.parametrize("name", ["sla", "response", "resolution", "backlog", "repeat", "volume"])
def test_each_report_over_all_incidents_counts_something(gateway: Gateway, name: str) -> None:
    """How long it takes is measured by `make bench`: a test must not depend on how busy its machine is."""
    found = report(gateway, name, "group")
    assert found.rows or name in ("response", "backlog")
