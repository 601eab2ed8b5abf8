"""Holds the small conversations with a system's sandbox and gives back what was exchanged."""

from connectors.base import Connector
from gateway.sandbox.host import Exchange
from tests.conversations import ALL, LONG_AGO, PAGE_SIZE, the_tickets
from tests.rigs import rigged, served


def exchanged(system: str) -> list[Exchange]:
    """Every request and answer of all conversations, each with a fresh sandbox."""
    kept: list[Exchange] = []
    with served(system) as port:
        for conversation in (*ALL.values(), counts):
            with rigged(system, port) as rig:
                rig.load(*the_tickets())
                conversation(rig.connector(page_size=PAGE_SIZE), system)
                assert port is not None
                kept += port.exchanges
    return kept


def counts(connector: Connector, system: str) -> None:
    """Not on the cassettes: what only a backfill's progress asks."""
    connector.count(LONG_AGO)
