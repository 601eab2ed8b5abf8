"""Whether an issue that we may have made is there: a search first, and past its end the keys that it does not show yet."""

from collections.abc import Iterable, Sequence

from connectors.errors import InDoubt
from connectors.jira import paths, reading
from connectors.jira.site import Site
from connectors.mapping import Record

A_WINDOW = 20  # keys asked for at once; more than ever go missing in a row, by deletion or a refused creation


def find(site: Site, what: str, mark: str, projects: Sequence[str]) -> Record | None:
    """The issue with this mark; None when it surely is not there.

    A search alone cannot say so: it lags behind the writes by seconds or minutes. Reading an issue by its key does not lag, and keys
    of a project are given out in order. Raises `InDoubt` where no project is named and the search shows nothing.
    """
    query = f'labels = "{reading.label_of(mark)}" ORDER BY created ASC'
    found = _with(site, what, mark, site.asks.found(what, query, 100, reading.MARK))
    if found is None and not projects:
        raise InDoubt(site.connection, f"{what}: the search may lag; name the projects under project: of this connection")
    return found or next((hit for hit in (_beyond(site, what, mark, project) for project in projects) if hit), None)


def _beyond(site: Site, what: str, mark: str, project: str) -> Record | None:
    """Among the newest that the search shows and those after them, window by window until one is empty.

    It may show an issue before an older one, so the first window starts behind.
    """
    newest = site.asks.found(what, f"project = {project} ORDER BY key DESC", 1, reading.MARK)
    number = max(int(str(newest[0]["key"]).rpartition("-")[2]) - A_WINDOW, 0) if newest else 0
    while True:
        keys = [f"{project}-{n}" for n in range(number + 1, number + 1 + A_WINDOW)]
        there = site.asks.bulk(what, keys, reading.MARK)
        found = _with(site, what, mark, there)
        if found is not None or not there:
            return found
        number += A_WINDOW


def _with(site: Site, what: str, mark: str, issues: Iterable[Record]) -> Record | None:
    return next((i for i in issues if site.mark(what, i, paths.issue(str(i.get("key")))) == mark), None)
