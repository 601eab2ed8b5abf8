"""A desk: the folder of files that an administrator writes, read whole, with every mistake in all of them at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from connectors.base import ConnectorSettings
from gateway.config import Config
from gateway.config_file import CONFIG, Settle, read_config, read_connections
from gateway.placeholders import Environment, Resolver, untouched
from rules.bundle import Bundle
from rules.problems import Mistakes, Problem, errors, ordered, rendered, summary
from rules.reader import check as check_rules

READ = ("rules/**/*", "templates/**/*", "tests/**/*")
OF_RULES = frozenset({".yaml", ".yml", ".csv", ".txt", ".md", ".html"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the files of a desk say. `bundle` is None when they hold errors; `sources` are all texts by relative path."""

    folder: Path
    config: Config | None
    connections: Mapping[str, ConnectorSettings]
    bundle: Bundle | None
    problems: tuple[Problem, ...]
    sources: Mapping[str, str]
    secrets: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Loaded({self.folder}, {len(self.problems)} problems)"


def load(folder: Path, config: Path | None = None, *, resolve: Resolver = untouched, settle: Settle = Config.model_validate) -> Loaded:
    """Reads and checks everything. `resolve` fills in the placeholders of `ticketgate.yaml`; left out, they need not exist."""
    return from_texts(folder, texts(folder, config or folder / CONFIG), resolve=resolve, settle=settle)


def from_texts(
    folder: Path, sources: Mapping[str, str], *, resolve: Resolver = untouched, settle: Settle = Config.model_validate
) -> Loaded:
    """The same from texts in hand: those that the store keeps of rules that were in force, for one."""
    problems: list[Problem] = []
    file = read_config(sources[CONFIG], problems, resolve, settle)
    known, desk = read_connections(file, problems)
    files = {name: text for name, text in sources.items() if name != CONFIG}
    bundle, found = check_rules(files, desk, holidays)
    problems += found
    failed = bool(errors(problems))
    given = frozenset(resolve.given) if isinstance(resolve, Environment) else frozenset()
    return Loaded(folder, file.config if file else None, known, None if failed else bundle, ordered(problems), sources, secrets=given)


def database(folder: Path, config: Config) -> str:
    """The store's address, with a relative path taken from the desk's folder."""
    kind, _, path = config.database.partition(":///")
    if kind != "sqlite" or Path(path).is_absolute():
        return config.database
    return f"sqlite:///{(folder / path).resolve()}"


class Unfit(Mistakes):
    """`Mistakes` that know the texts they are about."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(errors(loaded.problems))
        self.loaded = loaded

    def __str__(self) -> str:
        rules = sum(len(s.rules) for s in self.loaded.bundle.rulesets) if self.loaded.bundle else 0
        return rendered(self.problems, self.loaded.sources) + "\n" + summary(self.problems, len(self.loaded.sources), rules, loaded=False)


def texts(folder: Path, config: Path) -> dict[str, str]:
    """Every file of the desk by its path relative to it; `ticketgate.yaml` under that name wherever it lies."""
    found = {CONFIG: _text(config)}
    for pattern in READ:
        for path in sorted(folder.glob(pattern)):
            name = path.relative_to(folder).as_posix()
            hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
            if path.is_file() and path.suffix in OF_RULES and not hidden:
                found[name] = _text(path)
    return found


def _text(path: Path) -> str:
    """Bytes that are not UTF-8 become surrogates, which the reader reports with their place (TG106)."""
    return path.read_bytes().decode("utf-8", "surrogateescape")


def holidays(country: str, region: str | None, years: Sequence[int]) -> frozenset[date]:
    """The public holidays of a country or region. Raises `LookupError` when there is none of that name."""
    from holidays import country_holidays

    try:
        return frozenset(country_holidays(country, subdiv=region, years=list(years)))
    except NotImplementedError as error:
        raise LookupError(str(error)) from None
