"""The host below every sandbox: what was applied stays applied, whichever way the answer gets lost."""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connectors.sandbox import Answer, Deed, Request, Sample, Sandbox
from gateway.clock import Skipping
from gateway.sandbox.host import Fault, Served, as_json, in_thread

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Counter(Sandbox):
    """The smallest system there is: each POST counts one."""

    system = "counter"

    def answer(self, request: Request) -> Answer:
        if request.method == "POST":
            self.took_effect("update", "1", fields=request.json())
        return Answer(body={"count": len(self.effects), "path": request.path, "query": dict(request.query)})

    def load(self, samples: Iterable[Sample]) -> list[str]:
        return []

    def people(self, deed: Deed) -> str:
        if deed.key == "404":
            raise KeyError(deed.key)
        return f"{deed.kind}:{deed.sample.subject if deed.sample else deed.key}"

    def shown(self, key: str) -> dict[str, Any]:
        return {"key": key}

    def keys(self) -> list[str]:
        return ["1"]

    def forbidden(self, why: str) -> Answer:
        return Answer(status=403, body={"error": why})

    def forget_cursors(self) -> None:
        self.took_effect("update", "0")

    @classmethod
    def sign_in(cls) -> dict[str, str]:
        return {}

    @classmethod
    def url(cls) -> str:
        return "https://counter.example.com"


@pytest.fixture(scope="module")
def hosted() -> Iterator[Served]:
    with in_thread(Counter(lambda: NOW)) as served:
        yield served["counter"]


@pytest.fixture
def served(hosted: Served) -> Iterator[Served]:
    hosted.sandbox = Counter(lambda: NOW)
    hosted.keep_exchanges = True
    yield hosted
    hosted.faults.clear()
    hosted.exchanges.clear()


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.address, timeout=0.5) as client:
        yield client


LOST = {
    "apply_then_drop": httpx.RemoteProtocolError,
    "apply_then_reset": httpx.ReadError,
    "apply_then_hang": httpx.ReadTimeout,
    "truncate": httpx.RemoteProtocolError,
}


@pytest.mark.parametrize("kind", LOST)
def test_an_answer_is_lost_once_and_its_effect_stays(kind: str, served: Served, http: httpx.Client, capfd: Any) -> None:
    served.faults.append(Fault(kind=kind, method="POST", seconds=30))  # type: ignore[arg-type]

    with pytest.raises(LOST[kind]):
        http.post("/x", json={})

    assert len(served.sandbox.effects) == 1
    assert http.post("/x", json={}).json()["count"] == 2
    assert "ASGI" not in capfd.readouterr().err


def test_what_is_dropped_before_it_is_applied_has_no_effect(served: Served, http: httpx.Client) -> None:
    served.faults.append(Fault(kind="drop_before_apply"))

    with pytest.raises(httpx.RemoteProtocolError):
        http.post("/x", json={})

    assert served.sandbox.effects == []


@pytest.mark.parametrize("fault", [Fault(kind="status", status=429, headers={"Retry-After": "7"}), Fault(kind="html_login")])
def test_a_refusal_is_answered_and_applies_nothing(fault: Fault, served: Served, http: httpx.Client) -> None:
    served.faults.append(fault)

    answer = http.post("/x", json={})

    assert (answer.status_code, answer.headers.get("retry-after")) in [(429, "7"), (200, None)]
    assert served.sandbox.effects == []


def test_a_dribble_outlasts_a_read_timeout(served: Served, http: httpx.Client) -> None:
    served.faults.append(Fault(kind="dribble", seconds=0.02))
    began = time.monotonic()

    assert http.get("/x").json()["count"] == 0

    assert time.monotonic() - began > 0.5


def test_a_fault_waits_for_its_turn_and_its_path(served: Served, http: httpx.Client) -> None:
    served.faults.append(Fault(kind="status", path="/y", method="GET", skip=1, times=2, status=503))

    answers = [http.get(path).status_code for path in ("/x", "/y", "/y", "/y", "/y")]

    assert answers == [200, 200, 503, 503, 200]


def test_judges_see_effects_and_people_act_without_signing_in(served: Served, http: httpx.Client) -> None:
    sample = Sample(subject="Hello", body="", created_at=NOW)

    http.post("/x?a=1", json={"n": 1})
    made = http.post("/_sandbox/people", json=as_json(Deed(kind="create", sample=sample))).json()

    assert made == {"key": "create:Hello"}
    assert [e["kind"] for e in http.get("/_sandbox/effects").json()] == ["update"]
    assert http.get("/_sandbox/shown/a%2Fb").json() == {"key": "a/b"}
    assert http.get("/_sandbox/now").json()["now"].startswith("2026-03-02T12:00")
    late = "/x"  # what a test before this one let hang, and what is written down when it ends
    assert [e.url for e in served.exchanges if e.url != late] == ["/x?a=1"]


def test_a_judge_skips_the_minutes_in_which_nothing_happens(served: Served, http: httpx.Client) -> None:
    assert "only ticks" in http.post("/_sandbox/skip", json={"seconds": 60}).text
    served.sandbox.clock = Skipping(lambda: NOW)
    assert http.post("/_sandbox/skip", json={"seconds": 60}).json() == {"now": "2026-03-02T12:01:00+00:00"}
    assert http.post("/_sandbox/skip", json={"seconds": -1}).status_code == 400


def test_a_judge_that_asks_for_nonsense_is_told_so(http: httpx.Client) -> None:
    nobody = http.post("/_sandbox/people", json={"kind": "reply", "key": "404"})

    assert nobody.status_code == 400
    assert "404" in nobody.text
    assert http.get("/_sandbox/nothing").status_code == 404
