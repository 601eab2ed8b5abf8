"""Jira's links between issues: of a type, with an end from which it is read outward and one from which it is read inward."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from connectors.errors import Unreadable
from connectors.jira.site import Site
from connectors.mapping import Field
from rules.plan import Receipt

if TYPE_CHECKING:
    from connectors.jira.session import JiraSession

FROM_OTHER = frozenset({"problem", "parent"})
"""Read outward from the other one: it *causes* this one, or is its parent. A duplicate *duplicates* its original."""


LINKS = "issuelinks"


def origins(words: Iterable[str]) -> tuple[Field, ...]:
    """The row for what an issue was split or copied from, by the words of links that lead there; none where there are no such words."""
    wanted = frozenset(map(str.casefold, words))
    return (Field(name="split_from", reads=LINKS, convert=lambda links: _origin(links, wanted)),) if wanted else ()


def _origin(links: Any, wanted: frozenset[str]) -> str | None:
    """The key at the other end of the first such link: `outward` are the words to an `outwardIssue`, `inward` those to an `inwardIssue`.

    (https://developer.atlassian.com/cloud/jira/platform/issue-linking-model/)
    """
    ends = [(end, link) for link in links for end in ("outward", "inward") if link.get(f"{end}Issue")]
    return next((str(link[f"{end}Issue"]["key"]) for end, link in ends if str(link["type"].get(end)).casefold() in wanted), None)


class Links:
    """The links of one site, by the names that its types have there."""

    def __init__(self, session: "JiraSession", site: Site, types: Mapping[str, str]) -> None:
        self._session, self._site, self._types = session, site, types

    def link(self, relation: str, key: str, other: str) -> Receipt:
        """The same link again changes nothing: Jira Cloud promises it, a Data Center is asked first."""
        if not self._site.dialect.links_once and self.linked(relation, key, other):
            return Receipt()
        first, second = (other, key) if relation in FROM_OTHER else (key, other)
        ends = {"inwardIssue": {"key": first}, "outwardIssue": {"key": second}}
        body = {"type": {"name": self._types[relation]}, **ends}
        self._session.ask(f"linking {key} to {other}", "POST", "issueLink", body=body)
        return Receipt()

    def linked(self, relation: str, key: str, other: str) -> bool:
        """As the issue shows it: the other one stands under the end that it is."""
        end, what = "inwardIssue" if relation in FROM_OTHER else "outwardIssue", f"looking for the links of {key}"
        found = self._site.issue(what, key, LINKS)["fields"].get(LINKS) or []
        try:
            return any(self._is(one, relation, end, other) for one in found)
        except (AttributeError, TypeError, KeyError) as error:
            raise Unreadable(self._session.connection, f"{what}: the answer holds no links ({type(error).__name__})") from None

    def _is(self, link: Mapping[str, Any], relation: str, end: str, other: str) -> bool:
        named = str(link["type"]["name"]).casefold() == self._types[relation].casefold()
        return named and str((link.get(end) or {}).get("key")).casefold() == other.casefold()
