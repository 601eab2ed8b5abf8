"""From our fields to what the Table API is sent: priority through impact and urgency, a status with what it calls for."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from connectors.base import NO_TAGS
from connectors.mapping import Field, Record, Unwritable, payload
from connectors.servicenow.reading import CANCELED, ON_HOLD, STATUS
from connectors.servicenow.settings import ServiceNowSettings
from rules.plan import TagChange
from rules.ticket import Status, Value

Find: TypeAlias = Callable[[str, str], str]
"""The sys_id of a group or person: `find("sys_user_group", "Network")`."""

Refer: TypeAlias = Callable[[str, str], tuple[str, str]]
"""The field and the sys_id that a name behind a reference means: `refer("u_vendor.name", "Acme")`."""

REFERENCES = {"group": "sys_user_group", "assignee": "sys_user", "requester": "sys_user"}
PLAIN = {"status", "priority", *REFERENCES}
TABLES = {"group": "assignment_group", "assignee": "assigned_to", "requester": "caller_id"}


DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Writer:
    """One installation's way of writing. `body` raises `Unwritable` for what has no place, no word or no pair here."""

    def __init__(self, settings: ServiceNowSettings, table: Iterable[Field], find: Find, refer: Refer = lambda path, _: (path, "")) -> None:
        self._settings, self._table, self._find, self._refer = settings, tuple(table), find, refer
        self._words = {f.name: f.words for f in self._table if f.words is not None}

    def body(self, record: Record, fields: Mapping[str, Value], tags: TagChange = NO_TAGS) -> dict[str, str]:
        """What turns `record` into one with `fields`; "" empties."""
        plain = {name: value for name, value in fields.items() if name not in PLAIN}
        sent = self.referred({key: "" if value is None else str(value) for key, value in payload(self._table, plain).items()})
        for name, reference in REFERENCES.items():
            if name in fields:
                sent[TABLES[name]] = self._find(reference, str(fields[name])) if fields[name] else ""
        if "priority" in fields:
            sent |= self._levels(record, sent, fields["priority"])
        if "status" in fields:
            sent = {**self._state(record, sent, fields["status"]), **sent}
        if tags and not self._settings.labelled:
            sent[self._settings.tags_field] = _tags(record.get(self._settings.tags_field) or "", tags)
        return _canceled(sent)

    def referred(self, sent: Mapping[str, str]) -> dict[str, str]:
        """With the sys_ids of what is named behind references; "" empties them."""
        dotted = {path: self._refer(path, value) if value else (path.partition(".")[0], "") for path, value in sent.items() if "." in path}
        return {**{key: value for key, value in sent.items() if "." not in key}, **dict(dotted.values())}

    def _levels(self, record: Record, sent: Mapping[str, str], priority: Value) -> dict[str, str]:
        """Priority is computed here: the pair of impact and urgency that yields it and changes as little as possible."""
        if priority is None:
            raise Unwritable("priority cannot be emptied here: it is computed from impact and urgency")
        words = self._words["priority"]
        if words.read(str(record.get("priority"))) == priority and not {"impact", "urgency"} & sent.keys():
            return {}
        now = (record.get("impact") or "3", record.get("urgency") or "3")
        wanted = {p for p, made in self._settings.priority_matrix.items() if words.read(made) == priority}
        pairs = [(i, u) for i, u in (p.split(",") for p in wanted) if sent.get("impact", i) == i and sent.get("urgency", u) == u]
        if not pairs:
            raise Unwritable(f"no pair of impact and urgency makes priority '{priority}' here; see priority_matrix: of this connection")
        impact, urgency = min(pairs, key=lambda pair: _distance(pair, now))
        return {k: v for k, v, was in (("impact", impact, now[0]), ("urgency", urgency, now[1])) if v != was or not record}

    def _state(self, record: Record, sent: Mapping[str, str], status: Value) -> dict[str, str]:
        word = self._words["status"].write(str(status)) if status else None
        if word is None:
            raise Unwritable(f"there is no word for status '{status}' here; declare one under words: {{ status: {{ THEIRS: {status} }} }}")
        state, _, reason = word.partition("/")
        body = {"state": state}
        if state == ON_HOLD:
            body["hold_reason"] = reason or self._settings.on_hold_reason
        if status in (Status.RESOLVED, Status.CLOSED):
            body |= {
                "close_code": record.get("close_code") or self._settings.close_code,
                "close_notes": record.get("close_notes") or self._settings.close_notes,
            }
        return body


def _distance(pair: tuple[str, str], now: tuple[str, str]) -> tuple[int, int, int, tuple[str, str]]:
    """How much a pair changes: fields first, then steps; urgency rather than impact, which is a fact about the business."""
    steps = [abs(_rank(a) - _rank(b)) for a, b in zip(pair, now, strict=True)]
    return sum(map(bool, steps)) or 3, sum(steps), steps[0], pair  # the pair as it stands comes last: it computes nothing anew


def _rank(word: str) -> int:
    return int(word) if word.isdigit() else 9


def _tags(before: str, tags: TagChange) -> str:
    torn = [tag for tag in tags.add if "," in tag]
    if torn:
        raise Unwritable(f"a tag cannot hold a comma here, as '{torn[0]}' does: tags stand in one field, separated by commas")
    kept = [tag for tag in map(str.strip, before.split(",")) if tag and tag not in tags.remove]
    return ",".join([*kept, *sorted(tags.add - {*kept})])


def _canceled(sent: dict[str, str]) -> dict[str, str]:
    """`closed` with the resolution `canceled` is a state of its own here."""
    if sent.get("state") == STATUS.write(Status.CLOSED) and sent.get("close_code") == "canceled":
        return {**{k: v for k, v in sent.items() if k not in ("close_code", "close_notes")}, "state": CANCELED}
    return sent


def ignored(sent: Mapping[str, str], record: Mapping[str, Any]) -> list[str]:
    """The fields that the answer does not show as they were sent: what an ACL forbids is passed over without a word.

    Of a moment a field of days keeps its day.
    """
    return sorted(name for name, value in sent.items() if not _same(_plain(record.get(name)), _plain(value)))


def _same(kept: str, sent: str) -> bool:
    return kept == sent or bool(DAY.fullmatch(kept) and sent.startswith(f"{kept} "))


def _plain(value: Any) -> str:
    return "" if value is None else str(value).replace("\r\n", "\n").strip()
