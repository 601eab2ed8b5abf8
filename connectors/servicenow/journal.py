"""What the system keeps beside a record: the journal (`sys_journal_field`) and the audit (`sys_audit`), read as ours."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from connectors.mapping import Field, Record
from connectors.servicenow.query import moment
from connectors.servicenow.reading import ON_HOLD
from rules.ticket import Change, Comment, Person, Role

ELEMENTS = {True: "comments", False: "work_notes"}
ENTRY = "sys_id,element,value,sys_created_on,sys_created_by"
AUDIT = "sys_id,fieldname,oldvalue,newvalue,sys_created_on,user,record_checkpoint"
MARKED = re.compile(r"\n?⟨tg:([0-9a-f]{8})⟩\s*\Z")

NAMED = {"priority": "priority", "impact": "impact", "urgency": "urgency", "short_description": "subject"}
REFERENCED = {"assignment_group": ("group", "sys_user_group"), "assigned_to": ("assignee", "sys_user")}
AUDITED = ("state", "hold_reason", *NAMED, *REFERENCED)
"""The audited fields that are read as history of ours."""


def marked(body: str, mark: str) -> str:
    """The text with its last line by which we find it again: journals have no place that people do not see."""
    return f"{body.rstrip()}\n⟨tg:{mark[:8]}⟩"


def bears(text: str, mark: str) -> bool:
    found = MARKED.search(text)
    return found is not None and found.group(1) == mark[:8]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked: the only one whose public words count as the customer's."""

    user_name: str | None
    person: Person | None


def comment_of(row: Record, caller: Caller, people: Mapping[str, Person]) -> Comment:
    """An entry of the journal. Ours by its mark, unless the caller wrote it: a mark can be copied, an author cannot."""
    by, text, public = row["sys_created_by"], row["value"].replace("\r\n", "\n"), row["element"] == "comments"
    theirs = public and by == caller.user_name
    mark = None if theirs else MARKED.search(text)
    return Comment(
        id=row["sys_id"],
        at=moment(row["sys_created_on"]),
        text=text[: mark.start()] if mark else text,
        public=public,
        role=Role.CUSTOMER if theirs else Role.BOT if mark or by == "system" else Role.AGENT,
        author=caller.person if theirs else people.get(by, Person(name=by)),
        ours=mark is not None,
    )


def changes_of(
    rows: Iterable[Record], now: Record, table: Iterable[Field], named: Callable[[str, str], str | None], us: str | None
) -> Iterator[Change]:
    """The audit as changes of our fields. Rows of one write come together: state and hold_reason are one status.

    `now` is the record, for a hold_reason that never changed; `named` gives the name behind a sys_id.
    """
    by_name = {f.name: f for f in table}
    rows = list(rows)
    held = next((r["oldvalue"] for r in rows if r["fieldname"] == "hold_reason"), now.get("hold_reason") or "")
    for _, write in groupby(rows, key=lambda r: (r["sys_created_on"], r["user"], r["record_checkpoint"])):
        one = {row["fieldname"]: row for row in write}
        first = next(iter(one.values()))
        at, by = moment(first["sys_created_on"]), first["user"] or None
        for name, before, after in _told(one, held, by_name, named):
            if before != after:
                yield Change(field=name, before=before, after=after, at=at, by=by, ours=by is not None and by == us)
        held = one["hold_reason"]["newvalue"] if "hold_reason" in one else held


def _told(
    one: Mapping[str, Record], held: str, by_name: Mapping[str, Field], named: Callable[[str, str], str | None]
) -> Iterator[tuple[str, Any, Any]]:
    yield from _status(one, held, by_name["status"])
    for theirs, ours in NAMED.items():
        if theirs in one:
            yield ours, _read(by_name[ours], one[theirs]["oldvalue"]), _read(by_name[ours], one[theirs]["newvalue"])
    for theirs, (ours, table) in REFERENCED.items():
        if theirs in one:
            yield ours, named(table, one[theirs]["oldvalue"]), named(table, one[theirs]["newvalue"])


def _status(one: Mapping[str, Record], held: str, row: Field) -> Iterator[tuple[str, Any, Any]]:
    """A change of state, or of the reason alone while on hold."""
    state, reason = one.get("state"), one.get("hold_reason")
    after_reason = reason["newvalue"] if reason else held
    if state:
        yield "status", _word(row, state["oldvalue"], held), _word(row, state["newvalue"], after_reason)
    elif reason and reason["oldvalue"] and reason["newvalue"]:
        yield "status", _word(row, ON_HOLD, held), _word(row, ON_HOLD, after_reason)


def _word(row: Field, state: str, reason: str) -> str | None:
    if row.words is None or not callable(row.reads):
        return None
    return row.words.read(str(row.reads({"state": state, "hold_reason": reason})))


def _read(row: Field, value: str) -> Any:
    if not value:
        return None
    return row.words.read(value) if row.words else value
