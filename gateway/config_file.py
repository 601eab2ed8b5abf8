"""`ticketgate.yaml`, read with places: placeholders filled in, each connection's settings checked by its connector, no secret in clear."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeAlias

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

import connectors
from connectors import Known
from connectors.base import HOST, VIA, Abilities, ConnectorSettings
from gateway.config import PEOPLE, SLUG, Config
from gateway.desk_texts import CONFIG
from gateway.on_call import wrong
from gateway.placeholders import PLACEHOLDER, UNSET, Missing, Resolver
from rules.bundle import Desk
from rules.nodes import Map, Node, Scalar, at, key_at, plain, read
from rules.pii_ids import COUNTRIES
from rules.problems import Problem
from rules.ticket import replace

TELLING = {
    "int_parsing": "it should be a whole number",
    "int_type": "it should be a whole number",
    "float_parsing": "it should be a number",
    "float_type": "it should be a number",
    "string_type": "it should be text",
    "bool_parsing": "it should be true or false",
    "model_type": "it should be keys with values",
    "model_attributes_type": "it should be keys with values",
    "dict_type": "it should be keys with values",
    "mapping_type": "it should be keys with values",
    "list_type": "it should be a list",
}
"""pydantic's kinds of findings, where its words speak of its own types."""
FORMS = {
    HOST: "it should be a host such as files.acme.com or *.acme.com, in small letters and without https://",
    VIA: "it should be a loopback address such as http://127.0.0.1:4101; a real system stands under url",
    SLUG: "it should be small letters, digits and hyphens, and begin with a letter",
}
"""What a pattern wants, in words; of the others the pattern itself is told."""
OUTSIDE = "TICKETGATE_CONNECTIONS in the environment says something else than this file, and wins"
Settle: TypeAlias = Callable[[dict[str, Any]], Config]


class FromOutside(ValueError):
    """The file may be right, but what the environment sets in its place is not; the message names the variable."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The file as it was read: its nodes, its values with placeholders filled in, and the model when nothing in it is wrong."""

    root: Map
    values: Mapping[str, Any] = field(repr=False)
    config: Config | None = field(repr=False)

    def overruled(self, connection: str) -> bool:
        """Whether the environment says something else of a connection than the file."""
        here = self.values.get("connections")
        said = here.get(connection) if isinstance(here, dict) else None
        own = {k: v for k, v in said.items() if k not in ("system", "poll")} if isinstance(said, dict) else None
        return own is not None and self.config is not None and own != self.config.connections[connection].own

    def part(self, name: str) -> Mapping[str, Any]:
        """A map of the file, as far as it is one; of the model where that stands."""
        if self.config is not None and name == "connections":
            return {key: {"system": one.system, **one.own} for key, one in self.config.connections.items()}
        said = self.values.get(name)
        return said if isinstance(said, dict) else {}


def read_config(
    text: str, problems: list[Problem], resolve: Resolver, settle: Settle, unneeded: frozenset[str] = frozenset()
) -> ConfigFile | None:
    """None when the text could not be read at all; every mistake goes to `problems`. A secret below an `unneeded` key may be missing."""
    root = read(CONFIG, text, problems)
    if root is None:
        return None
    if not isinstance(root, Map):
        empty = isinstance(root, Scalar) and not root.text
        said = "ticketgate.yaml is empty" if empty else "ticketgate.yaml does not consist of keys with values"
        problems.append(root.problem("TG206", said, help="begin with version: 1 and connections:"))
        return None
    if "version" not in root:
        problems.append(root.problem("TG206", "'version' is missing", help="begin the file with version: 1"))
    values: dict[str, Any] = {
        key: _filled(entry.value, [] if key in unneeded else problems, resolve) for key, entry in root.entries.items()
    }
    try:
        return ConfigFile(root, values, settle(values))
    except ValidationError as error:
        problems += [_problem(root, (), detail, Config) for detail in error.errors()]
    except FromOutside as outside:
        problems.append(root.problem("TG205", str(outside), help="it wins over this file: set it right, or unset it"))
    return ConfigFile(root, values, None)


def _filled(node: Node, problems: list[Problem], resolve: Resolver) -> Any:
    """The tree as plain values, every scalar as written, with placeholders filled in."""
    if isinstance(node, Map):
        return {key: _filled(entry.value, problems, resolve) for key, entry in node.entries.items()}
    if not isinstance(node, Scalar):
        return [_filled(item, problems, resolve) for item in node]
    value = plain(node, typed=False)
    if not isinstance(value, str) or not PLACEHOLDER.search(value):
        return value
    try:
        return resolve(value)
    except Missing as missing:
        problems.append(node.problem("TG302", str(missing), help=missing.remedy))
        return UNSET


def read_connections(file: ConfigFile | None, problems: list[Problem]) -> tuple[dict[str, ConnectorSettings], Desk]:
    """Each connection's own settings, checked by its connector, and what the rules may name, also where other settings are wrong."""
    if file is None:
        return {}, Desk()
    for key in ("channels", "on_call"):
        problems += _secrets_in_clear(file.root, (key,), "url", lambda text: not text.startswith("file:"))
    problems += _secrets_in_clear(file.root, ("endpoints",), "secret", bool)
    problems += _no_chain(file)
    known: dict[str, ConnectorSettings] = {}
    abilities: dict[str, Abilities] = {}
    for name, said in file.part("connections").items():
        where = ("connections", name)
        kind = _known(file.root, where, said, problems)
        if kind is not None:
            abilities[name] = kind.abilities
            found: list[Problem] = []
            settings = _settings(file.root, where, said, kind, found)
            problems += [replace(p, help=f"{p.help} ({OUTSIDE})") for p in found] if file.overruled(name) else found
            known |= {name: settings} if settings else {}
            if settings is not None and settings.reads_besides:
                abilities[name] = replace(kind.abilities, reads=kind.abilities.reads | settings.reads_besides)
    return known, _desk(file, abilities)


def _known(root: Map, where: tuple[str, ...], said: Any, problems: list[Problem]) -> Known | None:
    if not isinstance(said, dict) or not isinstance(said.get("system"), str):
        return None  # the model has said so
    try:
        return connectors.known(said["system"])
    except Exception as error:  # a module of the administrator's own may fail in any way while it is imported
        wrong = str(error) or type(error).__name__
    help = "these come along: " + ", ".join(connectors.BUILT_IN) + "; your own is package.module:Class"
    problems.append(at(root, (*where, "system")).problem("TG302", wrong, help=help))
    return None


def _settings(root: Map, where: tuple[str, ...], said: Mapping[str, Any], kind: Known, problems: list[Problem]) -> ConnectorSettings | None:
    """The connector's own check; what our check of the words has found already is not said twice."""
    words = list(_words(root, where))
    problems += words
    try:
        settings = kind.settings.model_validate({k: v for k, v in said.items() if k not in ("system", "poll")})
    except ValidationError as error:
        said_already = {("words",)} if words else set()
        problems += [_problem(root, where, d, kind.settings) for d in error.errors() if d["loc"][:1] not in said_already]
        return None
    problems += list(_clear_in_model(root, where, settings))
    return settings


def _desk(file: ConfigFile, abilities: Mapping[str, Abilities]) -> Desk:
    leads = {name: one.get("lead") for name, one in file.part("groups").items() if isinstance(one, dict)}
    teams = file.config.groups.items() if file.config else ()
    language, calendar = file.values.get("default_language"), file.values.get("default_calendar")
    return Desk(
        connections={name: str(one.get("system")) for name, one in file.part("connections").items() if isinstance(one, dict)},
        channels=frozenset(file.part("channels")),
        on_call=frozenset(file.part("on_call")),
        endpoints=frozenset(file.part("endpoints")),
        groups={name: str(lead or "") for name, lead in leads.items()},
        members={name: team.members for name, team in teams if team.members},
        default_language=file.config.default_language if file.config else str(language or "en"),
        default_calendar=file.config.default_calendar if file.config else calendar if isinstance(calendar, str) else None,
        counted=file.config.figures.fields if file.config else frozenset(),
        pii=file.config.pii.national_id if file.config else COUNTRIES,
        reads={name: a.reads for name, a in abilities.items()},
        writes={name: a.writes for name, a in abilities.items()},
        replies=frozenset(name for name, a in abilities.items() if a.replies),
        notes=frozenset(name for name, a in abilities.items() if a.notes),
        creates=frozenset(name for name, a in abilities.items() if a.creates),
        attaches={name: a.attaches for name, a in abilities.items()},
        links={name: a.links for name, a in abilities.items()},
    )


def _no_chain(file: ConfigFile) -> Iterator[Problem]:
    """Chains of `on_call:` that lead nowhere, or back to themselves."""
    if file.config is not None:
        for path, message, help in wrong(file.config.on_call, people=PEOPLE in file.config.channels):
            yield at(file.root, path).problem("TG302", message, help=help)


def _words(root: Map, where: tuple[str, ...]) -> Iterator[Problem]:
    """Our side of `words:` must be a word of ours."""
    from rules.ticket import Channel, Level, Severity, Status, Type

    ours = {"status": Status, "type": Type, "priority": Level, "impact": Level, "urgency": Level, "severity": Severity, "channel": Channel}
    words = at(root, (*where, "words"))
    for name, entry in words.entries.items() if isinstance(words, Map) and "words" in at(root, where) else ():  # type: ignore[operator]
        if name not in ours:
            yield entry.key.problem("TG202", f"there are no words for '{name}'", help="words are for " + ", ".join(ours))
            continue
        for theirs in entry.value.entries.values() if isinstance(entry.value, Map) else ():
            said = theirs.value.text if isinstance(theirs.value, Scalar) else ""
            if said not in set(ours[name]):
                yield theirs.value.problem("TG211", f"'{said}' is not a {name}", help="ours are " + ", ".join(ours[name]))


def _clear_in_model(root: Map, where: tuple[str, ...], model: BaseModel) -> Iterator[Problem]:
    """Secrets that stand in the file as they are."""
    for name, value in model:
        if isinstance(value, SecretStr):
            node = at(root, (*where, name))
            if isinstance(node, Scalar) and not PLACEHOLDER.search(node.text):
                yield _clear(node, name)
        elif isinstance(value, BaseModel):
            yield from _clear_in_model(root, (*where, name), value)


def secrets_of(known: Iterable[ConnectorSettings], config: Config | None) -> frozenset[str]:
    """Every secret that the settings hold, wherever it came from, so that logs can leave it out."""
    found = {value for one in known for value in _held(one)}
    urls = [*(c.url for c in config.channels.values()), *(c.url for c in config.on_call.values() if c.url)] if config else []
    urls += [endpoint.secret for endpoint in config.endpoints.values()] if config else []
    said = {url.get_secret_value() for url in urls}
    return frozenset(found | {url for url in said if not url.startswith("file:")}) - {UNSET}


def _held(model: BaseModel) -> Iterator[str]:
    for _, value in model:
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from _held(value)


def _secrets_in_clear(root: Map, where: tuple[str, ...], key: str, secret: Any) -> Iterator[Problem]:
    parent = root.get(where[0])
    for entry in parent.entries.values() if isinstance(parent, Map) else ():
        node = entry.value.get(key) if isinstance(entry.value, Map) else None
        if isinstance(node, Scalar) and secret(node.text) and not PLACEHOLDER.search(node.text):
            yield _clear(node, key)


def _clear(node: Scalar, name: str) -> Problem:
    help = f'write {name}: "${{secret:NAME}}" and set TICKETGATE_SECRET_NAME'
    return node.problem("TG305", f"a secret stands in the file at '{name}'", help=help)


def _problem(root: Map, where: tuple[str, ...], detail: ErrorDetails, model: type[BaseModel]) -> Problem:
    """One of pydantic's findings in our words, at the key or value it is about. Steps that are no key of the file are passed over."""
    path = (*where, *(step for step in detail["loc"] if step != "[key]"))
    name = str(next((step for step in reversed(path) if isinstance(step, str)), CONFIG))  # an entry of a list goes by the list's name
    if detail["type"] == "extra_forbidden":
        near = get_close_matches(name, _keys(model, detail["loc"][:-1]), 1)
        keys = ", ".join(_keys(model, detail["loc"][:-1])[:8])
        return key_at(root, path).problem(
            "TG201", f"there is no key called '{name}' here", help=f"did you mean '{near[0]}'?" if near else f"the keys here are {keys}"
        )
    if detail["type"] == "missing":
        return at(root, path[:-1]).problem("TG206", f"'{name}' is missing", help=f"add {name}: below this key")
    help = "config/README.md says what may stand here"
    if path == ("version",):
        return at(root, path).problem("TG107", "this release reads version 1", help="write version: 1")
    if detail["type"] == "string_pattern_mismatch" and detail["loc"][-1:] == ("[key]",):
        help = "names are small letters, digits and hyphens, and begin with a letter"
        return key_at(root, path).problem("TG210", f"'{name}' cannot be a name here", help=help)
    return at(root, path).problem("TG205", f"'{name}' cannot be read: {told(detail)}", help=help)


def told(detail: ErrorDetails) -> str:
    """One of pydantic's findings as a half sentence; it never holds the value."""
    said = str(detail["ctx"].get("error", "")) if detail["type"] == "value_error" and "ctx" in detail else detail["msg"]
    said = TELLING.get(detail["type"], said)
    if detail["type"] == "string_pattern_mismatch" and "ctx" in detail:
        said = FORMS.get(detail["ctx"]["pattern"], said)
    return f"{said[:1].lower()}{said[1:]}"


def _keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys of the model that `loc` leads to; the nearest known one where the way goes through a choice of models."""
    for step in loc:
        annotation = model.model_fields[str(step)].annotation if str(step) in model.model_fields else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return list(model.model_fields)
