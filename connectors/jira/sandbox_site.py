"""The sandbox's site as its administrators set it up: projects, workflows, statuses, fields, people; each in Jira's own shape."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeAlias

from connectors.sandbox import AGENTS, GROUPS

Json: TypeAlias = dict[str, Any]

URL = "https://acme.atlassian.net"
API = f"{URL}/rest/api/3"
ACCOUNT = {"name": "ticketgate", "email": "ticketgate@example.com", "token": "sandbox-jira-token"}

CATEGORIES = {
    "new": {"self": f"{API}/statuscategory/2", "id": 2, "key": "new", "colorName": "blue-gray", "name": "To Do"},
    "indeterminate": {"self": f"{API}/statuscategory/4", "id": 4, "key": "indeterminate", "colorName": "yellow", "name": "In Progress"},
    "done": {"self": f"{API}/statuscategory/3", "id": 3, "key": "done", "colorName": "green", "name": "Done"},
}


def _status(name: str, id: str, category: str) -> Json:
    return {
        "self": f"{API}/status/{id}",
        "description": "",
        "iconUrl": f"{URL}/",
        "name": name,
        "id": id,
        "statusCategory": CATEGORIES[category],
    }


STATUSES: Mapping[str, Json] = {
    name: _status(name, id, category)
    for name, id, category in (
        ("Open", "1", "new"),
        ("In Progress", "3", "indeterminate"),
        ("Waiting for customer", "10101", "indeterminate"),
        ("Blocked", "10102", "indeterminate"),
        ("Resolved", "5", "done"),
        ("Closed", "6", "done"),
        ("To Do", "10000", "new"),
        ("In Review", "10001", "indeterminate"),
        ("Done", "10002", "done"),
    )
}
OUR_STATUS = {
    "Open": "new",
    "To Do": "new",
    "In Progress": "open",
    "In Review": "open",
    "Waiting for customer": "pending",
    "Blocked": "on_hold",
    "Resolved": "resolved",
    "Done": "resolved",
    "Closed": "closed",
}
PRIORITIES: Mapping[str, Json] = {
    name: {"self": f"{API}/priority/{n}", "iconUrl": f"{URL}/images/icons/priorities/{name.lower()}.svg", "name": name, "id": str(n)}
    for n, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), 1)
}
OUR_PRIORITY = {"Highest": "urgent", "High": "high", "Medium": "normal", "Low": "low", "Lowest": "low"}
RESOLUTIONS: Mapping[str, Json] = {
    name: {"self": f"{API}/resolution/{id}", "id": id, "description": "", "name": name}
    for id, name in (("10000", "Done"), ("10001", "Won't Do"), ("10002", "Duplicate"), ("10003", "Cannot Reproduce"))
}
LINK_TYPES: Mapping[str, Json] = {
    name: {"id": id, "name": name, "inward": inward, "outward": outward, "self": f"{API}/issueLinkType/{id}"}
    for id, name, inward, outward in (
        ("10000", "Blocks", "is blocked by", "blocks"),
        ("10001", "Cloners", "is cloned by", "clones"),
        ("10002", "Duplicate", "is duplicated by", "duplicates"),
        ("10003", "Relates", "relates to", "relates to"),
        ("10004", "Problem/Incident", "is caused by", "causes"),
    )
}
ISSUE_TYPES: Mapping[str, Json] = {
    name: {
        "self": f"{API}/issuetype/{10000 + n}",
        "id": str(10000 + n),
        "description": "",
        "iconUrl": f"{URL}/secure/viewavatar?size=medium&avatarId={10300 + n}&avatarType=issuetype",
        "name": name,
        "subtask": False,
        "avatarId": 10300 + n,
    }
    for n, name in enumerate(("Incident", "Service Request", "Problem", "Change", "Bug", "Task", "Story"))
}
OUR_TYPE = {
    "incident": "Incident",
    "request": "Service Request",
    "question": "Service Request",
    "problem": "Problem",
    "change": "Change",
    "bug": "Bug",
    "task": "Task",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A transition: where it leads, and whether its screen demands a resolution."""

    id: str
    name: str
    to: str
    resolution: bool = False


SERVICE: Mapping[str, tuple[Step, ...]] = {
    "Open": (Step("21", "Respond to customer", "Waiting for customer"), Step("11", "Start work", "In Progress")),
    "In Progress": (
        Step("21", "Respond to customer", "Waiting for customer"),
        Step("31", "Wait for third party", "Blocked"),
        Step("41", "Resolve this issue", "Resolved", resolution=True),
        Step("51", "Back to the queue", "Open"),
    ),
    "Waiting for customer": (Step("61", "Customer responded", "In Progress"),),
    "Blocked": (Step("71", "Go on", "In Progress"),),
    "Resolved": (Step("81", "Close", "Closed"), Step("91", "Reopen", "In Progress")),
    "Closed": (Step("91", "Reopen", "In Progress"),),
}
SOFTWARE: Mapping[str, tuple[Step, ...]] = {
    "To Do": (Step("11", "Start", "In Progress"),),
    "In Progress": (Step("21", "Ask for review", "In Review"), Step("51", "Stop", "To Do")),
    "In Review": (Step("22", "Needs work", "In Progress"), Step("31", "Done", "Done", resolution=True)),
    "Done": (Step("41", "Reopen", "In Progress"),),
}


@dataclass(frozen=True, slots=True)
class Project:
    key: str
    id: str
    name: str
    kind: str  # service_desk | software
    types: tuple[str, ...]

    @property
    def workflow(self) -> Mapping[str, tuple[Step, ...]]:
        return SERVICE if self.kind == "service_desk" else SOFTWARE

    @property
    def first(self) -> str:
        return next(iter(self.workflow))

    def status_for(self, ours: str) -> str:
        """The status that stands for our word; the nearest one where the workflow has none of its own."""
        own = {OUR_STATUS[name]: name for name in reversed(list(self.workflow))}
        return own.get(ours) or own["resolved" if ours == "closed" else "open"]

    def view(self) -> Json:
        return {
            "self": f"{API}/project/{self.id}",
            "id": self.id,
            "key": self.key,
            "name": self.name,
            "projectTypeKey": self.kind,
            "simplified": False,
            "avatarUrls": _avatars(f"{URL}/rest/api/3/universal_avatar/view/type/project/avatar/{self.id}"),
        }


def projects() -> dict[str, Project]:
    """CORE is a service desk, where a note can be kept from customers; WEB a software project, three steps from start to end."""
    desk = ("Incident", "Service Request", "Problem", "Change", "Bug", "Task")
    core = Project("CORE", "10000", "Core", "service_desk", desk)
    return {"CORE": core, "WEB": Project("WEB", "10001", "Web shop", "software", ("Bug", "Task", "Story"))}


def _avatars(address: str) -> Json:
    return {f"{size}x{size}": f"{address}?size={size}" for size in (48, 24, 16, 32)}


@dataclass(frozen=True, slots=True)
class OwnField:
    """A custom field: `kind` is its schema's type, `items` that of a list's members; `options` are all that a select takes (None: any)."""

    id: str
    name: str
    kind: str
    type: str
    items: str | None = None
    options: set[str] | None = None

    @property
    def schema(self) -> Json:
        items = {"items": self.items} if self.items else {}
        custom = f"com.atlassian.jira.plugin.system.customfieldtypes:{self.type}"
        return {"type": self.kind, **items, "custom": custom, "customId": int(self.id.rpartition("_")[2])}

    def takes(self, word: str) -> bool:
        return self.options is None or word in self.options


PRODUCT_FIELD, LANGUAGE_FIELD, GROUP_FIELD = "customfield_10050", "customfield_10051", "customfield_10052"


def own_fields() -> dict[str, OwnField]:
    return {
        f.id: f
        for f in (
            OwnField(PRODUCT_FIELD, "Product", "option", "select"),
            OwnField(LANGUAGE_FIELD, "Language", "option", "select"),
            OwnField(GROUP_FIELD, "Group", "option", "select", options=set(GROUPS)),
            OwnField("customfield_10053", "Contract", "string", "textfield"),
            OwnField("customfield_10054", "Seats", "number", "float"),
            OwnField("customfield_10055", "Renewal", "datetime", "datetime"),
            OwnField("customfield_10056", "Regions", "array", "multiselect", "option"),
            OwnField("customfield_10057", "Customer impact", "string", "textarea"),
            OwnField("customfield_10058", "Start", "date", "datepicker"),
            OwnField("customfield_10059", "Account manager", "user", "userpicker"),
            OwnField("customfield_10060", "Beta", "option", "radiobuttons", options={"Yes", "No"}),
        )
    }


SYSTEM_FIELDS = (
    ("summary", "Summary", "string"),
    ("description", "Description", "string"),
    ("issuetype", "Issue Type", "issuetype"),
    ("status", "Status", "status"),
    ("resolution", "Resolution", "resolution"),
    ("priority", "Priority", "priority"),
    ("reporter", "Reporter", "user"),
    ("assignee", "Assignee", "user"),
    ("labels", "Labels", "array"),
    ("created", "Created", "datetime"),
    ("updated", "Updated", "datetime"),
    ("duedate", "Due date", "date"),
    ("project", "Project", "project"),
)


def field_list(own: Iterable[OwnField]) -> list[Json]:
    """`GET /field`."""
    rows: list[Json] = [_field(id, id, name, custom=False, schema=_schema(id, kind)) for id, name, kind in SYSTEM_FIELDS]
    return rows + [_field(f.id, f"cf[{f.id.rpartition('_')[2]}]", f.name, custom=True, schema=f.schema) for f in own]


def _schema(id: str, kind: str) -> Json:
    return {"type": kind, "system": id, **({"items": "string"} if kind == "array" else {})}


def _field(id: str, clause: str, name: str, *, custom: bool, schema: Json) -> Json:
    flags = {"custom": custom, "orderable": True, "navigable": True, "searchable": True}
    return {"id": id, "key": id, "name": name, **flags, "clauseNames": sorted({clause, name}), "schema": schema}


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str
    email: str
    kind: str = "atlassian"  # atlassian | customer | app
    hidden: bool = False  # privacy keeps the e-mail address from the interface

    def view(self, zone: str) -> Json:
        return {
            "self": f"{API}/user?accountId={self.id}",
            "accountId": self.id,
            **({} if self.hidden else {"emailAddress": self.email}),
            "avatarUrls": _avatars(f"https://avatar-management.example/{self.id}/128"),
            "displayName": self.name,
            "active": True,
            "timeZone": zone,
            "accountType": self.kind,
        }


class People:
    """Accounts by id; a customer's is made when they are first heard of. `named` is the key by which a write names one."""

    named = "accountId"

    def __init__(self, zone: str, hidden: Iterable[str] = ()) -> None:
        self._zone, self._hidden = zone, frozenset(hidden)
        self._accounts: dict[str, Account] = {}
        self._views: dict[str, Json] = {}
        self.api = self.known(ACCOUNT["email"], ACCOUNT["name"])
        self.agents = [self.known(email, name) for name, email in AGENTS]

    def known(self, email: str, name: str | None = None, kind: str = "atlassian") -> str:
        """The id of the account with this address, made when there is none."""
        id = self._id(email, kind)
        for other in ("atlassian", "customer", "app"):
            if self._id(email, other) in self._accounts:
                return self._id(email, other)
        self._accounts[id] = account = Account(id, name or email.partition("@")[0].title(), email, kind, email in self._hidden)
        self._views[id] = self._view(account)
        return id

    def written(self, word: str) -> str | None:
        """The id of the account that a write names so; None for none."""
        return word if word in self else None

    def __contains__(self, id: object) -> bool:
        return id in self._accounts

    def __getitem__(self, id: str) -> Account:
        return self._accounts[id]

    def view(self, id: str | None) -> Json | None:
        return self._views[id] if id is not None else None

    def search(self, query: str) -> list[Json]:
        word = query.casefold()
        hits = [a for a in self._accounts.values() if word in a.email.casefold() or word in a.name.casefold()]
        return [self._views[a.id] for a in hits if a.kind != "customer" or word == a.email.casefold()]

    def _id(self, email: str, kind: str) -> str:
        digits = sha256(email.encode()).hexdigest()
        return f"qm:5f0d0b1c:{digits[:24]}" if kind == "customer" else digits[:24]

    def _view(self, account: Account) -> Json:
        return account.view(self._zone)


class Users(People):
    """As Data Center knows people: by `key`, which stays, and by `name`, which a write wants; nobody is a customer by their account."""

    named = "name"

    def written(self, word: str) -> str | None:
        return next((id for id, view in self._views.items() if view["name"] == word), None)

    def search(self, query: str) -> list[Json]:
        word = query.casefold()
        return [view for id, view in self._views.items() if any(word in t.casefold() for t in (view["name"], *self._told(self[id])))]

    def _told(self, account: Account) -> tuple[str, str]:
        return account.name, "" if account.hidden else account.email

    def _id(self, email: str, kind: str) -> str:
        return f"JIRAUSER{10000 + int(sha256(email.encode()).hexdigest()[:8], 16)}"

    def _view(self, account: Account) -> Json:
        local, _, domain = account.email.partition("@")
        name = f"{local}.{domain.partition('.')[0]}"
        return {
            "self": f"{API}/user?username={name}",
            "key": account.id,
            "name": name,
            **({} if account.hidden else {"emailAddress": account.email}),
            "avatarUrls": _avatars(f"{URL}/secure/useravatar"),
            "displayName": account.name,
            "active": True,
            "timeZone": self._zone,
        }
