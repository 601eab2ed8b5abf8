"""TG411: the systems are asked whether they have what rules, maps and settings name. Reads only; one that is silent stops no other."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias

from connectors.base import Connector, ConnectorSettings, Thing
from connectors.errors import ConnectorError, Rejected
from gateway.assemble import connector_with
from gateway.config_file import read_config, read_connections
from gateway.desk import Loaded
from gateway.desk_texts import CONFIG
from gateway.namings import Naming, asked, named_there, namings
from gateway.placeholders import Environment, secret_folders
from gateway.settings import with_environment
from rules.bundle import Place
from rules.nodes import Map, at, key_at, read
from rules.problems import Problem

NEAR = 12  # lines below a step's or field's own in which its names stand
CALLED: Mapping[Thing, str] = {"group": "group", "user": "active user", "project": "project", "field": "field"}
Answers: TypeAlias = Mapping[tuple[str, Thing], frozenset[str]]
"""The names that a connection has, by connection and kind; missing where it could not be asked."""


def missing(loaded: Loaded) -> tuple[Problem, ...]:
    """TG411 for everything named that no system has, a note where only some have not; a warning for a system that did not answer."""
    if loaded.bundle is None or loaded.config is None:
        return ()
    desk = _Desk(loaded, _root(loaded))
    settings, silent = _signed_in(desk)
    found = list(dict.fromkeys(namings(loaded.bundle, loaded.connections, desk.place)))
    answers = dict(_answers(desk, settings, asked(found, loaded.connections), silent))
    named = (_finding(desk, naming, answers) for naming in found)
    return (*silent, *dict.fromkeys(problem for problem in named if problem is not None))


@dataclass(frozen=True, slots=True)
class _Desk:
    loaded: Loaded
    root: Map | None

    def place(self, connection: str, key: str) -> Place:
        if self.root is None:
            return Place(CONFIG, 1)
        found = at(self.root, ("connections", connection))
        return (at(self.root, ("connections", connection, key)) if isinstance(found, Map) and key in found else found).place


def _root(loaded: Loaded) -> Map | None:
    found = read(CONFIG, loaded.sources.get(CONFIG, ""), [])
    return found if isinstance(found, Map) else None


def _signed_in(desk: _Desk) -> tuple[dict[str, ConnectorSettings], list[Problem]]:
    """The connections whose secrets are there; for each other one a warning in the words of what is missing."""
    problems: list[Problem] = []
    loaded = desk.loaded
    file = read_config(loaded.sources[CONFIG], problems, Environment(secret_folders(loaded.folder)), with_environment)
    known, _ = read_connections(file, problems)
    silent = {name: found for name in loaded.connections if (found := _of_connection(desk, name, problems)) or name not in known}
    return {name: one for name, one in known.items() if name not in silent}, [
        _silent(desk, name, found[0].message if found else "its settings could not be read") for name, found in silent.items()
    ]


def _of_connection(desk: _Desk, name: str, problems: Iterable[Problem]) -> list[Problem]:
    here = key_at(desk.root, ("connections", name)) if desk.root else None
    whole = at(desk.root, ("connections", name)) if desk.root else None
    if here is None or whole is None:
        return []
    return [p for p in problems if p.place.file == CONFIG and here.line <= p.place.line <= whole.end_line]


def _silent(desk: _Desk, connection: str, why: str) -> Problem:
    place = key_at(desk.root, ("connections", connection)).place if desk.root else Place(CONFIG, 1)
    return Problem(
        code="TG411",
        level="warning",
        message=f"{connection} could not be asked what it has",
        place=place,
        end_column=place.column + len(connection),
        help=f"{why.rstrip('.')}; ticketgate doctor --connection {connection} tries it",
    )


def _answers(
    desk: _Desk, settings: Mapping[str, ConnectorSettings], questions: Mapping[str, Mapping[Thing, set[str]]], silent: list[Problem]
) -> Iterator[tuple[tuple[str, Thing], frozenset[str]]]:
    for connection in settings:
        try:
            with closing(connector_with(desk.loaded, connection, settings[connection], read_only=True)) as there:
                for kind, found in _known(there, questions.get(connection, {})):
                    yield (connection, kind), found
        except (ConnectorError, ImportError) as error:
            silent.append(_silent(desk, connection, getattr(error, "message", str(error))))


def _known(there: Connector, questions: Mapping[Thing, set[str]]) -> Iterator[tuple[Thing, frozenset[str]]]:
    """Kind by kind: what it refuses to say of one is told at the end, once it has said what it does of the others."""
    refused: list[Rejected] = []
    for kind, names in sorted(questions.items()):
        try:
            yield from [(kind, there.known(kind, sorted(names)))] if kind in there.abilities.knows else []
        except Rejected as error:
            refused.append(error)
    if refused:
        raise refused[0]


def _finding(desk: _Desk, naming: Naming, answers: Answers) -> Problem | None:
    """An error where none of the connections has it, a note where only some have not."""
    theirs = {c: named_there(desk.loaded.connections[c], naming) for c in naming.connections}
    without = {c for c, name in theirs.items() if name not in answers.get((c, naming.kind), frozenset({name}))}
    if not without:
        return None
    place, end = _spot(desk.loaded.sources, naming)
    names = ", ".join(sorted(without))
    what = f"there is no {CALLED[naming.kind]} '{naming.name}' in {names}"
    if fallbacks := _fallbacks(desk, naming, without):
        what += f"; there {' or '.join(fallbacks)} has the ticket (fallback_assignee)"
    return Problem(
        code="TG411",
        level="error" if without == naming.connections and not fallbacks else "note",
        message=f"{what} ({naming.source.rstrip(':')})" if naming.source else what,
        place=place,
        end_column=end,
        note=f"in rule '{naming.rule}'" if naming.rule else "",
        help=f"make it there, or write what that system calls it{'' if without == naming.connections else '; the others have it'}",
        rule=naming.rule,
    )


def _fallbacks(desk: _Desk, naming: Naming, without: Iterable[str]) -> list[str]:
    """Who gets the tickets of somebody who is not there, when each of these connections has such a one."""
    if naming.kind != "user" or naming.source == "fallback_assignee:":
        return []
    found = [desk.loaded.connections[connection].fallback_assignee for connection in without]
    return sorted({name for name in found if name}) if all(found) else []


def _spot(sources: Mapping[str, str], naming: Naming) -> tuple[Place, int]:
    """Where the name itself stands, in the lines from its step's on; else the step."""
    lines = sources.get(naming.place.file, "").splitlines()
    for number in range(naming.place.line, min(naming.place.line + NEAR, len(lines) + 1)):
        from_ = naming.place.column - 1 if number == naming.place.line else 0
        column = lines[number - 1].find(naming.name, from_) if not naming.source.count(" row ") else -1
        if column >= 0:
            return Place(naming.place.file, number, column + 1), column + 1 + len(naming.name)
    return naming.place, naming.place.column + 1
