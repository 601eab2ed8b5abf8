"""Which dialect a connection speaks, by its `deployment`."""

from collections.abc import Mapping

from connectors.jira.cloud import CLOUD
from connectors.jira.data_center import DATA_CENTER
from connectors.jira.dialect import Dialect

DIALECTS: Mapping[str, Dialect] = {"cloud": CLOUD, "data_center": DATA_CENTER}
