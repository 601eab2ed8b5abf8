"""Two real daemons on one store climb the same ladders: every stage of every ticket once, also what waits for the calendar to open."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from gateway.clock import now
from gateway.store.opening import opened
from gateway.store.schema import approval, stage
from tests.gateway.program import Desk, Program, in_background, until

pytestmark = pytest.mark.slow
TICKETS = 12
LADDER = """version: 1
calendars: {{ office: {{ timezone: UTC, open: {{ mon-sun: "{opens}-{closes}" }} }} }}
sla_policies:
  incidents:
    applies_to: {{ type: incident }}
    calendar: office
    clocks: {{ resolution: {{ targets: [{{ within: 20s, hours: calendar }}] }} }}
rules:
  - id: climb
    catch_up: all
    when: {{ sla: resolution }}
    stages:
      - {{ at: 25%, then: [{{ set: {{ priority: high }} }}, {{ reply: {{ text: "We are at it." }} }}] }}
      - at: 50%
        then: [{{ approval: {{ ask: leads, within: 4h, question: "More people?", approved: [{{ tag: {{ add: [more] }} }}] }} }}]
      - {{ at: 75%, deliver: business_hours, then: [{{ notify: {{ to: leads, text: "{{{{ ticket.ref }}}} is late" }} }}] }}
      - {{ at: breach, then: [{{ note: {{ text: "It is broken." }} }}] }}
"""


@pytest.fixture
def climbing(program: Program, desk: Desk, tmp_path: Path) -> Iterator[Desk]:
    """Two daemons at work on a desk whose office opens within the next two minutes."""
    opens = (now() + timedelta(seconds=80)).astimezone(UTC)
    text = LADDER.format(opens=f"{opens:%H:%M}", closes=f"{opens + timedelta(hours=6):%H:%M}")
    desk.write("rules/10-all.yaml", text)
    (desk.folder / "tests/all.test.yaml").unlink()
    assert program("-C", desk, "run", "--once").code == 0
    with (
        (tmp_path / "log").open("w") as log,
        in_background("-C", desk, "run", log=log),
        in_background("-C", desk, "run", log=log),
    ):
        yield desk


def test_two_daemons_climb_each_ladder_once(climbing: Desk) -> None:
    keys = [climbing.customer_writes(f"Ladder {n}", type="incident") for n in range(TICKETS)]
    until(lambda: len(_told(climbing, "is late")) >= TICKETS and len(climbing.effects(kind="note")) >= TICKETS, 180)

    once = Counter(dict.fromkeys(keys, 1))
    assert Counter(e.key for e in climbing.effects(kind="reply")) == once
    assert Counter(e.key for e in climbing.effects(kind="note")) == once
    raised = [e.key for e in climbing.effects(kind="update") if "priority" in e.detail["fields"]]
    assert Counter(raised) == once
    assert Counter(_told(climbing, "is late")) == Counter({f"desk:{key} is late": 1 for key in keys})
    assert len(_told(climbing, "More people?")) == TICKETS
    assert Counter(_column(climbing, approval.c.key)) == once
    assert Counter(_column(climbing, stage.c.key)) == Counter(dict.fromkeys(keys, 4))


def _told(desk: Desk, what: str) -> list[str]:
    """The texts that went to the leads with these words."""
    path = desk.folder / ".ticketgate" / "leads.jsonl"
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [said["text"] for said in map(orjson.loads, lines) if what in said["text"]]


def _column(desk: Desk, column: sa.Column[str]) -> list[str]:
    store = opened(f"sqlite:///{next(desk.folder.rglob('*.db'))}")
    with store.reading() as db:
        found = list(db.execute(sa.select(column)).scalars())
    store.close()
    return found
