"""What a connection shares with every worker and process that asks the same system."""

from dataclasses import dataclass, field

from connectors.allowance import Meter
from connectors.tokens import InMemory, Tokens


@dataclass(frozen=True, slots=True)
class Shared:
    """By itself, a connector shares with nobody: a process that has no store."""

    tokens: Tokens = field(default_factory=InMemory)
    meter: Meter | None = None  # none: it asks until the system says no
