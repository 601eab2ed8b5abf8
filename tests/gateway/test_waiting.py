"""Patience, clocks, and messages to people."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from pydantic import SecretStr

from connectors.errors import InDoubt, Rejected, Transient
from gateway import clock, failpoint
from gateway.notify import Notifier
from gateway.retrying import Patience, rest_after
from rules.plan import Notify
from tests.builders import NOW, a_ref


class Failing:
    """Fails with the errors it was given, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.asked = list(errors), 0

    def __call__(self) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def patient(**limits: float) -> tuple[Patience, list[float]]:
    slept: list[float] = []
    return Patience(sleep=slept.append, **limits), slept  # type: ignore[arg-type]


def test_only_what_surely_did_not_happen_is_tried_again() -> None:
    patience, slept = patient()
    assert patience(Failing(Transient("a", "429"), Transient("a", "503"))) == "answer"
    assert len(slept) == 2
    lost = Failing(InDoubt("a", "lost"))
    with pytest.raises(InDoubt):
        patience(lost)
    assert lost.asked == 1


def test_waiting_doubles_and_is_spread() -> None:
    patience, slept = patient(tries=6, first=1.0)
    with pytest.raises(Transient):
        patience(Failing(*[Transient("a", "503")] * 9))
    assert len(slept) == 5
    assert all(2**n * 0.5 <= seconds <= 2**n for n, seconds in enumerate(slept))


def test_the_systems_own_time_is_waited_and_never_less() -> None:
    patience, slept = patient()
    patience(Failing(Transient("a", "429", 7.0)))
    assert 7.0 <= slept[0] <= 7.7


def test_a_wait_beyond_patience_ends_at_once_and_says_for_how_long_to_rest() -> None:
    patience, slept = patient(longest=20.0)
    asked = Failing(Transient("a", "429", 900.0))
    with pytest.raises(Transient) as caught:
        patience(asked)
    assert (asked.asked, slept) == (1, [])
    assert rest_after(caught.value) == 900.0
    assert rest_after(Transient("a", "503")) == 30.0


def test_all_waits_for_one_call_stay_within_the_budget() -> None:
    patience, slept = patient(tries=99, budget=30.0)
    with pytest.raises(Transient):
        patience(Failing(*[Transient("a", "429", 9.0)] * 99))
    assert sum(slept) <= 33.0


def test_two_processes_with_the_same_text_show_the_same_time() -> None:
    start = datetime(2026, 3, 2, 8, tzinfo=UTC)
    text = clock.written(start, 120, 1_772_438_400.5)
    one, other = clock.from_text(text), clock.from_text(text)
    assert abs(one() - other()) < timedelta(seconds=5)


def test_the_clock_of_the_brief_is_understood_and_nonsense_is_not() -> None:
    assert clock.from_text("2026-03-02T08:00:00Z@120x@1772438400")().tzinfo is UTC
    assert clock.from_text(None) is clock.now
    for text in ("yesterday", "2026-03-02@0x@1", "2026-03-02T08:00:00Z@fastx@1"):
        with pytest.raises(ValueError, match="clock"):
            clock.from_text(text)


def a_message(to: str = "leads") -> Notify:
    return Notify(key="k", about=a_ref(), version="1", to=to, asked_for=to, text="Please look.", rule="r", place="p")


def test_a_message_becomes_a_line_of_the_file(tmp_path: Path) -> None:
    notifier = Notifier({"leads": SecretStr("file:out/notes.jsonl")}, tmp_path, lambda: NOW)
    notifier.send(a_message())
    notifier.send(a_message())
    lines = [orjson.loads(line) for line in (tmp_path / "out/notes.jsonl").read_bytes().splitlines()]
    assert [(line["to"], line["text"], line["about"]) for line in lines] == [("leads", "Please look.", "zendesk-eu:4711")] * 2


def test_a_person_is_reached_through_the_channel_for_people(tmp_path: Path) -> None:
    notifier = Notifier({"people": SecretStr("mailto://u:p@mail.example.com")}, tmp_path, lambda: NOW)
    assert notifier._address("ana+x@example.com") == "mailto://u:p@mail.example.com?to=ana%2Bx%40example.com"


@pytest.mark.parametrize(("to", "remedy"), [("nobody", "channels:"), ("ana@example.com", "'people'"), ("odd", "apprise")])
def test_a_message_that_has_nowhere_to_go_is_refused_with_the_remedy(tmp_path: Path, to: str, remedy: str) -> None:
    notifier = Notifier({"odd": SecretStr("nonsense://x")}, tmp_path, lambda: NOW)
    with pytest.raises(Rejected, match=remedy):
        notifier.send(a_message(to))


def test_points_do_nothing_without_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TICKETGATE_FAILPOINT", raising=False)
    points = failpoint.points()
    for name in failpoint.NAMES:
        points(name)
