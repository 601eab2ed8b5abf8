"""A rule test out of a real look at a ticket: what was seen becomes what is given, what the rules do about it what is expected."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from gateway.disguise import Disguise
from rules.bundle import Bundle
from rules.engine import Engine
from rules.fields import every_name
from rules.observation import Event, Kind, Observation
from rules.problems import Problem
from rules.ticket import Change, Comment, Person, Value, replace
from rules.trial import Player, read_trials
from rules.trial_lists import called
from rules.trial_values import Outcome
from rules.world import World

FREE = frozenset({"subject", "body", "resolution"})
"""Fields that hold people's own words."""
NOT_GIVEN = frozenset({"system", "url", "ref", "text", "updated_at", "created_at", "last_customer_reply_at", "last_agent_reply_at"})
"""What follows from the rest, or is given apart."""
RANK = (Kind.CREATED, Kind.CUSTOMER_REPLIED, Kind.AGENT_REPLIED, Kind.COMMENTED, Kind.REOPENED, Kind.RESOLVED, Kind.CLOSED, Kind.CHANGED)
"""Which event of a look the test names: the first of these; what comes with it follows from the ticket."""
LONGEST = 20_000
"""Characters of a text that are kept."""


class NotRecordable(Exception):
    """The ticket makes no test that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A test file, what came of running it, and the rules that fired then and do not in it, or the other way round."""

    text: str
    outcome: Outcome
    missing: frozenset[str] = frozenset()
    beyond: frozenset[str] = frozenset()


def recorded(name: str, observation: Observation, bundle: Bundle, known: Iterable[str], fired: frozenset[str] | None = None) -> Recorded:
    """`known` are the texts of the desk's rule files, `fired` what really fired, where that is known. Raises `NotRecordable`."""
    disguise = Disguise(known)
    disguise.meet(observation.ticket, observation.comments)
    given = _given(observation, bundle, disguise)
    world = _played(name, given, bundle)
    text = _written(name, {**given, "expect": _expected(world)})
    outcome = Player(bundle).play(_trial(text, bundle))
    now = frozenset(rule for rule, _ in world.happened.fired)
    then = now if fired is None else fired
    return Recorded(text, outcome, then - now, now - then)


# --- what is given ---------------------------------------------------------------------------------------------------


def _given(observation: Observation, bundle: Bundle, disguise: Disguise) -> dict[str, Any]:
    event = _event(observation)
    given = {
        "now": _moment(observation.now),
        "ticket": _ticket(observation, bundle, disguise, event),
        "history": list(_history(observation, bundle, disguise)),
        "event": _named(event) if event else None,
    }
    return {name: value for name, value in given.items() if value}


def _event(observation: Observation) -> Event | None:
    return next((event for kind in RANK for event in reversed(observation.events) if event.kind == kind), None)


def _named(event: Event) -> Any:
    if event.kind != Kind.CHANGED or event.change is None:
        return str(event.kind)
    before = event.change.before
    was = {"from": str(before)} if before is not None and not isinstance(before, frozenset | Person) else {}
    return {"changed": {"field": event.change.field, **was}} if was else {"changed": event.change.field}


def _ticket(observation: Observation, bundle: Bundle, disguise: Disguise, event: Event | None) -> dict[str, Any]:
    """Every field that is not empty, requester and own fields as maps of theirs."""
    values = Engine(bundle).look(observation).values
    found: dict[str, Any] = {"connection": observation.ref.connection}
    for name in every_name(bundle.fields):
        if name in NOT_GIVEN or name.startswith(("sla.", "comment.")) or values[name] is None:
            continue
        group, _, rest = name.partition(".")
        into = found.setdefault(group, {}) if rest else found
        into[rest or name] = _shown(name, values[name], disguise, bundle)
    found["created_at"] = _moment(observation.ticket.created_at)
    if event is not None and event.comment is not None:
        found["comment"] = _comment(event.comment, disguise)
    return found


def _shown(name: str, value: Value, disguise: Disguise, bundle: Bundle) -> Any:
    match name:
        case "requester.name":
            return disguise.name(str(value))
        case "requester.email":
            return disguise.email(str(value))
        case "requester.organization":
            return disguise.company(str(value))
        case "assignee" | "watchers":
            return _people(value, disguise)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, frozenset):
        return sorted(value)
    own = bundle.fields.get(name.removeprefix("custom."))
    free = name in FREE or (own is not None and own.type == "text")
    return (
        disguise.text(value[:LONGEST])
        if free and isinstance(value, str)
        else value
        if isinstance(value, bool | int | float)
        else str(value)
    )


def _people(value: Value, disguise: Disguise) -> Any:
    if isinstance(value, frozenset):
        return sorted(_somebody(member, disguise) for member in value)
    return disguise.person(value) if isinstance(value, Person) else _somebody(str(value), disguise)


def _somebody(named: str, disguise: Disguise) -> str:
    return disguise.email(named) if "@" in named else disguise.name(named)


def _comment(comment: Comment, disguise: Disguise) -> dict[str, Any]:
    author = disguise.person(comment.author)
    said = {"role": str(comment.role), "public": comment.public, "text": disguise.text(comment.text[:LONGEST]) or "…"}
    return {**({"author": author} if author else {}), **said}


def _history(observation: Observation, bundle: Bundle, disguise: Disguise) -> Iterator[dict[str, Any]]:
    """What had happened before this look: the fields as they stood first, then each change and comment by time."""
    new = {event.change for event in observation.events if event.change} | {None}
    news = {event.comment.id for event in observation.events if event.comment}
    since = min((event.at for event in observation.events), default=observation.now)
    changes = [c for c in observation.changes if c.at <= observation.now and not (c in new or c.at > since) and _can_be_given(c, bundle)]
    comments = [c for c in observation.comments if c.id not in news and c.at <= observation.now and not c.ours]
    if any(event.kind == Kind.CREATED for event in observation.events) or not (changes or comments):
        return
    first = {c.field: c.before for c in reversed(changes)}
    yield {"at": _moment(observation.ticket.created_at), **{n: _past(n, v, disguise, bundle) for n, v in first.items()}}
    rows: list[tuple[datetime, dict[str, Any]]] = [(c.at, {c.field: _past(c.field, c.after, disguise, bundle)}) for c in changes]
    rows += [(c.at, {f"comment.{k}": v for k, v in _comment(c, disguise).items()}) for c in comments]
    for at, row in sorted(rows, key=lambda row: row[0]):
        yield {"at": _moment(at), **row}


def _can_be_given(change: Change, bundle: Bundle) -> bool:
    return change.field in every_name(bundle.fields) and change.field not in NOT_GIVEN and not change.field.startswith("requester.")


def _past(name: str, value: Value, disguise: Disguise, bundle: Bundle) -> Any:
    return None if value is None else _shown(name, value, disguise, bundle)


def _moment(at: datetime) -> str:
    return at.isoformat()


# --- what is expected ------------------------------------------------------------------------------------------------


def _played(name: str, given: Mapping[str, Any], bundle: Bundle) -> World:
    trial = _trial(_written(name, {**given, "expect": {"fired": "none"}}), bundle)
    world = World(trial, Engine(bundle))
    for step in trial.steps:
        world.go(replace(step, expect=None))
    return world


def _trial(text: str, bundle: Bundle) -> Any:
    trials, problems = read_trials({"tests/recorded.test.yaml": text}, bundle)
    if len(trials) != 1:
        raise NotRecordable("; ".join(map(_said, problems)) or "it makes no test")
    return trials[0]


def _said(problem: Problem) -> str:
    return f"{problem.message} (line {problem.place.line})"


def _expected(world: World) -> dict[str, Any]:
    happened = called(world.happened)
    expected: dict[str, Any] = {name: entries or "none" for name, entries in happened.items() if entries or name in ("fired", "replies")}
    changed = dict(_changed(world))
    return {**expected, **({"ticket": changed} if changed else {}), "exactly": True}


def _changed(world: World) -> Iterator[tuple[str, Any]]:
    """What the rules left otherwise on the ticket."""
    for change in world.happened.changed:
        if change.field == "tags" and isinstance(change.after, frozenset):
            before = change.before if isinstance(change.before, frozenset) else frozenset()
            yield from [("tags", {"contains_all": sorted(change.after - before)})] if change.after - before else []
        elif change.after is None:
            yield change.field, {"empty": True}
        elif not isinstance(change.after, frozenset | datetime):
            after = change.after
            yield (
                change.field,
                (after.known_as if isinstance(after, Person) else after if isinstance(after, bool | int | float) else str(after)),
            )


def _written(name: str, case: Mapping[str, Any]) -> str:
    """As a person would write it: one test, short lists in brackets."""
    event = {"event": case["event"], "expect": case["expect"]} if "event" in case else {"steps": [{"at": "0m", "expect": case["expect"]}]}
    rest = {key: value for key, value in case.items() if key not in ("event", "expect")}
    document = {"version": 1, "tests": [{"name": name, **rest, **event}]}
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=140)


class _Dumper(yaml.SafeDumper):
    """Block maps, short lists in brackets."""


def _sequence(dumper: _Dumper, values: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=all(not isinstance(v, dict) for v in values))


_Dumper.add_representer(list, _sequence)
