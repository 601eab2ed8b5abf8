"""The objects that the sandbox's organization has: their fields, how they refer to each other, and the words of its picklists."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["id", "text", "area", "time", "flag", "pick", "number", "date", "multi"]
"""`area` is long text, which no condition may name."""

LENGTHS = {"Subject": 255, "CommentBody": 4000, "Body": 10000, "Description": 32000, "Ticketgate_Key__c": 64, "Tags__c": 255}
STATUSES = ("New", "Working", "Escalated", "Waiting on Customer", "On Hold", "Resolved", "Closed")
PICKLISTS: Mapping[str, tuple[str, ...]] = {
    "Status": STATUSES,
    "Priority": ("Critical", "High", "Medium", "Low"),
    "Origin": ("Phone", "Email", "Web", "Chat", "Portal", "Social"),
    "Type": ("Question", "Incident", "Problem", "Request", "Bug", "Change", "Task"),
}
PREFIXES = {
    "Case": "500",
    "CaseComment": "00a",
    "EmailMessage": "02s",
    "CaseFeed": "0D5",
    "CaseHistory": "017",
    "CaseMilestone": "555",
    "MilestoneType": "557",
    "User": "005",
    "Group": "00G",
    "GroupMember": "011",
    "Contact": "003",
    "Account": "001",
    "ContentDocument": "069",
    "ContentVersion": "068",
    "ContentDocumentLink": "06A",
    "Attachment": "00P",
    "Network": "0DB",
}
TYPED = ("Seats__c", "Start__c", "Renewal__c", "Regions__c", "Beta__c")
OWN_FIELDS = ("Tags__c", "Product__c", "Language__c", "Group__c", "Error_Code__c", "Ticketgate_Key__c", *TYPED)
STANDARD = ("Subject", "Description", "Status", "Priority", "Type", "Origin", "OwnerId", "ContactId", "AccountId", "ParentId")
SUPPLIED = ("SuppliedName", "SuppliedEmail", "SuppliedCompany")
WRITABLE = frozenset({*STANDARD, *SUPPLIED, *OWN_FIELDS})


@dataclass(frozen=True, slots=True)
class Relation:
    """A field that holds another record's id; without a `table` it may be a user or a queue (type `Name`)."""

    by: str
    table: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    fields: Mapping[str, Kind]
    relations: Mapping[str, Relation] = field(default_factory=dict)
    children: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # relationship: (table, its field with our id)


def _fields(**kinds: str) -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for kind, names in kinds.items():
        found |= dict.fromkeys(names.split(), kind)  # type: ignore[arg-type]
    return found


OWNED = {"CreatedBy": Relation("CreatedById", "User"), "LastModifiedBy": Relation("LastModifiedById", "User")}
STAMPS = "CreatedDate LastModifiedDate SystemModstamp"
SCHEMA: Mapping[str, Schema] = {
    "Case": Schema(
        fields=_fields(
            id="Id OwnerId ContactId AccountId ParentId MasterRecordId CreatedById LastModifiedById",
            text=" ".join(("CaseNumber", "Subject", *SUPPLIED, *OWN_FIELDS)),
            area="Description",
            pick="Status Priority Type Origin",
            flag="IsDeleted IsClosed IsStopped Beta__c",
            time=f"{STAMPS} ClosedDate Renewal__c",
            number="Seats__c",
            date="Start__c",
            multi="Regions__c",
        ),
        relations={
            **OWNED,
            "Owner": Relation("OwnerId"),
            "Contact": Relation("ContactId", "Contact"),
            "Account": Relation("AccountId", "Account"),
            "Parent": Relation("ParentId", "Case"),
        },
        children={
            "CaseComments": ("CaseComment", "ParentId"),
            "EmailMessages": ("EmailMessage", "ParentId"),
            "Feeds": ("CaseFeed", "ParentId"),
            "Histories": ("CaseHistory", "CaseId"),
        },
    ),
    "CaseComment": Schema(
        fields=_fields(id="Id ParentId CreatedById LastModifiedById", area="CommentBody", flag="IsPublished IsDeleted", time=STAMPS),
        relations={**OWNED, "Parent": Relation("ParentId", "Case")},
    ),
    "EmailMessage": Schema(
        fields=_fields(
            id="Id ParentId CreatedById LastModifiedById",
            text="Subject FromAddress FromName ToAddress",
            area="TextBody Headers",
            pick="Status",
            flag="Incoming IsDeleted",
            time=f"{STAMPS} MessageDate",
        ),
        relations={**OWNED, "Parent": Relation("ParentId", "Case")},
    ),
    "CaseFeed": Schema(
        fields=_fields(id="Id ParentId CreatedById LastModifiedById", area="Body", pick="Type Visibility", flag="IsDeleted", time=STAMPS),
        relations={**OWNED, "Parent": Relation("ParentId", "Case")},
    ),
    "CaseHistory": Schema(
        fields=_fields(id="Id CaseId CreatedById", pick="Field", area="OldValue NewValue", flag="IsDeleted", time="CreatedDate"),
        relations={"CreatedBy": OWNED["CreatedBy"], "Case": Relation("CaseId", "Case")},
    ),
    "CaseMilestone": Schema(
        fields=_fields(
            id="Id CaseId MilestoneTypeId CreatedById LastModifiedById",
            flag="IsCompleted IsViolated IsDeleted",
            time=f"{STAMPS} StartDate TargetDate CompletionDate",
        ),
        relations={**OWNED, "Case": Relation("CaseId", "Case"), "MilestoneType": Relation("MilestoneTypeId", "MilestoneType")},
    ),
    "MilestoneType": Schema(fields=_fields(id="Id", text="Name", time=STAMPS)),
    "User": Schema(fields=_fields(id="Id", text="Name Username Email", pick="UserType", flag="IsActive", time=STAMPS)),
    "Group": Schema(fields=_fields(id="Id", text="Name DeveloperName", pick="Type", time=STAMPS)),
    "GroupMember": Schema(fields=_fields(id="Id GroupId UserOrGroupId", time="SystemModstamp")),
    "Contact": Schema(
        fields=_fields(id="Id AccountId", text="Name Email", flag="IsDeleted", time=STAMPS),
        relations={"Account": Relation("AccountId", "Account")},
    ),
    "Account": Schema(fields=_fields(id="Id", text="Name", flag="IsDeleted", time=STAMPS)),
    "ContentDocument": Schema(
        fields=_fields(
            id="Id LatestPublishedVersionId CreatedById LastModifiedById",
            text="Title FileExtension FileType",
            flag="IsDeleted",
            time=STAMPS,
        ),
        relations={**OWNED, "LatestPublishedVersion": Relation("LatestPublishedVersionId", "ContentVersion")},
    ),
    "ContentVersion": Schema(
        fields=_fields(
            id="Id ContentDocumentId FirstPublishLocationId CreatedById LastModifiedById",
            text="Title PathOnClient FileExtension FileType Checksum",
            area="Description",
            pick="ContentLocation",
            flag="IsLatest IsDeleted",
            number="ContentSize",
            time=STAMPS,
        ),
        relations={**OWNED, "ContentDocument": Relation("ContentDocumentId", "ContentDocument")},
    ),
    "ContentDocumentLink": Schema(
        fields=_fields(id="Id ContentDocumentId LinkedEntityId", pick="ShareType Visibility", flag="IsDeleted", time="SystemModstamp"),
        relations={"ContentDocument": Relation("ContentDocumentId", "ContentDocument")},
    ),
    "Attachment": Schema(
        fields=_fields(
            id="Id ParentId CreatedById LastModifiedById",
            text="Name ContentType",
            flag="IsPrivate IsDeleted",
            number="BodyLength",
            time=STAMPS,
        ),
        relations=OWNED,
    ),
    "Network": Schema(fields=_fields(id="Id", text="Name", pick="Status")),
}
OWNERS = frozenset({"Name", "Type", "Email", "Id", "IsActive", "Username"})  # what a user-or-queue can be asked
KEPT_BY = dict.fromkeys(("CaseComment", "EmailMessage", "CaseFeed"), "ParentId") | dict.fromkeys(("CaseHistory", "CaseMilestone"), "CaseId")
KEPT_BY |= {"ContentDocumentLink": "LinkedEntityId", "Attachment": "ParentId"}


def described(table: str, version: str, frozen: Container[str] = (), denied: Container[str] = ()) -> dict[str, object]:
    """What `describe` says of an object, with the keys of the recorded answer. `frozen` are fields, `denied` objects that nobody makes."""
    lists: dict[str, object] = {"childRelationships": [], "recordTypeInfos": []}
    more = dict.fromkeys(("searchLayoutable", "listviewable", "lookupLayoutable"), True)
    fields = [_described(name, kind, frozen=name in frozen) for name, kind in SCHEMA[table].fields.items()]
    may = {"createable": table not in denied}
    return {**summed_up(table, version), **may, **more, **lists, "fields": fields}


def summed_up(table: str, version: str) -> dict[str, object]:
    """What the list of objects says of one."""
    flags = ("layoutable", "updateable", "searchable", "createable", "feedEnabled", "mergeable", "queryable", "replicateable")
    on, off = (*flags, "retrieveable", "undeletable", "triggerable", "deletable"), ("custom", "activateable", "customSetting")
    here = f"/services/data/v{version}/sobjects/{table}"
    urls = {"sobject": here, "describe": f"{here}/describe", "rowTemplate": here + "/{ID}"}
    names = {"name": table, "label": table, "labelPlural": table + "s", "keyPrefix": PREFIXES[table], "urls": urls}
    return {**names, **dict.fromkeys(on, True), **dict.fromkeys((*off, "deprecatedAndHidden"), False)}


SOAP_TYPES = {"id": "tns:ID", "time": "xsd:dateTime", "flag": "xsd:boolean"}
TYPES = {"id": "reference", "area": "textarea", "time": "datetime", "flag": "boolean", "pick": "picklist", "text": "string"}
TYPES |= {"number": "double", "date": "date", "multi": "multipicklist"}


def _described(name: str, kind: Kind, *, frozen: bool = False) -> dict[str, object]:
    length, key = LENGTHS.get(name, {"id": 18, "area": 32000, "text": 255, "pick": 255}.get(kind, 0)), name == "Ticketgate_Key__c"
    said: dict[str, object] = {
        "name": name,
        "label": name,
        "type": "id" if name == "Id" else TYPES[kind],
        "length": length,
        "byteLength": 3 * length,
        "soapType": SOAP_TYPES.get(kind, "xsd:string"),
        "picklistValues": [_choice(value, first=n == 0) for n, value in enumerate(PICKLISTS.get(name, ()))],
        "referenceTo": ["User", "Group"] if name == "OwnerId" else [],
    }
    flags = {
        "custom": name in OWN_FIELDS,
        "nillable": name not in ("Id", "Status", "OwnerId", "IsDeleted"),
        "defaultedOnCreate": kind in ("time", "flag") or name in ("Status", "OwnerId"),
        "restrictedPicklist": name in PICKLISTS,
        "groupable": kind in ("id", "pick", "text"),
        "idLookup": name == "Id" or key,
    }
    flags |= dict.fromkeys(("externalId", "unique"), key) | dict.fromkeys(("nameField", "autoNumber"), name == "CaseNumber")
    flags |= dict.fromkeys(("createable", "updateable"), name in WRITABLE and not frozen) | dict.fromkeys(
        ("filterable", "sortable"), kind != "area"
    )
    return {**said, **flags, **NEVER}


EMPTY = ("defaultValue", "controllerName", "inlineHelpText", "calculatedFormula", "defaultValueFormula", "relationshipName")
OFF = ("calculated", "caseSensitive", "deprecatedAndHidden", "namePointing", "htmlFormatted", "dependentPicklist")
NEVER: Mapping[str, object] = {
    **dict.fromkeys((*EMPTY, "relationshipOrder"), None),
    **dict.fromkeys((*OFF, "writeRequiresMasterRead"), False),
    **dict.fromkeys(("precision", "scale", "digits"), 0),
}
"""What is the same for every field here."""


def _choice(value: str, *, first: bool) -> dict[str, object]:
    return {"value": value, "active": True, "label": value, "defaultValue": first, "validFor": None}
