"""What people do in the sandbox: the users, queues and contacts of the organization, and sample tickets turned into cases."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connectors.salesforce.sandbox_org import Org, Record, Transaction
from connectors.salesforce.sandbox_soql import stamp
from connectors.sandbox import AGENTS, GROUPS, Deed, Sample, members_of

INTEGRATION = "Ticketgate Integration"
NOBODY = "Default Case Owner"  # has the cases that no one has taken: a case always has an owner
TO_STATUS = {
    "new": "New",
    "open": "Working",
    "pending": "Waiting on Customer",
    "on_hold": "On Hold",
    "resolved": "Resolved",
    "closed": "Closed",
}
FROM_STATUS = {"Escalated": "open"} | {theirs: ours for ours, theirs in TO_STATUS.items()}
TO_PRIORITY = {"urgent": "Critical", "high": "High", "normal": "Medium", "low": "Low"}
FROM_PRIORITY = {theirs: ours for ours, theirs in TO_PRIORITY.items()}
TO_ORIGIN = {"email": "Email", "web": "Web", "phone": "Phone", "chat": "Chat", "portal": "Portal", "social": "Social"}

MADE = "CreatedDate"


class People:
    """The users of one organization, found or made by name or e-mail address."""

    def __init__(self, org: Org, epoch: datetime) -> None:
        self._org = org
        self._known: dict[tuple[str, str], str] = {}
        start = org.transaction("", epoch)
        self.api = self._user(start, INTEGRATION, "ticketgate@acme.example")
        self.nobody = self._user(start, NOBODY, "intake@acme.example")
        for name, email in AGENTS:
            self._user(start, name, email)
        org.store(start)
        for name in GROUPS:
            self._peopled(self.queue(name), name)

    def _user(self, to: Transaction, name: str, email: str, kind: str = "Standard") -> str:
        record = to.add("User", Name=name, Username=email, Email=email, UserType=kind, IsActive=True)
        record["Type"] = "User"  # what an owner's Type says; a user has no such field of its own
        self._known[kind, email] = str(record["Id"])
        return str(record["Id"])

    def _peopled(self, queue: str, name: str) -> None:
        done = self._org.transaction(self.api)
        for email in members_of(name):
            done.add("GroupMember", GroupId=queue, UserOrGroupId=self.agent(email))
        self._org.store(done)

    def queue(self, name: str) -> str:
        return self._made("Queue", name, "Group", Name=name, DeveloperName=name.replace("-", "_"), Type="Queue")

    def agent(self, email: str) -> str:
        return self._known.get(("Standard", email)) or self._new_user(email.partition("@")[0].title(), email, "Standard")

    def portal_user(self, name: str, email: str) -> str:
        """The customer as one who writes in the portal."""
        return self._known.get(("CspLitePortal", email)) or self._new_user(name, email, "CspLitePortal")

    def _new_user(self, name: str, email: str, kind: str) -> str:
        done = self._org.transaction(self.api)
        id = self._user(done, name, email, kind)
        self._org.store(done)
        return id

    def contact(self, sample: Sample) -> tuple[str, str | None]:
        """The ids of a sample's contact and account."""
        account = self._made("Account", sample.organization, "Account", Name=sample.organization) if sample.organization else None
        return self._made("Contact", sample.email, "Contact", Name=sample.requester, Email=sample.email, AccountId=account), account

    def _made(self, kind: str, key: str, table: str, **values: Any) -> str:
        if (kind, key) not in self._known:
            done = self._org.transaction(self.api)
            self._known[kind, key] = str(done.add(table, **values)["Id"])
            self._org.store(done)
        return self._known[kind, key]

    def owner(self, group: str | None, assignee: str | None) -> str:
        return self.agent(assignee) if assignee else self.queue(group) if group else self.nobody

    def side(self, user: str) -> str:
        """Who a user is to a judge: customer, agent or api."""
        if user == self.api:
            return "api"
        record = self._org.get("User", user)
        return "agent" if record and record["UserType"] == "Standard" else "customer"


def case_of(sample: Sample, people: People) -> dict[str, Any]:
    """A sample as the fields of a case."""
    contact, account = people.contact(sample)
    return {
        "Subject": sample.subject,
        "Description": sample.body or None,
        "Status": TO_STATUS[sample.status],
        "IsClosed": sample.status == "closed",
        "Priority": TO_PRIORITY[sample.priority] if sample.priority else None,
        "Origin": TO_ORIGIN.get(sample.channel),
        "Type": sample.type.capitalize(),
        "OwnerId": people.owner(sample.group, sample.assignee),
        "ContactId": contact,
        "AccountId": account,
        "Tags__c": ";".join(sample.tags) or None,
        "Product__c": sample.product,
        "Language__c": sample.language or None,
        "Group__c": sample.group,
        "CreatedById": people.portal_user(sample.requester, sample.email),
    }


def merged(done: Transaction, org: Org, case: Record, master: Record) -> None:
    """The case goes into the recycle bin and names its master there; its comments and e-mails are the master's from now on."""
    done.change("Case", case, {"IsDeleted": True, "MasterRecordId": master["Id"]})
    for table in ("CaseComment", "EmailMessage", "CaseFeed"):
        for record in org.of_parent(table, case["Id"]):
            done.change(table, record, {"ParentId": master["Id"]})
    done.change("Case", master, {})


def said(done: Transaction, org: Org, people: People, deed: Deed, case: Record, *, feed: bool) -> None:
    """A reply or a note: a customer of an e-mail case writes e-mail, all others write comments, or with `feed` posts."""
    contact = org.get("Contact", case["ContactId"]) or {"Name": "A Customer", "Email": "customer@example.com"}
    if deed.by == "customer" and deed.kind == "reply" and case["Origin"] == "Email":
        mail = {"FromAddress": contact["Email"], "FromName": contact["Name"], "ToAddress": "support@acme.example"}
        about = {"Subject": case["Subject"], "Incoming": True, "Status": "0", "MessageDate": stamp(done.at)}
        done.add("EmailMessage", ParentId=case["Id"], TextBody=deed.text, **mail, **about)
        return
    by = people.portal_user(contact["Name"], contact["Email"]) if deed.by == "customer" else done.by
    made = (
        posted(done, case["Id"], deed, *_chosen(done, org, people, deed))
        if feed
        else commented(done, case["Id"], deed.text, public=deed.kind == "reply")
    )
    made.update(CreatedById=by, LastModifiedById=by)


def _chosen(done: Transaction, org: Org, people: People, deed: Deed) -> list[Record]:
    """Those whom somebody chose behind an @, before what they wrote."""
    users = (org.truly("User", people.agent(email)) for email in deed.fields.get("mentions", ()))
    return [segment for user in users for segment in (mentioning(user), {"type": "Text", "text": " "})]


def posted(done: Transaction, case: str, deed: Deed, *chosen: Record) -> Record:
    """Straight into the feed, as in an organization that has no case comments."""
    seen = "AllUsers" if deed.kind == "reply" else "InternalUsers"
    segments = [*chosen, {"type": "Text", "text": deed.text}]
    post = done.add("CaseFeed", ParentId=case, Type="TextPost", Body="".join(one["text"] for one in segments), Visibility=seen)
    done.org.segments[post["Id"]] = segments
    return post


def mentioning(user: Record) -> Record:
    """As Salesforce tells of somebody who is mentioned, by its own name of them."""
    named = {"id": user["Id"], "name": user["Name"], "type": "User"}
    return {"type": "Mention", "accessible": True, "name": user["Name"], "text": f"@{user['Name']}", "record": named}


def commented(done: Transaction, case: str, text: str | None, *, public: bool) -> Record:
    """With what the feed says of it once more."""
    made = done.add("CaseComment", ParentId=case, CommentBody=text, IsPublished=public)
    told = done.add("CaseFeed", ParentId=case, Type="CaseCommentPost", Body=text, Visibility="AllUsers" if public else "InternalUsers")
    told.update(CreatedById=done.by, LastModifiedById=done.by)
    return made


SETS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "status": lambda v: {"Status": TO_STATUS.get(v, v), "IsClosed": v == "closed"},
    "priority": lambda v: {"Priority": TO_PRIORITY.get(v, v)},
    "type": lambda v: {"Type": str(v).capitalize()},
    "subject": lambda v: {"Subject": v},
    "body": lambda v: {"Description": v},
    "tags": lambda v: {"Tags__c": ";".join(v) or None},
    "product": lambda v: {"Product__c": v},
    "language": lambda v: {"Language__c": v},
    "error_code": lambda v: {"Error_Code__c": v},
}


def changes_of(fields: Mapping[str, Any], case: Record, people: People) -> dict[str, Any]:
    """What a person sets, in our words, as the case's own fields. Raises `ValueError` for what nobody can set."""
    out: dict[str, Any] = {}
    for name, value in fields.items():
        if name in SETS:
            out |= SETS[name](value)
        elif name not in ("group", "assignee"):
            raise ValueError(f"nobody can set '{name}' on a case")
    if fields.keys() & {"group", "assignee"}:
        group = fields["group"] if "group" in fields else case["Group__c"]
        out |= {"Group__c": group, "OwnerId": people.owner(group, fields.get("assignee"))}
    return out


def true_state(org: Org, people: People, key: str) -> dict[str, Any]:
    """What a judge compares with, in our words where they have one. Raises `KeyError`."""
    case = org.truly("Case", key)
    owner = org.owner(case["OwnerId"]) or {}
    queue = owner.get("Type") == "Queue"
    return {
        "status": FROM_STATUS.get(case["Status"], case["Status"]),
        "priority": FROM_PRIORITY.get(case["Priority"], case["Priority"]),
        "group": owner["Name"] if queue else case["Group__c"],
        "assignee": None if queue or case["OwnerId"] == people.nobody else owner.get("Email"),
        "tags": [t for t in (case["Tags__c"] or "").split(";") if t],
        "subject": case["Subject"],
        "body": case["Description"] or "",
        "product": case["Product__c"],
        "language": case["Language__c"],
        "deleted": case["IsDeleted"],
        "comments": sorted(
            (*_comments(org, people, key), *_mails(org, key), *_posts(org, people, key)), key=lambda c: (c.pop("at"), c["id"])
        ),
    }


def _said_on(org: Org, people: People, key: str) -> list[dict[str, Any]]:
    return [*_comments(org, people, key), *_mails(org, key), *_posts(org, people, key)]


def _comments(org: Org, people: People, key: str) -> list[dict[str, Any]]:
    return [
        {"id": c["Id"], "public": c["IsPublished"], "text": c["CommentBody"], "by": people.side(c["CreatedById"]), "at": c["CreatedDate"]}
        for c in org.of_parent("CaseComment", key)
    ]


def _mails(org: Org, key: str) -> list[dict[str, Any]]:
    return [
        {"id": m["Id"], "public": True, "text": m["TextBody"], "by": "customer" if m["Incoming"] else "agent", "at": m["CreatedDate"]}
        for m in org.of_parent("EmailMessage", key)
    ]


def _posts(org: Org, people: People, key: str) -> list[dict[str, Any]]:
    return [
        {
            "id": p["Id"],
            "public": p["Visibility"] == "AllUsers",
            "text": p["Body"],
            "by": people.side(p["CreatedById"]),
            "at": p["CreatedDate"],
        }
        for p in org.of_parent("CaseFeed", key)
        if p["Type"] == "TextPost"
    ]
