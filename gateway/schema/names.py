"""The names of a desk that an editor completes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rules.bundle import CustomField, Desk
from rules.reader_context import KIND_KEYS

if TYPE_CHECKING:
    from gateway.desk import Loaded


NO_DESK = Desk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What may be named; all empty without a desk."""

    desk: Desk = NO_DESK
    endpoints: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    templates: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    fields: Mapping[str, CustomField] = field(default_factory=dict)
    defined: Mapping[str, frozenset[str]] = field(default_factory=dict)  # conditions, lists ...: their names

    def of(self, key: str) -> frozenset[str]:
        return self.defined.get(key, frozenset())


def names_of(loaded: "Loaded") -> Names:
    """The names that the files of a desk use and define; of files with mistakes, as far as they can be read."""
    from rules.nodes import Map, Scalar, Seq, read
    from rules.reader import rule_files

    defined: dict[str, set[str]] = {}
    rules: set[str] = set()
    groups: set[str] = set(loaded.desk.groups)
    for file in rule_files(loaded.sources):
        root = read(file, loaded.sources[file], [])
        for key in KIND_KEYS.values():
            below = root.get(key) if isinstance(root, Map) else None
            defined.setdefault(key, set()).update(below.entries if isinstance(below, Map) else ())
        listed = root.get("rules") if isinstance(root, Map) else None
        ids = (item.get("id") for item in listed if isinstance(item, Map)) if isinstance(listed, Seq) else ()
        rules |= {id.text for id in ids if isinstance(id, Scalar)}
        groups |= set(_groups(root)) if root is not None else set()
    return Names(
        desk=loaded.desk,
        endpoints=frozenset(getattr(loaded.config, "endpoints", None) or ()),
        groups=frozenset(groups),
        templates=frozenset(file.split("/")[1] for file in loaded.sources if file.startswith("templates/")),
        rules=frozenset(rules),
        fields=_fields(loaded),
        defined={key: frozenset(names) for key, names in defined.items()},
    )


def _fields(loaded: "Loaded") -> Mapping[str, CustomField]:
    from gateway.desk import holidays
    from rules.reader import fields_of, rule_files

    if loaded.bundle is not None:
        return loaded.bundle.fields
    return fields_of({file: loaded.sources[file] for file in rule_files(loaded.sources)}, loaded.desk, holidays)


def _groups(node: object) -> Iterable[str]:
    """The groups that steps name already: a desk's own vocabulary."""
    from rules.nodes import Map, Scalar, Seq

    if isinstance(node, Map):
        for name, entry in node.entries.items():
            if name in ("group", "otherwise") and isinstance(entry.value, Scalar) and not entry.value.is_null:
                yield entry.value.text
            yield from _groups(entry.value)
    elif isinstance(node, Seq):
        for item in node:
            yield from _groups(item)
