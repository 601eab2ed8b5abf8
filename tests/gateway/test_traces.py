"""What `why` tells is what happened: each record, judged again, gives the plan that was carried out; old records go, open ones stay."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors.errors import Transient
from connectors.memory import Failure
from gateway.config import RetentionConfig
from gateway.store import actions, passes, pausing
from gateway.store.schema import pass_
from rules.engine import Engine
from rules.ticket import replace
from tests.gateway.memory_desk import Office, an_office

RULES = """
version: 1
calendars: { office: { always: true } }
sla_policies:
  standard: { applies_to: { type: incident }, calendar: office, targets: { normal: { first_response: 1h } } }
rules:
  - id: route
    when: created
    if: { group: { empty: true } }
    then: [{ assign: { group: tier-1 } }]
  - id: greet
    when: [created, customer_replied]
    then: [{ reply: { text: "We have it." } }]
    limits: { per_ticket: 1 per 1h }
  - id: questions
    when: created
    if: { type: question }
    then: [{ tag: { add: [q] } }]
  - id: tried
    mode: shadow
    when: updated
    then: [{ set: { priority: urgent } }]
  - id: stopped
    when: customer_replied
    then: [{ tag: { add: [never] } }]
  - id: broken
    when: customer_replied
    then: [{ note: { text: "{% if ticket.subject > 3 %}x{% endif %}" } }]
  - id: climb
    when: { sla: first_response }
    stages:
      - { at: 50%, then: [{ notify: { to: leads, text: hurry } }] }
      - { at: breach, then: [{ raise_priority: high }] }
  - id: echo
    when: { changed: priority }
    react_to_own_changes: true
    then: [{ tag: { add: [raised] } }]
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A day with limits reached, a shadow rule, a paused one, one that raises, stages, and reactions to our own changes."""
    with an_office(tmp_path, RULES) as office:
        office.round()
        with office.gateway.store.writing() as db:
            pausing.pause(db, "stopped", "a test", "ana", office.hands.now)
        refs = [office.customer_writes(f"Fire {n}") for n in range(3)]
        office.round()
        office.reply(refs[0], "Urgent!")
        office.round()
        office.hands.move(minutes=31)
        office.round()
        office.edit(refs[1], priority="high")
        office.hands.move(hours=2)
        office.round()
        yield office


def recorded(office: Office) -> list[passes.Pass]:
    with office.gateway.store.reading() as db:
        found = [passes.by_id(db, id) for id in db.execute(sa.select(pass_.c.id)).scalars()]
    return [one for one in found if one is not None]


def test_every_record_judged_again_gives_the_very_plan_that_was_carried_out(office: Office) -> None:
    engine, kept = Engine(office.gateway.cycle.book.bundle), recorded(office)
    whats = set()
    for one in kept:
        told = engine.explain(one.observation)
        assert told.plan == one.plan
        assert sum(len(ruleset.rules) for ruleset in told.sets) >= 8, "each rule has its line"
        whats |= {considered.what for ruleset in told.sets for considered in ruleset.rules}
    assert whats >= {"fired", "shadow", "limited", "paused", "failed", "condition", "no_event", "no_stage"}


def test_old_records_go_and_what_was_written_stays_known(office: Office) -> None:
    many = len(recorded(office))
    office.hands.move(days=89)
    office.daemon().tidy()
    assert len(recorded(office)) == many
    office.hands.move(days=2)
    office.daemon().tidy()
    assert recorded(office) == []
    with office.gateway.store.reading() as db:
        assert actions.counts(db)["done"] > 0


def test_a_record_by_which_an_action_is_still_to_be_carried_on_stays(office: Office) -> None:
    office.connectors["desk"].failures += [Failure(Transient("desk", "away", retry_after=9), "update")] * 50
    office.customer_writes("Fire again")
    office.round()
    office.hands.move(days=100)
    office.daemon().tidy()
    assert [one.ref.key for one in recorded(office)] == ["M-4"]


def test_the_settings_say_how_long_and_a_few_go_at_a_time(office: Office) -> None:
    many = len(recorded(office))
    office.hands.move(days=2)
    with office.gateway.store.writing() as db:
        assert passes.forget_before(db, office.hands.now, most=2) == 2
    assert len(recorded(office)) == many - 2
    config = office.gateway.config.model_copy(update={"retention": RetentionConfig(traces=timedelta(days=1))})
    replace(office.gateway, config=config).daemon().tidy()
    assert recorded(office) == []
