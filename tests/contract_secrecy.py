"""What is meant as internal never leaves as public: the guard below every connector, at the seam where bytes leave."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urljoin

import orjson
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from connectors import load
from connectors.base import Connector
from connectors.errors import Rejected
from connectors.sandbox import Answer, Request
from connectors.secrecy import kept_internal
from connectors.transport import Seam, is_write, mounted
from tests.contract import MARK, OTHER_MARK, one
from tests.contract_faults import wired as wired
from tests.rigs import Rig

OPENED: Mapping[str, Any] = {
    "jira": lambda said: {**said, "properties": [p for p in said["properties"] if p["key"] != "sd.public.comment"]},
    "servicenow": lambda said: {"comments": said["work_notes"]},
    "zendesk": lambda said: {"ticket": {**said["ticket"], "safe_update": False, "comment": {**said["ticket"]["comment"], "public": True}}},
    "salesforce": lambda said: {**said, "IsPublished": True},
}
"""The same note as a reply, in each system's own form."""

WORDS = ("public", "internal", "comments", "work_notes", "comment", "IsPublished", "body", "properties", "key", "value", "update", "ticket")
SAID = ("true", "false", "null", "0", "1", '"true"', '""', "[]", "{}", '{"internal":true}', '{"internal":false}', '"comments"')
VALUES = some.sampled_from(SAID).map(orjson.loads)  # each its own, for it may be bent further


class Wire:
    """A note of the connector's own as it was received, and a bare session at the seam, on which anything can be sent."""

    def __init__(self, rig: Rig, connector: Connector) -> None:
        assert rig.served is not None
        self.rig, self.key = rig, one(rig, connector).ref.key
        rig.rewritten = True  # what is sent here no vendor's document allows
        connector.comment(self.key, "Between us.", public=False, mark=MARK)
        self.note = next(e.request for e in reversed(rig.served.exchanges) if is_write(e.request.method, e.request.path))
        cls = load(rig.system)
        self.session = mounted(requests.Session(), "here", cls.Settings(**rig.settings()))
        self.proof = import_module(f"connectors.{rig.system}.secrecy").shows_nothing

    def send(self, body: bytes, method: str | None = None, path: str | None = None) -> None:
        kept = {name: value for name, value in self.note.headers.items() if name in ("authorization", "content-type")}
        self.session.request(method or self.note.method, urljoin(self.rig.sandbox.url(), path or self.note.path), data=body, headers=kept)

    @property
    def seen(self) -> list[str]:
        """What a customer sees of us."""
        return [c["text"] for c in self.rig.sandbox.shown(self.key)["comments"] if c["public"]]


def test_a_note_that_was_turned_into_a_reply_on_its_way_does_not_leave(wired: Rig) -> None:
    wire = Wire(wired, wired.connector())
    turned = orjson.dumps(OPENED[wired.system](wire.note.json()))

    with kept_internal(wire.session, wire.proof), pytest.raises(Rejected, match="must not leave"):
        wire.send(turned)

    assert wire.seen == []
    wire.send(turned)  # it would have been seen
    assert len(wire.seen) == 1


def test_whatever_leaves_while_a_note_is_sent_no_customer_sees_it(wired: Rig) -> None:
    wire = Wire(wired, wired.connector())
    paths = {wire.note.path, wire.note.path.removesuffix(".json"), wire.note.path.rpartition("/")[0], wire.note.path.replace("Comment", "")}

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(body=bent(wire.note.json()), method=some.sampled_from(("POST", "PUT", "PATCH")), path=some.sampled_from(sorted(paths)))
    def holds(body: bytes, method: str, path: str) -> None:
        with kept_internal(wire.session, wire.proof):
            try:
                wire.send(body, method, path)
            except Rejected:
                return
        assert wire.seen == [], body

    with kept_internal(wire.session, wire.proof):
        wire.send(wire.note.body)  # the note itself may leave
    holds()


@some.composite
def bent(draw: Any, note: Any) -> bytes:
    """The note with up to three things in it set, added or taken away, and sometimes with one of its keys said twice."""
    said = orjson.loads(orjson.dumps(note))
    for _ in range(draw(some.integers(0, 3))):
        place = draw(some.sampled_from([said, *_inner(said)]))
        keys = [*place] if isinstance(place, dict) else [*range(len(place))]
        if isinstance(place, dict) and draw(some.booleans()):
            place[draw(some.sampled_from(WORDS))] = draw(VALUES)
        elif keys and draw(some.booleans()):
            del place[draw(some.sampled_from(keys))]
        elif keys:
            place[draw(some.sampled_from(keys))] = draw(VALUES)
    sent = orjson.dumps(said)
    if draw(some.booleans()):
        twice = orjson.dumps({draw(some.sampled_from(WORDS)): draw(VALUES)})[1:-1]
        at = draw(some.sampled_from([n for n, byte in enumerate(sent) if byte == ord("{")] or [0]))
        sent = sent[: at + 1] + twice + b"," + sent[at + 1 :]
    return sent


def _inner(said: Any) -> Iterator[Any]:
    for value in said.values() if isinstance(said, dict) else said:
        if isinstance(value, dict | list):
            yield value
            yield from _inner(value)


class Watching:
    """A sandbox that looks, while it answers a write, whether the guard of the connector's session is up."""

    def __init__(self, inner: Any, session: requests.Session) -> None:
        self._inner, self._session, self.clock = inner, session, inner.clock
        self.guarded: list[bool] = []

    def answer(self, request: Request) -> Answer:
        if is_write(request.method, request.path):
            seams = [a for a in self._session.adapters.values() if isinstance(a, Seam)]
            self.guarded.append(all(seam.may_leave is not None for seam in seams))
        answer: Answer = self._inner.answer(request)
        return answer


def test_the_guard_is_up_for_a_note_alone(wired: Rig) -> None:
    connector = wired.connector()
    key = one(wired, connector).ref.key
    watching = Watching(wired.sandbox, next(_sessions(connector)))
    wired.served.sandbox = watching  # type: ignore[union-attr,assignment]

    connector.comment(key, "Between us.", public=False, mark=MARK)
    assert watching.guarded == [True]
    connector.comment(key, "To you.", public=True, mark=OTHER_MARK)
    assert watching.guarded == [True, False]


def _sessions(thing: Any, depth: int = 4) -> Iterator[requests.Session]:
    """The session somewhere below a connector."""
    if isinstance(thing, requests.Session):
        yield thing
    elif depth and hasattr(thing, "__dict__"):
        for held in vars(thing).values():
            yield from _sessions(held, depth - 1)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=some.text(min_size=1, max_size=60).filter(lambda t: t.strip().isprintable() and t.strip()))
def test_no_text_makes_a_note_public(rig: Rig, connector: Connector, text: str) -> None:
    key = one(rig, connector).ref.key

    connector.comment(key, text, public=False, mark=MARK)

    assert [c["public"] for c in rig.sandbox.shown(key)["comments"]] == [False]
