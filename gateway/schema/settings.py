"""The schema of `ticketgate.yaml`: pydantic's own, with the keys of each connector's settings, and without what only it understands."""

from typing import Any

import connectors
from gateway.config import Config
from gateway.schema.names import Names
from gateway.topics.settings import setting

DRAFT = "https://json-schema.org/draft/2020-12/schema"
PLACEHOLDER = {"type": "string", "pattern": r"\$\{(secret|env):"}


def document(names: Names) -> dict[str, Any]:
    """Everything below the first level is left to `check` where pydantic's models say nothing of it."""
    made = Config.model_json_schema(mode="validation", ref_template="#/$defs/{model}")
    made = _plain(made)
    for key, shape in made["properties"].items():
        topic = setting(key)
        made["properties"][key] = {**shape, "title": key, "description": topic.meaning, "examples": [topic.example]}
    made["properties"]["version"] = {"title": "version", "description": setting("version").meaning, "examples": [1], "enum": [1, "1"]}
    made["$defs"]["ConnectionConfig"] = _connection()
    known = {"$schema": DRAFT, "$id": "urn:ticketgate:config", **made, "title": "ticketgate.yaml", "required": ["version"]}
    known["description"] = "which systems there are, where the store lies, and where messages go"
    return known


def _connection() -> dict[str, Any]:
    """`system` and `poll`, and every key that some connector knows; which one knows which, `check` says."""
    properties: dict[str, Any] = {}
    for name in connectors.BUILT_IN:
        for key, field in connectors.load(name).Settings.model_fields.items():
            about = (field.description or f"for {name}").strip()
            properties.setdefault(field.alias or key, {"title": field.alias or key, "description": about, "examples": [_SAID.get(key, {})]})
    systems = sorted(name for name in connectors.BUILT_IN)
    system = {"anyOf": [{"enum": systems}, {"type": "string", "pattern": ":"}]}
    properties["system"] = {
        "title": "system",
        "description": "the kind of system, or package.module:Class",
        "examples": ["zendesk"],
        **system,
    }
    properties["poll"] = {"title": "poll", "description": "how often it is read", "examples": ["30s"], "type": "string"}
    return {"type": "object", "properties": properties, "required": ["system", "url"]}


_SAID: dict[str, Any] = {
    "url": "https://acme.zendesk.com",
    "via": "http://127.0.0.1:4101",
    "sign_in": {"client_id": "ticketgate", "client_secret": "${secret:zendesk}"},
    "cloud_id": "5b10a284-4c20-4165-8070-0ede21900000",
    "words": {"status": {"hold": "on_hold"}},
}


def _plain(made: Any) -> Any:
    """Without `format`s and defaults that a YAML file does not have; a duration is a text, and any value may be a placeholder."""
    if isinstance(made, list):
        return [_plain(one) for one in made]
    if not isinstance(made, dict):
        return made
    if made.get("format") == "duration":
        return {k: v for k, v in made.items() if k in ("title", "description")} | {"type": "string"}
    kept = {key: _plain(value) for key, value in made.items() if key not in ("format", "writeOnly", "default", "discriminator")}
    if made.get("type") in ("integer", "number", "boolean"):
        limits = {k: v for k, v in kept.items() if k in ("type", "minimum", "maximum", "exclusiveMinimum")}
        return {k: v for k, v in kept.items() if k not in limits} | {"anyOf": [limits, PLACEHOLDER]}
    return kept
