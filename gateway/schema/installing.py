"""The schemas in a desk's `.ticketgate/`, where an editor finds them, and the settings that lead it there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.desk import Loaded
from gateway.schema.documents import KINDS, document
from gateway.schema.names import Names, names_of
from gateway.whole_file import put

FOLDER = ".ticketgate"
EDITOR = ".vscode/settings.json"
FILES: Mapping[str, tuple[str, ...]] = {
    "rules": ("rules/**/*.yaml", "rules/**/*.yml"),
    "tests": ("tests/**/*.test.yaml", "tests/**/*.test.yml"),
    "config": ("ticketgate.yaml",),
}
"""Which files of a desk each schema is for."""


def install(loaded: Loaded, kinds: tuple[str, ...] = KINDS) -> list[str]:
    """Writes the schemas with the desk's own names; returns where, relative to the desk."""
    return [_written(loaded.folder, kind, names_of(loaded)) for kind in kinds]


def _written(folder: Path, kind: str, names: Names) -> str:
    name = path_of(kind)
    (folder / FOLDER).mkdir(exist_ok=True)
    put(folder / name, as_text(document(kind, names)).encode())
    return name


def path_of(kind: str) -> str:
    return f"{FOLDER}/{kind}.schema.json"


def as_text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def editor_settings() -> str:
    """`.vscode/settings.json`: which schema goes with which files."""
    return json.dumps({"yaml.schemas": {path_of(kind): list(files) for kind, files in FILES.items()}}, indent=2) + "\n"
