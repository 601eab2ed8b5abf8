"""The sandbox's site as it stands: its issues, who did what to them, and the index that learns of it later."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.jira.sandbox_edits import Desk
from connectors.jira.sandbox_flavour import Flavour
from connectors.jira.sandbox_issues import Issue, Joined, State, Views, differences, settled, whole
from connectors.jira.sandbox_search import Index
from connectors.jira.sandbox_site import (
    GROUP_FIELD,
    LANGUAGE_FIELD,
    OUR_PRIORITY,
    OUR_TYPE,
    PRODUCT_FIELD,
    STATUSES,
    Json,
    Project,
    Step,
    own_fields,
    projects,
)
from connectors.sandbox import Clock, Deed, Sample
from rules.ticket import replace


class NoIssue(KeyError):
    """There is no such issue, or nobody may see it: Jira does not say which."""


class Tracker:
    """Issues by id and by key. Each write gives its issue a later stamp than the one before."""

    def __init__(self, clock: Clock, zone: ZoneInfo, lag: timedelta, hidden: Iterable[str], flavour: Flavour) -> None:
        self._clock, self.flavour = clock, flavour
        self.accounts, self.own, self.projects = flavour.people(str(zone), hidden), own_fields(), projects()
        self.index, self.desk = Index(lag, flavour.step), Desk(self.accounts, self.own, flavour)
        known = self.accounts, self.projects, self.own
        self.views = Views(zone, *known, told=flavour.told_internal, ids=flavour.field_ids, content=flavour.content)
        self.issues: dict[str, Issue] = {}
        self._ids: dict[str, str] = {}
        self._numbers = dict.fromkeys(self.projects, 0)
        self._last = {"issue": 10000, "comment": 10000, "history": 10000, "link": 10000, "file": 10000}

    def found(self, key: str) -> Issue | None:
        """By key or id."""
        return self.issues.get(self._ids.get(key.upper(), key))

    def issue(self, key: str) -> Issue:
        """Raises `NoIssue`."""
        found = self.found(key)
        if found is None:
            raise NoIssue(key)
        return found

    def comment(self, id: str) -> Json:
        """By its id. Raises `NoIssue`."""
        for issue in self.issues.values():
            for said in issue.comments:
                if said["id"] == id:
                    return said
        raise NoIssue(id)

    def project(self, key: str) -> Project | None:
        """By key or id."""
        return next((p for p in self.projects.values() if key in (p.key, p.id)), None)

    def steps(self, state: State) -> tuple[Step, ...]:
        """The transitions that the workflow offers now."""
        return self.projects[state.project].workflow[state.status]

    def fresh(self, project: Project, kind: str, summary: str, *, key: str | None = None) -> State:
        """A new issue's state, made by our account; it is not there yet. Raises `ValueError` for a key without a number."""
        number = int(key.rpartition("-")[2]) if key else self._numbers[project.key] + 1
        now, by = whole(self._clock()), self.accounts.api
        made: Json = {"id": self._next("issue"), "project": project.key, "number": number, "type": kind, "summary": summary}
        stamps: Json = {"created": now, "updated": now, "moved": now}
        return State(**made, **stamps, description=None, status=project.first, priority="Medium", reporter=by, creator=by)

    def add(self, state: State) -> Issue:
        self._numbers[state.project] = max(self._numbers[state.project], state.number)
        self.issues[state.id] = issue = Issue(state)
        self._ids[state.key] = state.id
        self.index.put(self._clock(), state)
        return issue

    def change(self, issue: Issue, after: State, by: str) -> None:
        """Takes over a new state, with its stamp and its line in the changelog; the same state again changes nothing."""
        if not differences(issue.state, after):
            return
        at = max(whole(self._clock()), issue.next_moment)
        before, issue.state = issue.state, settled(issue.state, after, at)
        issue.history.append(self.views.history(int(self._next("history")), at, by, differences(before, issue.state)))
        self.index.put(self._clock(), issue.state)

    def attach(self, issue: Issue, file: Json, by: str) -> Json:
        """A file, as `sandbox_files.py` keeps it; it moves its issue's stamp."""
        at = max(whole(self._clock()), issue.next_moment)
        made = {**file, "id": self._next("file"), "at": at, "by": by}
        issue.state = replace(issue.state, files=(*issue.state.files, made), updated=at)
        issue.history.append(self.views.attached(int(self._next("history")), made))
        self.index.put(self._clock(), issue.state)
        return made

    def say(self, issue: Issue, by: str, body: Any, properties: Json, files: Iterable[str] = ()) -> Json:
        """A comment; it moves its issue's stamp. `files` are the ids of those that it shows."""
        at = max(whole(self._clock()), issue.next_moment)
        said = {"id": self._next("comment"), "author": by, "body": body, "at": at, "properties": properties, "files": tuple(files)}
        issue.comments.append(said)
        issue.state = replace(issue.state, updated=at)
        self.index.put(self._clock(), issue.state)
        return said

    def link(self, kind: str, first: Issue, second: Issue) -> bool:
        """`first` is read outward, so the second stands under its `outwardIssue`. False: they are linked so already."""
        if self.flavour.links_once and any(
            (one.type, one.end, one.other) == (kind, "outwardIssue", second.state.key) for one in first.state.links
        ):
            return False
        id = self._next("link")
        for issue, end, other in ((first, "outwardIssue", second), (second, "inwardIssue", first)):
            at = max(whole(self._clock()), issue.next_moment)
            links = (*issue.state.links, Joined(id, kind, end, other.state.key))
            issue.state = replace(issue.state, links=links, updated=at)
            self.index.put(self._clock(), issue.state)
        return True

    def delete(self, issue: Issue) -> None:
        del self.issues[issue.state.id]
        self.index.drop(self._clock(), issue.state.id)

    def move(self, issue: Issue, to: str, by: str) -> str:
        """To another project: another key, the same id; the old key goes on leading to it. Raises `ValueError` for no such project."""
        project, before = self._home(f"{to}-"), issue.state
        self._numbers[project.key] += 1
        place: Json = {"project": project.key, "number": self._numbers[project.key]}
        kind = before.type if before.type in project.types else "Task"
        status = before.status if before.status in project.workflow else project.first
        at = max(whole(self._clock()), issue.next_moment)
        issue.state = settled(before, replace(before, **place, type=kind, status=status), at)
        keyed = ("Key", before.key, issue.state.key)
        issue.history.append(self.views.history(int(self._next("history")), at, by, [keyed, *differences(before, issue.state)]))
        self._ids[issue.state.key] = issue.state.id
        self.index.put(self._clock(), issue.state)
        return issue.state.key

    def clone(self, issue: Issue, by: str) -> str:
        """A copy, new, without comments and history, that *clones* the issue."""
        state = issue.state
        copy = self.fresh(self.projects[state.project], state.type, f"CLONE - {state.summary}"[:255])
        kept = {name: getattr(state, name) for name in ("description", "priority", "reporter", "assignee", "labels", "own")}
        made = self.add(replace(copy, **kept, creator=by))
        self.link("Cloners", made, issue)
        return made.state.key

    def load(self, sample: Sample) -> Issue:
        """An issue as if somebody had made it long ago. Raises `ValueError` for a key of another project."""
        project = self._home(sample.key)
        kind = OUR_TYPE.get(sample.type, "Task")
        state = self.fresh(project, kind if kind in project.types else "Task", sample.subject.replace("\n", " ")[:255], key=sample.key)
        status, updated = project.status_for(sample.status), whole(sample.updated_at or sample.created_at)
        done: Json = {"resolution": "Done", "resolved": updated} if STATUSES[status]["statusCategory"]["key"] == "done" else {}
        customer = self.accounts.known(sample.email, sample.requester, "customer")
        own = {PRODUCT_FIELD: sample.product, LANGUAGE_FIELD: sample.language, GROUP_FIELD: self._group(sample.group)}
        text: Json = {"description": self.flavour.typed(sample.body) if sample.body else None, "priority": their_priority(sample.priority)}
        who: Json = {
            "reporter": customer,
            "creator": customer,
            "assignee": self.accounts.known(sample.assignee) if sample.assignee else None,
        }
        labels = tuple(sorted(tag.replace(" ", "_") for tag in sample.tags))
        kept = {id: value for id, value in own.items() if value is not None}
        stamps: Json = {"created": whole(sample.created_at), "updated": updated, "moved": updated}
        return self.add(replace(state, **text, **who, **stamps, **done, status=status, labels=labels, own=kept))

    def act(self, deed: Deed) -> str:
        """Somebody on Jira's own pages. Raises `KeyError` for no such issue."""
        if deed.kind == "create":
            if deed.sample is None:
                raise ValueError("a creation needs a sample")
            return self.load(replace(deed.sample, created_at=self._clock(), updated_at=None)).state.key
        issue = self.issue(deed.key or "")
        key, by = issue.state.key, self.who(issue, deed)
        if deed.kind == "delete":
            self.delete(issue)
        elif deed.kind == "move":
            return self.move(issue, deed.into, by)
        elif deed.kind == "clone":
            return self.clone(issue, by)
        elif deed.kind == "merge":
            raise ValueError("issues are not merged in Jira")
        elif deed.kind == "set":
            self.change(issue, self._by_hand(issue.state, deed.fields), by)
        else:
            self.say(issue, by, self._typed(deed), {} if deed.kind == "reply" else {"sd.public.comment": {"internal": True}})
        return key

    def _typed(self, deed: Deed) -> Any:
        """What somebody wrote, with those before it whom they chose behind an @."""
        said = self.flavour.typed(deed.text)
        for email in reversed(deed.fields.get("mentions", ())):
            said = self.flavour.calling(self.accounts.view(self.accounts.known(email)) or {}, said)
        return said

    def called(self, body: Any) -> list[str]:
        """The addresses of those whom the site tells that a text mentions them."""
        ids = filter(None, map(self.accounts.written, self.flavour.called(body)))
        return [self.accounts[id].email for id in ids]

    def who(self, issue: Issue, deed: Deed) -> str:
        """The account that does it."""
        agent = issue.state.assignee or self.accounts.agents[0]
        return issue.state.reporter or agent if deed.by == "customer" else agent

    def _by_hand(self, state: State, fields: Mapping[str, Any]) -> State:
        """Fields in our words; an administrator may also jump the workflow."""
        for name, value in fields.items():
            match name:
                case "status":
                    state = replace(state, status=self.projects[state.project].status_for(str(value)))
                case "priority":
                    state = replace(state, priority=their_priority(value))
                case "subject":
                    state = replace(state, summary=str(value))
                case "tags":
                    state = replace(state, labels=tuple(sorted(map(str, value or ()))))
                case "assignee":
                    state = replace(state, assignee=self.accounts.known(str(value)) if value else None)
                case "group" | "product" | "language":
                    field = {"group": GROUP_FIELD, "product": PRODUCT_FIELD, "language": LANGUAGE_FIELD}[name]
                    state = replace(state, own={**state.own, field: self._group(value) if name == "group" else value})
                case _:
                    raise ValueError(f"nobody can set '{name}' here")
        return state

    def _group(self, name: Any) -> str | None:
        """What a person chose; an administrator adds the option where it is missing."""
        options = self.own[GROUP_FIELD].options
        if name and options is not None:
            options.add(str(name))
        return str(name) if name else None

    def _home(self, key: str | None) -> Project:
        name = key.rpartition("-")[0] if key else next(iter(self.projects))
        if name not in self.projects:
            raise ValueError(f"there is no project '{name}' here; there are {', '.join(self.projects)}")
        return self.projects[name]

    def _next(self, of: str) -> str:
        self._last[of] += 1
        return str(self._last[of])


def their_priority(ours: Any) -> str | None:
    return next((name for name, word in OUR_PRIORITY.items() if word == ours), None)
