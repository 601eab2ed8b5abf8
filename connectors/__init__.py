"""SPEAK. One folder for one ticket system; the table of those that come with ticketgate."""

from dataclasses import dataclass
from importlib import import_module

from connectors.base import Abilities, Connector, ConnectorSettings

BUILT_IN = {
    "jira": "connectors.jira.connector:JiraConnector",
    "servicenow": "connectors.servicenow.connector:ServiceNowConnector",
    "zendesk": "connectors.zendesk.connector:ZendeskConnector",
    "salesforce": "connectors.salesforce.connector:SalesforceConnector",
    "memory": "connectors.memory:MemoryConnector",
}
DESCRIBED = ("jira", "servicenow", "zendesk", "salesforce")
"""Those whose abilities and settings lie apart from what speaks to them, so that they are known without paying for that."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a system that nobody has spoken to yet."""

    settings: type[ConnectorSettings]
    abilities: Abilities


def known(system: str) -> Known:
    """The settings and abilities of `system`. Raises as `load` does, and `LookupError` for what is no connector."""
    if system in DESCRIBED:
        said = import_module(f"connectors.{system}.abilities")
        return Known(said.Settings, said.ABILITIES)
    kind: object = load(system)
    if not (isinstance(kind, type) and issubclass(kind, Connector)):
        raise LookupError(f"'{system}' is not a connector")
    return Known(kind.Settings, kind.abilities)


def load(system: str) -> type[Connector]:
    """The class that speaks to `system`: a name of the table, or `package.module:Class`.

    Raises `LookupError`, naming what exists, when there is no such system, and `ImportError` when its SDK is not installed.
    """
    where = BUILT_IN.get(system, system)
    module, _, name = where.partition(":")
    if not name:
        raise LookupError(f"there is no system called '{system}'; there are {', '.join(BUILT_IN)}, or package.module:Class")
    found: type[Connector] = getattr(import_module(module), name)
    return found
