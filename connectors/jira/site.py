"""What one Jira site is asked, and what of its answers is kept: its fields, its statuses, and whose account is whose."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connectors.base import FALLBACK
from connectors.errors import ConnectorError, NotFound, Rejected, Unreadable
from connectors.jira import paths, reading
from connectors.jira.dialect import Dialect
from connectors.mapping import Record

if TYPE_CHECKING:
    from connectors.jira.session import JiraSession
    from connectors.jira.settings import JiraSettings

NO_JIRA = "there is no Jira at this url; write its base URL as its own pages show it, with the context path where it has one"
EVERYWHERE = "{server}/rest/api/2/{path}"  # what both deployments serve, to anybody
CLOUD_SITE, CLOUD_WAY = "Jira Cloud", "leave deployment: data_center out of this connection, and sign in as Jira Cloud wants it"
INSIDE, INSIDE_WAY = "a Jira Data Center", "write deployment: data_center, and sign_in: { token } with a personal access token"
A_PAGE = 100  # comments or changes on one page


class Site:
    """Questions to one site. Answers that are not what Jira documents raise `Unreadable`."""

    def __init__(self, session: "JiraSession", settings: "JiraSettings", dialect: Dialect) -> None:
        self.session, self.connection, self.dialect = session, session.connection, dialect
        self.asks = dialect.asks(self, settings)
        self._workflows: dict[str, dict[str, Sequence[Record]]] = {}
        self._users: dict[str, Record] = {}
        self._exact = {email.casefold(): id for email, id in settings.accounts.items()}
        self._accounts = dict(self._exact)

    @cached_property
    def fields(self) -> Sequence[Record]:
        """All fields of the site, asked for once."""
        return self.records("reading the site's fields", self.session.get("reading the site's fields", "field"))

    @cached_property
    def statuses(self) -> Mapping[str, Record]:
        """All statuses by id, asked for once: a changelog names a status without its category."""
        rows = self.records("reading the site's statuses", self.session.get("reading the site's statuses", "status"))
        return {str(row.get("id")): row for row in rows}

    def workflow(self, what: str, project: str, issue_type: str) -> Sequence[Record]:
        """The statuses that issues of this type can have in this project, asked for once for each project."""
        if project not in self._workflows:
            rows = self.records(what, self.session.get(what, f"project/{quote(project, safe='')}/statuses"))
            self._workflows[project] = {str(row.get("id")): row.get("statuses") or [] for row in rows}
        return self._workflows[project].get(issue_type, ())

    def must_be_this_deployment(self, otherwise: ConnectorError | None) -> None:
        """Raises `Rejected` for a site that says that it is of the other one; `otherwise` is what went wrong before, and says more."""
        try:
            told = self.session.ask("asking which Jira it is", "GET", "serverInfo", base=EVERYWHERE)
        except ConnectorError as error:
            if isinstance(error, NotFound) and isinstance(otherwise, NotFound):
                raise Rejected(self.connection, f"signing in: {NO_JIRA}") from otherwise
            return
        deployment = told.get("deploymentType") if isinstance(told, dict) else None
        if deployment is None or (deployment == "Cloud") == (self.dialect.sdk == "Cloud"):
            return
        this, way = (CLOUD_SITE, CLOUD_WAY) if deployment == "Cloud" else (INSIDE, INSIDE_WAY)
        raise Rejected(self.connection, f"signing in: this site is {this}, version {told.get('version')}; {way}") from otherwise

    def has_project(self, key: str) -> bool:
        try:
            self.session.get(f"looking up project {key}", f"project/{quote(key, safe='')}")
        except NotFound:
            return False
        return True

    def has_account(self, word: str) -> bool:
        try:
            self.account(f"looking up {word}", word)
        except Rejected:
            return False
        return True

    def has_field(self, called: str) -> bool:
        """By its id, or by its name."""
        return any(called in (row.get("id"), row.get("key")) or called.casefold() == str(row.get("name")).casefold() for row in self.fields)

    def choices(self, field: str, projects: Iterable[str]) -> frozenset[str] | None:
        """What a select field of these projects offers when an issue is made, folded in case; None where it takes any text, or no
        such project shows it."""
        found = None
        for row in self.screens(projects):
            allowed = row.get("allowedValues") if row.get("fieldId") == field else None
            if allowed is not None:
                found = (found or frozenset()) | {str(one.get("value") or one.get("name")).casefold() for one in allowed}
        return found

    def screens(self, projects: Iterable[str]) -> Iterator[Record]:
        """What stands on the screens on which the issues of these projects are made, of each type."""
        what = "reading the screens"
        for project in projects:
            types = paths.create_meta(project)
            for kind in self.rows(what, types, self.dialect.types):
                yield from self.rows(what, f"{types}/{quote(str(kind.get('id')), safe='')}", self.dialect.screen)

    def permissions(self, project: str, names: Iterable[str]) -> Any:
        where: dict[str, Any] = {"projectKey": project} if project else {}
        return self.session.get("reading our permissions", "mypermissions", permissions=",".join(names), **where)

    def issue(self, what: str, key: str, asked: str) -> Record:
        found = self.session.get(what, paths.issue(key), fields=asked)
        if not isinstance(found, dict) or not isinstance(found.get("fields"), dict):
            raise Unreadable(self.connection, f"{what}: the answer is no issue")
        return found

    def comments(self, what: str, key: str) -> Iterator[Record]:
        """All comments with their properties, newest first; one that comes while we read may bring another one twice."""
        return self.rows(what, paths.issue(key, "comment"), "comments", orderBy="-created", expand="properties")

    def rows(self, what: str, path: str, name: str, **params: Any) -> Iterator[Record]:
        """What stands under `name` on all pages of a list that counts by `startAt`."""
        start = 0
        while True:
            page = self.session.get(what, path, startAt=start, maxResults=A_PAGE, **params)
            found = self.records(what, page.get(name) if isinstance(page, dict) else None)
            yield from found
            start += len(found)
            if not found or page.get("isLast") or start >= int(page.get("total") or 0):
                return

    def records(self, what: str, found: Any) -> list[Record]:
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise Unreadable(self.connection, f"{what}: the answer is no list of records")
        return found

    def mark(self, what: str, said: Record, path: str) -> str | None:
        """Our mark on a comment or issue; asked for by its own address where the answer came without properties."""
        if "properties" in said:
            properties = said["properties"]
            held = properties if isinstance(properties, dict) else reading.properties(said)
            return reading.mark_of(held.get(reading.MARK))
        try:
            return reading.mark_of((self.session.get(what, f"{path}/properties/{reading.MARK}") or {}).get("value"))
        except NotFound:
            return None

    def named(self, what: str, word: str) -> dict[str, str]:
        """A person as a write wants them, by e-mail address or display name. Raises `Rejected`."""
        return {self.dialect.people.written: self.account(what, word)}

    def user(self, what: str, id: str) -> Record | None:
        """Whom a mention means by this id, asked for once; None for nobody."""
        if id not in self._users:
            try:
                found = self.session.ask(what, "GET", "user", {self.dialect.people.by: id})
            except NotFound:
                return None
            if not isinstance(found, dict):
                raise Unreadable(self.connection, f"{what}: the answer is nobody")
            self._users[id] = found
        return self._users[id]

    def mentionable(self, what: str, who: str) -> str | None:
        """As `account`, but with no leniency for an e-mail address: whoever only bears it as a name, or hides their own, may be another."""
        if (known := self._exact.get(who.casefold())) is not None:
            return known
        if "@" in who:
            ids = {str(row[self.dialect.people.written]) for row in self._found(what, who) if _is_at(row, who)}
            if len(ids) != 1:
                return None
            self._exact[who.casefold()] = next(iter(ids))
            return self._exact[who.casefold()]
        try:
            return self.account(what, who)
        except Rejected:
            return None

    def _found(self, what: str, word: str) -> list[Record]:
        """The active accounts that Jira finds for a word."""
        asked = {self.dialect.people.asked: word, "maxResults": 50}
        rows = self.records(what, self.session.ask(what, "GET", "user/search", asked))
        return [row for row in rows if row.get("active") is not False]

    def account(self, what: str, word: str) -> str:
        """What the one active account with this e-mail address or display name is written by. `Rejected` for none and for several."""
        listed = self._accounts.get(word.casefold())
        if listed is not None:
            return listed
        people = self.dialect.people
        live = self._found(what, word)
        hits = [row for row in live if _is_called(row, word)] or _hidden(live, word)
        ids = {str(row[people.written]) for row in hits}
        if len(ids) != 1:
            many = "several accounts are" if ids else "no account is"
            raise Rejected(
                self.connection,
                f"{what}: {many} known as '{word}'; write it under accounts: {{ {word}: {people.said} }} of this connection, or {FALLBACK}",
            )
        self._accounts[word.casefold()] = next(iter(ids))
        return next(iter(ids))


def _is_called(row: Record, word: str) -> bool:
    """By e-mail address, display name or, where people have one, user name."""
    return word.casefold() in (str(row.get(key) or "").casefold() for key in ("emailAddress", "displayName", "name"))


def _is_at(row: Record, address: str) -> bool:
    return address.casefold() == str(row.get("emailAddress") or "").casefold()


def _hidden(rows: Sequence[Record], word: str) -> Sequence[Record]:
    """The only account that Jira found for an e-mail address and whose own address privacy hides."""
    return rows if "@" in word and len(rows) == 1 and not rows[0].get("emailAddress") else ()
