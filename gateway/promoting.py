"""From shadow to live: the one word in the rule's file that says so, changed in place, with everything around it left as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import unified_diff

from rules.bundle import Bundle, Rule
from rules.node_types import Map, Node, Scalar, Seq
from rules.nodes import read


class NotPromoted(Exception):
    """There is nothing to change, or not here; the message says what to do instead."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A file's text before and after."""

    file: str
    before: str
    after: str

    @property
    def diff(self) -> list[str]:
        """The lines as `diff -u` shows them."""
        lines = unified_diff(self.before.splitlines(), self.after.splitlines(), self.file, self.file, lineterm="")
        return list(lines)


def to_live(bundle: Bundle, sources: Mapping[str, str], id: str) -> Edit:
    """The edit that lets a shadow rule act. Raises `NotPromoted`, and `KeyError` for a rule that the bundle does not have."""
    rule = bundle.rule(id)
    if rule is None:
        raise KeyError(id)
    if rule.mode == "live":
        raise NotPromoted(f"'{id}' is live already ({rule.place}).")
    root = read(rule.place.file, sources[rule.place.file], [])
    _held_back_by_its_set(root, rule)
    mode = _mode(_node_of(root, id))
    if mode is None or mode.text != "shadow":
        raise NotPromoted(f"'{id}' is {rule.mode}, not shadow ({rule.place}); promote takes a rule from shadow to live.")
    return Edit(rule.place.file, sources[rule.place.file], _replaced(sources[rule.place.file], mode))


def _held_back_by_its_set(root: Node | None, rule: Rule) -> None:
    head = root.get("ruleset") if isinstance(root, Map) else None
    mode = _mode(head) if isinstance(head, Map) else None
    if mode is not None and mode.text != "live":
        said = f"its whole set is {mode.text} ({mode.place}), and that holds for every rule of it; change that line by hand"
        raise NotPromoted(f"'{rule.id}' cannot be promoted alone: {said}.")


def _node_of(root: Node | None, id: str) -> Map | None:
    rules = root.get("rules") if isinstance(root, Map) else None
    for node in rules if isinstance(rules, Seq) else ():
        named = node.get("id") if isinstance(node, Map) else None
        if isinstance(node, Map) and isinstance(named, Scalar) and named.text == id:
            return node
    return None


def _mode(node: Map | None) -> Scalar | None:
    found = node.get("mode") if node is not None else None
    return found if isinstance(found, Scalar) else None


def _replaced(text: str, word: Scalar) -> str:
    """Only between the word's own columns; line ends stay as they are."""
    lines = text.splitlines(keepends=True)
    line = lines[word.line - 1]
    lines[word.line - 1] = line[: word.column - 1] + "live" + line[word.end_column - 1 :]
    return "".join(lines)
