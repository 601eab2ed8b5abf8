"""Files and folders of a desk as people name them: from where they stand, or from the desk's folder."""

from collections.abc import Sequence
from pathlib import Path

from gateway.cli.ending import Code, Ended
from gateway.cli.options import Options


def below(chosen: Options, named: Sequence[str]) -> None:
    """Ends with 2 for a path that is not there: a mistyped one must not pass for one without findings."""
    for name in named:
        if not (Path(name).exists() or (chosen.desk / name).exists()):
            raise Ended(Code.USAGE, f"There is no file or folder {name}, neither here nor in {chosen.desk}.")


def within(chosen: Options, file: str, named: Sequence[str]) -> bool:
    """Whether a file of the desk is one of those named, or lies in one of them; without names every file is."""
    return not named or any((chosen.desk / file).resolve().is_relative_to(place) for name in named for place in _places(chosen, name))


def _places(chosen: Options, name: str) -> list[Path]:
    return [place.resolve() for place in (Path(name), chosen.desk / name) if place.exists()]
