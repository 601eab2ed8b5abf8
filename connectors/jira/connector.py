"""Jira, Cloud and Data Center. Quirks: a status moves by transition only, the search lags behind writes, and no write can be guarded."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from connectors.base import NO_TAGS, NOBODY, ConnectorSettings, Cursor, Custom, NativeSla, Page, Thing
from connectors.columns import MALFORMED
from connectors.errors import ConnectorError, CursorExpired, Gone, InDoubt, NotFound, Rejected, Stale, Transient, Unauthorized, Unreadable
from connectors.inventory import Permission, Pulse, RemoteField
from connectors.jira import adf, inventory, paths, pushes, reading
from connectors.jira.abilities import ABILITIES
from connectors.jira.attachments import WithFiles
from connectors.jira.dialects import DIALECTS
from connectors.jira.editing import Editor
from connectors.jira.finding import find
from connectors.jira.issues import OURS, IssueReader, value_of, why
from connectors.jira.linking import Links
from connectors.jira.moving import Mover, status_of
from connectors.jira.settings import JiraSettings
from connectors.jira.site import Site
from connectors.jira.slas import Slas
from connectors.jira.table import STATUS, table
from connectors.jira.watermark import Watermark, jql
from connectors.mapping import Record, declared, moment
from connectors.pushes import Heard, Hooks, Push, trusted
from connectors.shared import Shared
from connectors.text.limits import Limit
from rules.plan import Draft, Receipt, TagChange
from rules.ticket import Change, Comment, Person, Status, Ticket, Value, replace

if TYPE_CHECKING:
    from connectors.jira.session import JiraSession


class JiraConnector(WithFiles):
    """One Jira site. Nothing is sent before the first question; reading also asks once for the site's list of fields."""

    Settings = JiraSettings
    abilities = ABILITIES

    def __init__(self, connection: str, session: "JiraSession", settings: JiraSettings, custom: tuple[Custom, ...] = ()) -> None:
        super().__init__(connection)
        names = STATUS.extended(settings.words.get("status", {}))
        self._settings, self._session, self._names = settings, session, names
        self._learned = False
        self._dialect = DIALECTS[settings.deployment]
        self._table = declared(table(self._dialect.texts), settings.words)
        self._issues = IssueReader(connection, settings, self._table, names, custom, self._dialect)
        self._site, self._slas = Site(session, settings, self._dialect), Slas(session)
        self._links = Links(session, self._site, settings.links)
        self._mover = Mover(self._site, names, settings.transition_fields)
        self._editor = Editor(self._site, self._issues, self._table, Limit(adf.LONGEST, wide=settings.four_byte_letters))

    @classmethod
    def opened(
        cls,
        connection: str,
        settings: ConnectorSettings,
        custom: tuple[Custom, ...] = (),
        *,
        read_only: bool = False,
        shared: Shared | None = None,
    ) -> Self:
        from connectors.jira.session import JiraSession

        own = settings if isinstance(settings, JiraSettings) else JiraSettings.model_validate(settings.model_dump(exclude_unset=True))
        session = JiraSession(connection, own, DIALECTS[own.deployment], read_only=read_only, shared=shared)
        return cls(connection, session, own, custom)

    def close(self) -> None:
        self._session.close()

    def check_sign_in(self) -> str:
        """Raises `Rejected` where the site is of the other deployment than this connection says."""
        try:
            me = self._session.get("signing in", "myself")
        except (NotFound, Rejected, Unauthorized) as error:
            self._site.must_be_this_deployment(error)
            raise
        if self._dialect.people.lasting not in me:
            self._site.must_be_this_deployment(None)
        return str(me.get("emailAddress") or me.get("displayName") or me.get(self._dialect.people.written))

    def changed(self, since: datetime | Cursor) -> Iterator[Page]:
        """Pages of a search by `updated`; the cursor is a watermark of our own, which never runs out."""
        mark, start = self._from(since)
        self._learn()
        yield from self._site.asks.pages(self._issues, start, mark)

    def fetch(self, key: str) -> Ticket:
        return self._fetched(f"reading {key}", key)[1]

    def present(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Jira answers for the key that an issue had before it moved, too, and does not say for which of the keys."""
        found = self._site.asks.present(f"asking after {len(keys)} issues", keys)
        there = {key: key for key in keys if key in found}
        for key in keys if len(there) < len(keys) else ():
            if key not in there and (now := self._key_now(key)) is not None:
                there[key] = now
        return there

    def _key_now(self, key: str) -> str | None:
        try:
            return str(self._site.issue(f"reading {key}", key, "updated")["key"])
        except NotFound:
            return None

    def count(self, since: datetime) -> int | None:
        asked = jql(since, self._settings.project).partition(" ORDER BY ")[0]
        return self._site.asks.count("counting what changed", asked)

    def raw(self, key: str) -> Mapping[str, Any]:
        return self._fetched(f"reading {key}", key)[0]

    def update(self, key: str, fields: Mapping[str, Value], *, version: str, tags: TagChange = NO_TAGS) -> Receipt:
        """Fields and labels in one write, then the status by its transitions.

        Jira refuses no stale write: the issue is read and compared just before, so an edit within that round trip goes unnoticed.
        Labels are added and removed one by one and survive even that. The receipt has a version only when nothing but what we
        wrote is different afterwards, so that nobody's edit in between passes for seen.
        """
        what = f"updating {key}"
        record, before = self._fetched(what, key)
        if before.version != version:
            raise Stale(self.connection, f"{what}: it is no longer at version {version}")
        body = self._editor.edit(what, {name: value for name, value in fields.items() if name != "status"}, tags, record["fields"])
        self._write(what, key, body, record["fields"], self._wanted(what, fields))
        return self._receipt(what, key, before, [*fields, *(["tags"] if tags else [])])

    def comment(self, key: str, body: str, *, public: bool, mark: str, called: frozenset[str] = NOBODY) -> Receipt:
        """The mark is a property of the comment that no person sees; so is Jira Service Management's own sign of an internal one."""
        what = f"commenting on {key}"
        properties: list[dict[str, Any]] = [{"key": reading.MARK, "value": {"mark": mark}}]
        if not public:
            properties.append({"key": reading.INTERNAL, "value": {"internal": True}})
        said = self._editor.comment(body, properties, NOBODY if public else called)
        with self._session.saying(public=public):
            made = self._session.ask(what, "POST", paths.issue(key, "comment"), body=said)
        try:
            return Receipt(id=str(made["id"]), version=self._version_at(what, key, moment(made["created"])))
        except MALFORMED as error:
            raise InDoubt(self.connection, f"{what}: {why(error)}") from None

    def create(self, draft: Draft, *, mark: str) -> Receipt:
        """`own` takes project, issue_type and any other field by its id or name. A status is reached by transitions afterwards.

        What cannot be reached then is no failure of the creation: the echo says where the issue stands.
        """
        self._learn()
        project = draft.own.get("project") or next(iter(self._settings.project), None)
        what = f"creating an issue in {project}"
        if project and self._settings.project and project not in self._settings.project:
            raise Rejected(self.connection, f"{what}: this connection does not read it; add it to project: of this connection")
        made = self._session.ask(what, "POST", "issue", body=self._editor.new(what, project, draft, mark))
        try:
            id, key = str(made["id"]), str(made["key"])
        except MALFORMED as error:
            raise InDoubt(self.connection, f"{what}: {why(error)}") from None
        return replace(self._settled(what, key, draft), id=id, key=key)

    def applied_comment(self, key: str, body: str, *, public: bool, mark: str) -> Receipt | None:
        what = f"looking for our comment on {key}"
        ours = (c for c in self._site.comments(what, key) if self._site.mark(what, c, f"comment/{c.get('id')}") == mark)
        found = next(ours, None)
        return Receipt(id=str(found["id"])) if found else None

    def applied_create(self, mark: str) -> Receipt | None:
        """By our label in a search; and as that lags, by the keys that follow the newest one that it shows. Raises `InDoubt` for
        a connection that names no `project` to look in."""
        what = "looking for the issue that we made"
        found = find(self._site, what, mark, self._settings.project)
        return Receipt(id=str(found["id"]), key=str(found["key"])) if found else None

    def link(self, key: str, relation: str, other: str) -> Receipt:
        return self._links.link(relation, key, other)

    def linked(self, key: str, relation: str, other: str) -> bool:
        return self._links.linked(relation, key, other)

    def comments(self, key: str, since: datetime | None = None) -> tuple[Comment, ...]:
        """The reporter is asked for besides, to tell the customer's comments from the agents'."""
        what = f"reading the comments of {key}"
        reporter = self._site.issue(what, key, "reporter")["fields"].get("reporter") or {}
        found: dict[str, Comment] = {}
        try:
            for said in self._site.comments(what, key):
                one = reading.comment(said, reporter, self._issues.emails, self._dialect)
                if since is not None and one.at < since:
                    break
                found[one.id] = one
        except MALFORMED as error:
            raise Unreadable(self.connection, f"{what}: {why(error)}") from None
        return tuple(sorted(found.values(), key=lambda c: (c.at, len(c.id), c.id)))

    def person(self, id: str) -> Person | None:
        what = f"looking up who {id} is"
        found = self._site.user(what, id)
        try:
            return reading.person(found, self._dialect.people, self._issues.emails)
        except MALFORMED as error:
            raise Unreadable(self.connection, f"{what}: {why(error)}") from None

    def mentionable(self, who: str) -> str | None:
        return self._site.mentionable(f"looking up {who}", who)

    def known(self, kind: Thing, names: Iterable[str]) -> frozenset[str]:
        """A group is a choice of the field that holds groups here; where that takes any text, every group is known."""
        has = {"user": self._site.has_account, "project": self._site.has_project, "field": self._site.has_field}
        if kind != "group":
            return frozenset(filter(has[kind], names))
        self._learn()
        held = self._issues.own.get("group")
        offered = self._site.choices(held.id, self._settings.project) if held else frozenset()
        return frozenset(name for name in names if offered is None or name.casefold() in offered)

    def fields(self) -> tuple[RemoteField, ...]:
        return tuple(inventory.fields(self._site.fields, self._site.screens(self._settings.project)))

    def permissions(self) -> tuple[Permission, ...]:
        """In each of the connection's projects; on the whole site where it names none."""
        return tuple(inventory.permissions(self._site.permissions(project, inventory.NEEDS) for project in self._settings.project or ("",)))

    def pulse(self) -> Pulse:
        return self._session.pulse()

    def hooks(self) -> Hooks:
        return pushes.hooks()

    def heard(self, push: Push) -> Heard:
        return pushes.heard(push, trusted(self._settings.pushes))

    def history(self, key: str) -> tuple[Change, ...]:
        what = f"reading the history of {key}"
        self._learn()
        entries = self._site.asks.changelog(what, key)
        try:
            return reading.changes(entries, self._followed, self._dialect.people, self._issues.emails)
        except MALFORMED as error:
            raise Unreadable(self.connection, f"{what}: {why(error)}") from None

    def native_slas(self, key: str) -> tuple[NativeSla, ...]:
        """Of a request of a service desk where we are an agent; no other issue has any."""
        return self._slas.of(key)

    def _from(self, since: datetime | Cursor) -> tuple[Watermark, datetime]:
        """The watermark to go on from, and the moment to ask from: behind a cursor by the overlap, for the search lags."""
        if isinstance(since, datetime):
            return Watermark(since), since
        try:
            mark = Watermark.parse(since)
        except ValueError as error:
            raise CursorExpired(self.connection, f"the cursor was made by something else ({error})") from None
        return mark, mark.updated - timedelta(seconds=self._settings.overlap)

    def _learn(self) -> None:
        """Finds the site's own fields, once."""
        if self._learned:
            return
        try:
            self._issues.learn(self._site.fields)
        except LookupError as error:
            raise Rejected(self.connection, f"reading the site's fields: {error}") from None
        self._learned = True

    def _fetched(self, what: str, key: str) -> tuple[Record, Ticket]:
        self._learn()
        record = self._site.issue(what, key, self._issues.asked)
        self._same(key, record)
        try:
            return record, self._issues.ticket(record)
        except MALFORMED as error:
            raise Unreadable(self.connection, f"{what}: {why(error)}") from None

    def _same(self, key: str, record: Record) -> None:
        """Jira answers under the key that an issue had before it moved. Raises `Gone` for such a key."""
        now = str(record.get("key"))
        if "-" in key and now.casefold() != key.casefold():
            inside = not self._settings.project or now.rpartition("-")[0] in self._settings.project
            raise Gone(self.connection, key, "moved" if inside else "left", now)

    def _ticket(self, record: Record) -> Ticket:
        return self._issues.ticket(record)

    @cached_property
    def _followed(self) -> Mapping[str, tuple[str, reading.Reads]]:
        def status(id: str | None, text: str | None) -> Value:
            return status_of(self._names, self._site.statuses.get(id or "", {"name": text}))

        words = {row.name: row.words for row in self._table if row.words is not None}
        return reading.followed(self._issues.own.values(), words, status, self._issues.emails)

    def _wanted(self, what: str, fields: Mapping[str, Value]) -> Status | None:
        if "status" not in fields:
            return None
        try:
            return Status(str(fields["status"]))
        except ValueError:
            raise Rejected(self.connection, f"{what}: '{fields['status']}' is no status") from None

    def _write(self, what: str, key: str, body: Mapping[str, Any], stands: Record, wanted: Status | None) -> None:
        """What is refused or lost after the first write went through is no longer `Transient`: something did happen."""
        written = 0
        try:
            if body:
                self._session.ask(what, "PUT", paths.issue(key), body=body)
                written = 1
            for _ in self._mover.steps(what, key, stands, wanted) if wanted is not None else ():
                written += 1
        except Transient as error:
            if not written:
                raise
            raise InDoubt(self.connection, f"{error.message} (a part was written)") from None

    def _receipt(self, what: str, key: str, before: Ticket, names: Sequence[str]) -> Receipt:
        """How it stands after our write. Without a version and an echo where that cannot be read now: the write itself is done."""
        try:
            _, after = self._fetched(what, key)
        except ConnectorError:
            return Receipt()
        coupled = [other for name in names for other in self.abilities.coupled.get(name, ())]
        touched = {*names, *coupled}
        others = OURS - touched - NOT_COMPARED
        alone = all(value_of(before, name) == value_of(after, name) for name in others) and _same_customs(before, after, touched)
        return Receipt(version=after.version if alone else None, echo={name: value_of(after, name) for name in touched})

    def _version_at(self, what: str, key: str, made: datetime) -> str | None:
        """The issue's version, when its last change is the one that we made at this moment."""
        try:
            _, after = self._fetched(what, key)
        except ConnectorError:
            return None
        return after.version if after.updated_at == made else None

    def _settled(self, what: str, key: str, draft: Draft) -> Receipt:
        """Takes a new issue to the status of its draft, and says how it stands."""
        try:
            record, made = self._fetched(what, key)
            wanted = self._wanted(what, draft.fields)
            steps = list(self._mover.steps(what, key, record["fields"], wanted)) if wanted else []
            now = self._fetched(what, key)[1] if steps else made
        except ConnectorError:
            return Receipt()
        alone = now.updated_at == now.created_at
        return Receipt(version=now.version if alone else None, echo={name: value_of(now, name) for name in draft.fields})


NOT_COMPARED = frozenset({"updated_at", "version", "custom", "unread", "ref", "url"})


def _same_customs(before: Ticket, after: Ticket, touched: set[str]) -> bool:
    names = {f"custom.{name}" for name in {*before.custom, *after.custom}} - touched
    return all(value_of(before, name) == value_of(after, name) for name in names)
