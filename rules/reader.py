"""Text to `Bundle`: every mistake of every file with its place and a way out. Reads no file; all texts are handed to it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from msgspec import structs

from rules.bundle import All, AnyOf, Bundle, Condition, CustomField, Desk, Named, NoneOf, Place, RuleSet
from rules.lint import lint
from rules.nodes import MAX_BYTES, Map, Node, Scalar, Seq, decoded, read
from rules.problems import Mistakes, Problem, errors, ordered
from rules.reader_context import KIND_KEYS, Definition, Holidays, Reading
from rules.reader_definitions import read_definitions
from rules.reader_rules import read_ruleset
from rules.reader_texts import find_templates, read_templates

VERSION = 1
MOST_BYTES = 16 * MAX_BYTES  # of a table, list or template
_TOP = ("version", "ruleset", *KIND_KEYS.values(), "sla_defaults", "rules")
_LATER = ("packs",)
_SECRET = re.compile(r"\$\{\s*(secret|env)\s*:[^}]*\}?")
_SAID = {
    "policy": "SLA policies",
    "sla_default": "defaults",
    "condition": "conditions",
    "field": "fields",
    "list": "lists",
    "table": "tables",
    "calendar": "calendars",
}


def parse(files: Mapping[str, str | bytes], desk: Desk, holidays: Holidays) -> Bundle:
    """The rules in force. Raises `Mistakes` with all problems of all files, warnings and notes among them.

    `files` maps paths relative to the desk (`rules/30-routing.yaml`, `rules/tables/x.csv`, `templates/ack/en.md`) to their texts;
    one handed over as bytes that are not UTF-8 is TG106.
    """
    bundle, problems = check(files, desk, holidays)
    if bundle is None:
        raise Mistakes(problems)
    return bundle


def check(files: Mapping[str, str | bytes], desk: Desk, holidays: Holidays) -> tuple[Bundle | None, list[Problem]]:
    """The bundle, or None when there is an error; and all findings, ordered by place. Raises nothing, whatever the files hold."""
    problems: list[Problem] = []
    r = Reading(files=_texts(files, problems), desk=desk, holidays=holidays, problems=problems)
    roots = _roots(r)
    _collect(r, roots)
    templates = find_templates(r)
    _forbid_secrets(r, (*roots, *(file for files in templates.values() for file in files.values())), roots)
    read_definitions(r)
    read_templates(r, templates)
    rulesets = _in_order(read_ruleset(r, file, root) for file, root in roots.items())
    _default_calendar(r)
    found = ordered((*problems, *lint(r, rulesets)))
    return (None if errors(found) else _bundle(r, rulesets)), list(found)


def fields_of(files: Mapping[str, str | bytes], desk: Desk, holidays: Holidays) -> Mapping[str, CustomField]:
    """The desk's own fields, as far as files with mistakes let them be read: for an editor, in which mistakes come and go."""
    problems: list[Problem] = []
    r = Reading(files=_texts(files, problems), desk=desk, holidays=holidays, problems=problems)
    _collect(r, _roots(r))
    read_definitions(r)
    return r.fields


def _in_order(rulesets: Iterable[RuleSet]) -> tuple[RuleSet, ...]:
    """By their order, then by path; files of definitions alone are no rule sets."""
    return tuple(sorted((ruleset for ruleset in rulesets if ruleset.rules), key=lambda s: (s.order, s.file.encode())))


def _texts(files: Mapping[str, str | bytes], problems: list[Problem]) -> dict[str, str]:
    """All files as text; of one that is not UTF-8 what can be shown stays, beside its problem."""
    texts: dict[str, str] = {}
    for file, content in files.items():
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        text = decoded(file, raw, problems, most=MOST_BYTES)
        texts[file] = text if text is not None else raw[:MAX_BYTES].decode("utf-8", "replace")
    return texts


def rule_files(files: Iterable[str]) -> list[str]:
    """The files that hold rules and definitions, in the order in which they are read."""
    return sorted((file for file in files if _holds_rules(file)), key=str.encode)


def _holds_rules(file: str) -> bool:
    folder, *parts = file.split("/")
    if folder != "rules" or not parts or any(part.startswith((".", "_")) for part in parts):
        return False
    return file.endswith((".yaml", ".yml")) and not file.endswith((".test.yaml", ".test.yml"))


def reading_for(bundle: Bundle, problems: list[Problem]) -> Reading:
    """A reading that knows a bundle's names, for what is written like rules elsewhere: rule tests, `plan --where`.

    With it `reader_conditions.condition(r, node)`, `reader_rules.trigger(r, node)` and `reader_values` can be used. Lists are not known,
    and of named conditions those that some rule or policy uses.
    """
    r = Reading(files={}, desk=bundle.desk, holidays=lambda country, region, years: frozenset(), problems=problems)
    r.fields.update(bundle.fields)
    r.tables.update(bundle.tables)
    r.calendars.update(bundle.calendars)
    r.template_names = frozenset(bundle.templates)
    r.conditions.update(_named(bundle))
    r.metrics = tuple(dict.fromkeys((*r.metrics, *bundle.clocks)))
    nothing = Scalar("", 0, 1, 0, 1)
    known = (
        ("field", bundle.fields),
        ("table", bundle.tables),
        ("calendar", bundle.calendars),
        ("policy", [policy.name for policy in bundle.policies]),
        ("condition", r.conditions),
    )
    for kind, names in known:
        r.definitions.update({(kind, name): Definition(kind, name, nothing, nothing) for name in names})
    return r


def _named(bundle: Bundle) -> dict[str, Condition]:
    found: dict[str, Condition] = {}
    waiting = [rule.condition for ruleset in bundle.rulesets for rule in ruleset.rules] + [policy.applies_to for policy in bundle.policies]
    while waiting:
        match waiting.pop():
            case Named(name, part):
                found[name] = part
                waiting.append(part)
            case All(parts) | AnyOf(parts) | NoneOf(parts):
                waiting.extend(parts)
            case _:
                continue
    return found


# --- files -----------------------------------------------------------------------------------------------------------


def _roots(r: Reading) -> dict[str, Map]:
    """The files that can be read, as maps of a version that we know."""
    roots: dict[str, Map] = {}
    unreadable = {problem.place.file for problem in r.problems}
    for file in rule_files(r.files):
        if file in unreadable:
            r.broken.append(r.files[file])
            continue
        node = read(file, r.files[file], r.problems)
        root = _root(r, file, node)
        if root is None:
            r.broken.append(r.files[file])
        else:
            roots[file] = root
            r.used_files.add(file)
    return roots


def _root(r: Reading, file: str, node: Node | None) -> Map | None:
    if node is None:
        return None
    if isinstance(node, Scalar) and node.is_null:
        r.wrong(node, "TG206", "this file is empty: 'version' is missing", help="begin with version: 1")
        return None
    root = r.map(node, "a rule file", None)
    if root is None or not _version(r, root):
        return None
    r.map(root, "a rule file", _TOP, _LATER)
    return root


def _version(r: Reading, root: Map) -> bool:
    """Whether the file is of our version; one that says nothing is read as if it were."""
    value = r.need(root, "version", "a rule file", help="begin with version: 1")
    if value is None:
        return True
    text = r.text(value, "'version'", help="write version: 1")
    if text == str(VERSION):
        return True
    if text is not None:
        newer = text.isascii() and text.isdigit() and int(text[:6]) > VERSION
        help = f"install a release of ticketgate that reads version {text}" if newer else "write version: 1"
        r.wrong(value, "TG107", f"this release reads version {VERSION}, not '{text}'", help=help)
    return False


def _collect(r: Reading, roots: Mapping[str, Map]) -> None:
    """All names of all files, before anything refers to them; TG301 for one that is defined twice."""
    for root in roots.values():
        for kind, key in (*KIND_KEYS.items(), ("sla_default", "sla_defaults")):
            value = root.get(key)
            if value is None or (isinstance(value, Scalar) and value.is_null):
                continue
            named = r.map(value, f"'{key}'")
            for name, entry in named.entries.items() if named else ():
                _define(r, Definition(kind, name, entry.key, entry.value))
        for rule in _items(root.get("rules")):
            id = rule.get("id") if isinstance(rule, Map) else None
            if isinstance(id, Scalar):
                r.definitions.setdefault(("rule", id.text), Definition("rule", id.text, id, rule))


def _items(node: Node | None) -> Sequence[Node]:
    return node.items if isinstance(node, Seq) else ()


def _define(r: Reading, new: Definition) -> None:
    first = r.definitions.setdefault((new.kind, new.name), new)
    if first is not new:
        r.wrong(
            new.key,
            "TG301",
            f"there are two {_SAID[new.kind]} called '{new.name}'",
            note="the second",
            help="give one of them another name, or remove it",
            related=(first.key.spot("the first"),),
        )


def _forbid_secrets(r: Reading, files: Sequence[str], roots: Mapping[str, Map]) -> None:
    """TG305 wherever `${secret:` or `${env:` stands in a value of a rule file, or in a template."""
    for file in files:
        if "${" in r.files[file]:
            for problem in _secrets(r, file, roots.get(file)):
                r.problems.append(problem)


def _secrets(r: Reading, file: str, root: Map | None) -> Iterator[Problem]:
    inside = None if root is None else {(node.line, node.end_line) for node in _scalars(root) if _SECRET.search(node.text)}
    for number, line in enumerate(r.files[file].splitlines(), 1):
        for found in _SECRET.finditer(line):
            if inside is None or any(first <= number <= last for first, last in inside):
                yield Problem(
                    code="TG305",
                    message="a secret cannot stand here",
                    place=Place(file, number, found.start() + 1),
                    end_column=found.end() + 1,
                    help="use it in ticketgate.yaml, under a channel or connection, and name that here",
                )


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Seq):
        for item in node:
            yield from _scalars(item)
    else:
        for entry in node.entries.values():
            yield entry.key
            yield from _scalars(entry.value)


def _default_calendar(r: Reading) -> None:
    name = r.desk.default_calendar
    if name is None:
        return
    definition = r.definitions.get(("calendar", name))
    if definition is not None:
        definition.used = True
    elif not r.perhaps_in_broken_file(name):
        names = tuple(known for kind, known in r.definitions if kind == "calendar")
        r.problems.append(
            Problem(
                code="TG302",
                message=f"default_calendar: there is no calendar called '{name}'",
                place=Place("ticketgate.yaml", 1),
                help=r.suggestion(name, names, "define it under calendars: in a rule file"),
            )
        )


# --- the bundle ------------------------------------------------------------------------------------------------------


def _bundle(r: Reading, rulesets: tuple[RuleSet, ...]) -> Bundle:
    return Bundle(
        hash=bundle_hash({file: r.files[file] for file in r.used_files}, r.desk),
        rulesets=rulesets,
        policies=tuple(r.policies.values()),
        calendars=r.calendars,
        tables=r.tables,
        templates=r.templates,
        fields=r.fields,
        desk=r.desk,
    )


def bundle_hash(files: Mapping[str, str], desk: Desk) -> str:
    """64 hex digits that name the content: the files that were read, and what the desk says."""
    content = {
        "files": {file: sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for file, text in files.items()},
        "desk": structs.asdict(desk),
    }
    return sha256(json.dumps(content, sort_keys=True, default=sorted).encode()).hexdigest()
