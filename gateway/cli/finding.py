"""What `doctor` says of each thing that it looks at."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that was looked at: whether it is well, what was found, and what to do where it is not."""

    ok: bool
    what: str
    said: str
    help: str = ""
