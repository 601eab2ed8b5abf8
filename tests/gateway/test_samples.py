"""The sample tickets: equal from equal seeds, and with something for every rule of the sample desk."""

import itertools
from datetime import timedelta

from gateway.sandbox.samples import LANGUAGES, VIPS, conversation, matters, samples
from rules.ticket import Channel, Level, Status, Type
from tests.builders import NOW


def test_equal_seeds_give_equal_tickets_and_each_system_has_its_own() -> None:
    assert samples(7, 50, NOW, "jira") == samples(7, 50, NOW, "jira")
    assert samples(7, 50, NOW, "jira") != samples(8, 50, NOW, "jira")
    assert {s.subject for s in samples(7, 50, NOW, "jira")} != {s.subject for s in samples(7, 50, NOW, "zendesk")}


def test_tickets_come_oldest_first_from_the_fortnight_before_now() -> None:
    made = [s.created_at for s in samples(7, 300, NOW, "jira")]

    assert made == sorted(made)
    assert made[0] >= NOW - timedelta(days=14, seconds=1)
    assert made[-1] < NOW


def test_there_is_something_for_every_rule() -> None:
    some = samples(7, 300, NOW, "zendesk")

    assert {s.language for s in some} == set(LANGUAGES)
    assert {s.status for s in some} == set(Status)
    assert {s.type for s in some} <= set(Type)
    assert {s.priority for s in some} == {*Level, None}
    assert {s.channel for s in some} <= set(Channel)
    assert {s.organization for s in some} >= set(VIPS)
    assert any(s.tier == "gold" and s.organization not in VIPS for s in some), "a VIP by contract alone"
    assert any("mailer-daemon" in s.email for s in some)
    assert any("engineering" in s.tags for s in some)
    assert any(s.created_at.hour < 5 for s in some)
    assert any(s.product is None for s in some)


def test_every_matter_is_told_in_every_language_and_completely() -> None:
    told = {(m.product, m.type): [] for m in matters()}  # type: ignore[var-annotated]
    for m in matters():
        told[m.product, m.type].append(m.language)

    assert all(sorted(languages) == sorted(LANGUAGES) for languages in told.values())
    assert not [s for s in samples(1, 500, NOW, "jira") if "{" in s.subject + s.body]


def test_people_act_on_what_is_there_and_make_new_tickets() -> None:
    tickets = {"A-1": "en", "A-2": "ja"}

    deeds = list(itertools.islice(conversation(7, lambda: NOW, tickets, system="jira"), 200))

    assert {d.kind for d in deeds} == {"create", "reply", "note", "set"}
    assert {d.key for d in deeds if d.kind != "create"} == {"A-1", "A-2"}
    assert {d.by for d in deeds if d.kind == "reply"} == {"customer", "agent"}
    assert all(d.sample and d.sample.status == "new" for d in deeds if d.kind == "create")
