"""The sandbox's issues: their state, how an edit changes it and is remembered, and how it looks on the wire."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zlib import crc32
from zoneinfo import ZoneInfo

from connectors.jira.sandbox_site import (
    API,
    ISSUE_TYPES,
    LINK_TYPES,
    PRIORITIES,
    RESOLUTIONS,
    STATUSES,
    Json,
    OwnField,
    People,
    Project,
)
from rules.ticket import replace

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
UNUSED: Json = {
    **dict.fromkeys(("environment", "security", "lastViewed", "timespent", "timeestimate", "timeoriginalestimate")),
    **dict.fromkeys(("aggregatetimespent", "aggregatetimeestimate", "aggregatetimeoriginalestimate")),
    **{"workratio": -1, "timetracking": {}, "components": [], "fixVersions": [], "versions": [], "subtasks": []},
    **{"progress": {"progress": 0, "total": 0}, "aggregateprogress": {"progress": 0, "total": 0}},
}
"""What every issue has and nobody uses here."""

EXPAND = "operations,versionedRepresentations,editmeta,changelog,renderedFields"


def milliseconds(at: datetime) -> int:
    return (at - EPOCH) // MILLISECOND


def whole(at: datetime) -> datetime:
    """Jira keeps milliseconds."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


@dataclass(frozen=True, slots=True)
class Joined:
    """A link as one of its two issues shows it: the other one stands under `end`."""

    id: str
    type: str
    end: str
    other: str  # key

    def view(self) -> Json:
        kind = LINK_TYPES[self.type]
        return {"id": self.id, "self": f"{API}/issueLink/{self.id}", "type": kind, self.end: {"key": self.other}}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An issue at one moment; a write replaces it, so that a search may still show the one before."""

    id: str
    project: str
    number: int
    type: str
    summary: str
    description: Any  # as the deployment keeps text
    status: str
    priority: str | None
    reporter: str | None
    creator: str
    created: datetime
    updated: datetime
    moved: datetime
    resolution: str | None = None
    resolved: datetime | None = None
    assignee: str | None = None
    labels: tuple[str, ...] = ()
    links: tuple["Joined", ...] = ()
    files: tuple[Json, ...] = ()  # see sandbox_files.py; besides, each has its `id`, `at` and `by`
    duedate: str | None = None
    own: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.project}-{self.number}"


@dataclass(slots=True)
class Issue:
    """An issue with all that search does not show. `requested`: a customer asked for it through a service desk."""

    state: State
    comments: list[Json] = field(default_factory=list)
    history: list[Json] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    slas: list[Json] = field(default_factory=list)
    requested: bool = True

    @property
    def next_moment(self) -> datetime:
        """No two writes of one issue bear the same stamp."""
        return self.state.updated + MILLISECOND


Change = tuple[str, Any, Any]  # field of State or custom field's id, before, after


def differences(before: State, after: State) -> list[Change]:
    """What changed between two states, custom fields by their ids; stamps are no changes."""
    names = ("type", "summary", "description", "status", "resolution", "priority", "reporter", "assignee", "labels", "duedate")
    plain = [(n, getattr(before, n), getattr(after, n)) for n in names if getattr(before, n) != getattr(after, n)]
    ids = sorted({*before.own, *after.own})
    return plain + [(id, before.own.get(id), after.own.get(id)) for id in ids if before.own.get(id) != after.own.get(id)]


def settled(before: State, after: State, at: datetime) -> State:
    """The stamps that follow from a change of status, and the resolution that a reopened issue loses."""
    if before.status == after.status:
        return replace(after, updated=at)
    done = STATUSES[after.status]["statusCategory"]["key"] == "done"
    moved = at if STATUSES[before.status]["statusCategory"] != STATUSES[after.status]["statusCategory"] else before.moved
    resolution = (after.resolution or "Done") if done else None
    return replace(after, updated=at, moved=moved, resolution=resolution, resolved=(after.resolved or at) if done else None)


class Views:
    """Issues, comments and changes in Jira's shape, stamps in the account's zone."""

    def __init__(
        self,
        zone: ZoneInfo,
        people: People,
        projects: Mapping[str, Project],
        own: Mapping[str, OwnField],
        *,
        told: bool,
        ids: bool,
        content: str,
    ) -> None:
        self._zone, self._people, self._own, self._told, self._ids, self._content = zone, people, own, told, ids, content
        self._projects = {key: p.view() for key, p in projects.items()}
        self._desks = {key for key, p in projects.items() if p.kind == "service_desk"}
        self._fields: dict[str, Callable[[State], Any]] = self._known()

    def stamp(self, at: datetime | None) -> str | None:
        """2026-03-02T09:16:31.456+0100"""
        if at is None:
            return None
        local = at.astimezone(self._zone)
        return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"

    def issue(self, state: State, asked: Iterable[str]) -> Json:
        """`asked` as in `fields=`; only the id where nothing else was asked for."""
        wanted = list(asked)
        if wanted in ([], ["id"]):
            return {"id": state.id}
        known = self._fields
        names = [*known, *self._own] if "*all" in wanted or "*navigable" in wanted else [w for w in wanted if w in known or w in self._own]
        left_out = {w[1:] for w in wanted if w.startswith("-")}
        values = {n: known[n](state) if n in known else self.own(n, state.own.get(n)) for n in names if n not in left_out}
        return {"expand": EXPAND, "id": state.id, "self": f"{API}/issue/{state.id}", "key": state.key, "fields": values}

    def own(self, id: str, value: Any) -> Any:
        """A custom field's value on the wire."""
        own = self._own[id]
        if value is None:
            return None
        if own.kind == "option":
            return self._option(id, value)
        if own.items == "option":
            return [self._option(id, v) for v in value]
        if own.kind == "user":
            return self._people.view(value)
        return value

    def _option(self, id: str, value: str) -> Json:
        n = 10000 + crc32(f"{id}={value}".encode()) % 80000
        return {"self": f"{API}/customFieldOption/{n}", "value": value, "id": str(n)}

    def _known(self) -> dict[str, Callable[[State], Any]]:
        return {
            "summary": lambda s: s.summary,
            "description": lambda s: s.description,
            "issuetype": lambda s: ISSUE_TYPES[s.type],
            "status": lambda s: STATUSES[s.status],
            "resolution": lambda s: RESOLUTIONS[s.resolution] if s.resolution else None,
            "priority": lambda s: PRIORITIES[s.priority] if s.priority else None,
            "reporter": lambda s: self._people.view(s.reporter),
            "creator": lambda s: self._people.view(s.creator),
            "assignee": lambda s: self._people.view(s.assignee),
            "labels": lambda s: list(s.labels),
            "issuelinks": lambda s: [one.view() for one in s.links],
            "attachment": lambda s: [self.attachment(file) for file in s.files],
            "created": lambda s: self.stamp(s.created),
            "updated": lambda s: self.stamp(s.updated),
            "resolutiondate": lambda s: self.stamp(s.resolved),
            "statuscategorychangedate": lambda s: self.stamp(s.moved),
            "duedate": lambda s: s.duedate,
            "project": lambda s: self._projects[s.project],
            "votes": lambda s: {"self": f"{API}/issue/{s.key}/votes", "votes": 0, "hasVoted": False},
            "watches": lambda s: {"self": f"{API}/issue/{s.key}/watchers", "watchCount": 0, "isWatching": False},
            **{name: _always(value) for name, value in UNUSED.items()},
        }

    def attachment(self, file: Json) -> Json:
        """A file without its bytes. Jira always tells a size; a people's deed may keep it from us."""
        shown = {"self": f"{API}/attachment/{file['id']}", "id": file["id"], "filename": file["name"], "mimeType": file["type"]}
        told = {"author": self._people.view(file["by"]), "created": self.stamp(file["at"])}
        size = {} if file["declared"] is None else {"size": file["declared"]}
        return {**shown, **told, **size, "content": self._content.format(id=file["id"], name=quote(file["name"]))}

    def attached(self, id: int, file: Json) -> Json:
        """A file's line in the changelog."""
        named = {"field": "Attachment", "fieldtype": "jira", **({"fieldId": "attachment"} if self._ids else {})}
        item = {**named, "from": None, "fromString": None, "to": file["id"], "toString": file["name"]}
        return {"id": str(id), "author": self._people.view(file["by"]), "created": self.stamp(file["at"]), "items": [item]}

    def is_public(self, state: State, said: Json) -> bool:
        internal = (said["properties"].get("sd.public.comment") or {}).get("internal") is True
        return not (internal and state.project in self._desks)

    def comment(self, state: State, said: Json, *, properties: bool = False) -> Json:
        author = self._people.view(said["author"])
        shown = {
            "self": f"{API}/issue/{state.id}/comment/{said['id']}",
            "id": said["id"],
            "author": author,
            "body": said["body"],
            "updateAuthor": author,
            "created": self.stamp(said["at"]),
            "updated": self.stamp(said["at"]),
            **({"jsdPublic": self.is_public(state, said)} if self._told else {}),
        }
        held = [{"key": key, "value": value} for key, value in said["properties"].items()]
        return {**shown, "properties": held} if properties else shown

    def history(self, id: int, at: datetime, by: str, changes: Iterable[Change]) -> Json:
        items = [self._item(*change) for change in changes]
        return {"id": str(id), "author": self._people.view(by), "created": self.stamp(at), "items": items}

    def _item(self, name: str, before: Any, after: Any) -> Json:
        field, kind = (self._own[name].name, "custom") if name in self._own else ({"type": "issuetype"}.get(name, name), "jira")
        (old, old_text), (new, new_text) = self._named(name, before), self._named(name, after)
        said = {"field": field, "fieldtype": kind, **({"fieldId": name if kind == "custom" else field} if self._ids else {})}
        return {**said, "from": old, "fromString": old_text, "to": new, "toString": new_text}

    def _named(self, name: str, value: Any) -> tuple[str | None, str | None]:
        """A value in a changelog: its id where it has one, and what people read."""
        tables = {"status": STATUSES, "priority": PRIORITIES, "resolution": RESOLUTIONS, "type": ISSUE_TYPES}
        if value is None or value == ():
            return None, None if value is None else ""
        if name in tables:
            return tables[name][value]["id"], value
        if name in ("assignee", "reporter"):
            return value, self._people[value].name
        if name == "duedate":
            return value, f"{value} 00:00:00.0"
        if name in self._own:
            shown = self.own(name, value)
            return (shown["id"], value) if isinstance(shown, dict) and "id" in shown else (None, _said(value))
        return None, " ".join(value) if name == "labels" else _said(value)


def _always(value: Any) -> Callable[[State], Any]:
    return lambda state: value


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return plain(value)
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def plain(node: Json) -> str:
    """A document's text, for judges: written apart from the connector's reader, so that one fault does not hide in both."""
    if node.get("type") == "text":
        return str(node["text"])
    if node.get("type") == "mention":
        return str(node["attrs"].get("text", ""))
    if node.get("type") == "hardBreak":
        return "\n"
    return ("\n\n" if node.get("type") == "doc" else "").join(map(plain, node.get("content", [])))


def as_document(text: str) -> Json:
    """What a person typed, as Jira's editor keeps it."""
    paragraphs = []
    for part in text.split("\n\n"):
        lines = [[{"type": "text", "text": line}] if line else [] for line in part.split("\n")]
        content = [node for n, line in enumerate(lines) for node in ([{"type": "hardBreak"}] if n else []) + line]
        paragraphs.append({"type": "paragraph", "content": content})
    return {"type": "doc", "version": 1, "content": paragraphs}


def calling(person: Json, document: Json) -> Json:
    """The document with a person mentioned at its beginning, as the editor keeps whoever is chosen behind an @."""
    mention = {"type": "mention", "attrs": {"id": person["accountId"], "text": f"@{person['displayName']}", "accessLevel": ""}}
    first, *others = document["content"]
    said = [mention, {"type": "text", "text": " "}, *first["content"]]
    return {**document, "content": [{**first, "content": said}, *others]}


def called(node: Json) -> list[str]:
    """Whom a document mentions, by account id."""
    if node.get("type") == "mention":
        return [str(node["attrs"]["id"])]
    return [id for child in node.get("content", []) for id in called(child)]


BLOCKS = frozenset(
    {"paragraph", "heading", "bulletList", "orderedList", "codeBlock", "blockquote", "panel", "rule", "table"} | {"mediaSingle"}
)


def is_document(value: Any) -> bool:
    """Whether Jira would take it: a plain string is refused, and so is an empty text node."""
    sound = isinstance(value, dict) and value.get("type") == "doc" and value.get("version") == 1 and isinstance(value.get("content"), list)
    return sound and all(isinstance(b, dict) and b.get("type") in BLOCKS and _sound(b) for b in value["content"])


def _sound(node: Json) -> bool:
    if node.get("type") == "text":
        return isinstance(node.get("text"), str) and node["text"] != ""
    return all(isinstance(child, dict) and _sound(child) for child in node.get("content", []))
