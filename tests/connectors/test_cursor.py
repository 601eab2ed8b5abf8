"""The cursor suite, held by every connector of the table and by memory."""

from tests.connectors.test_contract import connector, rig, system
from tests.cursor import *  # noqa: F403

__all__ = ["connector", "rig", "system"]
