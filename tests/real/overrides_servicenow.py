"""The ServiceNow document was not written by its vendor and describes every answer as any object; here is what real answers look like."""

from tests.real.spec_check import Json, Override

FAULTS = ("400", "401", "403", "404", "429", "500")
STAMP = r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)?$"  # in UTC; empty: not set
TEXT = {"type": "string"}
REFERENCE = {
    "type": "object",
    "properties": {"value": TEXT, "display_value": {"type": "string", "nullable": True}, "link": TEXT},
    "required": ["value"],
    "additionalProperties": False,
}


def table_operations(document: Json) -> list[Json]:
    paths = ("/api/now/table/{tableName}", "/api/now/table/{tableName}/{sys_id}")
    return [said for path in paths for method, said in document["paths"][path].items() if method != "parameters"]


def statuses_are_text(document: Json) -> None:
    """Statuses of answers are written as numbers, which OpenAPI does not allow; nothing found them."""
    for operation in table_operations(document):
        operation["responses"] = {str(status): answer for status, answer in operation["responses"].items()}


def an_answer_holds_records_of_text(document: Json) -> None:
    """Stricter: both recorded answers are `result` with every value a string, a reference an object of strings; never a number or null."""
    stamp = {"anyOf": [{"type": "string", "pattern": STAMP}, REFERENCE]}
    stamped = {name: stamp for name in ("sys_created_on", "sys_updated_on", "opened_at")}
    record = {"type": "object", "properties": stamped, "additionalProperties": {"anyOf": [TEXT, REFERENCE]}}
    result = {"anyOf": [record, {"type": "array", "items": record}]}
    body = {"type": "object", "properties": {"result": result}, "required": ["result"], "additionalProperties": False}
    for operation in table_operations(document):
        for status in ("200", "201"):
            if status in operation["responses"]:
                operation["responses"][status]["content"] = {"application/json": {"schema": body}}


def a_refusal_says_why(document: Json) -> None:
    """No refusal is described; the product answers all of them in one shape."""
    error = {"type": "object", "properties": {"message": TEXT, "detail": {"type": "string", "nullable": True}}, "required": ["message"]}
    status = {"enum": ["failure"]}
    body = {"type": "object", "properties": {"error": error, "status": status}, "required": ["error", "status"]}
    for operation in table_operations(document):
        for fault in FAULTS:
            operation["responses"][fault] = {"description": "refused", "content": {"application/json": {"schema": body}}}


def a_body_is_a_record_of_text(document: Json) -> None:
    """Stricter: what we write is text too, as the product's own examples have it."""
    body = {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1}
    for operation in table_operations(document):
        if "requestBody" in operation:
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}


ALL: tuple[Override, ...] = (statuses_are_text, an_answer_holds_records_of_text, a_refusal_says_why, a_body_is_a_record_of_text)
