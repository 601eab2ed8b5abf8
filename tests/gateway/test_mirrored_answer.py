"""An engineer's reply that we copy to the customer answers the customer: the first response is given, and no rule is set off."""

from pathlib import Path

import pytest

from gateway.standing import observed
from gateway.store import lives
from rules.engine import Engine
from rules.sla import SlaClock
from rules.ticket import Role, TicketRef
from tests.gateway.memory_desk import Office, an_office
from tests.gateway.test_pairs import SYNC

RULES = f"""{SYNC}
  - id: late
    when: {{ sla: first_response }}
    if: {{ connection: desk }}
    stages: [{{ at: breach, then: [{{ note: {{ text: Late. }} }}] }}]
  - id: thanks
    when: agent_replied
    if: {{ connection: desk }}
    then: [{{ note: {{ text: Somebody answered. }} }}]
sla_policies:
  standard: {{ applies_to: {{ type: incident }}, targets: {{ normal: {{ first_response: 1h }} }} }}
"""


def first_response(office: Office, ref: TicketRef) -> SlaClock:
    with office.gateway.store.reading() as db:
        known = lives.known(db, ref)
    assert known is not None
    clock = Engine(office.gateway.cycle.book.bundle).sla(observed(known, office.hands.now)).clock("first_response")
    assert clock is not None
    return clock


@pytest.mark.parametrize(("by", "state", "notes"), [("agent", "met", 0), ("customer", "breached", 1)])
def test_the_copy_of_an_agent_s_reply_stops_the_first_response(tmp_path: Path, by: str, state: str, notes: int) -> None:
    with an_office(tmp_path, RULES, ("desk", "core")) as office:
        office.round()
        ref = office.customer_writes(tags=("engineering",))
        office.round()
        partner = TicketRef("core", office.systems["core"].keys()[0])
        office.reply(partner, "Fixed in the next release", by=by)
        for _ in range(3):
            office.round()
        assert [c["text"].splitlines()[-1] for c in office.shown(ref)["comments"]] == ["Fixed in the next release"]

        office.hands.move(hours=2)
        office.round()

        assert first_response(office, ref).state == state
        assert len(office.effects("desk", "note")) == notes, "late or not; and our copy sets off no rule"
        with office.gateway.store.reading() as db:
            known = lives.known(db, ref)
        assert known is not None
        assert [c.speaks_for for c in known.comments if c.ours and c.public] == [Role(by)]
