"""What the sandbox takes in a write, and what it refuses in Jira's words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.jira.sandbox_flavour import Flavour
from connectors.jira.sandbox_issues import State
from connectors.jira.sandbox_site import ISSUE_TYPES, PRIORITIES, RESOLUTIONS, STATUSES, Json, OwnField, People, Project, Step
from rules.ticket import replace

LONGEST_SUMMARY = 255
LONGEST_TEXT = 32_767
TOO_LONG = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."


class Refused(Exception):
    """A 400 by its field errors."""

    def __init__(self, **errors: str) -> None:
        super().__init__(str(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Desk:
    """What an edit is checked against."""

    people: People
    own: Mapping[str, OwnField]
    flavour: Flavour

    def edited(self, state: State, body: Json, project: Project) -> State:
        """The state after an edit's `fields` and `update`. Raises `Refused`; then nothing was changed."""
        for name, value in _table(body, "fields").items():
            state = self._set(state, name, value, project)
        for name, operations in _table(body, "update").items():
            for operation in operations:
                ((verb, value),) = operation.items()
                state = self._set(state, name, value, project) if verb == "set" else self._verb(state, name, verb, value)
        return state

    def _set(self, state: State, name: str, value: Any, project: Project) -> State:
        if name in self.own:
            return replace(state, own={**state.own, name: self._own(self.own[name], value)})
        if name not in EDITS:
            raise Refused(**{name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."})
        field, check = EDITS[name]
        if name == "issuetype" and _named(value, ISSUE_TYPES) not in project.types:
            raise Refused(issuetype="Specify a valid issue type")
        return replace(state, **{field: check(value, self)})

    def _verb(self, state: State, name: str, verb: str, value: Any) -> State:
        if name != "labels" or verb not in ("add", "remove"):
            raise Refused(**{name: f"Field with id '{name}' does not support operation '{verb}'. Supported operation(s) are: 'set'"})
        (label,) = _labels([value], self)
        kept = tuple(x for x in state.labels if x != label)
        return replace(state, labels=tuple(sorted({*kept, label})) if verb == "add" else kept)

    def _own(self, own: OwnField, value: Any) -> Any:
        if value is None or value == []:
            return None
        if own.kind == "option":
            return self._option(own, value)
        if own.kind == "user":
            return _person(own.id)(value, self)
        if own.items == "option":
            return [self._option(own, v) for v in value]
        sound: Mapping[str, Callable[[Any], bool]] = {
            "float": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
            "datetime": lambda v: isinstance(v, str) and _is_stamp(v),
            "datepicker": lambda v: isinstance(v, str) and len(v) == len("2026-03-02") and _is_stamp(v),
            "textarea": self.flavour.is_text,
        }
        if not sound.get(own.type, lambda v: isinstance(v, str))(value):
            raise Refused(**{own.id: f"Operation value must be {self.flavour.wanted if own.type == 'textarea' else 'a string'}"})
        return value

    def _option(self, own: OwnField, value: Any) -> str:
        word = value.get("value") if isinstance(value, dict) else None
        if word is None:
            raise Refused(**{own.id: "Specify a valid 'id' or 'name' for " + own.name})
        if not own.takes(str(word)):
            raise Refused(**{own.id: f"Option value '{word}' is not valid"})
        return str(word)


def answered(step: Step, body: Json) -> str | None:
    """The resolution that the transition's screen demands."""
    fields = body.get("fields") or {}
    strange = next((name for name in fields if not (name == "resolution" and step.resolution)), None)
    if strange is not None:
        raise Refused(**{strange: f"Field '{strange}' cannot be set. It is not on the appropriate screen, or unknown."})
    if not step.resolution:
        return "Done" if STATUSES[step.to]["statusCategory"]["key"] == "done" else None
    if fields.get("resolution") is None:
        raise Refused(resolution="Resolution is required.")
    return _resolution(fields["resolution"])


def _resolution(value: Any) -> str:
    name = _named(value, RESOLUTIONS)
    if name is None:
        raise Refused(resolution="Resolution value is not valid.")
    return name


def _table(body: Json, name: str) -> Json:
    found = body.get(name) or {}
    if not isinstance(found, dict):
        raise Refused(**{name: "data was not an object"})
    return found


def _named(value: Any, table: Mapping[str, Json]) -> str | None:
    """An object's name in a table, given by `name` or `id`."""
    said = value if isinstance(value, dict) else {}
    return next((n for n, row in table.items() if said.get("name") == n or said.get("id") == row["id"]), None)


def _summary(value: Any, desk: Desk) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Refused(summary="You must specify a summary of the issue.")
    if "\n" in value:
        raise Refused(summary="The summary is invalid because it contains newline characters.")
    if len(value) > LONGEST_SUMMARY:
        raise Refused(summary=f"Summary can't exceed {LONGEST_SUMMARY} characters.")
    return value


def _description(value: Any, desk: Desk) -> Any:
    if value is not None and not desk.flavour.is_text(value):
        raise Refused(description=f"Operation value must be {desk.flavour.wanted}")
    if value is not None and desk.flavour.size(value) > LONGEST_TEXT:
        raise Refused(description=TOO_LONG)
    return value or None


def _priority(value: Any, desk: Desk) -> str | None:
    name = _named(value, PRIORITIES)
    if name is None and value is not None:
        raise Refused(priority="Specify a valid 'id' or 'name' for priority")
    return name


def _type(value: Any, desk: Desk) -> str:
    return _named(value, ISSUE_TYPES) or "Task"


def _person(role: str) -> Callable[[Any, Desk], str | None]:
    def check(value: Any, desk: Desk) -> str | None:
        said = (value or {}) if isinstance(value, dict | None) else {}
        if said and desk.people.named not in said:
            raise Refused(**{role: f"expected Object containing a '{desk.people.named}' property"})
        word = said.get(desk.people.named)
        id = desk.people.written(str(word)) if word is not None else None
        if word is not None and (id is None or (role == "assignee" and desk.people[id].kind == "customer")):
            raise Refused(**{role: f"User '{word}' cannot be assigned issues." if id else "Specify a valid value for " + role})
        return id

    return check


def _labels(value: Any, desk: Desk) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(x, str) and x for x in value):
        raise Refused(labels="data was not an array of strings")
    spoilt = next((x for x in value if " " in x), None)
    if spoilt is not None:
        raise Refused(labels=f"The label '{spoilt}' contains spaces which is invalid.")
    return tuple(sorted(set(value)))


def _day(value: Any, desk: Desk) -> str | None:
    if value is not None and not (isinstance(value, str) and len(value) == 10 and _is_stamp(value)):
        raise Refused(duedate="Error parsing date string: it must be in the format 'yyyy-MM-dd'")
    return value


def _is_stamp(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


EDITS: Mapping[str, tuple[str, Callable[[Any, Desk], Any]]] = {
    "summary": ("summary", _summary),
    "description": ("description", _description),
    "issuetype": ("type", _type),
    "priority": ("priority", _priority),
    "assignee": ("assignee", _person("assignee")),
    "reporter": ("reporter", _person("reporter")),
    "labels": ("labels", _labels),
    "duedate": ("duedate", _day),
}
