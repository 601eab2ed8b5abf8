"""The law of the house: who may know whom, what each layer may touch, and what no file may hold."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from connectors import BUILT_IN

ROOT = Path(__file__).parent.parent
LAYERS = ("rules", "connectors", "gateway")
MAY_IMPORT = {
    "rules": ("rules",),
    "connectors": ("connectors", "rules.ticket", "rules.plan"),
    "gateway": ("gateway", "connectors", "rules"),
}
LONGEST_FUNCTION = 25  # lines of code: without the docstring, blank lines and comments
LONGEST_FILE = 400  # lines
SDKS = ("jira", "pysnow", "zenpy", "simple_salesforce")
HEAVY = (
    "requests",
    "httpx",
    "sqlalchemy",
    "alembic",
    "pydantic_settings",
    "fastapi",
    "uvicorn",
    "apprise",
    "apscheduler",
    "connectors.transport",
)


@dataclass(frozen=True)
class Module:
    """One file of the three packages, parsed once."""

    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def name(self) -> str:
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    @property
    def layer(self) -> str:
        return self.path.relative_to(ROOT).parts[0]

    @property
    def tree(self) -> ast.Module:
        return parsed(self.path)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def our_modules(*layers: str) -> list[Module]:
    return [Module(path) for layer in layers or LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]


def files_of_tests(words: str) -> list[Path]:
    """Those in which one of the words stands; the others need no parsing."""
    return [path for path in sorted((ROOT / "tests").rglob("*.py")) if re.search(words, path.read_text(encoding="utf-8"))]


@cache
def imports_of(tree: ast.Module) -> tuple[str, ...]:
    """Every module that is imported anywhere in it, `TYPE_CHECKING` blocks included."""
    return tuple(_imports_of(tree))


def _imports_of(tree: ast.Module) -> Iterator[str]:
    for node in statements(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def statements(tree: ast.Module) -> tuple[ast.stmt, ...]:
    """All of them, however deep. Expressions, which are most of a tree, hold none and are not walked."""
    found: list[ast.stmt] = []
    waiting: list[ast.AST] = [tree]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, ast.stmt):
                found.append(node)
            if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
                waiting.append(node)
    return tuple(found)


@cache
def names_in(tree: ast.Module) -> frozenset[str]:
    """Dotted names as they are written: `datetime.now`, `os.environ`, `open`."""
    return frozenset(_written(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name))


def _written(node: ast.expr) -> str:
    """As `ast.unparse` has it; a chain of plain names is told without it, which takes most of the time."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{_written(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ast.unparse(node)


def under(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


# Who may know whom


def test_a_module_imports_only_what_its_layer_may() -> None:
    assert not {f"{module}: {name}" for module in our_modules() for name in _strangers(module)}


def _strangers(module: Module) -> set[str]:
    ours = {name for name in imports_of(module.tree) if under(name, (*LAYERS, "tests", "config"))}
    return {name for name in ours if not under(name, MAY_IMPORT[module.layer])}


def test_no_connector_knows_another() -> None:
    modules = [module for module in our_modules("connectors") if module.name != "connectors"]

    assert not {f"{module}: {name}" for module in modules for name in _neighbours(module)}


def _neighbours(module: Module) -> set[str]:
    systems = tuple(f"connectors.{system}" for system in BUILT_IN)
    own = tuple(s for s in systems if under(module.name, (s,)) or (s == "connectors.memory" and module.name.startswith(s)))
    return {name for name in imports_of(module.tree) if under(name, systems) and not under(name, own)}


@pytest.mark.parametrize("system", [s for s in BUILT_IN if s != "memory"])
def test_no_connector_leans_on_its_sandbox(system: str) -> None:
    modules = {m.name: m for m in our_modules("connectors")}
    seen, waiting = set(), [f"connectors.{system}.connector"]
    while waiting:
        name = waiting.pop()
        if name in modules and name not in seen:
            seen.add(name)
            for imported in imports_of(modules[name].tree):
                waiting += [imported, imported.rpartition(".")[0]]

    assert not {name for name in seen if "sandbox" in name}


def test_nobody_imports_the_gateway_and_only_the_sandboxes_import_a_server() -> None:
    served = [m for m in our_modules("rules", "connectors") if any(under(n, ("gateway", "uvicorn", "fastapi")) for n in imports_of(m.tree))]

    assert served == []


# What each layer may touch

WORLD = (
    "socket",
    "http",
    "urllib",
    "requests",
    "httpx",
    "sqlite3",
    "sqlalchemy",
    "subprocess",
    "os",
    "pathlib",
    "tempfile",
    "random",
    "secrets",
)
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "datetime.datetime.now"}


def touched(layer: str, imports: tuple[str, ...], names: set[str]) -> set[str]:
    """What the modules of a layer import or name of these."""
    modules = our_modules(layer)
    imported = {f"{module}: {name}" for module in modules for name in imports_of(module.tree) if under(name, imports)}
    return imported | {f"{module}: {name}" for module in modules for name in names_in(module.tree) & names}


def test_rules_touch_no_network_no_file_no_environment_no_clock() -> None:
    beyond = {"open", "print", "input", "exec", "eval", "os.environ", "time.monotonic", "time.sleep"}

    assert not touched("rules", WORLD, CLOCKS | beyond)


def test_connectors_have_no_clock_and_no_dice() -> None:
    assert not touched("connectors", ("random", "secrets", "uuid"), CLOCKS | {"time.sleep"})


def test_only_the_clock_knows_what_time_it_is() -> None:
    knowing = {str(m) for m in our_modules("gateway") if names_in(m.tree) & CLOCKS}

    assert knowing <= {"gateway/clock.py"}


def test_dice_are_thrown_only_where_they_are_seeded_or_wait() -> None:
    throwing = {str(m) for m in our_modules("gateway") if any(under(n, ("random",)) for n in imports_of(m.tree))}

    assert {t for t in throwing if not t.startswith(("gateway/sandbox/", "gateway/demo/"))} <= {"gateway/retrying.py"}


def test_a_dry_run_is_the_decision_without_the_call_and_no_flag() -> None:
    below = [m for m in our_modules() if not str(m).startswith("gateway/cli/")]

    assert not {str(m) for m in below if re.search(r"\bdry_?run\s*[=:(,)]", m.path.read_text(encoding="utf-8"))}


# What no file may hold


def test_nothing_is_left_for_later() -> None:
    assert not {f"{module}: {what}" for module in our_modules() for what in _left(module)}


def _left(module: Module) -> Iterator[str]:
    text = module.path.read_text(encoding="utf-8")
    yield from re.findall(r"\b(?:TODO|FIXME|XXX|HACK)\b|# type: ignore(?!\[)", text)
    yield from names_in(module.tree) & {"breakpoint"}
    for node in statements(module.tree):
        if isinstance(node, ast.Global) or (isinstance(node, ast.Raise) and "NotImplemented" in ast.unparse(node)):
            yield ast.unparse(node)


NOBODY_LISTENS = {"gateway/backfill.py nobody", "gateway/failpoint.py never"}
"""Functions that do nothing on purpose: what is called when nobody wants to be told."""


def functions_of(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in statements(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_only_an_abstract_method_has_no_body() -> None:
    bare = [(m, f) for m in our_modules() for f in functions_of(m.tree) if all(_is_nothing(s) for s in f.body)]

    assert not {f"{m} {f.name}" for m, f in bare if not _may_be_empty(m.tree, f)} - NOBODY_LISTENS


def _is_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))


def _may_be_empty(tree: ast.Module, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Abstract methods, protocols, and ends of things (`close`) that hold nothing."""
    decorated = any("abstractmethod" in ast.unparse(d) for d in function.decorator_list)
    protocols = [c for c in ast.walk(tree) if isinstance(c, ast.ClassDef) and any("Protocol" in ast.unparse(b) for b in c.bases)]
    return decorated or function.name in ("close", "__exit__") or any(function in ast.walk(c) for c in protocols)


def test_functions_and_files_stay_short() -> None:
    assert not [long for module in our_modules() for long in _too_long(module)]


def _too_long(module: Module) -> Iterator[str]:
    lines = module.path.read_text(encoding="utf-8").splitlines()
    if len(lines) > LONGEST_FILE:
        yield f"{module} {len(lines)}"
    if "migrations" not in module.path.parts:  # tables of the store as data
        lengths = [(f, _length(f, lines)) for f in functions_of(module.tree)]
        yield from (f"{module}:{f.lineno} {f.name} {length}" for f, length in lengths if length > LONGEST_FUNCTION)


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if not body:
        return 0
    own = lines[body[0].lineno - 1 : function.end_lineno]
    return sum(1 for line in own if line.strip() and not line.strip().startswith("#"))


def test_every_module_says_what_is_in_it() -> None:
    assert not [str(module) for module in our_modules() if not ast.get_docstring(module.tree)]


def test_no_mocks() -> None:
    mocking = {
        str(p.relative_to(ROOT))
        for p in files_of_tests("unittest|mock")
        if any(under(n, ("unittest", "mock", "pytest_mock")) for n in imports_of(parsed(p)))
    }

    assert mocking == set()


def test_monkeypatch_is_for_the_environment_only() -> None:
    used = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files_of_tests(r"monkeypatch\.")
        for name in names_in(parsed(path))
        if name.startswith("monkeypatch.") and name.split(".")[1] not in ("setenv", "delenv", "chdir", "syspath_prepend")
    }

    assert used == set()


def test_no_file_names_the_machine_that_it_was_written_on() -> None:
    here = re.compile(r"/work/(main|shared)|/root/|/tmp/brief|/home/[a-z]+/")
    suffixes = (".py", ".md", ".yaml", ".yml", ".toml", ".csv", ".json", ".txt", ".lock", ".in")
    folders = (*LAYERS, "tests", "config", "cassettes", ".ci")
    files = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.suffix in suffixes] + [
        p for p in ROOT.glob("*.*") if p.suffix in suffixes
    ]

    assert not [str(p.relative_to(ROOT)) for p in files if p.name != "test_architecture.py" and here.search(p.read_text(encoding="utf-8"))]


# What a start costs


def imported_by(*arguments: str) -> set[str]:
    """All modules that a fresh interpreter imports for this."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    found = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time:")}
    assert run.returncode in (0, 1), run.stderr[-2000:]
    return found


@pytest.mark.parametrize("system", BUILT_IN)
def test_what_a_connector_can_do_is_known_without_its_sdk(system: str) -> None:
    module = BUILT_IN[system].partition(":")[0]

    seen = imported_by("-c", f"import {module}")

    assert module in seen
    assert not {name for name in seen if under(name, (*SDKS, *HEAVY))}


def test_help_imports_no_sdk_and_no_store() -> None:
    seen = imported_by("-m", "gateway", "--help")

    assert not {name for name in seen if under(name, (*SDKS, *HEAVY))}


def test_check_imports_neither_an_sdk_nor_the_store_and_no_rules_when_nothing_has_changed(tmp_path: Path) -> None:
    desk = shutil.copytree(ROOT / "config", tmp_path / "desk", ignore=shutil.ignore_patterns(".ticketgate"))

    first, second = (imported_by("-m", "gateway", "-C", str(desk), "check") for _ in range(2))

    assert "rules.reader" in first
    assert not {name for name in first if under(name, (*SDKS, *HEAVY)) or name.endswith(".connector")}
    assert not {name for name in second if under(name, ("rules.reader", "rules.engine", "jinja2", "yaml", "connectors"))}
