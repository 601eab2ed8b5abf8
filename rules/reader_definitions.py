"""Lists, tables, custom fields and SLA policies: what rules refer to by name."""

import csv
import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import get_args

from rules.bundle import CustomField, FieldType, LookupTable, Place, TableRow
from rules.fields import FIELDS
from rules.nodes import Map, Node, Scalar
from rules.problems import Problem
from rules.reader_calendars import read_calendar
from rules.reader_conditions import define_condition
from rules.reader_context import NAME, Definition, Reading
from rules.reader_policies import find_clocks, read_defaults, read_policy
from rules.text import folded

FIELD_TYPES = tuple(kind for kind in get_args(FieldType) if kind != "reference")

MOST_ROWS = 100_000  # of a table


def read_definitions(r: Reading) -> None:
    """All definitions, in the order in which they need each other; problems are reported where they stand."""
    find_clocks(r)
    for kind in ("field", "list", "calendar", "table", "condition", "policy"):
        if kind == "policy":
            read_defaults(r)
        for definition in [d for d in r.definitions.values() if d.kind == kind]:
            r.about = f"in the {_SAID.get(kind, kind)} '{definition.name}'"
            _READ[kind](r, definition)
    r.about = ""


_SAID = {"policy": "SLA policy", "field": "custom field"}


def file_beside(r: Reading, node: Node) -> tuple[str, str] | None:
    """Path and text of the file that is named here; TG302 when it is not among the desk's files."""
    name = r.text(node, "'file'", help="write the path of a file beside this one")
    if name is None:
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(node.file), name))
    if path not in r.files or posixpath.isabs(name):
        help = f"it is looked for as {path}" if not posixpath.isabs(name) else "write a path relative to this file"
        r.wrong(node, "TG302", f"there is no file '{name}'", help=help)
        return None
    r.used_files.add(path)
    return path, r.files[path]


def _read_list(r: Reading, definition: Definition) -> None:
    node = r.map(definition.value, f"list '{definition.name}'", ("values", "file"))
    if r.slug(definition.key, "the name of a list") is None or node is None:
        return
    if "values" in node and "file" in node:
        first, second = sorted((node.entries["values"].key, node.entries["file"].key), key=lambda key: (key.line, key.column))
        said = "a list has either 'values' or 'file'"
        r.wrong(second, "TG207", said, help="keep one of the two", related=(first.spot("the first"),))
    elif "file" in node:
        found = file_beside(r, node.entries["file"].value)
        r.lists[definition.name] = folded(line for line in found[1].splitlines() if line.strip()) if found else frozenset()
    else:
        values = r.need(node, "values", f"list '{definition.name}'", help="add values: [..] or file: names.txt")
        r.lists[definition.name] = folded(item.text for item in r.scalars(values, "'values'")) if values else frozenset()


# --- tables ----------------------------------------------------------------------------------------------------------


def _read_table(r: Reading, definition: Definition) -> None:
    what = f"table '{definition.name}'"
    node = r.map(definition.value, what, ("file", "keys"))
    if r.slug(definition.key, "the name of a table") is None or node is None:
        return
    file, keys = r.need(node, "file", what), r.need(node, "keys", what)
    found = file_beside(r, file) if file else None
    if found is None or keys is None:
        return
    header, rows = _csv(r, *found)
    names = r.scalars(keys, "'keys'")
    for key in names:
        if key.text not in header:
            _no_column(r, key, found[0], header)
    r.tables[definition.name] = LookupTable(
        name=definition.name,
        keys=tuple(key.text for key in names),
        columns=tuple(header),
        rows=tuple(rows),
        place=definition.key.place,
    )


def _no_column(r: Reading, node: Scalar, file: str, header: Sequence[str]) -> None:
    hint = "separate the columns by commas" if len(header) == 1 and ";" in header[0] else ""
    where = hint or f"the columns of {file} stand in its first line"
    r.wrong(node, "TG308", f"{file} has no column '{node.text}'", help=hint or r.suggestion(node.text, tuple(header), where))


def _csv(r: Reading, file: str, text: str) -> tuple[list[str], list[TableRow]]:
    lines = csv.reader(text.splitlines(keepends=True), strict=True)
    rows: list[TableRow] = []
    header: list[str] = []
    try:
        for cells in lines:
            if len(rows) == MOST_ROWS:
                _row_problem(
                    r, file, lines.line_num, f"this table has more than {MOST_ROWS} rows", "TG106", "keep those that rules look up"
                )
                break
            plain = [cell.strip() for cell in cells]
            if not any(plain):
                continue
            if not header:
                header = plain
            elif len(plain) > len(header):
                _row_problem(r, file, lines.line_num, f"this row has {len(plain)} cells, the header has {len(header)}")
            else:
                rows.append(
                    TableRow(cells=dict(zip(header, [*plain, *[""] * (len(header) - len(plain))], strict=True)), line=lines.line_num)
                )
    except csv.Error as wrong:
        _row_problem(r, file, lines.line_num, f"this row cannot be read: {wrong}")
    _twice(r, file, header)
    return header, rows


def _twice(r: Reading, file: str, header: Sequence[str]) -> None:
    for name in sorted({name for name in header if header.count(name) > 1}):
        _row_problem(r, file, 1, f"the column '{name}' stands twice", code="TG301")


_COMMA = "put a cell that holds a comma in double quotes"


def _row_problem(r: Reading, file: str, line: int, message: str, code: str = "TG205", help: str = _COMMA) -> None:
    r.problems.append(Problem(code=code, message=message, place=Place(file, max(line, 1)), help=help))


# --- fields of one's own ---------------------------------------------------------------------------------------------


def _read_field(r: Reading, definition: Definition) -> None:
    name, what = definition.name, f"field '{definition.name}'"
    if name not in FIELDS and not NAME.fullmatch(name):
        help = "use small letters, digits and underscores, beginning with a letter: like_this_1"
        r.wrong(definition.key, "TG210", f"'{name}' cannot be the name of a field", help=help)
        return
    node = r.map(definition.value, what, ("type", "values", "from"))
    kind = r.need(node, "type", what, help=f"write type: one of {', '.join(FIELD_TYPES)}") if node else None
    if node is None or kind is None:
        return
    chosen = r.choice(kind, "'type'", FIELD_TYPES)
    if chosen is None:
        return
    if name in FIELDS and not _fits(chosen, FIELDS[name].type):
        r.wrong(kind, "TG205", f"'{name}' is {FIELDS[name].called} already", help=f"write type: {FIELDS[name].type}")
    values = tuple(item.text for item in r.scalars(v, "'values'")) if (v := node.get("values")) else ()
    if chosen == "ordered_choice" and not values and name not in FIELDS:
        r.need(node, "values", f"the ordered choice '{name}'", help="list its values from lowest to highest")
    r.fields[name] = CustomField(
        name=name,
        type=chosen,  # type: ignore[arg-type]
        values=values,
        remote=_remotes(r, node),
        place=definition.key.place,
    )


def _fits(written: str, builtin: str) -> bool:
    word = {"choice", "text", "reference"}
    return written == builtin or (written in word and builtin in word)


def _remotes(r: Reading, node: Map) -> dict[str, str]:
    value = node.get("from")
    sources = r.map(value, "'from'") if value is not None else None
    found: dict[str, str] = {}
    for entry in sources.entries.values() if sources else ():
        connection, remote = r.connection(entry.key, "'from'"), r.text(entry.value, f"'{entry.key.text}'")
        if connection is not None and remote is not None:
            found[connection] = remote
    return found


def _read_condition(r: Reading, definition: Definition) -> None:
    if definition.name not in r.conditions:
        define_condition(r, definition.name)


_READ: Mapping[str, Callable[[Reading, Definition], None]] = {
    "field": _read_field,
    "list": _read_list,
    "calendar": read_calendar,
    "table": _read_table,
    "condition": _read_condition,
    "policy": read_policy,
}
