"""YAML as nodes that keep their source text and place: what section 3 of the language page accepts, and nothing else.

    problems: list[Problem] = []
    root = read("ticketgate.yaml", text, problems)      # Scalar | Seq | Map | None (unreadable: see `problems`)
    if isinstance(root, Map):
        for name, entry in root.entries.items():        # entry.key and entry.value are nodes
            print(name, entry.key.place, entry.value)
        node = root.get("server")                       # the value's node, or None
    plain(root)                                         # dict, list, str, int, float, bool, None by YAML 1.2's core rules
    plain(root, typed=False)                            # the same with every scalar as its source text (null stays None)
    at(root, ("connections", "zendesk-eu", "poll"))     # the deepest node on that path, for an error's place
    problems.append(node.problem("TG205", "'port' wants a number", help="write port: 8080"))

Problems are collected, never raised. Values are not converted while reading: the field that a scalar is compared with decides
its type from the source text (`version: 1.10` stays 1.10, `no` is Norwegian).
"""

from collections.abc import Mapping
from typing import Any

import yaml
from msgspec import Struct, field

from rules.bundle import Place
from rules.node_types import Entry as Entry
from rules.node_types import Map as Map
from rules.node_types import Node as Node
from rules.node_types import Scalar as Scalar
from rules.node_types import Seq as Seq
from rules.node_types import at as at
from rules.node_types import key_at as key_at
from rules.node_types import plain as plain
from rules.problems import Problem
from rules.yaml_errors import syntax_problem, tab_problem

MAX_BYTES = 1024 * 1024
MAX_NESTING = 32
MAX_ALIASES = 100
MAX_ALIAS_DEPTH = 10
MAX_NODES = 200_000  # with aliases written out


def read(file: str, text: str | bytes, problems: list[Problem]) -> Node | None:
    """The document in `text`, or None with at least one error added to `problems`; an empty file is a null Scalar."""
    source = decoded(file, text, problems)
    if source is None:
        return None
    building = _Building(file, source)
    try:
        root = building.root()
    except yaml.YAMLError as error:
        building.found.append(syntax_problem(file, source, error))
        root = None
    except _Refused:
        root = None
    problems.extend(building.found)
    return root


def decoded(file: str, text: str | bytes, problems: list[Problem], most: int = MAX_BYTES) -> str | None:
    """The text of a file of at most `most` bytes without byte order mark, or None and TG106 for what is not UTF-8 or longer."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if len(raw) > most:
        problems.append(
            Problem(
                code="TG106",
                message=f"the file has {len(raw) / 1024 / 1024:.1f} MiB; at most {most // 1024 // 1024} MiB can be read",
                place=Place(file, 1),
                help="split it into several files",
            )
        )
        return None
    try:
        return raw.decode("utf-8").removeprefix("\N{BYTE ORDER MARK}")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = len(raw[raw.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8")) + 1
        problems.append(
            Problem(code="TG106", message="the file is not UTF-8", place=Place(file, line, column), help="save it as UTF-8 in your editor")
        )
        return None


class _Refused(Exception):
    """A limit was passed: nothing of the file is read."""


class _Cost(Struct):
    """What a node costs with its aliases written out."""

    nodes: int = 1
    aliases: int = 0
    depth: int = 0

    def add(self, other: "_Cost") -> None:
        self.nodes += other.nodes
        self.aliases += other.aliases
        self.depth = max(self.depth, other.depth)


class _Open(Struct):
    """A map or list whose end has not come yet; `key` waits for its value."""

    node: Map | Seq
    anchor: str | None
    cost: _Cost = field(default_factory=_Cost)
    key: Scalar | None = None
    skip: bool = False  # the key was refused: its value goes nowhere


class _Building:
    """Nodes out of the C parser's events; one for each file."""

    def __init__(self, file: str, source: str) -> None:
        self.file = file
        self.source = source
        self.lines: list[str] | None = None
        self.tabs = "\t" in source
        self.found: list[Problem] = []
        self.open: list[_Open] = []
        self.anchors: dict[str, tuple[Node, _Cost] | None] = {}  # None: not closed yet
        self.top: Node | None = None
        self.documents = 0

    def root(self) -> Node | None:
        for event in yaml.parse(self.source, Loader=yaml.CSafeLoader):
            take = _TAKE.get(type(event))
            if take is not None:
                take(self, event)
        if self.top is None:
            self.top = Scalar(self.file, 1, 1, 1, 1)
        return self.top

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.refuse(event, "TG101", "a second document begins here", help="one file holds one document: remove '---' or use two files")

    def refuse(self, event: Any, code: str, message: str, help: str) -> None:
        self.complain(event, code, message, help)
        raise _Refused

    def complain(self, event: Any, code: str, message: str, help: str) -> None:
        node = Scalar(*self.span(event))
        self.found.append(node.problem(code, message, help=help))

    def span(self, event: Any) -> tuple[str, int, int, int, int]:
        start, end = event.start_mark, event.end_mark
        return self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1

    def scalar(self, event: Any) -> None:
        self.look_for_tab(event)
        self.look_at_tag(event)
        node = Scalar(*self.span(event), event.value, event.implicit[0] and event.style in (None, ""))
        self.put(node, _Cost(), event.anchor)

    def start_seq(self, event: Any) -> None:
        self.begin(Seq(*self.span(event)), event)

    def start_map(self, event: Any) -> None:
        self.begin(Map(*self.span(event)), event)

    def begin(self, node: Map | Seq, event: Any) -> None:
        self.look_for_tab(event)
        self.look_at_tag(event)
        if len(self.open) >= MAX_NESTING:
            self.refuse(
                event, "TG106", f"more than {MAX_NESTING} levels are nested here", "give the inner conditions names under 'conditions:'"
            )
        above = self.open[-1] if self.open else None
        if above and isinstance(above.node, Map) and above.key is None and not above.skip:
            self.refuse(event, "TG101", "a key must be a plain word", "write key: value")
        if event.anchor:
            self.anchors[event.anchor] = None
        self.open.append(_Open(node, event.anchor))

    def end(self, event: Any) -> None:
        done = self.open.pop()
        done.node.end_line, done.node.end_column = event.end_mark.line + 1, event.end_mark.column + 1
        self.put(done.node, done.cost, done.anchor)

    def alias(self, event: Any) -> None:
        if event.anchor not in self.anchors:
            self.refuse(
                event, "TG101", f"there is no anchor '&{event.anchor}' above", "anchors hold inside one file, from where they stand on"
            )
        known = self.anchors[event.anchor]
        if known is None:
            self.refuse(event, "TG104", f"'*{event.anchor}' stands inside its own anchor", "write the value out")
            return
        node, cost = known
        self.put(node, _Cost(cost.nodes, cost.aliases + 1, cost.depth + 1), None, event)

    def put(self, node: Node, cost: _Cost, anchor: str | None, event: Any = None) -> None:
        """Hand a finished node to the map or list around it."""
        if anchor:
            self.anchors[anchor] = (node, cost)
        if not self.open:
            self.top = node
            return
        above = self.open[-1]
        above.cost.add(cost)
        if event is not None:
            self.hold_limits(above.cost, cost, event)
        if isinstance(above.node, Seq):
            above.node.items.append(node)
        else:
            self.put_in_map(above, above.node, node)

    def hold_limits(self, total: _Cost, alias: _Cost, event: Any) -> None:
        used = sum(open_.cost.aliases for open_ in self.open)
        if used > MAX_ALIASES or sum(open_.cost.nodes for open_ in self.open) > MAX_NODES:
            self.refuse(
                event,
                "TG104",
                f"aliases are used more than {MAX_ALIASES} times here",
                "use named conditions",
            )
        if alias.depth > MAX_ALIAS_DEPTH:
            self.refuse(event, "TG104", f"aliases are nested more than {MAX_ALIAS_DEPTH} deep", "write the value out")

    def put_in_map(self, above: _Open, into: Map, node: Node) -> None:
        if above.skip:
            above.skip, above.key = False, None
        elif above.key is not None:
            into.entries[above.key.text] = Entry(above.key, node)
            above.key = None
        elif isinstance(node, Scalar):
            self.take_key(above, into, node)
        else:
            self.found.append(node.problem("TG101", "a key must be a plain word", help="write key: value"))
            above.skip = True

    def take_key(self, above: _Open, into: Map, key: Scalar) -> None:
        if key.plain and key.text == "<<":
            help = "give the shared part a name under 'conditions:' and write use: NAME"
            self.found.append(key.problem("TG108", "'<<' would hide which line a value comes from", help=help))
            above.skip = True
        elif key.text in into.entries:
            first = into.entries[key.text].key
            self.found.append(
                key.problem(
                    "TG102",
                    f"'{key.text}' stands twice here",
                    note="the second",
                    help="keep one of the two",
                    related=(first.spot("the first"),),
                )
            )
            above.skip = True
        else:
            above.key = key

    def look_at_tag(self, event: Any) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.complain(event, "TG105", f"the tag '{tag}' is not understood", "remove it; put a text in quotes to keep it a text")

    def look_for_tab(self, event: Any) -> None:
        if not self.tabs:
            return
        if self.lines is None:
            self.lines = self.source.splitlines()
        mark = event.start_mark
        before = self.lines[mark.line][: mark.column] if mark.line < len(self.lines) else ""
        if "\t" in before and before.isspace():
            self.found.append(tab_problem(self.file, mark.line + 1, before))


_TAKE: Mapping[type, Any] = {
    yaml.DocumentStartEvent: _Building.document,
    yaml.ScalarEvent: _Building.scalar,
    yaml.AliasEvent: _Building.alias,
    yaml.SequenceStartEvent: _Building.start_seq,
    yaml.MappingStartEvent: _Building.start_map,
    yaml.SequenceEndEvent: _Building.end,
    yaml.MappingEndEvent: _Building.end,
}
