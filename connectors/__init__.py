"""SPEAK. One folder for one ticket system; the table of those that come with ticketgate."""

from importlib import import_module

from connectors.base import Connector

BUILT_IN = {
    "jira": "connectors.jira.connector:JiraConnector",
    "servicenow": "connectors.servicenow.connector:ServiceNowConnector",
    "zendesk": "connectors.zendesk.connector:ZendeskConnector",
    "salesforce": "connectors.salesforce.connector:SalesforceConnector",
    "memory": "connectors.memory:MemoryConnector",
}


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
