"""The bodies of our writes: fields under Jira's keys, in its words and shapes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.base import NO_TAGS, NOBODY, Custom
from connectors.errors import Rejected
from connectors.jira import fields, reading
from connectors.jira.issues import IssueReader
from connectors.jira.site import Site
from connectors.mapping import Record, Table, Unwritable, payload
from connectors.text.limits import Limit
from rules.plan import Draft, TagChange
from rules.ticket import Value

NO_GROUP = "this site has no field called Group; name the one that holds it under group_field: of this connection"
NOTHING: Record = {}
PEOPLE = {"assignee": "assignee", "requester": "reporter"}


@dataclass(frozen=True, slots=True)
class Editor:
    """Raises `Rejected` for what has no place or no word in Jira, before anything is sent."""

    site: Site
    issues: IssueReader
    table: Table
    limit: Limit

    def comment(self, text: str, properties: list[dict[str, Any]], called: frozenset[str]) -> dict[str, Any]:
        return {"body": self.site.dialect.texts.rich(text, self.limit, called), "properties": properties}

    def edit(self, what: str, wanted: Mapping[str, Value], tags: TagChange = NO_TAGS, stands: Record = NOTHING) -> dict[str, Any]:
        """The body of an edit of an issue whose fields `stands` are; empty when there is nothing to write."""
        sent: dict[str, Any] = {}
        for name, value in wanted.items():
            sent.update(self._one(what, name, value))
        if "description" in sent and isinstance(said := wanted.get("body"), str):
            sent["description"] = self.site.dialect.texts.again(said, stands.get("description"))
        labels = [*({"add": tag} for tag in sorted(tags.add)), *({"remove": tag} for tag in sorted(tags.remove))]
        return {**({"fields": sent} if sent else {}), **({"update": {"labels": labels}} if labels else {})}

    def new(self, what: str, project: str | None, draft: Draft, mark: str) -> dict[str, Any]:
        """The body of a creation: our mark stands in a property, and shortened in a label, which a search can find."""
        own = {name: value for name, value in draft.own.items() if name not in ("project", "issue_type")}
        wanted = {name: value for name, value in draft.fields.items() if name not in ("tags", "status", "type")}
        tags, body = draft.fields.get("tags"), wanted.pop("body", None)
        named = {
            "project": {"key": self._needed(what, "project", project)},
            "issuetype": self._issue_type(what, draft),
            "labels": sorted({*(tags if isinstance(tags, frozenset) else ()), reading.label_of(mark)}),
            **({"description": self.site.dialect.texts.rich(str(body), self.limit, NOBODY)} if body else {}),
        }
        sent = {**self.edit(what, {n: v for n, v in wanted.items() if v is not None}).get("fields", {}), **self._own(what, own), **named}
        return {"fields": sent, "properties": [{"key": reading.MARK, "value": {"mark": mark}}]}

    def _one(self, what: str, name: str, value: Value) -> dict[str, Any]:
        try:
            if name in PEOPLE and name not in self.issues.own:
                return {PEOPLE[name]: self.site.named(what, str(value)) if value is not None else None}
            if name in self.issues.own:
                own = self.issues.own[name]
                return {own.id: fields.written(own.schema, self._accounts(what, own.schema, value), self.site.dialect.texts)}
            if name == "group":
                raise Unwritable(NO_GROUP)
            return payload(self.table, {name: value})
        except Unwritable as error:
            raise Rejected(self.site.connection, f"{what}: {error}") from None

    def _accounts(self, what: str, schema: Mapping[str, Any], value: Value) -> Any:
        """People by their accounts, where the field holds people; anything else as it is."""
        if value is None or "user" not in (schema.get("type"), schema.get("items")):
            return value
        people = sorted(value) if isinstance(value, frozenset) else [str(value)]
        accounts = [self.site.named(what, person) for person in people]
        return accounts if schema.get("type") == "array" else accounts[0]

    def _own(self, what: str, named: Mapping[str, str]) -> dict[str, Any]:
        """Fields of a draft under the site's own names."""
        try:
            found = fields.found(self.site.fields, [Custom(name, name) for name in named], None, frozenset())
            return {o.id: fields.written(o.schema, named[o.name[7:]], self.site.dialect.texts) for o in found if o.name[7:] in named}
        except (LookupError, Unwritable) as error:
            raise Rejected(self.site.connection, f"{what}: {error}") from None

    def _issue_type(self, what: str, draft: Draft) -> dict[str, str]:
        kind = draft.fields.get("type")
        if "issue_type" in draft.own or kind is None:
            return {"name": self._needed(what, "issue_type", draft.own.get("issue_type"))}
        named: dict[str, str] = self._one(what, "type", kind)["issuetype"]
        return named

    def _needed(self, what: str, name: str, said: str | None) -> str:
        if not said:
            raise Rejected(self.site.connection, f"{what}: Jira wants to know the {name}; say it under create: {{ {name}: ... }}")
        return said
