"""A desk: the folder of files that an administrator writes, read whole, with every mistake in all of them at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from connectors.base import ConnectorSettings
from gateway.config import Config
from gateway.config_file import Settle, read_config, read_connections, secrets_of
from gateway.desk_texts import CONFIG, texts
from gateway.placeholders import Environment, Resolver, untouched
from rules.bundle import Bundle, Desk
from rules.problems import Mistakes, Problem, errors, ordered, rendered, summary
from rules.reader import check as check_rules
from rules.reader_context import Holidays

NO_DESK = Desk()


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
    desk: Desk = NO_DESK  # what the rules may name, as far as it could be read

    def __repr__(self) -> str:
        return f"Loaded({self.folder}, {len(self.problems)} problems)"


def holidays(country: str, region: str | None, years: Sequence[int]) -> frozenset[date]:
    """The public holidays of a country or region. Raises `LookupError` when there is none of that name."""
    from holidays import country_holidays

    try:
        return frozenset(country_holidays(country, subdiv=region, years=list(years)))
    except NotImplementedError as error:
        raise LookupError(str(error)) from None


def load(
    folder: Path,
    config: Path | None = None,
    *,
    resolve: Resolver = untouched,
    settle: Settle = Config.model_validate,
    unneeded: frozenset[str] = frozenset(),
) -> Loaded:
    """Reads and checks everything. `resolve` fills in the placeholders of `ticketgate.yaml`; left out, they need not exist, nor need
    those below an `unneeded` key.
    """
    problems: list[Problem] = []
    sources = texts(folder, config or folder / CONFIG, problems)
    return from_texts(folder, sources, resolve=resolve, settle=settle, found=problems, unneeded=unneeded)


def from_texts(
    folder: Path,
    sources: Mapping[str, str],
    *,
    resolve: Resolver = untouched,
    settle: Settle = Config.model_validate,
    found: Sequence[Problem] = (),
    holidays: Holidays = holidays,
    unneeded: frozenset[str] = frozenset(),
) -> Loaded:
    """The same from texts in hand: those that the store keeps of rules that were in force, for one. `found` is
    known to be wrong already.
    """
    problems = list(found)
    file = read_config(sources[CONFIG], problems, resolve, settle, unneeded) if CONFIG in sources else None
    known, desk = read_connections(file, problems)
    files = {name: text for name, text in sources.items() if name != CONFIG}
    bundle, wrong = check_rules(files, desk, holidays)
    problems += wrong
    failed = bool(errors(problems))
    given = resolve.given if isinstance(resolve, Environment) else set()
    hidden = frozenset(given) | secrets_of(known.values(), file.config if file else None)
    return Loaded(folder, file.config if file else None, known, None if failed else bundle, ordered(problems), sources, hidden, desk)


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
