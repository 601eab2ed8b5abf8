"""Holds requests and answers against a vendor's own description of its interface (OpenAPI 3.0, JSON or YAML).

Formats, headers, path values and multipart bodies are not looked at. The documents themselves are never validated: most of them do not
pass, and what matters is what they say about messages.
"""

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

import jsonschema_rs
import yaml

Json: TypeAlias = Any
Override: TypeAlias = Callable[[Json], None]
"""Changes a document in place where it contradicts what the vendor really sends, or says less than recordings prove."""

SAYS_NOTHING = ("description", "example", "examples", "default", "xml", "externalDocs", "discriminator", "readOnly", "writeOnly", "title")
BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")


class PlainLoader(yaml.CSafeLoader):
    """YAML as JSON sees it: a date in an example stays text, and `=` is a character like any other."""


PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if not tag.endswith((":timestamp", ":value"))]
    for first, rules in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@cache
def document_in(folder: Path, pattern: str) -> Json:
    """The one document of a folder that matches, read once: it is nobody's to change. Raises `LookupError` for none or several."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise LookupError(f"{folder} should hold one {pattern}, not {len(found)}")
    text = found[0].read_text(encoding="utf-8")
    return json.loads(text) if found[0].suffix == ".json" else yaml.load(text, Loader=PlainLoader)  # a safe loader


def json_schema(node: Json) -> Json:
    """A schema of OpenAPI 3.0 as JSON Schema has it today."""
    if isinstance(node, list):
        return [json_schema(part) for part in node]
    if not isinstance(node, dict):
        return node
    said = {word: json_schema(part) for word, part in node.items() if word not in (*SAYS_NOTHING, "properties", "enum")}
    if "enum" in node:
        said["enum"] = node["enum"]
    if isinstance(node.get("properties"), dict):  # names of properties, which may well be `default` or `title`
        said["properties"] = {name: json_schema(part) for name, part in node["properties"].items()}
    for flag, bound in BOUNDS.items():
        if isinstance(said.get(flag), bool):
            exclusive = said.pop(flag)
            if exclusive and bound in said:
                said[flag] = said.pop(bound)
    nullable = said.pop("nullable", False)
    return {"anyOf": [said, {"type": "null"}]} if nullable is True else said


@dataclass
class Operation:
    """One method of one path: what it may be asked with, and what it may answer."""

    path: str
    method: str
    pattern: re.Pattern[str]
    query: Mapping[str, Json]
    body: Json
    answers: Mapping[str, Json]
    validators: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"


class SpecCheck:
    """Says of each message what its vendor's document, with our overrides, has against it. `suffix` is cut off paths first."""

    def __init__(self, document: Json, overrides: Iterable[Override] = (), *, suffix: str = "") -> None:
        self.document = copy.deepcopy(document)
        for override in overrides:
            override(self.document)
        self._suffix = suffix

    @cached_property
    def _schemas(self) -> Json:
        return json_schema(self.document.get("components", {}).get("schemas", {}))

    @cached_property
    def operations(self) -> list[Operation]:
        """All of them, those with fewer placeholders first: `/tickets/count` is not the ticket `count`."""
        found = [self._operation(path, method) for path, item in self.document["paths"].items() for method in METHODS if method in item]
        return sorted(found, key=lambda o: (o.path.count("{"), -len(o.path)))

    def _operation(self, path: str, method: str) -> Operation:
        item = self.document["paths"][path]
        said = item[method]
        parameters = [self.followed(p) for p in [*item.get("parameters", []), *said.get("parameters", [])]]
        literal = [re.escape(part) for part in re.split(r"\{[^}]*\}", path)]
        return Operation(
            path=path,
            method=method,
            pattern=re.compile("[^/]+".join(literal)),
            query={p["name"]: p for p in parameters if p["in"] == "query"},
            body=self.followed(said.get("requestBody") or {}),
            answers={str(status): self.followed(answer) for status, answer in said["responses"].items()},
        )

    def followed(self, node: Json) -> Json:
        """The node, or what it refers to."""
        while isinstance(node, dict) and "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def found(self, method: str, url: str) -> Operation | None:
        path = unquote(urlsplit(url).path).removesuffix(self._suffix)
        return next((o for o in self.operations if o.method == method.lower() and o.pattern.fullmatch(path)), None)

    def request(self, method: str, url: str, body: Json = None) -> list[str]:
        """What is wrong with a request; its body as JSON has it, None for none."""
        operation = self.found(method, url)
        if operation is None:
            return [f"{method} {urlsplit(url).path}: no such operation"]
        wrong = [*self._query(operation, url), *self._body(operation, "request", operation.body, body)]
        if body is None and operation.body.get("required"):
            wrong.append("body: missing")
        return [f"{operation.name}: {complaint}" for complaint in wrong]

    def sends(self, method: str, url: str, kind: str) -> list[str]:
        """What is wrong with a request whose body is no JSON: its address, its query, and a media type that is not described."""
        operation = self.found(method, url)
        if operation is None:
            return [f"{method} {urlsplit(url).path}: no such operation"]
        unknown = [] if {kind, "*/*"} & operation.body.get("content", {}).keys() else [f"body as {kind}: not described"]
        return [f"{operation.name}: {complaint}" for complaint in (*self._query(operation, url), *unknown)]

    def answer(self, method: str, url: str, status: int, body: Json = None) -> list[str]:
        """What is wrong with an answer; its body as JSON has it, None for none."""
        operation = self.found(method, url)
        if operation is None:
            return [f"{method} {urlsplit(url).path}: no such operation"]
        described = operation.answers.get(str(status), operation.answers.get("default"))
        if described is None:
            return [f"{operation.name}: {status} is not described"]
        return [f"{operation.name} {status}: {complaint}" for complaint in self._body(operation, str(status), described, body)]

    def _query(self, operation: Operation, url: str) -> Iterator[str]:
        sent = parse_qs(urlsplit(url).query, keep_blank_values=True)
        for name, values in sent.items():
            if name not in operation.query:
                yield f"query {name}: not described"
                continue
            kind = self.followed(operation.query[name].get("schema", {})).get("type")
            yield from (f"query {name}={value}: not of type {kind}" for value in values if not _written_as(kind, value))
        yield from (f"query {name}: missing" for name, p in operation.query.items() if p.get("required") and name not in sent)

    def _body(self, operation: Operation, key: str, described: Json, body: Json) -> Iterator[str]:
        if body is None:
            return
        content = [said for kind, said in described.get("content", {}).items() if "json" in kind or kind == "*/*"]
        if not content:
            yield "body: not described"
            return
        if key not in operation.validators:
            schema = {**json_schema(content[0].get("schema", {})), "components": {"schemas": self._schemas}}
            operation.validators[key] = jsonschema_rs.validator_for(schema)
        for error in operation.validators[key].iter_errors(body):
            yield f"body {'/'.join(map(str, error.instance_path)) or '(whole)'}: {error.message[:160]}"


def _written_as(kind: str | None, value: str) -> bool:
    """Whether a query's text can be read as what the document says."""
    match kind:
        case "boolean":
            return value in ("true", "false")
        case "integer":
            return re.fullmatch(r"-?\d+", value) is not None
        case "number":
            return re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
    return True
