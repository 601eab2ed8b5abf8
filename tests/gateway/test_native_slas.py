"""What a system says of its own SLAs stands beside what our clocks say, and where the two differ, nobody is left to find out."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import NativeSla, metric_named
from connectors.errors import Rejected
from connectors.memory import MemoryConnector
from gateway.cli.native import native_json, native_lines
from gateway.config import FiguresConfig
from gateway.reports.asking import Desk, reported
from gateway.standing import observed
from gateway.store import lives, native
from rules.engine import Engine
from rules.ticket import TicketRef
from tests.gateway.memory_desk import START, Office, an_office
from tests.gateway.test_breaches import rules


class Telling(MemoryConnector):
    """A system that finds its first response broken, and its resolution under way."""

    abilities = type(MemoryConnector.abilities)(
        **{name: getattr(MemoryConnector.abilities, name) for name in MemoryConnector.abilities.__dataclass_fields__} | {"slas": True}
    )
    silent = False

    def native_slas(self, key: str) -> tuple[NativeSla, ...]:
        if self.silent:
            raise Rejected(self.connection, "no SLA application here")
        due = START + timedelta(minutes=5)
        return (
            NativeSla(name="Time to first response", metric="first_response", state="ended", breached=True, due_at=due, stopped_at=due),
            NativeSla(name="Time to close the case", metric="resolution", state="running", breached=False),
        )


def answered(office: Office) -> TicketRef:
    office.round()
    ref = office.customer_writes()
    office.round()
    office.reply(ref, "Hello.", by="agent")
    office.round()
    return ref


def sla_report(office: Office) -> Any:
    desk, now = Desk(office.gateway.cycle.book.bundle, FiguresConfig()), office.hands.now
    with office.gateway.store.reading() as db:
        return reported("sla", desk, desk.asked(START - timedelta(days=9), now, now, None), db)


def test_both_verdicts_are_counted_and_a_difference_is_named(tmp_path: Path) -> None:
    with an_office(tmp_path, rules("1h"), connector=Telling) as office:
        ref = answered(office)
        found = sla_report(office)
    rows = [dict(zip([c.name for c in found.columns], row, strict=True)) for row in found.rows]
    first = {row["says"]: (row["met"], row["breached"]) for row in rows if row["metric"] == "first_response"}
    assert first == {"we": (1, 0), "its system": (0, 1)}
    assert found.remarks == (f"first_response: we and its system differ on 1 tickets: {ref}",)


def test_the_ticket_s_own_page_of_sums_shows_both(tmp_path: Path) -> None:
    with an_office(tmp_path, rules("1h"), connector=Telling) as office:
        ref = answered(office)
        with office.gateway.store.reading() as db:
            known, slas = lives.known(db, ref), native.of_ticket(db, ref)
        assert known is not None
        standing = Engine(office.gateway.cycle.book.bundle).sla(observed(known, office.hands.now))
    text = "\n".join(line for line, _ in native_lines(slas, standing))
    assert "Time to first response (our first_response): ended, breached" in text
    assert "we say otherwise: met" in text
    assert [row["differs"] for row in native_json(slas, standing)] == [True, False]


def test_a_system_that_tells_nothing_holds_nothing_up(tmp_path: Path) -> None:
    with an_office(tmp_path, rules("1h"), connector=Telling) as office:
        office.connectors["desk"].silent = True  # type: ignore[attr-defined]
        answered(office)
        assert not sla_report(office).remarks


@pytest.mark.parametrize(
    ("name", "metric"),
    [("Time to first response", "first_response"), ("Priority 1 resolution (1 hour)", "resolution"), ("Change approval", None)],
)
def test_the_name_of_an_sla_says_which_promise_it_is_or_nothing(name: str, metric: str | None) -> None:
    assert metric_named(name) == metric
