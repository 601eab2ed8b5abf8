"""Zendesk's triggers in our rules' words, as far as they have the same meaning. What has none is named, never guessed.

A condition that cannot be said makes the whole trigger one that is not taken over: without it the rule would hold for other tickets.
An action that cannot be said is left out and named. Source: Zendesk's "Conditions reference" and "Actions reference".
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors.inventory import RemoteTrigger
from connectors.mapping import Record, Words
from connectors.zendesk.reading import PRIORITY, STATUS, TYPE, Beside

CHOICES: Mapping[str, Words] = {"status": STATUS, "priority": PRIORITY, "type": TYPE}
REFERENCES: Mapping[str, str] = {"group_id": "group", "assignee_id": "assignee"}
TEXTS: Mapping[str, str] = {"subject_includes_word": "subject", "description_includes_word": "body"}
CHANNELS: Mapping[str, str] = {"4": "email", "5": "api"}
"""By `via_id`, those that are one channel here as well; `web` means more to us than Zendesk's web form."""
RANKED = ("low", "normal", "high", "urgent")
STATUSES = tuple(STATUS.ours)
ORDER = {"less_than": "below", "greater_than": "above"}
WHEN = {"Create": "created", "Change": "updated"}


class Untold(ValueError):
    """A condition or action that our rules have no words for."""


def trigger_of(record: Record, beside: Beside) -> RemoteTrigger:
    """`beside` holds the groups and agents that the trigger names. Raises `KeyError` and the like for a record of another shape."""
    conditions = record["conditions"]
    every, some = list(conditions.get("all") or ()), list(conditions.get("any") or ())
    left: list[str] = []
    when = _when(every, left)
    tests = [*_told(every, beside, left)]
    left.extend(_shown(c) for c in some if c["field"] in ("comment_is_public", "update_type"))  # they say on what it runs
    either = [*_told(some, beside, left)]
    steps = [*_steps(record["actions"], beside, left)] if not left else []
    ready = {"all": tests} if tests else {}
    held: Mapping[str, Any] = {**ready, **({"any": either} if either else {})}
    return RemoteTrigger(title=str(record["title"]), when=when, condition=held, steps=tuple(steps), left=tuple(left))


def named_by(records: Iterable[Record]) -> tuple[set[int], set[int]]:
    """The ids of the people and of the groups that triggers name."""
    people, groups = set[int](), set[int]()
    for record in records:
        conditions = record["conditions"]
        for one in (*(conditions.get("all") or ()), *(conditions.get("any") or ()), *record["actions"]):
            value = str(one.get("value"))
            if one["field"] in REFERENCES and value.isdigit():
                (people if one["field"] == "assignee_id" else groups).add(int(value))
    return people, groups


def _when(every: list[Record], left: list[str]) -> tuple[str, ...]:
    """On what it runs; takes what says so out of the conditions. A comment is one of an update: a new ticket's text is no comment here."""
    kinds = [c for c in every if c["field"] == "update_type"]
    about_comments = any(c["field"] == "comment_is_public" for c in every)
    for one in kinds:
        every.remove(one)
    said = {WHEN.get(str(c.get("value", c.get("operator")))) for c in kinds}
    if None in said or len(said) > 1:
        left.extend(map(_shown, kinds))
        return ()
    if about_comments and said != {"updated"}:
        left.append("comment_is_public without update_type Change: a new ticket's text is no comment here")
    if about_comments:
        return ("commented",)
    return tuple(one for one in said if one is not None) or ("created", "updated")


def _told(some: Iterable[Record], beside: Beside, left: list[str]) -> Iterator[dict[str, Any]]:
    for one in some:
        try:
            yield _test(str(one["field"]), str(one.get("operator")), one.get("value"), beside)
        except Untold:
            left.append(_shown(one))


def _test(field: str, operator: str, value: Any, beside: Beside) -> dict[str, Any]:
    if field in CHOICES and operator in ORDER:
        return _ranked(field, operator, value)
    if field in CHOICES or field in REFERENCES or field == "via_id":
        return _is(field, operator, value, beside)
    words = str(value or "").split()
    if operator in ("includes", "not_includes") and words and field in (*TEXTS, "current_tags"):
        how = "contains_any" if operator == "includes" else "contains_none"
        return {TEXTS.get(field, "tags"): {how: words}}
    if (field, operator) == ("comment_is_public", "is") and str(value).lower() in ("true", "false"):
        return {"comment.public": str(value).lower() == "true"}
    raise Untold


def _is(field: str, operator: str, value: Any, beside: Beside) -> dict[str, Any]:
    if operator not in ("is", "is_not"):
        raise Untold
    name = REFERENCES.get(field, "channel" if field == "via_id" else field)
    if value in (None, "") and field != "via_id":
        return {name: {"empty": operator == "is"}}
    return {name: {operator: _value(field, str(value), beside)}}


def _ranked(field: str, operator: str, value: Any) -> dict[str, Any]:
    """A status has no rank here: what lies below or above is listed."""
    if field == "priority" and value in RANKED:
        return {"priority": {ORDER[operator]: value}}
    if field != "status" or value not in STATUSES:
        raise Untold
    at = STATUSES.index(value)
    found = STATUSES[:at] if operator == "less_than" else STATUSES[at + 1 :]
    if not found:
        raise Untold
    return {"status": {"one_of": [STATUS.ours[one] for one in found]}}


def _value(field: str, value: str, beside: Beside) -> str:
    """In our words. Raises `Untold` for `current_user`, `current_groups` and whoever is not there any more."""
    found: str | None = None
    if field in CHOICES:
        found = CHOICES[field].read(value)
    elif field == "via_id":
        found = CHANNELS.get(value)
    elif value.isdigit() and field == "group_id":
        found = beside.groups.get(int(value))
    elif value.isdigit() and int(value) in beside.users:
        person = beside.person(int(value))
        found = person.email if person else None
    if not found:
        raise Untold
    return found


def _steps(actions: Iterable[Record], beside: Beside, left: list[str]) -> Iterator[dict[str, Any]]:
    for one in actions:
        try:
            yield _step(str(one["field"]), one.get("value"), beside)
        except Untold:
            left.append(_shown(one))


def _step(field: str, value: Any, beside: Beside) -> dict[str, Any]:
    if field in CHOICES and value:
        return {"set": {field: _value(field, str(value), beside)}}
    if field in REFERENCES:
        return {"assign": {"group" if field == "group_id" else "user": _value(field, str(value), beside)}}
    tags = str(value or "").split()
    if field in ("current_tags", "remove_tags") and tags:
        return {"tag": {"add" if field == "current_tags" else "remove": tags}}
    if field == "notification_user" and isinstance(value, list) and len(value) == 3 and value[0] == "assignee_id":
        return {"notify": {"to": "assignee", "text": _plain(f"{value[1]}: {value[2]}")}}
    raise Untold


def _plain(text: str) -> str:
    """Zendesk's placeholders have other names than ours."""
    if "{{" in text or "{%" in text or not text.strip():
        raise Untold
    return text


def _shown(one: Record) -> str:
    """As an administrator finds it in Zendesk. The text of a message may be long."""
    given = one.get("value")
    value = " ".join(" ".join(map(str, given if isinstance(given, list) else [given or ""])).split())
    said = " ".join(part for part in (str(one["field"]), str(one.get("operator") or ""), value) if part)
    return said if len(said) <= 120 else said[:119] + "…"
