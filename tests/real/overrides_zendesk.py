"""Where Zendesk's published document contradicts what Zendesk sends: as published, no recorded ticket is valid. Each gives its reason."""

from collections.abc import Iterator
from typing import Any

from tests.real.spec_check import Json, Override

FAULTS = ("400", "401", "403", "404", "406", "409", "410", "413", "422", "429", "500", "503")
STAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
PAGING = ("page[size]", "page[after]", "page[before]", "per_page", "page", "include", "sort", "external_id")
PLAIN_ITEM = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "value": {}},
    "required": ["id", "value"],
    "additionalProperties": False,
}


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, item in document["paths"].items():
        yield from ((path, said) for method, said in item.items() if method in ("get", "put", "post", "delete", "patch"))


def schema(document: Json, name: str) -> Json:
    return document["components"]["schemas"][name]


def anything_may_be_null(document: Json) -> None:
    """None of 1,704 properties is described as nullable, and most recorded tickets hold a dozen nulls."""
    for node in _schemas(document["components"]["schemas"]):
        for said in node.get("properties", {}).values():
            if isinstance(said, dict):
                said["nullable"] = True


def an_exported_ticket_may_be_deleted(document: Json) -> None:
    """Exports go on showing deleted tickets, with a status that the document lacks."""
    schema(document, "TicketObject")["properties"]["status"]["enum"].append("deleted")


def a_job_tells_what_it_wants(document: Json) -> None:
    """The results of a job are a list of objects or an object; the described items are wrong in 7 of 23 recorded ones."""
    schema(document, "JobStatusObject")["properties"]["results"] = {
        "anyOf": [{"type": "array", "items": {"type": "object"}}, {"type": "object"}, {"type": "null"}]
    }


def a_created_thing_is_a_201(document: Json) -> None:
    """Macros and views are answered with 201 when they are made, and described with 200."""
    for path in ("/api/v2/macros", "/api/v2/views"):
        answers = document["paths"][path]["post"]["responses"]
        answers.setdefault("201", answers.get("200"))


def a_condition_may_be_a_boolean(document: Json) -> None:
    """Conditions of recorded triggers are compared with true and false, not only with text and lists."""
    for name in ("TriggerConditionObject", "ConditionObject"):
        if name in document["components"]["schemas"]:
            schema(document, name)["properties"]["value"] = {}


def a_user_has_an_id_a_name_and_a_role(document: Json) -> None:
    """Stricter: both described kinds of user leave everything out; every recorded user has these."""
    schema(document, "UserObject")["required"] = ["id", "name", "role"]


def an_audit_shows_lists_and_nothing(document: Json) -> None:
    """The value of a change is described as text or number; tags are lists, and what was emptied is null."""
    event = schema(document, "AuditObject")["properties"]["events"]["items"]
    event["properties"]["value"] = {}


def a_refusal_says_why(document: Json) -> None:
    """None of the 20 recorded faults is described; all are `error`, mostly with `description` and `details`."""
    said = {"error": {"anyOf": [{"type": "string"}, {"type": "object"}]}, "description": {}, "details": {}, "message": {}}
    body = {"type": "object", "properties": said, "required": ["error"]}
    for _, operation in operations(document):
        for status in FAULTS:
            operation["responses"][status] = {"description": "refused", "content": {"application/json": {"schema": body}}}


def lists_are_paged(document: Json) -> None:
    """Every list takes the paging, sideloading and sorting of the vendor's own guide; the document has them in few places."""
    for _, operation in operations(document):
        said = operation.setdefault("parameters", [])
        known = {p.get("name") for p in said}
        said.extend({"name": name, "in": "query", "schema": {"type": "string"}} for name in PAGING if name not in known)


def an_export_goes_on_from_a_cursor(document: Json) -> None:
    """`start_time` is described as required, even with the cursor that replaces it; a start is needed all the same."""
    item = document["paths"]["/api/v2/incremental/tickets/cursor"]
    kept = [p for p in item["parameters"] if "IncrementalUnixTime" not in str(p)]
    start = {"name": "start_time", "in": "query", "schema": {"type": "integer"}}
    excluded = {"name": "exclude_deleted", "in": "query", "schema": {"type": "boolean"}}
    item["parameters"] = [*kept, start, excluded]


def a_ticket_is_written_in_known_words(document: Json) -> None:
    """Stricter: unknown keys pass in the document (`statuss`). And custom fields need id and value only, not key, type and title."""
    update, create = schema(document, "TicketUpdateInput"), schema(document, "TicketCreateInput")
    update["properties"]["custom_fields"] = {"type": "array", "items": PLAIN_ITEM}
    update["properties"]["metadata"] = {"type": "object"}  # described with the audits, on which it ends up
    more = next(part for part in create["allOf"] if "properties" in part)
    merged = {**update["properties"], **more["properties"]}
    document["components"]["schemas"]["TicketCreateInput"] = {"type": "object", "properties": merged, "additionalProperties": False}
    update["additionalProperties"] = False
    for name in ("TicketUpdateRequest", "TicketCreateRequest"):
        schema(document, name)["required"] = ["ticket"]
    document["components"]["schemas"]["TicketCreateInput"]["required"] = ["comment"]


def an_answer_holds_its_ticket(document: Json) -> None:
    """Stricter: in the document an answer without its ticket passes, and so does `updated_at: yesterday`."""
    ticket = schema(document, "TicketObject")
    ticket["required"] = sorted({*ticket.get("required", []), "id", "status", "updated_at", "created_at", "tags", "requester_id"})
    for name in ("created_at", "updated_at"):
        ticket["properties"][name] = {"type": "string", "pattern": STAMP}
    for name in ("TicketResponse", "TicketUpdateResponse"):
        if name in document["components"]["schemas"]:
            schema(document, name)["required"] = ["ticket"]
    schema(document, "CursorBasedExportIncrementalTicketsResponse")["required"] = ["tickets", "after_cursor", "end_of_stream"]


def a_field_of_ones_own_holds_what_its_kind_holds(document: Json) -> None:
    """Described as text alone; the vendor's guide to custom field values has flags, numbers and lists of words as well."""
    held = schema(document, "TicketObject")["properties"]["custom_fields"]["items"]["properties"]
    word = {"type": "string"}
    held["value"] = {"anyOf": [word, {"type": "boolean"}, {"type": "number"}, {"type": "array", "items": word}], "nullable": True}


def an_upload_names_its_file(document: Json) -> None:
    """`filename` is required by the words of the operation, which describes no parameter and no body: a file of any type.

    `token` adds to an upload made before.
    """
    upload = document["paths"]["/api/v2/uploads"]["post"]
    named = [{"name": "filename", "in": "query", "required": True, "schema": {"type": "string"}}]
    upload["requestBody"] = {"content": {"*/*": {"schema": {}}}}
    upload["parameters"] = [*named, {"name": "token", "in": "query", "schema": {"type": "string"}}]


def _schemas(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield node
        for part in node.values():
            yield from _schemas(part)
    elif isinstance(node, list):
        for part in node:
            yield from _schemas(part)


ALL: tuple[Override, ...] = (
    anything_may_be_null,
    an_exported_ticket_may_be_deleted,
    a_job_tells_what_it_wants,
    a_created_thing_is_a_201,
    a_condition_may_be_a_boolean,
    a_user_has_an_id_a_name_and_a_role,
    an_audit_shows_lists_and_nothing,
    a_refusal_says_why,
    lists_are_paged,
    an_export_goes_on_from_a_cursor,
    a_ticket_is_written_in_known_words,
    an_answer_holds_its_ticket,
    a_field_of_ones_own_holds_what_its_kind_holds,
    an_upload_names_its_file,
)
