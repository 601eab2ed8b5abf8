"""The texts of a desk as they lie in its folder: read before anything is made of them."""

from pathlib import Path

from rules.condition_tree import Place
from rules.problems import Problem

CONFIG = "ticketgate.yaml"
READ = ("rules/**/*", "templates/**/*", "tests/**/*")
OF_RULES = frozenset({".yaml", ".yml", ".csv", ".txt", ".md", ".html"})


def texts(folder: Path, config: Path, problems: list[Problem]) -> dict[str, str]:
    """Every file of the desk by its path relative to it; `ticketgate.yaml` under that name wherever it lies.

    A file that is there and cannot be read is a problem, and missing from what is returned.
    """
    found: dict[str, str] = {}
    _put(CONFIG, config, found, problems)
    for pattern in READ:
        for path in sorted(folder.glob(pattern)):
            name = path.relative_to(folder).as_posix()
            hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
            if (path.is_file() or path.is_symlink()) and path.suffix in OF_RULES and not hidden:
                _put(name, path, found, problems)
    return found


def _put(name: str, path: Path, found: dict[str, str], problems: list[Problem]) -> None:
    """Bytes that are not UTF-8 become surrogates, which the reader reports with their place (TG106)."""
    try:
        found[name] = path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        help = f"look at {path}: it must be a file that ticketgate may read"
        problems.append(Problem(code="TG106", message=f"the file cannot be read: {error.strerror}", place=Place(name, 1, 1), help=help))
