"""Where Jira's published document contradicts what Jira sends, or says less than recordings prove. Each override gives its reason."""

from collections.abc import Iterator

from tests.real.spec_check import Json, Override

FAULTS = ("400", "401", "403", "404", "409", "410", "413", "422", "429", "500", "503")
STAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}$"  # 2026-03-02T09:16:31.456+0100
NOBODY = {"type": "null"}


def operations(document: Json) -> Iterator[Json]:
    for item in document["paths"].values():
        yield from (said for method, said in item.items() if method in ("get", "put", "post", "delete"))


def schema(document: Json, name: str) -> Json:
    return document["components"]["schemas"][name]


def refers(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def no_content_means_none(document: Json) -> None:
    """A 204 is described with a body in places; HTTP allows none."""
    for operation in operations(document):
        operation["responses"].get("204", {}).pop("content", None)


def a_refusal_says_why(document: Json) -> None:
    """Refusals are listed without a body, 429 and 503 hardly anywhere; all of them answer an ErrorCollection."""
    answer = {"description": "refused", "content": {"application/json": {"schema": refers("ErrorCollection")}}}
    for operation in operations(document):
        for status in FAULTS:
            operation["responses"][status] = answer
    schema(document, "ErrorCollection")["required"] = ["errorMessages"]


def nobody_can_be_assigned(document: Json) -> None:
    """The body of an assignment is described as a User, whose account is never null; null is how one unassigns."""
    body = {"type": "object", "properties": {"accountId": {"type": "string", "nullable": True}}, "required": ["accountId"]}
    operation = document["paths"]["/rest/api/3/issue/{issueIdOrKey}/assignee"]["put"]
    operation["requestBody"]["content"]["application/json"]["schema"] = body | {"additionalProperties": False}


def a_change_may_come_from_nothing(document: Json) -> None:
    """Of 20 recorded change logs 14 hold nulls for 'was empty', and one the two keys for accounts."""
    details = schema(document, "ChangeDetails")
    for name in ("from", "fromString", "to", "toString"):
        details["properties"][name]["nullable"] = True
    details["properties"] |= {
        "tmpFromAccountId": {"type": "string", "nullable": True},
        "tmpToAccountId": {"type": "string", "nullable": True},
    }


def an_issue_has_typed_fields(document: Json) -> None:
    """Stricter: `fields` is described as anything at all; the issues out of recorded webhooks are all like this."""
    people = dict.fromkeys(("assignee", "reporter", "creator"), "UserDetails")
    things = {"priority": "Priority", "issuetype": "IssueTypeDetails", "project": "ProjectDetails", "status": "StatusDetails"}
    typed = {name: {"anyOf": [refers(kind), NOBODY]} for name, kind in {**people, **things}.items()}
    texts = {"summary": {"type": "string"}, "labels": {"type": "array", "items": {"type": "string"}}}
    stamps = {name: {"type": "string", "pattern": STAMP} for name in ("created", "updated")}
    issue = schema(document, "IssueBean")
    issue["required"] = ["id", "key", "self"]
    issue["properties"]["fields"] = {"type": "object", "properties": {**typed, **texts, **stamps, "description": _document_or_none()}}


def text_is_a_document(document: Json) -> None:
    """Stricter: version 3 takes and gives rich text as an Atlassian document; the document leaves it open, plain text passed."""
    comment = schema(document, "Comment")["properties"]
    comment["body"] = _document()
    comment["created"] = {"type": "string", "pattern": STAMP}
    fields = schema(document, "IssueUpdateDetails")["properties"]["fields"]
    fields["properties"] = {"description": _document_or_none(), "summary": {"type": "string"}, "labels": {"type": "array"}}


def a_page_says_whether_it_is_the_last(document: Json) -> None:
    """Stricter: without `issues` and a way on, a search that forgot its page would pass for an empty one."""
    schema(document, "SearchAndReconcileResults")["required"] = ["issues"]
    schema(document, "PageOfComments")["required"] = ["comments", "startAt", "maxResults", "total"]
    schema(document, "Transitions")["required"] = ["transitions"]


def _document() -> Json:
    content = {"type": "array", "items": {"type": "object", "required": ["type"]}}
    shape = {"type": {"enum": ["doc"]}, "version": {"enum": [1]}, "content": content}
    return {"type": "object", "properties": shape, "required": ["type", "version", "content"]}


def _document_or_none() -> Json:
    return {"anyOf": [_document(), NOBODY]}


ALL: tuple[Override, ...] = (
    no_content_means_none,
    a_refusal_says_why,
    nobody_can_be_assigned,
    a_change_may_come_from_nothing,
    an_issue_has_typed_fields,
    text_is_a_document,
    a_page_says_whether_it_is_the_last,
)
