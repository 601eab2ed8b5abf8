"""The console of the command line: what customers and systems wrote cannot steer the terminal."""

from typing import Any

from rich.console import Console

from gateway.cli.streams import printable


class Plain(Console):
    """As rich's, but text is text: no control characters, no markup, no pictures in place of `:words:`."""

    def print(self, *objects: Any, **how: Any) -> None:
        super().print(*(printable(o) if isinstance(o, str) else o for o in objects), **how)
