"""`why`, `ticket`, `status`, `doctor`: what an operator looks at; nothing that is asked for wrongly looks like an answer."""

import re

import pytest
import sqlalchemy as sa

from connectors.sandbox import Deed, Sample
from gateway.clock import now
from gateway.store import bundles, schema
from gateway.store.opening import opened
from tests.gateway.program import Desk, Program


@pytest.fixture
def run(program: Program, desk: Desk) -> Desk:
    """An old ticket that was adopted, and a new one that was acted on."""
    desk.tickets(1)
    program("-C", desk, "run", "--once")
    desk.customer_writes("Printer on fire")
    program("-C", desk, "run", "--once")
    return desk


def test_why_names_rule_line_value_and_what_was_written(program: Program, run: Desk) -> None:
    done = program("-C", run, "why", "desk:M-2")
    assert (done.code, done.err) == (0, "")
    assert 'desk:M-2  "Printer on fire"   events: created' in done.out
    assert "2 considered, 2 matched" in done.out
    assert "✓ route" in done.out
    assert "group      (empty) → tier-1" in done.out
    assert "done       update     desk:M-2" in done.out


def test_why_says_where_it_was_written_when_and_how_long_it_took(program: Program, run: Desk) -> None:
    out = program("-C", run, "why", "desk:M-2").out
    assert re.search(r"group +\(empty\) → tier-1\n +tags +\+ routed\n +written to desk \d\d:\d\d:\d\dZ, 1 request, \d+ ms\n", out)


def test_why_names_the_other_passes_and_shows_each(program: Program, run: Desk) -> None:
    run.system().people(Deed(kind="set", key="M-2", by="agent", fields={"priority": "high"}))
    program("-C", run, "run", "--once")
    last = program("-C", run, "--format", "json", "why", "desk:M-2").lines[0]
    assert "changed:priority=high" in last["happened"]
    assert [(one["events"], one["fired"]) for one in last["passes"]] == [("created", ["route", "acknowledge"])]
    earlier = program("-C", run, "why", "desk:M-2", "--pass", last["passes"][0]["pass"])
    assert "✓ route" in earlier.out
    assert f"{last['pass']} " in earlier.out


def test_a_rule_that_did_not_act_shows_the_value_seen_and_the_test_that_decided(program: Program, run: Desk) -> None:
    key = run.customer_writes("A question", type="question")
    program("-C", run, "run", "--once")
    (said,) = program("-C", run, "--format", "json", "why", f"desk:{key}").lines
    rules = {one["rule"]: one for one in said["sets"][0]["rules"]}
    assert rules["route"]["what"] == "condition"
    type_, group = rules["route"]["condition"]["parts"]
    assert (type_["written"], type_["held"], type_["seen"], type_["line"]) == ("type is incident", False, "'question'", 5)
    assert (group["written"], group["held"]) == ("group empty true", None)
    assert (said["differs"], said["judged_by"]) == ("", "recorded")


def test_a_record_that_this_release_would_decide_otherwise_is_not_passed_off_as_what_happened(program: Program, run: Desk) -> None:
    store = opened(f"sqlite:///{run.folder}/.ticketgate/desk.db")
    with store.writing() as db:
        force = bundles.running(db)
        assert force is not None
        sources = bundles.sources(db, force.hash) or {}
        text = sources["rules/10-all.yaml"].replace("tier-1", "tier-9")
        db.execute(sa.delete(schema.bundle))
        bundles.keep(db, force.hash, {**sources, "rules/10-all.yaml": text}, now())
    store.close()
    out = program("-C", run, "why", "desk:M-2").out
    assert "! judged again, these rules decide otherwise than they did then" in out
    assert "done       update     desk:M-2: group (empty) → tier-1" in out


def test_why_in_json_links_every_result_to_a_line(program: Program, run: Desk) -> None:
    (said,) = program("-C", run, "--format", "json", "why", "desk:M-2").lines
    rules = said["sets"][0]["rules"]
    assert [(r["rule"], r["what"], r["file"], r["line"]) for r in rules] == [
        ("route", "fired", "rules/10-all.yaml", 3),
        ("acknowledge", "fired", "rules/10-all.yaml", 9),
    ]
    assert {w["state"] for w in said["written"]} == {"done"}


def test_why_for_one_rule_for_one_pass_and_by_other_files(program: Program, run: Desk) -> None:
    assert "acknowledge" not in program("-C", run, "why", "desk:M-2", "--rule", "route").out.partition("written")[0]
    assert "✓" not in program("-C", run, "why", "desk:M-2", "--only", "failed").out.partition("written")[0]
    (said,) = program("-C", run, "--format", "json", "why", "desk:M-2").lines
    assert program("-C", run, "why", "desk:M-2", "--pass", said["pass"]).code == 0
    run.swap("rules/10-all.yaml", "type: incident, group", "type: question, group")
    for path in (run.folder, run.folder / "rules"):
        assert "✗ route" in program("-C", run, "why", "desk:M-2", "--rules", path).out
    assert "✓ route" in program("-C", run, "why", "desk:M-2").out


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["desk:M-1"], 8, "desk:M-1 was adopted"),
        (["desk:M-99"], 8, "desk:M-99 was never seen"),
        (["nope:1"], 8, "There is no connection called 'nope'; there are desk, other."),
        (["M-2"], 2, "write connection:key"),
        (["desk:M-2", "--pass", "zz"], 8, "has no pass zz"),
        (["desk:M-2", "--rule", "rout"], 8, "Did you mean 'route'?"),
        (["desk:M-2", "--rules", "nowhere"], 2, "there is no such folder"),
        (["desk:M-2", "--only", "some"], 2, "'--only'"),
    ],
)
def test_what_why_cannot_answer(program: Program, run: Desk, args: list[str], code: int, says: str) -> None:
    done = program("-C", run, "why", *args)
    assert (done.code, done.out) == (code, "")
    assert says in done.err


def test_before_anything_was_stored(program: Program, desk: Desk) -> None:
    assert program("-C", desk, "why", "desk:M-1").code == 8
    done = program("-C", desk, "status")
    assert done.code == 5
    assert f"`ticketgate -C {desk} run`" in done.err


def test_a_ticket_in_our_words(program: Program, run: Desk) -> None:
    done = program("-C", run, "ticket", "desk:M-2", "--history")
    assert done.code == 0
    assert "group        tier-1" in done.out
    assert "We have it." in done.out
    (said,) = program("-C", run, "--format", "json", "ticket", "desk:M-2", "--history").lines
    assert (said["type"], said["ticket"]["type"], said["ticket"]["group"]) == ("ticket", "incident", "tier-1")
    assert [c["ours"] for c in said["comments"]] == [True]
    assert said["history"]
    assert program("-C", run, "ticket", "desk:M-99").code == 8
    assert program("-C", run, "ticket", "nope:1").code == 8
    assert program("-C", run, "ticket", "nothing").code == 2


def test_a_ticket_as_its_system_sends_it(program: Program, run: Desk) -> None:
    done = program("-C", run, "ticket", "desk:M-2", "--raw")
    assert done.code == 0
    assert '"M-2"' in done.out
    (said,) = program("-C", run, "--format", "json", "ticket", "desk:M-2", "--raw").lines
    assert said["type"] == "raw"
    assert program("-C", run, "ticket", "desk:M-99", "--raw").code == 8


def test_what_customers_write_cannot_steer_the_terminal(program: Program, desk: Desk) -> None:
    evil = "fire \x1b]0;owned\x07\x1b[31m :smile: [bold]x[/bold]\nsecond line\u202e"
    desk.system().load([Sample(subject=evil, body="a\x1b[2Jb\rc", created_at=now(), type="incident")])
    for command in (["ticket", "desk:M-1"], ["plan"], ["--color", "always", "plan"]):
        said = program("-C", desk, *command).out
        assert ":smile: [bold]x[/bold] second line" in said
        assert not {"\x07", "\r", "\u202e"} & set(said)
        assert "\x1b]" not in said
        assert "\x1b[31m" not in said
        assert "\x1b[2J" not in said


def test_status_says_how_far_and_what_waits(program: Program, run: Desk) -> None:
    done = program("-C", run, "status")
    assert done.code == 0
    assert "desk               OK   read up to" in done.out
    assert "2 tickets known, 0 waiting to be looked at" in done.out
    (said,) = program("-C", run, "--format", "json", "status").lines
    assert (said["healthy"], said["tickets"]) == (True, {"desk": 2})
    assert program("-C", run, "status", "--wait", "soon").code == 2
    run.swap("ticketgate.yaml", "  other:", "  another:")
    assert "other  " not in program("-C", run, "status").out


def test_doctor_looks_at_everything(program: Program, desk: Desk) -> None:
    done = program("-C", desk, "doctor")
    assert (done.code, done.err) == (0, "")
    assert "✓ files              3 files, 2 rules, no mistakes" in done.out
    assert "✓ desk" in done.out
    assert "✓ other" in done.out
    assert "✓ other" not in program("-C", desk, "doctor", "--connection", "desk").out
    assert "not asked (--offline)" in program("-C", desk, "doctor", "--offline").out
    assert {one["ok"] for one in program("-C", desk, "--format", "json", "doctor").lines} == {True}
    assert program("-C", desk, "doctor", "--connection", "nope").code == 2
