"""How the sandbox refuses: Salesforce's codes and sentences."""

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.salesforce.sandbox_schema import LENGTHS
from connectors.sandbox import Answer


class Refused(Exception):
    """An answer that ends the handling of a request."""

    def __init__(self, status: int, code: str, message: str, fields: Iterable[str] | None = None) -> None:
        super().__init__(message)
        more = {} if fields is None else {"fields": list(fields)}
        self.answer = Answer(status=status, body=[{"message": message, "errorCode": code, **more}])


def short_enough(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        size = 0 if not isinstance(value, str) else len(value.encode()) if name == "CommentBody" else len(value)
        if size > LENGTHS.get(name, size):
            raise Refused(400, "STRING_TOO_LONG", f"{name}: data value too large (max length={LENGTHS[name]})", [name])


def no_column(name: str, table: str) -> Refused:
    return Refused(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {table}")
