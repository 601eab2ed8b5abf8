"""`${secret:name}` and `${env:NAME}` in `ticketgate.yaml`: where secrets come from, and nothing else may hold one."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

PLACEHOLDER = re.compile(r"\$\{(secret|env):([A-Za-z0-9_.-]+)\}")

UNSET = "unset"
"""What a placeholder stands for where its secret is not needed, or missing."""


class Missing(LookupError):
    """There is no such secret or variable; `remedy` says where to put it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Resolver(Protocol):
    """Text with its placeholders filled in. Raises `Missing`."""

    def __call__(self, text: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Environment:
    """Secrets from the environment, else from files; variables from the environment. Remembers which secrets it gave out."""

    folders: tuple[Path, ...]
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)
    given: set[str] = field(default_factory=set, repr=False)

    def __call__(self, text: str) -> str:
        return PLACEHOLDER.sub(lambda found: self._filled(found.group(1), found.group(2)), text)

    def _filled(self, kind: str, name: str) -> str:
        if kind == "env":
            if name not in self.variables:
                raise Missing(f"there is no variable {name}", f"export {name}=...")
            return self.variables[name]
        secret = self.secret(name)
        self.given.add(secret)
        return secret

    def source(self, name: str) -> str | Path | None:
        """Where a secret comes from: the variable that is set, else the first file; None when from nowhere. Raises `Missing`."""
        variable = variable_of(name)
        if variable in self.variables:
            return variable
        files = (folder / name for folder in self.folders if "/" not in name)
        return next((file for file in files if _there(name, file)), None)

    def secret(self, name: str) -> str:
        """What a placeholder of that name stands for. Raises `Missing`."""
        source = self.source(name)
        if isinstance(source, Path):
            return _whole(name, _read(name, source), f"write it into {source}")
        if source is not None:
            return _whole(name, self.variables[source], f"set {source} to what the system gave you")
        looked = " or ".join(str(f / name) for f in self.folders)
        raise Missing(f"there is no secret called '{name}'", f"set {variable_of(name)}, or write it into {looked}")


def variable_of(secret: str) -> str:
    """The environment variable that holds a secret of that name."""
    return "TICKETGATE_SECRET_" + re.sub(r"[^A-Z0-9]", "_", secret.upper())


def _there(name: str, path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:  # a folder that others may not look into
        raise Missing(f"the secret '{name}' cannot be looked for: {error.strerror}", f"let ticketgate read {path.parent}") from None


def _read(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Missing(f"the secret '{name}' cannot be read: {why}", f"write it as one line of text into {path}") from None


def _whole(name: str, secret: str, remedy: str) -> str:
    """Without the line end that editors add. An empty one is a forgotten one."""
    if not secret.strip():
        raise Missing(f"the secret '{name}' is empty", remedy)
    return secret.strip()


def secret_folders(desk: Path) -> tuple[Path, ...]:
    """Where secret files lie: `TICKETGATE_SECRETS_DIR`, the desk's own folder that is not under version control, and /run/secrets."""
    chosen = os.environ.get("TICKETGATE_SECRETS_DIR")
    return (*((Path(chosen),) if chosen else ()), desk / ".ticketgate" / "secrets", Path("/run/secrets"))


def untouched(text: str) -> str:
    """The resolver of `check`, which needs no secret: every placeholder stands for something that is not empty."""
    return PLACEHOLDER.sub(UNSET, text)
