"""Every file of a kind in the folder of real files, as parameters of a test: one test for each file, or one that is skipped."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.real.messages import VARIABLE, real_data


def every(pattern: str) -> Any:
    """A parametrize mark over all files below the folder that match, by the name `path`."""
    folder = real_data()
    if folder is None:
        skipped = pytest.param(None, marks=pytest.mark.skip(reason=f"set {VARIABLE} to the folder of real files to run this"), id="none")
        return pytest.mark.parametrize("path", [skipped])
    found = sorted(folder.glob(pattern))
    none = pytest.param(None, marks=pytest.mark.skip(reason=f"there is no {pattern} below {folder.name}"), id="none")
    return pytest.mark.parametrize("path", [pytest.param(p, id=p.stem[:60]) for p in found] or [none])


def content(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
