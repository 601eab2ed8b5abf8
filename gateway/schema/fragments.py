"""What the schemas are made of. Forms are told apart by their JSON type, with `anyOf`: so an editor can say in one line what is wrong."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from gateway.topics.language import Saying
from gateway.topics.words import WORDS, Word
from rules.nodes import plain, read

Fragment: TypeAlias = dict[str, Any]

SLUG = "^[a-z][a-z0-9-]{0,62}$"
NAME = "^[a-z][a-z0-9_]{0,62}$"
DURATION = r"^\s*(\d+(\.\d+)?\s*[smhdw]\s*)+$"
SPAN = r"^\s*((\d+(\.\d+)?\s*[smhdw]\s*)+|\d+(\.\d+)?\s+business\s+(minute|hour|day)s?)\s*$"

TEXT: Fragment = {"type": ["string", "number", "boolean"]}  # the field decides the type, so 007 and true are texts too
BOOLEAN: Fragment = {"type": "boolean"}
SLUGGED: Fragment = {"type": "string", "pattern": SLUG}
LASTING: Fragment = {"type": "string", "pattern": DURATION}
LASTING_OR_BUSINESS: Fragment = {"type": "string", "pattern": SPAN}
TIMES: Fragment = {"type": ["string", "integer"], "pattern": r"^\s*[1-9]\d{0,8}(\s+per\s+.+)?\s*$", "minimum": 1}


def ref(name: str) -> Fragment:
    return {"$ref": f"#/$defs/{name}"}


def choice(words: Iterable[str]) -> Fragment:
    """A closed list."""
    return {"type": "string", "enum": list(words)}


def suggested(words: Iterable[str]) -> Fragment:
    """Names that an editor completes, and any other: they may stand in a file that the schema has not seen."""
    known = sorted(words)
    return {"anyOf": [{"enum": known}, TEXT]} if known else TEXT


def listed(item: Fragment, least: int = 1) -> Fragment:
    return {"type": "array", "items": item, "minItems": least}


def one_or_more(item: Fragment) -> Fragment:
    """One value, or a list of them."""
    return {"anyOf": [*item["anyOf"], listed(item)]} if set(item) == {"anyOf"} else {"anyOf": [item, listed(item)]}


def either(*forms: Fragment) -> Fragment:
    """Several forms, no two of one JSON type."""
    return {"anyOf": list(forms)}


def told(name: str, fragment: Fragment) -> Fragment:
    """The fragment with the title, meaning and example of a key."""
    word = WORDS.get(name) or Word(f"{name}: see config/README.md", None)
    return {"title": name.partition(".")[2], "description": word.meaning, "examples": [word.example], **fragment}


def spoken(name: str, saying: Saying, shape: Fragment) -> Fragment:
    """A word of the language with its title, meaning and example."""
    return {"title": name, "description": saying.meaning, "examples": [shown(saying.example)], **shape}


def shown(text: str, depth: int = 1) -> Any:
    """The value in an example of the language: of `tag: { add: [x] }` what stands behind the verb, of a test what its operator has."""
    value = plain(read("example", text, []))
    for _ in range(depth):
        value = next(iter(value.values())) if isinstance(value, dict) else value
    return value


def closed(owner: str, shapes: Mapping[str, Fragment], *required: str, keys: Iterable[str] | None = None) -> Fragment:
    """A map with these keys and no other. With `keys`, those of the reader: a key without a shape is a defect."""
    known = shapes if keys is None else {key: shapes[key] for key in keys}
    made = {"type": "object", "additionalProperties": False, "properties": {k: told(f"{owner}.{k}", s) for k, s in known.items()}}
    return {**made, "required": list(required)} if required else made


def by_name(value: Fragment, pattern: str = SLUG) -> Fragment:
    """A map from names to values."""
    return {"type": "object", "propertyNames": {"pattern": pattern}, "additionalProperties": value}
