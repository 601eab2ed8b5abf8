"""What is sent to Zendesk and what its answers to writes say: payloads, marks, guards, receipts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from connectors.errors import ConnectorError, InDoubt, Rejected, Stale, Transient, Unreadable
from connectors.mapping import Record, Table, Unwritable, payload
from connectors.text import html, limits, plain
from connectors.text.limits import Limit, in_bytes
from connectors.zendesk.directory import Directory
from connectors.zendesk.reading import MARK, ticket_reader, version_of
from rules.plan import Draft, Receipt
from rules.ticket import Person, Value

OWN = frozenset({"ticket_form_id", "brand_id", "custom_status_id", "problem_id"})  # what `create:` of a rule may name besides ticket fields
LOOKED_UP = frozenset({"group", "assignee"})
FIELD = "custom_fields."
LONGEST = 65_000  # bytes of a comment's HTML; Zendesk takes about 65,000 characters "depending on your encoding/markup"


class Writing:
    """Our fields in Zendesk's keys, words and ids; and Zendesk's answer to a write as a receipt."""

    def __init__(
        self, connection: str, table: Table, directory: Directory, coupled: Mapping[str, frozenset[str]], *, wide: bool = True
    ) -> None:
        self._limit = Limit(LONGEST, in_bytes, wide)
        self._connection, self._table, self._directory, self._coupled = connection, table, directory, coupled
        self._read = ticket_reader(connection, table, "")

    def payload(self, what: str, fields: Mapping[str, Value]) -> dict[str, Any]:
        """Raises `Rejected` for a field, word, group or agent that Zendesk does not have."""
        try:
            flat = payload(self._table, {k: v for k, v in fields.items() if k not in LOOKED_UP})
        except Unwritable as error:
            raise Rejected(self._connection, f"{what}: {error}") from None
        own = [{"id": int(k.removeprefix(FIELD)), "value": v} for k, v in flat.items() if k.startswith(FIELD)]
        sent = {k: v for k, v in flat.items() if not k.startswith(FIELD)}
        if "group" in fields:
            sent["group_id"] = self._directory.group_id(str(fields["group"])) if fields["group"] else None
        if "assignee" in fields:
            sent["assignee_id"] = self._directory.agent_id(str(fields["assignee"])) if fields["assignee"] else None
        return {**sent, "custom_fields": own} if own else sent

    def draft(self, what: str, draft: Draft) -> dict[str, Any]:
        """A new ticket. Its first comment is its description; the requester is found by e-mail address, else made by Zendesk."""
        fields = draft.fields
        sent = self.payload(what, {k: v for k, v in fields.items() if k not in ("body", "tags", "requester") and v is not None})
        own = [{"id": int(k), "value": v} for k, v in draft.own.items() if k.isdigit()] + sent.pop("custom_fields", [])
        sent |= self._own(what, {k: v for k, v in draft.own.items() if not k.isdigit()}) | ({"custom_fields": own} if own else {})
        if isinstance(tags := fields.get("tags"), frozenset) and tags:
            sent["tags"] = sorted(tags)
        if requester := fields.get("requester"):
            sent |= self._requester(str(requester))
        described = self.said(str(fields["body"])) if fields.get("body") else html.write(plain.read(str(fields.get("subject") or "")))
        return {**sent, "comment": {"html_body": described, "public": True}}

    def said(self, text: str) -> str:
        """Markdown as the HTML of a comment."""
        return limits.said(text, html.write, str, self._limit)

    def receipt(self, what: str, answer: Record, names: set[str]) -> Receipt:
        """The version and the fields as they stand after an update. Asks nothing more: the write is done, whatever else fails."""
        with reading(self._connection, what, written=True):
            record = part(answer, "ticket")
            ticket = self._read(dict(record), self._directory.known)
        wanted = names.union(*(self._coupled.get(name, frozenset()) for name in names))
        echo = {n: _value(ticket, n) for n in wanted if n not in ticket.unread and not self._unknown(record, n)}
        return Receipt(version=version_of(record), echo=echo)

    def _unknown(self, record: Record, name: str) -> bool:
        """Somebody whom Zendesk itself put there, and of whom we know no more than an id."""
        return name == "assignee" and record.get("assignee_id") not in (None, *self._directory.known.users)

    def _own(self, what: str, own: Mapping[str, str]) -> dict[str, int]:
        """What only Zendesk knows. Raises `Rejected` for what it does not."""
        for name, value in own.items():
            if name not in OWN or not value.isdigit():
                known = ", ".join(sorted(OWN))
                raise Rejected(self._connection, f"{what}: '{name}: {value}' means nothing here; write {known} or a ticket field's number")
        return {name: int(value) for name, value in own.items()}

    def _requester(self, email: str) -> dict[str, Any]:
        number = self._directory.person_id(email)
        return {"requester_id": number} if number else {"requester": {"email": email, "name": email.partition("@")[0]}}


def _value(ticket: Any, name: str) -> Value:
    own = name.removeprefix("custom.")
    value = ticket.custom.get(own) if own != name else getattr(ticket, name)
    return value.known_as if isinstance(value, Person) else value


def marked(ticket: Mapping[str, Any], mark: str) -> dict[str, Any]:
    """With our mark in the metadata, which Zendesk keeps in the audit of the update and shows to nobody else."""
    return {**ticket, "metadata": {MARK: mark}}


def guarded(ticket: Mapping[str, Any], version: str, mark: str = "update") -> dict[str, Any]:
    """Refused by Zendesk with 409 when the ticket's `updated_at` is no longer that of `version`."""
    return marked({**ticket, "safe_update": True, "updated_stamp": version.partition("/")[0]}, mark)


def comment_in(audit: Record) -> Record:
    """The comment that an update brought: its event, by whose id the list of comments knows it too."""
    found: Record = next(e for e in audit["events"] if e["type"] in ("Comment", "VoiceComment"))
    return found


def made(ticket: Record) -> Receipt:
    return Receipt(id=str(ticket["id"]), key=str(ticket["id"]), version=version_of(ticket))


def part(answer: Record, name: str) -> dict[str, Any]:
    """One record out of an answer. Raises `ValueError`."""
    found = answer.get(name)
    if not isinstance(found, dict):
        raise ValueError(f"the answer holds no {name}")
    return found


@contextmanager
def unguarded(connection: str) -> Iterator[None]:
    """A 409 without a guard is two updates at once, of which Zendesk refused ours: nothing happened, ask again."""
    try:
        yield
    except Stale as error:
        raise Transient(connection, f"{error.message} (another update was under way)") from None


@contextmanager
def reading(connection: str, what: str, *, written: bool = False) -> Iterator[None]:
    """Around what reads an answer: one that is not as documented is `Unreadable`; after a write it leaves a doubt."""
    try:
        yield
    except ConnectorError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        reason = f"{what}: the answer is not what Zendesk documents ({type(error).__name__}: {str(error)[:120]})"
        raise (InDoubt if written else Unreadable)(connection, reason) from None
